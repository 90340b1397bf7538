"""MAT-files to networks."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from matbridge.core.contents import Cards, Contents, as_registry
from matbridge.core.diagnostics import Diagnostic
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Registry
from matbridge.errors import FormatError, MatbridgeError, MissingNameError, UnsupportedError
from matbridge.matlab.chains import NAMES, TOLD, chain_of
from matbridge.matlab.file import DEFAULT_LIMIT, PLAIN_CLASSES, MatFile
from matbridge.matlab.file.values import Cell, MatObject
from matbridge.matlab.find import Found, find_networks, is_object
from matbridge.matlab.learners import LEARNERS, read_learner
from matbridge.matlab.objects import read_network
from matbridge.matlab.weights import read_weights
from matbridge.text import listed, nearest

__all__ = ["MatContents", "read_contents"]

# Variables of these classes cannot hold a network.
DATA = PLAIN_CLASSES | {"string", "categorical", "datetime", "duration"}


class MatContents(Contents):
    """What a MAT-file holds: its networks by address, and why some could not be read.

    ``lost`` are variables that are damaged. With an ``address`` only the variable that it
    begins with is decoded.
    """

    def __init__(
        self,
        file: MatFile,
        registry: Registry,
        address: str | None = None,
        activations: Sequence[str] = (),
    ) -> None:
        super().__init__(file.path)
        self.file = file
        self.activations = activations
        root = None if address is None else re.split(r"[.({]", address)[0]
        self.partial = root in file.variables
        self.lost: dict[str, MatbridgeError] = {}
        # What stands beside each network in its object or struct, and the first of each cell.
        self.beside: dict[str, Mapping[str, object]] = {}
        self.members: dict[str, object] = {}
        # Variables that are parts of a chain of loose arrays, by the address of that.
        self.parts: dict[str, list[str]] = {}
        # Objects that several variables share: what was read of them, and where nothing is.
        # Held, so that an id stays one object's.
        self._read: dict[int, tuple[MatObject, Network]] = {}
        self._barren: set[int] = set()
        for name, variable in list(file.variables.items()):
            if variable.class_name not in DATA and (not self.partial or name == root):
                self._search(name, registry)
        if not self.networks and not self.failures:
            self._search_loose(registry)

    def _search_loose(self, registry: Registry) -> None:
        """A chain whose arrays are variables of their own: W and b, W1 and b1, Theta1."""
        names = [name for name in self.file.variables if NAMES.fullmatch(name) or name in TOLD]
        try:
            values = {name: self.file[name] for name in names} if len(names) > 1 else {}
        except MatbridgeError:
            return
        if chain_of(values) is not None:
            address = next(n for n in names if n not in TOLD)
            self.parts[address] = names
            self._take(Found(address, values), registry)

    def _search(self, name: str, registry: Registry) -> None:
        """The networks in a variable; one that is damaged does not hide the others."""
        try:
            value = self.file[name]
        except MatbridgeError as error:
            self.lost[name] = error
            return
        if isinstance(value, Cell) and value:
            self.members[name] = value[0]
        for place in find_networks(value, name, registry, self._barren):
            self._take(place, registry)

    def _take(self, place: Found, registry: Registry) -> None:
        self.file.budget.begin(place.address)
        try:
            self.networks[place.address] = self._network(place, registry)
            self.beside[place.address] = place.beside
        except MatbridgeError as error:
            self.failures[place.address] = error
        finally:
            self.file.budget.end()

    def _network(self, place: Found, registry: Registry) -> Network:
        header = self.file.header
        details = {"created": header.created, "platform": header.platform, "format": header.version}
        provenance = Provenance(self.file.path.name, place.address, details=details)
        if not is_object(place.value):
            return read_weights(place.value, registry, provenance, self.activations)
        if isinstance(place.value, MatObject) and place.value.class_name in LEARNERS:
            return read_learner(place.value, provenance, place.beside)
        if id(place.value) in self._read:
            _, known = self._read[id(place.value)]
            provenance = dataclasses.replace(known.provenance, address=place.address)
            return dataclasses.replace(known, provenance=provenance)
        network = read_network(place.value, registry, provenance, self.file.budget)
        if isinstance(place.value, MatObject):
            self._read[id(place.value)] = place.value, network
        return network

    @property
    def report(self) -> tuple[Diagnostic, ...]:
        """What of the file is lost or odd."""
        lost = (
            Diagnostic("error", f"this variable cannot be read: {error.what}", name, error.mend)
            for name, error in self.lost.items()
        )
        return (*self.file.report, *lost)

    def nothing(self, address: str | None) -> MatbridgeError:
        """As of any file, and of variables that are lost and loose arrays."""
        where = self.path.name
        lost = super().nothing(address)
        if isinstance(lost, FormatError):
            return lost
        if address is not None and not self.partial:
            variables = self.file.variables
            return MissingNameError(
                f"there is no variable for {address!r}",
                where=where,
                mend=f"{nearest(address, variables)}Variables: {listed(self.file.variables)}.",
            )
        if self.failures:
            return lost
        return UnsupportedError(
            "the file holds no network",
            where=where,
            mend=f"Variables: {listed(self.file.variables) or 'none'}. "
            "'matbridge inspect' lists them with their sizes.",
        )


def read_contents(
    path: str | Path, registry: Cards | None = None, max_size: int = DEFAULT_LIMIT
) -> MatContents:
    """Everything that a MAT-file holds by way of networks.

    ``registry`` adds cards to the built-in ones. Raises FormatError for a damaged file.
    """
    return MatContents(MatFile(path, max_size), as_registry(registry))
