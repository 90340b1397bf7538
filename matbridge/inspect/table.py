"""The table of layers: what stands in each row, and how text and HTML show it."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matbridge.core.network import Network
from matbridge.inspect.summary import summarize_network
from matbridge.text import visible_within

__all__ = ["LayerTable", "layer_table", "to_html", "to_text"]

COLUMNS = ("", "Name", "Type", "Output", "From", "Properties", "Learnables", "States")
# From this column on, what belongs together may stand in one.
DETAILS = 5


@dataclass(frozen=True)
class LayerTable:
    """Rows of cells, each a list of lines."""

    columns: tuple[str, ...]
    rows: tuple[tuple[list[str], ...], ...]

    def stacked(self) -> LayerTable:
        """The details in one column, for a narrow page."""
        first = sum(column in COLUMNS[:DETAILS] for column in self.columns)
        rows = ((*row[:first], list(itertools.chain(*row[first:]))) for row in self.rows)
        return LayerTable((*self.columns[:first], "Details"), tuple(rows))


def layer_table(network: dict[str, Any], everything: bool = False) -> LayerTable:
    """The table of a network's summary: what matters of each layer, or everything.

    Columns in which nothing stands are left out; where the layers are no chain, From tells
    which outputs each takes.
    """
    rows = [
        _row(number, layer, [] if network["chain"] else layer["from"], everything)
        for number, layer in enumerate(network["layers"], 1)
    ]
    filled = [i for i in range(len(COLUMNS)) if any(row[i] for row in rows)]
    return LayerTable(
        tuple(COLUMNS[i] for i in filled), tuple(tuple(row[i] for i in filled) for row in rows)
    )


def _row(
    number: int, layer: dict[str, Any], sources: list[str], everything: bool
) -> list[list[str]]:
    names = layer["properties"] if everything else layer["telling"]
    states = {
        name: shape
        for name, shape in layer["states"].items()
        if everything or not name.startswith("Initial")
    }
    kind = layer["type"].removesuffix("Layer")
    kind = f"{layer['type']} ({layer['status']})" if layer["status"] else kind
    return [
        [str(number)],
        [layer["name"]],
        [kind],
        [_size(size) for size in layer["outputs"].values()] or [_size(layer["output"])],
        sources,
        [f"{name} {layer['properties'][name]}" for name in names],
        [_array(name, shape) for name, shape in layer["learnables"].items()]
        + [f"{name} uninitialised" for name in layer["uninitialised"]],
        [_array(name, shape) for name, shape in states.items()],
    ]


def _size(size: dict[str, Any]) -> str:
    if not size["format"]:
        return "?"
    pairs = zip(size["size"], size["format"], strict=True)
    return " × ".join(f"{'?' if n is None else n}({label})" for n, label in pairs)


def _array(name: str, shape: Sequence[int]) -> str:
    return f"{name} {'×'.join(map(str, shape))}"


# -- text and HTML ------------------------------------------------------------------------------


def _summary(network: Network) -> dict[str, object]:
    summary = summarize_network(network, network.provenance.address)
    return dict(visible_within(summary))


def to_text(network: Network, everything: bool = False) -> str:
    """The table as plain text, with a head and what is wrong below it."""
    summary = _summary(network)
    table = layer_table(summary, everything)
    head: tuple[list[str], ...] = tuple([column] for column in table.columns)
    widths = [
        max(len(line) for row in (head, *table.rows) for line in row[i] or [""])
        for i in range(len(table.columns))
    ]
    lines = [_head(summary)]
    for row in (head, *table.rows):
        for parts in itertools.zip_longest(*row, fillvalue=""):
            padded = (part.ljust(width) for part, width in zip(parts, widths, strict=True))
            lines.append("  ".join(padded).rstrip())
    return "\n".join([*lines, *_problems(summary)])


def to_html(network: Network) -> str:
    """The table for a notebook."""
    summary = _summary(network)
    table = layer_table(summary)
    style = ' style="text-align: left; vertical-align: top; white-space: nowrap"'
    head = "".join(f"<th{style}>{html.escape(column)}</th>" for column in table.columns)
    rows = (
        "".join(f"<td{style}>{'<br>'.join(map(html.escape, cell))}</td>" for cell in row)
        for row in table.rows
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    below = "".join(f"<p>{html.escape(line)}</p>" for line in _problems(summary))
    return f"<p>{html.escape(_head(summary))}</p><table><tr>{head}</tr>{body}</table>{below}"


def _head(summary: dict[str, Any]) -> str:
    title = " ".join(word for word in (summary["address"], summary["class"]) if word)
    runs = "" if summary["runnable"] else ", does not run as it is"
    count = f"{len(summary['layers'])} layers, {summary['parameters']:,} learnables{runs}"
    return f"{title}: {count}"


def _problems(summary: dict[str, Any]) -> list[str]:
    return [
        ": ".join(filter(None, (problem["level"], problem["where"], problem["what"])))
        for problem in summary["problems"]
    ]
