"""How long it takes to begin, against what is needed in any case.

    python benchmarks/startup.py

Each is a fresh interpreter, by turns; the best of several runs, as ratios in one run count.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = str(ROOT / "fixtures" / "cnn.mat")
REPEATS = 7

STARTS = {
    "python alone": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import matbridge": ["-c", "import matbridge"],
    "... and its names": ["-c", "import matbridge; matbridge.load, matbridge.Network"],
    "import mat-io": ["-c", "import matio"],
    "matbridge.load": ["-c", f"import matbridge; matbridge.load({FILE!r})"],
    "matbridge --version": ["-m", "matbridge", "--version"],
    "matbridge --help": ["-m", "matbridge", "--help"],
    "matbridge inspect": ["-m", "matbridge", "inspect", FILE],
}


def main():
    best = dict.fromkeys(STARTS, float("inf"))
    for _ in range(REPEATS):
        for name, arguments in STARTS.items():
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
            )
            best[name] = min(best[name], time.perf_counter() - start)
    python, numpy = best["python alone"], best["import numpy"]
    for name, seconds in best.items():
        print(
            f"{name:22} {seconds * 1e3:7.0f} ms   ×{seconds / python:5.1f} of python alone"
            f"   {(seconds - numpy) * 1e3:+7.0f} ms against numpy"
        )


if __name__ == "__main__":
    main()
