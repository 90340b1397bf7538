"""matbridge opens neural networks that MATLAB saved, without MATLAB.

import matbridge
network = matbridge.load("net.mat")
scores = network.predict(image)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matbridge.core.card import Layer
from matbridge.core.network import Network
from matbridge.core.registry import Registry
from matbridge.errors import (
    FormatError,
    LayerError,
    MatbridgeError,
    MismatchError,
    UnsupportedError,
)
from matbridge.version import VERSION as __version__

if TYPE_CHECKING:
    from matbridge.matlab.contents import load
    from matbridge.predict.session import Session

__all__ = [
    "FormatError",
    "Layer",
    "LayerError",
    "MatbridgeError",
    "MismatchError",
    "Network",
    "Registry",
    "Session",
    "UnsupportedError",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "load":
        from matbridge.matlab.contents import load

        return load
    if name == "Session":
        from matbridge.predict.session import Session

        return Session
    raise AttributeError(f"module 'matbridge' has no attribute {name!r}")
