"""verify --against: a network and another one, or the same from another file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matbridge.cli.data import gather_inputs, source_of
from matbridge.cli.many import one_of
from matbridge.cli.terminal import warn_of
from matbridge.core.contents import Reading
from matbridge.core.dims import batch_first, reorder
from matbridge.core.network import Network
from matbridge.predict.layouts import read_inputs
from matbridge.verify.against import against
from matbridge.verify.case import Case, Source
from matbridge.verify.verification import Verification

__all__ = ["Other"]


@dataclass(frozen=True)
class Other:
    """The other network, and on what both are run: data, or random inputs without any."""

    path: Path
    inputs: tuple[str, ...]
    format: str | Sequence[str] | None
    resize: bool
    reading: Reading

    def verified(self, path: Path, network: Network) -> Verification:
        """Run both, and compare each output and the layers of one name."""
        other = one_of(self.path, None, self.reading)
        for one in (network, other):
            warn_of(one.report)
            one.check_runnable()
        verification = against(network, other, self._runs(path, network))
        note = f"against {self.path}"
        notes = (note, *verification.notes)
        return dataclasses.replace(verification, notes=notes, case=self._case(path, network, other))

    def _case(self, path: Path, network: Network, other: Network) -> Case:
        """Which networks they are, for a report; the values themselves are not kept."""
        return Case(
            network,
            (),
            (),
            network_source=Source(str(path), variable=network.provenance.address),
            input_source=source_of(self.inputs, path) if self.inputs else Source("random ones"),
            expected_source=Source(str(self.path), variable=other.provenance.address),
        )

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
