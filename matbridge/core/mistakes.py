"""Layers as the walk calls them: a mistake in a card of the user's is one message."""

from __future__ import annotations

import inspect
import traceback
from typing import TYPE_CHECKING, NoReturn

from matbridge.core.card import Layer
from matbridge.core.dims import NUMBERED, Size
from matbridge.errors import LayerError, MatbridgeError, UnsupportedError
from matbridge.version import DOCS

if TYPE_CHECKING:
    from matbridge.ops import Ops, Parameters, Value

__all__ = ["infer_layer", "run_layer"]

ADVICE = (
    f"{DOCS}/adding-a-layer.md tells what a card says; 'matbridge check-card FILE.py' tests one."
)


def run_layer(layer: Layer, ops: Ops, p: Parameters, inputs: list[Value]) -> tuple[Value, ...]:
    """The outputs in the order of the ports.

    Raises LayerError for a mistake in a card that is not matbridge's own, UnsupportedError
    where its forward is not written.
    """
    try:
        result = layer.run(ops, p, *inputs)
    except MatbridgeError as error:
        raise error if error.where else error.at(layer.name) from None
    except Exception as error:
        if is_ours(layer):
            raise
        _refuse(layer, "forward", error)
    results = result if isinstance(result, tuple) else (result,)
    if is_ours(layer):
        return results
    _check_results(layer, "forward", results, "dims", "Return a value, such as ops.add(x, y)")
    for value in results:
        unknown = sorted(set(value.dims) - set(NUMBERED))
        if unknown:
            raise LayerError(
                f"forward of the card {type(layer).__name__} returned a value over "
                f"{', '.join(unknown)}, which no data have",
                where=layer.name,
                mend=f"Dimensions of data are S, C, B, T and U; see dims= of its arrays. {ADVICE}",
            )
    return results


def infer_layer(layer: Layer, *sizes: Size) -> Size | tuple[Size, ...]:
    """The sizes that come out; the same errors as :func:`run_layer`, and infer's own."""
    if is_ours(layer):
        return layer.inferred(*sizes)
    try:
        result = layer.inferred(*sizes)
    except MatbridgeError:
        raise
    except Exception as error:
        _refuse(layer, "infer", error)
    results = result if isinstance(result, tuple) else (result,)
    _check_results(layer, "infer", results, "format", "Return a size, such as x.put(C=3)")
    return result


def is_ours(layer: Layer) -> bool:
    """Whether the card is one of matbridge's, whose faults are to be reported as they are."""
    return type(layer).__module__.partition(".")[0] == "matbridge"


def _check_results(
    layer: Layer, method: str, results: tuple[object, ...], attribute: str, mend: str
) -> None:
    odd = [type(r).__name__ for r in results if not hasattr(r, attribute)]
    if odd:
        raise LayerError(
            f"{method} of the card {type(layer).__name__} returned {', '.join(odd)}",
            where=layer.name,
            mend=f"{mend}. {ADVICE}",
        )
    if len(results) != len(layer.outputs):
        raise LayerError(
            f"{method} of the card {type(layer).__name__} returned {len(results)} "
            f"for its {len(layer.outputs)} outputs",
            where=layer.name,
            mend=f"OUTPUTS names them: {', '.join(layer.outputs)}. {ADVICE}",
        )


def _refuse(layer: Layer, method: str, error: Exception) -> NoReturn:
    """What went wrong in the card and in which of its lines; torch's own message is cut."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, NotImplementedError):
        raise UnsupportedError(
            f"{method} of the card {type(layer).__name__} is not written: {said}",
            where=layer.name,
            mend=ADVICE,
        ) from error
    raise LayerError(
        f"{method} of the card {type(layer).__name__} failed{_line(layer, error)}: "
        f"{type(error).__name__}: {said}",
        where=layer.name,
        mend=ADVICE,
    ) from error


def _line(layer: Layer, error: Exception) -> str:
    try:
        file = inspect.getfile(type(layer))
    except (OSError, TypeError):
        return ""
    # The last one in the card's own file: deeper ones are the libraries'.
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return f" in line {lines[-1]}" if lines else ""
