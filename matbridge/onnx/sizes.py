"""What the free lengths of a graph's inputs make of every tensor: its size and small values.

The graph is gone through once with some lengths, and once more for each free length with another
one. A size that stays is a number; one that is the free length each time is that length; one
that changes in any other way is not known beforehand. So the arithmetic of shapes that other
tools write (Shape, Gather, Concat, Reshape) is a constant, or says which length is kept. ONNX's
own shape inference is asked node by node, with the values at hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TypeProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

__all__ = ["Sizes", "Symbol", "sizes_of"]

# For each free length two numbers: primes, so that no other length is one of them by chance, and
# long enough for a window. More free lengths are not told apart.
LENGTHS = ((61, 67), (71, 73), (79, 83), (89, 97), (101, 103), (107, 109))
# No more elements than this are computed beforehand, unless there were as many before.
MOST = 1 << 20
# Values that depend on free lengths are those of shapes.
FEW = 64


class Symbol(str):
    """The name of a free length: the file's own, or "input/axis"."""


Length = int | Symbol | None
Types = dict[str, TypeProto]
Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Sizes:
    """For each tensor its ``types`` (numbers of ONNX), its ``shapes``, its ``examples``, the
    shapes with some number for each free length, and the ``values`` that no data decide;
    ``open_values`` are small whole numbers that depend on free lengths, such as a shape."""

    types: Mapping[str, int]
    shapes: Mapping[str, tuple[Length, ...]]
    examples: Mapping[str, tuple[int, ...]]
    values: Mapping[str, np.ndarray]
    open_values: Mapping[str, tuple[Length, ...]]
    # Tensors of free size that hold zeros alone, such as states.
    zeros: frozenset[str]


def sizes_of(model: onnx.ModelProto, nodes: Iterable[onnx.NodeProto], constants: Values) -> Sizes:
    """The sizes of a model whose nodes are in order, with these constants."""
    order = list(nodes)
    try:
        # What the checker refuses may end the shape inference, and the process with it.
        onnx.checker.check_model(model)
    except Exception:  # onnx raises what it likes
        return Sizes({}, {}, {}, {}, {}, frozenset())
    # What depends on nothing is computed once.
    constants = _run(model, order, [], constants, {}).values
    inputs = [v for v in model.graph.input if v.name not in constants]
    symbols = list(dict.fromkeys(s for v in inputs for s in _symbols(v) if isinstance(s, Symbol)))
    known = dict(zip(symbols, LENGTHS, strict=False))
    base: dict[str, int] = {s: known.get(s, LENGTHS[-1])[0] for s in symbols}
    runs = [_run(model, order, inputs, constants, base)]
    for symbol, (_, other) in known.items():
        runs.append(_run(model, order, inputs, constants, {**base, symbol: other}))
    return _compared(runs, known)


def _symbols(value: onnx.ValueInfoProto) -> list[int | Symbol]:
    dims = value.type.tensor_type.shape.dim
    return [
        dim.dim_value
        if dim.HasField("dim_value") and dim.dim_value > 0
        else Symbol(dim.dim_param or f"{value.name}/{axis}")
        for axis, dim in enumerate(dims)
    ]


# -- one run ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Run:
    types: Types
    values: Values

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        if name in self.values:
            return self.values[name].shape
        kind = self.types.get(name)
        if kind is None or not kind.HasField("tensor_type"):
            return None
        if not kind.tensor_type.HasField("shape"):
            return None
        dims = kind.tensor_type.shape.dim
        return tuple(d.dim_value if d.HasField("dim_value") else None for d in dims)


def _run(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    constants: Values,
    lengths: Mapping[str, int],
) -> _Run:
    run = _Run({}, dict(constants))
    for value in inputs:
        sizes = [lengths.get(n, n) if isinstance(n, Symbol) else n for n in _symbols(value)]
        kind = value.type.tensor_type.elem_type
        if value.type.HasField("tensor_type"):
            run.types[value.name] = helper.make_tensor_type_proto(kind, sizes)
    for name, array in constants.items():
        run.types[name] = _type_of(array)
    for node in nodes:
        _infer(model, node, run)
    return run


def _type_of(array: np.ndarray) -> TypeProto:
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _infer(model: onnx.ModelProto, node: onnx.NodeProto, run: _Run) -> None:
    """What can be told of a node's results, from the types and values of its operands."""
    names = [name for name in node.input if name]
    done = all(name in run.values for name in node.output if name)
    if done or any(name not in run.types for name in names):
        return
    try:
        versions = {entry.domain: entry.version for entry in model.opset_import}
        version = versions.get(node.domain, versions.get("ai.onnx", 1))
        schema = onnx.defs.get_schema(node.op_type, version, node.domain)
        values = {n: run.values[n] for n in names if n in run.values}
        data = {n: numpy_helper.from_array(a, n) for n, a in values.items() if a.size <= FEW}
        types = {n: run.types[n] for n in names}
        opsets = list(model.opset_import)
        told = shape_inference.infer_node_outputs(
            schema, node, types, data, opset_imports=opsets, ir_version=model.ir_version
        )
        run.types.update(told)
        _compute(model, node, run, values)
    except Exception:  # onnx raises what it likes, and says no shape as well
        return


def _compute(model: onnx.ModelProto, node: onnx.NodeProto, run: _Run, values: Values) -> None:
    """The values of results that no data decide, if they are few."""
    if node.op_type == "Shape" and (shape := run.shape(node.input[0])) and None not in shape:
        start, end = (_attribute(node, name) for name in ("start", "end"))
        _keep(run, node.output[0], np.array(shape, np.int64)[start:end])
        return
    if node.op_type == "Size" and (shape := run.shape(node.input[0])) and None not in shape:
        _keep(run, node.output[0], np.array(np.prod(np.array(shape, np.int64))))
        return
    names = [name for name in node.input if name]
    random = node.op_type.startswith(("Random", "Bernoulli", "Multinomial"))
    random |= any(a.type in (a.GRAPH, a.GRAPHS) for a in node.attribute)
    if random or any(name not in values for name in names) or _is_large(run, node, values):
        return
    alone = helper.make_graph(
        [node],
        "alone",
        [onnx.ValueInfoProto(name=n, type=run.types[n]) for n in dict.fromkeys(names)],
        [onnx.ValueInfoProto(name=n) for n in node.output if n],
    )
    one = helper.make_model(alone, opset_imports=model.opset_import, ir_version=10)
    results = ReferenceEvaluator(one).run(None, {n: values[n] for n in names})
    for name, array in zip(filter(None, node.output), results, strict=True):
        if isinstance(array, np.ndarray | np.generic):
            _keep(run, name, np.asarray(array))


def _attribute(node: onnx.NodeProto, name: str) -> int | None:
    return next((a.i for a in node.attribute if a.name == name), None)


def _is_large(run: _Run, node: onnx.NodeProto, values: Values) -> bool:
    most = max(MOST, sum(array.size for array in values.values()))
    shapes = [run.shape(name) for name in node.output if name]
    known = [s for s in shapes if s is not None and None not in s]
    return len(known) < len(shapes) or any(math.prod(n or 0 for n in s) > most for s in known)


def _keep(run: _Run, name: str, array: np.ndarray) -> None:
    run.values[name] = array
    run.types[name] = _type_of(array)


# -- compared -----------------------------------------------------------------------------------


def _compared(runs: Sequence[_Run], symbols: Mapping[Symbol, tuple[int, int]]) -> Sizes:
    first, *others = runs
    types = {
        name: kind.tensor_type.elem_type
        for name, kind in first.types.items()
        if kind.HasField("tensor_type")
    }
    shapes: dict[str, tuple[Length, ...]] = {}
    values: dict[str, np.ndarray] = {}
    open_values: dict[str, tuple[Length, ...]] = {}
    zeros = set()
    for name in types:
        sizes = [run.shape(name) for run in runs]
        ranks = {None if s is None else len(s) for s in sizes}
        if len(ranks) == 1 and None not in ranks:
            columns = zip(*(s for s in sizes if s is not None), strict=True)
            shapes[name] = tuple(_length(list(column), symbols) for column in columns)
        arrays = [run.values[name] for run in runs if name in run.values]
        if len(arrays) < len(runs):
            continue
        if all(_same(arrays[0], array) for array in arrays[1:]):
            values[name] = arrays[0]
        elif not any(array.any() for array in arrays):
            zeros.add(name)
        elif _is_shape(arrays):
            columns = zip(*(array.ravel().tolist() for array in arrays), strict=True)
            open_values[name] = tuple(_length(list(c), symbols) for c in columns)
    examples = {n: s for n in types if (s := first.shape(n)) is not None and None not in s}
    return Sizes(types, shapes, examples, values, open_values, frozenset(zeros))  # type: ignore[arg-type]


def _is_shape(arrays: Sequence[np.ndarray]) -> bool:
    """Whether these are the same few whole numbers, each time with other values."""
    first = arrays[0]
    alike = len({array.shape for array in arrays}) == 1
    return alike and first.size <= FEW and first.dtype.kind in "iu"


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    if a is b:
        return True
    return a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b))


def _length(lengths: Sequence[int | None], symbols: Mapping[Symbol, tuple[int, int]]) -> Length:
    """A number where every run has it, the free length that it follows, else None."""
    base, *varied = lengths
    if base is None or None in varied:
        return None
    changed = [place for place, n in enumerate(varied) if n != base]
    if not changed:
        return base
    symbol, pair = list(symbols.items())[changed[0]]
    return symbol if len(changed) == 1 and pair == (base, varied[changed[0]]) else None
