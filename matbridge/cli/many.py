"""One command over several files: a row for each, and on with the next after an error."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from matbridge.cli.failure import told
from matbridge.cli.terminal import Terminal, console, print_json, say, styled, table
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import FormatError, MatbridgeError, MismatchError
from matbridge.languages import language_of, read
from matbridge.text import visible
from matbridge.verify.judgement import NOT_VERIFIED
from matbridge.verify.verification import Verification

__all__ = [
    "Row",
    "Work",
    "all_option",
    "are_many",
    "expanded",
    "networks_of",
    "one_of",
    "paths_argument",
    "run_all",
    "show_all",
]

paths_argument = click.argument(
    "paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
all_option = click.option("--all", "every", is_flag=True, help="Every network of each file.")

# How long the rest must take to be told, in seconds.
WORTH_TELLING = 10.0
# By exit code; all other codes are errors.
COLOURS = {0: "green", 5: "yellow"}


@dataclass(frozen=True)
class Row:
    """What became of one file, or of one network in it.

    ``document`` is what --json tells of it; ``code`` what the exit code would be for it alone;
    ``verification`` what was verified, for reports; ``seconds`` how long it took.
    ``told`` says that the outcome is worth its words where it passes, too.
    """

    file: str
    network: str
    outcome: str
    code: int = 0
    document: Mapping[str, object] = field(default_factory=dict)
    verification: Verification | None = None
    seconds: float = 0.0
    told: bool = False

    @classmethod
    def failed(cls, path: Path, network: str, error: Exception) -> Row:
        """The row of an error."""
        kind, code, what, where, mend = told(error, [str(path)])
        about = {"kind": kind, "exit_code": code, "what": what, "where": where, "mend": mend}
        # The file stands in its own column.
        place = where.removeprefix(path.name).lstrip(":/") if where != str(path) else ""
        return cls(str(path), network, f"{place}: {what}" if place else what, code, about)

    @property
    def verdict(self) -> str:
        """In a word, of a row that was to be verified."""
        if self.verification is not None:
            return self.verification.verdict
        return {0: "passed", 1: "different", 5: NOT_VERIFIED}.get(self.code, "error")

    @property
    def figures(self) -> tuple[str, str]:
        """The largest difference of all outputs as a share of the scale, and in budgets."""
        outputs = self.verification.outputs if self.verification is not None else ()
        if not outputs:
            return "", ""
        worst = max(outputs, key=lambda judgement: judgement.used)
        return f"{worst.statistics.max_rel:.2g}", f"{worst.used:.2g}"

    def as_dict(self) -> dict[str, object]:
        """The row for --json."""
        about = {"file": self.file, "network": self.network, "exit_code": self.code}
        return {**about, "outcome": self.outcome, "about": self.document}


# The networks of a file by address, or why one could not be read; and what is done with each.
Networks = Callable[[Path], Iterable[tuple[str, Network | MatbridgeError]]]
Work = Callable[[Path, str, Network], Row]


def are_many(paths: Sequence[Path], every: bool) -> bool:
    """Whether rows are asked for, rather than all about one file."""
    return every or len(paths) > 1 or paths[0].is_dir()


def expanded(paths: Iterable[Path]) -> list[Path]:
    """The files, and for each folder those in it whose name tells a language that is read.

    Raises FormatError for a folder without any.
    """
    files: list[Path] = []
    for path in paths:
        inside = sorted(_files_in(path)) if path.is_dir() else [path]
        if not inside:
            raise FormatError("the folder holds no file that matbridge reads", where=str(path))
        files += inside
    return list(dict.fromkeys(files))


def _files_in(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            language = language_of(path)
            if language is not None and language.read is not None and path.is_file():
                yield path


def networks_of(
    path: Path, address: str | None, every: bool, how: Reading
) -> Iterator[tuple[str, Network | MatbridgeError]]:
    """The network of a file, or every one with why others could not be read, by address."""
    if every and address is not None:
        raise MismatchError("either every network or the one at an address", mend="Leave out one.")
    contents = read(path, dataclasses.replace(how, address=address))
    if not every:
        network = contents.choose(address)
        yield network.provenance.address, network
        return
    if not contents.networks and not contents.failures:
        raise contents.nothing(None)
    yield from contents.networks.items()
    yield from contents.failures.items()


def one_of(path: Path, address: str | None, how: Reading) -> Network:
    """The network of a file at an address, or its only trained one."""
    return read(path, dataclasses.replace(how, address=address)).choose(address)


def run_all(paths: Sequence[Path], networks: Networks, work: Work) -> list[Row]:
    """A row for each network of each file; an error is a row as well, and the rest goes on."""
    rows: list[Row] = []
    started = time.perf_counter()
    for number, path in enumerate(paths, 1):
        say(f"{number}/{len(paths)} {path}{_left(started, number - 1, len(paths))}")
        before = time.perf_counter()
        try:
            for address, network in networks(path):
                row = _attempt(path, address, network, work)
                rows.append(dataclasses.replace(row, seconds=time.perf_counter() - before))
                before = time.perf_counter()
        except Exception as error:
            row = Row.failed(path, "", error)
            rows.append(dataclasses.replace(row, seconds=time.perf_counter() - before))
    return rows


def _left(started: float, done: int, count: int) -> str:
    """About how long the rest takes, where that is worth a word."""
    seconds = (time.perf_counter() - started) / done * (count - done) if done else 0.0
    return f" (about {seconds:.0f} s left)" if seconds > WORTH_TELLING else ""


def _attempt(path: Path, address: str, network: Network | MatbridgeError, work: Work) -> Row:
    try:
        if isinstance(network, MatbridgeError):
            raise network
        return work(path, address, network)
    except Exception as error:
        return Row.failed(path, address, error)


def show_all(rows: Sequence[Row], as_json: bool) -> int:
    """The rows and their sum; the exit code of the first that differs, else of the first that is
    not 0."""
    bad = [row for row in rows if row.code]
    if as_json:
        documents = [row.as_dict() for row in rows]
        print_json({"files": documents, "good": len(rows) - len(bad), "bad": len(bad)})
    else:
        out = console()
        if any(row.verification for row in rows):
            _show_verdicts(out, rows)
        else:
            _show_outcomes(out, rows)
        out.print(f"\n{len(rows)} in all, {len(rows) - len(bad)} good, {len(bad)} not{_sum(rows)}")
    codes = [row.code for row in bad]
    return 1 if 1 in codes else next(iter(codes), 0)


def _show_outcomes(out: Terminal, rows: Sequence[Row]) -> None:
    shown = table("File", "Network", "Outcome")
    for row in rows:
        told = (visible(text) for text in (row.file, row.network))
        shown.add_row(*told, styled(row.outcome, "red" if row.code else ""))
    out.print(shown)


def _show_verdicts(out: Terminal, rows: Sequence[Row]) -> None:
    """A line of figures for each, the names without the folder that all are in; then what is
    worth its words."""
    names = [visible(name) for name in _short([row.file for row in rows])]
    # Of a network in the file itself its address is enough.
    networks = [visible(row.network.removeprefix(f"{os.path.basename(row.file)}:")) for row in rows]
    several = len(set(networks)) > 1
    shown = table("File", *["Network"] * several)
    for name in ("Verdict", "Max rel", "Budgets", "Time"):
        shown.add_column(name, no_wrap=True, justify="left" if name == "Verdict" else "right")
    for name, network, row in zip(names, networks, rows, strict=True):
        verdict = styled(row.verdict, COLOURS.get(row.code, "red"))
        shown.add_row(name, *[network] * several, verdict, *row.figures, f"{row.seconds:.1f} s")
    out.print(shown)
    for name, network, row in zip(names, networks, rows, strict=True):
        if row.code or row.told:
            which = f"{name}, {network}" if network and names.count(name) > 1 else name
            out.print()
            out.sentence(f"{which}: {row.outcome}")


def _short(files: Sequence[str]) -> list[str]:
    """Paths from the folder in which all of them are."""
    try:
        folder = os.path.commonpath([os.path.dirname(file) for file in files])
    except ValueError:  # some are absolute, or on another drive
        return list(files)
    return [os.path.relpath(file, folder) for file in files] if folder else list(files)


def _sum(rows: Sequence[Row]) -> str:
    """How many of each verdict, and how long it took in all."""
    if not any(row.verification for row in rows):
        return ""
    counts = Counter(row.verdict for row in rows).most_common()
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts)
    return f": {told}, {sum(row.seconds for row in rows):.1f} s"
