"""PyTorch as what computes for a session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from matbridge.core.dims import Size, canonical, reorder, steps_first
from matbridge.core.engine import EngineError, Labelled, States
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.ops import Value
from matbridge.torch.module import as_dtype
from matbridge.torch.prediction import PreparedModule
from matbridge.torch.ragged import UnpaddableError, may_be_ragged, padded_ops

__all__ = ["TorchEngine", "exact_float32"]


class TorchEngine:
    """A network in PyTorch: an engine, as core.engine describes it.

    ``device`` and ``dtype`` as torch takes them; ``allow_tf32`` lets CUDA round float32 on
    the way. Raises MismatchError for a device that is not there.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | str = "float32",
        allow_tf32: bool = False,
    ) -> None:
        self.device, self.dtype = as_device(device), as_dtype(dtype)
        self.allow_tf32 = allow_tf32
        self.module = PreparedModule(network, dtype=self.dtype, device=self.device)
        self.padding_is_harmless = may_be_ragged(self.module.network)

    def run(
        self,
        inputs: Mapping[str, Labelled],
        states: States,
        lengths: tuple[int, ...] | None = None,
    ) -> tuple[list[Labelled], States] | None:
        """One mini-batch; see core.engine."""
        if lengths is not None and not self.padding_is_harmless:
            return None
        values = {name: self._value(array, dims) for name, (array, dims) in inputs.items()}
        with torch.inference_mode(), self._exact(), self._explained(values):
            self.module.check(values)
            if lengths is None:
                results, updates = self.module.run(values, states)
            else:
                try:
                    ops = padded_ops(self.module.backend, lengths)
                    results, _ = self.module.walk(ops, values, {})
                    updates = {}
                except UnpaddableError:
                    self.padding_is_harmless = False
                    return None
            return [self._labelled(value) for value in results], updates

    def states(self, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> States:
        """These states as tensors."""
        return {
            layer: {
                n: torch.tensor(a, dtype=self.dtype, device=self.device) for n, a in own.items()
            }
            for layer, own in arrays.items()
        }

    def arrays(self, states: States) -> dict[str, dict[str, np.ndarray]]:
        """These states as arrays."""
        return {
            layer: {name: tensor.detach().cpu().numpy() for name, tensor in own.items()}
            for layer, own in states.items()
        }

    def _exact(self) -> contextlib.AbstractContextManager[None]:
        if self.device.type != "cuda":
            return contextlib.nullcontext()
        return exact_float32(self.allow_tf32)

    @contextlib.contextmanager
    def _explained(self, values: dict[str, Value]) -> Iterator[None]:
        """What PyTorch refuses, in the words of the layer that these sizes do not suit."""
        try:
            yield
        except NotImplementedError:
            raise
        except RuntimeError as error:
            sizes = {name: Size.measured(v.dims, v.data.shape) for name, v in values.items()}
            for obstacle in self.module.network.obstacles(**sizes):
                raise obstacle from error
            raise EngineError(
                f"PyTorch cannot compute this input: {str(error).splitlines()[0]}",
                mend="Check its sizes; if memory is short, use a smaller mini_batch_size.",
            ) from error

    def _value(self, array: np.ndarray, have: str) -> Value:
        dims = steps_first(have)
        part = np.ascontiguousarray(reorder(array, have, dims))
        dtype = self.dtype.to_complex() if part.dtype.kind == "c" else self.dtype
        return Value(torch.as_tensor(part).to(self.device, dtype), dims)

    def _labelled(self, value: Value) -> Labelled:
        ops = self.module.ops()
        value = value if "B" in value.dims else ops.align(value, value.dims + "B")
        dims = canonical(value.dims)
        # A copy: what passes through a network is the caller's own array.
        return Labelled(np.array(ops.align(value, dims).data.cpu().numpy()), dims)


def as_device(device: torch.device | str) -> torch.device:
    """A device that is there and holds numbers; MismatchError otherwise."""
    try:
        place = torch.device(device)
        torch.zeros(1, device=place).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise MismatchError(
            f"the device {str(device)!r} cannot be used: {str(error).splitlines()[0]}",
            mend="Use cpu, or check the installation of PyTorch.",
        ) from None
    return place


@contextlib.contextmanager
def exact_float32(allow: bool = False) -> Iterator[None]:
    """float32 means float32: TF32 off on CUDA, unless allowed."""
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = allow
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value
