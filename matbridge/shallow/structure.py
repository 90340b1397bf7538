"""What MATLAB's ``network`` object says, as one immutable value.

The readers (a saved object, genFunction's code) make a :class:`ShallowStructure`; from it
come the cards that compute, and to it they go back. All numbers of inputs and layers are
MATLAB's own, from 1: ``structure.input_weights[2, 1]`` is IW{2,1}, which leads from input 1
to layer 2. Arrays are in MATLAB's layout and cannot be written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from matbridge.core.readonly import frozen
from matbridge.errors import LayerError
from matbridge.shallow import names

__all__ = [
    "InputPart",
    "LayerPart",
    "OutputPart",
    "Place",
    "ProcessStep",
    "Settings",
    "ShallowStructure",
    "WeightPart",
]

# Values by MATLAB's names of fields: real arrays (never below 2-D) and text.
Settings = Mapping[str, object]
# More steps than any network remembers.
MOST_DELAYS = 100_000
# (i, j): from input or layer j to layer i, as in IW{i,j} and LW{i,j}.
Place = tuple[int, int]


@dataclass(frozen=True, eq=False)
class ProcessStep:
    """One of processFcns with its processSettings, such as mapminmax with xoffset, gain, ymin.

    ``settings`` are those that are saved, by MATLAB's names; which are there differs between
    versions (of mapminmax, version 7 has xmin and xmax only, genFunction's code the others).
    """

    function: str
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class InputPart:
    """net.inputs{j}: ``size`` raw rows become ``processed_size`` rows by ``steps``, in order.

    ``feedback_output`` is the layer whose output an open loop takes here, or None; ``range``
    (R×2) the smallest and largest value of each raw row that the network was configured for.
    """

    size: int
    processed_size: int
    steps: tuple[ProcessStep, ...] = ()
    name: str = "Input"
    feedback_output: int | None = None
    range: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class LayerPart:
    """net.layers{i} with b{i}: a = transfer(net input of the weighted inputs and the bias).

    ``bias`` is S×1, None where biasConnect(i) is false. The parameters are transferParam and
    netInputParam. ``topology`` holds what only maps have (dimensions, topologyFcn,
    distanceFcn, positions, distances), which no simulation reads but that of linkdist.
    """

    size: int
    transfer: str = "purelin"
    net_input: str = "netsum"
    bias: np.ndarray | None = None
    name: str = "Layer"
    transfer_parameters: Settings = field(default_factory=dict)
    net_input_parameters: Settings = field(default_factory=dict)
    topology: Settings = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.bias is not None:
            object.__setattr__(self, "bias", frozen(np.asarray(self.bias, float)))


@dataclass(frozen=True, eq=False)
class WeightPart:
    """IW{i,j} or LW{i,j} with net.inputWeights{i,j} or net.layerWeights{i,j}.

    ``array`` is S×(R·number of delays): a block of R columns for each of ``delays``, in the
    order in which they are saved. ``function`` is weightFcn with ``parameters`` weightParam.
    """

    array: np.ndarray
    delays: tuple[int, ...] = (0,)
    function: str = "dotprod"
    parameters: Settings = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", frozen(np.asarray(self.array, float)))


@dataclass(frozen=True, eq=False)
class OutputPart:
    """net.outputs{layer}: what layer ``layer`` gives, its ``steps`` reversed, last to first.

    ``size`` counts the raw rows that come out. ``feedback_input`` is the input by which an
    open loop takes it back, ``feedback_delay`` by how many steps the output runs ahead
    (removedelay), ``feedback_mode`` "none", "open" or "closed".
    """

    layer: int
    size: int
    steps: tuple[ProcessStep, ...] = ()
    name: str = "Output"
    feedback_input: int | None = None
    feedback_delay: int = 0
    feedback_mode: str = "none"


@dataclass(frozen=True, eq=False)
class ShallowStructure:
    """A ``network`` object: its parts by number, and the weights between them by place.

    ``outputs`` stand in the order of their layers. ``training`` holds by MATLAB's names what
    only training reads (trainFcn, trainParam, performFcn, performParam, divideFcn, ...), as
    saved. ``version`` is the version field, "" where there is none.

    Raises LayerError where parts do not fit: a number that is not there, weights of another
    size than the parts that they connect, a loop of layers without a delay.
    """

    inputs: tuple[InputPart, ...]
    layers: tuple[LayerPart, ...]
    outputs: tuple[OutputPart, ...]
    input_weights: Mapping[Place, WeightPart] = field(default_factory=dict)
    layer_weights: Mapping[Place, WeightPart] = field(default_factory=dict)
    name: str = ""
    version: str = ""
    training: Settings = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("input_weights", "layer_weights"):
            # By row, then by column: the order in which MATLAB adds them.
            object.__setattr__(self, name, dict(sorted(getattr(self, name).items())))
        _check(self)

    def replace(self, **changes: object) -> ShallowStructure:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def num_input_delays(self) -> int:
        """net.numInputDelays: so many steps of the inputs are the state Xi."""
        return _longest(self.input_weights.values())

    @property
    def num_layer_delays(self) -> int:
        """net.numLayerDelays: so many steps of the layers' outputs are the state Ai."""
        return _longest(self.layer_weights.values())

    @property
    def num_feedback_delays(self) -> int:
        """net.numFeedbackDelays: by how many steps an open loop's output runs ahead, at most."""
        return max((output.feedback_delay for output in self.outputs), default=0)

    @property
    def is_static(self) -> bool:
        """Whether nothing is delayed: each column is then a sample of its own."""
        return not (self.num_input_delays or self.num_layer_delays)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The layers' numbers, each after those that it reads without a delay."""
        waiting = list(range(1, len(self.layers) + 1))
        done: list[int] = []
        while waiting:
            ready = next((i for i in waiting if self.read_at_once(i) <= set(done)), None)
            if ready is None:
                numbers = ", ".join(map(str, waiting))
                raise LayerError(f"the layers {numbers} feed each other without a delay")
            waiting.remove(ready)
            done.append(ready)
        return tuple(done)

    def read_at_once(self, layer: int) -> set[int]:
        """The layers that this one reads at the same step."""
        return {j for (_, j), weight in self.layers_of(layer) if 0 in weight.delays}

    def inputs_of(self, layer: int) -> list[tuple[Place, WeightPart]]:
        """The weights by which a layer reads inputs, in the order in which MATLAB adds them."""
        return [(at, weight) for at, weight in self.input_weights.items() if at[0] == layer]

    def layers_of(self, layer: int) -> list[tuple[Place, WeightPart]]:
        """The weights by which a layer reads layers, which MATLAB adds after the inputs."""
        return [(at, weight) for at, weight in self.layer_weights.items() if at[0] == layer]

    def is_input_delayed(self, number: int) -> bool:
        """Whether some layer reads this input with a delay."""
        weights = self.input_weights.items()
        return any(any(weight.delays) for (_, j), weight in weights if j == number)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The layers that feed each other, directly or not, together; each group after those
        that it reads, and in a group each layer after those that it reads without a delay."""
        fed = {i: self._fed_by(i) for i in self.order}
        groups = dict.fromkeys(
            tuple(j for j in self.order if j == i or (j in fed[i] and i in fed[j]))
            for i in self.order
        )

        def feeders(group: tuple[int, ...]) -> int:
            return sum(group[0] in fed[i] for i in self.order if i not in group)

        # Whoever feeds a group is itself fed by fewer layers.
        return tuple(sorted(groups, key=feeders))

    def _fed_by(self, layer: int) -> set[int]:
        """The layers that one feeds, directly or by way of others."""
        reached: set[int] = set()
        waiting = [layer]
        while waiting:
            source = waiting.pop()
            new = {i for i, j in self.layer_weights if j == source} - reached
            reached |= new
            waiting += new
        return reached

    def feeds_itself(self, group: tuple[int, ...]) -> bool:
        """Whether the layers of a group feed each other, or the only one itself."""
        return len(group) > 1 or (group[0], group[0]) in self.layer_weights


def _longest(weights: Iterable[WeightPart]) -> int:
    return max((max(weight.delays, default=0) for weight in weights), default=0)


def _check(structure: ShallowStructure) -> None:
    rows = {
        "IW": [part.processed_size for part in structure.inputs],
        "LW": [part.size for part in structure.layers],
    }
    for word, weights in (("IW", structure.input_weights), ("LW", structure.layer_weights)):
        for (i, j), weight in weights.items():
            name = names.weight(word, (i, j))
            if not (1 <= i <= len(structure.layers) and 1 <= j <= len(rows[word])):
                raise LayerError("this weight connects what is not there", where=name)
            _check_weight(name, weight, structure.layers[i - 1].size, rows[word][j - 1])
    for number, layer in enumerate(structure.layers, 1):
        if layer.bias is not None and layer.bias.shape != (layer.size, 1):
            raise _misfit(f"b{{{number}}}", layer.bias, layer.size, 1)
    for output in structure.outputs:
        if not 1 <= output.layer <= len(structure.layers):
            raise LayerError(f"an output is that of layer {output.layer}, which is not there")
    _ = structure.order


# Weight functions whose weights have a row for each neuron and a column for each row weighted.
FULL = ("dotprod", "dist", "negdist", "mandist", "boxdist", "linkdist", "normprod")


def _check_weight(name: str, weight: WeightPart, size: int, rows: int) -> None:
    if not weight.delays or not all(0 <= delay <= MOST_DELAYS for delay in weight.delays):
        raise LayerError(f"its delays are not whole numbers from 0 to {MOST_DELAYS}", where=name)
    if weight.function not in FULL:
        return
    columns = rows * len(weight.delays)
    if weight.array.shape != (size, columns):
        raise _misfit(name, weight.array, size, columns)


def _misfit(name: str, array: np.ndarray, rows: int, columns: int) -> LayerError:
    has = "×".join(map(str, array.shape))
    return LayerError(
        f"it is {has}, where the parts that it connects need {rows}×{columns}", where=name
    )
