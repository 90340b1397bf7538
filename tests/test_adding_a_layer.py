"""docs/adding-a-layer.md, walked from its first line: the layer that it adds is not there."""

import re

import examples
import numpy as np
import pytest
import test_examples
import test_saving
from conftest import ROOT

import matbridge.layers
from matbridge import Network, UnsupportedError
from matbridge.cli import run
from matbridge.inspect.card import try_card
from matbridge.matlab import CONSTRUCTORS, construct

PAGE = (ROOT / "docs" / "adding-a-layer.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CARD, REFERENCE, ENTRY, PLAIN = BLOCKS


@pytest.fixture
def walked(monkeypatch):
    """What the blocks define, run in their order; the card in the tables, the entry taken."""
    assert "sreluLayer" not in CONSTRUCTORS
    entries = []
    monkeypatch.setattr(examples, "EXAMPLES", entries)
    scope = {"__name__": "walked", "add": examples.add, "draw": examples.draw}
    exec(CARD, scope)
    card = scope["SReLU"]
    monkeypatch.setitem(CONSTRUCTORS, card.BUILDER, card)
    monkeypatch.setattr(matbridge.layers, "CARDS", (*matbridge.layers.CARDS, card))
    for block in (REFERENCE, ENTRY, PLAIN):
        exec(block, scope)
    (scope["example"],) = entries
    return scope


@pytest.mark.parametrize(
    "proof",
    [
        test_examples.test_numpy_parity,
        test_examples.test_sizes_are_those_that_come_out,
        test_examples.test_onnx_parity,
        test_examples.test_a_saved_object_is_read,
        test_examples.test_gradients_flow,
        test_saving.test_a_layer_is_saved_and_read_back,
        test_saving.test_what_was_read_is_saved_as_it_was,
        test_saving.test_properties_are_read_back_from_json,
    ],
    ids=lambda proof: proof.__name__,
)
def test_every_proof_follows_from_the_entry(proof, walked):
    proof(walked["example"])


def test_the_wrong_number_of_channels_is_refused_by_what_the_page_says(walked):
    layer = test_examples.made(walked["example"])
    network = test_examples.network_of(layer, (("SSCB", np.zeros((4, 5, 2, 1))),))
    with pytest.raises(matbridge.LayerError, match="needs 3 channels"):
        raise next(e for e in network.infer().values() if isinstance(e, matbridge.LayerError))


def test_the_page_s_plain_torch(walked):
    for trial in try_card(walked["Plain"]):
        assert not trial.failed, trial
        if trial.what == "written as onnx":
            assert isinstance(trial.error, UnsupportedError)


def test_the_card_as_a_file_of_the_user_s(tmp_path, capsys):
    (tmp_path / "srelu.py").write_text(CARD, encoding="utf-8")
    assert run(["check-card", str(tmp_path / "srelu.py"), "--format", "CBT"]) == 0
    assert "every learnable has one" in capsys.readouterr().out


def test_a_layer_without_a_name_takes_its_nickname(walked):
    network = Network.of([construct(walked["SReLU"], 3)])
    assert network.layers[0].name == "srelu"
