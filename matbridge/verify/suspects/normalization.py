"""Suspects: how data are normalized as they enter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import reorder
from matbridge.layers.input import AnyInput, NormalizingInput
from matbridge.verify.case import Case
from matbridge.verify.suspects.changes import Change, Reading, Site, read_otherwise, recast
from matbridge.verify.suspects.entering import entering_arrays
from matbridge.verify.suspects.otherwise import ScaledInput
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS", "Map"]


class Map(NamedTuple):
    """factor·x + summand: what every normalization by numbers is."""

    factor: np.ndarray
    summand: np.ndarray

    def after(self, first: Map) -> Map:
        """The other one first, then this."""
        return Map(self.factor * first.factor, self.factor * first.summand + self.summand)


def map_of(layer: NormalizingInput) -> Map | None:
    """What the layer does; None for a function and for what is not finite."""
    ones = np.ones((*(1 for _ in layer.input_size[1:]), layer.input_size[-1]))
    if len(layer.input_size) == 1:
        ones = ones.reshape(-1, 1)
    statistics = [
        np.asarray(layer.arrays[a.name], float) * ones
        for a in layer.declared
        if a.name in layer.arrays
    ]
    made = MAPS.get(str(layer.normalization))
    if made is None or len(statistics) < len(layer.declared):
        return None
    with np.errstate(all="ignore"):
        result = Map(*np.broadcast_arrays(*made(ones, *statistics)))
    return result if all(np.isfinite(part).all() for part in result) else None


MAPS: dict[str, Callable[..., Map]] = {
    "none": lambda ones: Map(ones, 0 * ones),
    "zerocenter": lambda ones, mean: Map(ones, -mean),
    "zscore": lambda ones, mean, deviation: Map(1 / deviation, -mean / deviation),
    "rescale-zero-one": lambda ones, low, high: Map(1 / (high - low), -low / (high - low)),
    "rescale-symmetric": lambda ones, low, high: Map(2 / (high - low), -2 * low / (high - low) - 1),
}


def with_map(layer: NormalizingInput, new: Map) -> Layer | None:
    """The layer with another map, None where that is no map or the layer's own."""
    old = map_of(layer)
    if not all(np.isfinite(part).all() for part in new) or not new.factor.all():
        return None
    if old is not None and all(np.allclose(a, b, 1e-9, 0) for a, b in zip(old, new, strict=True)):
        return None
    arrays = {"Mean": -new.summand / new.factor, "StandardDeviation": 1 / new.factor}
    return layer.replace(normalization="zscore", arrays=arrays)


def _mapped(remap: Callable[[Map, NormalizingInput], Map | None]) -> Change:
    """Input layers whose map becomes another."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        old = map_of(layer) if isinstance(layer, NormalizingInput) else None
        if old is None or not isinstance(layer, NormalizingInput):
            return None
        new = remap(old, layer)
        return None if new is None else with_map(layer, new)

    return change


def _twice(old: Map, layer: NormalizingInput) -> Map:
    return old.after(old)


def _missing(old: Map, layer: NormalizingInput) -> Map:
    return Map(np.ones_like(old.factor), np.zeros_like(old.summand))


def _undivided(old: Map, layer: NormalizingInput) -> Map | None:
    if layer.normalization != "zscore":
        return None
    return Map(np.ones_like(old.factor), old.summand / old.factor)


def _uncentred(old: Map, layer: NormalizingInput) -> Map | None:
    if layer.normalization != "zscore":
        return None
    return Map(old.factor, np.zeros_like(old.summand))


def _plus(old: Map, layer: NormalizingInput) -> Map:
    """The mean added, not subtracted."""
    return Map(old.factor, -old.summand)


def _rescaled(old: Map, layer: NormalizingInput) -> Map | None:
    """The other of the two ranges."""
    ones = np.ones_like(old.factor)
    others = {
        "rescale-zero-one": Map(2 * ones, -ones),
        "rescale-symmetric": Map(0.5 * ones, 0.5 * ones),
    }
    other = others.get(str(layer.normalization))
    return None if other is None else other.after(old)


def _averaged(axes: Callable[[int], tuple[int, ...]]) -> Callable[[Map, NormalizingInput], Map]:
    """Statistics averaged over some axes of images, as if there were one for all."""

    def remap(old: Map, layer: NormalizingInput) -> Map:
        mean, deviation = (
            np.mean(part, axis=axes(part.ndim), keepdims=True) + 0 * part
            for part in (-old.summand / old.factor, 1 / old.factor)
        )
        return Map(1 / deviation, -mean / deviation)

    return remap


def _turned(old: Map, layer: NormalizingInput) -> Map | None:
    """A mean image of square images with its height and width exchanged."""
    if old.factor.ndim != 3 or old.factor.shape[0] != old.factor.shape[1]:
        return None
    return Map(*(reorder(part, "12C", "21C") for part in old))


def _backwards(old: Map, layer: NormalizingInput) -> Map:
    """The statistics of the channels in the reverse order."""
    axis = old.factor.ndim - 1 if len(layer.input_size) > 1 else 0
    return Map(*(np.flip(part, axis) for part in old))


INPUT = read_otherwise(
    "input normalization",
    1,
    Reading(
        _mapped(_missing),
        "{where} does not normalize",
        "the expected values were made without the normalization of the input layer",
    ),
    Reading(
        _mapped(_twice),
        "{where} normalizes twice",
        "the expected values were made from data that were normalized before predict, which the "
        "input layer did once more",
    ),
    Reading(
        _mapped(_undivided),
        "{where} subtracts the mean without dividing",
        "the expected values were made with zerocenter where the network has another normalization",
    ),
    Reading(
        _mapped(_uncentred),
        "{where} divides without subtracting",
        "the expected values were made without the mean of the input layer",
    ),
    Reading(
        _mapped(_rescaled),
        "{where} rescales to the other of the ranges 0..1 and -1..1",
        "the expected values were made with the other rescale normalization",
    ),
    Reading(
        _mapped(_averaged(lambda rank: tuple(range(rank - 1)) if rank > 2 else ())),
        "{where} has one mean and one deviation for each channel",
        "the expected values were made with statistics per channel where the network has them per "
        "element",
    ),
    Reading(
        _mapped(_averaged(lambda rank: tuple(range(rank)))),
        "{where} has one mean and one deviation for everything",
        "the expected values were made with statistics over all elements",
    ),
    Reading(
        _mapped(_backwards),
        "the statistics of {where} belong to the channels in reverse order",
        "the expected values were made with the mean of blue, green and red for red, green and "
        "blue",
    ),
    Reading(
        _mapped(_turned),
        "the height and the width of the mean image of {where} are exchanged",
        "the expected values were made with a mean image that was transposed on the way",
    ),
    Reading(
        _mapped(_plus),
        "{where} adds the mean",
        "the expected values were made with the mean added where it is to be subtracted",
    ),
)


# -- the values of images ----------------------------------------------------------------------

# factor, summand, how it matches, and what that means.
IMAGE_VALUES: tuple[tuple[float, float, str, str], ...] = (
    (255.0, 0.0, "0..255", "scaled to 0..255, where these are 0..1"),
    (1 / 255, 0.0, "0..1", "scaled to 0..1, where these are 0..255"),
    (1 / 127.5, -1.0, "-1..1", "scaled to -1..1, where these are 0..255"),
    (127.5, 127.5, "0..255", "scaled to 0..255, where these are -1..1"),
    (2.0, -1.0, "-1..1", "scaled to -1..1, where these are 0..1"),
    (0.5, 0.5, "0..1", "scaled to 0..1, where these are -1..1"),
    (1.0, -128.0, "-128..127", "shifted by 128"),
    (1 / 256, 0.0, "0..1", "divided by 256"),
    (257.0, 0.0, "0..65535", "in 16 bits, where these are in 8"),
    (1 / 257, 0.0, "0..255", "in 8 bits, where these are in 16"),
    (1 / 65535, 0.0, "0..1", "scaled to 0..1, where these are 0..65535"),
    (-1.0, 255.0, "255..0", "inverted, black for white"),
    (-1.0, 1.0, "1..0", "inverted, black for white"),
)
# Mean and deviation of images 0..1 in red, green and blue: those of ImageNet.
IMAGENET = (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]))


def _valued(factor: float, summand: float, bare: bool) -> Change:
    """Images scaled as they enter, before the layer normalizes them, or instead of that."""

    def change(site: Site) -> Layer | None:
        layer = site.layer
        if not layer.IS_INPUT or "S" not in getattr(layer, "format", ""):
            return None
        if isinstance(layer, AnyInput):
            return None if bare else recast(layer, ScaledInput, factor=factor, summand=summand)
        if not isinstance(layer, NormalizingInput):
            return None
        old = map_of(layer)
        if old is None or (bare and layer.normalization == "none"):
            return None
        first = Map(factor * np.ones_like(old.factor), summand * np.ones_like(old.factor))
        return with_map(layer, first if bare else old.after(first))

    return change


def _as_imagenet(site: Site) -> Layer | None:
    layer = site.layer
    if not isinstance(layer, NormalizingInput) or layer.input_size[-1] != 3:
        return None
    mean, deviation = IMAGENET
    shape = (1,) * (len(layer.input_size) - 1) + (3,)
    if len(shape) < 2:
        return None
    factor = (1 / (255 * deviation)).reshape(shape)
    return with_map(layer, Map(factor, (-mean / deviation).reshape(shape)))


def _values() -> Iterator[Reading]:
    for bare, without in ((False, ""), (True, ", without normalization")):
        for factor, summand, span, meaning in IMAGE_VALUES:
            yield Reading(
                _valued(factor, summand, bare),
                f"the images of {{where}} are brought to {span}{without}",
                f"the expected values were made from images {meaning}{without}",
            )


VALUES = read_otherwise(
    "image values",
    2,
    *_values(),
    Reading(
        _as_imagenet,
        "the images of {where} are normalized by the mean and deviation of ImageNet",
        "the expected values were made with the normalization of PyTorch's models",
    ),
)


# -- statistics of the data --------------------------------------------------------------------


def _standardized(case: Case) -> Iterator[Variant]:
    """Each channel by what the data themselves tell, where the network does not normalize."""
    for name, parts, labels in entering_arrays(case):
        layer = case.network.input_layers.get(name)
        if not isinstance(layer, NormalizingInput) or not parts or "C" not in labels:
            continue
        rows = _by_channel(parts, labels)
        if rows is None or rows.shape[1] < 2:
            continue
        for words, map_ in _own_maps(rows):
            shape = (1,) * (len(layer.input_size) - 1) + (-1,)
            shape = shape if len(shape) > 1 else (-1, 1)
            own = Map(*(part.reshape(shape) for part in map_))
            for changed, without in _with_own(layer, own):
                yield Variant(
                    case.replace(network=case.network.with_layers(changed)),
                    (name,),
                    f"the data of {name} are {words}{without}",
                    "the expected values were made from data that were normalized before predict "
                    f"by their own statistics{without}",
                )


def _with_own(layer: NormalizingInput, own: Map) -> Iterator[tuple[Layer, str]]:
    """The layer after a map of the data, and with that in place of its own."""
    old = map_of(layer)
    after = None if old is None else with_map(layer, old.after(own))
    instead = with_map(layer, own) if layer.normalization != "none" else None
    if after is not None:
        yield after, ""
    if instead is not None:
        yield instead, ", without normalization"


def _by_channel(parts: Sequence[np.ndarray], labels: str) -> np.ndarray | None:
    """All values of each channel in a row."""
    axis = labels.index("C")
    if any(part.ndim <= axis for part in parts):
        return None
    rest = labels[:axis] + labels[axis + 1 :]
    turned = [reorder(part, labels[: part.ndim], "C" + rest[: part.ndim - 1]) for part in parts]
    return np.concatenate([part.reshape(len(part), -1) for part in turned], 1).astype(float)


def _own_maps(rows: np.ndarray) -> Iterator[tuple[str, Map]]:
    low, high, mean = rows.min(1), rows.max(1), rows.mean(1)
    with np.errstate(all="ignore"):
        for deviation in (rows.std(1, ddof=1), rows.std(1)):
            yield (
                "standardized by their own mean and deviation",
                Map(1 / deviation, -mean / deviation),
            )
        for bottom, top in ((0.0, 1.0), (-1.0, 1.0)):
            factor = (top - bottom) / (high - low)
            yield (
                f"rescaled to {bottom:g}..{top:g} by their own range",
                Map(factor, bottom - low * factor),
            )


STANDARDIZED = Suspect("data normalized before predict", 9, _standardized)

SUSPECTS: tuple[Suspect, ...] = (*INPUT, *VALUES, STANDARDIZED)
