"""Damage to ONNX models: one part of the tree of messages is another, or gone, or there twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import mutators
import onnx
from google.protobuf.descriptor import FieldDescriptor

__all__ = ["onnx_model", "seeds"]

NUMBERS = (0, 1, -1, 2, 3, 5, 7, 10, 16, 99, 2**31 - 1, 2**31, -(2**31), 2**62, -(2**63))
FLOATS = (0.0, -1.0, 1e30, float("inf"), float("nan"), 0.5)
OPERATORS = (
    "Relu Conv Gemm MatMul Add Sub Mul Concat Reshape Transpose Squeeze Unsqueeze Flatten LSTM GRU "
    "BatchNormalization MaxPool AveragePool Softmax Dropout Identity Constant Shape Gather Slice "
    "Split Pad Resize If Loop Cast Clip Tile Expand ReduceMean Nothing"
).split()
# Arrays of numbers are data: what stands in them matters less than how many they are.
BULK = {"raw_data", "float_data", "int64_data", "int32_data", "double_data"}


def messages(message: Any) -> Iterator[Any]:
    """The message and all inside, from the outermost on."""
    waiting = [message]
    for one in waiting:
        yield one
        for field, value in one.ListFields():
            if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
                waiting += value if field.is_repeated else [value]


def names(model: Any) -> list[str]:
    """The names of tensors in a model, and some that are none."""
    ends = (name for node in model.graph.node for name in (*node.input, *node.output))
    return [*dict.fromkeys(ends), "", "absent", "a/b", "\x1b[31m"]


def odd(field: Any, old: Any, model: Any, draw: random.Random) -> Any:
    """Another value for a field that holds no message."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return mutators.any_bytes(old, draw)
        return draw.choice(OPERATORS if field.name == "op_type" else names(model))
    if isinstance(old, float):
        return draw.choice(FLOATS)
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return draw.choice([value.number for value in field.enum_type.values])
    number = draw.choice([*NUMBERS, old + 1, old - 1, old * 2])
    wide = field.cpp_type in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
    bound = 63 if wide else 31
    unsigned = field.cpp_type in (FieldDescriptor.CPPTYPE_UINT64, FieldDescriptor.CPPTYPE_UINT32)
    return max(0 if unsigned else -(2**bound), min(number, 2**bound - 1))


def alter(model: Any, draw: random.Random) -> None:
    """One field of one message: another value, gone, one more, or in another order."""
    found = [one for one in messages(model) if one.ListFields()]
    message = draw.choice(found)
    field, value = draw.choice(message.ListFields())
    if draw.random() < 0.1:
        message.ClearField(field.name)
    elif field.is_repeated:
        alter_list(message, field, value, model, draw)
    elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        others = [one for one in found if one.DESCRIPTOR is value.DESCRIPTOR]
        value.CopyFrom(draw.choice(others))
    else:
        setattr(message, field.name, odd(field, value, model, draw))


def alter_list(message: Any, field: Any, value: Any, model: Any, draw: random.Random) -> None:
    place = draw.randrange(len(value))
    what = draw.randrange(4)
    if what == 0:
        del value[place]
    elif what == 1 or field.name in BULK:
        value.append(value[place])
    elif what == 2:
        kept = list(value)
        draw.shuffle(kept)
        message.ClearField(field.name)
        getattr(message, field.name).extend(kept)
    elif field.cpp_type != FieldDescriptor.CPPTYPE_MESSAGE:
        value[place] = odd(field, value[place], model, draw)


def onnx_model(data: bytes, draw: random.Random) -> bytes:
    """A mutant of a model; now and then of its bytes alone."""
    if draw.random() < 0.2:
        return mutators.any_bytes(data, draw)
    model = onnx.load_model_from_string(data)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        alter(model, draw)
    return bytes(model.SerializeToString())


def seeds(folder: Any) -> tuple[bytes, ...]:
    """Models of every family, as matbridge writes them, without the word that it did; some say
    that MATLAB did."""
    from pathlib import Path

    import matbridge
    from matbridge.onnx.write import to_onnx

    found = []
    for name in ("cnn", "lstm_classifier", "dag", "sequence_to_sequence"):
        model = to_onnx(matbridge.load(Path(folder) / f"{name}.mat"))
        found.append(model.SerializeToString())
        model.ClearField("metadata_props")
        for maker in ("pytorch", "MATLAB Deep Learning Toolbox Converter for ONNX Model Format"):
            model.producer_name = maker
            found.append(model.SerializeToString())
    return tuple(found)
