"""The engines by name: what may compute for a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from matbridge.core.engine import Engine
from matbridge.core.network import Network
from matbridge.errors import MismatchError

if TYPE_CHECKING:
    import torch

__all__ = ["ENGINES", "open_engine"]


def _torch(
    network: Network, device: torch.device | str, dtype: torch.dtype | str, allow_tf32: bool
) -> Engine:
    from matbridge.torch.engine import TorchEngine

    return TorchEngine(network, device, dtype, allow_tf32)


ENGINES: dict[str, Callable[[Network, torch.device | str, torch.dtype | str, bool], Engine]] = {
    "torch": _torch
}


def open_engine(
    name: str,
    network: Network,
    device: torch.device | str,
    dtype: torch.dtype | str,
    allow_tf32: bool = False,
) -> Engine:
    """The engine of this name with the network; MismatchError if there is none."""
    if name not in ENGINES:
        raise MismatchError(f"there is no engine {name!r}", mend=f"Use {' or '.join(ENGINES)}.")
    return ENGINES[name](network, device, dtype, allow_tf32)
