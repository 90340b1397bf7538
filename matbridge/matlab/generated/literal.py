"""Numbers written out in code: a scalar, or a matrix of many thousand elements."""

from __future__ import annotations

import re

import numpy as np

from matbridge.core.dims import reorder
from matbridge.errors import FormatError

__all__ = ["read_literal"]

NUMBER = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|Inf|NaN)", re.ASCII
)
NAMED = {"true": 1.0, "false": 0.0}
FILLED = re.compile(r"(zeros|ones)\((\d{1,9}),(\d{1,9})\)", re.ASCII)
# As many elements as zeros(m,n) may stand for: MATLAB writes it where one of them is zero.
MOST = 10_000_000


def read_literal(text: str) -> np.ndarray | None:
    """The matrix that the text writes out, None where it says anything else.

    Raises FormatError where its rows have different lengths.
    """
    text = text.strip()
    turned = text.endswith("'")
    inner = text[:-1] if turned else text
    filled = FILLED.fullmatch(inner.replace(" ", ""))
    if filled:
        matrix = _filled(*filled.groups())
    elif inner.startswith("[") and inner.endswith("]"):
        matrix = _matrix(inner[1:-1])
    else:
        matrix = _matrix(inner) if not re.search(r"[\s,;]", inner) else None
    return reorder(matrix, "CB", "BC") if turned and matrix is not None else matrix


def _filled(name: str, rows: str, columns: str) -> np.ndarray | None:
    size = (int(rows), int(columns))
    return np.full(size, float(name == "ones")) if size[0] * size[1] <= MOST else None


def _matrix(text: str) -> np.ndarray | None:
    rows = [row.replace(",", " ").split() for row in re.split(r"[;\n]", text)]
    rows = [row for row in rows if row]
    if not rows:
        return np.zeros((0, 0)) if not text.strip() else None
    if not all(NUMBER.fullmatch(word) or word in NAMED for row in rows for word in row):
        return None
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise FormatError(f"the rows of a matrix have {min(lengths)} to {max(lengths)} elements")
    return np.array([[NAMED[w] if w in NAMED else float(w) for w in row] for row in rows])
