"""The networks that a command is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matbridge.cli.fixtures import network_of, with_networks
from matbridge.cli.many import are_many, expanded, networks_of, one_of
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError
from matbridge.verify.fixtures.read import is_fixture

__all__ = ["Asked"]


@dataclass(frozen=True)
class Asked:
    """The networks that are verified: those of the files, every one or that at an address.

    ``alone`` says that nothing is named beside the files, so that fixtures among them count.
    """

    paths: tuple[Path, ...]
    every: bool
    address: str | None
    reading: Reading
    alone: bool = False

    def files(self) -> list[Path]:
        """The files, those of folders too; of a fixture and its network the fixture alone."""
        files = expanded(self.paths)
        return with_networks(files) if self.alone else files

    def networks(self, path: Path) -> Iterator[tuple[str, Network | MatbridgeError]]:
        """Those of a file by address; of a fixture the one that it holds or names."""
        if self.alone and is_fixture(path):
            network = network_of(path, self.address, self.reading)
            yield f"{network.provenance.file}:{network.provenance.address}", network
        else:
            yield from networks_of(path, self.address, self.every, self.reading)

    def network(self, path: Path) -> Network:
        """The only one of a file."""
        if self.alone and is_fixture(path):
            return network_of(path, self.address, self.reading)
        return one_of(path, self.address, self.reading)

    @property
    def many(self) -> bool:
        """Whether rows are asked for."""
        return are_many(self.paths, self.every)

    @property
    def is_one_fixture(self) -> bool:
        """Whether a fixture is all there is."""
        return not self.many and is_fixture(self.paths[0])
