"""Images as data, and their resizing as MATLAB's imresize does it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matbridge.core.dims import Size
from matbridge.core.network import Network, Port
from matbridge.errors import FormatError, MismatchError, UnsupportedError

__all__ = [
    "IMAGE_SUFFIXES",
    "METHODS",
    "imresize",
    "is_image",
    "read_image",
    "resized",
    "takes_images",
]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
# What Pillow calls images whose values mean the same as those of MATLAB's imread.
PLAIN = {"L": "", "RGB": "", "I;16": "", "1": "", "RGBA": "RGB", "LA": "L"}


def read_image(path: Path, limit: int) -> np.ndarray:
    """H×W or H×W×C as MATLAB's imread gives it: uint8, uint16 or logical, without alpha.

    Raises UnsupportedError without Pillow and for palettes and colour spaces of printing;
    FormatError where the file is damaged or holds more than ``limit`` bytes.
    """
    try:
        from PIL import Image
    except ImportError:
        raise UnsupportedError(
            "images need Pillow", where=str(path), mend="pip install 'matbridge[images]'"
        ) from None
    try:
        with Image.open(path) as image:
            if image.width * image.height * 8 > limit:
                raise FormatError("the image is too large", mend="Raise the bound with max_size=.")
            if image.mode not in PLAIN:
                raise UnsupportedError(
                    f"images of the kind {image.mode} (palettes, printing) are not read",
                    where=str(path),
                    mend="Save it as RGB or as grey values.",
                )
            if PLAIN[image.mode]:
                image = image.convert(PLAIN[image.mode])  # type: ignore[assignment]
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(f"this image cannot be read: {error}", where=str(path)) from None


def is_image(name: str) -> bool:
    """Whether a file of this name is an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def resized(images: Any, network: Network, name: str) -> np.ndarray:
    """The images H×W×C×N in the size of this input.

    Raises MismatchError where these are no images or the input takes none of a known size.
    """
    size = _image_size(network, name)
    if size is None:
        raise MismatchError("it does not take images of one size", where=name)
    if not isinstance(images, np.ndarray) or images.ndim < 2 or images.dtype.kind not in "fiub":
        raise MismatchError("only images H×W×C×N can be resized", where=name)
    if not images.size:
        raise MismatchError("the images are empty", where=name)
    return imresize(images, size)


def takes_images(network: Network, name: str) -> bool:
    """Whether the input takes images of a known size."""
    return _image_size(network, name) is not None


def _image_size(network: Network, name: str) -> tuple[int, int] | None:
    size = network.infer().get(Port(name, "out"))
    spatial = size.spatial if isinstance(size, Size) else ()
    if len(spatial) != 2 or None in spatial:
        return None
    return int(spatial[0] or 0), int(spatial[1] or 0)


def imresize(
    image: np.ndarray,
    size: tuple[int, int],
    method: str = "bicubic",
    antialiasing: bool = True,
) -> np.ndarray:
    """MATLAB's imresize(image, size, method, Antialiasing=antialiasing): by default bicubic, with
    antialiasing where it shrinks; METHODS has the others.

    One dimension after the other, the one with the smaller scale first, edges mirrored, and
    whole numbers rounded after each. Source: MATLAB's documentation; settled by a recorded
    result.
    """
    scales = [n / old for n, old in zip(size, image.shape, strict=False)]
    for axis in sorted((0, 1), key=lambda a: scales[a]):
        weighting = _contributions(
            image.shape[axis], size[axis], scales[axis], METHODS[method], antialiasing
        )
        image = _resized(image, axis, *weighting)
    return image


def _resized(image: np.ndarray, axis: int, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    # One output row after the other: all at once would take many times the image's memory.
    rows = [
        np.tensordot(w, np.take(image, p, axis).astype(np.float64), (0, axis))
        for p, w in zip(places, weights, strict=True)
    ]
    result = np.stack(rows, axis)
    if image.dtype.kind == "f":
        return result.astype(image.dtype)
    if image.dtype.kind == "b":
        return result >= 0.5
    bounds = np.iinfo(image.dtype)
    return np.clip(np.floor(result + 0.5), bounds.min, bounds.max).astype(image.dtype)


class Kernel(NamedTuple):
    """What weighs inputs by their distance, how far it reaches from end to end, and whether it
    takes the edge itself for what lies beyond, not its mirror image."""

    weigh: Callable[[np.ndarray], np.ndarray]
    width: float
    clamps: bool = False


def _contributions(
    old: int, new: int, scale: float, kernel: Kernel, antialiasing: bool
) -> tuple[np.ndarray, np.ndarray]:
    """For each output: which inputs it takes, and how much of each."""
    shrink = min(scale, 1.0) if antialiasing else 1.0
    width = kernel.width / shrink
    centre = np.arange(1, new + 1) / scale + 0.5 * (1 - 1 / scale)
    first = np.floor(centre - width / 2)
    places = first[:, None] + np.arange(math.ceil(width) + 2)
    weights = shrink * kernel.weigh(shrink * (centre[:, None] - places))
    weights /= weights.sum(axis=1, keepdims=True)
    if kernel.clamps:
        return np.clip(places.astype(int) - 1, 0, old - 1), weights
    mirrored = np.concatenate([np.arange(old), np.arange(old)[::-1]])
    return mirrored[(places.astype(int) - 1) % (2 * old)], weights


def _cubic(a: float) -> Callable[[np.ndarray], np.ndarray]:
    """Keys' kernel."""

    def weigh(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near = (a + 2) * x**3 - (a + 3) * x**2 + 1
        far = a * (x**3 - 5 * x**2 + 8 * x - 4)
        return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))

    return weigh


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1 - np.abs(x), 0.0)


def _box(x: np.ndarray) -> np.ndarray:
    return np.where((x >= -0.5) & (x < 0.5), 1.0, 0.0)


# MATLAB's own, and the bicubic of OpenCV and PyTorch.
METHODS: Mapping[str, Kernel] = {
    "bicubic": Kernel(_cubic(-0.5), 4.0),
    "bilinear": Kernel(_triangle, 2.0),
    "nearest": Kernel(_box, 1.0),
    "steeper bicubic": Kernel(_cubic(-0.75), 4.0, clamps=True),
}
