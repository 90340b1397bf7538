"""From what a generated function computes to the network that it was written from."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import numpy as np

from matbridge.core.diagnostics import Report
from matbridge.errors import UnsupportedError
from matbridge.matlab.generated.evaluate import as_layer
from matbridge.matlab.generated.simulation import RESTORE, Simulation
from matbridge.matlab.generated.values import (
    Activation,
    Argument,
    Blank,
    Constant,
    Net,
    Opaque,
    Result,
    Signal,
    Step,
    Taps,
    Value,
    Weighted,
)
from matbridge.shallow.feedback import alike
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    Place,
    ProcessStep,
    ShallowStructure,
    WeightPart,
)

__all__ = ["read_structure"]

# "Each X{1,ts} = 2xQ matrix, input #1", with samples in rows Qx2.
SIZES = re.compile(r"(?:(\d+)x|[QT]S?x)(\d+|Q|TS) matrix, input #(\d+)", re.ASCII)
# b2, IW2_1, LW2_1: the number of the layer.
NUMBERED = re.compile(r"(?:b|[IL]W)(\d+)(?:_\d+)?", re.ASCII)
# The longest delay for which a state is kept.
LONGEST = 100_000
# More rows than any input has.
MOST_ROWS = 10_000_000

Key = tuple[str, int]


class Reader:
    """The inputs and layers that the results of a function depend on."""

    def __init__(self, simulation: Simulation, report: Report) -> None:
        self.simulation, self.report = simulation, report
        self.code = simulation.code
        # A net input is one layer's, whoever reads it.
        self.layers: dict[Key, Activation] = {}
        self.signals: dict[tuple[int, int], Signal] = {}

    def refuse(self, what: str, line: int = 0) -> UnsupportedError:
        return UnsupportedError(what, where=f"line {line or self.code.line}", mend=RESTORE)

    def structure(self) -> ShallowStructure:
        results = self.simulation.outputs()
        if not results:
            raise self.refuse("none of its results is what a layer gives")
        for result in results:
            self.visit(result.layer)
        self.order()
        layers = tuple(map(self.layer_part, self.layers.values()))
        weights = list(self.weight_parts())
        inputs = self.input_parts([(place, part) for kind, place, part in weights if kind == "IW"])
        self.note_turned(results)
        structure = ShallowStructure(
            inputs,
            layers,
            tuple(self.output_part(result, layers) for result in results),
            {place: part for kind, place, part in weights if kind == "IW"},
            {place: part for kind, place, part in weights if kind == "LW"},
            name=self.code.name,
        )
        return with_feedback(structure)

    # -- which layers and inputs there are ----------------------------------------------------

    def visit(self, layer: Activation) -> None:
        """The layers that feed this one, then itself."""
        key = (layer.transfer, id(layer.net))
        if key in self.layers:
            return
        self.layers[key] = layer
        for term in layer.net.terms:
            if isinstance(term, Weighted):
                source = self.source(term.operand)
                if isinstance(source, Activation):
                    self.visit(source)
                else:
                    self.take(source)
        # Behind those that it reads.
        self.layers[key] = self.layers.pop(key)

    def source(self, operand: Value) -> Activation | Signal:
        """The input or layer that an operand is, whenever it was."""
        value: Value | None = operand
        if isinstance(operand, Taps):
            value = self.simulation.slots.get((operand.ring, 0))
        if isinstance(value, Argument):
            value = Signal(value.name)
        layer = as_layer(value) if value is not None else None
        if layer is not None or isinstance(value, Signal):
            return layer or value  # type: ignore[return-value]
        if isinstance(value, Opaque):
            raise self.refuse(value.why, value.line)
        raise self.refuse("weights meet what is no input or layer")

    def take(self, signal: Signal) -> None:
        """An input; everything that reads it must see it processed alike."""
        key = (self.code.parameters.index(signal.argument), signal.number)
        known = self.signals.setdefault(key, signal)
        if not _alike(known.steps, signal.steps):
            raise self.refuse(f"the input {signal.argument} is processed in two ways")

    def order(self) -> None:
        """By the numbers in the names of their constants; else each after those it reads."""
        numbers = {key: self.number(layer.net) for key, layer in self.layers.items()}
        if set(numbers.values()) == set(range(1, len(numbers) + 1)):
            self.layers = {
                key: self.layers[key] for key in sorted(numbers, key=numbers.__getitem__)
            }
        self.signals = dict(sorted(self.signals.items()))

    def number(self, net: Net) -> int:
        """The layer's number, 0 where the names of its constants do not agree on one."""
        terms = (t.weight if isinstance(t, Weighted) else t for t in net.terms)
        matches = [NUMBERED.fullmatch(constant.name) for constant in terms]
        numbers = {int(match[1]) if match else 0 for match in matches}
        return numbers.pop() if len(numbers) == 1 else 0

    # -- what they are --------------------------------------------------------------------------

    def layer_part(self, layer: Activation) -> LayerPart:
        net = layer.net
        biases = [term for term in net.terms if isinstance(term, Constant)]
        if len(biases) > 1:
            raise self.refuse("a layer has two biases")
        bias = biases[0].array if biases else None
        rows = [t.weight.array.shape[0] for t in net.terms if isinstance(t, Weighted)]
        size = rows[0] if rows else biases[0].array.shape[0]
        return LayerPart(size, layer.transfer, net.function, bias)

    def weight_parts(self) -> Iterator[tuple[str, Place, WeightPart]]:
        """IW or LW, from where to where, and what stands there."""
        layers = {key: number for number, key in enumerate(self.layers, 1)}
        signals = {key: number for number, key in enumerate(self.signals, 1)}
        places: set[tuple[str, Place]] = set()
        for key, layer in self.layers.items():
            for term in (t for t in layer.net.terms if isinstance(t, Weighted)):
                source = self.source(term.operand)
                if isinstance(source, Activation):
                    kind, number = "LW", layers[source.transfer, id(source.net)]
                else:
                    parameter = self.code.parameters.index(source.argument)
                    kind, number = "IW", signals[parameter, source.number]
                place = (layers[key], number)
                if (kind, place) in places:
                    raise self.refuse(f"{kind}{{{place[0]},{place[1]}}} is there twice")
                places.add((kind, place))
                yield kind, place, WeightPart(term.weight.array, self.delays(term), term.function)

    def delays(self, term: Weighted) -> tuple[int, ...]:
        if not isinstance(term.operand, Taps):
            return (0,)
        self.check_start(term.operand.ring)
        if max(term.operand.delays) > LONGEST:
            raise self.refuse(f"a delay of {max(term.operand.delays)} steps is too long")
        return term.operand.delays

    def check_start(self, ring: str) -> None:
        """A ring begins with states that are given, processed as its inputs are."""
        held, now = self.simulation.variables.get(ring), self.simulation.slots.get((ring, 0))
        start = self.simulation.initial.get(ring, held if held is not None else Blank())
        if isinstance(start, Argument):
            start = Signal(start.name)
        steps = now.steps if isinstance(now, Signal) else ()
        if not isinstance(start, Signal) or not _alike(start.steps, steps):
            self.report.warning(
                f"what {ring} begins with is not read",
                self.code.name,
                "Give the initial states yourself, or zeros are taken.",
            )

    def input_parts(self, weights: list[tuple[Place, WeightPart]]) -> tuple[InputPart, ...]:
        parts = []
        for number, ((_, row), signal) in enumerate(self.signals.items(), 1):
            processed = next(
                part.array.shape[1] // len(part.delays) for (_, j), part in weights if j == number
            )
            steps = tuple(ProcessStep(s.function, s.settings) for s in signal.steps)
            size = self.raw_size(signal.steps, processed, self.told_size(number, row))
            limits = input_range(signal.steps, size)
            parts.append(InputPart(size, processed, steps, f"Input {number}", range=limits))
        return tuple(parts)

    def told_size(self, number: int, row: int) -> int:
        """What the comment says of an input, 0 where there is none."""
        for comment in self.code.comments:
            match = SIZES.search(comment)
            if match and int(match[3]) in (number, row):
                return int(match[1] or (match[2] if match[2].isdecimal() else 0))
        return 0

    def raw_size(self, steps: tuple[Step, ...], processed: int, told: int) -> int:
        """The rows before the first step, which settings of one row each may tell."""
        size = processed
        for step in reversed(steps):
            if "xrows" in step.settings:
                size = self.row_count(step.settings["xrows"])
            elif "keep" in step.settings:
                size = max(told, self.row_count(step.settings["keep"]))
            elif "transform" in step.settings:
                size = step.settings["transform"].shape[1]
            elif any(a.shape[0] not in (1, size) for a in step.settings.values()):
                raise self.refuse(f"{step.function} does not fit the {size} rows that it gives")
        return size

    def row_count(self, numbers: np.ndarray) -> int:
        """The largest of these numbers of rows."""
        largest = float(numbers.max(initial=0))
        if not 0 <= largest <= MOST_ROWS:
            raise self.refuse(f"{largest} is no number of rows")
        return int(largest)

    def output_part(self, result: Result, layers: tuple[LayerPart, ...]) -> OutputPart:
        key = (result.layer.transfer, id(result.layer.net))
        number = list(self.layers).index(key) + 1
        size = layers[number - 1].size
        for step in result.steps:
            rows = step.settings.get("xrows")
            size = self.row_count(rows) if rows is not None else size
        steps = tuple(ProcessStep(s.function, s.settings) for s in reversed(result.steps))
        return OutputPart(number, size, steps)

    def note_turned(self, results: list[Result]) -> None:
        values: list[Signal | Result] = [*self.signals.values(), *results]
        if any(value.turned for value in values):
            what = "the code takes samples in rows; here they are columns, as in net(x)"
            self.report.note(what, self.code.name)


def _alike(steps: tuple[Step, ...], others: tuple[Step, ...]) -> bool:
    return len(steps) == len(others) and all(map(Step.same, steps, others))


def input_range(steps: tuple[Step, ...], size: int) -> np.ndarray | None:
    """The smallest and largest value of each row, as mapminmax was configured; 1 is its ymax."""
    settings = steps[0].settings if steps and steps[0].function == "mapminmax" else {}
    if not settings.keys() >= {"xoffset", "gain", "ymin"}:
        return None
    low, gain, ymin = (settings[name] for name in ("xoffset", "gain", "ymin"))
    if low.shape != (size, 1) or gain.shape != (size, 1) or not (gain > 0).all():
        return None
    return np.concatenate([low, low + (1 - ymin) / gain], axis=1)


def with_feedback(structure: ShallowStructure) -> ShallowStructure:
    """Which inputs are the feedback of outputs, and which outputs feed layers back.

    The code does not tell it. An input that is only delayed, and processed with an output's
    settings, is the feedback of an open loop; a layer that reads an output's layer delayed
    closes one.
    """
    inputs, outputs = list(structure.inputs), list(structure.outputs)
    for k, output in enumerate(outputs):
        delayed = [
            weight
            for (_, j), weight in structure.layer_weights.items()
            if j == output.layer and 0 not in weight.delays
        ]
        if delayed:
            outputs[k] = dataclasses.replace(output, feedback_mode="closed")
        for j, part in enumerate(inputs):
            if part.feedback_output is None and _is_fed_back(structure, j + 1, part, output):
                inputs[j] = dataclasses.replace(part, feedback_output=output.layer)
                outputs[k] = dataclasses.replace(output, feedback_input=j + 1, feedback_mode="open")
                break
    return structure.replace(inputs=tuple(inputs), outputs=tuple(outputs))


def _is_fed_back(
    structure: ShallowStructure, number: int, part: InputPart, output: OutputPart
) -> bool:
    delays = [w.delays for (_, j), w in structure.input_weights.items() if j == number]
    if any(0 in delay for delay in delays) or not part.steps or part.size != output.size:
        return False
    return alike(part.steps, output.steps)


def read_structure(simulation: Simulation, report: Report) -> ShallowStructure:
    """The network that a generated function computes; ``report`` gets what was noticed.

    Raises UnsupportedError where it was edited beyond recognition, LayerError where its
    constants do not fit each other.
    """
    return Reader(simulation, report).structure()
