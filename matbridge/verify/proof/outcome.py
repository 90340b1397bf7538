"""What a search came to: proofs, agreements that prove nothing, and what was tried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from matbridge.errors import MatbridgeError
from matbridge.verify.case import Case
from matbridge.verify.judgement import NOT_VERIFIED, worst_of
from matbridge.verify.verification import Verification

__all__ = ["Agreement", "Attempt", "Likeness", "NetworkSearch", "Search"]


@dataclass(frozen=True)
class Attempt:
    """A variable held against what came out of one run."""

    call: str
    variable: str
    outcome: str


@dataclass(frozen=True)
class Likeness:
    """A variable that goes along with a result and is not it: most likely what the network was
    trained to give."""

    variable: str
    call: str
    correlation: float


@dataclass(frozen=True, eq=False)
class Agreement:
    """A variable that agrees to rounding with what the network gives.

    ``equation`` is how it came about in MATLAB's words, ``values`` how many there are, ``bits``
    what they say. ``reason`` tells why it is no proof, "" for a proof.
    """

    variable: str
    equation: str
    remark: str
    case: Case
    verification: Verification
    bits: float
    values: int
    reason: str = ""


@dataclass(eq=False)
class NetworkSearch:
    """What was found out about one network of the file, at its address; ``finished`` is False
    where the time limit ended the search."""

    address: str
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    likenesses: dict[str, Likeness] = field(default_factory=dict)
    attempts: dict[tuple[str, str], Attempt] = field(default_factory=dict)
    obstacle: MatbridgeError | None = None
    finished: bool = True

    @property
    def proofs(self) -> list[Agreement]:
        return [agreement for agreement in self.agreements if not agreement.reason]

    @property
    def no_proofs(self) -> list[Agreement]:
        return [agreement for agreement in self.agreements if agreement.reason]

    @property
    def best(self) -> Agreement | None:
        """The proof that says most."""
        return max(self.proofs, key=lambda proof: proof.bits, default=None)

    @property
    def verdict(self) -> str:
        """That of the best proof, identical or rounding; "not verified" without one."""
        return self.best.verification.verdict if self.best else NOT_VERIFIED


@dataclass(frozen=True, eq=False)
class Search:
    """What was found out about all networks of a file."""

    networks: tuple[NetworkSearch, ...]
    seconds: float
    finished: bool = True
    skipped: tuple[str, ...] = ()

    @property
    def proofs(self) -> Iterator[Agreement]:
        return (proof for network in self.networks for proof in network.proofs)

    @property
    def verdict(self) -> str:
        """The worst of the networks that have a proof; "not verified" without any."""
        verdicts: Iterable[str] = (network.verdict for network in self.networks)
        return worst_of(verdict for verdict in verdicts if verdict != NOT_VERIFIED)

    @property
    def code(self) -> int:
        """0 with a proof, else 5: nobody claimed anything."""
        return 5 if self.verdict == NOT_VERIFIED else 0
