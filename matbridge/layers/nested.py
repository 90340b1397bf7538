"""Layers that hold a network; core.nesting takes them apart when a network is put together."""

from __future__ import annotations

from typing import Any

from matbridge.core.card import prop
from matbridge.core.kinds import any_value, numbers
from matbridge.core.nesting import HoldsNetwork
from matbridge.layers.notyet import NotYet
from matbridge.ops import Ops, Parameters, Value

__all__ = ["NetworkLayer", "NeuralODE", "ProjectedLayer"]


class NetworkLayer(HoldsNetwork):
    """networkLayer: a network in place of a layer. Ports in, or in1, in2, ...; outputs alike."""

    MATLAB = ("nnet.cnn.layer.NetworkLayer",)
    BUILDER = "networkLayer"
    NICKNAME = "subnet"
    SINCE = "R2024a"

    # A Network; while a file is read, still the saved object.
    network: Any = prop("Network", any_value, arg=1)

    def forward(self, ops: Ops, p: Parameters, *inputs: Value) -> Value:
        raise AssertionError("a network layer is taken apart before anything runs")

    @property
    def inner(self) -> Any:
        return self.network


class ProjectedLayer(NetworkLayer):
    """The layer that compressNetworkUsingProjection puts in place of another: its network of
    projections and the smaller operation between them."""

    MATLAB = ("nnet.cnn.layer.ProjectedLayer",)
    BUILDER = "ProjectedLayer"
    NICKNAME = "projected"
    SINCE = "R2023b"
    TRAINING = (
        "OriginalClass",
        "LearnablesReduction",
        "InputProjectorSize",
        "OutputProjectorSize",
        "ExplainedVariance",
    )


class NeuralODE(NotYet):
    """neuralODELayer: the solution of y' = Network(t, y) over TimeInterval."""

    MATLAB = ("nnet.cnn.layer.NeuralODELayer",)
    BUILDER = "neuralODELayer"
    NICKNAME = "ode"
    SINCE = "R2023b"
    REASON = (
        "MATLAB solves it with steps that its solver chooses, by rules that are not public, "
        "to a relative tolerance of 1e-3: any other solver's result differs by as much"
    )

    network: Any = prop("Network", any_value, arg=1)
    time_interval: tuple[float, ...] = prop("TimeInterval", numbers, arg=2)
