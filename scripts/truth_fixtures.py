"""Make fixtures of every case of truth.json, and verify each at the command line.

    python scripts/truth_fixtures.py CORPUS [-o FOLDER] [--only ID]

Prints a row for each fixture, and exits with 1 unless what MATLAB recorded verifies as identical
or rounding and what training data decide reaches the figure that is known. The fixtures are
written under a temporary folder unless another is named.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from truth_cases import RECORDED, STEPPED, TRAINED, UNSAID, Told, told, truth_of  # noqa: E402

from matbridge.cli import run  # noqa: E402
from matbridge.verify.fixtures.write import write_fixture  # noqa: E402

__all__ = ["Outcome", "main", "outcomes"]

# The verdicts that count for each kind of case.
PASSED = ("identical", "rounding")
GOOD = {RECORDED: PASSED, TRAINED: (*PASSED, "close"), STEPPED: (*PASSED, "close")}


@dataclass(frozen=True)
class Outcome:
    """What became of a fixture, or why there is none."""

    id: str
    kind: str
    verdict: str
    said: str
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        return self.kind not in GOOD or self.verdict in GOOD[self.kind]


def outcomes(corpus: Path, folder: Path, only: str = "") -> Iterator[Outcome]:
    """The outcome of each fixture of each case, written into the folder."""
    for truth in truth_of(corpus):
        if only not in ("", truth.id):
            continue
        if truth.id in UNSAID:
            yield Outcome(truth.id, "unsaid", "", UNSAID[truth.id])
        for number, one in enumerate(told(truth), 1):
            yield verified(one, folder / f"{truth.id}-{number}.mat")


def verified(one: Told, path: Path) -> Outcome:
    """One fixture written, and verified as a user would."""
    start = time.perf_counter()
    whole = not one.case.network.provenance.address
    write_fixture(path, one.case, force=True, network=whole)
    words = [path] if whole else [one.path, "--fixture", path]
    words += [] if whole else ["--network", one.case.network.provenance.address]
    words += ["--atol", one.atol] if one.atol else []
    document = told_by(["verify", *words, "--no-diagnosis", "--json"])
    said = document.get("sentence") or document.get("error", {}).get("what", "")
    return Outcome(
        one.id, one.kind, document.get("verdict", "error"), said, time.perf_counter() - start
    )


def told_by(words: list[Any]) -> dict[str, Any]:
    """What the command line prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        run([str(word) for word in words])
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="a folder for the fixtures")
    parser.add_argument("--only", default="", metavar="ID", help="one case")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.output or Path(temporary)
        folder.mkdir(exist_ok=True)
        rows = []
        for row in outcomes(arguments.corpus, folder, arguments.only):
            rows.append(row)
            mark = " " if row.good else "!"
            print(
                f"{mark} {row.id:26} {row.kind:9} {row.verdict:10} {row.seconds:5.1f}s {row.said}"
            )
    bad = [row for row in rows if not row.good]
    print(f"{len(rows)} in all, {len(bad)} that do not verify")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
