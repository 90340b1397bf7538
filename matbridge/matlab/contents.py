"""Files to networks."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from matbridge.core.card import Layer
from matbridge.core.classes import LAYER_ARRAY, SHALLOW
from matbridge.core.diagnostics import Diagnostic
from matbridge.core.network import Network, Provenance
from matbridge.core.registry import Registry
from matbridge.errors import FormatError, MatbridgeError, MismatchError, UnsupportedError
from matbridge.matlab.file import DEFAULT_LIMIT, PLAIN_CLASSES, MatFile, listed
from matbridge.matlab.file.values import MatObject
from matbridge.matlab.find import Found, find_networks, is_object
from matbridge.matlab.objects import read_network
from matbridge.matlab.weights import read_weights

__all__ = ["Contents", "load", "read_contents"]

# Variables of these classes cannot hold a network.
DATA = PLAIN_CLASSES | {"string", "categorical", "datetime", "duration"}

Cards = Registry | Mapping[str, type[Layer]] | Iterable[type[Layer]]


class Contents:
    """What a MAT-file holds: its networks by address, and why some could not be read.

    ``lost`` are variables that are damaged. With an ``address`` only the variable that it
    begins with is decoded.
    """

    def __init__(self, file: MatFile, registry: Registry, address: str | None = None) -> None:
        self.file = file
        root = None if address is None else re.split(r"[.({]", address)[0]
        self.partial = root in file.variables
        self.networks: dict[str, Network] = {}
        self.shallow: list[str] = []
        self.failures: dict[str, MatbridgeError] = {}
        self.lost: dict[str, MatbridgeError] = {}
        # Objects that several variables share: what was read of them, and where nothing is.
        self._read: dict[int, Network] = {}
        self._barren: set[int] = set()
        for name, variable in list(file.variables.items()):
            if variable.class_name not in DATA and (not self.partial or name == root):
                self._search(name, registry)

    def _search(self, name: str, registry: Registry) -> None:
        """The networks in a variable; one that is damaged does not hide the others."""
        try:
            value = self.file[name]
        except MatbridgeError as error:
            self.lost[name] = error
            return
        for found in find_networks(value, name, registry, self._barren):
            self._take(found, registry)

    def _take(self, found: Found, registry: Registry) -> None:
        if isinstance(found.value, MatObject) and found.value.class_name == SHALLOW:
            self.shallow.append(found.address)
            return
        self.file.budget.begin(found.address)
        try:
            self.networks[found.address] = self._network(found, registry)
        except MatbridgeError as error:
            self.failures[found.address] = error
        finally:
            self.file.budget.end()

    def _network(self, found: Found, registry: Registry) -> Network:
        header = self.file.header
        details = {"created": header.created, "platform": header.platform, "format": header.version}
        provenance = Provenance(self.file.path.name, found.address, details=details)
        if not is_object(found.value):
            return read_weights(found.value, registry, provenance)
        known = self._read.get(id(found.value))
        if known is not None:
            provenance = dataclasses.replace(known.provenance, address=found.address)
            return dataclasses.replace(known, provenance=provenance)
        network = read_network(found.value, registry, provenance, self.file.budget)
        if isinstance(found.value, MatObject):
            self._read[id(found.value)] = network
        return network

    @property
    def report(self) -> tuple[Diagnostic, ...]:
        """What of the file is lost or odd."""
        lost = (
            Diagnostic("error", f"this variable cannot be read: {error.what}", name, error.mend)
            for name, error in self.lost.items()
        )
        return (*self.file.report, *lost)

    def choose(self, address: str | None) -> Network:
        """The network at an address, or without one the only trained one.

        An address may stop short: ``agent.Actor`` is the only trained network inside.
        Raises MismatchError listing them where there is not exactly one.
        """
        if address is None:
            inside = self.networks
        elif address in self.networks:
            return self.networks[address]
        else:
            inside = {a: n for a, n in self.networks.items() if _is_within(a, address)}
        trained = [n for n in inside.values() if n.initialised and n.kind.name != LAYER_ARRAY]
        trained = trained or [n for n in inside.values() if n.initialised]
        if len(trained) == 1:
            return trained[0]
        if len(inside) == 1:
            return next(iter(inside.values()))
        raise self._no_choice(address, bool(inside))

    def _no_choice(self, address: str | None, several: bool) -> MatbridgeError:
        where = self.file.path.name
        if self.networks:
            choices = listed(self.networks)
            if several:
                return MismatchError(
                    "the file holds several networks",
                    where=where,
                    mend=f"Choose one with network=: {choices}.",
                )
            return MismatchError(
                f"there is no network at {address!r}", where=where, mend=f"Networks: {choices}."
            )
        for lost in self.report:
            if lost.level == "error":
                return FormatError(lost.what, where=_join(where, lost.where), mend=lost.mend)
        if address is not None and not self.partial:
            return MismatchError(
                f"there is no variable for {address!r}",
                where=where,
                mend=f"Variables: {listed(self.file.variables)}.",
            )
        for failed, error in self.failures.items():
            return error.at(_join(where, failed))
        if self.shallow:
            return UnsupportedError(
                f"{listed(self.shallow)} is a shallow network object: not supported yet",
                where=where,
                mend="In MATLAB, genFunction(net, 'f') writes it as a plain function.",
            )
        return UnsupportedError(
            "the file holds no network",
            where=where,
            mend=f"Variables: {listed(self.file.variables) or 'none'}. "
            "'matbridge inspect' lists them with their sizes.",
        )


def _join(file: str, address: str) -> str:
    return f"{file}:{address}" if address else file


def _is_within(address: str, prefix: str) -> bool:
    return address.startswith(prefix) and address[len(prefix) :][:1] in (".", "{", "(")


def read_contents(
    path: str | Path, registry: Cards | None = None, max_size: int = DEFAULT_LIMIT
) -> Contents:
    """Everything that a MAT-file holds by way of networks.

    ``registry`` adds cards to the built-in ones. Raises FormatError for a damaged file.
    """
    return Contents(MatFile(path, max_size), as_registry(registry))


def as_registry(cards: Cards | None) -> Registry:
    """The built-in cards with these added; a Registry is taken as it is."""
    if isinstance(cards, Registry):
        return cards
    return Registry.builtin() if cards is None else Registry.builtin().with_(cards)


def load(
    path: str | Path,
    network: str | None = None,
    registry: Cards | None = None,
    max_size: int = DEFAULT_LIMIT,
) -> Network:
    """The network in a file that MATLAB saved, or in a safetensors file of ours.

    ``network`` is the address of one where there are several (``agent.Actor.Model``);
    without it the only trained one is taken. ``registry`` gives cards for layers that
    matbridge does not know; ``max_size`` bounds the bytes that a variable may hold.

    Raises FormatError (damaged), MismatchError (no or several such networks) and
    UnsupportedError (a kind of network that cannot be read).
    """
    if Path(path).suffix == ".safetensors":
        from matbridge.safetensors.read import load_safetensors

        return load_safetensors(Path(path), as_registry(registry))
    contents = Contents(MatFile(path, max_size), as_registry(registry), network)
    chosen = contents.choose(network)
    return dataclasses.replace(chosen, report=(*contents.report, *chosen.report))
