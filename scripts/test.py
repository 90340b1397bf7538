"""Set up, then pass the tests: python scripts/test.py

Makes a virtual environment in .venv, installs matbridge with what its tests need, and runs
the linter, the type checker and all tests. More arguments go to pytest.
"""

import os
import sys

from environment import prepare, run


def main():
    python = prepare("[dev]")
    workers = str(min(os.cpu_count() or 1, 8))
    steps = [
        [python, "-m", "ruff", "check", "."],
        [python, "-m", "ruff", "format", "--check", "."],
        [python, "-m", "mypy"],
        [python, "-m", "pytest", "-n", workers, *sys.argv[1:]],
    ]
    failed = [step[2] for step in steps if run(*step)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
    print("==> all passed")


if __name__ == "__main__":
    main()
