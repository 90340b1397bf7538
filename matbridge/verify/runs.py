"""A case run in float64, and in float32 in as many orders of the sums as there are engines."""

from __future__ import annotations

from dataclasses import dataclass

from matbridge.core.running import Progress
from matbridge.verify.case import Case, Results

__all__ = ["Runs"]


@dataclass(frozen=True)
class Runs:
    """What comes out in float64 and, once or more, in float32; ``engines`` are those that
    computed it in float32, the first the one that predict takes."""

    exact: Results
    singles: tuple[Results, ...]
    engines: tuple[str, ...]

    @classmethod
    def of(cls, case: Case, progress: Progress | None = None) -> Runs:
        """Raises what Case.run raises."""
        exact = case.run("float64", progress)
        singles, engines = [case.run("float32", progress)], [case.engine("float32")]
        if engines[0].split()[0] != "torch" and not case.steps:
            # PyTorch sums up in another order than onnxruntime or NumPy.
            other = case.replace(options={**case.options, "engine": "torch"})
            singles.append(other.run("float32", progress))
            engines.append("torch")
        return cls(exact, tuple(singles), tuple(engines))
