"""Suspects: padding, pooling and resizing, where programs differ."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

from matbridge.core.card import Layer
from matbridge.core.dims import Size, same_padding
from matbridge.core.network import Connection, Network, Port
from matbridge.errors import MatbridgeError
from matbridge.layers.combination import DepthConcatenation
from matbridge.layers.convolution import Convolution
from matbridge.layers.pooling import AveragePooling, MaxPooling
from matbridge.layers.resize import DepthToSpace2D, Resize
from matbridge.layers.transposed import TransposedConvolution
from matbridge.layers.windowed import extents, moved_over
from matbridge.ops import Padding
from matbridge.verify.case import Case
from matbridge.verify.suspects.changes import Change, Reading, Site, read_otherwise
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS"]

Pairs = Sequence[tuple[int, int]]
PADDED = (Convolution, MaxPooling, AveragePooling)


def _padded(repad: Callable[[Pairs], Pairs]) -> Change:
    """Padding with other amounts at the ends, where the size of the result stays."""

    def change(site: Site) -> Layer | None:
        layer, x = site.layer, site.entering
        if not isinstance(layer, PADDED) or x is None:
            return None
        old = _amounts(layer, x)
        if old is None or (new := list(repad(old))) == old:
            return None
        other = layer.replace(padding=new)
        return other if _same_size(layer, other, x) else None

    return change


def _amounts(
    layer: Convolution | MaxPooling | AveragePooling, x: Size
) -> list[tuple[int, int]] | None:
    """The padding before and after each dimension, None where the input's size is not known."""
    padding: Padding = layer.padding
    if not isinstance(padding, str):
        return [tuple(pair) for pair in padding]
    dilation = getattr(layer, "dilation_factor", (1,) * layer.RANK)
    window = layer.filter_size if isinstance(layer, Convolution) else layer.pool_size
    if padding == "causal":
        return [((k - 1) * d, 0) for k, d in zip(window, dilation, strict=True)]
    sizes = extents(x, moved_over(layer, x, layer.RANK))
    sides = zip(sizes, window, layer.stride, dilation, strict=True)
    amounts = [
        None if n is None and s != 1 else same_padding(n or 0, k, s, d) for n, k, s, d in sides
    ]
    return None if None in amounts else [pair for pair in amounts if pair is not None]


def _same_size(layer: Layer, other: Layer, x: Size) -> bool:
    try:
        return layer.infer(x) == other.infer(x)
    except MatbridgeError:
        return False


def _mirrored(pairs: Pairs) -> Pairs:
    return [(after, before) for before, after in pairs]


def _even(pairs: Pairs) -> Pairs:
    """As much at both ends: the larger of the two."""
    return [(max(pair), max(pair)) for pair in pairs]


def _at_the_end(pairs: Pairs) -> Pairs:
    return [(0, sum(pair)) for pair in pairs]


def _at_the_start(pairs: Pairs) -> Pairs:
    return [(sum(pair), 0) for pair in pairs]


def _centred(pairs: Pairs) -> Pairs:
    """The odd one at the end."""
    return [(sum(pair) // 2, sum(pair) - sum(pair) // 2) for pair in pairs]


def _cropped(site: Site) -> Layer | None:
    """A transposed convolution that cuts the odd one at the other end."""
    layer = site.layer
    if not isinstance(layer, TransposedConvolution):
        return None
    mirrored = [(after, before) for before, after in layer.amounts]
    return None if mirrored == list(layer.amounts) else layer.replace(cropping=mirrored)


def _valued(value: float | str) -> Change:
    """Convolutions that pad with something else, where they pad."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, Convolution) or layer.padding_value == value:
            return None
        pads = isinstance(layer.padding, str) or any(map(any, layer.padding))
        return layer.replace(padding_value=value) if pads else None

    return change


PADDING = read_otherwise(
    "padding on the other side",
    17,
    Reading(
        _padded(_even),
        "the padding of {where} is the same on both sides",
        "the expected values were made with symmetric padding, as PyTorch's layers have it",
    ),
    Reading(
        _padded(_mirrored),
        "the padding of {where} has its odd element at the start",
        "the expected values were made with padding that begins at the top and left; MATLAB, "
        "TensorFlow and ONNX's SAME_UPPER have the odd element at the end",
    ),
    Reading(
        _padded(_at_the_start),
        "all padding of {where} is at the start",
        "the expected values were made with causal padding",
    ),
    Reading(
        _padded(_at_the_end),
        "all padding of {where} is at the end",
        "the expected values were made with padding at the end alone",
    ),
    Reading(
        _padded(_centred),
        "the padding of {where} is centred",
        "the expected values were made with padding at both ends",
    ),
    Reading(
        _cropped,
        "{where} cuts the odd element at the start",
        "the expected values were made with a transposed convolution that crops the other side",
    ),
)
VALUE = read_otherwise(
    "padding value",
    18,
    *(
        Reading(
            _valued(value),
            f"{{where}} pads with {words}",
            f"the expected values were made with {words} in the padding",
        )
        for value, words in (
            (0.0, "zeros"),
            ("replicate", "copies of the edge"),
            ("symmetric-include-edge", "a mirror image that includes the edge"),
            ("symmetric-exclude-edge", "a mirror image without the edge"),
        )
    ),
)


def _counting(site: Site) -> Layer | None:
    layer = site.layer
    if not isinstance(layer, AveragePooling):
        return None
    if not isinstance(layer.padding, str) and not any(map(any, layer.padding)):
        return None
    return layer.replace(padding_value=0.0 if layer.padding_value == "mean" else "mean")


POOLING = read_otherwise(
    "padding in the mean",
    19,
    Reading(
        _counting,
        "the mean of {where} treats padding the other way",
        "the expected values were made with average pooling that counts padding where this does "
        "not, or the other way round, as programs differ",
    ),
)


def _resized(**properties: str) -> Change:
    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not isinstance(layer, Resize):
            return None
        linear = {2: "bilinear", 3: "trilinear"}[layer.RANK]
        wanted = {k: linear if v == "linear" else v for k, v in properties.items()}
        own = {name: getattr(layer, name) for name in wanted}
        return None if own == wanted else layer.replace(**wanted)

    return change


RESIZING = read_otherwise(
    "resize layers",
    25,
    *(
        Reading(
            _resized(**properties),
            f"{{where}} takes {words}",
            "the expected values were made with another interpolation, as PyTorch, TensorFlow and "
            "ONNX differ in it",
        )
        for properties, words in (
            ({"transform": "asymmetric"}, "coordinates as 'asymmetric'"),
            ({"transform": "half-pixel"}, "coordinates as 'half-pixel'"),
            ({"rounding": "floor"}, "the nearest by 'floor'"),
            ({"rounding": "round"}, "the nearest by 'round'"),
            ({"rounding": "onnx-10"}, "the nearest as 'onnx-10'"),
            (
                {"method": "nearest", "transform": "asymmetric", "rounding": "floor"},
                "the nearest as PyTorch does",
            ),
            ({"method": "nearest"}, "the nearest element"),
            ({"method": "linear"}, "linear interpolation"),
        )
    ),
)


def _blocks(site: Site) -> Layer | None:
    layer = site.layer
    if not isinstance(layer, DepthToSpace2D):
        return None
    return layer.replace(mode={"dcr": "crd", "crd": "dcr"}[layer.mode])


BLOCKS = read_otherwise(
    "depth to space",
    26,
    Reading(
        _blocks,
        "{where} orders channels and blocks the other way",
        "the expected values were made with the other of 'dcr' and 'crd': PyTorch's PixelShuffle "
        "is 'crd'",
    ),
)


# -- concatenation -----------------------------------------------------------------------------

# The most inputs of which every order is tried; of more, the reverse.
FEW = 3


def _joined(case: Case) -> Iterator[Variant]:
    """The inputs of a concatenation in another order."""
    for layer in case.network.layers:
        if not isinstance(layer, DepthConcatenation) or len(layer.inputs) < 2:
            continue
        ports = layer.inputs
        orders = [ports[::-1]] if len(ports) > FEW else list(itertools.permutations(ports))
        for order in orders:
            if order == ports:
                continue
            network = _reconnected(case.network, layer.name, dict(zip(ports, order, strict=True)))
            yield Variant(
                case.replace(network=network),
                (layer.name,),
                f"{layer.name} joins its inputs in the order {', '.join(order)}",
                "the expected values were made with the inputs of a concatenation in another order",
            )


def _reconnected(network: Network, name: str, ports: dict[str, str]) -> Network:
    """What led into a port of this layer leads into another."""

    def moved(end: Port) -> Port:
        return Port(name, ports[end.name]) if end.layer == name else end

    connections = tuple(Connection(c.source, moved(c.destination)) for c in network.connections)
    return dataclasses.replace(network, connections=connections)


JOINED = Suspect("order of concatenation", 27, _joined)

SUSPECTS: tuple[Suspect, ...] = (
    *(*PADDING, *VALUE, *POOLING, *RESIZING, *BLOCKS),
    JOINED,
)
