"""What comes into a module is checked here, once for each shape, before any kernel sees it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from matbridge.core.dims import batch_first, check_labels
from matbridge.core.entry import shown, shown_shape
from matbridge.core.network import Network
from matbridge.errors import MismatchError

__all__ = ["check_tensor", "entry_dims", "memory_of"]


def entry_dims(network: Network, format: str | Sequence[str] | None = None) -> dict[str, str]:
    """The dims in which each input enters, batch first.

    ``format`` tells those of inputs without an input layer; else they are features.
    """
    names = network.input_names
    formats = [format or ""] * len(names) if isinstance(format, str | None) else list(format)
    if len(formats) != len(names):
        raise MismatchError(f"{len(formats)} formats were given for {len(names)} inputs")
    entries = {}
    for name, labels in zip(names, formats, strict=True):
        labels = check_labels(labels.upper() or "CB")
        labels = labels if "B" in labels else labels + "B"
        layer = network.input_layers.get(name)
        entries[name] = batch_first(layer.format if layer else labels)
    return entries


def check_tensor(name: str, x: Tensor, dims: str, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse what is no tensor of this many dimensions, this precision and this device."""
    if not isinstance(x, Tensor):
        raise MismatchError(
            f"the input is {type(x).__name__}, not a tensor",
            where=name,
            mend="Use torch.from_numpy(x), or network.predict for MATLAB's layout.",
        )
    if x.ndim != len(dims):
        missing = " A dimension for the observations is missing: x[None]."
        raise MismatchError(
            f"the input has {x.ndim} dimensions, {shown_shape(tuple(x.shape))}",
            where=name,
            mend=f"Give {shown(dims)}.{missing if x.ndim == len(dims) - 1 else ''}",
        )
    if x.is_floating_point() and x.dtype != dtype and not torch.is_autocast_enabled(device.type):
        ours = str(dtype).removeprefix("torch.")
        raise MismatchError(
            f"the input is {x.dtype}, the module {dtype}",
            where=name,
            mend=f"Give x.to(torch.{ours}), or make the module with to_torch(dtype=...).",
        )
    if x.device != device:
        raise MismatchError(
            f"the input is on {x.device}, the module on {device}",
            where=name,
            mend="Move one of them with .to(device).",
        )


def memory_of(device: torch.device) -> int | None:
    """What an accelerator has; None for the machine's own memory."""
    if device.type != "cuda":
        return None
    return int(torch.cuda.get_device_properties(device).total_memory)
