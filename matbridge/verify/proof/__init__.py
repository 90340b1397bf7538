"""Proof found where it lies: in the workspace that was saved beside a network."""

from __future__ import annotations

from matbridge.verify.proof.outcome import Agreement, NetworkSearch, Search
from matbridge.verify.proof.search import TIME_LIMIT, search
from matbridge.verify.proof.workspace import Workspace

__all__ = ["TIME_LIMIT", "Agreement", "NetworkSearch", "Search", "Workspace", "search"]
