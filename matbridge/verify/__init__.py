"""A case, its verdict, and why it differs."""

from __future__ import annotations

from matbridge.verify.diagnose import diagnose
from matbridge.verify.judge import Limits, verify_case

__all__ = ["Limits", "diagnose", "verify_case"]
