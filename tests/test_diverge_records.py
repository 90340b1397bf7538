"""First divergence with what users record: some layers, in any layout, of any network."""

import numpy as np
import pytest
import shallow_nets
from deep_graphs import DeepImages, DeepSequences, record_images, record_sequences
from faults import faults_of, plant
from helpers import layer
from hypothesis import given, settings
from hypothesis import strategies as st
from test_diverge import named, recorded

import matbridge
from matbridge import Network
from matbridge.verify.case import Case
from matbridge.verify.fixtures.read import read_fixture
from matbridge.verify.fixtures.record import recorded as run
from matbridge.verify.fixtures.write import write_fixture
from matbridge.verify.judge import verify_case
from matbridge.verify.layers.diverge import diverge
from matbridge.verify.layers.judging import judge_layers

DRAW = np.random.default_rng(7)


def weights(*size, scale=0.5):
    return DRAW.standard_normal(size).astype(np.float32) * np.float32(scale)


def faulty(case, name, fault="weight", share=1e-3, seed=0):
    """The case of the network with a fault in one layer."""
    network = plant(case.network, name, fault, np.random.default_rng(seed), share)
    return case.replace(network=network)


def verdicts(case):
    return {one.name: one.verdict for one in judge_layers(case)}


# -- several faults ------------------------------------------------------------------------------


def parallel(network):
    """Pairs of layers of which neither leads to the other, fed by one and joined in one."""
    joins = [x for x in network.layers if "DepthConcatenation" in x.type_name]
    sources = network.graph.sources
    for join in joins:
        ends = [c.source.layer for c in network.connections if c.destination.layer == join.name]
        assert len({sources[network.connections[0].destination] for _ in ends}) == 1
        yield ends[0], ends[2]


@pytest.mark.parametrize("seed", range(3))
def test_faults_in_parallel_branches_are_both_named(seed):
    case = recorded("images", seed)
    for one, other in parallel(case.network):
        other_fault = "weight" if other.startswith("conv") else "function"
        both = faulty(faulty(case, one), other, other_fault)
        assert set(named(both)) == {one, other}


def test_faults_one_behind_the_other_are_both_named():
    case = recorded("sequences", 0)
    layers = [x.name for x in case.network.order() if x.type_name == "LayerNormalizationLayer"]
    both = faulty(faulty(case, layers[0], "epsilon"), layers[-1])
    assert named(both) == [layers[0], layers[-1]]


# -- what was recorded of a few layers -----------------------------------------------------------


@settings(max_examples=10)
@given(st.sampled_from(["images", "sequences"]), st.integers(2, 9), st.data())
def test_of_layers_between_recorded_ones_the_group_is_named(kind, every, data):
    case = recorded(kind, 2)
    order = [x.name for x in case.network.order()]
    kept = {name: case.activations[name] for name in order[::every]}
    few = case.replace(activations=kept)
    assert diverge(few).layers == ()
    guilty = data.draw(st.sampled_from([x for x in case.network.layers if x.learnables()])).name
    divergence = diverge(faulty(few, guilty, share=1e-2))
    assert divergence.layers
    assert all(guilty in group for group in divergence.groups)
    for judgement, group in zip(divergence.layers, divergence.groups, strict=True):
        assert group[-1] == judgement.layer
        assert not set(group[:-1]) & (set(kept) | set(case.network.output_names))
        for inner in group[:-1]:
            assert f"'{inner}'" in divergence.advice
        if len(group) > 1:
            assert "of which nothing was recorded" in judgement.note


def test_the_first_observations_alone_may_be_recorded():
    case = recorded("images", 0)
    order = [x.name for x in case.network.order()]
    kept = {name: case.activations[name] for name in order}
    for name in order[20:40]:
        y = kept[name]
        kept[name] = y[:2] if y.ndim == 2 else y[..., :2]
    part = case.replace(activations=kept)
    (one,) = [x for x in judge_layers(part) if x.name == order[30]]
    assert "of 2 of 5 observations" in one.note
    assert diverge(part).layers == ()
    for name in (order[25], order[45], order[5]):
        fault = faults_of(part.network[name])[0]
        assert named(faulty(part, name, fault, 1e-2)) == [name]


def test_without_activations_the_advice_says_what_to_record():
    case = recorded("images", 0)
    bare = faulty(case.replace(activations={}), "convolution_1", share=0.1)
    verification = verify_case(bare)
    advice = verification.divergence.advice
    assert "in MATLAB matbridgeRecord(net, X, 'ref.mat')," in advice
    assert "matbridge matlab-kit" in advice
    begin = advice.split("'Activations', {")[1].split("}")[0].replace("'", "").split(", ")
    # All that follows depends on each of them alone: those before the join of a branch do not.
    assert 2 <= len(begin) <= 3
    for name in begin:
        kept = {name: case.activations[name]}
        again = faulty(case.replace(activations=kept), case.network.order()[-2].name)
        assert len(diverge(again).groups) == 1
    small = Network.of([layer("featureInputLayer", 2, Name="x"), layer("tanhLayer", Name="it's")])
    assert (
        "to begin with" not in diverge(Case(small, (np.zeros((1, 2)),), (np.zeros((1, 2)),))).advice
    )


def test_names_in_the_advice_are_matlab_text():
    layers = [layer("featureInputLayer", 2, Name="x")]
    layers += [layer("tanhLayer", Name=f"it's {i}") for i in range(12)]
    case = Case(Network.of(layers), (np.ones((1, 2)),), (np.ones((1, 2)),))
    assert "'it''s 2'" in diverge(case).advice


# -- layouts -------------------------------------------------------------------------------------


def rows(y):
    """OutputAs 'rows': N×F, column-major."""
    return y.reshape(-1, y.shape[-1], order="F").T if y.ndim == 4 else y


LAYOUTS = {
    "rows": rows,
    "columns": lambda y: rows(y).T,
    "observations first": lambda y: np.moveaxis(y, -1, 0) if y.ndim == 4 else y,
    "spatial dimensions of one": lambda y: y.T[None, None] if y.ndim == 2 else y,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_lie_in_any_order(layout):
    case = recorded("images", 3)
    turned = {name: LAYOUTS[layout](y) for name, y in case.activations.items()}
    other = case.replace(activations=turned)
    assert set(verdicts(other).values()) <= {"identical", "rounding"}
    guilty = next(x.name for x in case.network.order()[30:] if x.learnables())
    assert named(faulty(other, guilty)) == [guilty]


STACKS = {
    "C×T×N": lambda y: np.stack(y, -1),
    "C×N×T": lambda y: np.stack(y, 1),
    "N×C×T": lambda y: np.stack(y, 0),
    "N×T×C": lambda y: np.stack([part.T for part in y], 0),
    "cell of T×C": lambda y: [part.T for part in y],
}


@pytest.mark.parametrize("layout", STACKS)
@pytest.mark.parametrize("lengths", [(5, 5, 5), (4, 4, 4, 4), (6,)])
def test_sequences_of_one_length_lie_in_any_order(layout, lengths):
    """Also where as many observations, channels and steps leave the order to the values."""
    deep = DeepSequences(5, layers=12)
    x = deep.observations(lengths)
    activations = record_sequences(deep, x)
    case = Case(deep.network(), (x,), (activations[deep.last],))
    turned = {n: STACKS[layout](y) if isinstance(y, list) else y for n, y in activations.items()}
    case = case.replace(activations=turned)
    assert set(verdicts(case).values()) <= {"identical", "rounding"}
    guilty = next(x.name for x in case.network.order()[5:] if x.learnables())
    assert named(faulty(case, guilty)) == [guilty]


def test_sizes_that_do_not_fit_are_different_and_what_follows_is_judged_by_itself():
    deep = DeepImages(1, layers=20)
    x = deep.observations()
    activations = record_images(deep, x)
    entry = deep.layers[1]
    other = layer("convolution2dLayer", 3, 4, Padding="same", Stride=2, Name=entry.name)
    network = deep.network()
    changed = network.with_layers(other.replace(arrays=entry.arrays))
    case = Case(changed, (x,), (activations[deep.last],), activations=activations)
    (judgement,) = diverge(case).layers
    assert judgement.layer == entry.name
    assert (
        "the sizes differ: 3×3×4 for an observation, 6×5×4×5 in all were recorded" in judgement.why
    )


def test_what_cannot_be_judged_is_not_verified():
    case = recorded("images", 0)
    name = case.network.order()[3].name
    odd = case.replace(activations={"nowhere": np.zeros(3), name: "text"})
    told = {one.name: one.why for one in judge_layers(odd)}
    assert told["nowhere"] == "the network has no layer of this name"
    assert "not an array for each observation" in told[name]
    assert set(verdicts(odd).values()) == {"not verified"}
    assert diverge(odd).layers == ()
    later = case.replace(steps=2)
    assert set(verdicts(later).values()) == {"not verified"}


# -- sequences, states, several outputs ----------------------------------------------------------


def with_states():
    arrays = {"InputWeights": weights(16, 3), "RecurrentWeights": weights(16, 4)}
    arrays["Bias"] = weights(16, 1)
    return Network.of(
        [
            layer("sequenceInputLayer", 3, Name="x"),
            layer("lstmLayer", 4, Name="first", HasStateOutputs=True, **arrays),
            layer("lstmLayer", 4, Name="second", HasStateInputs=True, OutputMode="last",
                  **{**arrays, "InputWeights": weights(16, 4)}),
            layer("fullyConnectedLayer", 2, Name="fc", Weights=weights(2, 4), Bias=weights(2, 1)),
        ],
        [("x", "first"), ("first/out", "second/in"), ("first/hidden", "second/hidden"),
         ("first/cell", "second/cell"), ("second", "fc")],
    )  # fmt: skip


def test_ports_of_layers_with_several_outputs_are_judged_each():
    case = run(with_states(), ([weights(3, n) for n in (5, 3, 5)],), "all")
    assert {"first", "first/hidden", "first/cell"} <= set(case.activations)
    assert set(verdicts(case).values()) <= {"identical", "rounding"}
    for name in ("first", "second", "fc"):
        assert named(faulty(case, name)) == [name]
    swapped = plant(case.network, "second", "weight", np.random.default_rng(3), 1e-3)
    assert named(case, swapped) == ["second"]


def test_the_first_time_step_that_fails_is_told():
    network = with_states()
    case = run(network, ([weights(3, n) for n in (5, 9)],), "all")
    recurrent = np.array(network["first"].arrays["RecurrentWeights"])
    recurrent[0, 0] += 0.1
    first = network["first"]
    other = first.replace(arrays={**first.arrays, "RecurrentWeights": recurrent})
    (judgement,) = diverge(case.replace(network=network.with_layers(other))).layers
    assert judgement.layer == "first"
    late = judge_layers(case.replace(network=network.with_layers(other)))
    # The state is zero at the first step.
    assert "from time step 2 of 9 on" in {x.name: x.note for x in late}["first"]
    state = first.replace(arrays={**first.arrays, "HiddenState": np.full((4, 1), 0.1)})
    early = judge_layers(case.replace(network=network.with_layers(state)))
    assert "from time step 1 of 9 on" in {x.name: x.note for x in early}["first"]


@pytest.mark.parametrize("direction", ["left", "right"])
@pytest.mark.parametrize("length", ["longest", "shortest", 3])
def test_mini_batches_as_matlab_pads_them(direction, length):
    """Padding goes through the layers in between, and was not recorded."""
    deep = DeepSequences(6, layers=20)
    x = deep.observations((7, 4, 9, 5, 8))
    options = {"sequence_length": length, "padding_direction": direction, "mini_batch_size": 2}
    case = run(deep.network(), (x,), "all", **options)
    assert set(verdicts(case).values()) <= {"identical", "rounding"}
    assert named(case) == []
    for one in case.network.order()[1:]:
        if one.learnables():
            assert named(faulty(case, one.name, share=0.02)) == [one.name]


def test_steps_folded_into_observations(fixtures):
    """As matbridgeRecord has them: a cell of H×W×C×T for each layer between fold and unfold."""
    network = matbridge.load(fixtures / "video_classification.mat")
    x = [weights(8, 6, 3, n) for n in (4, 7, 4)]
    whole = run(network, (x,), ["flatten", "lstm", "fc", "softmax"])
    frames = np.concatenate(x, axis=-1)
    inner = ("conv", "batchnorm", "relu", "pool")
    images = Network.of(
        [
            layer("imageInputLayer", [8, 6, 3], Name="x", Normalization="none"),
            *(network[name] for name in inner),
        ]
    )
    given = run(images, (frames,), "all")
    parts = {**given.activations, "pool": given.expected[0]}
    cells = {name: np.split(parts[name], (4, 11), axis=-1) for name in inner}
    case = whole.replace(activations={**whole.activations, **cells})
    assert verdicts(case).keys() >= set(inner)
    assert set(verdicts(case).values()) <= {"identical", "rounding"}
    assert named(case) == []
    for name in ("conv", "batchnorm"):
        assert named(faulty(case, name)) == [name]


def pooled():
    pool = {"Stride": 2, "HasUnpoolingOutputs": True}
    filters = {"Weights": weights(3, 3, 2, 2), "Bias": weights(1, 1, 2)}
    return Network.of(
        [
            layer("imageInputLayer", [6, 8, 2], Name="x", Normalization="none"),
            layer("maxPooling2dLayer", 2, Name="pool", **pool),
            layer("convolution2dLayer", 3, 2, Name="conv", Padding="same", **filters),
            layer("maxUnpooling2dLayer", Name="unpool"),
        ],
        [("x", "pool"), ("pool/out", "conv"), ("conv", "unpool/in"),
         ("pool/indices", "unpool/indices"), ("pool/size", "unpool/size")],
    )  # fmt: skip


def test_indices_are_judged_by_what_is_made_of_them():
    case = run(pooled(), (weights(6, 8, 2, 3),), "all")
    assert set(verdicts(case).values()) <= {"identical", "rounding", "not verified"}
    assert named(case) == []
    counted = dict(case.activations)
    counted["pool/indices"] = np.asarray(case.activations["pool"]) * 0 + 7
    counted["pool/size"] = np.array([6, 8, 2, 3])
    other = case.replace(activations=counted)
    assert verdicts(other)["pool/indices"] == "not verified"
    assert named(other) == []
    assert named(faulty(other, "conv")) == ["conv"]


def test_layers_inside_layers():
    inner = Network.of(
        [
            layer("featureInputLayer", 3, Name="features"),
            layer("fullyConnectedLayer", 4, Name="fc", Weights=weights(4, 3), Bias=weights(4, 1)),
            layer("tanhLayer", Name="squash"),
        ]
    )
    middle = Network.of([layer("featureInputLayer", 3), layer("networkLayer", inner, Name="inner")])
    outer = Network.of(
        [
            layer("featureInputLayer", 3, Name="x"),
            layer("networkLayer", middle, Name="outer"),
            layer("reluLayer", Name="relu"),
        ]
    )
    case = run(outer, (weights(5, 3),), "all")
    assert "outer/inner/fc" in verdicts(case)
    assert named(faulty(case, "outer/inner/fc")) == ["outer/inner/fc"]
    assert named(faulty(case, "outer/inner/squash", "function")) == ["outer/inner/squash"]


@pytest.mark.parametrize("feedback", [False, True])
@pytest.mark.parametrize("delayed", [False, True])
def test_layers_of_shallow_networks(feedback, delayed):
    draw = np.random.default_rng(4)
    for _ in range(6):
        structure = shallow_nets.random_structure(draw, feedback, delayed)
        network = shallow_nets.network(structure)
        x = shallow_nets.data(network, shallow_nets.series(draw, structure, 6))
        case = run(network, (x,), "all")
        names = {f"a{{{i}}}" for i in range(1, len(structure.layers) + 1)}
        assert verdicts(case).keys() == names
        assert set(verdicts(case).values()) <= {"identical", "rounding"}
        assert diverge(case).layers == ()


def test_a_fault_in_a_shallow_network_is_named():
    draw = np.random.default_rng(4)
    structure = shallow_nets.random_structure(draw, delayed=False)
    network = shallow_nets.network(structure)
    x = shallow_nets.data(network, shallow_nets.series(draw, structure, 6))
    case = run(network, (x,), "all")
    for one in network.layers:
        if one.learnables() and one.name.startswith(("IW", "LW")):
            divergence = diverge(faulty(case, one.name, share=1e-6))
            assert all(one.name in group for group in divergence.groups), one.name


# -- lazily --------------------------------------------------------------------------------------


def test_a_fixture_is_read_one_layer_at_a_time(tmp_path):
    case = recorded("images", 1)
    write_fixture(tmp_path / "ref.mat", case)
    fixture = read_fixture(tmp_path / "ref.mat")
    read = fixture.case(faulty(case, "convolution_1").network)
    held = []

    class Watched(dict):
        def __getitem__(self, name):
            held.append(name)
            return read.activations[name]

    watched = read.replace(activations=Watched.fromkeys(read.activations))
    verification = verify_case(watched)
    assert [x.layer for x in verification.divergence.layers] == ["convolution_1"]
    assert len(held) == 2 * len(read.activations)
    assert verification.verdict == "different"
