"""verify FILE alone: the proof is looked for in the workspace that was saved with the network."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from matbridge.cli.asked import Asked
from matbridge.cli.many import Row, Work, run_all, show_all
from matbridge.cli.reports import Reports
from matbridge.cli.terminal import console, print_json, say, status_line, table, warn_of
from matbridge.cli.verdict import colour, document
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError, MismatchError
from matbridge.files import check_target, sha256
from matbridge.languages import read
from matbridge.matlab.file import MatFile
from matbridge.predict.data import read_data
from matbridge.text import visible
from matbridge.verify.fixtures.read import is_fixture
from matbridge.verify.fixtures.write import write_fixture
from matbridge.verify.proof import TIME_LIMIT, NetworkSearch, Search, Workspace, search
from matbridge.verify.proof.outcome import Agreement
from matbridge.verify.proof.sentence import as_verification
from matbridge.verify.ways import at_once

__all__ = ["Searching", "searching_options"]

DATA_SUFFIXES = (".mat", ".npy", ".npz", ".csv")


@dataclass(frozen=True)
class Searching:
    """Where proof is looked for, how long, and where it is kept.

    ``data`` are files and folders beside the network's own file, ``kept`` the fixture that keeps
    what was found, ``done`` the searches by file.
    """

    data: tuple[Path, ...] = ()
    time_limit: float = TIME_LIMIT
    kept: Path | None = None
    verbose: bool = False
    done: dict[Path, Search] = field(default_factory=dict)

    def networks(
        self, path: Path, address: str | None, reading: Reading
    ) -> Iterator[tuple[str, Network | MatbridgeError]]:
        """Those of a file that are trained, or that at an address; each is searched for."""
        contents = read(path, dataclasses.replace(reading, address=address))
        networks = {a: n for a, n in contents.networks.items() if n.initialised and n.kind.trained}
        if address is not None or not networks:
            chosen = contents.choose(address)
            networks = {chosen.provenance.address or "network": chosen}
        for network in networks.values():
            warn_of(network.report)
        workspace = self._workspace(path, reading.max_size)
        with status_line("looking for proof") as told:
            self.done[path] = search(workspace, networks, self.time_limit, told)
        yield from networks.items()
        if address is None:
            yield from contents.failures.items()

    def _workspace(self, path: Path, limit: int) -> Workspace:
        """The variables of the network's own file, then those of others that are named."""
        workspace = Workspace()
        if path.suffix.lower() == ".mat":
            workspace.add("", MatFile(path, limit))
        for file in _data_files(self.data):
            if file.suffix.lower() == ".mat":
                workspace.add(f"{file.name}:", MatFile(file, limit))
            else:
                workspace.add(f"{file.name}:", {file.stem: read_data(str(file), limit)})
        return workspace

    def row(self, path: Path, address: str, network: Network) -> Row:
        """What became of one network, as one of many."""
        found = next(one for one in self.done[path].networks if one.address == address)
        verification = as_verification(found)
        about = _document_of(found)
        sentence, code = verification.sentence, verification.code
        return Row(str(path), address, sentence, code, about, verification, told=True)

    def run(self, asked: Asked, recorded: Work, reports: Reports, as_json: bool) -> int:
        """A search in each file, but for fixtures, which ``recorded`` judges; the exit code."""
        if self.kept is not None:
            # Before a search whose finds could not be kept.
            check_target(self.kept, reads=asked.paths)
            if asked.many:
                raise MismatchError("--save-fixture keeps what is found in one file")
        if asked.many:
            fixtures = {path for path in asked.files() if is_fixture(path)}
            rows = run_all(
                asked.files(),
                lambda path: (
                    asked.networks(path)
                    if path in fixtures
                    else self.networks(path, asked.address, asked.reading)
                ),
                lambda path, address, one: (
                    recorded(path, address, one)
                    if path in fixtures
                    else self.row(path, address, one)
                ),
            )
            reports.write(rows, asked.paths)
            return show_all(rows, as_json)
        path = asked.paths[0]
        with reports.failures(path, asked.address or "", asked.paths):
            rows = [
                Row.failed(path, address, one)
                if isinstance(one, MatbridgeError)
                else self.row(path, address, one)
                for address, one in self.networks(path, asked.address, asked.reading)
            ]
        reports.write(rows, asked.paths)
        return self._finish(path, rows, as_json)

    def _finish(self, path: Path, rows: Sequence[Row], as_json: bool) -> int:
        """Show the search in one file and keep what was found; the exit code."""
        found = self.done[path]
        if as_json:
            print_json(_document(found))
        else:
            _show(found, rows, self.verbose)
        if self.kept is not None:
            self._keep(found, path, self.kept)
        return found.code

    def _keep(self, found: Search, path: Path, target: Path) -> None:
        """Each proof as a fixture: the first under the name that is given, others numbered."""
        digest = sha256(path)
        whole = [proof for proof in found.proofs if proof.case.way is at_once]
        for agreement in found.proofs:
            if agreement not in whole:
                say(
                    f"{agreement.equation} is not kept: a fixture holds the states from which a "
                    "run starts, and these are known to rounding alone, which moves it further"
                )
        for number, agreement in enumerate(whole, 1):
            file = target if number == 1 else target.with_stem(f"{target.stem}_{number}")
            source = dataclasses.replace(
                agreement.case.network_source, file=path.name, sha256=digest
            )
            write_fixture(file, agreement.case.replace(network_source=source), reads=[path])
            say(f"{agreement.equation} kept in {file}")


def _data_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files, and those of each folder that hold data."""
    for path in paths:
        if path.is_dir():
            inside = (p for p in path.iterdir() if p.suffix.lower() in DATA_SUFFIXES)
            yield from sorted(inside)
        elif path.suffix.lower() in DATA_SUFFIXES:
            yield path
        else:
            raise MismatchError(
                "this is no data file", where=str(path), mend="Use .mat, .npy, .npz or .csv."
            )


def _show(found: Search, rows: Sequence[Row], verbose: bool) -> None:
    """The verdict in a line for each network, the proofs below, then what was tried."""
    out = console()
    for row in rows:
        if row.verification is None:
            out.sentence(f"{row.network}: {row.outcome}", "red")
            continue
        named = f"{row.network}: " if len(rows) > 1 else ""
        out.sentence(named + row.outcome, colour(row.verification.verdict))
        for note in row.verification.notes:
            out.sentence(f"  {note}")
    for skipped in found.skipped:
        say(f"not looked at: {skipped}")
    if not found.finished:
        say(f"not all was tried in {found.seconds:.0f} seconds; --time-limit gives more")
    if verbose:
        tried = table("Network", "Run", "Variable", "Outcome")
        for network in found.networks:
            for attempt in network.attempts.values():
                cells = (network.address, attempt.call, attempt.variable, attempt.outcome)
                tried.add_row(*map(visible, cells))
        out.print(tried)


def _document(found: Search) -> Mapping[str, object]:
    """For --json."""
    return {
        "verdict": found.verdict,
        "networks": {network.address: _document_of(network) for network in found.networks},
        "finished": found.finished,
        "seconds": found.seconds,
        "skipped": found.skipped,
    }


def _document_of(network: NetworkSearch) -> Mapping[str, object]:
    verification = as_verification(network)
    return {
        "verdict": verification.verdict,
        "sentence": verification.sentence,
        "notes": verification.notes,
        "proofs": [_agreement(agreement) for agreement in network.proofs],
        "no_proofs": [_agreement(agreement) for agreement in network.no_proofs],
        "alike": [dataclasses.asdict(likeness) for likeness in network.likenesses.values()],
        "inputs": network.inputs,
        "outputs": network.outputs,
        "tried": [dataclasses.asdict(attempt) for attempt in network.attempts.values()],
    }


def _agreement(agreement: Agreement) -> Mapping[str, object]:
    return {
        "variable": agreement.variable,
        "equation": agreement.equation,
        "remark": agreement.remark,
        "values": agreement.values,
        "bits": agreement.bits,
        "reason": agreement.reason,
        **document(agreement.verification),
    }


def searching_options(function: Callable[..., object]) -> Callable[..., object]:
    """What they say is one ``searching``."""

    @click.option("--data", multiple=True, type=click.Path(path_type=Path), metavar="DATA",
                  help="Where no --expected is given: look for proof in this file or folder too. "
                       "May be repeated.")  # fmt: skip
    @click.option("--time-limit", type=click.FloatRange(0), default=TIME_LIMIT, show_default=True,
                  metavar="SECONDS",
                  help="For the search for proof, and for that for causes.")  # fmt: skip
    @click.option("--save-fixture", "kept", type=click.Path(path_type=Path), metavar="MAT",
                  help="Keep the proof that was found as a fixture.")  # fmt: skip
    @functools.wraps(function)
    def wrapped(
        *args: object, data: tuple[Path, ...], time_limit: float, kept: Path | None, **given: object
    ) -> object:
        return function(*args, searching=Searching(data, time_limit, kept), **given)

    return wrapped
