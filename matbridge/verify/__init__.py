"""A case and its verdict."""

from __future__ import annotations

from matbridge.verify.judge import Limits, verify_case

__all__ = ["Limits", "verify_case"]
