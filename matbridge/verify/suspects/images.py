"""Suspects: images as other programs hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from matbridge.core.dims import reorder
from matbridge.ops.layout import numbered
from matbridge.predict.images import imresize
from matbridge.text import listed
from matbridge.verify.case import Case
from matbridge.verify.suspects.entering import with_arrays
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS"]

Turn = Callable[[np.ndarray, str], np.ndarray | None]


def _channels(order: tuple[int, ...]) -> Turn:
    """Images of three channels with these in another order."""

    def turn(image: np.ndarray, labels: str) -> np.ndarray | None:
        if "S" not in labels or "C" not in labels or image.shape[labels.index("C")] != len(order):
            return None
        return np.take(image, order, labels.index("C"))

    return turn


def _turned(flips: str, exchange: bool = False) -> Turn:
    """Images flipped along some of 1 (height) and 2 (width), their height and width exchanged
    before."""

    def turn(image: np.ndarray, labels: str) -> np.ndarray | None:
        names = numbered(labels)
        if not {"1", "2"} <= set(names):
            return None
        height, width = names.index("1"), names.index("2")
        if exchange:
            if image.shape[height] != image.shape[width]:
                return None
            image = reorder(image, names, names.translate(str.maketrans("12", "21")))
        return np.flip(image, tuple(names.index(label) for label in flips)) if flips else image

    return turn


def _with_images(*turns: tuple[Turn, str, str]) -> Callable[[Case], Iterator[Variant]]:
    """Variants of a case with its images turned."""

    def variants(case: Case) -> Iterator[Variant]:
        for turn, words, meaning in turns:
            turned, where = with_arrays(case, turn)
            if where:
                yield Variant(turned, where, words.format(where=listed(where, 4)), meaning)

    return variants


# -- resizing ----------------------------------------------------------------------------------

# The methods of imresize, with antialiasing or without, and whose they are.
RESIZES: tuple[tuple[str, bool, str], ...] = (
    ("bilinear", False, "bilinear without antialiasing, as OpenCV and PyTorch resize"),
    ("bilinear", True, "bilinear with antialiasing, as Pillow and imresize with 'bilinear'"),
    ("nearest", False, "by the nearest element"),
    ("bicubic", False, "bicubic without antialiasing"),
    ("steeper bicubic", False, "bicubic with the factor -0.75, as OpenCV and PyTorch"),
    ("bicubic", True, "bicubic with antialiasing, as imresize does"),
)
# When whole numbers are rounded: imresize does it after height and after width.
ROUNDINGS = {"once": "", "each": ", rounded twice", "never": ", not rounded to whole numbers"}


def _resized(case: Case) -> Iterator[Variant]:
    """Images from what they were before they were resized, in another way."""
    if len(case.unresized) != len(case.inputs):
        return
    for rounding, rest in ROUNDINGS.items():
        for method, antialiasing, words in RESIZES:
            pairs = zip(case.inputs, case.unresized, strict=True)
            inputs = [_from(old, x, method, antialiasing, rounding) for x, old in pairs]
            if all(new is x for new, x in zip(inputs, case.inputs, strict=True)):
                continue
            yield Variant(
                case.replace(inputs=tuple(inputs)),
                case.network.input_names,
                f"images are resized {words}{rest}",
                f"the expected values were made from images that were resized {words}{rest}",
            )


def _from(old: Any, new: Any, method: str, antialiasing: bool, rounding: str) -> Any:
    """An image resized in this way; what it was where it keeps its size or that is the same."""
    if not isinstance(old, np.ndarray) or old.shape[:2] == new.shape[:2]:
        return new
    image = old if rounding == "each" or old.dtype.kind == "f" else old.astype(float)
    other = imresize(image, new.shape[:2], method, antialiasing)
    if rounding == "once" and old.dtype.kind in "iu":
        bounds = np.iinfo(old.dtype)
        other = np.clip(np.floor(other + 0.5), bounds.min, bounds.max).astype(old.dtype)
    return new if np.array_equal(other, new) else other


SUSPECTS: tuple[Suspect, ...] = (
    Suspect(
        "order of colours",
        3,
        _with_images(
            (
                _channels((2, 1, 0)),
                "the channels of the images of {where} are in reverse order",
                (
                    "the expected values were made from images in the order blue, green, red, as "
                    "OpenCV reads them, where these are red, green, blue, or the other way round"
                ),
            ),
            *(
                (
                    _channels(order),
                    f"the channels of the images of {{where}} are in the order {words}",
                    "the expected values were made from images with reordered channels",
                )
                for order, words in (
                    ((1, 2, 0), "2, 3, 1"),
                    ((2, 0, 1), "3, 1, 2"),
                    ((1, 0, 2), "2, 1, 3"),
                    ((0, 2, 1), "1, 3, 2"),
                    ((1, 0), "2, 1"),
                    ((3, 2, 1, 0), "4, 3, 2, 1"),
                    ((2, 1, 0, 3), "3, 2, 1, 4"),
                )
            ),
        ),
    ),
    Suspect(
        "height and width exchanged",
        5,
        _with_images(
            (
                _turned("", exchange=True),
                "the height and the width of the images of {where} are exchanged",
                (
                    "the expected values were made from transposed images, such as row-major "
                    "data read as column-major"
                ),
            )
        ),
    ),
    Suspect(
        "images turned",
        11,
        _with_images(
            *(
                (
                    _turned(flips, exchange),
                    f"the images of {{where}} are {words}",
                    f"the expected values were made from images {words}",
                )
                for flips, exchange, words in (
                    ("1", False, "upside down"),
                    ("2", False, "mirrored left to right"),
                    ("12", False, "rotated by 180°"),
                    ("1", True, "rotated by 90° counterclockwise"),
                    ("2", True, "rotated by 90° clockwise"),
                    ("12", True, "transposed and rotated by 180°"),
                )
            )
        ),
    ),
    Suspect("image resize", 10, _resized),
)
