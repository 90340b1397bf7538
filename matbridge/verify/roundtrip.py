"""What was written, loaded again and compared with the network it came from, layer by layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from matbridge.core.check import Check
from matbridge.core.contents import Contents, Reading
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import MatbridgeError, UnsupportedError
from matbridge.verify.inputs import OBSERVATIONS, draw_inputs

__all__ = ["Arrays", "DifferenceError", "Trace", "check"]

Arrays = Sequence[np.ndarray]
# Values batch first, by the name of their port.
Trace = dict[str, np.ndarray]

# What is written may round otherwise than PyTorch: so many times as much ...
ROUNDING = 30.0
# ... and where PyTorch happens to round well, this share of the largest value.
FLOORS = {"float32": 4e-6, "float64": 1e-12}
# What is written is run with so many observations and time steps.
SIZES = ((OBSERVATIONS, 5), (1, 9))
# Of longer values that many elements are compared, the same in each.
ELEMENTS = 1 << 16
NOTHING_FINITE = "not verified: every output is NaN or Inf; only layers before them were compared"


class DifferenceError(MatbridgeError):
    """What was written computes something else than the network that it came from."""

    exit_code = 1


def check(
    network: Network,
    path: Path,
    run: Callable[[Path, Arrays], Trace] | None,
    read: Callable[[Path, Reading], Contents] | None,
) -> Check:
    """Compare what stands in ``path`` with the network it was made from, at every port.

    The truth is the network in float64; allowed is what float32 rounds, by the same network
    in float32, or hardly anything where MATLAB computes in double precision. ``run`` runs the
    file, for several numbers of observations and time steps, else ``read`` makes a network of
    it that is run. Raises DifferenceError naming the first layer that differs.
    """
    if not network.runnable:
        return Check(note="the network does not run, so only its arrays were written")
    if run is not None:
        try:
            return _joined([_run(network, path, run, *size) for size in SIZES])
        except UnsupportedError as error:
            return Check(note=f"written; {error.what}, so it was not run")
    if read is not None:
        inputs = draw_inputs(network)
        contents = read(path, Reading(_registry_of(network)))
        return _compared(network, _run_again(network, contents, inputs), inputs)
    return Check(note="written; nothing here reads it again, so it was not compared")


def _run(
    network: Network,
    path: Path,
    run: Callable[[Path, Arrays], Trace],
    observations: int,
    steps: int,
) -> Check:
    inputs = draw_inputs(network, observations=observations, steps=steps)
    return _compared(network, run(path, inputs), inputs)


def _joined(checks: Sequence[Check]) -> Check:
    """The worst of all."""
    worst = max(checks, key=lambda check: check.used)
    return dataclasses.replace(
        worst,
        elements=sum(check.elements for check in checks),
        max_abs=max(check.max_abs for check in checks),
        max_rel=max(check.max_rel for check in checks),
        lost=sum(check.lost for check in checks),
        note=next((check.note for check in checks if check.note), ""),
    )


def _run_again(network: Network, contents: Contents, inputs: Arrays) -> Trace:
    from matbridge.torch.trace import trace

    return trace(contents.choose(None), inputs, network.dtype)


def _registry_of(network: Network) -> Registry:
    """The cards and functions with which the network itself was read."""
    cards = {
        name: type(layer)
        for layer in network.layers
        for name in (layer.class_name, *layer.MATLAB)
        if layer.MATLAB
    }
    functions = {layer.name: layer.foreign for layer in network.layers if layer.foreign}
    return Registry.builtin().with_(cards).with_(functions)


def _compared(network: Network, values: Trace, inputs: Arrays) -> Check:
    from matbridge.torch.trace import trace

    exact = {name: _part(value) for name, value in trace(network, inputs, "float64").items()}
    rounded = {name: _part(v) for name, v in trace(network, inputs, network.dtype).items()}
    missing = set(network.output_names) - set(values)
    if missing:
        raise DifferenceError(f"what was written lacks the output {', '.join(sorted(missing))}")
    names = [name for name in exact if name in values]
    diverged = bool(network.nonfinite_arrays())
    floor, epsilon = FLOORS[network.dtype], float(np.finfo(network.dtype).eps)
    shares = {}
    for name in names:
        shares[name] = _share(
            _part(values[name]), exact[name], rounded[name], diverged, floor, epsilon
        )
        if not shares[name] <= 1:
            raise DifferenceError(
                f"what was written differs from the network, first at {name}: "
                f"{shares[name]:.3g} times what rounding allows",
                mend="Nothing was kept. Please report the network.",
            )
    where = max(names, key=shares.__getitem__)
    outputs = [(_part(values[name]), exact[name]) for name in network.output_names]
    with np.errstate(invalid="ignore"):
        worst = max(float(_largest(np.abs(a - b)).max()) for a, b in outputs)
    scale = max(float(_largest(np.abs(b)).max()) for _, b in outputs)
    elements = sum(values[name].size for name in names)
    lost = sum(int((~np.isfinite(values[name])).sum()) for name in names) if diverged else 0
    relative = worst / scale if scale else 0.0
    silent = not any(np.isfinite(truth).any() for _, truth in outputs)
    note = NOTHING_FINITE if silent else ""
    return Check(len(names), elements - lost, worst, relative, shares[where], where, lost, note)


def _part(value: np.ndarray) -> np.ndarray:
    """The value with a row for each observation; of long ones a fixed choice of elements."""
    rows = OBSERVATIONS if value.shape[:1] == (OBSERVATIONS,) else 1
    flat = value.reshape(rows, -1)
    if flat.shape[1] > ELEMENTS:
        flat = flat[:, np.random.default_rng(0).integers(0, flat.shape[1], ELEMENTS)]
    return flat.astype(np.result_type(flat.dtype, np.float64))


def _share(
    array: np.ndarray,
    exact: np.ndarray,
    rounded: np.ndarray,
    diverged: bool,
    floor: float,
    epsilon: float,
) -> float:
    """The largest difference as a share of what is allowed for its observation; infinite where
    sizes differ. Where training ``diverged`` only what is finite in both is compared: padding
    times NaN is NaN in one program and nothing in another."""
    if array.shape != exact.shape:
        return float("inf")
    # Where its own type gives NaN, an infinity or exactly this number, that is what it should be.
    same = (array == rounded) | (np.isnan(array) & np.isnan(rounded))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(array - exact))
        rounding = _largest(np.abs(rounded - exact))
    if diverged:
        difference[~np.isfinite(difference)] = 0.0
    if not np.isfinite(difference).all():
        return float("inf")
    largest = _largest(np.abs(exact))
    # exp(x) - 1 of a small x rounds as 1 does, however small the outcome.
    allowed = np.maximum(ROUNDING * rounding, np.maximum(floor * largest, epsilon * largest.max()))
    worst = difference.max(axis=1, initial=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(worst > 0, worst / allowed, 0.0)
    return float(shares.max(initial=0.0))


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest finite one of each observation, 0 if there is none."""
    return values.max(axis=1, initial=0.0, where=np.isfinite(values))
