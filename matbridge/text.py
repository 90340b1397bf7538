"""Texts that come from files or people, before they are shown."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["listed", "nearest", "not_loaded", "visible", "visible_within"]

# Among how many names the nearest is sought.
MOST = 2000


def visible(text: str, keep: str = "") -> str:
    r"""The text with whatever does not print as an escape: ``\x1b`` for the character ESC.

    Control characters, escape sequences and marks that turn the direction of writing could
    otherwise make a terminal show what is not there. ``keep`` lists characters to let through.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def visible_within(value: object) -> Any:
    """The same of every text in nested mappings and lists; how to mend may have several lines."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {
            visible(key): visible(inner, keep="\n") if key == "mend" else visible_within(inner)
            for key, inner in value.items()
        }
    return [visible_within(inner) for inner in value] if isinstance(value, list) else value


def nearest(name: str, names: Iterable[str]) -> str:
    """A suggestion such as ``Did you mean 'XTrain'? ``, "" where no name is near."""
    known = {known.casefold(): known for known in itertools.islice(names, MOST)}
    near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.6)
    return f"Did you mean {known[near[0]]!r}? " if near else ""


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names for a message, which stays readable where there are thousands."""
    names = list(names)
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def not_loaded(library: str, error: Exception) -> str:
    """Why a library cannot be used: it is not installed, or what it said when it was loaded."""
    if isinstance(error, ModuleNotFoundError) and error.name == library:
        return f"{library} is not installed"
    said = visible((str(error).splitlines() or [type(error).__name__])[0])
    return f"{library} is installed but does not load: {said}"
