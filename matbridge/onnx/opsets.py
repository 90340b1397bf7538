"""The opsets of ONNX in which a graph can be said.

Nodes are made in the form of the newest opset that changed them; here stands how older ones say
the same. What an older opset cannot say is refused, never said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, defs

from matbridge.errors import MismatchError, UnsupportedError

__all__ = ["DEFAULT", "NEWEST", "OLDEST", "Attribute", "Call", "check_opset", "in_opset"]

OLDEST, DEFAULT = 9, 18
# Opsets of a development version of ONNX may still change: what is installed is released.
NEWEST = defs.onnx_opset_version()

Attribute = int | float | str | GraphProto | Sequence[int] | Sequence[float] | Sequence[str]


@dataclass(frozen=True)
class Call:
    """An operator, the names of its inputs, and its attributes."""

    operator: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    def with_attributes(self, inputs: int, **attributes: Attribute) -> Call:
        """The same with so many of the inputs, and these attributes more."""
        return Call(self.operator, self.inputs[:inputs], {**self.attributes, **attributes})


# The array of a constant by its name.
Constants = Callable[[str], np.ndarray]
Older = Callable[[Call, Constants], Call]


def check_opset(opset: int) -> int:
    """The opset, if a model can be written in it; MismatchError otherwise."""
    whole = isinstance(opset, int) and not isinstance(opset, bool)
    if not whole or not OLDEST <= opset <= NEWEST:
        raise MismatchError(
            f"models are not written in opset {opset}",
            mend=f"Use {OLDEST} to {NEWEST}, the newest that the installed onnx knows.",
        )
    return opset


def in_opset(call: Call, opset: int, constants: Constants) -> Call:
    """The call as this opset says it.

    Raises UnsupportedError for an operator that came later, or that could do less.
    """
    for until, older in OLDER.get(call.operator, ()):
        if opset < until:
            call = older(call, constants)
    if not defs.has(call.operator, opset):
        raise _too_old(f"the operator {call.operator}", _first_opset(call.operator))
    return call


def _first_opset(operator: str) -> int:
    """The opset with which an operator of standard ONNX came."""
    schemas = defs.get_all_schemas_with_history()
    return min(s.since_version for s in schemas if s.name == operator and not s.domain)


def _too_old(what: str, first: int) -> UnsupportedError:
    return UnsupportedError(
        f"ONNX has {what} from opset {first} on", mend=f"Write it in opset {first} or a newer one."
    )


# -- what were attributes once -----------------------------------------------------------------


def _axes(call: Call, constants: Constants) -> Call:
    return call.with_attributes(1, axes=constants(call.inputs[1]).tolist())


def _bounds(call: Call, constants: Constants) -> Call:
    low, high = (constants(name).item() for name in call.inputs[1:])
    return call.with_attributes(1, min=low, max=high)


def _pads(call: Call, constants: Constants) -> Call:
    pads = constants(call.inputs[1]).tolist()
    value = constants(call.inputs[2]).item() if len(call.inputs) > 2 else 0.0
    return call.with_attributes(1, pads=pads, value=value)


def _slice(call: Call, constants: Constants) -> Call:
    """Without steps, and with ends that are known."""
    try:
        starts, ends, axes, steps = (constants(name).tolist() for name in call.inputs[1:])
    except KeyError:
        raise _too_old("slices whose end only the data tell", 10) from None
    if any(step != 1 for step in steps):
        raise _too_old("slices with a step", 10)
    return call.with_attributes(1, starts=starts, ends=ends, axes=axes)


def _region(call: Call, constants: Constants) -> Call:
    """Opset 11 and 12 ask for a region, which is only used for cropping: any input serves."""
    data, _, scales = call.inputs
    return Call(call.operator, (data, scales, scales), call.attributes)


def _simple_resize(call: Call, constants: Constants) -> Call:
    """Opset 10 knows neither half pixels nor roundings: coordinates are divided by the scale,
    and the nearest is the one below, or above where it shrinks."""
    data, _, name = call.inputs
    scales = constants(name)
    if (scales < 1).any() or not _plain_resize(call):
        raise _too_old("this kind of resizing", 11)
    return Call(call.operator, (data, name), {"mode": call.attributes["mode"]})


def _plain_resize(call: Call) -> bool:
    wanted = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return all(call.attributes[name] == value for name, value in wanted.items())


def _upsample(call: Call, constants: Constants) -> Call:
    return Call("Upsample", call.inputs, call.attributes)


REDUCTIONS = ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2")
# For each operator the opsets with which its form changed, the newest first, and the form before.
OLDER: Mapping[str, tuple[tuple[int, Older], ...]] = {
    **dict.fromkeys(REDUCTIONS, ((18, _axes),)),
    "ReduceSum": ((13, _axes),),
    "Squeeze": ((13, _axes),),
    "Unsqueeze": ((13, _axes),),
    "Clip": ((11, _bounds),),
    "Pad": ((11, _pads),),
    "Slice": ((10, _slice),),
    "Resize": ((13, _region), (11, _simple_resize), (10, _upsample)),
}
