"""Which variables of a file may be what a network takes, or gave: judged by their sizes."""

from __future__ import annotations

from collections.abc import Iterator

from matbridge.core.dims import Size
from matbridge.core.network import Network, Port

__all__ = ["fitting"]

NUMERIC = frozenset(
    "double single logical sparse int8 uint8 int16 uint16 int32 uint32 int64 uint64".split()
)
LABELS = ("categorical", "string", "cell")


def fitting(
    class_name: str, shape: tuple[int, ...], member: object, network: Network
) -> Iterator[dict[str, str]]:
    """The inputs and outputs that a variable fits, each with the format it would be given in.

    ``member`` is the first element of a cell, if it is a cell: an array or a text.
    """
    if class_name in LABELS and network.classes and _is_text(class_name, member):
        yield from (_fit("labels", name) for name in network.output_names[:1])
        return
    if network.kind.columns and not _tells(class_name, shape, network):
        return
    if class_name == "cell":
        shape = getattr(member, "shape", ())
    elif class_name not in NUMERIC:
        return
    if not shape or 0 in shape:
        return
    sizes = network.infer()
    laid_out = _columns if network.kind.columns else _format
    for name in network.input_names:
        size = sizes.get(Port(name, "out"))
        if isinstance(size, Size) and (format := laid_out(shape, size)) is not None:
            yield _fit("input", name, format)
    for port in network.outputs:
        size = sizes.get(port)
        if isinstance(size, Size) and (format := laid_out(shape, size)) is not None:
            yield _fit("output", str(port), format)


def _tells(class_name: str, shape: tuple[int, ...], network: Network) -> bool:
    """Whether data of columns may be meant: a single number fits whatever has one row, and the
    steps of a cell stand in one row, or in one for each input."""
    if class_name == "cell":
        return shape[:1] in ((1,), (len(network.input_names),))
    return shape != (1, 1)


def _fit(side: str, name: str, format: str = "") -> dict[str, str]:
    return {"side": side, "name": name, "format": format}


def _is_text(class_name: str, member: object) -> bool:
    return class_name != "cell" or isinstance(member, str)


def _format(shape: tuple[int, ...], size: Size) -> str | None:
    """ "" where the data have MATLAB's own order for this size, "TC" where time comes first,
    None where they do not fit."""
    spatial, channels = size.spatial, next(iter(size.all("C")), 1)
    if "T" in size:
        if _agree(shape, (*spatial, channels, None)):
            return ""
        return "TC" if not spatial and _agree(shape, (None, channels)) else None
    if not spatial or all(n == 1 for n in spatial):
        return "" if len(shape) == 2 and _agree(shape, (None, channels)) else None
    ones = (1,) * (len(spatial) + 1 - len(shape))
    fits = _agree(shape + ones, (*spatial, channels)) or _agree(shape, (*spatial, channels, None))
    return "" if fits else None


def _columns(shape: tuple[int, ...], size: Size) -> str | None:
    """The same where MATLAB has a column for each sample or step."""
    if _agree(shape, (size["C"], None)):
        return ""
    return ("TC" if "T" in size else "BC") if _agree(shape, (None, size["C"])) else None


def _agree(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        w is None or n == w for n, w in zip(shape, wanted, strict=True)
    )
