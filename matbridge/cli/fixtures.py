"""verify on fixtures: those that are named, in folders, and each with its network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matbridge.cli.many import expanded, one_of
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import FormatError, MismatchError, MissingNameError
from matbridge.files import sha256
from matbridge.verify.case import Case
from matbridge.verify.fixtures.form import NETWORK
from matbridge.verify.fixtures.read import Fixture, identity_of, is_fixture, read_fixture

__all__ = ["Fixtures", "fixtures_in", "network_of", "with_networks"]

# Options of the command line that say with what a fixture is run, not on what.
OPENING = ("dtype", "device", "engine")


@dataclass(frozen=True)
class Fixtures:
    """The fixtures that a network is verified on."""

    paths: tuple[Path, ...]
    options: Mapping[str, Any]
    max_size: int

    def cases(self, path: Path, network: Network) -> Iterator[Case]:
        """The case of each."""
        for fixture in self.paths:
            yield self.case(read_fixture(fixture, self.max_size), path, network)

    def only(self, path: Path) -> Fixtures:
        """One of them."""
        return dataclasses.replace(self, paths=(path,))

    def case(self, fixture: Fixture, path: Path, network: Network) -> Case:
        """What a fixture asks of the network of a file."""
        case = fixture.case(network)
        opening = {name: self.options[name] for name in OPENING if name in self.options}
        source = dataclasses.replace(case.network_source, file=str(path))
        notes = (*case.notes, *doubts(fixture, path))
        options = {**opening, **case.options}
        return case.replace(options=options, network_source=source, notes=notes)


def doubts(fixture: Fixture, path: Path) -> Iterator[str]:
    """What tells that the file is not the one that the fixture was recorded of."""
    known = fixture.of.sha256
    if known and path.name == fixture.of.file and sha256(path) != known.lower():
        yield "the network's file has changed since the fixture was recorded (another SHA-256)"


def fixtures_in(paths: Sequence[Path]) -> list[Path]:
    """The fixtures that are named, and for each folder those in it.

    Raises FormatError for a folder without any.
    """
    files: list[Path] = []
    for path in paths:
        inside = (
            [file for file in expanded([path]) if is_fixture(file)] if path.is_dir() else [path]
        )
        if not inside:
            raise FormatError("the folder holds no fixture", where=str(path))
        files += inside
    return files


def with_networks(paths: Sequence[Path]) -> list[Path]:
    """The files, less the networks whose fixtures stand beside them among these: those are
    verified with the fixtures."""
    known = {path: identity_of(path) for path in paths}
    networks = {path.parent / identity.file for path, identity in known.items() if identity}
    return [path for path in paths if known[path] or path not in networks]


def network_of(path: Path, address: str | None, reading: Reading) -> Network:
    """The network that a fixture holds, or names and that is beside it: in its variable, or the
    only one of the file.

    Raises MismatchError where there is neither.
    """
    fixture = read_fixture(path, reading.max_size)
    if fixture.holds_network:
        return one_of(path, address or NETWORK, reading)
    # The name alone: what a file says leads to no other folder.
    name = Path(fixture.of.file.replace("\\", "/")).name
    beside = path.parent / name
    if not name or not beside.is_file():
        raise MismatchError(
            f"the fixture names {name}, which is not beside it"
            if name
            else "the fixture neither holds nor names its network",
            where=str(path),
            mend="Say which: matbridge verify NET --fixture FIXTURE.",
        )
    try:
        return one_of(beside, address or fixture.of.name or None, reading)
    except MissingNameError:
        if address:
            raise
        return one_of(beside, None, reading)
