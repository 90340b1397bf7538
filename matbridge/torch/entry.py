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
<<<<<<< HEAD
=======


def _check_size(name: str, x: Value, wanted: Size | None) -> None:
    shape = tuple(x.data.shape)
    # A network without inputs takes as many steps as data without rows have.
    if 0 in without_batch(x.dims, shape) and (wanted is None or 0 not in wanted.sizes):
        raise MismatchError(f"the input is empty: {_shape(x.data)}", where=name)
    if wanted is None or _fits(x.dims, shape, wanted):
        return
    raise MismatchError(
        f"an input of size {_shape(x.data)} does not fit {wanted}",
        where=name,
        mend=_slip(x.dims, shape, wanted),
    )


def without_batch(dims: str, shape: tuple[int, ...]) -> list[int]:
    """The sizes but the number of observations."""
    return [n for label, n in zip(dims, shape, strict=True) if label != "B"]


def _fits(dims: str, shape: tuple[int, ...], wanted: Size) -> bool:
    at_hand = Size.measured(dims, shape)
    pairs = zip(at_hand.sizes, wanted.sizes, strict=True)
    return at_hand.format == wanted.format and all(w in (None, n) for n, w in pairs)


def _slip(dims: str, shape: tuple[int, ...], wanted: Size) -> str:
    """What to give, with the usual slips recognised: channels last, MATLAB's own order."""
    for order in (without(dims, "C") + "C", "T" + without(dims, "T"), canonical(dims)):
        if sorted(order) == sorted(dims) and _fits(order, shape, wanted):
            axes = ", ".join(map(str, permutation(order, dims)))
            return f"It looks like {_shown(order)}: give {_shown(dims)}, x.permute({axes})."
    return f"Give {_shown(dims)}."


def _shown(dims: str) -> str:
    spatial = iter("HWD")
    return "×".join(next(spatial) if label == "S" else NAMES[label] for label in dims)


def _shape(x: Tensor) -> str:
    return "×".join(map(str, x.shape)) or "a single number"
>>>>>>> 082a296 (Network objects are read as cards: delays as states, feedback as a loop, in torch, ONNX and programs)
