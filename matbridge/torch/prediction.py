"""A network in PyTorch made ready for prediction alone."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from matbridge.core.network import Network, Port
from matbridge.ops import Ops, Value
from matbridge.passes.fold import fold_batch_normalization
from matbridge.torch.backend import TorchBackend
from matbridge.torch.module import Bound, Given, NetworkModule, States
from matbridge.torch.prepared import Prepared, Tape

__all__ = ["PreparedModule"]


class PreparedModule(NetworkModule):
    """For prediction alone: layout and folding cost nothing per call.

    The first run with inputs of some sizes is recorded; later ones with the same sizes
    make the same calls again.
    """

    # How many recordings are kept, the latest used ones.
    TAPES = 32

    def __init__(self, network: Network, **options: Any) -> None:
        network.check_runnable()
        super().__init__(fold_batch_normalization(network), **options)
        self.requires_grad_(False)
        self.fixed = self.parts()
        self.prepared = Prepared(t for part in self.fixed.values() for t in part.values())
        self.backend = TorchBackend(self.dtype, self.device, calls=self.prepared)
        self.tapes: OrderedDict[object, tuple[Tape, list[str], list[tuple[str, str]]]] = (
            OrderedDict()
        )

    def ops(self) -> Ops:
        return Ops(self.backend)

    def walk(
        self,
        ops: Ops,
        inputs: Mapping[str, Value],
        states: Given,
        wanted: Sequence[Port] | None = None,
    ) -> tuple[list[Value], dict[str, Bound]]:
        self.prepared.begin()
        return super().walk(ops, inputs, states, wanted)

    def parts(self) -> dict[str, dict[str, Tensor]]:
        return dict(self.fixed) if hasattr(self, "fixed") else super().parts()

    def run(
        self, inputs: Mapping[str, Value], states: Given | None = None
    ) -> tuple[list[Value], States]:
        states = states or {}
        tensors = [value.data for value in inputs.values()]
        tensors += [tensor for own in states.values() for tensor in own.values()]
        shapes = tuple(tensor.shape for tensor in tensors)
        names = tuple((layer, name) for layer, own in states.items() for name in own)
        key = (tuple((name, value.dims) for name, value in inputs.items()), names, shapes)
        if key not in self.tapes:
            return self._record(key, inputs, states, tensors)
        self.tapes.move_to_end(key)
        tape, dims, changed = self.tapes[key]
        results = tape.replay(tensors)
        values = [Value(t, d) for t, d in zip(results, dims, strict=False)]
        updates: States = {}
        for (layer, name), tensor in zip(changed, results[len(dims) :], strict=True):
            updates.setdefault(layer, {})[name] = tensor
        return values, updates

    def _record(
        self, key: object, inputs: Mapping[str, Value], states: Given, tensors: list[Tensor]
    ) -> tuple[list[Value], States]:
        self.prepared.tape = tape = Tape(tensors)
        try:
            results, updates = super().run(inputs, states)
        finally:
            self.prepared.tape = None
        changed = [(layer, name) for layer, own in updates.items() for name in own]
        after = [updates[layer][name] for layer, name in changed]
        tape.finish(self.prepared.constants, [*(v.data for v in results), *after])
        if tape.complete:
            self.tapes[key] = (tape, [v.dims for v in results], changed)
            if len(self.tapes) > self.TAPES:
                self.tapes.popitem(last=False)
        return results, updates
