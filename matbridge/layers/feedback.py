"""Layers that feed each other with delays: a step of theirs, run over time."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Mapping, Sequence

import numpy as np

from matbridge.core.card import RECORDED, Array, Layer, prop, state
from matbridge.core.dims import Size
from matbridge.core.graph import Connection, Port
from matbridge.core.kinds import Kind, positive
from matbridge.core.network import Network
from matbridge.errors import LayerError, MatbridgeError
from matbridge.layers.delays import DelayStates, ShallowInput, TappedDelay
from matbridge.layers.transfer import TRANSFER
from matbridge.layers.weighting import NET_INPUT, WEIGHTING
from matbridge.ops import Backend, Ops, Parameters, Value

__all__ = ["FeedbackLoop", "Step"]

# The cards of which a step may consist, by their class.
CARDS: Mapping[str, type[Layer]] = {
    **{card.MATLAB[0]: card for card in (ShallowInput, DelayStates, TappedDelay)},
    **TRANSFER,
    **WEIGHTING,
    **NET_INPUT,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """One time step of layers that feed each other, without their arrays.

    ``network`` computes it: its outputs are those of the layers; those that are fed back come
    in again, the last ``num_delays`` steps of each, by the input of the name in ``fed_back``.
    """

    network: Network
    fed_back: Mapping[str, str]
    num_delays: int


def _to_saved(step: Step) -> str:
    return json.dumps(
        {
            "layers": [_card_to_json(layer) for layer in step.network.layers],
            "connections": [
                [c.source.layer, c.source.name, c.destination.layer, c.destination.name]
                for c in step.network.connections
            ],
            "outputs": [[port.layer, port.name] for port in step.network.outputs],
            "fed back": dict(step.fed_back),
            "delays": step.num_delays,
        }
    )


def _card_to_json(layer: Layer) -> dict[str, object]:
    known = layer.properties().items()
    properties = {own.name: own.kind.to_json(getattr(layer, field)) for field, own in known}
    # What else was saved of a layer's net input: its size, and an empty topology.
    training = {name: value for name, value in layer.training.items() if _is_plain(value)}
    named = {"name": layer.name, "description": layer.description, "training": training}
    return {"class": layer.MATLAB[0], **named, "properties": properties}


def _is_plain(value: object) -> bool:
    return value == {} or type(value) in (bool, int, float, str)


def _from_saved(value: object) -> Step:
    if isinstance(value, Step):
        return value
    if not isinstance(value, str):
        raise ValueError(f"a step is text, not {type(value).__name__}")
    try:
        parts = json.loads(value)
        layers = tuple(map(_card_from_json, parts["layers"]))
        ends = [Connection(Port(a, b), Port(c, d)) for a, b, c, d in parts["connections"]]
        outputs = tuple(Port(layer, name) for layer, name in parts["outputs"])
        network = Network(layers, tuple(ends), "network", outputs)
        fed_back = {str(name): str(entry) for name, entry in parts["fed back"].items()}
    except (MatbridgeError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"the step is damaged: {error}") from None
    names = set(network.output_names), set(network.input_names)
    if not (set(fed_back) <= names[0] and set(fed_back.values()) <= names[1]):
        raise ValueError("the step is damaged: it feeds back what is not there")
    return Step(network, fed_back, positive(parts["delays"]))


def _card_from_json(written: Mapping[str, object]) -> Layer:
    card = CARDS[str(written["class"])]
    values = written["properties"]
    if not isinstance(values, dict):
        raise ValueError("a layer has no properties")
    fields = {
        field: known.kind.from_json(values[known.name])
        for field, known in card.properties().items()
        if known.name in values
    }
    training = written.get("training", {})
    if not isinstance(training, dict) or not all(map(_is_plain, training.values())):
        raise ValueError("what a layer was trained with is damaged")
    name, description = str(written["name"]), str(written.get("description", ""))
    return card(name=name, description=description, training=training, **fields)


class StepKind(Kind[Step]):
    """A step, shown as the functions of which it consists."""

    def show(self, value: Step) -> str:
        layers = (layer for layer in value.network.layers if not layer.IS_INPUT)
        return ", ".join(f"{layer.type_name} {layer.name}" for layer in layers)


STEP = StepKind(_from_saved, _to_saved)


class FeedbackLoop(Layer):
    """Layers whose outputs come back to them with delays, one time step after the other.

    Inputs are what comes from outside, outputs the sequences that the layers give. The arrays
    are those of the layers of Step, under their names with the layer's behind (W_LW_2_1, b_n_2);
    a state holds the last steps of each layer that is fed back, zero where nothing is given.
    """

    MATLAB = ("network.FeedbackLoop",)
    NICKNAME = "feedback"
    SINCE = "before R2006a"
    EVIDENCE = RECORDED
    FORMATS = "CBT"

    step: Step = prop("Step", STEP, arg=1)

    @classmethod
    def of(
        cls, name: str, network: Network, fed_back: Mapping[str, str], num_delays: int
    ) -> FeedbackLoop:
        """The loop over a step that ``network`` computes with the arrays of its layers."""
        bare = network.with_layers(*(layer.replace(arrays={}) for layer in network.layers))
        loop = cls(name=name, step=Step(bare, fed_back, num_delays))
        arrays = {
            place: network[layer.name].arrays[array.name]
            for place, (layer, array) in loop._places.items()
            if array.name in network[layer.name].arrays
        }
        return loop.replace(arrays=arrays)

    @functools.cached_property
    def _places(self) -> dict[str, tuple[Layer, Array]]:
        """The layer of the step and its array, for each array."""
        return {
            _plain(f"{array.name}_{layer.name}"): (layer, array)
            for layer in self.step.network.layers
            for array in layer.declared
            if not layer.IS_INPUT
        }

    @functools.cached_property
    def declared(self) -> tuple[Array, ...]:
        own = (
            # Symbols of several layers are several.
            dataclasses.replace(array, name=name, sizes=_symbols(array, name))
            for name, (_, array) in self._places.items()
        )
        return (*own, *(self._state(name) for name in self.step.fed_back.values()))

    def _state(self, entry: str) -> Array:
        rows = self.step.network.input_layers[entry].entering["C"]
        return state(
            _plain(entry), str(rows), "Observations", str(self.step.num_delays), dims="CBT"
        )

    @functools.cached_property
    def inner(self) -> Network:
        """The network of the step with its arrays."""
        own: dict[str, dict[str, np.ndarray]] = {}
        for name, (layer, array) in self._places.items():
            if name in self.arrays:
                own.setdefault(layer.name, {})[array.name] = self.arrays[name]
        layers = (self.step.network[name].replace(arrays=arrays) for name, arrays in own.items())
        return self.step.network.with_layers(*layers)

    @property
    def _histories(self) -> tuple[str, ...]:
        return tuple(self.step.fed_back.values())

    @property
    def inputs(self) -> tuple[str, ...]:
        histories = self._histories
        return tuple(name for name in self.step.network.input_names if name not in histories)

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.step.network.output_names

    def inferred(self, *inputs: Size) -> tuple[Size, ...]:
        # The layers of the step look at their arrays themselves.
        return self.infer(*inputs)

    def infer(self, *inputs: Size) -> tuple[Size, ...]:
        layers = self.step.network.input_layers
        sizes = {name: x.put(T=1) for name, x in zip(self.inputs, inputs, strict=True)}
        for name, x in zip(self.inputs, inputs, strict=True):
            self.need(x, "CT")
            self.expect(x["C"], layers[name].entering["C"], f"rows at {name}", x)
        for name in self._histories:
            sizes[name] = layers[name].entering.put(T=self.step.num_delays)
        inferred = self.inner.infer(**sizes)
        results = []
        for port in self.step.network.outputs:
            size = inferred[port]
            if isinstance(size, MatbridgeError):
                raise size
            results.append(size.put(T=inputs[0]["T"]))
        return tuple(results)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> tuple[Value, ...]:
        arrays: dict[str, dict[str, Value]] = {layer.name: {} for layer in self.step.network}
        for name, (layer, array) in self._places.items():
            arrays[layer.name][array.name] = p[name]
        step = functools.partial(self._walk, arrays)
        states = [p[_plain(name)] for name in self._histories]
        results, last = ops.loop(step, states, inputs)
        p.update(**{_plain(n): state for n, state in zip(self._histories, last, strict=True)})
        return tuple(results)

    def _walk(
        self,
        arrays: Mapping[str, Mapping[str, Value]],
        backend: Backend,
        states: Sequence[Value],
        inputs: Sequence[Value],
    ) -> tuple[list[Value], list[Value]]:
        """The states after a step, and what its layers give."""
        ops, network = Ops(backend), self.step.network
        before = dict(zip(self._histories, states, strict=True))
        entering = {**before, **dict(zip(self.inputs, inputs, strict=True))}
        values = network.walk(ops, entering, lambda layer: Held(arrays[layer.name]))
        named = dict(zip(network.output_names, values, strict=True))
        after = [
            ops.concatenate([ops.slice(before[entry], "T", 1), named[name]], "T")
            for name, entry in self.step.fed_back.items()
        ]
        return after, values


class Held(dict[str, Value]):
    """The arrays of a layer inside a step, which has no state of its own."""

    def update(self, **states: Value) -> None:  # type: ignore[override]
        raise LayerError("a layer inside a step keeps a state")


def _symbols(array: Array, name: str) -> tuple[str, ...]:
    return tuple(size if size.isdigit() else f"{name}_{size}" for size in array.sizes)


def _plain(name: str) -> str:
    """LW{2,1} as LW_2_1, which is an identifier everywhere."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
