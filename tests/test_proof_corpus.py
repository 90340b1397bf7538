"""Proof in the files of users: found where MATLAB's outputs stand beside the network, claimed
nowhere else."""

import pytest

from matbridge.languages import read
from matbridge.matlab.file import MatFile
from matbridge.verify.proof import search

# Cases of truth.json and cases.json whose data stand in the network's own file, by the variable
# that holds what came out.
RECORDED = {
    "files/fenn--lstm.mat": {"net": {"Ytrain", "YPred"}},
    "files/fenn--hepatitisb-region.mat": {"net": {"Ytrainres"}},
    "files/fenn--hepatitis-b.mat": {"net": {"Ytrainres"}},
    "files/fenn--lm.mat": {"net": {"y", "e"}, "netc": {"yc", "y2"}, "nets": {"ys"}},
    "files/fenn--br.mat": {"net": {"y", "e"}, "netc": {"yc", "y2"}, "nets": {"ys"}},
    "files/vattuezhuthu-character-r--targetdata1.mat": {"net": {"outputs", "errors"}},
    "truth/lstm-saved-state/net_story.mat": {"net": {"YPred"}},
    "truth/jv-minibatch-padding/JV.mat": {"net": {"YPred"}},
    "shallow/hog-feedforward/net.mat": {"net": {"Y", "E"}},
    "shallow/twinkle-patternnet/workspace.mat": {"net": {"outputs", "errors"}},
    "shallow/turning-fg/ann.mat": {"fg": {"fg_outputs", "fg_errors"}},
    "shallow/turning-network1/matlab.mat": {"network1": {"network1_outputs'"}},
    "shallow/turning-state/net.mat": {"STATE.network.values{1}": {"STATE.output.values{1}{1}"}},
    "shallow/newff-shukla/modelann.mat": {"network1": {"network1_outputs{1}"}},
    "shallow/cascade-alina/test_results.mat": {"CFNN.emotiones_net": {"Emotions_nn"}},
    "shallow/layrecnet-alina/Deep_Learning.mat": {"net": {"Y"}},
    "shallow/leaf-pnn-2006/net2.mat": {"net2": {"y", "yc"}},
    "shallow/control-perceptron1/net1.mat": {"net1": {"out1"}, "net3": {"out2"}},
    "shallow/fitcnet-eb/bp1.mat": {
        "trainedModel_bp.ClassificationNeuralNetwork": {
            *("scores_test", "yfit_test", "scores_train", "yfit_train")
        }
    },
    "shallow/sinter-18/ANN.mat": {
        "SinterProductivity_ANN_18": {"SinterProductivity_ANN_18_outputs", "Sensitivity_outputs"}
    },
}
# Of these the copies of a file under another name.
COPIES = ("eb_virus2025--bp1", "leaf-identification-using-pn", "recognition---deep_learning")
# Seconds for each file: most have no data and take none.
SECONDS = 4.0


def searched(path, seconds=60.0):
    contents = read(path)
    networks = {a: n for a, n in contents.networks.items() if n.initialised and n.kind.trained}
    return search(MatFile(path), networks, seconds)


@pytest.mark.parametrize("file", RECORDED)
def test_what_matlab_computed_is_found(corpus, file):
    result = searched(corpus / file)
    assert result.code == 0
    proofs = {n.address: {proof.variable for proof in n.proofs} for n in result.networks}
    for address, variables in RECORDED[file].items():
        assert variables <= proofs[address]
    # Another network of the file does not prove what is not its own.
    assert {address for address, own in proofs.items() if own} == set(RECORDED[file])


def test_a_saturated_score_is_told_to_say_too_little(corpus):
    result = searched(corpus / "files/matlab-to-python-classif--net.mat")
    assert result.code == 5
    agreeing = {one.variable: one.reason for one in result.networks[0].no_proofs}
    assert "3 bits" in agreeing["test_probs"]


def without_record(corpus, folder):
    """The files of users that hold networks, and no output of theirs."""
    for path in sorted((corpus / folder).rglob("*.mat")):
        known = str(path.relative_to(corpus)) in RECORDED
        if not known and not any(copy in path.name for copy in COPIES):
            yield path


@pytest.mark.parametrize("folder", ["files", "truth", "shallow/files"])
def test_nothing_is_claimed_where_nothing_was_recorded(corpus, folder):
    claimed, looked_at = [], 0
    for path in without_record(corpus, folder):
        result = searched(path, SECONDS)
        looked_at += bool(result.networks)
        claimed += [(path.name, proof.equation) for proof in result.proofs]
    assert not claimed
    assert looked_at >= 20
