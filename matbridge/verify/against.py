"""Two networks on the same inputs: do they compute the same, and if not quite, is it rounding?

No tolerance is guessed. Each output is computed four times: by both networks in float64 and in
float32. What stays in float64, once the arrays of both are rounded to float32 as files store
them, is no rounding of the computation; and how far float32 moves either network is what single
precision can explain.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matbridge.core.dims import Size, batch_first
from matbridge.core.network import Network
from matbridge.errors import MismatchError
from matbridge.layers.input import AnyInput
from matbridge.text import listed
from matbridge.verify.compare import EmptyComparisonError
from matbridge.verify.inputs import draw_inputs

__all__ = ["EXACT", "Match", "against", "verdict_of"]

# Of the largest value: what float64 leaves where two networks compute the same.
EXACT = 1e-12
# As many times as float32 moves one network by itself, two may lie apart.
BUDGETS = 2.0
# How often inputs are drawn, unless they are large.
DRAWS, LARGE = 5, 1 << 16

# Values batch first, by the name of an input or a port.
Values = Mapping[str, np.ndarray]
Outputs = list[np.ndarray]


@dataclass(frozen=True)
class Match:
    """An output of one network and that of the other; figures are shares of the largest value.

    ``exact`` is the largest difference in float64; ``stored`` that with all arrays rounded to
    float32 first; ``single`` that in float32; ``budget`` the most that float32 moves either.
    ``verdict`` is "identical", "rounding" or "different", and ``why`` what it rests on.
    """

    name: str
    other: str
    elements: int
    exact: float
    stored: float
    single: float
    budget: float
    verdict: str
    why: str

    def as_dict(self) -> dict[str, object]:
        return dataclasses.asdict(self)


def verdict_of(matches: Sequence[Match]) -> str:
    """The worst of them."""
    found = {match.verdict for match in matches}
    return next(one for one in ("different", "rounding", "identical") if one in found)


def against(
    first: Network,
    other: Network,
    inputs: Sequence[Sequence[np.ndarray]] | None = None,
    seed: int = 0,
) -> list[Match]:
    """Compare each output of one network with that of the other.

    ``inputs`` are those of the first, batch first, once or several times; without them some are
    drawn. Inputs and outputs are matched by name where all have one, else by their order. Raises
    MismatchError where they do not match and EmptyComparisonError where nothing finite comes out.
    """
    past = [name for name in (_past_input(first, other), _past_input(other, first)) if name]
    if past:
        first, other = _unnormalized(first), _unnormalized(other)
    pairs = _paired(first.output_names, other.output_names, "outputs")
    runs = list(_drawn(first, seed)) if inputs is None else list(inputs)
    given = [(one, _adapted(first, other, one)) for one in runs]
    rounded = _rounded(first), _rounded(other)
    ours = _results(first, [a for a, _ in given], [a for a, _ in pairs])
    theirs = _results(other, [b for _, b in given], [b for _, b in pairs])
    stored = (
        _outputs(rounded[0], [a for a, _ in given], [a for a, _ in pairs], "float64"),
        _outputs(rounded[1], [b for _, b in given], [b for _, b in pairs], "float64"),
    )
    matches = [
        _matched(
            names,
            (ours[0][n], theirs[0][n]),
            (ours[1][n], theirs[1][n]),
            (stored[0][n], stored[1][n]),
        )
        for n, names in enumerate(pairs)
    ]
    return [_with_note(match, past) for match in matches]


def _with_note(match: Match, past: Sequence[str]) -> Match:
    """What was left out, where something was."""
    if not past:
        return match
    said = f"compared past {past[0]!r}, whose normalization plain weights do not tell"
    return dataclasses.replace(match, why=f"{match.why}; {said}")


def _results(
    network: Network, runs: Sequence[Sequence[np.ndarray]], names: Sequence[str]
) -> tuple[Outputs, Outputs]:
    """The outputs in float64 and in float32."""
    return _outputs(network, runs, names, "float64"), _outputs(network, runs, names, "float32")


def _outputs(
    network: Network, runs: Sequence[Sequence[np.ndarray]], names: Sequence[str], dtype: str
) -> Outputs:
    """Each output over all runs, a row for each observation."""
    from matbridge.torch.trace import trace

    traces = [trace(network, list(run), dtype) for run in runs]
    return [_joined([values[name] for values in traces]) for name in names]


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """All observations; runs of other lengths as one column."""
    if len({part.shape[1:] for part in parts}) == 1:
        return np.concatenate(parts).astype(np.float64)
    return np.concatenate([part.reshape(-1) for part in parts]).astype(np.float64)


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


# -- what belongs together -----------------------------------------------------------------------


def _paired(first: Sequence[str], other: Sequence[str], what: str) -> list[tuple[str, str]]:
    if set(first) == set(other):
        return [(name, name) for name in first]
    if len(first) != len(other):
        raise MismatchError(
            f"the networks have {len(first)} and {len(other)} {what}: {listed(first)}; "
            f"{listed(other)}"
        )
    return list(zip(first, other, strict=True))


def _drawn(network: Network, seed: int) -> Iterator[list[np.ndarray]]:
    """Inputs of several draws; of large ones one."""
    first = draw_inputs(network, seed)
    yield first
    if sum(array.size for array in first) < LARGE:
        yield from (draw_inputs(network, seed + n) for n in range(1, DRAWS))


def _adapted(first: Network, other: Network, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The inputs of the first as those of the other, in the order of its inputs."""
    pairs = _paired(first.input_names, other.input_names, "inputs")
    by_name = dict(zip(first.input_names, arrays, strict=True))
    sources = {b: a for a, b in pairs}
    return [
        _as_input(
            by_name[sources[name]], _entering(first, sources[name]), _entering(other, name), name
        )
        for name in other.input_names
    ]


def _entering(network: Network, name: str) -> Size:
    layer = network.input_layers.get(name)
    if layer is None:
        raise MismatchError("this input has no input layer, so its format is not known", where=name)
    return layer.entering


def _as_input(array: np.ndarray, have: Size, want: Size, name: str) -> np.ndarray:
    """An array of one format as another: a vector is a vector, wherever its dimension stands."""
    if have.format == want.format and array.shape[1:] == _shape(want, array)[1:]:
        return array
    shape = _shape(want, array)
    single = "T" not in have.format and "T" not in want.format
    lengths = [n for n in have.all("SC") if n != 1], [n for n in want.all("SC") if n != 1]
    if single and lengths[0] == lengths[1] and len(lengths[0]) <= 1:
        return array.reshape(shape)
    if "T" in want.format and "T" not in have.format and lengths[0] == lengths[1]:
        return array.reshape(shape)
    raise MismatchError(
        f"the networks take inputs of different sizes: {have} and {want}",
        where=name,
        mend="They are compared on the same inputs, which one of them does not take.",
    )


def _shape(size: Size, array: np.ndarray) -> tuple[int, ...]:
    """The batch-first shape of a value of this size, with as many observations."""
    spatial = list(size.spatial)
    free = {"B": array.shape[0], "T": 1}
    dims = batch_first(size.format)
    lengths = [spatial.pop(0) if a == "S" else free.get(a, size[a]) for a in dims]
    if "T" in dims and array.ndim == len(dims):
        lengths[dims.index("T")] = array.shape[dims.index("T")]
    return tuple(
        array.shape[place] if n is None and place < array.ndim else n or 1
        for place, n in enumerate(lengths)
    )


# -- the verdict ------------------------------------------------------------------------------


Pair = tuple[np.ndarray, np.ndarray]


def _matched(names: tuple[str, str], exact: Pair, single: Pair, stored: Pair) -> Match:
    ours, theirs = exact
    if not _alike(ours, theirs):
        said = "×".join(map(str, ours.shape)), "×".join(map(str, theirs.shape))
        raise MismatchError(f"the outputs have sizes {said[0]} and {said[1]}", where=names[0])
    if not np.isfinite(ours).any():
        raise EmptyComparisonError("every value is NaN or Inf, which says nothing", where=names[0])
    scale = float(np.abs(ours[np.isfinite(ours)]).max())
    far = _distance(*exact, scale), _distance(*stored, scale), _distance(*single, scale)
    budget = max(_distance(a, b, scale) for a, b in zip(exact, single, strict=True))
    verdict, why = _verdict(*far, budget)
    if len(ours) > 1 and np.ptp(ours, axis=0).max(initial=0.0) == 0:
        why += "; but it is the same for every input, which says little"
    return Match(*names, int(ours.size), *far, budget, verdict, why)


def _alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether the sizes differ at most in dimensions of size 1."""
    return np.squeeze(ours).shape == np.squeeze(theirs).shape


def _distance(a: np.ndarray, b: np.ndarray, scale: float) -> float:
    """The largest difference, as a share of the scale; NaN agrees with NaN."""
    a, b = a.reshape(-1), b.reshape(-1)
    with np.errstate(invalid="ignore"):
        difference = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    worst = float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0))
    return worst / scale if scale else (0.0 if worst == 0 else float("inf"))


def _verdict(exact: float, stored: float, single: float, budget: float) -> tuple[str, str]:
    if exact == 0:
        return "identical", "equal in float64, to the last bit"
    if exact <= EXACT:
        return "rounding", "in float64 only the order of the sums differs"
    if stored <= EXACT:
        return "rounding", "the same once the arrays are rounded to float32"
    if max(exact, stored, single) <= BUDGETS * budget:
        return "rounding", f"within {BUDGETS:g} times what float32 moves either of them"
    return "different", "more than rounding explains"
