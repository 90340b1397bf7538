"""predict and classify, as MATLAB's users know them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from matbridge.dims import canonical, reorder
from matbridge.errors import MismatchError
from matbridge.network import Network
from matbridge.ops import Value
from matbridge.run.layouts import Batch, Result, read_inputs, shape_output
from matbridge.run.module import NetworkModule, PreparedModule, States, as_dtype, exact_float32

__all__ = ["classify", "predict", "predict_and_update_state"]

MINI_BATCH_SIZE = 128

Progress = Callable[[int, int], None]

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

    Returns N×K for scores and responses, H×W×C×N for images, K×T for a sequence or a list
    of those for a list; a tuple where the network has several outputs. Prediction starts
    from the saved states. Raises MismatchError for an input that does not fit and
    UnsupportedError for a network that cannot run.
    """
    run, _ = _run(network, inputs, format, dtype, device, mini_batch_size, allow_tf32, progress)
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
    run, updates = _run(network, inputs, format, dtype, device, 0, allow_tf32)
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
    run, _ = _run(network, inputs, **options)
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
    format: str | Sequence[str] | None = None,
    dtype: torch.dtype | str = torch.float32,
    device: torch.device | str = "cpu",
    mini_batch_size: int = MINI_BATCH_SIZE,
    allow_tf32: bool = False,
    progress: Progress | None = None,
) -> tuple[list[Result], States]:
    """The result at each output and the last states; ``mini_batch_size`` 0 is one batch."""
    module = prepared(network, as_dtype(dtype), as_device(device))
    batches = read_inputs(network, inputs, format)
    first = next(iter(batches.values()))
    if mini_batch_size == 0 and len(first.members) > 1:
        raise MismatchError("states can only be updated by sequences of one length")
    check_states(network, first.count)
    groups: list[list[tuple[tuple[int, ...], np.ndarray]]] = [[] for _ in network.outputs]
    dims = [""] * len(groups)
    updates: States = {}
    done = 0
    with torch.inference_mode(), exact_float32(allow_tf32):
        for members, values in _pieces(module, batches, mini_batch_size or first.count):
            results, updates = module.run(values)
            for place, value in enumerate(results):
                array, dims[place] = _to_numpy(module, value)
                groups[place].append((members, array))
            done += len(members)
            if progress is not None:
                progress(done, first.count)
    kind = next((b.kind for b in batches.values() if b.kind != "array"), "array")
    pairs = zip(groups, dims, strict=True)
    return [Result(kind, tuple(found), labels) for found, labels in pairs], updates


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


def _pieces(
    module: NetworkModule, batches: dict[str, Batch], size: int
) -> Iterator[tuple[tuple[int, ...], dict[str, Value]]]:
    """Mini-batches: which observations, and the values of each input."""
    first = next(iter(batches.values()))
    stateful = any(
        declared.role == "state" and layer.arrays[declared.name].shape[1] > 1
        for layer in module.network.layers
        for declared in layer.declared
        if declared.name in layer.arrays
    )
    for group, members in enumerate(first.members):
        step = len(members) if stateful else size
        for start in range(0, len(members), step):
            chosen = slice(start, start + step)
            values = {
                name: _to_value(module, batch, group, chosen) for name, batch in batches.items()
            }
            yield members[chosen], values


def _to_value(module: NetworkModule, batch: Batch, group: int, chosen: slice) -> Value:
    array = batch.arrays[group]
    place = [slice(None)] * array.ndim
    place[batch.dims.index("B")] = chosen
    # The order that most layers ask for first.
    dims = "".join(sorted(batch.dims, key="TBCSU".index))
    part = np.ascontiguousarray(reorder(array[tuple(place)], batch.dims, dims))
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
