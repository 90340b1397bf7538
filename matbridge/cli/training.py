"""verify with --targets: does the network perform as its training record says?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matbridge.cli.data import gather_inputs, in_file
from matbridge.cli.predict import session_of
from matbridge.cli.series import SeriesOptions, beside, read_delays, states_of
from matbridge.cli.terminal import warn_of
from matbridge.core.contents import Reading
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.matlab.file import MatFile
from matbridge.matlab.shallow_back import to_structure
from matbridge.predict.data import read_data, split_name
from matbridge.predict.select import select
from matbridge.verify.training import (
    Performance,
    is_record,
    performances,
    verify_performances,
)
from matbridge.verify.values import Limits
from matbridge.verify.verification import Verification

__all__ = ["Trained"]


@dataclass(frozen=True)
class Trained:
    """What a network was trained with, and the record of its training."""

    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    record: str
    limits: Limits
    options: Mapping[str, Any]
    series: SeriesOptions
    reading: Reading

    def verified(self, path: Path, network: Network) -> Verification:
        """Run the network of a file and compare its performances.

        They are judged as other values are: by how far they move in single precision, and as
        much less as double is finer.
        """
        warn_of(network.report)
        network = self.series.changed(network)
        record = self._record(path)
        data = gather_inputs(network, self.inputs, self.reading.max_size, path)
        targets = [read_data(in_file(text, path), self.reading.max_size) for text in self.targets]
        options = read_delays(self.options, network, path, self.reading.max_size)
        if self.series.prepare:
            prepared = network.prepare(*data, *targets)
            data, targets = [*prepared.inputs], [*prepared.targets]
            options |= states_of(prepared)
        exact, single = (
            self._measured(network, record, data, targets, options | {"dtype": dtype})
            for dtype in ("float64", "float32")
        )
        return verify_performances(exact, single, self.limits)

    def _measured(
        self,
        network: Network,
        record: Mapping[str, object],
        data: Sequence[Any],
        targets: Sequence[Any],
        options: Mapping[str, Any],
    ) -> list[Performance]:
        """The performances of a run in one type."""
        with session_of(network, options) as (session, rest):
            result = session.predict(*data, **rest)
        outputs = result if isinstance(result, tuple) else (result,)
        if len(outputs) != len(targets):
            raise MismatchError(
                f"the network has {len(outputs)} outputs, {len(targets)} targets are given"
            )
        sides = [[beside(value) for value in side] for side in (targets, outputs)]
        return performances(to_structure(network), record, *sides)

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
