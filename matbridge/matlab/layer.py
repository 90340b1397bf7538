"""A saved object to a card."""

from __future__ import annotations

from typing import Any

import numpy as np

from matbridge.core.arrays import fit_arrays
from matbridge.core.card import Layer
from matbridge.core.diagnostics import Report
from matbridge.core.registry import CustomOutput, Registry, Unknown
from matbridge.errors import LayerError, MatbridgeError
from matbridge.layers.function import FunctionLayer
from matbridge.layers.output import names
from matbridge.matlab.file.values import MatObject, texts
from matbridge.matlab.origin import kept, wrapped
from matbridge.matlab.releases import PACKAGES

__all__ = [
    "ODD",
    "is_neutral",
    "read_layer",
    "read_properties",
    "tell_unknown",
    "unknown_layer",
    "with_function",
]

# Saved with every layer, or by every custom layer: names, ports and bookkeeping.
COMMON = (
    "Version",
    "any",
    "Type",
    "InputNames",
    "OutputNames",
    "NumInputs",
    "NumOutputs",
    "PrivateNumStates",
    "nnet.layer.Layer.PrivateInputs",
    "nnet.layer.Layer.PrivateOutputs",
    "nnet.cnn.layer.mixin.Learnable.LearnRateFactor",
    "nnet.cnn.layer.mixin.Learnable.L2Factor",
    "nnet.cnn.layer.mixin.Learnable.LearnablesTypes",
)
# What comes of values that are not of the kind expected: files hold whatever they like.
ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
# The packages of MATLAB's own layers.
MATLABS = tuple(prefix for prefix, _ in PACKAGES)
FACTORS = ("LearnRateFactor", "L2Factor", "Initializer")


def read_layer(origin: MatObject, registry: Registry, report: Report, where: str) -> Layer:
    """The card of a saved layer; an Unknown, with a diagnostic, where there is none.

    What cannot be understood is reported, not raised: the other layers are still read.
    """
    saved = dict(origin.saved)
    name = _text(saved.get("Name"))
    card = registry.find(origin.class_name)
    if card is None:
        return unknown_layer(origin, saved)
    try:
        layer, left = read_properties(card, saved)
    except MatbridgeError as error:
        unread = unknown_layer(origin, saved, error.what)
        obstacle = unread.obstacle()
        if obstacle is not None:
            report.error(obstacle.what, f"{where}/{name}", obstacle.mend)
        return unread
    for unused in left:
        tell_unknown(unused, saved[unused], f"{where}/{name}", report)
    layer = with_function(layer, origin.saved, registry)
    return layer.replace(class_name=origin.class_name, origin=kept(origin, layer.arrays.values()))


# Values of a property that nobody knows which leave what is computed as it is, most likely.
NEUTRAL = ("", "auto", "none", "default")


def tell_unknown(name: str, value: object, where: str, report: Report) -> None:
    """A property that no card knows: the result may differ, unless it is off or empty."""
    said = f"the saved property {name} is not known and not used"
    if is_neutral(value):
        report.note(said, where)
    else:
        report.warning(f"{said}: what matbridge computes may differ from MATLAB's", where)


def is_neutral(value: object) -> bool:
    """Whether a value leaves things as they are: empty, zero, off, automatic."""
    if isinstance(value, str):
        return value in NEUTRAL
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return not value.any()
    return value is None or (isinstance(value, list | dict) and not value)


def with_function(layer: Layer, saved: dict[str, object], registry: Registry) -> Layer:
    """A function layer with its ports and the function that stands for it; others as they are."""
    if not isinstance(layer, FunctionLayer):
        return layer
    functions = registry.functions
    function = functions.get(layer.name, functions.get(layer.predict_fcn.text))
    return layer.replace(ports=_ports(saved, "Input", "in"), function=function)


# What custom output layers inherit from nnet.layer.ClassificationLayer and RegressionLayer.
OUTPUT_PROPERTIES = ({"Classes", "NumClasses"}, {"ResponseNames"})


def unknown_layer(
    origin: MatObject, saved: dict[str, object], reason: str = "", ends: bool = False
) -> Unknown:
    """The layer of a class without a card, or which its card could not read for this reason.

    Of an output layer it is known that it ``ends`` a network, or its properties tell.
    """
    kind: type[Unknown] = Unknown
    more: dict[str, Any] = {}
    ends = ends or any(properties <= set(saved) for properties in OUTPUT_PROPERTIES)
    if ends and not reason:
        kind, more = CustomOutput, {"classes": names(saved.get("Classes", ""))}
    return kind(
        **more,
        name=_text(saved.get("Name")),
        builtin=origin.class_name.startswith(MATLABS),
        reason=reason,
        origin=wrapped(origin, {k: v for k, v in saved.items() if k in (*COMMON, "Description")}),
        class_name=origin.class_name,
        description=_text(saved.get("Description")),
        ports=_ports(saved, "Input", "in"),
        out_ports=_ports(saved, "Output", "out"),
        extra={k: v for k, v in saved.items() if k not in COMMON and k != "Name"},
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _ports(saved: dict[str, object], side: str, default: str) -> tuple[str, ...]:
    for name in (f"nnet.layer.Layer.Private{side}s", f"{side}Names"):
        ports = texts(saved.get(name))
        if ports and any(ports):
            return ports
    return (default,)


def read_properties(card: type[Layer], saved: dict[str, object]) -> tuple[Layer, list[str]]:
    """The layer of this card with these saved properties, and the names of those unused.

    ``saved`` by MATLAB name, arrays as they are or as {Value, LearnRateFactor, ...}.
    Raises LayerError where a property is missing, cannot be understood or disagrees.
    """
    try:
        return _layer_of(card, {name: value for name, value in saved.items() if name != "any"})
    except ODD as error:
        raise LayerError(f"its saved form is not understood: {error}") from None


def _layer_of(card: type[Layer], saved: dict[str, object]) -> tuple[Layer, list[str]]:
    training = _take_factors(saved)
    saved = card.upgrade(saved)
    fields = {
        "name": _text(saved.pop("Name", "")),
        "description": _text(saved.pop("Description", "")),
        **_take_properties(card, saved),
    }
    layer = card(**fields)
    arrays = {
        declared.name: _real(numeric(saved.pop(declared.name)), declared.name)
        for declared in layer.declared
        if declared.name in saved
    }
    # Empty arrays are those that training never made.
    empty = {declared.name for declared in layer.declared if declared.empty}
    kept = {n: a for n, a in arrays.items() if a is not None and (a.size or n in empty)}
    layer = fit_arrays(layer, kept)
    _check_honoured(card, saved)
    training.update({name: saved.pop(name) for name in card.TRAINING if name in saved})
    extra = {name: value for name, value in saved.items() if name not in COMMON}
    return layer.replace(training=training, extra=extra), list(extra)


def _check_honoured(card: type[Layer], saved: dict[str, Any]) -> None:
    for name, wanted in card.ONLY.items():
        value = saved.get(name, ())
        if np.size(value) and not np.all(np.equal(value, wanted)):
            raise LayerError(f"{name} is {_shown(value)}, and only {wanted} is supported")


def _shown(value: object) -> str:
    return str(value)[:80] if isinstance(value, str | np.ndarray) else type(value).__name__


def _real(array: np.ndarray | None, name: str) -> np.ndarray | None:
    if array is None or array.dtype.kind != "c":
        return array
    # MATLAB may keep as complex what has no imaginary part left.
    if np.any(array.imag):
        raise LayerError(f"{name} holds complex numbers")
    return array.real


def _take_factors(saved: dict[str, object]) -> dict[str, object]:
    """Replace {Value, LearnRateFactor, ...} by Value; returns the rest, by array."""
    training: dict[str, object] = {}
    for name, value in saved.items():
        if isinstance(value, dict) and "Value" in value and "LearnRateFactor" in value:
            training[name] = {k: value[k] for k in FACTORS if k in value}
            saved[name] = numeric(value["Value"])
    return training


def _take_properties(card: type[Layer], saved: dict[str, object]) -> dict[str, Any]:
    fields = {}
    for field, known in card.properties().items():
        # A constructor and a plain export say the public name.
        source = known.saved if known.saved in saved else known.name
        if source not in saved:
            if known.required:
                raise LayerError(f"the property {known.name} is missing")
            continue
        value = saved.pop(source)
        try:
            fields[field] = known.kind(value)
        except ODD as error:
            raise LayerError(f"{known.name}: {error}") from None
    return fields


def numeric(value: object) -> np.ndarray | None:
    """A numeric array, also where it stands in a dlarray or gpuArray; else None."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiubc":
        return value
    if isinstance(value, MatObject) and value.class_name in ("dlarray", "gpuArray"):
        # Whichever of its properties holds the numbers.
        inside = [numeric(v) for v in value.saved.values()]
        return next((array for array in inside if array is not None), None)
    return None
