"""A network as a torch.export program (.pt2), loadable where matbridge is not installed."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor, fx
from torch.export import Dim, ExportedProgram
from torch.utils._pytree import tree_structure

from matbridge.core.dims import axis_names, batch_first, reorder
from matbridge.core.network import Network
from matbridge.errors import UnsupportedError
from matbridge.torch.entry import entry_dims
from matbridge.torch.module import as_dtype, module_names
from matbridge.torch.trace import Trace, TracedModule

__all__ = [
    "ABOUT",
    "example_inputs",
    "export_program",
    "run_program",
    "save_program",
    "write_program",
]

# The name of a node and the order of its dimensions, by port.
Places = dict[str, tuple[str, str]]

# The entry of the archive that tells what is MATLAB's: names and classes, as JSON.
ABOUT = "matbridge.json"

# Sizes under which a dynamic dimension is traced: torch takes 0 and 1 as fixed.
EXAMPLE_BATCH, EXAMPLE_STEPS = 2, 5
# How far a number of steps that the layers take is looked for.
MOST_STEPS = 2000
# What torch keeps with each node of how it came about.
HISTORY = ("stack_trace", "from_node", "torch_fn", "nn_module_stack", "source_fn_stack")


def export_program(network: Network, dtype: torch.dtype | None = None) -> ExportedProgram:
    """The network as a program with free batch and time; weights ready for the kernels.

    Inputs and outputs are batch first, as those of the module. Raises
    UnsupportedError for a network that cannot run.
    """
    return _export_traced(network, dtype)[0]


def _export_traced(network: Network, dtype: torch.dtype | None) -> tuple[ExportedProgram, Places]:
    """The program, and where in it the value at each port is."""
    module = TracedModule(network, as_dtype(dtype or network.dtype)).requires_grad_(False)
    steps, open_ended = example_steps(network)
    inputs = example_inputs(network, module.dtype, steps)
    shapes = tuple(_dynamic(dims, open_ended) for dims in module.formats().values())
    # A star argument of forward is one argument for torch.
    first = _export(module, inputs, (shapes,))
    folded = fold_constants(first.module())
    program = _export(folded, inputs, shapes)
    values = _keep_outputs(program, len(network.outputs))
    computed = {node.name for node in program.graph.nodes if node.op == "call_function"}
    places = {
        str(port): (value.name, dims)
        for port, value, dims in zip(module.ports, values, module.labels.dims, strict=True)
        if isinstance(value, fx.Node) and value.name in computed
    }
    return program, places


def _keep_outputs(program: ExportedProgram, count: int) -> list[object]:
    """Take all but the first outputs away; what they were, as nodes of the graph."""
    end = program.graph.output_node()
    outputs = end.args[0]
    assert isinstance(outputs, tuple | list)
    end.args = (tuple(outputs[:count]),)
    program.graph_signature.output_specs[:] = program.graph_signature.output_specs[:count]
    signature = program.module_call_graph[0].signature
    assert signature is not None
    signature.out_spec = tree_structure(0 if count == 1 else tuple(range(count)))
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    return list(outputs[count:])


def write_program(network: Network, path: Path, dtype: torch.dtype | None = None) -> None:
    """The network as a .pt2 archive, with :func:`about` it in the entry ABOUT.

    ``torch.export.load(path, extra_files={"matbridge.json": ""})`` reads that too.
    """
    program, places = _export_traced(network, dtype)
    told = json.dumps({**about(network), "ports": places}, indent=1)
    save_program(program, path, {ABOUT: told})


def run_program(path: Path, inputs: Sequence[np.ndarray]) -> Trace:
    """Run a program that :func:`write_program` wrote: the value at each port, batch first."""
    extra = {ABOUT: ""}
    # torch refuses a path of another ending, but takes any file.
    with path.open("rb") as file:
        module = torch.export.load(file, extra_files=extra).module()
    told = json.loads(extra[ABOUT])
    tensors = [torch.from_numpy(array) for array in inputs]
    recorder = Recorder(module, {node for node, _ in told["ports"].values()})
    with torch.no_grad():
        results = module(*tensors)
        recorder.run(*tensors)
    values = {
        port: reorder(recorder.values[node], dims, batch_first(dims))
        for port, (node, dims) in told["ports"].items()
    }
    results = results if isinstance(results, tuple) else (results,)
    named = zip(told["outputs"], results, strict=True)
    return {**values, **{name: tensor.numpy() for name, tensor in named}}


class Recorder(fx.Interpreter):
    """Runs a graph and keeps the values of some nodes."""

    def __init__(self, module: torch.nn.Module, wanted: set[str]) -> None:
        super().__init__(module)
        self.wanted = wanted
        self.values: dict[str, np.ndarray] = {}

    def run_node(self, n: fx.Node) -> object:
        value = super().run_node(n)
        if n.name in self.wanted:
            self.values[n.name] = value.numpy()
        return value


def about(network: Network) -> dict[str, object]:
    """MATLAB's names of inputs, outputs and classes, and of layers by their name in the program;
    what the dimensions of each input are."""
    return {
        "axes": {name: axis_names(dims) for name, dims in entry_dims(network).items()},
        "inputs": list(network.input_names),
        "outputs": list(network.output_names),
        "classes": list(network.classes),
        "layers": {ours: name for name, ours in module_names(network).items()},
    }


def save_program(
    program: ExportedProgram, path: Path, extra_files: dict[str, object] | None = None
) -> None:
    """Write the archive without example inputs, which torch would pickle, and without the
    history of each node, which names files of this machine."""
    program.example_inputs = None
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, fx.GraphModule) else ():
            for key in HISTORY:
                node.meta.pop(key, None)
    for tensors in (program.state_dict, program.constants):
        tensors |= {name: t.clone() for name, t in tensors.items() if _is_empty(t)}
    # Given a path, torch would name the folder in the archive after the temporary file.
    with path.open("wb") as file:
        target = Patient(file)
        torch.export.save(program, target, extra_files=extra_files)
    if target.error is not None:
        raise target.error


def _is_empty(value: object) -> bool:
    """Whether this is an array without elements: torch cannot write a view of one."""
    return isinstance(value, Tensor) and value.numel() == 0


class Patient(io.BytesIO):
    """A file that keeps the first error to itself: one that torch meets while it writes an
    archive, such as a full disk, ends the process."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file = file
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            if self.error is None:
                self.file.write(data)
        except OSError as error:
            self.error = error
        return len(data)


def _export(module: torch.nn.Module, inputs: tuple[Tensor, ...], shapes: Any) -> ExportedProgram:
    with torch.no_grad(), whole_recurrences():
        try:
            return torch.export.export(module, inputs, dynamic_shapes=shapes)
        except torch._dynamo.exc.UserError as error:
            raise UnsupportedError(
                f"torch cannot export this network: {str(error).splitlines()[0]}",
                mend="Convert it to ONNX or safetensors instead.",
            ) from error


def example_steps(network: Network) -> tuple[int, bool]:
    """A number of time steps that the layers take, and whether they take others too.

    Windows need some; weights along the time have a step for each.
    """

    sizes = {name: layer.entering for name, layer in network.input_layers.items()}

    def takes(steps: int) -> bool:
        at = {name: x.put(T=steps) for name, x in sizes.items() if "T" in x}
        return not network.obstacles(**at)

    least = next((n for n in (EXAMPLE_STEPS, *range(1, MOST_STEPS)) if takes(n)), EXAMPLE_STEPS)
    if not takes(least + 1):
        return least, False
    # More than a window needs: torch takes it as fixed that a layer gives one step.
    return (least if least == EXAMPLE_STEPS else 4 * least), True


def example_inputs(
    network: Network, dtype: torch.dtype, steps: int = EXAMPLE_STEPS
) -> tuple[Tensor, ...]:
    """Random inputs of the right sizes, batch first."""
    tensors = []
    for name in network.input_names:
        layer = network.input_layers.get(name)
        if layer is None:
            raise UnsupportedError("this input has no input layer", where=name)
        size = layer.entering
        spatial = list(size.spatial)
        shape = [
            spatial.pop(0)
            if label == "S"
            else {"B": EXAMPLE_BATCH, "T": steps}.get(label, size[label])
            for label in batch_first(size.format)
        ]
        tensors.append(torch.rand([1 if n is None else n for n in shape], dtype=dtype))
    return tuple(tensors)


def _dynamic(dims: str, open_ended: bool) -> dict[int, object]:
    """Batch and time are free, within what the layers allow."""
    free = "BT" if open_ended else "B"
    return {axis: Dim.DYNAMIC for axis, label in enumerate(dims) if label in free}


def fold_constants(module: fx.GraphModule) -> fx.GraphModule:
    """Compute once what depends on weights alone, and drop the weights it came from."""
    graph = module.graph
    values: dict[fx.Node, Any] = {}
    for node in graph.nodes:
        if node.op == "get_attr":
            values[node] = _attribute(module, str(node.target))
        elif node.op == "call_function" and _constant(node, values):
            arguments = fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = node.target(*arguments[0], **arguments[1])
    edge = [
        node
        for node, value in values.items()
        if isinstance(value, Tensor)
        and node.op == "call_function"
        and any(user not in values for user in node.users)
    ]
    for node in edge:
        name = _name_for(node, module)
        module.register_buffer(name, values[node].detach().clone().contiguous())
        with graph.inserting_before(node):
            node.replace_all_uses_with(graph.get_attr(name))
    graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    _drop_unused(module)
    module.recompile()
    return module


def _name_for(node: fx.Node, module: fx.GraphModule) -> str:
    """After the array it comes from: lstm_1_Bias."""
    source = node
    while source.op != "get_attr":
        source = source.all_input_nodes[0]
    base = name = str(source.target).replace(".", "_")
    count = 1
    while hasattr(module, name):
        count += 1
        name = f"{base}_{count}"
    return name


def _constant(node: fx.Node, values: dict[fx.Node, object]) -> bool:
    inputs = node.all_input_nodes
    return bool(inputs) and all(argument in values for argument in inputs)


def _attribute(module: torch.nn.Module, target: str) -> object:
    value: object = module
    for part in target.split("."):
        value = getattr(value, part)
    return value


def _drop_unused(module: fx.GraphModule) -> None:
    used = {str(node.target) for node in module.graph.nodes if node.op == "get_attr"}
    for owner_name, owner in list(module.named_modules()):
        for table in (owner._parameters, owner._buffers):
            for name in list(table):
                if f"{owner_name}.{name}".lstrip(".") not in used:
                    del table[name]


@contextlib.contextmanager
def whole_recurrences() -> Iterator[None]:
    """Keep LSTM and GRU as single operators while a program is traced.

    torch would take them apart into one step after the other, which fixes the length of
    the sequences. Only the sizes of their results are told instead; the program then
    calls the fused kernels. This reaches into torch; tests/test_program.py tells when a
    release moves it.
    """
    keys = (
        torch._C.DispatchKey.CompositeImplicitAutograd,
        torch._C.DispatchKey.Autograd,
    )
    sizes: dict[Any, object] = {
        torch.ops.aten.lstm.input: _lstm_sizes,
        torch.ops.aten.gru.input: _gru_sizes,
    }
    before = {operator: {k: operator.py_kernels.get(k) for k in keys} for operator in sizes}
    try:
        for operator, kernel in sizes.items():
            operator.py_kernels.update(dict.fromkeys(keys, kernel))
            operator._dispatch_cache.clear()
        yield
    finally:
        for operator, kernels in before.items():
            for key, kernel in kernels.items():
                if kernel is None:
                    operator.py_kernels.pop(key, None)
                else:
                    operator.py_kernels[key] = kernel
            operator._dispatch_cache.clear()


def _lstm_sizes(x: Tensor, states: list[Tensor], *_: object) -> tuple[Tensor, Tensor, Tensor]:
    directions, _batch, units = states[0].shape
    y = x.new_empty(x.shape[0], x.shape[1], directions * units)
    return y, torch.empty_like(states[0]), torch.empty_like(states[1])


def _gru_sizes(x: Tensor, state: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    directions, _batch, units = state.shape
    return x.new_empty(x.shape[0], x.shape[1], directions * units), torch.empty_like(state)
