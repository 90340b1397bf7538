"""What the runtime computes, kept as a fixture: of a network that is right, for the day when
something has changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matbridge.core.dims import batch_first, reorder
from matbridge.core.graph import Port, find_port
from matbridge.core.network import Network
from matbridge.core.running import Data, Progress
from matbridge.errors import LayerError, MismatchError, MissingNameError
from matbridge.files import check_target
from matbridge.matlab.file.values import Cell
from matbridge.predict.series import layer_ports
from matbridge.shallow import names
from matbridge.text import listed, nearest
from matbridge.verify.case import Case
from matbridge.verify.fixture import Fixture, read_fixture
from matbridge.verify.inputs import draw_inputs
from matbridge.verify.recording import write_fixture
from matbridge.verify.states import final_states

__all__ = ["EVERY", "drawn", "laid_out", "record", "recorded"]

# The word for the activations of all layers.
EVERY = "all"


def record(
    network: Network,
    *inputs: Data,
    to: str | Path,
    layers: str | Sequence[str] = (),
    seed: int = 0,
    start: str = "saved",
    keep_network: bool = False,
    force: bool = False,
    reads: Sequence[Path] = (),
    **options: Any,
) -> Fixture:
    """Run a network and keep what it was given and gave in a fixture; see docs/fixtures.md.

    ``inputs`` and ``options`` as for Network.predict; without inputs some are drawn, by ``seed``.
    ``layers`` are those whose activations are kept too, "all" or names ("pool/indices" for one
    of several outputs). ``start`` is "saved", or "zero" for a run after resetState.
    ``keep_network`` puts the network itself beside them. Raises MismatchError where the file is
    there already and ``force`` is not given, and what Network.predict raises.
    """
    check_target(Path(to), force, reads)
    case = recorded(network, inputs or drawn(network, seed), layers, start, **options)
    write_fixture(to, case, force, reads, keep_network)
    return read_fixture(to)


def recorded(
    network: Network,
    inputs: Sequence[Data],
    layers: str | Sequence[str] = (),
    start: str = "saved",
    progress: Progress | None = None,
    **options: Any,
) -> Case:
    """The case of what the runtime gives; see :func:`record`."""
    ports = _ports(network, layers)
    case = Case(network, tuple(inputs), (), options, start=start)
    try:
        return _run(case, ports, progress)
    except MismatchError:
        if layers != EVERY:
            raise
    # At some ports observations cannot be told apart, as between folding and unfolding.
    seen = {name: port for name, port in ports.items() if _is_seen(case, name, port)}
    return _run(case, seen, progress)


def _is_seen(case: Case, name: str, port: Port) -> bool:
    try:
        return bool(_run(case, {name: port}))
    except MismatchError:
        return False


def _run(case: Case, ports: Mapping[str, Port], progress: Progress | None = None) -> Case:
    """The case with what it gives, also at these ports: what predict would return if the layer
    were an output."""
    network = case.network
    outputs = (*network.outputs, *ports.values())
    watched = dataclasses.replace(network, output_ports=outputs)
    results = case.replace(network=watched, expected=(None,) * len(outputs)).run(progress=progress)
    count = len(network.outputs)
    activations = dict(zip(ports, results[count:], strict=True))
    return case.replace(
        expected=results[:count], activations=activations, final_states=final_states(case)
    )


def _ports(network: Network, layers: str | Sequence[str]) -> dict[str, Port]:
    """The ports whose values are kept, by the names that the fixture gives them."""
    if network.kind.columns:
        known = {names.a(i): port for i, port in enumerate(layer_ports(network), 1)}
    else:
        ports = [Port(layer.name, name) for layer in network.order() for name in layer.outputs]
        known = {str(port): port for port in ports if port not in network.outputs}
    if layers == EVERY:
        return known
    return {name: _port(network, name, known) for name in layers}


def _port(network: Network, name: str, known: Mapping[str, Port]) -> Port:
    try:
        return known.get(name) or find_port(network.graph.layers, name, "outputs")
    except LayerError:
        raise MissingNameError(
            f"there is no layer {name!r}",
            mend=f"{nearest(name, known)}There are {listed(known)}.",
        ) from None


def drawn(network: Network, seed: int = 0) -> tuple[Data, ...]:
    """Random inputs in the layout of predict: images H×W×C×N, features N×C, sequences as cells,
    and of a network object samples as columns, or a cell of steps."""
    arrays = draw_inputs(network, seed)
    return tuple(
        laid_out(array, network.input_layers[name].entering.format, network.kind.columns)
        for name, array in zip(network.input_names, arrays, strict=True)
    )


def laid_out(array: np.ndarray, format: str, columns: bool) -> Data:
    """An array, batch first, as predict takes it."""
    dims = batch_first(format)
    if columns:
        turned = reorder(array, dims, format)
        if "T" not in format:
            return turned
        if not turned.shape[0]:
            return turned.shape[format.index("T")]
        steps = [turned[..., step] for step in range(turned.shape[-1])]
        return Cell(steps, (1, len(steps)))
    if "T" in format:
        one = format.replace("B", "")
        return [reorder(observation, dims.replace("B", ""), one) for observation in array]
    return reorder(array, dims, "BC" if format == "CB" else format)
