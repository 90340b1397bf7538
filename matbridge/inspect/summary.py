"""What inspect tells of a file, as plain data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from matbridge.core.card import NO_PRODUCT, Layer
from matbridge.core.contents import Contents
from matbridge.core.diagnostics import Diagnostic
from matbridge.core.dims import Size
from matbridge.core.network import NOT_KNOWN, Network, Port
from matbridge.errors import LayerError, MatbridgeError
from matbridge.files import sha256
from matbridge.inspect.fits import fitting
from matbridge.inspect.properties import brief, properties, telling
from matbridge.inspect.shallow import about_shallow
from matbridge.matlab.contents import MatContents
from matbridge.matlab.file import MatFile, Variable
from matbridge.matlab.file.values import Categorical
from matbridge.matlab.releases import USER, products, when_written
from matbridge.verify.training import is_record

DIVERGED = "Training diverged: whatever depends on them is NaN or Inf as well."

__all__ = ["summarize", "summarize_network"]

# What a training record is to a file.
STRUCTS = ("struct",)


def summarize(contents: Contents) -> dict[str, object]:
    """The whole file: provenance, networks and variables."""
    failed = [_failed(address, error) for address, error in contents.failures.items()]
    if isinstance(contents, MatContents):
        return _summarize_mat(contents, failed)
    networks = [
        summarize_network(network, address) for address, network in contents.networks.items()
    ]
    return {
        "file": str(contents.path),
        "format": contents.path.suffix.lstrip("."),
        "provenance": _provenance_of(contents),
        "problems": [],
        "networks": networks + failed,
        "variables": [],
    }


def _provenance_of(contents: Contents) -> dict[str, object]:
    """Of a file that is no MAT-file; its origin is the file that matbridge wrote it from."""
    return {
        "written_by": contents.writer,
        "origin": [network.provenance.file for network in contents.networks.values()],
        "versions": list(contents.versions),
        "bytes": contents.path.stat().st_size,
        "sha256": sha256(contents.path),
    }


def _summarize_mat(contents: MatContents, failed: list[dict[str, object]]) -> dict[str, object]:
    file = contents.file
    records = _records(contents)
    networks = [
        summarize_network(network, address, contents.beside.get(address) or {}, records)
        for address, network in contents.networks.items()
    ]
    return {
        "file": str(file.path),
        "format": file.header.version,
        "provenance": _provenance(file),
        "problems": [_problem(problem) for problem in contents.report],
        "networks": networks + failed,
        "variables": [_variable(variable, contents) for variable in file.variables.values()],
    }


def _records(contents: MatContents) -> dict[str, object]:
    """The training records among the variables, looked for where there are network objects."""
    if not any(network.kind.columns for network in contents.networks.values()):
        return {}
    variables = contents.file.variables.items()
    structs = [name for name, variable in variables if variable.class_name in STRUCTS]
    lost = contents.lost
    values = {name: contents.file[name] for name in structs if name not in lost}
    return {name: value for name, value in values.items() if is_record(value)}


def _provenance(file: MatFile) -> dict[str, object]:
    header = file.header
    return {
        "description": header.description,
        "platform": header.platform,
        "created": header.created,
        "written_by": header.platform if header.platform.startswith("matbridge") else "MATLAB",
        "bytes": file.path.stat().st_size,
        "sha256": file.sha256(),
        "without_checksum": [v.name for v in file.variables.values() if not v.checked],
    }


def _variable(variable: Variable, contents: MatContents) -> dict[str, object]:
    member = contents.members.get(variable.name)
    fits = [
        {"network": address, **fit}
        for address, network in contents.networks.items()
        for fit in fitting(variable.class_name, variable.shape, member, network)
    ]
    return {
        "name": variable.name,
        "class": variable.class_name,
        "size": list(variable.shape),
        "checksum": variable.checked,
        "fits": fits,
        "part_of": [a for a, names in contents.parts.items() if variable.name in names],
    }


def summarize_network(
    network: Network,
    address: str,
    beside: Mapping[str, object] | None = None,
    records: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """One network: layers with sizes and arrays, connections, and what is wrong with it.

    ``beside`` is what the object that holds the network holds as well, ``records`` are the
    training records among the variables of the file. The keys are the same for every kind of
    network, also for one that cannot be read.
    """
    sizes = network.infer()
    needed = products(network)
    sources = network.graph.sources
    place = {layer.name: number for number, layer in enumerate(network.order())}
    flow = sorted(network.connections, key=lambda c: (place[c.destination.layer], c.destination))
    return {
        "address": address,
        "class": network.class_name,
        "versions": dict(network.provenance.versions),
        "release": _release(network),
        "layers": [_layer(layer, sizes, needed, sources) for layer in network.order()],
        "connections": [[str(c.source), str(c.destination)] for c in flow],
        "chain": _is_chain(network),
        "inputs": list(network.input_names),
        "outputs": list(network.output_names),
        "classes": list(network.classes),
        "shallow": about_shallow(network, {**(beside or {}), **(records or {})}),
        "beside": {name: brief(v) for name, v in (beside or {}).items() if _is_telling(v)},
        "products": sorted(set(needed.values()) - {USER, NO_PRODUCT, ""}),
        "custom_classes": sorted(name for name, product in needed.items() if product == USER),
        "parameters": network.parameter_count(),
        "nonfinite": list(network.nonfinite_arrays()),
        "initialised": network.initialised,
        "runnable": network.runnable,
        "problems": [_problem(problem) for problem in _problems(network, sizes)],
    }


def _release(network: Network) -> str:
    """Who wrote it: what matbridge wrote, or another tool, is told as such."""
    release = when_written(network)
    producer = network.provenance.details.get("producer")
    if producer and not release.exact:
        return str(producer)
    if network.provenance.details.get("plain"):
        return "unknown"
    platform = str(network.provenance.details.get("platform", ""))
    return platform if platform.startswith("matbridge") else str(release)


def _is_chain(network: Network) -> bool:
    names = [layer.name for layer in network.order()]
    pairs = [(c.source.layer, c.destination.layer) for c in network.connections]
    return sorted(pairs) == sorted(itertools.pairwise(names))


def _is_telling(value: object) -> bool:
    """Plain values that are not empty: text, numbers, lists of names."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(v, str) for v in value)
    return bool(isinstance(value, str | np.ndarray | Categorical) and np.size(value))  # type: ignore[arg-type]


def _layer(
    layer: Layer,
    sizes: Mapping[Port, Size | MatbridgeError],
    needed: Mapping[str, str],
    sources: Mapping[Port, Port],
) -> dict[str, object]:
    entering = (sources.get(Port(layer.name, name)) for name in layer.inputs)
    outputs = {name: _size(sizes.get(Port(layer.name, name))) for name in layer.outputs}
    class_name = layer.class_name or layer.MATLAB[0]
    return {
        "name": layer.name,
        "class": class_name,
        "type": layer.type_name,
        "product": needed[class_name],
        "known": layer.known,
        "status": layer.status,
        "runnable": layer.runnable and not layer.uninitialised(),
        "from": [str(source) for source in entering if source],
        "properties": properties(layer),
        "telling": telling(layer),
        "output": next(iter(outputs.values()), _size(None)),
        "outputs": outputs,
        "learnables": {name: list(array.shape) for name, array in layer.learnables().items()},
        "states": {name: list(array.shape) for name, array in layer.states().items()},
        "uninitialised": list(layer.uninitialised()),
    }


def _size(size: Size | MatbridgeError | None) -> dict[str, object]:
    if not isinstance(size, Size):
        return {"format": None, "size": None}
    return {"format": size.format, "size": list(size.shown())}


def _problems(network: Network, sizes: dict[Port, Size | MatbridgeError]) -> Iterator[Diagnostic]:
    """What the reader noticed, what keeps it from running, and sizes that disagree."""
    for array in network.nonfinite_arrays():
        yield Diagnostic("warning", "it holds NaN or Inf", array, DIVERGED)
    yield from network.report
    seen = set()
    reported = {problem.what for problem in network.report}
    for obstacle in network.obstacles():
        seen.add((obstacle.where, obstacle.what))
        if obstacle.what in reported:
            continue
        yield Diagnostic("error", obstacle.what, obstacle.where, obstacle.mend)
    unknown = {layer.name for layer in network.layers if not layer.known}
    for port, size in sizes.items():
        if isinstance(size, LayerError) and port.layer not in unknown:
            key = (size.where, size.what)
            if key not in seen and size.what != NOT_KNOWN:
                seen.add(key)
                yield Diagnostic("error", size.what, size.where, size.mend)


def _problem(problem: Diagnostic) -> dict[str, str]:
    return {
        "level": problem.level,
        "what": problem.what,
        "where": problem.where,
        "mend": problem.mend,
    }


def _failed(address: str, error: MatbridgeError) -> dict[str, object]:
    return _empty(address, "", Diagnostic("error", error.what, error.where, error.mend))


def _empty(address: str, class_name: str, problem: Diagnostic) -> dict[str, object]:
    """A network that cannot be read, with the keys of one that can."""
    entry = summarize_network(Network((), ()), address)
    return {
        **entry,
        "class": class_name,
        "release": "unknown",
        "initialised": False,
        "runnable": False,
        "problems": [_problem(problem)],
    }
