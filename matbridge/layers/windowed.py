"""What layers with a moving window share: where it moves, padding, and the size after it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.dims import Size, pool_output, window_span
from matbridge.ops import Padding, Value

__all__ = ["WINDOWED", "Windowed", "check_fits", "extents", "moved", "moved_over", "slide"]


# What a window of each rank takes: spatial dimensions, or one less and time.
WINDOWED = {1: "SCB SCBT CBT", 2: "SSCB SSCBT SCBT", 3: "SSSCB SSSCBT SSCBT"}


class Windowed(Layer):
    """A layer whose window has RANK dimensions; one number given stands for all of them."""

    RANK: ClassVar[int] = 2
    # The property with two numbers for each dimension, Padding or Cropping.
    ENDS: ClassVar[str] = ""

    @classmethod
    def formats(cls) -> str:
        return WINDOWED[cls.RANK]

    @classmethod
    def upgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        """PaddingMode 'manual' and PaddingSize are Padding, another mode is Padding;
        CroppingMode and CroppingSize alike."""
        ends = cls.ENDS
        if ends and ends not in saved:
            mode = saved.pop(f"{ends}Mode", "manual")
            saved[ends] = saved.pop(f"{ends}Size", 0) if mode == "manual" else mode
        return saved

    @classmethod
    def downgrade(cls, saved: dict[str, object]) -> dict[str, object]:
        ends = cls.ENDS
        if ends in saved:
            value = saved.pop(ends)
            if isinstance(value, str):
                saved[f"{ends}Mode"] = value
                saved.setdefault(f"{ends}Size", np.zeros((1, 2 * cls.RANK)))
            else:
                saved |= {f"{ends}Mode": "manual", f"{ends}Size": value}
        return saved


def moved_over(layer: Layer, x: Size | Value, rank: int) -> str:
    """The labels that a window of this rank moves over: S, then T if there is one S less."""
    labels = x.format if isinstance(x, Size) else x.dims
    spatial = labels.count("S")
    if spatial == rank:
        return "S" * rank
    if spatial == rank - 1 and "T" in labels:
        return "S" * spatial + "T"
    layer.refuse(f"needs {rank} spatial dimensions, but its input has the format {labels}")


def slide(
    x: Size,
    over: str,
    window: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    pads: Padding,
) -> Size:
    """The sizes that remain after moving a window over these dimensions."""
    out: list[int | None] = []
    for place, (n, k, s, d) in enumerate(
        zip(extents(x, over), window, stride, dilation, strict=True)
    ):
        if pads == "same":
            # ceil(n/s), whatever the window: that is how much 'same' pads.
            out.append(None if n is None else -(-n // s))
        else:
            # 'causal' looks back by the whole span.
            amount = (k - 1) * d if isinstance(pads, str) else sum(pads[place])
            out.append(pool_output(n, window_span(k, d), s, amount))
    return moved(x, over, out)


def extents(x: Size, over: str) -> list[int | None]:
    """The sizes of the dimensions ``over``."""
    return [*x.spatial[: over.count("S")], *([x["T"]] if "T" in over else [])]


def moved(x: Size, over: str, sizes: list[int | None]) -> Size:
    """``x`` with these sizes of the dimensions ``over``."""
    if "S" in over:
        x = x.with_spatial(*sizes[: over.count("S")])
    return x.put(T=sizes[-1]) if "T" in over else x


def check_fits(layer: Layer, x: Size, y: Size) -> Size:
    """``y``, unless a window did not fit into ``x``."""
    if any(n is not None and n < 1 for n in y.sizes):
        layer.refuse(f"has a window that is larger than its padded input {x}")
    return y
