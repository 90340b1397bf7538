"""Suspects: weights laid out as other programs have them."""

from __future__ import annotations

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import Size, column_major, reorder
from matbridge.layers.convolution import Convolution, GroupedConvolution2D
from matbridge.layers.dense import FullyConnected
from matbridge.layers.shape import Flatten
from matbridge.layers.transposed import TransposedConvolution
from matbridge.layers.windowed import Windowed
from matbridge.ops.layout import numbered
from matbridge.verify.suspects.changes import (
    Change,
    Reading,
    Site,
    read_otherwise,
    recast,
    with_array,
)
from matbridge.verify.suspects.otherwise import FlattenIn
from matbridge.verify.suspects.suspect import Suspect

__all__ = ["SUSPECTS"]

FILTERED: tuple[type[Windowed], ...] = (Convolution, TransposedConvolution)


# -- fully connected layers behind images ------------------------------------------------------

# From the slowest to the fastest, and who flattens so; MATLAB's is C21 or C321.
ORDERS = {
    "12C": "row by row, the channels fastest, as TensorFlow and Keras flatten",
    "C12": "channel by channel and in these row by row, as PyTorch and ONNX flatten",
    "21C": "column by column, the channels fastest",
    "1C2": "by rows, in these by channels, the width fastest",
    "2C1": "by columns, in these by channels, the height fastest",
    "123C": "row by row, the channels fastest, as TensorFlow and Keras flatten",
    "C123": "channel by channel and in these row by row, as PyTorch and ONNX flatten",
    "321C": "plane by plane, the channels fastest",
    "1C": "position by position, the channels fastest",
}


def _columns(size: Size, order: str) -> np.ndarray | None:
    """Which column of weights in this order stands where in MATLAB's; None for the same."""
    labels = [label for label in numbered(size.format) if label in "123C"]
    extents = dict(zip(labels, size.all("SC"), strict=True))
    if sorted(order) != sorted(labels) or None in extents.values():
        return None
    places = np.arange(np.prod([n or 0 for n in extents.values()]))
    there = places.reshape([extents[label] or 0 for label in order])
    columns = column_major(reorder(there, order, "".join(labels)), (-1,))
    return None if np.array_equal(columns, places) else columns


def _weights_in(order: str) -> Change:
    """The columns of a fully connected layer's Weights in this order."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, FullyConnected) or site.entering is None:
            return None
        columns = _columns(site.entering, order)
        return (
            None
            if columns is None
            else with_array(layer, Weights=layer.arrays["Weights"][:, columns])
        )

    return change


def _flattened_in(order: str) -> Change:
    """A flatten layer in this order."""

    def change(site: Site) -> Layer | None:
        flat = isinstance(site.layer, Flatten) and site.entering is not None
        if not flat or site.entering is None or _columns(site.entering, order) is None:
            return None
        return recast(site.layer, FlattenIn, order=order)

    return change


FLATTEN = read_otherwise(
    "flatten order",
    4,
    *(
        Reading(change(order), words.format(order=order_words), meaning)
        for order, order_words in ORDERS.items()
        for change, words, meaning in (
            (
                _weights_in,
                "the columns of the weights of {{where}} count {order}",
                (
                    "the expected values were made with images flattened in another order before "
                    "the fully connected layer than MATLAB's column-major one"
                ),
            ),
            (
                _flattened_in,
                "{{where}} flattens {order}",
                (
                    "the expected values were made with another flatten order than MATLAB's "
                    "column-major one"
                ),
            ),
        )
    ),
)


# -- filters -----------------------------------------------------------------------------------


def _of_filters(layout: str, cards: tuple[type[Windowed], ...] = FILTERED) -> Change:
    """Filters with some spatial labels (h, w, d) turned round, in capitals, or in another order;
    io and oi for the channels."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, cards) or "Weights" not in layer.arrays:
            return None
        weights = layer.arrays["Weights"]
        labels = "hwd"[: layer.RANK] + "ioga"[: weights.ndim - layer.RANK]
        wanted = layout.replace("*", labels[layer.RANK :])
        if sorted(wanted.lower()) != sorted(labels):
            return None
        turned = reorder(weights, labels, wanted.lower())
        turned = np.flip(turned, tuple(i for i, label in enumerate(wanted) if label.isupper()))
        return with_array(layer, Weights=turned) if turned.shape == weights.shape else None

    return change


def _row_by_row(site: Site) -> Layer | None:
    """Weights whose memory was written row by row, read in MATLAB's order."""
    layer = site.layer
    weights = layer.arrays.get("Weights")
    if weights is None or not isinstance(layer, (*FILTERED, FullyConnected)):
        return None
    return with_array(layer, Weights=column_major(weights, (-1,)).reshape(weights.shape))


def _transposed(site: Site) -> Layer | None:
    """The square matrix of a fully connected layer, transposed."""
    layer = site.layer
    weights = layer.arrays.get("Weights")
    if not isinstance(layer, FullyConnected) or weights is None:
        return None
    if weights.shape[0] != weights.shape[1]:
        return None
    return with_array(layer, Weights=reorder(weights, "OI", "IO"))


def _across_groups(site: Site) -> Layer | None:
    """The filters of a grouped convolution counted across the groups, not group by group."""
    layer = site.layer
    if not isinstance(layer, GroupedConvolution2D):
        return None
    arrays = {}
    for name, array in layer.arrays.items():
        *rest, filters, groups = array.shape
        merged = array.reshape((*rest, filters * groups), order="F")
        arrays[name] = merged.reshape((*rest, filters, groups))
    return with_array(layer, **arrays)


def _zeros(*names: str) -> Change:
    """Arrays of these names gone."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        there = [name for name in names if name in layer.arrays]
        if not there or not isinstance(layer, (*FILTERED, FullyConnected)):
            return None
        return with_array(layer, **{name: np.zeros_like(layer.arrays[name]) for name in there})

    return change


FLIPPED = (
    "the filters of {where} are turned by 180°",
    (
        "the expected values were made with a convolution, which flips the filter; MATLAB's "
        "layers, as those of all deep learning programs, correlate"
    ),
)
TURNED = read_otherwise(
    "filters flipped",
    12,
    Reading(_of_filters("HW*"), *FLIPPED),
    Reading(_of_filters("H*"), *FLIPPED),
    Reading(_of_filters("HWD*"), *FLIPPED),
    Reading(
        _of_filters("Hw*"),
        "the filters of {where} are flipped upside down",
        "the expected values were made with the height of the filters counted from the other end",
    ),
    Reading(
        _of_filters("hW*"),
        "the filters of {where} are flipped left to right",
        "the expected values were made with the width of the filters counted from the other end",
    ),
)
TRANSPOSED = read_otherwise(
    "filters transposed",
    13,
    Reading(
        _of_filters("wh*"),
        "the height and the width of the filters of {where} are exchanged",
        "the expected values were made with filters whose height and width were exchanged when "
        "the weights moved between MATLAB and another program",
    ),
    Reading(
        _of_filters("WH*"),
        "the height and the width of the filters of {where} are exchanged, and these turned by "
        "180°",
        "the expected values were made with filters whose order in memory was reversed",
    ),
    Reading(
        _of_filters("wdh*"),
        "the dimensions of the filters of {where} are width, depth, height",
        "the expected values were made with the dimensions of the filters in another order",
    ),
    Reading(
        _of_filters("dwh*"),
        "the dimensions of the filters of {where} are depth, width, height",
        "the expected values were made with the dimensions of the filters in another order",
    ),
    Reading(
        _of_filters("whd*"),
        "the height and the width of the filters of {where} are exchanged",
        "the expected values were made with the dimensions of the filters in another order",
    ),
    Reading(
        _row_by_row,
        "the weights of {where} are read row by row",
        "the expected values were made with weights whose memory is row-major, as NumPy writes "
        "it, where MATLAB's is column-major",
    ),
)
EXCHANGED = read_otherwise(
    "input and output channels exchanged",
    14,
    *(
        Reading(
            change,
            "the input and output channels of the weights of {where} are exchanged",
            "the expected values were made with weights whose input and output channels were "
            "exchanged, which square ones let pass",
        )
        for change in (_of_filters("oi"), _of_filters("hoi"), _of_filters("hwoi"), _transposed)
    ),
)
GROUPS = read_otherwise(
    "order of groups",
    15,
    Reading(
        _across_groups,
        "the filters of {where} are counted across the groups",
        "the expected values were made with grouped filters in the order of another program",
    ),
)
BIAS = read_otherwise(
    "bias missing",
    16,
    Reading(
        _zeros("Bias"),
        "{where} has no bias",
        "the expected values were made without the biases, which were lost on the way",
    ),
)

SUSPECTS: tuple[Suspect, ...] = (*FLATTEN, *TURNED, *TRANSPOSED, *EXCHANGED, *GROUPS, *BIAS)
