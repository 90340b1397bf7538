"""One page for the browser that needs nothing beside it: what was verified, and how it went."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from matbridge.errors import MismatchError
from matbridge.files import check_target, written
from matbridge.report.charts import Plotly
from matbridge.report.colours import COLOURS, variable
from matbridge.report.entry import Entry
from matbridge.report.facts import Facts
from matbridge.report.levels import level_of_verdict
from matbridge.report.templates import check_libraries, render, text_of
from matbridge.verify.verification import Verification
from matbridge.version import VERSION

__all__ = ["check_page", "write_page"]

SUFFIXES = (".html", ".htm")


def check_page(path: Path, reads: Iterable[Path] = ()) -> None:
    """Raise what write_page raises for this path, and where a library is not installed."""
    if path.suffix.lower() not in SUFFIXES:
        raise MismatchError("a report is an HTML file", where=str(path), mend="End it in .html.")
    check_target(path, force=True, reads=reads)
    check_libraries("jinja2", "plotly", "pygraphviz")


def write_page(
    entries: Verification | Sequence[Entry], path: Path, reads: Iterable[Path] = ()
) -> None:
    """Write the report on one verification, or on several entries.

    An older report is overwritten; ``reads``, the files that the same call reads, never are.
    Raises UnsupportedError where jinja2, plotly or pygraphviz is not installed, and MismatchError
    where ``path`` does not end in .html or cannot be written.
    """
    path, reads = Path(path), list(reads)
    check_page(path, reads)
    listed = [Entry.of("", entries)] if isinstance(entries, Verification) else entries
    text = _page([Facts.of(number, entry) for number, entry in enumerate(listed, 1)])
    with written(path, force=True, reads=reads) as temporary:
        temporary.write_bytes(text.encode())


def _page(pages: Sequence[Facts]) -> str:
    from markupsafe import Markup

    script = text_of("page.js")
    verdicts = Counter(page.verdict for page in pages)
    return render(
        "page.html",
        pages=pages,
        title=_title(pages),
        counts=[(level_of_verdict(v), v, n) for v, n in verdicts.most_common()],
        version=VERSION,
        colours=COLOURS,
        variables=variable(),
        drawn=any(page.drawn for page in pages),
        plotly=Plotly(),
        script=Markup(script),
        script_digest=b64encode(sha256(script.encode()).digest()).decode(),
    )


def _title(pages: Sequence[Facts]) -> str:
    if len(pages) == 1:
        return f"{pages[0].headline}: {pages[0].name or pages[0].sentence}"
    return f"{len(pages)} verifications"
