"""functionLayer: the text of its handle is in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from matbridge.core.card import Layer, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import Kind, logical
from matbridge.errors import UnknownSizeError
from matbridge.layers.handle import evaluate, parse_function
from matbridge.ops import ArrayOps, Ops, Parameters, Value
from matbridge.ops.shapes import Shapes

__all__ = ["HANDLE", "FunctionLayer", "Handle", "size_after"]


@dataclass(frozen=True)
class Handle:
    """The text of a function handle, the variables that it captured, and what the file holds."""

    text: str
    workspace: Mapping[str, object] = field(default_factory=dict)
    raw: object = None

    def of(self, ops: ArrayOps, inputs: list[Value], formattable: bool = False) -> Value:
        """What the function makes of these; UnsupportedError where it is not understood."""
        function = parse_function(self.text)
        return evaluate(ops, function, self.workspace, inputs, self.text, formattable)


def handle(value: object) -> Handle:
    """A FunctionHandle of a file, or the text of one."""
    if isinstance(value, str):
        return Handle(value.removeprefix("@") if "(" not in value else value)
    text = getattr(value, "text", None)
    if not isinstance(text, str):
        raise ValueError("a function handle is needed")
    return Handle(text, dict(getattr(value, "workspace", {})), getattr(value, "raw", None))


HANDLE = Kind(handle, lambda value: value, "str")


def size_after(function: Callable[[ArrayOps, list[Value]], Value], *inputs: Size) -> Size:
    """The size of what a function of ops and values makes of values of these sizes."""
    y = function(ArrayOps(Shapes()), [Value(x.sizes, x.format) for x in inputs])
    # How many observations and steps there are, only data tell.
    return Size.measured(y.dims, y.data).put(**{d: None for d in "BT" if d in y.dims})


class FunctionLayer(Layer):
    """functionLayer: PredictFcn on its inputs.

    Handles made of arithmetic, comparison and logic, indexing, reductions, reshaping and
    the usual functions are understood, within a budget of what they may make; for any
    other, ``registry={"@(x)...": lambda ops, x: ...}`` gives a function on values, keyed by
    the handle's text or the layer's name. Without Formattable the function sees arrays
    without labels, in MATLAB's order of dimensions.
    """

    MATLAB = ("nnet.cnn.layer.FunctionLayer",)
    BUILDER = "functionLayer"
    SINCE = "R2021b"
    TRAINING = ("Acceleratable",)

    predict_fcn: Handle = prop("PredictFcn", HANDLE, arg=1)
    formattable: bool = prop("Formattable", logical, default=False)
    ports: tuple[str, ...] = field(default=("in",), kw_only=True)
    # What the user gave in place of the handle.
    function: Callable[..., Value] | None = field(default=None, kw_only=True)

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.ports

    @property
    def foreign(self) -> Callable[..., Value] | None:
        return self.function

    def infer(self, *inputs: Size) -> Size:
        if self.function is not None:
            raise UnknownSizeError(
                "FunctionLayer runs a Python function, so its output size is not known beforehand",
                where=self.name,
            )
        return size_after(self._evaluate, *inputs)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        if self.function is not None:
            return self.function(ops, *inputs)
        return self._evaluate(ops, list(inputs))

    def _evaluate(self, ops: ArrayOps, inputs: list[Value]) -> Value:
        return self.predict_fcn.of(ops, inputs, self.formattable)
