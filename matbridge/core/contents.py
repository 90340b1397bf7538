"""What a file holds by way of networks, whatever its language."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from matbridge.core.card import Layer
from matbridge.core.classes import LAYER_ARRAY
from matbridge.core.diagnostics import Diagnostic
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import (
    FormatError,
    MatbridgeError,
    MismatchError,
    MissingNameError,
    UnsupportedError,
)
from matbridge.files import DEFAULT_LIMIT
from matbridge.text import listed, nearest

__all__ = ["Cards", "Contents", "Reading", "as_registry"]

# The parts of an autoencoder, by the names of MATLAB's functions.
PARTS = ("encode", "decode")

Cards = Registry | Mapping[str, type[Layer]] | Iterable[type[Layer]]


def as_registry(cards: Cards | None) -> Registry:
    """The built-in cards with these added; a Registry is taken as it is."""
    if isinstance(cards, Registry):
        return cards
    return Registry.builtin() if cards is None else Registry.builtin().with_(cards)


@dataclass(frozen=True)
class Reading:
    """How a file is to be read: what the caller knows and allows beside its path.

    ``address`` is that of a network where only one is asked for. ``max_size`` bounds the bytes
    that a variable may hold. ``external_data`` is the folder in which an ONNX file's data may
    stand beside it, None for nowhere. ``activations`` are those of a chain of plain weights
    that does not name its own. ``replacements`` are layers, by name, for nodes of an ONNX file
    that do not say what they compute.
    """

    registry: Registry = field(default_factory=Registry.builtin)
    max_size: int = DEFAULT_LIMIT
    address: str | None = None
    external_data: Path | None = None
    activations: tuple[str, ...] = ()
    replacements: Mapping[str, Layer] = field(default_factory=dict)


@dataclass
class Contents:
    """The networks of a file by address, and why others could not be read.

    ``writer`` is what the file says of the program that wrote it, ``versions`` what it says of
    its language: "opset 18".
    """

    path: Path
    networks: dict[str, Network] = field(default_factory=dict)
    failures: dict[str, MatbridgeError] = field(default_factory=dict)
    writer: str = ""
    versions: tuple[str, ...] = ()

    def choose(self, address: str | None = None) -> Network:
        """The network at an address, or without one the only trained one.

        An address may stop short: ``agent.Actor`` is the only trained network inside. It may
        end in a part of an autoencoder: ``autoenc.encode``.
        Raises MismatchError listing them where there is not exactly one.
        """
        if address is None:
            inside = self.networks
        elif address in self.networks:
            return self._told(self.networks[address])
        else:
            inside = {a: n for a, n in self.networks.items() if _is_within(a, address)}
        # Layers beside a network are most likely those that it was trained from.
        trained = [n for n in inside.values() if n.initialised and n.kind.name != LAYER_ARRAY]
        trained = trained or [n for n in inside.values() if n.initialised]
        if len(trained) == 1:
            return self._told(trained[0])
        if len(inside) == 1:
            return self._told(next(iter(inside.values())))
        whole, dot, part = (address or "").rpartition(".")
        if dot and not inside and part in PARTS:
            return self.choose(whole).part(part)
        raise self._no_choice(address, bool(inside))

    def _told(self, network: Network) -> Network:
        """The network with what is to be said of its file."""
        return dataclasses.replace(network, report=(*self.report, *network.report))

    @property
    def report(self) -> tuple[Diagnostic, ...]:
        """What of the file is lost or odd."""
        return ()

    def _no_choice(self, address: str | None, several: bool) -> MatbridgeError:
        where, choices = self.path.name, listed(self.networks)
        if not self.networks:
            return self.nothing(address)
        if several:
            return MismatchError(
                "the file holds several networks",
                where=where,
                mend=f"Choose one with network=: {choices}.",
            )
        # An address may stop short, so its beginnings are suggested too.
        parts = [known.split(".") for known in self.networks]
        known = (".".join(p[:n]) for p in parts for n in range(len(p), 0, -1))
        mend = f"{nearest(address or '', known)}Networks: {choices}."
        return MissingNameError(f"there is no network at {address!r}", where=where, mend=mend)

    def nothing(self, address: str | None) -> MatbridgeError:
        """What to say of a file in which no network could be read."""
        for lost in self.report:
            if lost.level == "error":
                return FormatError(lost.what, where=self._inside(lost.where), mend=lost.mend)
        for failed, error in self.failures.items():
            return error.at(self._inside(failed))
        return UnsupportedError("the file holds no network", where=self.path.name)

    def _inside(self, address: str) -> str:
        return f"{self.path.name}:{address}" if address else self.path.name


def _is_within(address: str, prefix: str) -> bool:
    return address.startswith(prefix) and address[len(prefix) :][:1] in (".", "{", "(")
