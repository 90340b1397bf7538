"""What comparing a written network with the one that it was made from gave."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

__all__ = ["Check", "Loss"]


@dataclass(frozen=True)
class Loss:
    """What one output loses in fewer bits.

    ``max_rel`` is the largest difference as a share of the largest value, ``snr`` the signal to
    noise ratio in decibels, infinite where nothing is lost. Of ``decided`` scores ``same`` have
    their maximum at the same class; there are none without classes.
    """

    output: str
    max_rel: float
    snr: float
    same: int = 0
    decided: int = 0

    def __str__(self) -> str:
        text = (
            f"{self.output}: at most {self.max_rel:.2g} of the largest value, SNR {self.snr:.1f} dB"
        )
        if not self.decided:
            return text
        return f"{text}, the same class {self.same:,} times of {self.decided:,}"


@dataclass(frozen=True)
class Check:
    """How far what was written agrees with the network.

    ``max_abs`` and ``max_rel`` are the largest difference at the outputs, absolute and as a
    share of the largest value there. ``used`` is the largest difference at any of ``ports``,
    as a share of what rounding allows there, and ``where`` the port of it. ``lost`` values are
    NaN or infinite because training diverged, and were not compared. Where nothing could be
    compared ``ports`` is 0 and ``note`` says why; it also says so where that holds for the
    outputs alone. Where bits were taken away ``losses`` tell what that costs at each output,
    and ``on`` what data.
    """

    ports: int = 0
    elements: int = 0
    max_abs: float = 0.0
    max_rel: float = 0.0
    used: float = 0.0
    where: str = ""
    lost: int = 0
    note: str = ""
    losses: tuple[Loss, ...] = ()
    on: str = ""

    def as_dict(self) -> dict[str, object]:
        if self.losses:
            losses = [dataclasses.asdict(loss) for loss in self.losses]
            return {"verdict": "measured", "on": self.on, "losses": losses}
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
