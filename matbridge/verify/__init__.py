"""Two results compared, and the verdict."""

from __future__ import annotations

from matbridge.verify.compare import Comparison, compare

__all__ = ["Comparison", "compare"]
