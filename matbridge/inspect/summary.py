"""What inspect tells of a file, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from matbridge.core.card import Layer
from matbridge.core.contents import Contents
from matbridge.core.diagnostics import Diagnostic
from matbridge.core.dims import Size
from matbridge.core.network import NOT_KNOWN, Network, Port
from matbridge.errors import LayerError, MatbridgeError
from matbridge.matlab.contents import MatContents
from matbridge.matlab.file import MatFile, Variable
from matbridge.matlab.releases import USER, products, when_written

__all__ = ["summarize", "summarize_network"]


def summarize(contents: Contents) -> dict[str, Any]:
    """The whole file: provenance, networks and variables."""
    networks = [
        summarize_network(network, address) for address, network in contents.networks.items()
    ]
    failed = [_failed(address, error) for address, error in contents.failures.items()]
    if not isinstance(contents, MatContents):
        return {
            "file": str(contents.path),
            "format": contents.path.suffix.lstrip("."),
            "provenance": {"origin": [n.provenance.file for n in contents.networks.values()]},
            "networks": networks + failed,
            "variables": [],
        }
    file = contents.file
    return {
        "file": str(file.path),
        "format": file.header.version,
        "provenance": _provenance(file),
        "problems": [_problem(one) for one in contents.report],
        "networks": networks + [_shallow(address) for address in contents.shallow] + failed,
        "variables": [_variable(variable) for variable in file.variables.values()],
    }


def _provenance(file: MatFile) -> dict[str, Any]:
    unchecked = [v.name for v in file.variables.values() if not v.checked]
    return {
        "description": file.header.description,
        "platform": file.header.platform,
        "created": file.header.created,
        "bytes": file.path.stat().st_size,
        "sha256": file.sha256(),
        "without_checksum": unchecked,
    }


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "class": variable.class_name,
        "size": list(variable.shape),
        "checksum": variable.checked,
    }


def summarize_network(network: Network, address: str) -> dict[str, Any]:
    """One network: layers with sizes and arrays, connections, and what is wrong with it."""
    sizes = network.infer()
    needed = products(network)
    return {
        "address": address,
        "class": network.class_name,
        "versions": dict(network.provenance.versions),
        "release": str(when_written(network)),
        "layers": [_layer(layer, sizes, needed) for layer in network.layers],
        "connections": [[str(c.source), str(c.destination)] for c in network.connections],
        "inputs": list(network.input_names),
        "outputs": list(network.output_names),
        "classes": list(network.classes),
        "products": sorted(set(needed.values()) - {USER}),
        "custom_classes": sorted(name for name, product in needed.items() if product == USER),
        "parameters": network.parameter_count(),
        "initialised": network.initialised,
        "runnable": network.runnable,
        "problems": [_problem(one) for one in _problems(network, sizes)],
    }


def _layer(
    layer: Layer, sizes: dict[Port, Size | MatbridgeError], needed: dict[str, str]
) -> dict[str, Any]:
    class_name = layer.class_name or (layer.MATLAB[0] if layer.MATLAB else type(layer).__name__)
    outputs = {name: _size(sizes.get(Port(layer.name, name))) for name in layer.outputs}
    found = {
        "name": layer.name,
        "class": class_name,
        "type": layer.type_name,
        "product": needed[layer.class_name or layer.MATLAB[0]] if needed else "",
        "known": layer.known,
        "status": layer.status,
        "runnable": layer.runnable and not layer.uninitialised(),
        "output": next(iter(outputs.values()), None),
        "learnables": {name: list(array.shape) for name, array in layer.learnables().items()},
        "states": {name: list(array.shape) for name, array in layer.states().items()},
        "uninitialised": list(layer.uninitialised()),
    }
    if len(outputs) > 1:
        found["outputs"] = outputs
    return found


def _size(size: Size | MatbridgeError | None) -> dict[str, Any]:
    if not isinstance(size, Size):
        return {"format": None, "size": None}
    return {"format": size.format, "size": list(size.shown())}


def _problems(network: Network, sizes: dict[Port, Size | MatbridgeError]) -> Iterator[Diagnostic]:
    """What the reader noticed, what keeps it from running, and sizes that disagree."""
    yield from network.report
    seen = set()
    reported = {one.what for one in network.report}
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


def _problem(one: Diagnostic) -> dict[str, str]:
    return {"level": one.level, "what": one.what, "where": one.where, "mend": one.mend}


def _shallow(address: str) -> dict[str, Any]:
    return _empty(
        address,
        "network",
        Diagnostic(
            "error",
            "this is a shallow network object (feedforwardnet, patternnet, narxnet, ...)",
            address,
            "Not supported yet; in MATLAB, genFunction(net, 'f') writes it as a plain function.",
        ),
    )


def _failed(address: str, error: MatbridgeError) -> dict[str, Any]:
    return _empty(address, "", Diagnostic("error", error.what, error.where, error.mend))


def _empty(address: str, class_name: str, problem: Diagnostic) -> dict[str, Any]:
    return {
        "address": address,
        "class": class_name,
        "layers": [],
        "connections": [],
        "inputs": [],
        "outputs": [],
        "classes": [],
        "parameters": 0,
        "initialised": False,
        "runnable": False,
        "problems": [_problem(problem)],
    }
