"""The rounding budget holds: right results are never called different, and a relative error of 1e-4
in one weight is never called rounding. Over the examples of every layer; see examples.py."""

import contextlib

import numpy as np
import pytest
from examples import EXAMPLES
from test_examples import ids, made, network_of

import matbridge
from matbridge.core.dims import batch_first
from matbridge.errors import MatbridgeError
from matbridge.verify.inputs import draw_inputs
from matbridge.verify.outputs import output_dims
from matbridge.verify.values import judge

RIGHT = ("identical", "rounding")
PLANTED = 1e-4
# So many elements of an array are tried for one that the outputs depend on.
TRIED = 4
# Below this share of the output's scale a weight has no influence: it cancels out.
NOTHING = 1e-9


def outputs(network, example, dtype, engine="auto"):
    """Each output of the layer, in the order of its format."""
    formats = [format for format, _ in example.inputs]
    data = (x for _, x in example.inputs)
    y = network.predict(*data, format=formats, dtype=dtype, engine=engine)
    return y if isinstance(y, tuple) else (y,)


class Runs:
    """An example in float64, and in float32 as PyTorch and as the engine of predict sum up."""

    def __init__(self, example):
        self.example = example
        self.layer = made(example)
        self.network = network_of(self.layer, example.inputs)
        self.exact = outputs(self.network, example, "float64")
        self.torch = outputs(self.network, example, "float32", "torch")
        self.auto = outputs(self.network, example, "float32")
        self.dims = output_dims(self.network, self.exact, labelled=True)

    def verdicts(self, expected, *singles):
        return [
            judge("y", wanted, exact, [single[n] for single in singles], dims=self.dims[n])
            for n, (wanted, exact) in enumerate(zip(expected, self.exact, strict=True))
            if np.size(wanted)
        ]


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_right_results_are_never_different(example):
    """NumPy's reference, and each way of summing up in float32 judged by the other alone."""
    runs = Runs(example)
    judged = [
        *runs.verdicts(example.outputs, runs.torch, runs.auto),
        *runs.verdicts(runs.auto, runs.torch),
        *runs.verdicts(runs.torch, runs.auto),
    ]
    for one in judged:
        assert one.verdict in RIGHT, one.why


def planted(runs, name, place):
    """The network with one weight changed."""
    array = np.array(runs.layer.arrays[name], np.float64)
    array.flat[place] *= 1 + PLANTED
    arrays = {**runs.layer.arrays, name: array}
    return network_of(runs.layer.replace(arrays=arrays), runs.example.inputs)


def influence(runs, network):
    """By how much the outputs change, as a share of their scale."""
    pairs = list(zip(outputs(network, runs.example, "float64"), runs.exact, strict=True))
    changes = [np.abs(a - b).max(initial=0) / np.abs(b).max(initial=1e-300) for a, b in pairs]
    return max(changes)


def most_influential(runs, name, seed):
    """The network in which the weight is changed, of some, on which the outputs depend most."""
    array = np.asarray(runs.layer.arrays[name])
    there = np.flatnonzero(array)
    draw = np.random.default_rng(seed)
    places = {int(np.abs(array).argmax()), *draw.permutation(there)[:TRIED].tolist()}
    networks = [planted(runs, name, place) for place in sorted(places)]
    return max(networks, key=lambda network: influence(runs, network))


# Softmax takes no notice of what is added to all scores of a query; group and instance
# normalization of one element give the Offset alone.
WITHOUT = {
    ("selfAttentionLayer", "KeyBias"),
    ("groupNormalizationLayer", "Scale"),
    ("instanceNormalizationLayer", "Scale"),
}
LEARNING = [
    pytest.param(example, declared.name, id=f"{name}-{declared.name}")
    for example, name in zip(EXAMPLES, ids, strict=True)
    for one in [made(example)]
    for declared in one.declared
    if declared.role == "learnable" and np.any(one.arrays.get(declared.name, 0))
]


@pytest.mark.parametrize(("example", "name"), LEARNING)
def test_an_error_planted_in_one_weight_is_never_rounding(example, name):
    runs = Runs(example)
    network = most_influential(runs, name, seed=len(name))
    if influence(runs, network) < NOTHING:
        assert (example.builder, name) in WITHOUT
        return
    for dtype in ("float64", "float32"):
        expected = outputs(network, example, dtype, "torch")
        verdicts = [one.verdict for one in runs.verdicts(expected, runs.torch, runs.auto)]
        assert "different" in verdicts, dtype


def batch_first_run(network, data, **options):
    """The outputs on data batch first."""
    entering = (network.input_layers[name].entering.format for name in network.input_names)
    y = network.predict(*data, format=[batch_first(f) for f in entering], **options)
    return y if isinstance(y, tuple) else (y,)


# Real networks are run where they are no larger than this, in bytes of the file and of the data.
SMALL, FEW = 3 << 20, 1 << 16


def test_right_results_of_real_networks_are_never_different(corpus):
    """Each order of the sums judged by the other alone."""
    judged = 0
    for path in sorted((corpus / "files").glob("*.mat"))[::3]:
        if path.stat().st_size > SMALL:
            continue
        with contextlib.suppress(MatbridgeError):
            network = matbridge.load(path)
            data = draw_inputs(network)
            if network.kind.double or sum(x.size for x in data) > FEW:
                continue
            exact = batch_first_run(network, data, dtype="float64")
            sides = [batch_first_run(network, data, engine=name) for name in ("auto", "torch")]
            dims = output_dims(network, exact, labelled=True)
            for first, second in (sides, sides[::-1]):
                for n, truth in enumerate(exact):
                    one = judge("y", first[n], truth, [second[n]], dims=dims[n])
                    assert one.verdict in RIGHT, f"{path.name}: {one.why}"
                    judged += 1
    assert judged > 12
