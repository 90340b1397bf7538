"""In what a case was run: versions, device, engines and types."""

from __future__ import annotations

import platform

from matbridge.verify.case import Case
from matbridge.version import VERSION

__all__ = ["environment_of"]

# Libraries whose arithmetic counts.
LIBRARIES = ("numpy", "torch", "onnxruntime")


def environment_of(case: Case) -> dict[str, str]:
    """What a report tells of our side."""
    device = str(case.options.get("device") or "cpu")
    return {
        "matbridge": VERSION,
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
        "device": device,
        "engine": case.engine("float32") if not case.steps else "numpy",
        "dtype": "float64" if case.double else "float32",
        "system": platform.platform(),
    }


def _version(name: str) -> str:
    # It takes longer to load than a file does to open, and only reports ask.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
