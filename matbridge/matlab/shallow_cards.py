"""What a ``network`` object says as cards, and back: two functions, inverse to each other.

The names are those of MATLAB and of its generated code: inputs x1, x2, ..., their processing
x1_step1, ..., the weights IW{2,1} and LW{2,1}, the net input n{2} with the bias, the layer's output
a{2}, and y1_step1, ..., y1. States are kept by Xi{1} for an input and Ai{2} for a layer. Layers
that feed each other stand in one loop.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from matbridge.core.card import Layer
from matbridge.core.classes import SHALLOW
from matbridge.core.diagnostics import Diagnostic, Report
from matbridge.core.graph import find_port
from matbridge.core.network import Connection, Network, Provenance
from matbridge.core.registry import Registry, Unknown
from matbridge.layers.delays import DelayStates, NoInput, ShallowInput, ShallowOutput, TappedDelay
from matbridge.layers.feedback import FeedbackLoop
from matbridge.layers.function import FunctionLayer, Handle
from matbridge.matlab.layer import read_properties, tell_unknown
from matbridge.shallow import names
from matbridge.shallow.structure import (
    InputPart,
    LayerPart,
    OutputPart,
    Place,
    ProcessStep,
    Settings,
    ShallowStructure,
    WeightPart,
)

__all__ = ["to_network"]

# The name of the input of a network without any: its data tell the number of steps.
CLOCK = "steps"


def to_network(
    structure: ShallowStructure,
    registry: Registry,
    provenance: Provenance | None = None,
    report: Iterable[Diagnostic] = (),
) -> Network:
    """The cards that compute what the structure says.

    Functions that have no card become unknown layers, which are kept and named. Raises
    LayerError where settings contradict themselves.
    """
    composer = Composer(structure, registry)
    network = composer.network()
    origin = provenance or Provenance()
    details = {"name": structure.name, "training": dict(structure.training)}
    return dataclasses.replace(
        network,
        provenance=dataclasses.replace(
            origin,
            class_name=SHALLOW,
            versions={SHALLOW: int(structure.version)} if structure.version.isdigit() else {},
            details={**origin.details, **details},
        ),
        report=(*report, *composer.report),
    )


class Assembly:
    """Layers and the connections between them, as they come."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.pairs: list[tuple[str, str]] = []

    def add(self, layer: Layer, *sources: str) -> str:
        """A layer, fed by these ends in the order of its ports; its name."""
        self.layers.append(layer)
        several = len(layer.inputs) > 1
        ends = [f"{layer.name}/{port}" if several else layer.name for port in layer.inputs]
        self.pairs += zip(sources, ends, strict=False)
        return layer.name

    def network(self, outputs: Iterable[str]) -> Network:
        by_name = {layer.name: layer for layer in self.layers}
        connections = (
            Connection(find_port(by_name, a, "outputs"), find_port(by_name, b, "inputs"))
            for a, b in self.pairs
        )
        ports = tuple(find_port(by_name, name, "outputs") for name in outputs)
        return Network(tuple(self.layers), tuple(connections), SHALLOW, ports)


class Composer:
    """Puts the cards of one structure together."""

    def __init__(self, structure: ShallowStructure, registry: Registry) -> None:
        self.structure = structure
        self.registry = registry
        self.report = Report()
        self.whole = Assembly()
        # What gives each input after its processing, and each layer's output, by number; the
        # sequences that begin with the states of a layer.
        self.entering: dict[int, str] = {}
        self.leaving: dict[int, str] = {}
        self.longer: dict[int, str] = {}

    def network(self) -> Network:
        structure = self.structure
        for number, part in enumerate(structure.inputs, 1):
            self._input(number, part)
        if not structure.inputs:
            ticking = bool(structure.layers)
            self.whole.add(ShallowInput(name=CLOCK, size=0, over_time=True, tells_steps=ticking))
        for group in structure.groups:
            if structure.feeds_itself(group):
                self._loop(group)
            else:
                self._layer(group[0])
        for number, output in enumerate(structure.outputs, 1):
            self._output(number, output)
        return self.whole.network(names.y(k) for k, _ in enumerate(structure.outputs, 1))

    # -- inputs and outputs -----------------------------------------------------------------

    def _input(self, number: int, part: InputPart) -> None:
        structure = self.structure
        entry = ShallowInput(
            name=names.x(number),
            description=part.name,
            size=part.size,
            processed_size=part.processed_size,
            over_time=not structure.is_static,
            feedback_output=part.feedback_output,
            arrays=_range(part),
        )
        end = self.whole.add(entry)
        if structure.is_input_delayed(number):
            depth = structure.num_input_delays
            states = DelayStates(name=names.xi(number), size=part.size, num_delays=depth)
            end = self.whole.add(states, end)
        for place, step in enumerate(part.steps, 1):
            end = self._process(names.step(names.x(number), place), step, end, reverse=False)
        self.entering[number] = end

    def _output(self, number: int, output: OutputPart) -> None:
        end = self.leaving[output.layer]
        for place, step in reversed([*enumerate(output.steps, 1)]):
            end = self._process(names.step(names.y(number), place), step, end, reverse=True)
        card = ShallowOutput(
            name=names.y(number),
            description=output.name,
            layer=output.layer,
            size=output.size,
            feedback_input=output.feedback_input,
            feedback_delay=output.feedback_delay,
            feedback_mode=output.feedback_mode,
        )
        self.whole.add(card, end)

    def _process(self, name: str, step: ProcessStep, source: str, reverse: bool) -> str:
        settings = {**step.settings, "Reverse": np.array([[reverse]])}
        return self.whole.add(self._function(step.function, name, settings), source)

    # -- layers -----------------------------------------------------------------------------

    def _layer(self, number: int) -> None:
        terms = [
            *(self._input_weight(at, weight) for at, weight in self.structure.inputs_of(number)),
            *(self._layer_weight(at, weight) for at, weight in self.structure.layers_of(number)),
        ]
        self.leaving[number] = self._activated(self.whole, number, terms)

    def _input_weight(self, at: Place, weight: WeightPart) -> str:
        source, depth = self.entering[at[1]], self.structure.num_input_delays
        if self.structure.is_input_delayed(at[1]):
            line = TappedDelay(name=names.delays("IW", at), delays=weight.delays, num_delays=depth)
            source = self.whole.add(line, source)
        return self._weighted(self.whole, names.weight("IW", at), weight, source)

    def _layer_weight(self, at: Place, weight: WeightPart) -> str:
        source, depth = self.leaving[at[1]], self.structure.num_layer_delays
        if any(weight.delays):
            line = TappedDelay(name=names.delays("LW", at), delays=weight.delays, num_delays=depth)
            source = self.whole.add(line, self._longer(at[1]))
        return self._weighted(self.whole, names.weight("LW", at), weight, source)

    def _longer(self, number: int) -> str:
        """A layer's output with the states before it."""
        if number not in self.longer:
            size, depth = self.structure.layers[number - 1].size, self.structure.num_layer_delays
            states = DelayStates(name=names.ai(number), size=size, num_delays=depth)
            self.longer[number] = self.whole.add(states, self.leaving[number])
        return self.longer[number]

    def _weighted(self, assembly: Assembly, name: str, weight: WeightPart, source: str) -> str:
        settings = {**weight.parameters, "W": weight.array}
        return assembly.add(self._function(weight.function, name, settings), source)

    def _activated(self, assembly: Assembly, number: int, terms: Sequence[str]) -> str:
        """The net input and the output of a layer, from its weighted inputs."""
        part = self.structure.layers[number - 1]
        terms = terms or [self._nothing(number, part)]
        settings: dict[str, object] = {
            **part.net_input_parameters,
            "NumInputs": np.array([[float(len(terms))]]),
            "HasBias": np.array([[part.bias is not None]]),
            "Description": part.name,
            **({} if part.bias is None else {"b": part.bias}),
        }
        net_input = self._function(part.net_input, names.n(number), settings, len(terms))
        # What computes nothing, for the way back.
        about = {"size": float(part.size), "topology": dict(part.topology)}
        net_input = net_input.replace(training={**net_input.training, **about})
        source = assembly.add(net_input, *terms)
        transfer = self._function(part.transfer, names.a(number), part.transfer_parameters)
        return assembly.add(transfer, source)

    def _nothing(self, number: int, part: LayerPart) -> str:
        neutral = float(part.net_input == "netprod")
        nothing = NoInput(name=f"0{{{number}}}", size=part.size, value=neutral)
        return self.whole.add(nothing, self.whole.layers[0].name)

    def _function(self, function: str, name: str, settings: Settings, ports: int = 1) -> Layer:
        """The card of a function by its name: MATLAB's, the user's, or an unknown one."""
        inputs = ("in",) if ports == 1 else tuple(f"in{i}" for i in range(1, ports + 1))
        card = self.registry.find(function)
        if card is None and function in self.registry.functions:
            python: Any = self.registry.functions[function]
            handle = Handle(function)
            return FunctionLayer(
                name=name, class_name=function, predict_fcn=handle, function=python, ports=inputs
            )
        if card is None:
            return Unknown(name=name, class_name=function, ports=inputs, extra=dict(settings))
        layer, left = read_properties(card, {**settings, "Name": name})
        for unused in left:
            tell_unknown(unused, settings[unused], f"{name} ({function})", self.report)
        return _with_empty(layer, settings)

    # -- layers that feed each other ----------------------------------------------------------

    def _loop(self, group: Sequence[int]) -> None:
        """One loop for these layers; the weights of what comes from outside stand before it."""
        inside = Assembly()
        histories = {
            at[1]
            for number in group
            for at, weight in self.structure.layers_of(number)
            if at[1] in group and any(weight.delays)
        }
        for number in sorted(histories):
            inside.add(self._entry(names.ai(number), self.structure.layers[number - 1].size))
        outside = [end for number in group for end in self._inner_layer(inside, group, number)]
        if not outside:
            # Something must tell how many steps there are.
            entry = self.whole.layers[0]
            assert isinstance(entry, ShallowInput)
            inside.add(entry.replace(name=CLOCK, arrays={}))
            outside.append(entry.name)
        loop = FeedbackLoop.of(
            f"loop{{{','.join(map(str, group))}}}",
            inside.network(names.a(number) for number in group),
            {names.a(number): names.ai(number) for number in sorted(histories)},
            self.structure.num_layer_delays,
        )
        end = self.whole.add(loop, *outside)
        for number in group:
            self.leaving[number] = f"{end}/{names.a(number)}"

    def _inner_layer(self, inside: Assembly, group: Sequence[int], number: int) -> list[str]:
        """The cards of one step of a layer; what enters the loop for it from outside."""
        outside, terms = [], []
        size = self.structure.layers[number - 1].size
        for at, weight in self.structure.inputs_of(number):
            outside.append(self._input_weight(at, weight))
            terms.append(inside.add(self._entry(names.weight("IW", at), size)))
        for at, weight in self.structure.layers_of(number):
            if at[1] in group:
                terms.append(self._inner_weight(inside, at, weight))
            else:
                outside.append(self._layer_weight(at, weight))
                terms.append(inside.add(self._entry(names.weight("LW", at), size)))
        self._activated(inside, number, terms)
        return outside

    def _inner_weight(self, inside: Assembly, at: Place, weight: WeightPart) -> str:
        """LW inside a loop: of the layer's last steps, and of the one at hand if that is read."""
        source, now = names.a(at[1]), 0 in weight.delays
        depth = self.structure.num_layer_delays
        if any(weight.delays):
            source = names.ai(at[1])
            if now:
                size = self.structure.layers[at[1] - 1].size
                name = f"{names.weight('LW', at)}_states"
                longer = DelayStates(name=name, size=size, num_delays=depth, has_state_inputs=True)
                source = inside.add(longer, names.a(at[1]), source)
            line = TappedDelay(
                name=names.delays("LW", at),
                delays=weight.delays,
                num_delays=depth,
                behind=0 if now else 1,
            )
            source = inside.add(line, source)
        return self._weighted(inside, names.weight("LW", at), weight, source)

    def _entry(self, name: str, size: int) -> ShallowInput:
        return ShallowInput(name=name, size=size, processed_size=size, over_time=True)


def _with_empty(layer: Layer, settings: Settings) -> Layer:
    """With the arrays that have no elements: a layer of no neurons has weights all the same."""
    known = {declared.name for declared in layer.declared}
    arrays = {n: a for n, a in settings.items() if n in known and isinstance(a, np.ndarray)}
    empty = {n: a for n, a in arrays.items() if a.size == 0 and a.shape[1]}
    return layer.replace(arrays={**layer.arrays, **empty}) if empty else layer


def _range(part: InputPart) -> dict[str, np.ndarray]:
    """The range of an input as Min and Max, where it is known of each row."""
    if part.range is None or part.range.shape != (part.size, 2) or not part.size:
        return {}
    if not np.isfinite(part.range).all():
        return {}
    return {"Min": part.range[:, :1], "Max": part.range[:, 1:]}
