"""Cards in plain torch, for those who would rather not speak in the words of ops."""

from __future__ import annotations

from typing import Any

from matbridge.core.card import Layer
from matbridge.core.dims import Size, batch_first, canonical
from matbridge.errors import LayerError
from matbridge.ops import Ops, Parameters, Value

__all__ = ["TorchLayer"]


class TorchLayer(Layer):
    """A layer whose ``forward(self, p, x)`` is plain torch on tensors.

    Data come batch first, as in PyTorch (N×C, N×C×T, N×C×H×W), and so does the result, in the
    format that ``infer`` tells; ``p["Alpha"]`` is a tensor with the dimensions of its
    declaration. It predicts, trains and is exported as .pt2; ONNX says that it cannot.
    """

    @property
    def in_words(self) -> bool:
        return False

    def run(self, ops: Ops, p: Parameters, *inputs: Value) -> tuple[Value, ...]:
        names = [declared.name for declared in self.declared if declared.name in self.arrays]

        def function(*tensors: object) -> object:
            arrays = dict(zip(names, tensors[len(inputs) :], strict=True))
            return self.forward(arrays, *tensors[: len(inputs)])

        results = ops.plain(function, inputs, [p[name] for name in names])
        sizes = self.inferred(*(Size(canonical(x.dims), (None,) * len(x.dims)) for x in inputs))
        formats = [s.format for s in (sizes if isinstance(sizes, tuple) else (sizes,))]
        for tensor, format in zip(results, formats, strict=False):
            if getattr(tensor, "ndim", None) != len(format):
                raise LayerError(
                    f"forward of the card {type(self).__name__} returned "
                    f"{getattr(tensor, 'ndim', 'no')} dimensions for the format {format}",
                    where=self.name,
                    mend="Return a tensor of the format that infer tells, batch first.",
                )
        return tuple(
            Value(t, batch_first(format)) for t, format in zip(results, formats, strict=False)
        )

    def forward(self, p: Any, *inputs: Any, **named: Any) -> Any:  # type: ignore[override]
        """The output(s) from the input(s), as tensors."""
        raise NotImplementedError("a TorchLayer says forward(self, p, x)")
