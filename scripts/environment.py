"""A virtual environment of the project's own, with nothing but Python's standard library."""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def say(text):
    print(f"==> {text}", flush=True)


def run(*command, **options):
    """Show a command and run it; its exit code."""
    shown = [str(part).replace(str(ROOT) + os.sep, "") for part in command]
    say(" ".join(shown))
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, check=False, **options
    ).returncode


def prepare(extras=""):
    """Make the environment and install matbridge with what constraints.txt pins."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"matbridge needs Python 3.11 to 3.13; this is {sys.version.split()[0]}")
    if not PYTHON.exists():
        say(f"making a virtual environment in {FOLDER.name}")
        venv.create(FOLDER, with_pip=True)
    say("installing matbridge and what it needs (PyTorch is large: this can take minutes)")
    install = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if run(*install, "-c", "constraints.txt", "-e", f".{extras}"):
        sys.exit("the installation failed; what pip said stands above")
    return PYTHON
