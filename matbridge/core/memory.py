"""What a run needs at the least, told before it begins."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from matbridge.core.card import Layer
from matbridge.core.dims import Size
from matbridge.core.graph import Port
from matbridge.core.network import Network
from matbridge.errors import MatbridgeError, MismatchError

__all__ = ["available_memory", "check_memory"]

# So many bytes are there without asking.
NEVER_SHORT = 1 << 28


def check_memory(
    network: Network,
    sizes: Mapping[Port, Size | MatbridgeError],
    itemsize: int,
    available: int | None = None,
) -> None:
    """Refuse values at the ports that no memory of this machine holds.

    ``sizes`` as Network.infer tells them; what is not known counts as 1. The estimate is the
    largest sum of what enters and leaves one layer, which must be there at the same time.
    ``available`` is in bytes, by default :func:`available_memory`. Raises MismatchError.
    """
    needs = {layer.name: _need(network, layer, sizes) for layer in network.layers}
    name = max(needs, key=needs.__getitem__, default="")
    need = itemsize * needs.get(name, 0)
    if need < NEVER_SHORT:
        return
    limit = available_memory() if available is None else available
    if limit is not None and need > limit:
        raise MismatchError(
            f"this layer alone would need {need / 1e9:,.1f} GB, {limit / 1e9:,.1f} GB are there",
            where=name,
            mend="Give fewer or smaller observations at once, or check its properties.",
        )


def _need(network: Network, layer: Layer, sizes: Mapping[Port, Size | MatbridgeError]) -> int:
    """The elements of what enters and leaves a layer."""
    outputs = [Port(layer.name, name) for name in layer.outputs]
    inputs = [network.graph.sources.get(Port(layer.name, name)) for name in layer.inputs]
    ports = {port for port in (*outputs, *inputs) if port is not None}
    return sum(_elements(sizes.get(port)) for port in ports)


def _elements(size: Size | MatbridgeError | None) -> int:
    if not isinstance(size, Size):
        return 0
    return math.prod(1 if n is None else n for n in size.sizes)


def available_memory() -> int | None:
    """Bytes that this process may take, as far as the system tells; None where it does not."""
    limits = [read() for read in (_free_on_linux, _limit_of_group, _installed)]
    return min((n for n in limits if n is not None), default=None)


def _free_on_linux() -> int | None:
    text = _text("/proc/meminfo")
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    words = lines.get("MemAvailable", "").split()
    return int(words[0]) << 10 if words and words[0].isdigit() else None


def _limit_of_group() -> int | None:
    """What a container may take."""
    text = _text("/sys/fs/cgroup/memory.max").strip()
    return int(text) if text.isdigit() else None


def _installed() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
