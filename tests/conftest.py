"""Where the files are. Tests over the corpus run where it is and skip elsewhere."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "scripts")]

FIXTURES = ROOT / "fixtures"
CORPUS = Path(os.environ.get("MATBRIDGE_CORPUS", ROOT.parent / "shared" / "corpus"))

# One thread for each worker: tests are small, and workers run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def fixtures():
    return FIXTURES


@pytest.fixture(scope="session")
def corpus():
    if not (CORPUS / "truth.json").is_file():
        pytest.skip("the corpus is not here (MATBRIDGE_CORPUS names its folder)")
    return CORPUS


@pytest.fixture
def octave(tmp_path):
    """GNU Octave with the kit for MATLAB, in an empty folder; see in_octave.py."""
    from in_octave import find

    return find(tmp_path)


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capsys, in_folder, monkeypatch):
    """Run a command in an empty folder; (exit code, stdout, stderr)."""
    from matbridge.cli import run

    monkeypatch.setenv("COLUMNS", "120")

    def invoke(*arguments):
        code = run([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return invoke


from hypothesis import settings  # noqa: E402

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=20)
settings.load_profile("suite")
