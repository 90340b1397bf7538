"""What several tests use: networks of one layer, and comparison with a reference."""

import numpy as np

from matbridge import Network
from matbridge.matlab import CONSTRUCTORS, construct

EXACT = 1e-12
SINGLE = 2e-6


def layer(builder, *arguments, **named):
    """The layer that MATLAB's constructor makes."""
    return construct(CONSTRUCTORS[builder], *arguments, **named)


INPUTS = {
    "CB": lambda sizes: layer("featureInputLayer", sizes[0]),
    "CBT": lambda sizes: layer("sequenceInputLayer", sizes[0]),
    "SCBT": lambda sizes: layer("sequenceInputLayer", [sizes[0], sizes[1]]),
    "SSCB": lambda sizes: layer("imageInputLayer", list(sizes[:3]), Normalization="none"),
    "SSCBT": lambda sizes: layer("sequenceInputLayer", list(sizes[:3])),
    "SSSCB": lambda sizes: layer("image3dInputLayer", list(sizes[:4]), Normalization="none"),
    "SSSCBT": lambda sizes: layer("sequenceInputLayer", list(sizes[:4])),
}


def network_of(*layers, like, format):
    """These layers in a chain after the input layer that fits an array of this format."""
    return Network.of([INPUTS[format](like.shape), *layers])


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
