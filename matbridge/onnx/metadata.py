"""The network itself in the metadata of a model that matbridge wrote, and back.

    network  JSON: the graph as a safetensors file has it, where its arrays stand in the
             initializers, and a digest of all that is no copy of an array
    arrays   what no initializer holds bit for bit: a safetensors file, in base64

Metadata are as little trusted as any file. A network is only taken if writing it again gives the
very graph that stands in the file; weights that somebody changed there count.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import onnx

from matbridge.core.diagnostics import Diagnostic
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import FormatError, MatbridgeError
from matbridge.onnx.copies import Copies, Copy, copies_of, gather
from matbridge.onnx.sameness import OWN, Constants, constants_of, digest, same_model, wiring
from matbridge.onnx.tensors import Tensors
from matbridge.onnx.write import unchecked
from matbridge.safetensors.codec import ODD, network_from_json, network_to_json
from matbridge.safetensors.text import arrays_from_text, arrays_to_text
from matbridge.safetensors.values import Json, check
from matbridge.version import VERSION

__all__ = ["Manner", "remember", "remembered"]

NETWORK, ARRAYS = "network", "arrays"


class Manner(NamedTuple):
    """How a network is written: :func:`to_onnx` takes these."""

    dtype: str
    opset: int
    stateful: bool

    def model_of(self, network: Network) -> onnx.ModelProto:
        return unchecked(network, *self)


# -- writing -----------------------------------------------------------------------------------


def remember(network: Network, model: onnx.ModelProto, manner: Manner) -> None:
    """Put the network into the metadata of the model that was made of it in this manner."""
    graph, arrays = network_to_json(network)
    keys = {
        (layer.name, name): key
        for layer, said in zip(network.layers, graph["layers"], strict=True)
        for name, key in said["arrays"].items()
    }
    initializers = constants_of(model)
    copies = {keys[name]: found for name, found in _copies(network, model, manner).items()}
    beside = {
        key: array
        for key, array in arrays.items()
        if not _is_held(array, copies.get(key, []), initializers)
    }
    said = {
        "graph": graph,
        "manner": manner._asdict(),
        "sizes": {key: arrays[key].shape for key in copies},
        "copies": {key: [_copy_to_json(copy) for copy in found] for key, found in copies.items()},
        "digest": digest(model, _rest(copies, initializers)),
    }
    told = {NETWORK: json.dumps(said, allow_nan=False), ARRAYS: arrays_to_text(beside)}
    model.metadata_props.extend(
        onnx.StringStringEntryProto(key=key, value=value) for key, value in told.items() if value
    )


def _copies(network: Network, model: onnx.ModelProto, manner: Manner) -> Copies:
    """None where the graph depends on what the arrays hold."""

    def build(numbered: Network) -> Constants:
        other = manner._replace(dtype="float64").model_of(numbered)
        return constants_of(other) if wiring(other) == wiring(model) else {}

    try:
        with np.errstate(all="ignore"):
            return copies_of(network, build)
    except (MatbridgeError, *ODD):
        return {}


def _is_held(array: np.ndarray, copies: list[Copy], initializers: Constants) -> bool:
    """Whether the initializers hold the array bit for bit."""
    if not copies:
        return False
    values, held = gather(array.shape, copies, initializers)
    return bool(held.all()) and values.astype(array.dtype).tobytes() == array.tobytes()


def _copy_to_json(copy: Copy) -> list[object]:
    return list(dataclasses.astuple(copy))


# -- reading -----------------------------------------------------------------------------------


def remembered(
    model: onnx.ModelProto, registry: Registry, tensors: Tensors = OWN
) -> Network | None:
    """The network in the metadata, None if there is none.

    Raises FormatError if they are damaged, name layers that no card knows, or describe another
    graph than the file's.
    """
    told = {entry.key: entry.value for entry in model.metadata_props}
    if NETWORK not in told:
        return None
    try:
        said = check(json.loads(told[NETWORK]), dict, NETWORK)
        manner = _manner(check(said["manner"], dict, "manner"))
        initializers = constants_of(model, tensors)
        copies = _copies_from_json(said, initializers)
        if digest(model, _rest(copies, initializers)) != said["digest"]:
            raise FormatError("the nodes were changed after matbridge wrote them")
        beside = arrays_from_text(told.get(ARRAYS, ""))
        arrays = {**beside, **_arrays(said, copies, beside, initializers)}
        network = network_from_json(said["graph"], arrays, registry)
    except FormatError:
        raise
    except MatbridgeError as error:
        raise FormatError(f"they are damaged: {error}") from None
    except (MemoryError, *ODD) as error:
        raise FormatError(f"they are damaged: {error}") from None
    return _checked(network, model, initializers, manner)


def _manner(said: Json) -> Manner:
    kinds = {"dtype": str, "opset": int, "stateful": bool}
    return Manner(**{name: check(said[name], kind, name) for name, kind in kinds.items()})


def _copies_from_json(said: Json, initializers: Constants) -> dict[str, list[Copy]]:
    """The copies by key; no initializer holds more elements than it has."""
    copies = {
        key: [_copy_from_json(copy) for copy in check(found, list, "copies")]
        for key, found in check(said["copies"], dict, "copies").items()
    }
    for name, size in _held(copies).items():
        if size > initializers[name].size:
            raise ValueError(f"{name} does not hold {size} elements")
    return copies


def _copy_from_json(said: object) -> Copy:
    name, counts, steps, starts = check(said, list, "a copy")
    numbers = tuple(check(n, int, "a count") for n in counts)
    return Copy(check(name, str, "an initializer"), numbers, _pairs(steps), _pairs(starts))


def _pairs(said: object) -> tuple[tuple[int, int], ...]:
    pairs = [
        (check(a, int, "a place"), check(b, int, "a place")) for a, b in check(said, list, "places")
    ]
    return tuple(pairs)


def _held(copies: Mapping[str, list[Copy]]) -> Counter[str]:
    """How many elements of each initializer are copies."""
    held: Counter[str] = Counter()
    for found in copies.values():
        for copy in found:
            held[copy.initializer] += copy.size
    return held


def _rest(copies: Mapping[str, list[Copy]], initializers: Constants) -> Constants:
    """The initializers without what they hold of arrays."""
    held = _held(copies)
    rest = {
        # Those that hold nothing else may be large: their size and type are enough.
        name: np.zeros((0, *array.shape), array.dtype) if held[name] == array.size else array.copy()
        for name, array in initializers.items()
    }
    for copy in itertools.chain(*copies.values()):
        if rest[copy.initializer].size:
            for places in copy.in_initializer(rest[copy.initializer]):
                places[...] = 0
    return rest


def _arrays(
    said: Json, copies: Mapping[str, list[Copy]], beside: Constants, initializers: Constants
) -> dict[str, np.ndarray]:
    """The arrays of which initializers hold copies: what stands in these counts."""
    arrays = {}
    for key, found in copies.items():
        size = _size(said["sizes"][key], beside.get(key), found)
        values, held = gather(size, found, initializers)
        if key in beside:
            arrays[key] = _edited(beside[key], values, held)
        elif held.all():
            arrays[key] = values.astype(np.dtype(said["graph"]["types"][key]))
        else:
            raise ValueError(f"the array {key!r} is not in the file")
    return arrays


def _size(said: list[object], kept: np.ndarray | None, copies: list[Copy]) -> tuple[int, ...]:
    """The size of an array, which something in the file has."""
    size = tuple(check(n, int, "a size") for n in said)
    there = (
        math.prod(size) <= sum(copy.size for copy in copies) if kept is None else size == kept.shape
    )
    if not there or min(size, default=0) < 0:
        raise ValueError(f"no initializers hold an array of size {size}")
    return size


def _edited(kept: np.ndarray, values: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The array as it was, but for elements that the initializers no longer hold as written."""
    same = (kept.astype(values.dtype) == values) | (np.isnan(kept) & np.isnan(values))
    return np.where(held & ~same, values, kept).astype(kept.dtype)


def _checked(
    network: Network, model: onnx.ModelProto, initializers: Constants, manner: Manner
) -> Network:
    """The network, if writing it again gives the model."""
    try:
        again = manner.model_of(network)
    except (MatbridgeError, MemoryError) as error:
        raise FormatError(f"the network in them cannot be written: {error}") from None
    if same_model(model, initializers, again, constants_of(again)):
        return network
    if model.producer_version == VERSION:
        raise FormatError("the network in them is not that of the nodes")
    doubt = Diagnostic(
        "warning",
        f"matbridge {model.producer_version} wrote the file, {VERSION} would write other nodes: "
        "whether these compute what the network does was not proven",
        mend="Convert the network again.",
    )
    return dataclasses.replace(network, report=(*network.report, doubt))
