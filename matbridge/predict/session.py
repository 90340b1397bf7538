"""predict and classify, as MATLAB's users know them."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from matbridge.core.dims import Size, canonical, reorder
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.ops import Value
from matbridge.predict.layouts import Batch, Result, read_inputs, shape_output
from matbridge.predict.sequences import (
    Collected,
    Padding,
    Piece,
    exact_pieces,
    matlab_pieces,
    of_one_length,
)
from matbridge.torch.module import NetworkModule, PreparedModule, States, as_dtype, exact_float32
from matbridge.torch.ragged import UnpaddableError, may_be_ragged, padded_ops

__all__ = ["classify", "predict", "predict_and_update_state"]

MINI_BATCH_SIZE = 128

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class How:
    """How to run: the options of :func:`predict`."""

    dtype: torch.dtype | str = torch.float32
    device: torch.device | str = "cpu"
    mini_batch_size: int = MINI_BATCH_SIZE
    sequence_length: str | int | None = None
    padding_direction: str = "right"
    padding_value: float = 0.0
    sort_by_length: bool = False
    allow_tf32: bool = False

    @property
    def padding(self) -> Padding | None:
        """How MATLAB would pad, None for exact lengths."""
        if self.sequence_length is None:
            return None
        return Padding(self.sequence_length, self.padding_direction, self.padding_value)


# Modules made ready for prediction, kept as long as their network.
_prepared: weakref.WeakKeyDictionary[Network, dict[Any, PreparedModule]] = (
    weakref.WeakKeyDictionary()
)


def prepared(network: Network, dtype: torch.dtype, device: torch.device) -> PreparedModule:
    """The network's module for prediction, made once for each dtype and device."""
    modules = _prepared.setdefault(network, {})
    key = (dtype, device)
    if key not in modules:
        modules[key] = PreparedModule(network, dtype=dtype, device=device)
    return modules[key]


def predict(
    network: Network,
    *inputs: Any,
    format: str | Sequence[str] | None = None,
    dtype: torch.dtype | str = torch.float32,
    device: torch.device | str = "cpu",
    mini_batch_size: int = MINI_BATCH_SIZE,
    sequence_length: str | int | None = None,
    padding_direction: str = "right",
    padding_value: float = 0.0,
    sort_by_length: bool = False,
    allow_tf32: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Scores or responses, as MATLAB's predict.

    An image input takes H×W×C×N (one image H×W×C), a sequence input C×T or a list of
    sequences (MATLAB's cell; of any lengths, each computed exactly), an image sequence
    H×W×C×T, features N×C. Several inputs are several arguments, in the order of
    ``network.input_names``, or one dict by name. ``format`` gives the order of an input's
    dimensions instead, such as "TC" or "BCSS"; the result is then a labelled array's:
    spatial dimensions, C, B, T.

    By default each sequence is computed as if it were alone. ``sequence_length`` "longest",
    "shortest" or a number makes the mini-batches that MATLAB's predict makes, of
    ``mini_batch_size`` sequences in the order given (or sorted by length): padded with
    ``padding_value`` at the right or left, cut, or split into pieces of that many steps
    with the state carried over. Padding changes results, in MATLAB as here: what a
    recurrent layer gives as 'last' has then read the padding too.

    Returns N×K for scores and responses, H×W×C×N for images, K×T for a sequence or a list
    of those for a list; a tuple where the network has several outputs. Prediction starts
    from the saved states. Raises MismatchError for an input that does not fit and
    UnsupportedError for a network that cannot run.
    """
    how = How(
        dtype,
        device,
        mini_batch_size,
        sequence_length,
        padding_direction,
        padding_value,
        sort_by_length,
        allow_tf32,
    )
    run, _ = _run(network, inputs, format, how, progress)
    return _shaped(network, run)


def _shaped(network: Network, run: list[Result]) -> Any:
    results = [shape_output(network, result) for result in run]
    return results[0] if len(results) == 1 else tuple(results)


def predict_and_update_state(
    network: Network,
    *inputs: Any,
    format: str | Sequence[str] | None = None,
    dtype: torch.dtype | str = torch.float32,
    device: torch.device | str = "cpu",
    allow_tf32: bool = False,
) -> tuple[Network, Any]:
    """As MATLAB's predictAndUpdateState: the network with its new states, and the result.

    Arguments as for :func:`predict`; the observations must be of one length.
    """
    run, updates = _run(network, inputs, format, How(dtype, device, 0, allow_tf32=allow_tf32))
    states = {
        layer: {name: tensor.detach().cpu().numpy() for name, tensor in found.items()}
        for layer, found in updates.items()
    }
    return network.with_states(states), _shaped(network, run)


def classify(network: Network, *inputs: Any, classes: Sequence[str] = (), **options: Any) -> Any:
    """Class names, as MATLAB's classify: that of the highest score, the first on a tie.

    Arguments as for :func:`predict`. ``classes`` stand in where the network does not name
    any, as a dlnetwork does not. Returns an array of N names, or for sequences one of T
    names for each. Raises MismatchError where there are no class names, or not one each.
    """
    names = np.array([*(tuple(classes) or network.classes), "<undefined>"], dtype=object)
    if len(names) == 1:
        raise MismatchError("the network does not name its classes", mend="Give classes=[...].")
    if len(network.outputs) > 1:
        raise MismatchError("the network has several outputs", mend="Use predict.")
    format, progress = options.pop("format", None), options.pop("progress", None)
    run, _ = _run(network, inputs, format, How(**options), progress)
    (labelled,) = [_label(result, names) for result in run]
    shaped = shape_output(network, labelled)
    if isinstance(shaped, list):
        return [part[0] for part in shaped]
    return np.take(shaped, 0, labelled.channel_axis(shaped.ndim))


def _label(result: Result, names: np.ndarray) -> Result:
    """The names of the highest scores, in place of the channels."""
    axis = result.dims.index("C")
    groups = []
    for members, scores in result.groups:
        if scores.shape[axis] != len(names) - 1:
            raise MismatchError(f"{scores.shape[axis]} scores do not fit {len(names) - 1} classes")
        best = names[np.argmax(scores, axis, keepdims=True)]
        groups.append(
            (members, np.where(np.isnan(scores).any(axis, keepdims=True), names[-1], best))
        )
    return Result(result.kind, tuple(groups), result.dims)


def _run(
    network: Network,
    inputs: Sequence[Any],
    format: str | Sequence[str] | None,
    how: How,
    progress: Progress | None = None,
) -> tuple[list[Result], States]:
    """The result at each output and the last states; ``mini_batch_size`` 0 is one batch."""
    module = prepared(network, as_dtype(how.dtype), as_device(how.device))
    batches = read_inputs(network, inputs, format)
    first = next(iter(batches.values()))
    if how.mini_batch_size == 0 and len(first.members) > 1:
        raise MismatchError("states can only be updated by sequences of one length")
    check_states(network, first.count)
    try:
        found, updates = _through(module, batches, how, progress)
    except UnpaddableError:
        # Only lengths and layers together tell whether padding would change a result.
        module.ragged = False
        found, updates = _through(module, batches, how, progress)
    kind = next((b.kind for b in batches.values() if b.kind != "array"), "array")
    return [Result(kind, each.groups(), each.dims) for each in found], updates


def _through(
    module: PreparedModule, batches: dict[str, Batch], how: How, progress: Progress | None
) -> tuple[list[Collected], States]:
    """All mini-batches, one after the other."""
    found = [Collected() for _ in module.network.outputs]
    count = next(iter(batches.values())).count
    updates: States = {}
    done = 0
    with torch.inference_mode(), exact_float32(how.allow_tf32):
        for piece in _pieces(module, batches, how):
            values = {n: _to_value(module, a, batches[n].dims) for n, a in piece.arrays.items()}
            results, updates = _run_piece(module, values, piece, updates)
            for each, value in zip(found, results, strict=True):
                each.add(piece, *_to_numpy(module, value))
            done += len(piece.members) * piece.last
            if progress is not None:
                progress(done, count)
    return found, updates


def _run_piece(
    module: PreparedModule, values: dict[str, Value], piece: Piece, before: States
) -> tuple[list[Value], States]:
    """One mini-batch; one that goes on with longer sequences begins where the last ended."""
    with _explained(module.network, values):
        module.check(values)
        if piece.lengths is not None:
            results, _ = module.walk(padded_ops(module.backend, piece.lengths), values, {})
            return results, {}
        return module.run(values, None if piece.first else before)


@contextlib.contextmanager
def _explained(network: Network, values: dict[str, Value]) -> Iterator[None]:
    """What PyTorch refuses, in the words of the layer that these sizes do not suit."""
    try:
        yield
    except NotImplementedError:
        raise
    except RuntimeError as error:
        sizes = {name: Size.measured(v.dims, v.data.shape) for name, v in values.items()}
        for obstacle in network.obstacles(**sizes):
            raise obstacle from error
        raise MismatchError(
            f"PyTorch cannot compute this input: {str(error).splitlines()[0]}",
            mend="Check its sizes; if memory is short, use a smaller mini_batch_size.",
        ) from error


def _pieces(module: PreparedModule, batches: dict[str, Batch], how: How) -> Iterator[Piece]:
    """Mini-batches as MATLAB makes them, or exact ones."""
    count = next(iter(batches.values())).count
    size = how.mini_batch_size or count
    stateful = any(
        declared.role == "state" and layer.arrays[declared.name].shape[1] > 1
        for layer in module.network.layers
        for declared in layer.declared
        if declared.name in layer.arrays
    )
    if stateful:
        # Each observation has its own state: they stay together.
        size = count
    if how.padding is not None:
        return matlab_pieces(batches, size, how.padding, how.sort_by_length)
    return exact_pieces(batches, size, not stateful and _takes_padding(module, batches))


def _takes_padding(module: PreparedModule, batches: dict[str, Batch]) -> bool:
    """Whether sequences of unequal lengths can share a batch, as far as is known."""
    several = len(next(iter(batches.values())).members) > 1
    return several and module.ragged and may_be_ragged(module.network) and of_one_length(batches)


def check_states(network: Network, count: int) -> None:
    """Saved states of several observations only serve as many."""
    for layer in network.layers:
        for declared in layer.declared:
            array = layer.arrays.get(declared.name)
            if declared.role != "state" or array is None or declared.name.startswith("Initial"):
                continue
            if array.shape[1] not in (1, count):
                raise MismatchError(
                    f"the saved {declared.name} is that of {array.shape[1]} observations, "
                    f"the input has {count}",
                    where=layer.name,
                    mend="Use network.reset_state() to begin anew.",
                )


def _to_value(module: NetworkModule, array: np.ndarray, have: str) -> Value:
    # The order that most layers ask for first.
    dims = "".join(sorted(have, key="TBCSU".index))
    part = np.ascontiguousarray(reorder(array, have, dims))
    dtype = module.dtype.to_complex() if part.dtype.kind == "c" else module.dtype
    return Value(torch.as_tensor(part).to(module.device, dtype), dims)


def _to_numpy(module: NetworkModule, value: Value) -> tuple[np.ndarray, str]:
    ops = module.ops()
    value = value if "B" in value.dims else ops.align(value, value.dims + "B")
    dims = canonical(value.dims)
    return ops.align(value, dims).data.cpu().numpy(), dims


def as_device(device: torch.device | str) -> torch.device:
    """A device that is there; MismatchError otherwise."""
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise MismatchError(
            f"the device {device!r} cannot be used: {str(error).splitlines()[0]}",
            mend="Use cpu, or check the installation of PyTorch.",
        ) from None
    return found
