"""The charts of a page: figures of plotly, as JSON for its script.

Colours are of a middle tone that is read on light and on dark paper; lines, grids and letters
take the page's own.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from matbridge.report.colours import TONES
from matbridge.report.levels import LEVELS, Level, level_of
from matbridge.text import visible
from matbridge.verify.judgement import Judgement
from matbridge.verify.measures.sample import Sample
from matbridge.verify.measures.ulps import EDGES

__all__ = ["Plotly", "depth", "histogram", "scatter", "steps", "ulps"]

# What rounding may; and the axis of counts.
LIMIT = {"color": TONES["rounding"], "width": 1.5, "dash": "dot"}
COUNTS = {"title_text": "values", "separatethousands": True}
# How many bars a histogram has, and at least one of names; how many dots are few; and what stands
# for zero and for infinity on a logarithmic axis.
BARS, LEAST, FEW, NOTHING, ENDLESS = 60, 6, 300, 1e-17, 1e6


class Plotly:
    """The script that draws, packed: it is the most of a page."""

    def __init__(self) -> None:
        from plotly.offline import get_plotlyjs

        script = get_plotlyjs().encode()
        packed = gzip.compress(script, mtime=0)
        self.packed = base64.b64encode(packed).decode()
        self.digest = base64.b64encode(hashlib.sha256(script).digest()).decode()


def depth(judgements: Sequence[Judgement], first: Sequence[str]) -> str:
    """The difference of each layer in the order in which data flow, and its budget as a band;
    ``first`` are the layers at which two computations part."""
    from plotly.graph_objects import Figure, Scatter

    judged = [j for j in judgements if j.statistics.elements]
    x = list(range(1, len(judged) + 1))
    allowed = [_shown(j.budget * j.budgets) for j in judged]
    lowest = min([*(_shown(j.statistics.max_rel) for j in judged), *allowed], default=NOTHING) / 3
    figure = Figure()
    floor = {"x": x, "y": [lowest] * len(x), "line": {"width": 0}, "showlegend": False}
    figure.add_trace(Scatter(**floor, mode="lines", hoverinfo="skip"))
    band = {"fill": "tonexty", "fillcolor": TONES["band"], "name": "what rounding explains"}
    line = {**LIMIT, "shape": "hvh"}
    figure.add_trace(Scatter(x=x, y=allowed, **band, mode="lines", line=line, hoverinfo="skip"))
    for level in LEVELS:
        group = [(i, j) for i, j in zip(x, judged, strict=True) if level_of(j) is level]
        if group:
            figure.add_trace(_layers(group, level))
    for place, judgement in zip(x, judged, strict=True):
        if judgement.layer in first:
            figure.add_vline(place, line={"color": TONES["far"], "width": 1.5, "dash": "dash"})
    figure.update_xaxes(title_text="layers, as data flow")
    figure.update_yaxes(**_decades([*allowed, *(j.statistics.max_rel for j in judged)]))
    return _json(figure, legend=True)


def _decades(values: Sequence[float]) -> dict[str, object]:
    """An axis for these differences, with a line for each power of ten, or each few."""
    powers = [math.log10(_shown(value)) for value in values]
    span = max(powers, default=0) - min(powers, default=0)
    lines = {"dtick": math.ceil(span / 8)} if span > 2 else {}
    return {"title_text": "difference / scale", "type": "log", "exponentformat": "power", **lines}


def _layers(group: Sequence[tuple[int, Judgement]], level: Level) -> Any:
    from plotly.graph_objects import Scatter

    return Scatter(
        x=[i for i, _ in group],
        y=[_shown(j.statistics.max_rel) for _, j in group],
        mode="markers",
        marker={"color": TONES[level.name], "size": 7 if len(group) < FEW else 5},
        name=level.words,
        text=[
            f"{_plain(j.name)}<br>{j.statistics.max_rel:.2e}, {j.used:,.3g} budgets"
            for _, j in group
        ],
        hovertemplate="%{text}<extra></extra>",
    )


def _shown(difference: float) -> float:
    """A difference on an axis that knows no zero, no infinity and no NaN."""
    return min(max(difference, NOTHING), ENDLESS) if difference == difference else ENDLESS


def scatter(sample: Sample) -> str:
    """What was computed over what was expected: on the diagonal where they are equal."""
    from plotly.graph_objects import Figure, Scatter

    x, y = _finite(sample)
    ends = [float(x.min()), float(x.max())] if x.size else [0.0, 1.0]
    figure = Figure()
    diagonal = {"color": TONES["unknown"], "width": 1.2}
    figure.add_trace(Scatter(x=ends, y=ends, mode="lines", line=diagonal, hoverinfo="skip"))
    dots = {"color": TONES["values"], "size": 5, "opacity": 0.7 if x.size < FEW else 0.4}
    hint = "expected %{x:.6g}<br>computed %{y:.6g}<extra></extra>"
    figure.add_trace(Scatter(x=x, y=y, mode="markers", marker=dots, hovertemplate=hint))
    figure.update_xaxes(title_text="expected")
    figure.update_yaxes(title_text="computed")
    return _json(figure)


def _finite(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """What is expected and computed, where neither is NaN or Inf."""
    both = np.isfinite(sample.expected) & np.isfinite(sample.computed)
    return sample.expected[both], sample.computed[both]


def histogram(sample: Sample, allowed: float) -> str:
    """How the differences spread; the band is what rounding may, an absolute difference."""
    from plotly.graph_objects import Figure

    x, y = _finite(sample)
    widest = float(np.abs(y - x).max(initial=0.0)) or allowed
    widest = widest if 0 < widest < np.inf else 1.0
    counts, edges = np.histogram(y - x, bins=BARS, range=(-widest, widest))
    figure = Figure()
    figure.add_trace(_bars((edges[1:] + edges[:-1]) / 2, counts, "%{y} values near %{x:.3g}"))
    shown = min(allowed, widest)
    figure.add_vrect(-shown, shown, fillcolor=TONES["band"], line_width=0, layer="below")
    figure.update_xaxes(title_text="computed − expected", exponentformat="power")
    figure.update_yaxes(**COUNTS, dtick=1 if counts.max() < 6 else None)
    return _json(figure)


def _bars(x: Sequence[str] | np.ndarray, y: Sequence[int] | np.ndarray, hint: str) -> Any:
    from plotly.graph_objects import Bar

    look = {"color": TONES["values"], "line": {"width": 0}}
    return Bar(x=x, y=y, marker=look, hovertemplate=f"{hint}<extra></extra>")


def ulps(counts: Sequence[int]) -> str:
    """How many single-precision numbers lie between what was computed and what was expected."""
    from plotly.graph_objects import Figure

    figure = Figure()
    last = max((i for i, count in enumerate(counts) if count), default=0)
    shown = max(last + 1, LEAST)
    figure.add_trace(_bars(_ranges()[:shown], counts[:shown], "%{y:,} values: %{x}"))
    figure.update_xaxes(title_text="float32 numbers between", type="category")
    figure.update_yaxes(**COUNTS)
    return _json(figure)


def _ranges() -> list[str]:
    """0, 1, 2, ≤4, ≤8 ... and what is beyond."""
    names = [f"{edge // 1024}k" if edge >= 1024 else str(edge) for edge in EDGES]
    few = [f"≤{name}" if edge > 2 else name for name, edge in zip(names, EDGES, strict=True)]
    return [*few, f">{names[-1]}"]


def steps(values: Sequence[float], allowed: float) -> str:
    """The difference at each time step, and what rounding may."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    figure.add_trace(
        Scatter(
            x=list(range(1, len(values) + 1)),
            y=[_shown(value) for value in values],
            mode="lines+markers" if len(values) < FEW else "lines",
            line={"color": TONES["values"], "width": 1.5},
            hovertemplate="step %{x}: %{y:.3g}<extra></extra>",
        )
    )
    figure.add_hline(_shown(allowed), line=LIMIT)
    figure.update_xaxes(title_text="time step")
    figure.update_yaxes(**_decades([*values, allowed]))
    return _json(figure)


def _plain(text: str) -> str:
    """A text for plotly, which takes some tags for markup."""
    return visible(text[:120]).replace("&", "&amp;").replace("<", "&lt;")


def _json(figure: Any, legend: bool = False) -> str:
    figure.update_xaxes(automargin=True)
    figure.update_layout(
        template="none",
        showlegend=legend,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        margin={"l": 64, "r": 12, "t": 30 if legend else 10, "b": 46},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif", "size": 12},
        hovermode="closest",
        bargap=0.04,
    )
    return str(figure.to_json())
