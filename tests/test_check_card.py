"""matbridge check-card: what is tried, and what is said of each mistake."""

import json

import pytest

from matbridge.cli import run

HEAD = """
import torch
from matbridge import Layer, TorchLayer
from matbridge.core.card import learnable, prop
from matbridge.core.kinds import number, one_of, positive, text
"""
SWISH = """
class Swish(Layer):
    MATLAB = ("mySwish",)
    ARRAYS = (learnable("Alpha", "per channel", dims="C"),)

    def forward(self, ops, p, x):
        return ops.multiply(x, ops.map("sigmoid", ops.multiply(p["Alpha"], x)))
"""
DENSE = """
class Dense(Layer):
    MATLAB = ("myDense",)
    ARRAYS = (learnable("W", "Units", "Inputs", dims="OI"),)
    MORE
    units: int = prop("Units", positive)
    mode: str = prop("Mode", one_of("plain", "odd"))

    def infer(self, x):
        self.need(x, "C")
        return x.put(C=self.units)

    def forward(self, ops, p, x):
        return ops.affine(p["W"], x)
"""
PLAIN = """
class Plain(TorchLayer):
    MATLAB = ("myPlain",)

    def forward(self, p, x):
        return torch.tanh(x) ** 2
"""


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Exit code and trials of a file with this source; only CB unless told otherwise."""
    monkeypatch.chdir(tmp_path)

    def call(source, *options):
        (tmp_path / "cards.py").write_text(HEAD + source, encoding="utf-8")
        options = options or ("--format", "CB")
        code = run(["check-card", "cards.py", "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return call


def outcomes(found):
    return {trial["what"]: trial["outcome"] for trial in found["trials"]}


def test_a_sound_card_in_every_language(check):
    code, found = check(SWISH, "--format", "CBT", "--format", "SSCB")
    assert code == 0
    assert [t["format"] for t in found["trials"]] == ["CBT"] * 5 + ["SSCB"] * 5
    told = outcomes(found)
    assert told["infer"] == "6(S) × 6(S) × 3(C) × 1(B)"
    assert told["forward"].endswith("×3×6×6 (batch first)")
    assert told["gradient"] == "every learnable has one"
    assert told["written as pt2"].startswith("agrees to")
    assert told["written as onnx"].startswith("agrees to")


def test_what_is_needed_is_made_up_or_taken_from_the_example(check):
    code, found = check(DENSE.replace("MORE", ""))
    assert code == 0
    assert outcomes(found)["infer"] == "3(C) × 1(B)"
    code, found = check(DENSE.replace("MORE", 'EXAMPLE = {"Units": 7}'))
    assert outcomes(found)["infer"] == "7(C) × 1(B)"
    code, found = check(DENSE.replace("MORE", 'name_of: str = prop("Kind", text)'))
    assert code == 3
    assert outcomes(found)["declared"] == "a value of Kind is needed to try the card"


def test_plain_torch_is_not_written_to_onnx_and_that_is_no_fault(check):
    code, found = check(PLAIN)
    assert code == 0
    assert "cannot be written to ONNX" in outcomes(found)["written as onnx"]


FAULTS = {
    "infer": ("put(C=self.units)", "put(C=self.units + 1)", "infer tells 4(C) × 1(B)"),
    "word": ("ops.affine", "ops.affin", "has no attribute 'affin'"),
    "array": ('p["W"]', 'p["V"]', "KeyError: 'V'"),
    "label": (
        'return ops.affine(p["W"], x)',
        'return ops.rename(ops.align(ops.affine(p["W"], x), "CB"), "QB")',
        "over Q, which no data have",
    ),
    "state": (
        "return ops.affine",
        "p.update(Hidden=x)\n        return ops.affine",
        "forward sets Hidden, which ARRAYS does not declare",
    ),
    "need": ('self.need(x, "C")', 'self.need(x, "T")', "needs a time dimension"),
    "idle": ('ops.affine(p["W"], x)', "x", "forward does not depend on layer.W"),
    "nan": (
        'ops.affine(p["W"], x)',
        'ops.map("log", ops.map("negative", ops.map("exp", x)))',
        "NaN",
    ),
    "returned": ('return ops.affine(p["W"], x)', "pass", "returned NoneType"),
}


DECLARED = {
    "text for a tuple": ('("myDense",)', '"myDense"', "MATLAB of the card Dense is no tuple"),
    "no comma": ('dims="OI"),)', 'dims="OI"))', "ARRAYS of the card Dense is no tuple of arrays"),
    "gap": ("positive)", "positive, arg=2)", "positional arguments of the card Dense are at [2]"),
    "no kind": ("positive)", '"positive")', "a kind or a function is needed, not 'positive'"),
}


@pytest.mark.parametrize("fault", DECLARED)
def test_what_cannot_be_declared_is_told_as_the_class_is_made(fault, tmp_path, capsys):
    old, new, said = DECLARED[fault]
    source = DENSE.replace("MORE", "")
    assert old in source
    (tmp_path / "cards.py").write_text(HEAD + source.replace(old, new), encoding="utf-8")
    assert run(["check-card", str(tmp_path / "cards.py")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_and_where(fault, check):
    old, new, said = FAULTS[fault]
    source = DENSE.replace("MORE", "").replace(old, new)
    assert new in source
    code, found = check(source)
    assert code == 3
    assert any(t["failed"] and said in t["outcome"] for t in found["trials"]), found


def test_files_without_cards(check):
    assert check("x = 1")[0] == 2
    assert check("1 / 0")[0] == 2
    assert check("class (")[0] == 2
