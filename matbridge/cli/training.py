"""verify with --targets: does the network perform as its training record says?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matbridge.cli.data import gather_inputs, in_file
from matbridge.cli.many import Row
from matbridge.cli.predict import session_of
from matbridge.cli.series import SeriesOptions, beside, read_delays, states_of
from matbridge.cli.terminal import console, styled, table, warn_of
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.matlab.file import MatFile
from matbridge.matlab.shallow_back import to_structure
from matbridge.predict.data import read_data, split_name
from matbridge.predict.select import select
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.record import Performance, is_record, performances

__all__ = ["Trained"]


@dataclass(frozen=True)
class Trained:
    """What a network was trained with, and the record of its training."""

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    record: str
    tolerance: float
    options: Mapping[str, Any]
    series: SeriesOptions
    reading: Reading

    def answer(self, path: Path, network: Network) -> Verdict:
        """Run the network of a file and compare its performances."""
        warn_of(network.report)
        network = self.series.changed(network)
        structure = to_structure(network)
        record = self._record(path)
        data = gather_inputs(network, self.inputs, self.reading.max_size, path)
        targets = [read_data(in_file(text, path), self.reading.max_size) for text in self.targets]
        options = read_delays(self.options, network, path, self.reading.max_size)
        if self.series.prepare:
            prepared = network.prepare(*data, *targets)
            data, targets = [*prepared.inputs], [*prepared.targets]
            options |= states_of(prepared)
        with session_of(network, options) as (session, rest):
            result = session.predict(*data, **rest)
        outputs = result if isinstance(result, tuple) else (result,)
        if len(outputs) != len(targets):
            raise MismatchError(
                f"the network has {len(outputs)} outputs, {len(targets)} targets are given"
            )
        sides = [[beside(value) for value in side] for side in (targets, outputs)]
        measured = performances(structure, record, *sides)
        if not measured:
            raise EmptyComparisonError("the record holds no performance of these data")
        return Verdict(measured, self.tolerance)

    def _record(self, path: Path) -> Mapping[str, object]:
        file, inside = split_name(in_file(self.record, path))
        name, dot, rest = inside.partition(".")
        value = select(MatFile(file, self.reading.max_size)[name], dot + rest, self.record)
        if not is_record(value) or not isinstance(value, Mapping):
            raise MismatchError(
                "this is no training record",
                where=self.record,
                mend="[net,tr] = train(...) returns one; name it with --record.",
            )
        return value


@dataclass(frozen=True)
class Verdict:
    """The performances, and by how much they may differ."""

    measured: list[Performance]
    tolerance: float

    @property
    def worst(self) -> float:
        return max(part.difference for part in self.measured)

    @property
    def code(self) -> int:
        # NaN agrees with nothing.
        return 0 if self.worst <= self.tolerance else 1

    @property
    def word(self) -> str:
        return "differ" if self.code else "agree"

    def as_dict(self) -> dict[str, object]:
        """For --json."""
        parts = {
            part.part: {
                "recorded": part.recorded,
                "computed": part.computed,
                "difference": part.difference,
            }
            for part in self.measured
        }
        return {"verdict": self.word, "performance": parts}

    def row(self, path: Path, address: str) -> Row:
        """One of many files."""
        outcome = f"{self.word}, largest difference {self.worst:.3g}"
        return Row(str(path), address, outcome, self.code, self.as_dict())

    def show(self) -> None:
        """A table of the parts, then the verdict."""
        out, rows = console(), table("Data", "Recorded", "Computed", "Difference", "Verdict")
        for part in self.measured:
            agrees = part.difference <= self.tolerance
            verdict = styled("agree", "green") if agrees else styled("differ", "red")
            figures = (f"{part.recorded:.6g}", f"{part.computed:.6g}", f"{part.difference:.3g}")
            rows.add_row(part.part, *figures, verdict)
        out.print(rows)
