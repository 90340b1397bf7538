"""A network as a torch.nn.Module, for training and for prediction."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, fx, nn

from matbridge.core.arrays import size_of
from matbridge.core.card import Array, Layer
from matbridge.core.dims import axis_names, batch_first
from matbridge.core.entry import SizeCheck
from matbridge.core.names import identifiers
from matbridge.core.network import Network, Port
from matbridge.errors import LayerError, MismatchError
from matbridge.ops import Ops, Value
from matbridge.ops.outputs import network_output
from matbridge.torch.backend import TorchBackend
from matbridge.torch.entry import check_tensor, entry_dims, memory_of
from matbridge.torch.losses import losses

__all__ = ["NetworkModule", "module_names", "weights_home"]

States = dict[str, dict[str, Tensor]]
Given = Mapping[str, Mapping[str, Tensor]]

# Names that are taken where a layer's arrays are put: by our own attributes, by torch's in
# modules and in what torch.export makes of them.
OURS = frozenset(
    {"TAPES", "backend", "dtype", "every_value", "fixed", "labels", "names", "network", "ports"}
    | {"prepared", "tapes"}
)
TORCHS = frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph()))) | {
    "adapted",
    "check_input_constraints",
    "equality_constraints",
    "finalize",
    "flat_args_adapter",
    "graph_module",
    "graph_signature",
    "input_placeholders",
    "ivals",
    "module_call_graph",
    "process_forward_inputs",
    "range_constraints",
    "type_name",
    "validate_inputs",
}


class LayerArrays(nn.Module):
    """The arrays of one layer: learnables as parameters, the rest as buffers."""

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        super().__init__()
        self._type = layer.type_name if layer.MATLAB else "Identity"
        roles = {declared.name: declared for declared in layer.declared}
        for name, array in arrays_of(layer).items():
            tensor = torch.tensor(np.ascontiguousarray(array), dtype=dtype)
            if roles[name].role == "learnable":
                self.register_parameter(name, nn.Parameter(tensor))
            else:
                self.register_buffer(name, tensor)

    def _get_name(self) -> str:
        return self._type

    def extra_repr(self) -> str:
        sizes = (f"{n} {'×'.join(map(str, t.shape))}" for n, t in self.tensors().items())
        return ", ".join(sizes)

    def tensors(self) -> dict[str, Tensor]:
        return {**self._parameters, **self._buffers}  # type: ignore[dict-item]


def arrays_of(layer: Layer) -> dict[str, np.ndarray]:
    """The declared arrays of a layer; states that are not there are zero."""
    present = {}
    for declared in layer.declared:
        array = layer.arrays.get(declared.name)
        if array is None and declared.role == "state":
            size = size_of(layer, declared)
            array = None if size is None else np.zeros(size, np.float32)
        if array is not None:
            present[declared.name] = array
    return present


class Bound:
    """The arrays of one layer during one run, and the states that the run sets."""

    def __init__(self, layer: Layer, ops: Ops, tensors: dict[str, Tensor]) -> None:
        self.declared: dict[str, Array] = {a.name: a for a in layer.declared}
        self.ops = ops
        self.tensors = tensors
        self.updates: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        tensor = self.tensors[name]
        shape, dims = self.declared[name].view(tuple(tensor.shape))
        if tuple(tensor.shape) == shape:
            return Value(tensor, dims)
        return Value(self.ops.backend.reshape(tensor, shape), dims)

    def update(self, **states: Value) -> None:
        for name in states.keys() - self.declared.keys():
            raise LayerError(
                f"forward sets {name}, which ARRAYS does not declare",
                mend=f'Name it there: state("{name}", ..., dims=...).',
            )
        self.updates.update(states)


class NetworkModule(nn.Module):
    """An ordinary trainable module with the arrays in MATLAB's layout, by MATLAB's names.

    ``lstm_1.InputWeights`` is the InputWeights of the layer lstm_1. A layer whose name is no
    identifier, or one of torch's own, has a name of ours there; ``names`` tells which.
    Inputs and outputs are batch first: features (N, C), images (N, C, H, W), sequences
    (N, C, T), image sequences (N, C, T, H, W); several in the order of the network's
    inputs and outputs. One value per class is (N, K), in a dlnetwork (N, K, 1, 1) where
    its layers keep spatial dimensions.

    ``dtype`` and ``device`` as torch takes them; ``format`` as for predict, for inputs without
    an input layer. Raises UnsupportedError for a network that cannot run; called with what
    does not fit, MismatchError or LayerError.
    """

    def __init__(
        self,
        network: Network,
        dtype: torch.dtype | str | None = None,
        device: torch.device | str = "cpu",
        format: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        network.check_runnable()
        self.network = network
        self.dtype = as_dtype(dtype or network.dtype)
        self.names = module_names(network)
        self._dims = entry_dims(network, format)
        for layer in network.layers:
            self.add_module(self.names[layer.name], LayerArrays(layer, self.dtype))
        self.to(device)
        self.eval()
        self._size_check = SizeCheck(network, self.dtype.itemsize, self._memory)

    @property
    def device(self) -> torch.device:
        tensor = next(itertools.chain(self.parameters(), self.buffers()), None)
        return torch.device("cpu") if tensor is None else tensor.device

    def _memory(self) -> int | None:
        return memory_of(self.device)

    def parts(self) -> dict[str, dict[str, Tensor]]:
        """The tensors of each layer, by MATLAB's names."""
        parts = {}
        for layer in self.network.layers:
            part = self._modules[self.names[layer.name]]
            assert isinstance(part, LayerArrays)
            parts[layer.name] = part.tensors()
        return parts

    def extra_repr(self) -> str:
        entries = (f"{name!a}: {'×'.join(axis_names(d))}" for name, d in self._dims.items())
        return f"inputs {', '.join(entries)}; {self.dtype} on {self.device}"

    def formats(self) -> dict[str, str]:
        """The dims in which each input enters, batch first."""
        return dict(self._dims)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The output tensor, or a tuple of them, batch first."""
        values = self.entered(inputs)
        results, updates = self.run(values)
        if self.training:
            self.keep(updates)
        outputs = self.outputs(results)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def outputs(self, values: Sequence[Value]) -> list[Tensor]:
        """The values at the outputs as the module returns them."""
        ops, kind = self.ops(), self.network.kind
        return [network_output(ops, value, kind).data for value in values]

    def entered(self, inputs: Sequence[Tensor]) -> dict[str, Value]:
        """The inputs by name, checked; sizes once for each shape."""
        if len(inputs) != len(self._dims):
            raise MismatchError(
                f"the network has {len(self._dims)} inputs, {len(inputs)} were given",
                mend=f"Inputs, in order: {', '.join(self._dims)}.",
            )
        device, values = self.device, {}
        for (name, dims), tensor in zip(self._dims.items(), inputs, strict=True):
            check_tensor(name, tensor, dims, self.dtype, device)
            values[name] = Value(tensor, dims)
        self.check(values)
        return values

    def check(self, values: Mapping[str, Value]) -> None:
        """Refuse inputs of sizes that do not fit; looked at once for each shape."""
        if torch.compiler.is_compiling():
            return
        sizes = {name: (value.dims, tuple(value.data.shape)) for name, value in values.items()}
        self._size_check(sizes)

    def loss(self, outputs: Tensor | tuple[Tensor, ...], *targets: Tensor) -> Tensor:
        """The loss that MATLAB trains with: that of the output layer, or the sum of several.

        ``targets`` have the size of the outputs, or are whole numbers from 0, the class at
        each position. Raises UnsupportedError without output layers, as in a dlnetwork.
        """
        results = outputs if isinstance(outputs, tuple) else (outputs,)
        terms = losses(self.network, self.ops(), results, targets)
        return torch.stack(terms).sum()

    def ops(self) -> Ops:
        """The operations of one run."""
        return Ops(TorchBackend(self.dtype, self.device, self.training))

    def run(
        self, inputs: Mapping[str, Value], states: Given | None = None
    ) -> tuple[list[Value], States]:
        """Outputs in whatever order came naturally, and the states that the run set.

        ``states`` by layer and name stand in for those of the module.
        """
        ops = self.ops()
        results, bound = self.walk(ops, inputs, states or {})
        updates = {
            name: {key: _as_saved(ops, own.declared[key], v) for key, v in own.updates.items()}
            for name, own in bound.items()
            if own.updates
        }
        return results, updates

    def walk(
        self,
        ops: Ops,
        inputs: Mapping[str, Value],
        states: Given,
        wanted: Sequence[Port] | None = None,
    ) -> tuple[list[Value], dict[str, Bound]]:
        """The values at ``wanted`` (the outputs), and the arrays of each layer with what it set."""
        parts = self.parts()
        for name, replaced in states.items():
            parts[name] = {**parts[name], **replaced}
        bound: dict[str, Bound] = {}

        def bind(layer: Layer) -> Bound:
            bound[layer.name] = Bound(layer, ops, parts[layer.name])
            return bound[layer.name]

        return self.network.walk(ops, inputs, bind, wanted), bound

    def keep(self, updates: States) -> None:
        """Take over the statistics that training moved; recurrent states are not kept."""
        parts = self.parts()
        for layer in self.network.layers:
            for declared in layer.declared:
                new = updates.get(layer.name, {}).get(declared.name)
                if declared.role == "statistic" and new is not None:
                    old = parts[layer.name][declared.name]
                    old.copy_(new.detach().reshape(old.shape))


def _as_saved(ops: Ops, declared: Array, value: Value) -> Tensor:
    """A state in MATLAB's layout."""
    return ops.align(value, declared.dims).data


def align_batch_first(ops: Ops, value: Value) -> Tensor:
    """The data of a value, batch first."""
    return ops.align(value, batch_first(value.dims)).data


def as_dtype(dtype: torch.dtype | str) -> torch.dtype:
    """A floating point dtype by torch's name; MismatchError for any other."""
    kind = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(kind, torch.dtype) or not kind.is_floating_point:
        raise MismatchError(
            f"{dtype!r} is not a floating point type", mend="Use float32 or float64."
        )
    return kind


def module_names(network: Network) -> dict[str, str]:
    """The name of each layer in a module and in programs made from it."""
    reserved = OURS | TORCHS | set(dir(NetworkModule))
    return identifiers((layer.name for layer in network.layers), reserved)


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
