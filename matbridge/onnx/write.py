"""Networks as ONNX models."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from matbridge.core.classes import NetworkClass
from matbridge.core.dims import axis_names, batch_first
from matbridge.core.memory import check_memory
from matbridge.core.names import plain_names
from matbridge.core.network import Network, Port
from matbridge.errors import MismatchError, UnsupportedError
from matbridge.onnx.backend import OnnxBackend
from matbridge.onnx.graph import TYPES, Builder, Dim, Tensor
from matbridge.onnx.opsets import DEFAULT, check_opset
from matbridge.onnx.walk import States, batch_of, entering, walk
from matbridge.ops import Ops, Value
from matbridge.ops.outputs import network_output
from matbridge.version import VERSION

__all__ = ["PORTS", "STATES", "to_onnx", "unchecked"]

# The metadata that tell which tensor is the value at which port, and what the states are.
PORTS, STATES = "ports", "states"


def to_onnx(
    network: Network, dtype: str | None = None, *, opset: int = DEFAULT, stateful: bool = False
) -> onnx.ModelProto:
    """The network as an ONNX model, batch first, with N and T free.

    Inputs and outputs bear MATLAB's names, those of other letters than plain ones a name of
    ours, with MATLAB's in the metadata; features (N, C), images (N, C, H, W), sequences
    (N, C, T). With ``stateful`` the states are inputs behind these, ``lstm_1.HiddenState``
    (N, C), and outputs, ``lstm_1.HiddenState_out``; else every run starts from the saved ones.
    Raises UnsupportedError for what cannot run or cannot be said in this opset of ONNX.
    """
    model = unchecked(network, dtype or network.dtype, opset, stateful)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        said = " ".join(str(error).split())
        raise UnsupportedError(
            f"the network cannot be said in opset {opset} of ONNX: {said}",
            mend="Choose a newer opset, or convert it to .pt2.",
        ) from error
    return model


def unchecked(network: Network, dtype: str, opset: int, stateful: bool) -> onnx.ModelProto:
    """What :func:`to_onnx` makes, before ONNX's own checker sees it."""
    network.check_runnable()
    check_memory(network, network.infer(), np.dtype(np.float64).itemsize)
    if dtype not in TYPES:
        raise MismatchError(f"{dtype!r} is not a type of ours", mend="Use float32 or float64.")
    # MATLAB lets an output bear the name of an input, ONNX does not.
    ends = [n + "_out" if n in network.input_names else n for n in network.output_names]
    names = plain_names([*network.input_names, *ends])
    builder = Builder(np.dtype(dtype), check_opset(opset), reserved=frozenset(names.values()))
    inputs = {n: entering(network, n, names[n], batch_first) for n in network.input_names}
    states = _states(inputs, builder) if stateful else None
    ports = [
        Port(x.name, port) for x in network.layers for port in x.outputs if port not in x.INNER
    ]
    values = walk(network, OnnxBackend(builder), inputs, [*network.outputs, *ports], states)
    # The outputs come first, then what stands at each port.
    pairs = zip(ends, values, strict=False)
    outputs = [_output(builder, network.kind, names[n], value) for n, value in pairs]
    entries = [value.data for value in inputs.values()]
    if states is not None:
        entries += [value.data for value in states.entering.values()]
        outputs += _state_outputs(builder, states)
    symbols = _symbols(inputs.values())
    nodes = builder.pruned([value.name for value in outputs])
    graph = helper.make_graph(
        nodes,
        "matbridge",
        [_info(value, dtype, symbols) for value in entries],
        [_info(value, dtype, symbols) for value in outputs],
        [numpy_helper.from_array(array, name) for name, array in builder.initializers.items()],
    )
    told = _told(network, names)
    places = _places(nodes, dict(zip(ports, values[len(ends) :], strict=True)))
    told[PORTS] = json.dumps({"outputs": network.output_names, "places": places})
    if states is not None and states.entering:
        told[STATES] = json.dumps(_told_states(states))
    return _model_of(graph, {"": opset, **builder.domains}, told)


def _model_of(
    graph: onnx.GraphProto, versions: Mapping[str, int], told: dict[str, str]
) -> onnx.ModelProto:
    """The model of a graph of these operator sets, by domain, with these metadata."""
    opsets = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    model = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="matbridge",
        producer_version=VERSION,
    )
    helper.set_model_props(model, told)
    return model


def _places(
    nodes: Sequence[onnx.NodeProto], values: Mapping[Port, Value]
) -> dict[str, tuple[str, str]]:
    """The tensor and the order of its dimensions for each port whose value is computed."""
    computed = {name for node in nodes for name in node.output}
    return {
        str(port): (value.data.name, value.dims)
        for port, value in values.items()
        if isinstance(value.data, Tensor) and value.data.name in computed
    }


def _told(network: Network, names: Mapping[str, str]) -> dict[str, str]:
    """What stands in the metadata: class names, and names of MATLAB's that could not stay."""
    renamed = {ours: name for name, ours in names.items() if ours != name}
    told = {"classes": list(network.classes), "names": renamed}
    return {key: json.dumps(value) for key, value in told.items() if value}


def _output(builder: Builder, kind: NetworkClass, name: str, value: Value) -> Tensor:
    builder.scope = "output"
    data = network_output(Ops(OnnxBackend(builder)), value, kind).data
    if not isinstance(data, Tensor):
        raise UnsupportedError("the output does not depend on the input", where=name)
    return builder.named(data, name)


def _states(inputs: Mapping[str, Value], builder: Builder) -> States:
    """As many of each as there are observations in the first input."""
    batch = batch_of(next(iter(inputs.values())))
    return States(batch_first, batch, builder.reserved)


def _state_outputs(builder: Builder, states: States) -> list[Tensor]:
    """What each state is after the run, under the name of its input and ``_out``."""
    return [
        builder.named(value.data, f"{states.names[key]}_out")
        for key, value in states.leaving.items()
    ]


def _told_states(states: States) -> list[dict[str, object]]:
    """Each state that is an input: whose it is, the output for it, and where MATLAB begins."""
    return [
        {
            "layer": key[0],
            "state": key[1],
            "input": name,
            "output": f"{name}_out" if key in states.leaving else "",
            "initial": states.initial[key].tolist(),
        }
        for key, name in states.names.items()
        if key in states.entering
    ]


def _symbols(inputs: Iterable[Value]) -> dict[tuple[str, int], str]:
    """A word for each open size of an input: one ``batch`` for all, ``time``, ``time_2``, ..."""
    symbols: dict[tuple[str, int], str] = {}
    counts: Counter[str] = Counter()
    for value in inputs:
        for axis, word in enumerate(axis_names(value.dims)):
            counts[word] += word != "batch"
            count = counts[word]
            symbols[value.data.name, axis] = word if count < 2 else f"{word}_{count}"
    return symbols


def _info(
    tensor: Tensor, dtype: str, symbols: Mapping[tuple[str, int], str]
) -> onnx.ValueInfoProto:
    shape = [_symbol(n, symbols) if isinstance(n, Dim) else n for n in tensor.shape]
    return helper.make_tensor_value_info(tensor.name, TYPES[dtype], shape)


def _symbol(dim: Dim, symbols: Mapping[tuple[str, int], str]) -> str:
    parts = (symbols.get(part) or re.sub(r"\W", "_", "{}_{}".format(*part)) for part in dim.parts)
    name = "_".join(parts)
    return name if dim.factor == 1 else f"{name}_x{dim.factor}"
