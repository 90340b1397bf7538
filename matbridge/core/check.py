"""What comparing a written network with the one that it was made from gave."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """How far what was written agrees with the network.

    ``max_abs`` and ``max_rel`` are the largest difference at the outputs, absolute and as a
    share of the largest value there. ``used`` is the largest difference at any of ``ports``,
    as a share of what rounding allows there, and ``where`` the port of it. ``lost`` values are
    NaN or infinite because training diverged, and were not compared. Where nothing could be
    compared ``ports`` is 0 and ``note`` says why; it also says so where that holds for the
    outputs alone.
    """

    ports: int = 0
    elements: int = 0
    max_abs: float = 0.0
    max_rel: float = 0.0
    used: float = 0.0
    where: str = ""
    lost: int = 0
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        if not self.ports:
            return {"note": self.note}
        return {
            "verdict": "not verified" if self.note else "agree",
            "ports": self.ports,
            "elements": self.elements,
            "max_abs": self.max_abs,
            "max_rel": self.max_rel,
            "share_of_allowed": self.used,
            "at": self.where,
            "not_finite": self.lost,
            **({"note": self.note} if self.note else {}),
        }
