"""The functions that a generated file brings along, such as tansig_apply: are they MATLAB's?

Users edit these too. Their few lines of arithmetic are computed here on an example, by an
allow-list of functions, and compared with what the function of that name computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from matbridge.core.dims import reorder
from matbridge.layers.handle.evaluate import CONSTANTS
from matbridge.layers.transfer import TRANSFER
from matbridge.layers.weighting import WEIGHTING
from matbridge.matlab.generated.expression import Node, parse_expression
from matbridge.matlab.generated.text import Code, assignment
from matbridge.ops import ArrayOps, Value
from matbridge.ops.constants import Constants

__all__ = ["agrees"]

# What cannot be computed is not compared.
ODD = (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError)
Binary = Callable[[np.ndarray, np.ndarray], np.ndarray]
BINARY: Mapping[str, Binary] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    ".*": np.multiply,
    "./": np.divide,
    ".^": np.power,
    "^": np.power,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "==": np.equal,
    "~=": np.not_equal,
}
HANDLES = {"plus": "+", "minus": "-", "times": ".*", "rdivide": "./", "power": ".^"}
SINGLE: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "sign": np.sign,
    "isnan": np.isnan,
    "double": np.asarray,
}
REDUCING: Mapping[str, Callable[..., np.ndarray]] = {"max": np.max, "min": np.min, "sum": np.sum}
LARGER: Mapping[str, Binary] = {"max": np.fmax, "min": np.fmin}
FILLING = {"nan": np.nan, "NaN": np.nan, "zeros": 0.0, "ones": 1.0}

# -- examples ----------------------------------------------------------------------------------

N = np.array([[0.5, -1.5, 2.0, 0.0], [0.25, 3.0, 2.0, -0.5], [-0.75, 0.5, 1.0, -2.0]])
WEIGHTS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
SETTINGS: Mapping[str, Mapping[str, list[list[float]]]] = {
    "mapminmax": {"xoffset": [[1], [-2], [0.25]], "gain": [[2], [0.5], [-3]], "ymin": [[-1]]},
    "removeconstantrows": {
        "xrows": [[5]],
        "keep": [[1, 3, 4]],
        "remove": [[2, 5]],
        "constants": [[7], [-8]],
    },
}
GPU = re.compile(r"if isa\(\w+,\s*'gpuArray'\)", re.ASCII)
CALL = re.compile(r"(\w+)\(([\w\s,]+)\)", re.ASCII)
# Functions that call each other.
DEEPEST = 3
FIVE_ROWS = np.concatenate([N, N[:2] + 1])


def _put_back(y: np.ndarray) -> np.ndarray:
    x = np.empty((5, y.shape[1]))
    x[[0, 2, 3]], x[[1, 4]] = y, [[7.0], [-8.0]]
    return x


def _mapped(x: np.ndarray) -> np.ndarray:
    offset, gain = (np.array(SETTINGS["mapminmax"][name]) for name in ("xoffset", "gain"))
    return (x - offset) * gain - 1


def _unmapped(y: np.ndarray) -> np.ndarray:
    offset, gain = (np.array(SETTINGS["mapminmax"][name]) for name in ("xoffset", "gain"))
    return (y + 1) / gain + offset


# Of a processing function: an example, and what MATLAB's makes of it.
PROCESSED = {
    "mapminmax_apply": (N, _mapped),
    "mapminmax_reverse": (N, _unmapped),
    "removeconstantrows_apply": (FIVE_ROWS, lambda x: x[[0, 2, 3]]),
    "removeconstantrows_reverse": (N, _put_back),
}


def agrees(code: Code, functions: Mapping[str, Code]) -> bool | None:
    """Whether a function computes what its name says, None where that cannot be told.

    ``functions`` are those of its file, by name.
    """
    name = code.name.rpartition("_")[0]
    try:
        if code.name in PROCESSED:
            example, function = PROCESSED[code.name]
            names = _settings(code, name)
            return _close(_run(code, [example], names, functions), function(example))
        if name in TRANSFER:
            return _close(_run(code, [N], {}, functions), _transferred(name))
        if name in WEIGHTING:
            return _close(_run(code, [WEIGHTS, N], {}, functions), _weighted(name))
    except ODD:
        return None
    return None


def _settings(code: Code, name: str) -> dict[str, np.ndarray]:
    """The settings of the example, as a struct or as the arguments that the function has."""
    names: dict[str, np.ndarray] = {}
    for title, value in SETTINGS[name].items():
        flat = [p for p in code.parameters[1:] if p.endswith(f"_{title}")]
        names[flat[0] if flat else f"{code.parameters[1]}.{title}"] = np.array(value, float)
    return names


def _close(y: np.ndarray, expected: np.ndarray) -> bool:
    return y.shape == expected.shape and np.allclose(y, expected, 1e-9, 1e-12, equal_nan=True)


def _transferred(name: str) -> np.ndarray:
    ops = ArrayOps(Constants())
    y = TRANSFER[name](name=name).forward(ops, {}, Value(N, "CB"))  # type: ignore[arg-type]
    assert isinstance(y, Value)
    return np.asarray(ops.align(y, "CB").data)


def _weighted(name: str) -> np.ndarray:
    ops = ArrayOps(Constants())
    y = WEIGHTING[name].weigh(ops, Value(WEIGHTS, "OI"), Value(N, "CB"))  # type: ignore[arg-type]
    return np.asarray(ops.align(y, "CB").data)


# -- the few lines ---------------------------------------------------------------------------------


def _run(
    code: Code,
    arguments: list[np.ndarray],
    settings: Mapping[str, np.ndarray],
    functions: Mapping[str, Code],
    depth: int = 0,
) -> np.ndarray:
    """The function's result; LookupError for whatever is not understood."""
    walk = Arithmetic({**settings, **dict(zip(code.parameters, arguments, strict=False))})
    for statement in code.statements:
        # There is no GPU.
        if statement.blocks and GPU.match(statement.blocks[0]):
            continue
        sides = assignment(statement.text)
        if sides is None or statement.blocks not in ((), ("else",)):
            raise LookupError(statement.text)
        inner = CALL.fullmatch(sides[1])
        if inner and inner[1] in functions and depth < DEEPEST:
            part = functions[inner[1]]
            values = [walk.names[name.strip()] for name in inner[2].split(",")]
            walk.names[sides[0]] = _run(part, values, {}, functions, depth + 1)
        else:
            walk.assign(*sides)
    return np.asarray(walk.names[code.results[0]], float)


class Arithmetic:
    """Matrices by name, and what an expression makes of them."""

    def __init__(self, names: dict[str, np.ndarray]) -> None:
        self.names = names

    def assign(self, target: str, text: str) -> None:
        left, right = parse_expression(target), parse_expression(text)
        if left is None or right is None:
            raise LookupError(text)
        value = self.node(right)
        if left.kind == "name":
            self.names[left.value] = value
        else:
            array = np.array(self.names[left.value])
            array[self.index(left.parts, array)] = value
            self.names[left.value] = array

    def node(self, node: Node) -> np.ndarray:
        method: Callable[[Node], np.ndarray] = getattr(self, f"on_{node.kind}")
        with np.errstate(all="ignore"):
            return method(node)

    def on_number(self, node: Node) -> np.ndarray:
        return np.array([[float(node.value)]])

    def on_name(self, node: Node) -> np.ndarray:
        known = self.names.get(node.value)
        return np.array([[CONSTANTS[node.value]]]) if known is None else known

    def on_unary(self, node: Node) -> np.ndarray:
        value = self.node(node.parts[0])
        return {"-": np.negative, "+": np.positive, "~": np.logical_not}[node.value](value)

    def on_transpose(self, node: Node) -> np.ndarray:
        return reorder(self.node(node.parts[0]), "CB", "BC")

    def on_binary(self, node: Node) -> np.ndarray:
        left, right = (self.node(part) for part in node.parts)
        if node.value == "*" and 1 not in (left.size, right.size):
            return left @ right
        return BINARY[node.value](left, right)

    def on_call(self, node: Node) -> np.ndarray:
        name, parts = node.value, node.parts
        if name in self.names:
            return self.names[name][self.index(parts, self.names[name])]
        if name == "bsxfun":
            operator = HANDLES[parts[0].value]
            return BINARY[operator](self.node(parts[1]), self.node(parts[2]))
        if name in SINGLE and len(parts) == 1:
            return SINGLE[name](self.node(parts[0]))
        numbers = [part for part in parts if part.kind != "text"]
        return self.shaped(name, [self.node(part) for part in numbers[:3]])

    def shaped(self, name: str, values: list[np.ndarray]) -> np.ndarray:
        """sum(n,1), max(n,[],1), max(0,n), size(y,2), repmat(x,1,3), nan(3,4)."""
        if name in LARGER and len(values) == 2:
            return LARGER[name](*values)
        if name in REDUCING:
            return REDUCING[name](values[0], axis=int(values[-1].item()) - 1, keepdims=True)
        if name == "size":
            return np.array([[values[0].shape[int(values[1].item()) - 1]]], float)
        if name == "repmat":
            return np.tile(values[0], [int(value.item()) for value in values[1:]])
        sizes = [int(value.item()) for value in values[:2]]
        if max(sizes) > 100:
            raise LookupError(name)
        return np.full(sizes, FILLING[name])

    def on_column(self, node: Node) -> np.ndarray:
        if node.parts:
            raise LookupError("a matrix")
        return np.zeros((0, 0))

    def index(self, parts: tuple[Node, ...], array: np.ndarray) -> tuple[np.ndarray, ...]:
        """x(keep,:) or x(mask), as NumPy counts."""
        if len(parts) == 1:
            mask = self.node(parts[0])
            if mask.dtype != bool or mask.shape != array.shape:
                raise LookupError("an index")
            return np.nonzero(mask)
        places = [
            np.arange(size) if part.kind == "colon" else self.node(part).astype(int).ravel() - 1
            for part, size in zip(parts, array.shape, strict=True)
        ]
        return np.ix_(*places)
