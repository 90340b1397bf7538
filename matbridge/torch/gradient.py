"""Which learnable arrays a result depends on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from matbridge.core.network import Network
from matbridge.torch.module import NetworkModule

__all__ = ["idle_learnables"]


def idle_learnables(network: Network, inputs: Sequence[np.ndarray]) -> tuple[str, ...]:
    """Names of the parameters on which the first output does not depend, batch first inputs."""
    module = NetworkModule(network, torch.float64)
    result = module(*(torch.tensor(x, dtype=torch.float64) for x in inputs))
    first = (result[0] if isinstance(result, tuple) else result).reshape(-1)
    if first.requires_grad:
        (first * torch.linspace(0.5, 1.5, first.numel(), dtype=first.dtype)).sum().backward()
    named = module.named_parameters()
    return tuple(name for name, value in named if value.grad is None or not value.grad.any())
