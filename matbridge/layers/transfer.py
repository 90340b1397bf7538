"""Transfer functions of shallow networks: from a layer's net input n to its output a.

Each is written as MATLAB computes it in double precision, so that the last bits agree. NaN
stays NaN everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from matbridge.core.card import DOCUMENTATION, RECORDED, Layer
from matbridge.core.dims import Size
from matbridge.ops import Ops, Parameters, Value

__all__ = [
    "TRANSFER",
    "Compet",
    "Elliot2Sig",
    "ElliotSig",
    "HardLim",
    "HardLims",
    "LogSig",
    "NetInv",
    "NetSoftmax",
    "PosLin",
    "PureLin",
    "RadBas",
    "RadBasN",
    "SatLin",
    "SatLins",
    "TanSig",
    "TransferFunction",
    "TriBas",
    "first_maximum",
]


class TransferFunction(Layer):
    """A function of the net input of a layer of a shallow network."""

    SINCE = "before R2006a"
    EVIDENCE = DOCUMENTATION


def _is_number(ops: Ops, n: Value) -> Value:
    """1 where n is a number, 0 where it is NaN."""
    return ops.binary("equal", n, n)


def _nan_where_zero(ops: Ops, y: Value, known: Value) -> Value:
    """y, but NaN where ``known`` is 0 and not 1: 0/1 adds nothing, 0/0 is NaN."""
    return ops.add(y, ops.divide(0.0, known))


def first_maximum(ops: Ops, x: Value) -> Value:
    """1 for the first of the largest channels, 0 for the others; 1 everywhere where one is NaN."""
    # Those that are not the largest stand behind all others: at Inf.
    largest = ops.binary("equal", x, ops.reduce("max", x, "C", keep=True))
    places = ops.divide(ops.positions(x, "C"), largest)
    return ops.binary("equal", places, ops.reduce("min", places, "C", keep=True))


class Compet(TransferFunction, function="compet"):
    """compet: 1 for the first of the largest elements of each column, 0 for the others; a column
    with NaN is all NaN."""

    EVIDENCE = RECORDED

    def infer(self, n: Size) -> Size:
        self.need(n, "C")
        return n

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        known = ops.reduce("min", _is_number(ops, n), "C", keep=True)
        return _nan_where_zero(ops, first_maximum(ops, n), known)


class ElliotSig(TransferFunction, function="elliotsig"):
    """elliotsig: n / (1 + |n|)."""

    SINCE = "R2012b"

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return ops.divide(n, ops.add(1.0, ops.map("abs", n)))


class Elliot2Sig(TransferFunction, function="elliot2sig"):
    """elliot2sig: sign(n)·n² / (1 + n²)."""

    SINCE = "R2012b"

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        square = ops.multiply(n, n)
        return ops.divide(ops.multiply(ops.map("sign", n), square), ops.add(1.0, square))


class HardLim(TransferFunction, function="hardlim"):
    """hardlim: 1 for n >= 0, else 0."""

    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        step = ops.subtract(1.0, ops.binary("less", n, 0.0))
        return _nan_where_zero(ops, step, _is_number(ops, n))


class HardLims(TransferFunction, function="hardlims"):
    """hardlims: 1 for n >= 0, else -1."""

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        step = ops.subtract(1.0, ops.multiply(2.0, ops.binary("less", n, 0.0)))
        return _nan_where_zero(ops, step, _is_number(ops, n))


class LogSig(TransferFunction, function="logsig"):
    """logsig: 1 / (1 + exp(-n))."""

    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return ops.divide(1.0, ops.add(1.0, ops.map("exp", ops.map("negative", n))))


class NetInv(TransferFunction, function="netinv"):
    """netinv: 1 / n."""

    SINCE = "R2006a"

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return ops.divide(1.0, n)


class PosLin(TransferFunction, function="poslin"):
    """poslin: max(0, n)."""

    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return ops.maximum(n, 0.0)


class PureLin(TransferFunction, function="purelin"):
    """purelin: n."""

    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return n


def _radbas(ops: Ops, n: Value) -> Value:
    return ops.map("exp", ops.map("negative", ops.multiply(n, n)))


class RadBas(TransferFunction, function="radbas"):
    """radbas: exp(-n²). MATLAB's numbers are known of it only behind compet."""

    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return _radbas(ops, n)


class RadBasN(TransferFunction, function="radbasn"):
    """radbasn: exp(-n²) / Σ exp(-n²) over each column."""

    SINCE = "R2010b"

    def infer(self, n: Size) -> Size:
        self.need(n, "C")
        return n

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        a = _radbas(ops, n)
        return ops.divide(a, ops.reduce("sum", a, "C", keep=True))


class SatLin(TransferFunction, function="satlin"):
    """satlin: n, but 0 below 0 and 1 above 1."""

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return ops.minimum(ops.maximum(n, 0.0), 1.0)


class SatLins(TransferFunction, function="satlins"):
    """satlins: n, but -1 below -1 and 1 above 1."""

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return ops.minimum(ops.maximum(n, -1.0), 1.0)


class NetSoftmax(TransferFunction, function="softmax"):
    """softmax: e / Σ e over each column with e = exp(n - max n), in this order. The sum is 1 at
    least, so that no 0 divides."""

    EVIDENCE = RECORDED

    def infer(self, n: Size) -> Size:
        self.need(n, "C")
        return n

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        e = ops.map("exp", ops.subtract(n, ops.reduce("max", n, "C", keep=True)))
        return ops.divide(e, ops.reduce("sum", e, "C", keep=True))


class TanSig(TransferFunction, function="tansig"):
    """tansig: 2 / (1 + exp(-2·n)) - 1, as MATLAB writes tanh(n): the last bits differ."""

    EVIDENCE = RECORDED

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        grown = ops.map("exp", ops.multiply(-2.0, n))
        return ops.subtract(ops.divide(2.0, ops.add(1.0, grown)), 1.0)


class TriBas(TransferFunction, function="tribas"):
    """tribas: 1 - |n| from -1 to 1, else 0."""

    def forward(self, ops: Ops, p: Parameters, n: Value) -> Value:
        return ops.maximum(ops.subtract(1.0, ops.map("abs", n)), 0.0)


# By the names that transferFcn has in a network object.
TRANSFER: Mapping[str, type[TransferFunction]] = {
    card.MATLAB[0]: card
    for card in (
        Compet,
        ElliotSig,
        Elliot2Sig,
        HardLim,
        HardLims,
        LogSig,
        NetInv,
        PosLin,
        PureLin,
        RadBas,
        RadBasN,
        SatLin,
        SatLins,
        NetSoftmax,
        TanSig,
        TriBas,
    )
}
