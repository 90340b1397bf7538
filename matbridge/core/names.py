"""Names of ours for things that MATLAB names: what generated source may hold."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container, Iterable

__all__ = ["identifiers", "plain_names"]

# A layer's name in a file may be of any length.
LONGEST = 200
# What is harmless in a quoted string of any language.
PLAIN = re.compile(rf"[A-Za-z0-9_./:+ -]{{1,{LONGEST}}}")


def identifiers(names: Iterable[str], reserved: Container[str] = ()) -> dict[str, str]:
    """For each name an identifier of ASCII letters, unique, and none of ``reserved``.

    A name that is one already stays as it is. Tools such as torch.fx paste names into the
    source that they run, so no other text of a file may be a name there.
    """
    listed = list(dict.fromkeys(names))
    # Those that may stay choose first, so that no other takes their name.
    chosen = {name: name for name in listed if _identifier(name) == name and name not in reserved}
    taken, counts = set(chosen), dict.fromkeys(chosen, 1)
    for name in listed:
        if name in chosen:
            continue
        base = unique = _identifier(name)
        while unique in taken or unique in reserved:
            counts[base] = counts.get(base, 0) + 1
            unique = f"{base}_{counts[base]}" if counts[base] > 1 else f"{base}_"
        taken.add(unique)
        chosen[name] = unique
    return {name: chosen[name] for name in listed}


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """For each name a unique one of ASCII letters, digits, spaces and _ . / : + - only."""
    listed = list(dict.fromkeys(names))
    plain = {name: name for name in listed if PLAIN.fullmatch(name)}
    others = identifiers((name for name in listed if name not in plain), plain)
    return {name: plain.get(name) or others[name] for name in listed}


def _identifier(name: str) -> str:
    """The nearest identifier: full-width letters narrow, all else that is none "_"."""
    plain = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name[:LONGEST]), flags=re.ASCII)
    plain = plain[:LONGEST]
    if not re.match(r"[A-Za-z]", plain):
        plain = f"layer_{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) else plain
