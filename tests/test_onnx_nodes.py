"""ONNX's own backend node tests: all that are claimed pass, and the page says how many."""

import importlib.util
import warnings
from pathlib import Path

import onnx
import pytest

from matbridge.ops import OPERATORS
from matbridge.torch.operators import TABLE

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script():
    path = ROOT / "scripts" / "onnx_node_tests.py"
    spec = importlib.util.spec_from_file_location("onnx_node_tests", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_claimed_node_tests_pass(script):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = script.node_tests()
        failures, unclaimed = script.measure(tests)
    assert {name: said for name, said in failures.items() if said} == {}
    assert len(failures) > len(tests) / 2
    page = script.PAGE.read_text(encoding="utf-8")
    if f"onnx {onnx.__version__}:" in page:
        assert script.table(tests, failures, unclaimed) in page


def test_a_test_that_fails_is_told(script, tmp_path):
    """What comes out is looked at: other numbers than the test's are a failure."""
    (test,) = (t for t in script.node_tests() if t.name == "test_relu")
    assert not script.passes(test, tmp_path)
    ((inputs, outputs),) = test.data_sets
    wrong = [script.as_array(outputs[0]) + 1]
    changed = type("Changed", (), {**vars(test), "data_sets": [(inputs, wrong)]})
    assert "Mismatched" in script.passes(changed, tmp_path)


def test_the_vocabulary_is_the_table_of_the_backend():
    assert set(TABLE) == OPERATORS
