"""Kinds of property: what a value is in MATLAB, in a card and in JSON, said in one value.

A kind refuses a value by ValueError, saying what is needed. Calling it is ``from_saved``:
``positive(np.array([[3.0]])) == 3``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

__all__ = [
    "Kind",
    "Ranked",
    "any_value",
    "count",
    "ends",
    "integer",
    "integers",
    "kind_of",
    "logical",
    "number",
    "numbers",
    "one_of",
    "optional",
    "padding",
    "per_dimension",
    "positive",
    "probability",
    "reals",
    "saved_value",
    "sizes",
    "spread",
    "text",
]

T = TypeVar("T")
# What JSON holds for a value.
Json = object
# What MATLAB saves for a property: an array, text, a cell of texts.
Saved = np.ndarray | str | list[str]
# The name under which JSON holds a number that it has no word for.
NOT_FINITE = "$float"
# MATLAB's arrays have fewer elements than this.
LARGEST = 2**48
# Properties are sizes and options: more values are data where a property must be.
LONGEST = 1_000_000
# A layer has no more inputs than this.
MOST = 10_000


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What a property is.

    ``from_saved`` makes the card's value of what MATLAB saves or its constructors take;
    ``to_saved`` is its inverse: of the forms that MATLAB may save, the newest known. ``hint``
    is the type that a constructor's argument has in Python.
    """

    from_saved: Callable[[Any], T]
    to_saved: Callable[[T], object]
    hint: str = "Any"

    def __call__(self, value: object) -> T:
        return self.from_saved(value)

    def to_json(self, value: T) -> Json:
        """JSON for numbers and text; any other saved value as it is."""
        return _json(self.to_saved(value))

    def from_json(self, value: Json) -> T:
        """The inverse of :meth:`to_json`, by way of the saved form: the same is refused."""
        return self.from_saved(_saved(value))

    def show(self, value: T) -> str:
        """As MATLAB's language writes it: [3 3], true, "same"."""
        return _shown(self.to_saved(value))


@dataclass(frozen=True)
class Ranked:
    """A kind that depends on how many dimensions the window of a card has."""

    of: Callable[[int], Kind[Any]]


def kind_of(convert: Kind[T] | Callable[[Any], T]) -> Kind[T]:
    """A kind, or the one of a plain function from saved values to those of a card."""
    if not callable(convert):
        raise TypeError(f"a kind or a function is needed, not {convert!r}")
    return convert if isinstance(convert, Kind) else Kind(convert, saved_value)


def saved_value(value: Any) -> Saved:
    """A card's value as MATLAB saves it: [], double and logical arrays, text, lists of text."""
    if isinstance(value, str):
        return value
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, tuple | list) and value and all(isinstance(v, str) for v in value):
        return list(value)
    if isinstance(value, tuple | list):
        value = [math.nan if v is None else v for v in value]
    array = np.asarray(value)
    # MATLAB's numbers are double unless somebody says otherwise.
    if array.dtype.kind == "i":
        array = array.astype(float)
    # [] is 0×0; atleast_2d would make it 1×0.
    return np.zeros((0, 0)) if array.shape == (0,) else np.atleast_2d(array)


# -- JSON and MATLAB's language -----------------------------------------------------------------


def _json(saved: object) -> Json:
    if not isinstance(saved, np.ndarray) or saved.dtype.kind not in "fiub":
        return saved
    if not saved.size:
        return None
    if saved.size == 1:
        return _json_number(saved.item())
    # A row is a plain list; only matrices nest.
    rows = saved[0] if saved.ndim == 2 and len(saved) == 1 else saved
    return _json_list(rows.tolist())


def _json_list(values: list[Any]) -> Json:
    return [_json_list(v) if isinstance(v, list) else _json_number(v) for v in values]


def _json_number(value: float) -> Json:
    if not math.isfinite(value):
        return {NOT_FINITE: str(value)}
    return int(value) if not isinstance(value, bool) and value == int(value) else value


def _saved(value: Json) -> object:
    """The saved form of JSON."""
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, dict) and set(value) == {NOT_FINITE}:
        return np.array([[float(value[NOT_FINITE])]])
    if isinstance(value, list | tuple) and not all(isinstance(v, str) for v in value):
        return np.atleast_2d(np.array(_unpacked(value), dtype=float))
    return list(value) if isinstance(value, list | tuple) else value


def _unpacked(value: Json) -> object:
    """Nested lists of numbers, those that JSON has no word for among them."""
    if isinstance(value, list | tuple):
        return [_unpacked(v) for v in value]
    if isinstance(value, dict) and set(value) == {NOT_FINITE}:
        return float(value[NOT_FINITE])
    if isinstance(value, int | float):
        return value
    raise ValueError(f"a number is needed, not {type(value).__name__}")


def _shown(saved: object) -> str:
    if isinstance(saved, str):
        return '"' + saved.replace('"', '""') + '"'
    if isinstance(saved, list):
        return "[" + " ".join(map(_shown, saved)) + "]"
    if not isinstance(saved, np.ndarray) or saved.ndim != 2:
        return f"({type(saved).__name__})"
    rows = ["".join(f"{_shown_number(v)} " for v in row).rstrip() for row in saved.tolist()]
    return rows[0] if saved.size == 1 else f"[{'; '.join(rows)}]" if saved.size else "[]"


def _shown_number(value: float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if math.isfinite(value):
        return f"{value:.15g}"
    return "NaN" if math.isnan(value) else "Inf" if value > 0 else "-Inf"


# -- numbers --------------------------------------------------------------------------------


def _reals(value: object) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind == "c":
        raise ValueError("a real number is needed, not a complex one")
    if array.dtype.kind not in "biuf" and array.size:
        raise ValueError(f"a number is needed, not {type(value).__name__}")
    return np.atleast_2d(array.astype(float))


def _flat(value: object) -> list[float]:
    array = _reals(value)
    if array.size > LONGEST:
        raise ValueError(f"at most {LONGEST:,} values are taken, not {array.size:,}")
    flat: list[float] = array.reshape(-1, order="F").tolist()
    return flat


def _number(value: object) -> float:
    array = _reals(value)
    if array.size != 1:
        raise ValueError(f"one value is needed, not {array.size}")
    return float(array.item())


def _whole(value: float) -> int:
    if not math.isfinite(value) or value != int(value):
        raise ValueError(f"a whole number is needed, not {value:g}")
    if abs(value) >= LARGEST:
        raise ValueError(f"{value:g} is more than any array of MATLAB's has elements")
    return int(value)


def _count(value: object) -> int:
    number = _positive(_whole(_number(value)))
    if number > MOST:
        raise ValueError(f"at most {MOST} are possible, not {number}")
    return number


def _positive(value: int) -> int:
    if value < 1:
        raise ValueError(f"a whole number above 0 is needed, not {value}")
    return value


def _probability(value: object) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError(f"a number from 0 to 1 is needed, not {number:g}")
    return number


def _integers(value: object) -> tuple[int, ...]:
    return tuple(_whole(v) for v in _flat(value))


def _sizes(value: object) -> tuple[int, ...]:
    sizes = tuple(_positive(n) for n in _integers(value))
    if not sizes:
        raise ValueError("a size is needed")
    return sizes


NUMBERS = "float | Sequence[float] | np.ndarray"

reals = Kind(_reals, saved_value, NUMBERS)
"""An array of real numbers."""
number = Kind(_number, saved_value, "float")
"""One real number."""
integer = Kind(lambda value: _whole(_number(value)), saved_value, "int")
"""One whole number."""
positive = Kind(lambda value: _positive(_whole(_number(value))), saved_value, "int")
"""One whole number above 0, such as a size."""
count = Kind(_count, saved_value, "int")
"""How many of something a layer has one by one, such as inputs."""
probability = Kind(_probability, saved_value, "float")
"""One number from 0 to 1."""
logical = Kind(lambda value: bool(_number(value)), saved_value, "bool")
"""true or false."""
numbers = Kind(lambda value: tuple(_flat(value)), saved_value, NUMBERS)
"""A row or column of real numbers."""
integers = Kind(_integers, saved_value, "int | Sequence[int] | np.ndarray")
"""A row or column of whole numbers."""
sizes = Kind(_sizes, saved_value, "int | Sequence[int] | np.ndarray")
"""One size or more, each above 0."""
any_value: Kind[Any] = Kind(lambda value: value, lambda value: value)
"""Whatever is saved, as it is."""


# -- text -----------------------------------------------------------------------------------


def _text(value: object) -> str:
    if isinstance(value, np.ndarray) and value.size == 0:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"text is needed, not {type(value).__name__}")
    return str(value)


text = Kind(_text, saved_value, "str")
"""A character vector or string scalar."""


def one_of(*options: str) -> Kind[str]:
    """Text that must be one of ``options``; anything else is refused, never guessed."""

    def convert(value: object) -> str:
        word = _text(value).lower()
        if word not in options:
            raise ValueError(f"{word!r} is none of {', '.join(options)}")
        return word

    return Kind(convert, saved_value, f"Literal[{', '.join(map(repr, options))}]")


# -- several of a kind -------------------------------------------------------------------------


def spread(count: int) -> Kind[tuple[int, ...]]:
    """``count`` whole numbers above 0; one alone stands for all."""

    def convert(value: object) -> tuple[int, ...]:
        numbers = tuple(_positive(n) for n in _integers(value))
        if len(numbers) not in (1, count):
            raise ValueError(f"{count} values are needed, not {len(numbers)}")
        return numbers if len(numbers) == count else numbers * count

    return Kind(convert, saved_value, "int | Sequence[int] | np.ndarray")


Ends = str | tuple[tuple[int, int], ...]


def padding(count: int) -> Kind[Ends]:
    """'same', 'causal', or the amounts before and after each of ``count`` dimensions.

    MATLAB's orders: one number for all ends; one per dimension; [top bottom left right];
    [top left front; bottom right back], which is the same order column by column.
    """
    words = one_of("same", "causal")

    def convert(value: object) -> Ends:
        if isinstance(value, str):
            return words(value)
        amounts = _integers(value)
        if len(amounts) == 1:
            amounts *= 2 * count
        elif len(amounts) == count and count > 1:
            amounts = tuple(n for n in amounts for _ in range(2))
        if len(amounts) != 2 * count:
            raise ValueError(f"{2 * count} values are needed, not {len(amounts)}")
        if min(amounts) < 0:
            raise ValueError(f"amounts are not negative, as {min(amounts)} is")
        return tuple(zip(amounts[::2], amounts[1::2], strict=True))

    def write(value: Ends) -> Saved:
        if isinstance(value, str) or count < 3:
            return value if isinstance(value, str) else saved_value(_joined(value))
        # A column for each dimension.
        return np.array(value, dtype=float).T

    return Kind(convert, write, f"{words.hint} | int | Sequence[int] | np.ndarray")


per_dimension = Ranked(spread)
"""One number for each dimension of a window."""
ends = Ranked(padding)
"""Padding or cropping before and after each dimension of a window."""


def _joined(pairs: Iterable[tuple[int, int]]) -> list[int]:
    return [n for pair in pairs for n in pair]


def optional(kind: Kind[T] | Callable[[Any], T], word: str = "") -> Kind[T | None]:
    """None for MATLAB's [], for 'auto' and for ``word``; else what ``kind`` makes of the value.

    None is saved as ``word`` if there is one, else as [].
    """
    inner = kind_of(kind)

    def convert(value: Any) -> T | None:
        if value is None or (isinstance(value, str) and value in ("auto", word)):
            return None
        return None if np.size(value) == 0 else inner(value)

    def write(value: T | None) -> object:
        if value is None:
            return word or saved_value(None)
        return inner.to_saved(value)

    return Kind(convert, write, f"{inner.hint} | str | None")
