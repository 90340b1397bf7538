"""An ONNX graph that knows its users: nodes in order, constants as arrays, shapes.

Read only: onnx-ir has such a graph for rewriting ONNX into ONNX; here nothing is rewritten, and
what is asked of it are four tables.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np
import onnx
from onnx import TensorProto, checker, helper, shape_inference

from matbridge.errors import FormatError
from matbridge.onnx.sizes import Sizes, sizes_of
from matbridge.onnx.tensors import Tensors

__all__ = ["MATLAB", "Node", "NodeGraph", "Shape"]

# What MATLAB's exporter calls itself, in every release.
MATLAB = "MATLAB Deep Learning Toolbox Converter"
# None is a length that only data tell.
Shape = tuple[int | None, ...]
# Larger initializers are not shown to the shape inference, which copies the model.
SMALL = 1024
# Inputs or outputs of one node.
MOST_ENDS = 2000
MOST_VERSION = 2**31 - 1
DEFAULT_DOMAINS = ("", "ai.onnx")
FLOATING = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)


@dataclass(frozen=True, eq=False)
class Node:
    """One operator call.

    ``operator`` is its OpType, with its domain before it where that is not ONNX's own:
    "Conv", "com.mathworks::MaxUnpool". An input or output that is left out is "". ``place`` is
    its place in the file, from 0.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, object]
    place: int
    proto: onnx.NodeProto

    @property
    def output(self) -> str:
        """The first output that is not left out."""
        return next((name for name in self.outputs if name), "")

    def __str__(self) -> str:
        return f"{self.operator} {self.name or self.output}"

    def has(self, place: int) -> bool:
        """Whether an input stands at this place, from 0."""
        return len(self.inputs) > place and bool(self.inputs[place])

    # Attributes. Each raises FormatError where the file has something else.

    def number(self, name: str, default: float) -> float:
        """A float32 as the decimal number that stands for it: 0.1, not 0.10000000149."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int | float):
            self._wrong(name, "a number")
        return float(str(np.float32(value)))

    def integer(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        return value if isinstance(value, int) else self._wrong(name, "a whole number")

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Whole numbers, None without the attribute."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(n, int) for n in value):
            self._wrong(name, "a list of whole numbers")
        return tuple(value)

    def text(self, name: str, default: str = "") -> str:
        value = self.attributes.get(name, default)
        return value if isinstance(value, str) else self._wrong(name, "text")

    def texts(self, name: str) -> tuple[str, ...]:
        """Several texts, () without the attribute."""
        value = self.attributes.get(name, [])
        if not isinstance(value, list) or not all(isinstance(n, str) for n in value):
            self._wrong(name, "a list of texts")
        return tuple(value)

    def _wrong(self, name: str, wanted: str) -> NoReturn:
        raise FormatError(f"the attribute {name} is not {wanted}", where=str(self))


class NodeGraph:
    """The graph of a model.

    ``nodes`` are in an order in which data may flow; ``inputs`` are those that data enter by,
    without initializers; ``constants`` hold initializers and the values of Constant nodes.
    Raises FormatError for a tensor that two nodes make, for a loop, and for arrays that contradict
    themselves.
    """

    def __init__(self, model: onnx.ModelProto, tensors: Tensors) -> None:
        self.model = model
        self.tensors = tensors
        graph = model.graph
        self.opsets: dict[str, int] = {
            "" if entry.domain in DEFAULT_DOMAINS else entry.domain: entry.version
            for entry in model.opset_import
        }
        self.constants: dict[str, np.ndarray] = {
            tensor.name: tensors.array(tensor) for tensor in graph.initializer
        }
        self.inputs = tuple(v.name for v in graph.input if v.name not in self.constants)
        self.outputs = tuple(value.name for value in graph.output)
        _check_once([tensor.name for tensor in graph.initializer], "initializers")
        _check_once(self.inputs, "inputs")
        _check_once(self.outputs, "outputs")
        nodes = [_node(proto, place) for place, proto in enumerate(graph.node)]
        _check_ends(nodes)
        self._makers = _makers(nodes, (*self.inputs, *self.constants))
        self._users: dict[str, list[Node]] = defaultdict(list)
        for node in nodes:
            for name in dict.fromkeys(node.inputs):
                self._users[name].append(node)
        self.nodes: tuple[Node, ...] = tuple(self._ordered(nodes))
        self._fold()

    @property
    def opset(self) -> int:
        """The version of ONNX's own operators."""
        return self.opsets.get("", 1)

    @property
    def from_matlab(self) -> bool:
        """Whether MATLAB's exporter wrote the file."""
        return self.model.producer_name.startswith(MATLAB)

    @property
    def matlab_release(self) -> tuple[int, ...]:
        """The exporter's release, (24, 2, 0) of R2024b; () where MATLAB did not write the file."""
        numbers = self.model.producer_version.split(".") if self.from_matlab else ()
        return tuple(int(n) for n in numbers if n.isdecimal())

    def constant(self, name: str) -> np.ndarray | None:
        """The array of an initializer, a Constant node or what is computed from those alone;
        None for what data decide."""
        array = self.constants.get(name)
        return self.sizes.values.get(name) if array is None and not self.from_matlab else array

    def maker(self, name: str) -> Node | None:
        """The node that makes this tensor; None for an input or an initializer."""
        return self._makers.get(name)

    def users(self, name: str) -> Sequence[Node]:
        """The nodes that read this tensor."""
        return self._users.get(name, ())

    def only_user(self, name: str) -> Node | None:
        """The node that alone reads this tensor, None if several do or it is an output."""
        users = self.users(name)
        return users[0] if len(users) == 1 and name not in self.outputs else None

    def option(self, node: Node, name: str, place: int) -> np.ndarray | None:
        """Numbers that are an attribute in one opset and the input at ``place``, from 0, in
        another; None where neither is there, or the input is no constant."""
        value = node.attributes.get(name)
        if isinstance(value, int | float | list):
            return np.asarray(value)
        return self.constant(node.inputs[place]) if node.has(place) else None

    def fault(self, node: Node) -> str:
        """What of the node is not as ONNX defines its operator: too few inputs, an attribute of
        another type; "" for a sound one, for operators of other domains, and for
        those with graphs of their own, which read names that a node alone does not know."""
        if "::" in node.operator or any(a.HasField("g") for a in node.proto.attribute):
            return ""
        try:
            checker.check_node(node.proto, self._context)
        except checker.ValidationError as error:
            said = str(error).partition("\n")[0]
            # MATLAB writes attributes of other opsets, such as consumed_inputs, which say nothing.
            return "" if said.startswith("Unrecognized attribute") else said
        return ""

    @cached_property
    def _context(self) -> checker.C.CheckerContext:
        context = checker.C.CheckerContext()
        # The checker takes no numbers beyond its own type, which a damaged file may hold.
        context.ir_version = min(max(self.model.ir_version, 4), onnx.IR_VERSION)
        context.opset_imports = {
            domain: min(max(version, 1), MOST_VERSION) for domain, version in self.opsets.items()
        }
        return context

    def shape(self, name: str) -> Shape | None:
        """The shape of a tensor as far as ONNX's shape inference tells, None without one."""
        array = self.constants.get(name)
        if array is not None:
            return array.shape
        if self.from_matlab or name in self.inputs or name not in self.sizes.shapes:
            return self._shapes.get(name)
        return tuple(n if isinstance(n, int) else None for n in self.sizes.shapes[name])

    @cached_property
    def sizes(self) -> Sizes:
        """What the free lengths of the inputs make of every tensor."""
        light = _without_large(self.model)
        # What the file says of sizes is not asked; the checker wants some of each output.
        del light.graph.value_info[:]
        del light.graph.output[:]
        light.graph.output.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in self.outputs
        )
        return sizes_of(light, [node.proto for node in self.nodes], self.constants)

    @cached_property
    def _declared(self) -> dict[str, int]:
        graph = self.model.graph
        values = [*graph.value_info, *graph.output]
        return {v.name: len(shape) for v in values if (shape := _shape(v)) is not None}

    def rank(self, name: str) -> int | None:
        """How many dimensions a tensor has: as inferred, or else as the file declares it."""
        shape = self.shape(name)
        return self._declared.get(name) if shape is None else len(shape)

    def is_floating(self, name: str) -> bool:
        """Whether the tensor holds floating point numbers, as far as the file tells."""
        return self.sizes.types.get(name, TensorProto.FLOAT) in FLOATING

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        model = _without_large(self.model)
        try:
            # What the checker refuses may end the shape inference, and the process with it.
            checker.check_model(model)
            # MATLAB's exporter declares one step for the output of every sequence.
            for value in model.graph.output:
                value.type.tensor_type.ClearField("shape")
            inferred = shape_inference.infer_shapes(model, data_prop=True).graph
            values = [*inferred.input, *inferred.value_info, *inferred.output]
        except Exception:  # onnx raises what it likes, and says no shape as well
            values = list(model.graph.input)
        return {v.name: shape for v in values if (shape := _shape(v)) is not None}

    def _ordered(self, nodes: Sequence[Node]) -> Iterable[Node]:
        """Each node after those that it reads from; by place as far as that leaves."""
        waiting = Counter({n: len(set(n.inputs) & self._makers.keys()) for n in nodes})
        ready = [node for node in nodes if not waiting[node]]
        count = 0
        while ready:
            following = []
            for node in ready:
                count += 1
                yield node
                for user in (u for name in dict.fromkeys(node.outputs) for u in self.users(name)):
                    waiting[user] -= 1
                    if not waiting[user]:
                        following.append(user)
            ready = following
        if count < len(nodes):
            stuck = next(node for node in nodes if waiting[node])
            raise FormatError("the nodes of the graph form a loop", where=str(stuck))

    def _fold(self) -> None:
        """What Constant and Identity nodes say of constants."""
        for node in self.nodes:
            if node.operator == "Constant":
                array = self._value_of(node)
            elif node.operator == "Identity" and node.has(0):
                array = self.constants.get(node.inputs[0])
            else:
                continue
            if array is not None and node.output:
                self.constants[node.output] = array

    def _value_of(self, node: Node) -> np.ndarray | None:
        """The numbers of a Constant node; None for texts and sparse ones."""
        value = next(iter(node.attributes.values()), None)
        if isinstance(value, onnx.TensorProto):
            return self.tensors.array(value)
        if not isinstance(value, int | float | list):
            return None
        array = np.asarray(value)
        return array.astype(np.float32) if array.dtype.kind == "f" else array


def _node(proto: onnx.NodeProto, place: int) -> Node:
    domain = "" if proto.domain in DEFAULT_DOMAINS else f"{proto.domain}::"
    attributes = {a.name: _attribute(a) for a in proto.attribute}
    ends = tuple(proto.input), tuple(proto.output)
    return Node(domain + proto.op_type, proto.name, *ends, attributes, place, proto)


def _attribute(proto: onnx.AttributeProto) -> object:
    """Numbers, text, lists of them; tensors and graphs as they are."""
    value: object = helper.get_attribute_value(proto)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value]
    return value


def _check_once(names: Sequence[str], what: str) -> None:
    name, count = next(iter(Counter(names).most_common(1)), ("", 0))
    if count > 1:
        raise FormatError(f"two {what} are named {name!r}")


def _check_ends(nodes: Sequence[Node]) -> None:
    for node in nodes:
        count = max(len(node.inputs), len(node.outputs))
        if count > MOST_ENDS:
            said = f"a node has {count:,} inputs or outputs, more than {MOST_ENDS:,}"
            raise FormatError(said, where=str(node))


def _makers(nodes: Iterable[Node], known: Iterable[str]) -> dict[str, Node]:
    """The node that makes each tensor; FormatError unless each has one source."""
    makers: dict[str, Node] = {}
    taken = set(known)
    for node in nodes:
        for name in filter(None, node.outputs):
            if name in taken:
                raise FormatError(f"the tensor {name!r} is made twice", where=str(node))
            taken.add(name)
            makers[name] = node
    return makers


def _without_large(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with types in place of large initializers."""
    light = onnx.ModelProto()
    for entry in model.opset_import:
        light.opset_import.append(entry)
    light.ir_version = max(model.ir_version, 4)
    graph = light.graph
    graph.name = "graph"
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    for dim in (d for v in graph.input for d in v.type.tensor_type.shape.dim):
        if length := _length(dim):
            dim.dim_value = length
    graph.output.extend(model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    shown = {value.name for value in graph.input}
    for tensor in model.graph.initializer:
        inside = tensor.data_location != onnx.TensorProto.EXTERNAL
        if inside and np.prod(tensor.dims, dtype=float) <= SMALL:
            graph.initializer.append(tensor)
        elif tensor.name not in shown:
            graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    return light


def _shape(value: onnx.ValueInfoProto) -> Shape | None:
    """Numbers, and None for symbols and 0."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(_length(dim) for dim in value.type.tensor_type.shape.dim)


def _length(dim: onnx.TensorShapeProto.Dimension) -> int | None:
    # MATLAB R2022b writes some numbers as symbols.
    symbol = dim.dim_param
    return (int(symbol) if symbol.isdecimal() and len(symbol) < 10 else dim.dim_value) or None
