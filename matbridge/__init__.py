"""matbridge opens neural networks that MATLAB saved, without MATLAB.

import matbridge
network = matbridge.load("net.mat")
scores = network.predict(image)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from matbridge.version import VERSION as __version__

if TYPE_CHECKING:
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
    from matbridge.languages import convert, load
    from matbridge.layers.plain import TorchLayer
    from matbridge.predict.session import Session
    from matbridge.verify.fixtures.read import read_fixture
    from matbridge.verify.fixtures.record import record

# Where each name is at home; its module is opened when it is asked for.
HOMES = {
    "FormatError": "matbridge.errors",
    "Layer": "matbridge.core.card",
    "LayerError": "matbridge.errors",
    "MatbridgeError": "matbridge.errors",
    "MismatchError": "matbridge.errors",
    "Network": "matbridge.core.network",
    "Registry": "matbridge.core.registry",
    "Session": "matbridge.predict.session",
    "TorchLayer": "matbridge.layers.plain",
    "UnsupportedError": "matbridge.errors",
    "convert": "matbridge.languages",
    "load": "matbridge.languages",
    "read_fixture": "matbridge.verify.fixtures.read",
    "record": "matbridge.verify.fixtures.record",
}

__all__ = [
    "FormatError",
    "Layer",
    "LayerError",
    "MatbridgeError",
    "MismatchError",
    "Network",
    "Registry",
    "Session",
    "TorchLayer",
    "UnsupportedError",
    "__version__",
    "convert",
    "load",
    "read_fixture",
    "record",
]


def __getattr__(name: str) -> object:
    if name in HOMES:
        return getattr(importlib.import_module(HOMES[name]), name)
    raise AttributeError(f"module 'matbridge' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
