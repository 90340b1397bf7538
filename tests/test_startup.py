"""What is imported when: nothing heavy before it is needed."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import FIXTURES

from matbridge.cli import COMMANDS, SUMMARIES

HEAVY = ("numpy", "pandas", "scipy", "h5py", "matio", "click", "rich", "torch", "onnx",
         "onnxruntime", "safetensors", "importlib.metadata", "filelock")  # fmt: skip


def loaded_by(code):
    """The heavy modules that a fresh interpreter has after some code."""
    program = (
        f"import sys\n{code}\n"
        f"print(*sorted(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split()) if done.stderr.strip() else set()


def command(*arguments):
    return f"from matbridge.cli import run\nassert run({list(map(str, arguments))!r}) == 0"


def test_every_command_has_a_summary():
    assert SUMMARIES.keys() == COMMANDS.keys()


def test_the_package_alone_loads_nothing():
    assert loaded_by("import matbridge; dir(matbridge)") == set()


def test_its_names_load_numpy():
    names = "matbridge.load, matbridge.convert, matbridge.Network, matbridge.Layer"
    assert loaded_by(f"import matbridge; {names}") == {"numpy"}


def test_the_table_of_languages_opens_no_room():
    code = "from matbridge.languages import LANGUAGES, target_language, language_of"
    assert loaded_by(code) == {"numpy"}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_only_click(option):
    assert loaded_by(command(option)) <= {"click"}


@pytest.mark.parametrize("name", ["cnn.mat", "cnn_bilstm.mat"])
def test_opening_a_file_loads_neither_tables_nor_sparse_matrices(name):
    path = str(FIXTURES / name)
    loaded = loaded_by(f"import matbridge; matbridge.load({path!r})")
    assert loaded <= {"numpy", "matio", "h5py", "scipy"}
    sparse = f"import matbridge; matbridge.load({path!r}); assert 'scipy.sparse' not in sys.modules"
    loaded_by(sparse)
    assert loaded_by(command("inspect", path)) <= {"numpy", "matio", "h5py", "scipy", "click",
                                                   "rich"}  # fmt: skip


def test_predicting_on_a_cpu_loads_no_torch(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((4, 7)))
    given = ("--input", tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    loaded = loaded_by(command("predict", FIXTURES / "lstm_classifier.mat", *given))
    assert "onnxruntime" in loaded
    assert "torch" not in loaded


def test_stand_ins_deliver():
    """Sparse matrices and tables work where they are needed, before and after."""
    code = """
import numpy as np
from matbridge.matlab.file import read_mat
from matbridge.matlab.file.write import write_mat
import os, tempfile
folder = tempfile.mkdtemp()
assert "pandas" not in sys.modules
import scipy.sparse
for version in ("v7", "v7.3"):
    path = os.path.join(folder, version + ".mat")
    write_mat(path, {"x": scipy.sparse.csc_array(np.eye(3))}, version)
    assert (read_mat(path)["x"].toarray() == np.eye(3)).all()
import matio, pandas
assert matio.utils.matconvert.pd.DataFrame is pandas.DataFrame
assert matio.utils.matutils.issparse(scipy.sparse.csc_array(np.eye(3)))
assert sys.modules["pandas"] is pandas and pandas.DataFrame
"""
    loaded_by(code)
