"""The value at every port of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from matbridge.core.network import Network, Port
from matbridge.ops import Value
from matbridge.torch.module import NetworkModule, align_batch_first, as_dtype

__all__ = ["Trace", "TracedModule", "trace"]

# Values batch first, by the name of their port.
Trace = dict[str, np.ndarray]


@dataclass
class Labels:
    """The order of dimensions of each value in the last run. An object of its own: torch puts
    back what the attributes of a module were before it was traced."""

    dims: list[str] = field(default_factory=list)


class TracedModule(NetworkModule):
    """A module whose outputs are followed by the value at every port of ``ports``.

    Those are as they came; ``labels`` tells the order of their dimensions.
    """

    def __init__(self, network: Network, dtype: torch.dtype) -> None:
        super().__init__(network, dtype)
        self.ports = [Port(layer.name, name) for layer in network.layers for name in layer.outputs]
        self.labels = Labels()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        values = self.every_value(inputs)
        count = len(self.network.outputs)
        self.labels.dims = [value.dims for value in values[count:]]
        return (*self.outputs(values[:count]), *(value.data for value in values[count:]))

    def every_value(self, inputs: Sequence[Tensor]) -> list[Value]:
        """The values at the outputs, then those at the ports."""
        wanted = [*self.network.outputs, *self.ports]
        return self.walk(self.ops(), self.entered(inputs), {}, wanted)[0]


def trace(network: Network, inputs: Sequence[np.ndarray], dtype: str) -> Trace:
    """Run the network on arrays, batch first: the value at each port, batch first.

    Raises UnsupportedError for a network that cannot run.
    """
    module = TracedModule(network, as_dtype(dtype))
    with torch.inference_mode():
        tensors = [torch.from_numpy(array).to(module.dtype) for array in inputs]
        values = module.every_value(tensors)[len(network.outputs) :]
        aligned = [align_batch_first(module.ops(), value).numpy() for value in values]
    return {str(port): array for port, array in zip(module.ports, aligned, strict=True)}
