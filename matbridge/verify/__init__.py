"""A case, its verdict, and why it differs."""

from __future__ import annotations

from matbridge.verify.case import Case
from matbridge.verify.diagnose import diagnose
from matbridge.verify.judge import verify_case
from matbridge.verify.values import Limits

__all__ = ["Case", "Limits", "diagnose", "verify_case"]
