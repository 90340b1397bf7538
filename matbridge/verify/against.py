"""Two networks on the same inputs: do they compute the same, and if not quite, is it rounding?

No tolerance is guessed. Each output is computed four times: by both networks in float64 and in
float32. What stays in float64, once the arrays of both are rounded to float32 as files store
them, is no rounding of the computation; and how far float32 moves either network is what single
precision can explain. Layers of one name are judged as if the other network had recorded them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from matbridge.core.dims import Size, batch_first, canonical, reorder
from matbridge.core.network import Network, Port
from matbridge.core.running import Data
from matbridge.errors import MismatchError
from matbridge.layers.input import AnyInput
from matbridge.verify.case import Case
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.fixtures.record import laid_out
from matbridge.verify.inputs import draw_inputs
from matbridge.verify.judgement import Judgement, worst_judgement, worst_of
from matbridge.verify.layers.diverge import diverge
from matbridge.verify.layers.judging import judge_layers
from matbridge.verify.matched import adapted, paired
from matbridge.verify.measures.sample import Sample
from matbridge.verify.measures.saturation import all_alike
from matbridge.verify.measures.statistics import Parts, Statistics, flat
from matbridge.verify.rival import Alongside, matched_ports
from matbridge.verify.verification import Divergence, Verification

__all__ = ["EXACT", "against"]

# Of the largest value: what float64 leaves where two networks compute the same.
EXACT = 1e-12
# As many times as float32 moves one network by itself, two may lie apart.
BUDGETS = 2.0
# How often inputs are drawn, unless they are large.
DRAWS, LARGE = 5, 1 << 16

# Of each run the data of each input, batch first.
Inputs = Sequence[Sequence[np.ndarray]]


def against(
    first: Network,
    other: Network,
    inputs: Inputs | None = None,
    seed: int = 0,
    layers: bool = True,
) -> Verification:
    """Compare each output of one network with that of the other, and layers of one name.

    ``inputs`` are those of the first, batch first, once or several times; without them some are
    drawn. Inputs and outputs are matched by name where all have one, else by their order. Raises
    MismatchError where they do not match and EmptyComparisonError where nothing finite comes out.
    """
    past = [name for name in (_past_input(first, other), _past_input(other, first)) if name]
    if past:
        first, other = _unnormalized(first), _unnormalized(other)
    pairs = paired(first.output_names, other.output_names, "outputs")
    runs = list(_drawn(first, seed)) if inputs is None else list(inputs)
    given = [adapted(first, other, one) for one in runs]
    ours = Results(first, runs, [a for a, _ in pairs])
    theirs = Results(other, given, [b for _, b in pairs])
    sizes = {str(port): size for port, size in first.infer().items()}
    outputs = tuple(
        _judged(n, names, sizes.get(names[0]), ours, theirs) for n, names in enumerate(pairs)
    )
    verdict = worst_of(judgement.verdict for judgement in outputs)
    notes = tuple(
        f"compared past {name!r}, whose normalization plain weights do not tell" for name in past
    )
    worst = worst_judgement(outputs, verdict)
    which = f"{worst.name}: " if len(outputs) > 1 else ""
    sentence = f"{verdict}: {which}{worst.why}; {_elements(outputs):,} values"
    compared, parting = (
        _by_layer(first, other, (runs[0], given[0]), verdict == "different")
        if layers
        else ((), None)
    )
    return Verification(verdict, outputs, compared, sentence, notes, parting)


def _elements(outputs: Sequence[Judgement]) -> int:
    return sum(judgement.statistics.elements for judgement in outputs)


class Results:
    """What a network gives at its outputs, batch first: in float64, in float32, and in float64
    with all arrays as float32 stores them."""

    def __init__(self, network: Network, runs: Inputs, names: Sequence[str]) -> None:
        self.runs, self.names = runs, names
        self.exact = self._of(network, "float64")
        self.single = self._of(network, "float32")
        self.stored = self._of(_rounded(network), "float64")

    def _of(self, network: Network, dtype: str) -> list[Parts]:
        """Each output: all observations, or runs of other lengths as those of a cell."""
        from matbridge.torch.trace import trace

        traces = [trace(network, list(run), dtype) for run in self.runs]
        return [_joined([values[name] for values in traces]) for name in self.names]


def _joined(parts: Sequence[np.ndarray]) -> Parts:
    alike = len({part.shape[1:] for part in parts}) == 1
    return [np.concatenate(parts)] if alike else list(parts)


def _rounded(network: Network) -> Network:
    """The network with all arrays as float32 stores them."""
    return network.with_layers(
        *(
            layer.replace(arrays={name: _single(array) for name, array in layer.arrays.items()})
            for layer in network.layers
        )
    )


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float64 else array


# -- what plain weights do not tell --------------------------------------------------------------


def _past_input(plain: Network, other: Network) -> str:
    """How the other network normalizes its input, where the file of the first does not tell; ""
    where it does not, or the file does."""
    if not plain.provenance.details.get("plain_weights"):
        return ""
    layers = (layer for layer in other.input_layers.values() if not layer.passes_through)
    return ", ".join(layer.name for layer in layers)


def _unnormalized(network: Network) -> Network:
    """The network with inputs that take data as they are."""
    plain = [
        AnyInput(name=name, input_size=layer.entering.sizes, input_format=layer.entering.format)
        for name, layer in network.input_layers.items()
    ]
    return network.with_layers(*plain)


def _drawn(network: Network, seed: int) -> Iterator[list[np.ndarray]]:
    """Inputs of several draws; of large ones one."""
    first = draw_inputs(network, seed)
    yield first
    if sum(array.size for array in first) < LARGE:
        yield from (draw_inputs(network, seed + n) for n in range(1, DRAWS))


# -- the verdict ------------------------------------------------------------------------------


def _judged(
    place: int, names: tuple[str, str], size: object, ours: Results, theirs: Results
) -> Judgement:
    """The judgement on an output, whose ``size`` tells the order of its dimensions."""
    exact = ours.exact[place]
    if not np.isfinite(flat(exact)).any():
        raise EmptyComparisonError("every value is NaN or Inf, which says nothing", where=names[0])
    alike = [_alike(names[0], run[place], exact) for run in (theirs.exact, theirs.stored)]
    dims = _dims(size, exact)
    here, there = (_in_order(parts, dims) for parts in (exact, alike[0]))
    statistics = Statistics.of(here, there, dims)
    moved = [Statistics.of(one.single[place], one.exact[place]).max_rel for one in (ours, theirs)]
    stored = Statistics.of(ours.stored[place], alike[1]).max_rel
    single = Statistics.of(
        ours.single[place], _alike(names[0], theirs.single[place], exact)
    ).max_rel
    verdict, why = _verdict(statistics.max_rel, stored, single, max(moved))
    return Judgement(
        " / ".join(dict.fromkeys(names)),
        verdict,
        why,
        statistics,
        max(moved),
        BUDGETS,
        statistics.max_rel,
        note="; ".join(_little(here, dims)),
        sample=Sample.of(here, there),
    )


def _alike(name: str, theirs: Parts, ours: Parts) -> Parts:
    """The outputs of the other network in the sizes of ours, which differ in ones at most."""
    for a, b in zip(ours, theirs, strict=True):
        if np.squeeze(a).shape != np.squeeze(b).shape:
            said = "×".join(map(str, a.shape)), "×".join(map(str, b.shape))
            raise MismatchError(f"the outputs have sizes {said[0]} and {said[1]}", where=name)
    return [b.reshape(a.shape) for a, b in zip(ours, theirs, strict=True)]


def _dims(size: object, parts: Parts) -> str:
    known = isinstance(size, Size) and all(part.ndim == len(size.format) for part in parts)
    return canonical(size.format) if known and isinstance(size, Size) else ""


def _in_order(parts: Parts, dims: str) -> Parts:
    """In MATLAB's order, where it is known."""
    return [reorder(part, batch_first(dims), dims) for part in parts] if dims else parts


def _little(values: Parts, dims: str) -> Iterator[str]:
    if all_alike(values, dims):
        yield "it is the same for every input, which says little"


def _verdict(exact: float, stored: float, single: float, budget: float) -> tuple[str, str]:
    if exact == 0:
        return "identical", "equal in float64, to the last bit"
    if exact <= EXACT:
        return "rounding", "the same in float64 but for the order of sums"
    if stored <= EXACT:
        return "rounding", "the same once the arrays are rounded to float32"
    explained = f"single precision explains up to {BUDGETS * budget:.2g}"
    said = f"off by {exact:.2g} of the largest value, {explained}"
    return "rounding" if max(exact, stored, single) <= BUDGETS * budget else "different", said


# -- layers that belong together -----------------------------------------------------------------


def _by_layer(
    first: Network,
    other: Network,
    run: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
    parted: bool,
) -> tuple[tuple[Judgement, ...], Divergence | None]:
    """The layers that belong together, judged as if the other network had recorded them, and where
    the two have ``parted``, in which of them."""
    ports = matched_ports(first, other)
    if not ports:
        return (), None
    data = [_as_data(network, one) for network, one in zip((first, other), run, strict=True)]
    theirs = Alongside(other, data[1], ports)
    case = Case(first, data[0], (), activations=theirs)
    inner = (one for one in judge_layers(case) if one.name not in first.output_names)
    layers = tuple(_renamed(one, ports[one.name]) for one in inner)
    return layers, diverge(case) if parted else None


def _renamed(judgement: Judgement, theirs: Port) -> Judgement:
    """With the name in the other network, where it is another."""
    if judgement.name == str(theirs):
        return judgement
    said = f"{theirs} in the other network"
    return dataclasses.replace(judgement, note="; ".join(filter(None, (judgement.note, said))))


def _as_data(network: Network, arrays: Sequence[np.ndarray]) -> tuple[Data, ...]:
    return tuple(
        laid_out(array, network.input_layers[name].entering.format, network.kind.columns)
        for name, array in zip(network.input_names, arrays, strict=True)
    )
