"""verify --against: a network and another one, or the same from another file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matbridge.cli.data import gather_inputs
from matbridge.cli.many import Row, one_of
from matbridge.cli.terminal import console, styled, table, warn_of
from matbridge.core.contents import Reading
from matbridge.core.dims import batch_first, reorder
from matbridge.core.network import Network
from matbridge.predict.layouts import read_inputs
from matbridge.verify.against import Match, against, verdict_of

__all__ = ["Other", "Verdict"]

COLOURS = {"identical": "green", "rounding": "green", "different": "red"}


@dataclass(frozen=True)
class Verdict:
    """What became of each output."""

    matches: Sequence[Match]

    @property
    def word(self) -> str:
        return verdict_of(self.matches)

    @property
    def code(self) -> int:
        return int(self.word == "different")

    def as_dict(self) -> dict[str, object]:
        """For --json."""
        return {"verdict": self.word, "outputs": [match.as_dict() for match in self.matches]}

    def row(self, path: Path, address: str) -> Row:
        worst = max(self.matches, key=lambda match: match.exact)
        outcome = f"{self.word}: {worst.name} {worst.exact:.3g} apart in float64, {worst.why}"
        return Row(str(path), address, outcome, self.code, self.as_dict())

    def show(self) -> None:
        """The figures as a table, then the verdict."""
        out = console()
        rows = table("Output", "Elements", "float64", "float32 arrays", "float32", "Budget", "")
        for one in self.matches:
            name = one.name if one.name == one.other else f"{one.name} / {one.other}"
            figures = (f"{n:.2g}" for n in (one.exact, one.stored, one.single, one.budget))
            verdict = styled(one.verdict, COLOURS[one.verdict])
            rows.add_row(name, f"{one.elements:,}", *figures, verdict)
        out.print(rows)
        for one in self.matches:
            out.print(f"  {one.name}: {one.verdict}: {one.why}")


@dataclass(frozen=True)
class Other:
    """The other network, and on what both are run: data, or random inputs without any."""

    path: Path
    inputs: tuple[str, ...]
    format: str | Sequence[str] | None
    resize: bool
    reading: Reading

    def answer(self, path: Path, network: Network) -> Verdict:
        """Run both, and compare each output."""
        other = one_of(self.path, None, self.reading)
        for one in (network, other):
            warn_of(one.report)
            one.check_runnable()
        return Verdict(against(network, other, self._runs(path, network)))

    def _runs(self, path: Path, network: Network) -> list[list[np.ndarray]] | None:
        """The data batch first, those that run together in one; None for random inputs."""
        if not self.inputs:
            return None
        limit = self.reading.max_size
        data = gather_inputs(network, self.inputs, limit, path, self.resize)
        batches = read_inputs(network, data, self.format)
        each = [
            [reorder(array, batch.dims, batch_first(batch.dims)) for array in batch.arrays]
            for batch in (batches[name] for name in network.input_names)
        ]
        return [list(group) for group in zip(*each, strict=True)]
