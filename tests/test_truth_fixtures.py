"""What MATLAB recorded, and what trained networks reach on their data, as fixtures."""

from dataclasses import replace

import pytest
from truth_cases import RECORDED, UNSAID, truth_of
from truth_fixtures import outcomes

# A minute each: images through large networks. scripts/truth_fixtures.py runs them too.
LONG = (
    "radar-images",
    "m2nist-segmentation",
    "unet-flower",
    "lstm-projected-battery",
    "daffodil-seg",
)
# Of those that are decided by training data, one for each way in which a figure is made.
TRAINED = ("cifar-avgpool", "gru-ph", "bilstm-autoencoder", "bilstm-reach", "leaky-metamaterials")


@pytest.fixture(scope="module")
def truths(corpus):
    return truth_of(corpus)


def test_every_case_is_said_or_told_why_not(truths):
    assert len(truths) == 33
    assert {truth.id for truth in truths} >= set(UNSAID)


def test_what_matlab_recorded_verifies(truths, corpus, tmp_path):
    recorded = [
        truth.id
        for truth in truths
        if truth.about.get("kind", RECORDED) in (RECORDED, "converted")
        and truth.id not in (*LONG, *UNSAID)
        and "data" not in truth.about
    ]
    assert len(recorded) >= 17
    for name in recorded:
        for outcome in outcomes(corpus, tmp_path, name):
            assert outcome.verdict in ("identical", "rounding"), outcome


@pytest.mark.parametrize("name", TRAINED)
def test_what_training_data_decide_is_reached(name, corpus, tmp_path):
    found = list(outcomes(corpus, tmp_path, name))
    assert found
    assert all(outcome.good for outcome in found), found


def test_a_wrong_network_does_not_verify(truths, corpus, tmp_path):
    """The fixture of one network on another of the same sizes."""
    from truth_cases import told
    from truth_fixtures import verified

    cases = told(next(truth for truth in truths if truth.id == "openkintest-rescale"))
    alike = [one for one in cases if one.path.stem.endswith("_wHR")]
    assert len(alike) == 2
    for one, other in (alike, alike[::-1]):
        assert verified(replace(one, path=other.path), tmp_path / "ref.mat").verdict == "different"
