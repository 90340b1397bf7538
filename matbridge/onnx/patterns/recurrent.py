"""LSTM and GRU, with what brings their outputs to T×N×C or N×C, as one layer.

ONNX gives Y (T, directions, N, H), Y_h and Y_c (directions, N, H). What an exporter puts behind
them, a Transpose, Reshape, Squeeze, or a Gather of the last step, says which outputs MATLAB's
layer has: OutputMode, HasStateOutputs. The inverse: ../recurrence.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from onnx import TensorProto, numpy_helper

from matbridge.core.card import Layer
from matbridge.core.dims import gate_blocks, reorder
from matbridge.layers.recurrent import GRU, LSTM, BiLSTM, PeepholeLSTM, Recurrent
from matbridge.onnx.labels import Axes, Lengths
from matbridge.onnx.lifted import Labelled, Lifted, Lifting, with_arrays
from matbridge.onnx.nodes import Node, NodeGraph
from matbridge.onnx.patterns.layout import VIEWS, integers, seen
from matbridge.onnx.patterns.standard import rows_in_matlab_order

__all__ = ["recurrent"]

# By operator, number of directions, and whether gates see the cell state. MATLAB has no
# bidirectional GRU.
CARDS: Mapping[tuple[str, int, bool], type[Recurrent]] = {
    ("LSTM", 1, False): LSTM,
    ("LSTM", 1, True): PeepholeLSTM,
    ("LSTM", 2, False): BiLSTM,
    ("GRU", 1, False): GRU,
}
# ONNX's order of gates in MATLAB's letters, and MATLAB's.
GATES = {"LSTM": ("iofg", "ifgo"), "GRU": ("zrh", "rzh")}
PEEPHOLES = ("iof", "ifo")
STATES = {"LSTM": ("HiddenState", "CellState"), "GRU": ("HiddenState",)}
STATE_ACTIVATIONS = {"Tanh": "tanh", "Softsign": "softsign", "Relu": "relu"}
GATE_ACTIVATIONS = {"Sigmoid": "sigmoid", "HardSigmoid": "hard-sigmoid"}
# How many nodes may stand between one and what it views.
MOST_VIEWS = 20
# What may take the last step.
PICKS = frozenset(("Gather", "Slice"))
# The axes of ONNX's outputs; D is the direction and H the unit, which are MATLAB's C together.
OUTPUTS: tuple[Axes, ...] = (("T", "D", "B", "H"), ("D", "B", "H"), ("D", "B", "H"))


def recurrent(at: Lifting, node: Node) -> Lifted | None:
    """The layer of the LSTM or GRU that this node belongs to, asked at any of its group."""
    root = _root(at.graph, node)
    if root is None or not _plain(root):
        return None
    kind = root.operator
    directions = 2 if root.text("direction") == "bidirectional" else 1
    card = CARDS.get((kind, directions, root.has(7)))
    weights, functions = _weights(at.graph, root, directions), _functions(root, directions)
    if card is None or weights is None or functions is None:
        return None
    ends = list(_ends(at.graph, root, directions, weights[2].shape[-1]))
    if not {end.tensor for end in ends} & set(node.outputs) or not all(end.whole for end in ends):
        return None
    return _lifted(at, root, card, directions, weights, functions, ends)


def _weights(graph: NodeGraph, root: Node, directions: int) -> dict[int, np.ndarray] | None:
    """W, R, B and the peepholes by their place among the inputs; None where one is no constant
    or not of the size that the operator has."""
    places = [place for place in (1, 2, 3, 7) if root.has(place)]
    known = {p: a for p in places if (a := graph.constant(root.inputs[p])) is not None}
    if len(known) < len(places) or not {1, 2} <= known.keys() or known[2].ndim != 3:
        return None
    units = known[2].shape[-1]
    rows = len(GATES[root.operator][0]) * units
    sizes = {1: (directions, rows, *known[1].shape[2:]), 2: (directions, rows, units)}
    sizes |= {3: (directions, 2 * rows), 7: (directions, 3 * units)}
    fits = all(array.shape == sizes[place] for place, array in known.items())
    return known if fits and known[1].ndim == 3 else None


def _root(graph: NodeGraph, node: Node) -> Node | None:
    """The recurrent node that this one is, or that it only views."""
    step: Node | None = node
    for _ in range(MOST_VIEWS):
        if step is None or not (step.operator in VIEWS or step.operator in PICKS):
            break
        step = graph.maker(step.inputs[0])
    return step if step is not None and step.operator in GATES else None


def _plain(root: Node) -> bool:
    """Whether the node has no option that MATLAB's layers lack."""
    backwards = root.text("direction") == "reverse"
    others = ("clip", "input_forget", "layout")
    return not backwards and not root.has(4) and not any(root.attributes.get(o) for o in others)


def _functions(root: Node, directions: int) -> dict[str, object] | None:
    """The activations as properties; None where MATLAB has no such layer."""
    count = 3 if root.operator == "LSTM" else 2
    names = root.texts("activations") or ("Sigmoid", "Tanh", "Tanh")[:count] * directions
    gate, *squashes = names[:count]
    if names != names[:count] * directions or len(set(squashes)) > 1:
        return None
    if gate not in GATE_ACTIVATIONS or squashes[0] not in STATE_ACTIVATIONS:
        return None
    slopes = root.attributes.get("activation_alpha"), root.attributes.get("activation_beta")
    # MATLAB's hard sigmoid is ONNX's by default.
    if gate == "HardSigmoid" and not all(
        _same(s, n) for s, n in zip(slopes, (0.2, 0.5), strict=True)
    ):
        return None
    return {
        "gate_activation_function": GATE_ACTIVATIONS[gate],
        "state_activation_function": STATE_ACTIVATIONS[squashes[0]],
    }


def _same(values: object, wanted: float) -> bool:
    """Whether an attribute is not there, or holds this number alone."""
    return values is None or np.allclose(np.asarray(values, float), wanted)


# -- what becomes of the outputs ---------------------------------------------------------------


@dataclass(frozen=True)
class _End:
    """A tensor in which an output (0 for Y, 1 for Y_h, 2 for Y_c) stands in MATLAB's labels.

    ``picked`` where it is the last step of Y. ``whole`` is False where it is not all of a layer's
    output in one: one direction of two, or a step that is not the last. ``views`` counts the nodes
    that it was followed through.
    """

    tensor: str
    output: int
    axes: Axes
    picked: bool = False
    whole: bool = True
    views: int = 0


def _ends(graph: NodeGraph, root: Node, directions: int, units: int) -> Iterator[_End]:
    """Where the outputs that something reads arrive, each followed as far as it is only viewed."""
    lengths = {"D": directions, "H": units, "B": None, "T": None}
    for place, tensor in enumerate(root.outputs):
        if tensor and (graph.users(tensor) or tensor in graph.outputs):
            yield from _followed(graph, _End(tensor, place, OUTPUTS[place]), lengths)


def _followed(graph: NodeGraph, end: _End, lengths: Lengths) -> Iterator[_End]:
    settled = _settled(end.axes, lengths["D"] == 1)
    steps = [_viewed(graph, user, end, lengths) for user in _readers(graph, end.tensor)]
    # One direction is in MATLAB's labels from the start, but its last step may be what counts.
    if settled is not None and not _leads_to_last(graph, end, lengths):
        yield replace(end, axes=settled)
        return
    if end.tensor in graph.outputs or not steps:
        yield replace(end, whole=False)
    for step in steps:
        if step is None:
            yield replace(end, whole=False)
        else:
            yield from _followed(graph, step, lengths)


def _readers(graph: NodeGraph, tensor: str) -> Sequence[Node]:
    """The nodes that read the tensor's data; what other tools do with its shape is known."""
    users = graph.users(tensor)
    return users if graph.from_matlab else [user for user in users if user.operator != "Shape"]


def _settled(axes: Axes, single: bool) -> Axes | None:
    """The axes with C for all units of all directions, None while these stand apart."""
    whole = ("H", "DH") if single else ("DH",)
    if not any(axis in whole for axis in axes):
        return None
    return tuple("C" if axis in whole else axis.replace("D", "") for axis in axes)


def _leads_to_last(graph: NodeGraph, end: _End, lengths: Lengths) -> bool:
    """Whether all that becomes of a sequence is its last step."""
    if end.output or end.picked or lengths["D"] != 1 or end.tensor in graph.outputs:
        return False
    steps = [_viewed(graph, user, end, lengths) for user in _readers(graph, end.tensor)]
    return bool(steps) and all(
        step is not None and (step.picked or _leads_to_last(graph, step, lengths)) for step in steps
    )


def _viewed(graph: NodeGraph, node: Node, end: _End, lengths: Lengths) -> _End | None:
    """What a node that only views this tensor makes of it; None for any other."""
    if node.inputs[0] != end.tensor or end.views == MOST_VIEWS:
        return None
    if node.operator in PICKS:
        # Of two directions the last step of Y is not where each ends.
        picked = _without_time(graph, node, end.axes) if lengths["D"] == 1 else None
        return (
            None
            if picked is None
            else replace(end, tensor=node.output, axes=picked, picked=True, views=end.views + 1)
        )
    axes = seen(graph, node, end.axes, lengths, {}) if node.operator in VIEWS else None
    return (
        None if axes is None else replace(end, tensor=node.output, axes=axes, views=end.views + 1)
    )


def _without_time(graph: NodeGraph, node: Node, axes: Axes) -> Axes | None:
    """The axes after a Gather or Slice of the last step."""
    if "T" not in axes:
        return None
    time = axes.index("T")
    if node.operator == "Gather":
        index = graph.constant(node.inputs[1])
        axis = node.integer("axis", 0)
        if index is None or index.size != 1 or int(index.reshape(())) != -1 or axis != time:
            return None
        kept = () if index.ndim == 0 else ("",)
        return (*axes[:time], *kept, *axes[time + 1 :])
    starts, stops, places = (
        integers(graph.option(node, name, i))
        for i, name in enumerate(("starts", "ends", "axes"), 1)
    )
    if starts != [-1] or places != [time] or not stops or 0 <= stops[0] < 2**31 - 1:
        return None
    return (*axes[:time], "", *axes[time + 1 :])


# -- the layer ---------------------------------------------------------------------------------


def _lifted(
    at: Lifting,
    root: Node,
    card: type[Recurrent],
    directions: int,
    weights: Mapping[int, np.ndarray],
    functions: Mapping[str, object],
    ends: Sequence[_End],
) -> Lifted | None:
    x = at.value(root.inputs[0])
    states = _states(at, root)
    if len(x.axes) != 3 or x.axes[0] not in ("T", "") or x.axes[1] != "B" or states is None:
        return None
    used = {(end.output or int(end.picked)) for end in ends}
    # The last hidden state alone is OutputMode 'last'; beside others it is a state output.
    last = 0 not in used
    extra = used - ({1} if last else {0})
    fed = [state for state in states if isinstance(state, Labelled)]
    if fed and len(fed) < len(states):
        return None
    options = {
        **functions,
        "output_mode": "last" if last else "sequence",
        "has_state_inputs": bool(fed),
        "has_state_outputs": bool(extra),
    }
    layer = _with_weights(at, root, card, directions, weights, x, options)
    if not fed:
        arrays = zip(STATES[root.operator], states, strict=True)
        kept = {name: array for name, array in arrays if isinstance(array, np.ndarray)}
        layer = with_arrays(layer, **{**layer.arrays, **kept})
    return _answered(layer, [x, *fed], ends, last)


def _answered(layer: Layer, inputs: Sequence[Labelled], ends: Sequence[_End], last: bool) -> Lifted:
    """The layer, and at which of its ports each tensor is."""
    ports = {0: "out", 1: "out" if last else "hidden", 2: "cell"}
    several = len(layer.outputs) > 1
    timeless = inputs[0].axes[0] == ""
    gives = {}
    for end in ends:
        port = ports[end.output or int(end.picked)]
        axes = tuple("" if timeless and axis == "T" else axis for axis in end.axes)
        gives[end.tensor] = Labelled(f"{layer.name}/{port}" if several else layer.name, axes)
    one = Lifted.one(layer, inputs, {})
    return Lifted(one.layers, one.feeds, gives)


def _with_weights(
    at: Lifting,
    root: Node,
    card: type[Recurrent],
    directions: int,
    weights: Mapping[int, np.ndarray],
    x: Labelled,
    options: dict[str, object],
) -> Layer:
    inner, outer = weights[1], weights[2]
    units = outer.shape[-1]
    order = GATES[root.operator]
    bias = weights.get(3, np.zeros((directions, 2 * inner.shape[1]), inner.dtype))
    halves = [_stacked(half[..., None], order) for half in np.split(bias, 2, axis=1)]
    if root.operator == "GRU":
        options["reset_gate_mode"] = _reset_gate_mode(root, halves[1], units)
    stacked = reorder(_stacked(inner, order), "OI", "IO")
    arrays = {
        "InputWeights": rows_in_matlab_order(stacked, x.axes[2], at.lengths(x)),
        "RecurrentWeights": _stacked(outer, order),
        "Bias": _bias(halves, options),
    }
    if 7 in weights:
        arrays["PeepholeWeights"] = _stacked(weights[7][..., None], PEEPHOLES)
    layer = card(name=at.name(root), num_hidden_units=units)
    return with_arrays(layer.replace(**options), **arrays)


def _stacked(array: np.ndarray, order: tuple[str, str]) -> np.ndarray:
    """(directions, G·H, columns) in ONNX's order of gates as rows in MATLAB's."""
    directions, rows, columns = array.shape
    blocks = array.reshape(directions, len(order[0]), -1, columns)
    return blocks[:, gate_blocks(*order)].reshape(directions * rows, columns)


def _reset_gate_mode(root: Node, recurrent_bias: np.ndarray, units: int) -> str:
    if not root.integer("linear_before_reset", 0):
        return "before-multiplication"
    # The bias that the reset gate scales is that of the candidate, the last block.
    scaled = recurrent_bias[-units:].any()
    return "recurrent-bias-after-multiplication" if scaled else "after-multiplication"


def _bias(halves: Sequence[np.ndarray], options: Mapping[str, object]) -> np.ndarray:
    """One bias for input and recurrence together, but where the reset gate scales the latter."""
    if options.get("reset_gate_mode") == "recurrent-bias-after-multiplication":
        return np.concatenate(halves)
    return halves[0] + halves[1] if halves[1].any() else halves[0]


# -- the states --------------------------------------------------------------------------------


def _states(at: Lifting, root: Node) -> list[np.ndarray | Labelled | None] | None:
    """For each state an array H×1, a value that enters, or None for zeros; None alone where it
    is neither."""
    states: list[np.ndarray | Labelled | None] = []
    for place, _ in enumerate(STATES[root.operator], 5):
        name = root.inputs[place] if root.has(place) else ""
        source = _repeated(at.graph, name)
        array = at.graph.constant(source) if source else None
        if array is not None and array.ndim == 3:
            if array.shape[1] != 1 and (array != array[:, :1]).any():
                return None
            states.append(reorder(array[:, :1], "DBC", "BDC").reshape(-1, 1))
        elif array is not None and array.size == 1:
            if array.any():
                return None
            states.append(None)
        elif source and not at.from_matlab and source in at.graph.sizes.zeros:
            states.append(None)
        elif source:
            value = at.value(source)
            if value.axes != ("", "B", "C"):
                return None
            states.append(value)
        else:
            states.append(None)
    return states


def _repeated(graph: NodeGraph, name: str) -> str:
    """The constant that a Tile or Expand repeats for each observation, the value of a
    ConstantOfShape; any other tensor itself."""
    node = graph.maker(name)
    if node is None or graph.constant(name) is not None:
        return name
    if node.operator in ("Tile", "Expand") and graph.constant(node.inputs[0]) is not None:
        return node.inputs[0]
    if node.operator == "ConstantOfShape":
        # Zeros, unless it says another value.
        return "" if not _fill(node) else name
    return name


def _fill(node: Node) -> float:
    value = node.attributes.get("value")
    return float(numpy_helper.to_array(value)[0]) if isinstance(value, TensorProto) else 0.0
