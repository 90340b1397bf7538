"""onnxruntime as what computes for a session."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime

from matbridge.core.dims import Size, canonical, reorder, reordering
from matbridge.core.engine import EngineError, Labelled, States
from matbridge.core.entry import SizeCheck
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError, MismatchError, UnsupportedError
from matbridge.onnx.model import EngineModel, Lookup
from matbridge.ops.indices import not_a_word, not_whole

__all__ = ["OnnxruntimeEngine"]

TYPES: dict[str, np.dtype] = {"float32": np.dtype(np.float32), "float64": np.dtype(np.float64)}


class OnnxruntimeEngine:
    """A network in onnxruntime on the CPU: an engine, as core.engine describes it.

    ``dtype`` is "float32" or "float64". Raises UnsupportedError for a network that cannot be
    said in ONNX or that onnxruntime does not take.
    """

    def __init__(self, network: Network, dtype: str = "float32") -> None:
        if dtype not in TYPES:
            raise MismatchError(
                f"onnxruntime does not compute in {dtype}", mend="Use float32 or float64."
            )
        self.network, self.dtype = network, TYPES[dtype]
        self.model = EngineModel(network, self.dtype)
        self.size_check = SizeCheck(network, self.dtype.itemsize)
        self.session = _session(self.model)
        self.wanted = self.model.wanted
        # Whether more comes out than the results.
        self.more = bool(self.model.leaving or self.model.lookups)
        self.first = next(iter(self.model.inputs.values()))
        # Outputs in MATLAB's order are views of what comes out.
        self.turned = [
            (canonical(dims), reordering(dims, canonical(dims))) for dims in self.model.outputs
        ]

    def run(
        self,
        inputs: Mapping[str, Labelled],
        states: States,
        lengths: tuple[int, ...] | None = None,
    ) -> tuple[list[Labelled], States] | None:
        """One mini-batch; see core.engine. Padded sequences are left to the caller."""
        if lengths is not None:
            return None
        feed = self._feed(inputs)
        if self.model.states:
            self._add_states(feed, states)
        try:
            found: list[np.ndarray] = self.session.run(self.wanted, feed)
        except Exception as error:
            raise self._failure(error, inputs) from None
        if self.model.watches:
            check_finite(found.pop().item())
        results = [
            Labelled(turn(array), dims)
            for array, (dims, turn) in zip(found, self.turned, strict=False)
        ]
        return results, self._updates(found[len(results) :]) if self.more else {}

    def _feed(self, inputs: Mapping[str, Labelled]) -> dict[str, np.ndarray]:
        """The data as the model takes them, checked."""
        feed, sizes, known = {}, {}, self.model.inputs
        # Numbers beyond the type of the model are infinite, as in PyTorch.
        with np.errstate(over="ignore", invalid="ignore"):
            for name, (array, dims) in inputs.items():
                bears, order = known[name]
                if dims != order:
                    array = reorder(array, dims, order)
                feed[bears] = data = np.ascontiguousarray(array, self.dtype)
                flat = data.reshape(-1)
                # One number that is finite if all of them are, and none so large that weights
                # would bring it beyond the type.
                check_finite(flat.dot(flat))
                sizes[name] = order, data.shape
        self.size_check(sizes)
        return feed

    def _updates(self, found: list[np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
        """The states after a run; words are checked by the way."""
        updates: dict[str, dict[str, np.ndarray]] = {}
        rest = iter(found)
        for (layer, name), turn in self.model.leaving.items():
            updates.setdefault(layer, {})[name] = turn(next(rest))
        for lookup, indices in zip(self.model.lookups, rest, strict=True):
            check_indices(indices, lookup)
        return updates

    def _failure(self, error: Exception, inputs: Mapping[str, Labelled]) -> MatbridgeError:
        """What onnxruntime refuses, in the words of the layer that these sizes do not suit."""
        measured = {name: Size.measured(dims, x.shape) for name, (x, dims) in inputs.items()}
        for obstacle in self.network.obstacles(**measured):
            return obstacle
        return EngineError(
            f"onnxruntime cannot compute this input: {_first_line(error)}",
            mend="Check its sizes; if memory is short, use a smaller mini_batch_size.",
        )

    def _add_states(self, feed: dict[str, np.ndarray], states: States) -> None:
        """Each state beside the data, repeated for as many observations as there are."""
        count = feed[self.first.bears].shape[self.first.dims.index("B")]
        for (layer, name), entry in self.model.states.items():
            given = states[layer].get(name) if layer in states else None
            array = entry.initial if given is None else entry.reorder(given)
            if array.shape[entry.batch] != count:
                array = np.repeat(array, count, entry.batch)
            feed[entry.bears] = np.ascontiguousarray(array)

    def states(self, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> States:
        """These states in the type of the model."""
        return {
            layer: {name: array.astype(self.dtype) for name, array in own.items()}
            for layer, own in arrays.items()
        }

    def arrays(self, states: States) -> dict[str, dict[str, np.ndarray]]:
        """These states, which are in MATLAB's layout."""
        return {layer: dict(own) for layer, own in states.items()}


def check_finite(number: float) -> None:
    """Refuse what onnxruntime's operators may take for numbers: each says otherwise."""
    if not math.isfinite(number):
        raise EngineError(
            "the data hold NaN, Inf or numbers near it, or become so, which onnxruntime may lose",
            mend='Use engine="torch".',
        )


def check_indices(data: np.ndarray, lookup: Lookup) -> None:
    """Refuse what is no whole number, and where the layer is strict all that is no word."""
    whole = data == np.floor(data)
    if (whole & (data >= 1) & (data <= lookup.words)).all():
        return
    odd = data[~whole | np.isinf(data)]
    if odd.size:
        raise not_whole(float(odd[0])).at(lookup.layer)
    if lookup.strict:
        raise not_a_word(lookup.words).at(lookup.layer)


def _session(model: EngineModel) -> Any:
    """The model in onnxruntime; UnsupportedError where that has no kernel for it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdigit():
        options.intra_op_num_threads = int(threads)
    names = list(model.arrays)
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(model.arrays[name]) for name in names]
    options.add_external_initializers(names, values)
    try:
        return onnxruntime.InferenceSession(
            model.proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise UnsupportedError(f"onnxruntime does not take it: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
