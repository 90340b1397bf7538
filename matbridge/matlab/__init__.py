"""MATLAB's own languages, and its constructors by name.

The constructors (``from matbridge.matlab import lstmLayer``) are loaded when first asked
for, so that reading a file does not pay for them.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any


def _constructors() -> ModuleType:
    return importlib.import_module("matbridge.matlab.constructors")


def __getattr__(name: str) -> Any:
    return getattr(_constructors(), name)


def __dir__() -> list[str]:
    return dir(_constructors())
