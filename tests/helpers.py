"""What several tests use: networks of one layer, and comparison with a reference."""

import numpy as np

from matbridge import Network
from matbridge.core.dims import batch_first, reorder
from matbridge.matlab import CONSTRUCTORS, construct

EXACT = 1e-12
SINGLE = 2e-6


def layer(builder, *arguments, **named):
    """The layer that MATLAB's constructor makes."""
    return construct(CONSTRUCTORS[builder], *arguments, **named)


def input_layer(format, shape, name=""):
    """The input layer that takes an array of this format and shape as it is."""
    sizes = [n for n, label in zip(shape, format, strict=True) if label in "SC"]
    if format == "CB":
        return layer("featureInputLayer", sizes[0], Name=name)
    if "T" in format:
        return layer("sequenceInputLayer", sizes, Name=name)
    if format == "SCB":
        return layer("inputLayer", [*sizes, np.nan], "SCB", Name=name)
    builder = {"SSCB": "imageInputLayer", "SSSCB": "image3dInputLayer"}[format]
    return layer(builder, sizes, Name=name, Normalization="none")


def network_of(*layers, like, format):
    """These layers in a chain after the input layer that fits an array of this format."""
    return Network.of([input_layer(format, like.shape), *layers])


def behind_inputs(one, inputs):
    """A layer with an input layer for each (format, array)."""
    entries = [input_layer(format, x.shape, f"in{i}") for i, (format, x) in enumerate(inputs)]
    pairs = [(e.name, f"{one.name}/{port}") for e, port in zip(entries, one.inputs, strict=True)]
    return Network.of([*entries, one], pairs)


def batch_first_array(x, format):
    """As modules and written models take it: float32, in PyTorch's order."""
    return np.ascontiguousarray(reorder(x, format, batch_first(format)), np.float32)


def run(layers, x, format, dtype="float64", **options):
    """The layers on x, given and returned in the labelled order of ``format``."""
    layers = layers if isinstance(layers, list) else [layers]
    return network_of(*layers, like=x, format=format).predict(
        x, format=format, dtype=dtype, **options
    )


def assert_close(found, expected, tolerance=EXACT):
    """Equal sizes, and no difference beyond a fraction of the largest expected value."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    largest = np.abs(expected).max(initial=0.0)
    wide = np.complex128 if np.iscomplexobj(expected) else np.float64
    difference = np.abs(found.astype(wide) - expected).max(initial=0.0)
    assert difference <= tolerance * max(largest, 1e-30), f"{difference} of {largest}"


def assert_layer(layers, x, format, expected):
    """Both float64, to rounding, and float32, to its rounding."""
    assert_close(run(layers, x, format), expected)
    assert_close(run(layers, x, format, "float32"), expected, 50 * SINGLE)
