"""A network as a torch.nn.Module, for training and for prediction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from matbridge.card import Array, Layer
from matbridge.dims import batch_first
from matbridge.errors import MismatchError
from matbridge.network import Network
from matbridge.ops import Value
from matbridge.run.torch_ops import TorchOps
from matbridge.sizes import size_of

__all__ = ["NetworkModule", "Prepared", "exact_float32", "weights_home"]

States = dict[str, dict[str, Tensor]]


class LayerArrays(nn.Module):
    """The arrays of one layer: learnables as parameters, the rest as buffers."""

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        super().__init__()
        roles = {declared.name: declared for declared in layer.declared}
        for name, array in arrays_of(layer).items():
            tensor = torch.tensor(np.ascontiguousarray(array), dtype=dtype)
            if roles[name].role == "learnable":
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)

    def tensors(self) -> dict[str, Tensor]:
        return {**self._parameters, **self._buffers}  # type: ignore[dict-item]


def arrays_of(layer: Layer) -> dict[str, np.ndarray]:
    """The declared arrays of a layer; states that are not there are zero."""
    found = {}
    for declared in layer.declared:
        array = layer.arrays.get(declared.name)
        if array is None and declared.role == "state":
            size = size_of(layer, declared)
            array = None if size is None else np.zeros(size, np.float32)
        if array is not None:
            found[declared.name] = array
    return found


class Bound:
    """The arrays of one layer during one run, and the states that the run sets."""

    def __init__(self, layer: Layer, ops: TorchOps, tensors: dict[str, Tensor]) -> None:
        self.declared: dict[str, Array] = {a.name: a for a in layer.declared}
        self.ops = ops
        self.tensors = tensors
        self.updates: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        tensor = self.tensors[name]
        shape, dims = self.declared[name].view(tuple(tensor.shape))
        if tuple(tensor.shape) == shape:
            return Value(tensor, dims)
        return self.ops.reshape(Value(tensor, dims), shape, dims)

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def update(self, **states: Value) -> None:
        self.updates.update(states)


class Prepared(TorchOps):
    """Operations that compute what depends on weights alone only once.

    Aligned kernels, folded matrices and scales are kept; later calls find them by the
    tensors they came from.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(dtype, device)
        self.constants: dict[int, Tensor] = {}
        self.kept: dict[Any, Tensor] = {}

    def hold(self, tensors: Iterator[Tensor]) -> None:
        """Take these tensors as constant."""
        self.constants.update({id(tensor): tensor for tensor in tensors})

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        key = self._key(function, arguments)
        if key is None or options:
            return function(*arguments, **options)
        if key not in self.kept:
            result = function(*arguments).contiguous()
            self.kept[key] = result
            self.constants[id(result)] = result
        return self.kept[key]

    def _key(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """What identifies a computation on constants alone, None for any other."""
        parts: list[Any] = [function]
        constant = False
        for argument in arguments:
            if isinstance(argument, Tensor):
                if id(argument) not in self.constants:
                    return None
                constant = True
                parts.append(id(argument))
            else:
                parts.append(argument)
        return tuple(parts) if constant else None


class NetworkModule(nn.Module):
    """An ordinary trainable module with the arrays in MATLAB's layout, by MATLAB's names.

    ``lstm_1.InputWeights`` is the InputWeights of the layer lstm_1 (a dot in a layer's
    name becomes an underscore). Inputs and outputs are batch first: features (N, C),
    images (N, C, H, W), sequences (N, C, T), image sequences (N, C, T, H, W); several in
    the order of the network's inputs and outputs.

    ``dtype`` and ``device`` as torch takes them. Raises UnsupportedError for a network
    that cannot run.
    """

    def __init__(
        self,
        network: Network,
        dtype: torch.dtype | str = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        network.check_runnable()
        self.network = network
        self.dtype = as_dtype(dtype)
        self.keys = module_names(network, self)
        for layer in network.layers:
            self.add_module(self.keys[layer.name], LayerArrays(layer, self.dtype))
        self.prepared: Prepared | None = None
        self.to(device)
        self.eval()

    def prepare(self) -> NetworkModule:
        """Make ready for prediction alone: layout and folding cost nothing per call."""
        self.requires_grad_(False)
        self.prepared = Prepared(self.dtype, self.device)
        self.prepared.hold(tensor for part in self.parts().values() for tensor in part.values())
        return self

    @property
    def device(self) -> torch.device:
        for tensor in (*self.parameters(), *self.buffers()):
            return tensor.device
        return torch.device("cpu")

    def parts(self) -> dict[str, dict[str, Tensor]]:
        """The tensors of each layer, by MATLAB's names."""
        found = {}
        for layer in self.network.layers:
            part = self._modules[self.keys[layer.name]]
            assert isinstance(part, LayerArrays)
            found[layer.name] = part.tensors()
        return found

    def formats(self) -> dict[str, str]:
        """The dims in which each input enters, batch first."""
        found = {}
        for name in self.network.input_names:
            layer = self.network[name] if self._is_layer(name) else None
            found[name] = batch_first(getattr(layer, "format", "") or "CB")
        return found

    def _is_layer(self, name: str) -> bool:
        return any(layer.name == name and layer.IS_INPUT for layer in self.network.layers)

    def forward(self, *inputs: Tensor) -> Any:
        """The output tensor, or a tuple of them, batch first."""
        formats = self.formats()
        if len(inputs) != len(formats):
            raise MismatchError(
                f"the network has {len(formats)} inputs, {len(inputs)} were given",
                mend=f"Inputs, in order: {', '.join(formats)}.",
            )
        values = {
            name: Value(tensor, dims)
            for (name, dims), tensor in zip(formats.items(), inputs, strict=True)
        }
        results, updates = self.run(values)
        if self.training:
            self.keep(updates)
        aligned = [align_batch_first(self.ops(), value) for value in results]
        return aligned[0] if len(aligned) == 1 else tuple(aligned)

    def ops(self) -> TorchOps:
        if self.prepared is not None and not self.training:
            return self.prepared
        return TorchOps(self.dtype, self.device, self.training)

    def run(
        self, inputs: Mapping[str, Value], states: States | None = None
    ) -> tuple[list[Value], States]:
        """Outputs in whatever order came naturally, and the states that the run set.

        ``states`` by layer and name stand in for those of the module.
        """
        ops = self.ops()
        parts = self.parts()
        for name, replaced in (states or {}).items():
            parts[name] = {**parts[name], **replaced}
        bound: dict[str, Bound] = {}

        def bind(layer: Layer) -> Bound:
            bound[layer.name] = Bound(layer, ops, parts[layer.name])
            return bound[layer.name]

        results = self.network.walk(ops, inputs, bind)
        updates = {
            name: {key: _as_saved(ops, found.declared[key], v) for key, v in found.updates.items()}
            for name, found in bound.items()
            if found.updates
        }
        return results, updates

    def keep(self, updates: States) -> None:
        """Take over the statistics that training moved; recurrent states are not kept."""
        parts = self.parts()
        for layer in self.network.layers:
            for declared in layer.declared:
                new = updates.get(layer.name, {}).get(declared.name)
                if declared.role == "statistic" and new is not None:
                    old = parts[layer.name][declared.name]
                    old.copy_(new.detach().reshape(old.shape))


def _as_saved(ops: TorchOps, declared: Array, value: Value) -> Tensor:
    """A state in MATLAB's layout."""
    return ops.align(value, declared.dims).data


def align_batch_first(ops: TorchOps, value: Value) -> Tensor:
    """The data of a value, batch first."""
    return ops.align(value, batch_first(value.dims)).data


def as_dtype(dtype: torch.dtype | str) -> torch.dtype:
    """A floating point dtype by torch's name; MismatchError for any other."""
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise MismatchError(
            f"{dtype!r} is not a floating point type", mend="Use float32 or float64."
        )
    return found


def module_names(network: Network, module: nn.Module) -> dict[str, str]:
    """Names under which torch accepts the layers: without dots, not those of attributes."""
    taken: set[str] = set()
    names = {}
    for layer in network.layers:
        name = layer.name.replace(".", "_")
        while name in taken or hasattr(module, name):
            name += "_"
        taken.add(name)
        names[layer.name] = name
    return names


def weights_home(network: Network, module: nn.Module) -> Network:
    """``network`` with the arrays of ``module``, which was made from it.

    An array that training left alone is kept bit for bit. Raises MismatchError if the
    module is another network's.
    """
    if not isinstance(module, NetworkModule):
        raise MismatchError(
            "weights can only come from a module that to_torch made",
            mend="Use module = network.to_torch(), train it, and pass that module.",
        )
    changed = []
    parts = module.parts()
    for layer in network.layers:
        if layer.name not in parts:
            raise MismatchError(f"the module has no layer {layer.name}")
        tensors = parts[layer.name]
        arrays = {
            name: _home(layer.arrays[name], tensors[name])
            for name in layer.arrays
            if name in tensors
        }
        changed.append(layer.replace(arrays={**layer.arrays, **arrays}))
    return network.with_layers(*changed)


def _home(old: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The array of a tensor; the old one where they are equal in the tensor's dtype."""
    new = tensor.detach().cpu().numpy()
    if new.shape != old.shape:
        raise MismatchError(f"the module has size {new.shape} where the network has {old.shape}")
    same = np.array_equal(old.astype(new.dtype), new, equal_nan=True)
    return old if same else new.astype(old.dtype)


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
