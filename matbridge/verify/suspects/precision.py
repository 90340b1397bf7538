"""Suspects: fewer bits than single precision has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.network import Network
from matbridge.layers.convolution import Convolution
from matbridge.layers.dense import FullyConnected
from matbridge.layers.transposed import TransposedConvolution
from matbridge.ops import Ops, Value
from matbridge.verify.case import Case
from matbridge.verify.suspects.insertion import with_after, with_before
from matbridge.verify.suspects.suspect import Suspect, Variant

__all__ = ["SUSPECTS"]

Rounding = Callable[[np.ndarray], np.ndarray]

# Bits after the first, and the smallest step: TF32, half precision, bfloat16.
TF32, HALF, BFLOAT16 = (10, 0.0), (10, 2.0**-24), (7, 0.0)
MULTIPLYING = (Convolution, TransposedConvolution, FullyConnected)


def _to_bits(bits: int, smallest: float) -> Rounding:
    def rounded(array: np.ndarray) -> np.ndarray:
        _, exponent = np.frexp(array)
        step = np.maximum(np.ldexp(1.0, exponent - 1 - bits), smallest or 1e-300)
        return np.asarray(np.round(array / step) * step)

    return rounded


def _values_to_bits(bits: int, smallest: float) -> Callable[[Ops, Value], Value]:
    """The same in words."""

    def rounded(ops: Ops, x: Value) -> Value:
        size = ops.maximum(ops.map("abs", x), 1e-30)
        exponent = ops.map("floor", ops.divide(ops.map("log", size), math.log(2.0)))
        step = ops.power(2.0, ops.subtract(exponent, float(bits)))
        step = ops.maximum(step, smallest) if smallest else step
        return ops.multiply(_nearest(ops, ops.divide(x, step)), step)

    return rounded


def _nearest(ops: Ops, x: Value) -> Value:
    """The nearest whole number, of an exact half the even one, as hardware does."""
    above = ops.add(x, 0.5)
    nearest = ops.map("floor", above)
    halves = ops.map("floor", ops.multiply(nearest, 0.5))
    odd = ops.subtract(nearest, ops.multiply(halves, 2.0))
    return ops.subtract(nearest, ops.multiply(odd, ops.binary("equal", nearest, above)))


def _eighths(array: np.ndarray) -> np.ndarray:
    """8 bits for an array: 127 steps up to its largest magnitude."""
    step = float(np.abs(array).max(initial=0.0)) / 127
    return np.asarray(np.round(array / step) * step) if step else array


def _with_arrays(network: Network, rounding: Rounding, names: Sequence[str] = ()) -> Network:
    """The network with its learnables and statistics rounded, or those of these names alone."""
    return network.with_layers(*(_rounded(layer, rounding, names) for layer in network))


def _rounded(layer: Layer, rounding: Rounding, names: Sequence[str]) -> Layer:
    arrays = {
        declared.name: rounding(layer.arrays[declared.name])
        for declared in layer.declared
        if declared.role in ("learnable", "statistic")
        and declared.name in layer.arrays
        and (not names or declared.name in names)
    }
    return layer.replace(arrays={**layer.arrays, **arrays}) if arrays else layer


WEIGHTS: tuple[tuple[str, str, Rounding], ...] = (
    ("half precision (float16)", "float16", _to_bits(*HALF)),
    ("bfloat16", "bfloat16", _to_bits(*BFLOAT16)),
    ("8 bits", "int8", _eighths),
)


def _weights(case: Case) -> Iterator[Variant]:
    """All learnables and statistics in fewer bits, or what is called Weights alone."""
    for words, kind, rounding in WEIGHTS:
        for whose, names in (("all weights", ()), ("the Weights", ("Weights",))):
            network = _with_arrays(case.network, rounding, names)
            yield Variant(
                case.replace(network=network),
                (),
                f"{whose} are rounded to {words}",
                f"the expected values were made with weights that were saved as {kind}",
            )


def _tf32(case: Case) -> Iterator[Variant]:
    """What is multiplied has 10 bits, sums are single."""
    layers = [layer for layer in case.network if isinstance(layer, MULTIPLYING)]
    if not layers:
        return
    network = _with_arrays(case.network, _to_bits(*TF32), ("Weights",))
    for layer in layers:
        network = with_before(network, layer.name, _values_to_bits(*TF32))
    yield Variant(
        case.replace(network=network),
        tuple(layer.name for layer in layers),
        "what is multiplied has the 10 bits of TF32",
        "the expected values were made on a GPU that computes products in TF32",
    )


def _computed(case: Case) -> Iterator[Variant]:
    """Every layer gives fewer bits."""
    if case.network.kind.double:
        return
    for kind, bits in (("half precision (float16)", HALF), ("bfloat16", BFLOAT16)):
        network = _with_arrays(case.network, _to_bits(*bits))
        for layer in case.network.layers:
            if not layer.IS_OUTPUT and len(layer.outputs) == 1:
                network = with_after(network, layer.name, _values_to_bits(*bits), layer.outputs[0])
        yield Variant(
            case.replace(network=network),
            (),
            f"every layer computes in {kind}",
            f"the expected values were computed in {kind}",
        )


SUSPECTS: tuple[Suspect, ...] = (
    Suspect("weights in fewer bits", 40, _weights),
    Suspect("TF32", 41, _tf32),
    Suspect("half precision", 42, _computed),
)
