"""Deep equality of plain values, property by property."""

import dataclasses

import numpy as np


def assert_same(a, b, where="", seen=None):
    """Fail with the address of the first difference; cycles are followed once."""
    seen = set() if seen is None else seen
    if (id(a), id(b)) in seen:
        return
    seen.add((id(a), id(b)))
    assert type(a) is type(b), f"{where}: {type(a)} and {type(b)}"
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), where
        assert np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"), where
    elif hasattr(a, "tocsc"):
        assert (a != b).nnz == 0, where
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            step = f"{where}.{field.name}"
            assert_same(getattr(a, field.name), getattr(b, field.name), step, seen)
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}/{key}", seen)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        assert getattr(a, "shape", None) == getattr(b, "shape", None), where
        for place, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}({place + 1})", seen)
    else:
        assert a == b or a != a, f"{where}: {a!r} and {b!r}"
