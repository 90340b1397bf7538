"""The colours of pages and pictures, on light paper and on dark."""

from __future__ import annotations

__all__ = ["COLOURS", "TONES", "literal", "variable"]

# Each by what it is for, or by its name where families of layers share it: (light, dark).
COLOURS = {
    "paper": ("#ffffff", "#10141a"),
    "card": ("#f6f8fa", "#181e27"),
    "edge": ("#d8dee6", "#2e3744"),
    "line": ("#8792a2", "#6f7b8d"),
    "ink": ("#18202c", "#e7ebf1"),
    "soft": ("#566172", "#9ba7b7"),
    "link": ("#1f5fbf", "#7fb0ff"),
    # Families of layers.
    "slate": ("#64748b", "#8b9ab0"),
    "blue": ("#2f6fd0", "#6ea2f2"),
    "indigo": ("#5a55c8", "#918df0"),
    "purple": ("#8d4bc4", "#bd86ec"),
    "pink": ("#c03f83", "#e57fb3"),
    "teal": ("#0f8b8d", "#3fc1c0"),
    "orange": ("#c8731a", "#eba052"),
    "green": ("#3a8f4d", "#6cc182"),
    "brown": ("#8a6a4f", "#c0a184"),
    # Steps of an error against its budget.
    "equal": ("#1d6fc4", "#62a8f0"),
    "rounding": ("#0e7f72", "#3fc2ae"),
    "near": ("#8f6c00", "#e3bd3c"),
    "off": ("#c2571a", "#f29055"),
    "far": ("#c02942", "#f76d81"),
    "unknown": ("#64748b", "#8b9ab0"),
}

# Of a middle tone, read on both papers: those of charts.
TONES = {
    "equal": "#4a90d9",
    "rounding": "#2f9e8f",
    "near": "#c9a227",
    "off": "#e07b39",
    "far": "#d9485f",
    "unknown": "#8a94a3",
    "values": "#4a86d8",
    "band": "rgba(47,158,143,0.18)",
}


def literal(dark: bool) -> dict[str, str]:
    """The colours themselves, for pictures that other programs show as well."""
    return {name: pair[dark] for name, pair in COLOURS.items()}


def variable() -> dict[str, str]:
    """The colours as variables of the page, whose theme may change."""
    return {name: f"var(--{name})" for name in COLOURS}
