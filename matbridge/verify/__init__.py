"""A case and its verdict; why it differs tells verify.diagnose."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matbridge.verify.case import Case
    from matbridge.verify.judge import verify_case
    from matbridge.verify.values import Limits

# Where each name is at home: who only asks for a judgement does not load what runs networks.
HOMES = {
    "Case": "matbridge.verify.case",
    "Limits": "matbridge.verify.values",
    "verify_case": "matbridge.verify.judge",
}

__all__ = ["Case", "Limits", "verify_case"]


def __getattr__(name: str) -> object:
    if name in HOMES:
        return getattr(importlib.import_module(HOMES[name]), name)
    raise AttributeError(f"module 'matbridge.verify' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
