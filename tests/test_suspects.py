"""Every suspect that is not recurrent: planted by other code, and named.

What is planted comes from tests/otherwise.py, plain torch; of the outputs, from NumPy.
"""

from dataclasses import dataclass, field

import numpy as np
import otherwise
import pytest
import shallow_nets
import torch
from helpers import layer
from reference import images as reference_images
from reference import shallow_network
from small_networks import NETWORKS, dense, draw, images
from torch.nn import functional as F

from matbridge import Network
from matbridge.verify.case import Case, Transform
from matbridge.verify.diagnose import diagnose
from matbridge.verify.suspects import SUSPECTS
from matbridge.verify.suspects.changes import ALONE


@dataclass(frozen=True)
class Plant:
    """A fault as tests/otherwise.py takes it, and what the diagnosis says."""

    suspect: str
    words: str
    networks: str
    faults: dict = field(default_factory=dict)
    # What is as good on these data.
    also: tuple[str, ...] = ()


def flipped(w):
    return w.flip((2, 3))


def hw(w):
    return w.transpose(2, 3)


def io(w):
    return w.transpose(0, 1) if w.shape[0] == w.shape[1] else w


# Images from 0 to 255 have the range that is theirs.
OWN_RANGE = ("data normalized before predict",)


def io_of_matrix(w):
    return w.T if w.shape[0] == w.shape[1] else w


PLANTS = [
    Plant(
        "input normalization",
        "does not normalize",
        "tall picture cnn",
        {"normalization": "none"},
    ),
    Plant("input normalization", "normalizes twice", "square tall picture cnn", {"times": 2}),
    Plant(
        "input normalization",
        "without dividing",
        "featured0 featured1 featured2",
        {"normalization": "zerocenter"},
    ),
    Plant("input normalization", "adds the mean", "tall", {"normalization": "plus"}),
    Plant(
        "input normalization",
        "other of the ranges",
        "picture",
        {"normalization": "rescale-zero-one"},
    ),
    Plant(
        "input normalization",
        "one deviation for each channel",
        "tall",
        {"statistics": "per channel"},
    ),
    Plant("input normalization", "for everything", "square tall cnn", {"statistics": "one"}),
    Plant("input normalization", "reverse order", "square cnn", {"statistics": "bgr"}),
    Plant("image values", "to 0..1", "square tall picture", {"before": (lambda x: x / 255,)}),
    Plant(
        "image values",
        "to 0..1, without",
        "square tall picture cnn",
        {"before": (lambda x: x / 255,), "bare": True},
        also=OWN_RANGE,
    ),
    Plant(
        "image values",
        "to -1..1, without",
        "square tall cnn",
        {"before": (lambda x: x / 127.5 - 1,), "bare": True},
        also=OWN_RANGE,
    ),
    Plant(
        "image values",
        "to 0..255",
        "growing0 crossing0 resizing1",
        {"before": (lambda x: 255 * x,)},
    ),
    Plant("image values", "to -1..1", "raw growing0 crossing0", {"before": (lambda x: 2 * x - 1,)}),
    Plant(
        "order of colours",
        "reverse order",
        "square tall raw picture cnn",
        {"before": (lambda x: x.flip(1),)},
    ),
    Plant(
        "height and width exchanged",
        "exchanged",
        "square raw picture",
        {"before": (lambda x: x.transpose(2, 3),)},
    ),
    Plant(
        "images turned", "upside down", "square tall picture", {"before": (lambda x: x.flip(2),)}
    ),
    Plant("images turned", "mirrored", "square tall raw", {"before": (lambda x: x.flip(3),)}),
    Plant(
        "images turned",
        "90° counter",
        "square raw picture",
        {"before": (lambda x: x.rot90(1, (2, 3)),)},
    ),
    Plant(
        "images turned",
        "90° clockwise",
        "square raw picture",
        {"before": (lambda x: x.rot90(-1, (2, 3)),)},
    ),
    Plant("flatten order", "PyTorch", "square tall raw crossing0", {"flatten": "torch"}),
    Plant("flatten order", "Keras", "square tall raw", {"flatten": "keras"}),
    Plant("filters flipped", "180°", "square raw cnn dag unet", {"filters": (flipped,)}),
    Plant("filters transposed", "exchanged", "square raw unet", {"filters": (hw,)}),
    Plant("bias missing", "no bias", "square raw tall", {"no_bias": True}),
    Plant("padding on the other side", "", "square tall picture", {"side": "lower"}),
    Plant("padding on the other side", "", "square picture", {"side": "even"}),
    Plant(
        "padding value",
        "copies of the edge",
        "square picture growing0",
        {"pad_mode": "replicate"},
    ),
    Plant(
        "padding in the mean",
        "the other way",
        "tall raw shuffling0 shuffling1",
        {"exclude_padding": True},
    ),
    Plant(
        "batch normalization epsilon",
        "is 0.001",
        "square raw resnet",
        {"epsilon": 1e-3},
    ),
    Plant("batch normalization epsilon", "outside", "square raw cnn", {"outside": 1e-3}),
    Plant("batch normalization in training", "mini-batch", "square raw cnn", {"training": True}),
    Plant(
        "statistics of batch normalization",
        "is the standard deviation",
        "square cnn featured0",
        {"variance": "squared"},
    ),
    Plant("statistics of batch normalization", "exchanged", "square raw cnn", {"swapped": True}),
    Plant(
        "statistics of batch normalization",
        "does nothing",
        "square raw cnn",
        {"no_batchnorm": True},
    ),
    Plant("activation function", "Scale 0.3", "square raw cnn", {"slope": 0.3}),
    Plant(
        "activation function",
        "a leaky ReLU",
        "dag resnet tall",
        {"relu": lambda x: F.leaky_relu(x, 0.01)},
    ),
    Plant("softmax", "left out", "square raw cnn", {"softmax": "none"}),
    Plant("softmax", "log-softmax", "square raw cnn", {"softmax": "log"}, also=("output values",)),
    Plant("softmax", "sigmoid", "square raw", {"softmax": "sigmoid"}),
    Plant("softmax dimension", "observations", "square raw cnn", {"softmax": 0}),
    Plant("softmax dimension", "height", "unet", {"softmax": 2}),
    Plant("TF32", "TF32", "square raw cnn dag", {"tf32": True}),
    Plant("weights in fewer bits", "float16", "square raw cnn dag", {"saved": torch.float16}),
    Plant("weights in fewer bits", "bfloat16", "square raw cnn dag", {"saved": torch.bfloat16}),
    Plant("weights in fewer bits", "8 bits", "square raw dag", {"int8": True}),
    Plant("half precision", "float16", "square raw dag", {"half": True}),
    Plant("half precision", "bfloat16", "square raw dag", {"bfloat16": True}),
    Plant(
        "resize layers",
        "nearest element",
        "resizing1 resizing2",
        {"resize": "nearest-exact"},
    ),
    Plant(
        "resize layers",
        "nearest as PyTorch",
        "resizing0 resizing1 resizing2",
        {"resize": "nearest"},
    ),
    Plant("resize layers", "linear", "resizing0", {"resize": "bilinear"}),
    Plant(
        "order of concatenation",
        "in2, in1",
        "dag joining0 joining1 joining2",
        {"joined": "reversed"},
    ),
    Plant(
        "attention",
        "other AttentionMask",
        "transformer_encoder attending0 attending1 attending2",
        {"causal": True},
    ),
    Plant(
        "attention",
        "interleaved",
        "transformer_encoder attending0 attending1 attending2",
        {"interleaved": True},
    ),
    Plant(
        "attention",
        "not scaled",
        "transformer_encoder attending0 attending1 attending2",
        {"scale": "none"},
    ),
    Plant(
        "attention",
        "root of all",
        "transformer_encoder attending0 attending1 attending2",
        {"scale": "all"},
    ),
    Plant(
        "attention",
        "exchanged",
        "transformer_encoder attending0 attending1 attending2",
        {"exchanged": True},
    ),
    Plant(
        "counting from 0 or 1",
        "one further",
        "transformer_encoder attending0 attending1 attending2",
        {"first_position": 1},
    ),
    Plant(
        "normalization layers",
        "0.001",
        "transformer_encoder temporal_convolution attending0 regrouped0 regrouped1",
        {"layer_epsilon": 1e-3},
    ),
    Plant(
        "normalization layers",
        "has all-channels groups",
        "regrouped0 regrouped1 regrouped2",
        {"groups": 1},
    ),
    Plant(
        "activation function", "tanh", "transformer_encoder attending0 attending1", {"gelu": "tanh"}
    ),
    Plant("activation function", "Alpha 1", "regrouped0 regrouped1 regrouped2", {"alpha": 1.0}),
    Plant("activation function", "ceiling 6", "featured0 featured1 growing0", {"ceiling": 6.0}),
    Plant("softmax", "left out", "featured0 featured1 featured2", {"no_sigmoid": True}),
    Plant(
        "order of groups",
        "across the groups",
        "grouped0 grouped1 grouped2",
        {"across_groups": True},
    ),
    Plant(
        "cross channel normalization",
        "not divided",
        "crossing0 crossing1 crossing2",
        {"lrn": "sum"},
    ),
    Plant("cross channel normalization", "K of", "crossing0 crossing1 crossing2", {"lrn_k": 1.0}),
    Plant("padding on the other side", "cuts", "growing0 growing1 growing2", {"crop": "lower"}),
    Plant("filters flipped", "180°", "growing0 growing1 growing2", {"filters": (flipped,)}),
    Plant(
        "input and output channels exchanged",
        "exchanged",
        "featured0 featured1 featured2",
        {"matrices": (io_of_matrix,)},
    ),
    Plant("input and output channels exchanged", "exchanged", "square raw", {"filters": (io,)}),
    Plant(
        "input normalization",
        "does not normalize",
        "featured0 featured1",
        {"normalization": "none"},
    ),
    Plant("input normalization", "normalizes twice", "featured0 featured1", {"times": 2}),
    Plant("filters flipped", "180°", "temporal_convolution", {"filters": (lambda w: w.flip(2),)}),
    Plant("depth to space", "the other way", "shuffling0 shuffling2", {"shuffle": "crd"}),
    Plant("depth to space", "the other way", "shuffling1", {"shuffle": "dcr"}),
    Plant("filters transposed", "row by row", "square raw cnn joining0", {"by_rows": True}),
    Plant("padding on the other side", "centred", "temporal_convolution", {"side": "both"}),
]
EACH = [(plant, name) for plant in PLANTS for name in plant.networks.split()]
# Without those that change one layer of several: they are many, and tested below.
TOGETHER = [suspect for suspect in SUSPECTS if suspect.rank < ALONE]


def single(y):
    """As MATLAB keeps what it computes."""
    return [np.float32(part) for part in y] if isinstance(y, list) else np.float32(y)


def case_of(name, **faults):
    network, x = NETWORKS[name]()
    return Case(network, (x,), (single(otherwise.walk(network, x, **faults)),))


def noisy(y):
    """A fault that nobody knows."""
    return np.float32(
        y + 0.01 * np.abs(y).max() * np.random.default_rng(0).standard_normal(y.shape)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_fault_none_is_named(name):
    diagnosis = diagnose(case_of(name), suspects=TOGETHER)
    assert diagnosis.causes == ()


@pytest.mark.parametrize("name", ["square", "tall", "featured0"])
def test_of_an_unknown_fault_none_is_named(name):
    case = case_of(name)
    (y,) = case.expected
    diagnosis = diagnose(case.replace(expected=(noisy(y),)), time_limit=3, suspects=TOGETHER)
    assert diagnosis.causes == ()


@pytest.mark.parametrize(
    ("plant", "name"), EACH, ids=[f"{p.suspect}: {p.words}, {n}" for p, n in EACH]
)
def test_what_is_planted_is_named(plant, name):
    causes = diagnose(case_of(name, **plant.faults), suspects=pool(plant, name)).causes
    assert causes, "nothing was named"
    assert (causes[0].suspect, plant.words in causes[0].words) == (plant.suspect, True), causes
    assert {cause.suspect for cause in causes[1:]} <= {plant.suspect, *plant.also}, causes


def pool(plant, name):
    """All suspects on the first network, on others those that would be named before."""
    rank = max(suspect.rank for suspect in TOGETHER if suspect.name == plant.suspect)
    first = plant.networks.split()[0]
    return [suspect for suspect in TOGETHER if name == first or suspect.rank <= rank]


# -- outputs -------------------------------------------------------------------------------------


def the_cause(case):
    """The likeliest cause."""
    causes = diagnose(case, suspects=TOGETHER).causes
    assert causes, "nothing was named"
    return causes[0]


SLOPES, OFFSETS = np.array([2, 3, 0.5]), np.array([1, -4, 5])
OUTPUTS = {
    "classes": ("order of outputs", "in the order 3, 1, 4, 2", "square raw cnn",
                lambda y: y[:, [2, 0, 3, 1, *range(4, y.shape[1])]]),
    "reversed": ("order of outputs", "reverse", "square raw dag", lambda y: y[:, ::-1]),
    "observations": ("order of outputs", "observations", "square tall dag", lambda y: y[::-1]),
    "flipped": ("order of outputs", "rows are in reverse", "unet picture resizing1",
                lambda y: y[::-1]),
    "transposed": ("output transposed", "exchanged", "picture growing1 growing0",
                   lambda y: y.swapaxes(0, 1)),
    "scaled": ("output scaled", "2.5*y + 10", "tall resizing1 featured0", lambda y: 2.5 * y + 10),
    "each scaled": ("output scaled", "for each of", "featured1 featured2",
                    lambda y: y * SLOPES[: y.shape[-1]] + OFFSETS[: y.shape[-1]]),
    "exponential": ("output values", "exp(y)", "tall resizing1 resizing0", np.exp),
    "cut off": ("output values", "max(y, 0)", "tall resizing1 resizing0",
                lambda y: np.maximum(y, 0)),
    "bytes": ("output values", "uint8(255*y)", "featured0 featured1 featured2",
              lambda y: np.round(255 * y)),
    "softmax": ("activation at the end", "a softmax follows", "dag crossing0 regrouped0",
                lambda y: np.exp(y) / np.exp(y).sum(1, keepdims=True)),
    "softmax twice": ("activation at the end", "a softmax follows", "square raw",
                      lambda y: np.exp(y) / np.exp(y).sum(1, keepdims=True)),
    "sigmoid": ("activation at the end", "a sigmoid follows", "dag crossing0 regrouped0",
                lambda y: 1 / (1 + np.exp(-y))),
}  # fmt: skip


@pytest.mark.parametrize("fault", OUTPUTS)
def test_what_became_of_outputs_is_named(fault):
    suspect, words, names, function = OUTPUTS[fault]
    for name in names.split():
        network, x = NETWORKS[name]()
        expected = np.float32(function(otherwise.walk(network, x)))
        cause = the_cause(Case(network, (x,), (expected,)))
        assert (cause.suspect, words in cause.words) == (suspect, True), cause


@pytest.mark.parametrize("name", ["tall", "dag", "resizing0"])
def test_a_transform_that_is_missing_or_done_twice_is_named(name):
    network, x = NETWORKS[name]()
    y = otherwise.walk(network, x)
    transform = Transform("y*sig+mu", lambda y: 3 * y + 7)
    for expected, words in ((y, "without"), (3 * (3 * y + 7) + 7, "twice")):
        case = Case(network, (x,), (np.float32(expected),), transform=transform)
        cause = the_cause(case)
        assert (cause.suspect, words in cause.words) == ("output transform", True)


def test_few_or_equal_values_are_no_straight_line():
    network, x = NETWORKS["tall"]()
    few = np.float32(2.5 * otherwise.walk(network, x[..., :3]) + 10)
    assert (
        diagnose(Case(network, (x[..., :3],), (few,)), suspects=TOGETHER, time_limit=3).causes == ()
    )
    labels = np.float32(otherwise.walk(network, x) > 0)
    assert diagnose(Case(network, (x,), (labels,)), suspects=TOGETHER, time_limit=3).causes == ()


@pytest.mark.parametrize("seed", range(3))
def test_labels_of_another_list_of_classes_are_told(seed):
    features = 3 + seed
    network = Network.of(
        [
            layer("featureInputLayer", features),
            dense(seed, features, 4),
            layer("softmaxLayer"),
            layer("classificationLayer", Classes=["1", "2", "3", "4"]),
        ],
        class_name="DAGNetwork",
    )
    x = draw(seed, 60, features, scale=2)
    labels = otherwise.walk(network, x).argmax(1)
    for names in (np.array(list("0123")), np.array(list("3142"))):
        cause = the_cause(Case(network, (x,), (names[labels],)))
        assert cause.suspect == "list of classes"
    wrong = np.array(list("1234"))[np.random.default_rng(seed).permutation(labels)]
    case = Case(network, (x,), (wrong,))
    assert diagnose(case, suspects=TOGETHER, time_limit=3).causes == ()


# -- data, resizing ------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(3))
def test_data_normalized_before_predict_are_told(n):
    network, x = NETWORKS[f"featured{n}"]()
    standard = (x - x.mean(0)) / x.std(0, ddof=1)
    for bare in (False, True):
        network_of_case = network
        if bare:
            layer = network.layers[0]
            network_of_case = network.with_layers(layer.replace(normalization="none", arrays={}))
        expected = np.float32(otherwise.walk(network_of_case, standard))
        cause = the_cause(Case(network_of_case, (x,), (expected,)))
        assert cause.suspect == "data normalized before predict"


def by_torch(image, size, **how):
    tensor = torch.from_numpy(image).permute(3, 2, 0, 1)
    return F.interpolate(tensor, size, **how).permute(2, 3, 1, 0).numpy()


def by_reference(image, size, kernel=reference_images.cubic, width=4, antialiasing=True):
    how = (kernel, width, antialiasing)
    pairs = zip(image.shape, size, strict=False)
    rows, columns = (reference_images.matrix(old, new, *how) for old, new in pairs)
    return np.einsum("ih,jw,hwcn->ijcn", rows, columns, image)


TRIANGLE = {"kernel": reference_images.triangle, "width": 2}
RESIZES = {
    "OpenCV's": ("bilinear without", by_torch, {"mode": "bilinear"}),
    "Pillow's": ("bilinear with anti", by_reference, TRIANGLE),
    "nearest": ("nearest", by_torch, {"mode": "nearest-exact"}),
    "bicubic": ("bicubic without", by_reference, {"antialiasing": False}),
    "OpenCV's cubic": ("-0.75", by_torch, {"mode": "bicubic"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", RESIZES)
def test_another_resize_is_named(fault):
    words, resized, how = RESIZES[fault]
    for name in ("tall", "picture", "cnn"):
        network, x = NETWORKS[name]()
        size = x.shape[:2]
        # Not whole: how exact halves round is each program's own.
        whole = images(19, 14, 3, 21, x.shape[3]) + 0.25 * np.sin(np.arange(14.0))[:, None, None]
        expected = np.float32(otherwise.walk(network, resized(whole, size, **how)))
        given = by_reference(whole, size)
        cause = the_cause(Case(network, (given,), (expected,), unresized=(whole,)))
        assert (cause.suspect, words in cause.words) == ("image resize", True)


def test_whole_numbers_are_rounded_once_by_others_and_twice_by_imresize():
    network, x = NETWORKS["tall"]()
    whole = images(16, 10, 3, 22, x.shape[3])
    given = np.uint8(np.floor(by_reference(whole, (8, 5)) + 0.5).clip(0, 255))
    twice = [
        reference_images.imresize(whole[..., n], (8, 5), **TRIANGLE) for n in range(x.shape[3])
    ]
    expected = np.float32(otherwise.walk(network, np.stack(twice, -1)))
    cause = the_cause(Case(network, (given,), (expected,), unresized=(whole,)))
    assert "twice" in cause.words


# -- network objects -------------------------------------------------------------------------------


def shallow(seed, changed=lambda structure: structure, transfer="tansig"):
    """mapminmax, a hidden layer, a linear one, the reverse: a case with a fault planted in the
    structure that the reference computes."""
    random = np.random.default_rng(seed)
    rows, hidden, outputs = 2 + seed, 5, 2
    structure = shallow_nets.ShallowStructure(
        (shallow_nets.InputPart(rows, rows, (shallow_nets.minmax(random, rows),)),),
        (
            shallow_nets.LayerPart(hidden, transfer=transfer, bias=random.normal(size=(hidden, 1))),
            shallow_nets.LayerPart(outputs, bias=random.normal(size=(outputs, 1))),
        ),
        (shallow_nets.OutputPart(2, outputs, (shallow_nets.minmax(random, outputs),)),),
        {(1, 1): shallow_nets.WeightPart(random.normal(size=(hidden, rows)) / 2)},
        {(2, 1): shallow_nets.WeightPart(random.normal(size=(outputs, hidden)))},
    )
    x = random.normal(size=(rows, 25))
    expected = shallow_network.static(changed(shallow_nets.as_reference(structure)), x)
    return Case(shallow_nets.network(structure), (x,), (expected,))


def without_steps(structure, part):
    (only,) = structure[part]
    return {**structure, part: [{**only, "steps": []}]}


def twice(structure, part):
    (only,) = structure[part]
    return {**structure, part: [{**only, "steps": only["steps"] * 2}]}


def by_transfer(structure, transfer):
    hidden, last = structure["layers"]
    return {**structure, "layers": [{**hidden, "transfer": transfer}, last]}


SHALLOW = {
    "inputs bare": ("processing functions", "the inputs do not pass",
                    lambda s: without_steps(s, "inputs")),
    "outputs bare": ("processing functions", "the outputs do not pass",
                     lambda s: without_steps(s, "outputs")),
    "all bare": ("processing functions", "neither",
                 lambda s: without_steps(without_steps(s, "inputs"), "outputs")),
    "inputs twice": ("processing functions", "the inputs pass", lambda s: twice(s, "inputs")),
    "outputs twice": ("processing functions", "the outputs pass", lambda s: twice(s, "outputs")),
    "logsig": ("transfer function", "is logsig", lambda s: by_transfer(s, "logsig")),
    "purelin": ("transfer function", "is purelin", lambda s: by_transfer(s, "purelin")),
}  # fmt: skip


@pytest.mark.parametrize("fault", SHALLOW)
def test_mistakes_in_network_objects_are_named(fault):
    suspect, words, changed = SHALLOW[fault]
    for seed in range(3):
        cause = the_cause(shallow(seed, changed))
        assert (cause.suspect, words in cause.words) == (suspect, True), cause


def test_a_right_network_object_has_no_cause():
    assert diagnose(shallow(0), suspects=TOGETHER).causes == ()


# -- one of several ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrong"), [("square", "conv_2"), ("dag", "dilated"), ("joining0", "one")]
)
def test_one_layer_of_several_is_named(name, wrong):
    network, x = NETWORKS[name]()

    def flip(w):
        return w.flip((2, 3))

    y = otherwise.walk(network, x, only=wrong, filters=(flip,))
    (cause, *_) = diagnose(Case(network, (x,), (np.float32(y),))).causes
    assert cause.where == (wrong,)


@pytest.mark.parametrize("wrong", ["transposed", "plain"])
def test_the_layers_of_one_class_are_named_together(wrong):
    """A program that takes convolutions wrongly, and transposed ones rightly, or the other way."""
    rng = np.random.default_rng(0)
    layers = [layer("imageInputLayer", (8, 8, 3), Normalization="none")]
    for k in range(4):
        kind = "transposedConv2dLayer" if k % 2 else "convolution2dLayer"
        arrays = {"Weights": rng.normal(0, 0.3, (3, 3, 3, 3)), "Bias": rng.normal(0, 1, (1, 1, 3))}
        layers.append(layer(kind, 3, 3, **arrays))
    network = Network.of(layers)
    names = [one.name for one in network.layers[1:]][wrong == "transposed" :: 2]
    flipped = [one.replace(arrays={**one.arrays, "Weights": one.arrays["Weights"][::-1, ::-1]})
               for one in network.layers if one.name in names]  # fmt: skip
    x = rng.normal(size=(8, 8, 3, 2))
    y = network.with_layers(*flipped).predict(x)
    (cause, *_) = diagnose(Case(network, (x,), (y,))).causes
    assert cause.where == tuple(names)
    assert "turned by 180" in cause.words
