"""Models that other tools wrote: PyTorch's two exporters, scikit-learn, the groups of Keras."""

import logging
import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import matbridge
from matbridge.core.dims import canonical, reorder
from matbridge.onnx.write import to_onnx

skl2onnx = pytest.importorskip("skl2onnx")
pytest.importorskip("onnxscript")

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def numbers(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.recurrent = kind(5, 6, batch_first=True, **options)
        self.linear = nn.Linear(12 if options.get("bidirectional") else 6, 3)

    def forward(self, x):
        return self.linear(self.recurrent(x)[0])


class Block(nn.Module):
    """A transformer block: attention and a small network, each behind a normalization."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.first, self.second = nn.LayerNorm(16), nn.LayerNorm(16)
        self.inner = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, x):
        y = self.first(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.inner(self.second(x))


def mlp():
    return nn.Sequential(nn.Linear(7, 9), nn.Tanh(), nn.Linear(9, 9), nn.GELU(), nn.Linear(9, 2))


def cnn():
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 8, 3, groups=8), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.Dropout(), nn.Linear(8, 4), nn.Softmax(1)),
    )


DENSE = "FullyConnectedLayer"
# By name: the module, the labels of its input, its size without batch and time, and the layers.
MODULES = {
    "mlp": (mlp, "BC", (7,), ["FeatureInputLayer", DENSE, "TanhLayer", DENSE, "GELULayer", DENSE]),
    "cnn": (
        cnn,
        "BCSS",
        (3, 12, 10),
        [
            *("ImageInputLayer", "Convolution2DLayer", "ReLULayer", "MaxPooling2DLayer"),
            *("GroupedConvolution2DLayer", "SwishLayer", "GlobalAveragePooling2DLayer"),
            *(DENSE, "SoftmaxLayer"),
        ],
    ),
    "lstm": (lambda: Recurrent(nn.LSTM), "BTC", (5,), ["SequenceInputLayer", "LSTMLayer", DENSE]),
    "gru": (lambda: Recurrent(nn.GRU), "BTC", (5,), ["SequenceInputLayer", "GRULayer", DENSE]),
    "bilstm": (
        lambda: Recurrent(nn.LSTM, bidirectional=True),
        "BTC",
        (5,),
        ["SequenceInputLayer", "BiLSTMLayer", DENSE],
    ),
    "block": (Block, "BTC", (16,), None),
}


def exported(module, x, path, dynamo):
    """The file of a module whose batch, and time if there is any, are free."""
    names = {0: "n", 1: "t"} if x.ndim == 3 else {0: "n"}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dynamo:
            free = {axis: torch.export.Dim(n, min=2, max=100) for axis, n in names.items()}
            torch.onnx.export(
                *(module, (x,), path),
                dynamo=True,
                dynamic_shapes=(free,),
                verbose=False,
                external_data=False,
            )
        else:
            torch.onnx.export(
                *(module, (x,), path),
                dynamo=False,
                input_names=["x"],
                dynamic_axes={"x": names},
            )
    logging.disable(logging.NOTSET)
    return path


@pytest.mark.parametrize("dynamo", [False, True], ids=["script", "dynamo"])
@pytest.mark.parametrize("name", MODULES)
def test_pytorch(name, dynamo, tmp_path):
    """The layers are MATLAB's, and compute what the module computes for any batch and length."""
    make, dims, size, layers = MODULES[name]
    torch.manual_seed(0)
    module = make().eval()
    steps = (4,) if "T" in dims else ()
    example = torch.zeros(2, *steps, *size)
    network = matbridge.load(exported(module, example, tmp_path / "net.onnx", dynamo))
    types = [layer.type_name for layer in network.layers]
    assert layers is None or types == layers
    if layers is None:
        assert types.count(DENSE) >= 4
        assert types.count("LayerNormalizationLayer") == 2
        assert {"GELULayer", "AdditionLayer"} <= {*types}
    written = to_onnx(network)
    session = onnxruntime.InferenceSession(written.SerializeToString())
    # The script exporter writes the length of its example into attention.
    lengths = (4, 4, 4) if name == "block" and not dynamo else (3, 4, 7)
    for batch, length in zip((1, 3, 2), lengths, strict=True):
        x = numbers(batch, *((length,) if steps else ()), *size)
        with torch.no_grad():
            truth = module(torch.from_numpy(x)).numpy()
        y = network.predict(x, format=dims)
        ours = reorder(y, canonical(dims if y.ndim == len(dims) else "CB"), dims[: truth.ndim])
        np.testing.assert_allclose(ours, truth, **TOLERANCE)
        entry = session.get_inputs()[0]
        batch_first = {"BTC": "BCT"}.get(dims, dims)
        (again,) = session.run(None, {entry.name: reorder(x, dims, batch_first)})
        np.testing.assert_allclose(
            reorder(again, batch_first[: again.ndim], dims[: truth.ndim]), truth, **TOLERANCE
        )


# -- scikit-learn ---------------------------------------------------------------------------------


def fitted(model, targets, steps=()):
    """A model fitted to some numbers, as a file would hold it, and the numbers."""
    from sklearn.pipeline import make_pipeline

    x = numbers(60, 5)
    model = make_pipeline(*steps, model) if steps else model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, targets)
        return model, skl2onnx.to_onnx(model, x[:1])


def classifier(**options):
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(hidden_layer_sizes=(8,), max_iter=20, random_state=0, **options)


def loaded(model, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return matbridge.load(path)


DRAWN = np.random.default_rng(2).integers(0, 3, 60)


@pytest.mark.parametrize(
    ("activation", "targets", "layers"),
    [
        ("relu", DRAWN, ["ReLULayer", DENSE, "SoftmaxLayer"]),
        ("tanh", np.array(["a", "b", "c"])[DRAWN], ["TanhLayer", DENSE, "SoftmaxLayer"]),
        ("logistic", DRAWN % 2, ["SigmoidLayer", DENSE, "SigmoidLayer"]),
    ],
)
def test_scikit_learns_classifier(activation, targets, layers, tmp_path):
    """Scores as of a network with an output layer; the label is what classify says."""
    model, file = fitted(classifier(activation=activation), targets)
    network = loaded(file, tmp_path)
    types = [layer.type_name for layer in network.layers]
    assert types[: len(layers) + 2] == ["FeatureInputLayer", DENSE, *layers]
    assert types[-1] == "ClassificationOutputLayer"
    assert network.classes == tuple(map(str, model.classes_))
    assert any("classify tells" in str(line) for line in network.report)
    for count in (1, 7):
        x = numbers(count, 5, seed=count)
        np.testing.assert_allclose(network.predict(x), model.predict_proba(x), **TOLERANCE)
        assert list(network.classify(x)) == list(map(str, model.predict(x)))


def test_scikit_learns_regressor_and_scaler(tmp_path):
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    regressor = MLPRegressor(hidden_layer_sizes=(8, 6), max_iter=20, random_state=0)
    model, file = fitted(regressor, numbers(60, seed=3), (StandardScaler(),))
    network = loaded(file, tmp_path)
    types = [layer.type_name for layer in network.layers]
    assert types[:3] == ["FeatureInputLayer", "ElementwiseAffineLayer", DENSE]
    x = numbers(9, 5, seed=4)
    np.testing.assert_allclose(network.predict(x)[:, 0], model.predict(x), rtol=1e-4, atol=1e-4)


# -- groups of nodes as tf2onnx and others write them ----------------------------------------------


def graph_of(nodes, inputs, outputs, arrays=(), opset=17):
    def info(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "graph",
        [info(*pair) for pair in inputs.items()],
        [info(*pair) for pair in outputs.items()],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in dict(arrays).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def keras_cnn():
    """Channels last outside: Transpose, Conv with bias apart, pools, Transpose, Reshape, MatMul."""
    arrays = {
        "w": numbers(4, 3, 3, 3),
        "b": numbers(1, 4, 1, 1),
        "shape": np.array([-1, 4 * 3 * 5]),
        "fc": numbers(60, 2),
        "fb": numbers(2),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["c"], auto_pad="SAME_UPPER"),
        helper.make_node("Add", ["c", "b"], ["biased"]),
        helper.make_node("Relu", ["biased"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Transpose", ["p"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "fc"], ["m"]),
        helper.make_node("Add", ["m", "fb"], ["y"]),
    ]
    return graph_of(nodes, {"x": ["N", 6, 10, 3]}, {"y": ["N", 2]}, arrays)


def keras_lstm():
    """A sequence N×T×C turned round, the last hidden state, a dense layer."""
    arrays = {"w": numbers(1, 24, 5), "r": numbers(1, 24, 6), "b": numbers(1, 48)}
    arrays |= {"fc": numbers(6, 2), "axes": np.array([0])}
    nodes = [
        helper.make_node("Transpose", ["x"], ["steps"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["steps", "w", "r", "b"], ["", "h"], hidden_size=6),
        helper.make_node("Squeeze", ["h", "axes"], ["last"]),
        helper.make_node("MatMul", ["last", "fc"], ["y"]),
    ]
    return graph_of(nodes, {"x": ["N", "T", 5]}, {"y": ["N", 2]}, arrays)


def global_means():
    """Means over height and width without dimensions of size 1, a clipped function before."""
    arrays = {"low": np.float32(0), "high": np.float32(6), "fc": numbers(3, 2)}
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["c"]),
        helper.make_node("LeakyRelu", ["c"], ["l"], alpha=0.3),
        helper.make_node("ReduceMean", ["l"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["m", "fc"], ["y"]),
    ]
    return graph_of(nodes, {"x": ["N", 3, 6, 5]}, {"y": ["N", 2]}, arrays)


def computed_shape():
    """A Reshape whose shape is worked out from that of the data, for any batch."""
    arrays = {"zero": np.array([0]), "rest": np.array([6, 15]), "one": np.array(1.0, np.float32)}
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["r"]),
        helper.make_node("CumSum", ["r", "zero"], ["y"]),
    ]
    nodes[-1].input[1] = "last"
    arrays["last"] = np.array(2)
    return graph_of(nodes, {"x": ["N", 3, 6, 5]}, {"y": ["N", 6, 15]}, arrays)


def image_layers():
    arrays = {"w": numbers(3, 4, 2, 2), "s": numbers(4), "o": numbers(4), "slope": numbers(4, 1, 1)}
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w"], ["c"], strides=[2, 2], pads=[1, 0, 1, 0]),
        helper.make_node("InstanceNormalization", ["c", "s", "o"], ["i"], epsilon=1e-3),
        helper.make_node("PRelu", ["i", "slope"], ["p"]),
        helper.make_node("Elu", ["p"], ["e"], alpha=0.5),
        helper.make_node("Softplus", ["e"], ["y"]),
    ]
    return graph_of(nodes, {"x": ["N", 3, 6, 5]}, {"y": ["N", 4, 10, 10]}, arrays)


GROUPS = {
    "keras_cnn": (keras_cnn, ["MaxPooling2DLayer", DENSE]),
    "keras_lstm": (keras_lstm, ["LSTMLayer", DENSE]),
    "global_means": (
        global_means,
        ["ClippedReLULayer", "LeakyReLULayer", "GlobalAveragePooling2DLayer", DENSE],
    ),
    "computed_shape": (computed_shape, ["CumSum"]),
    "image_layers": (
        image_layers,
        [
            *("TransposedConvolution2DLayer", "InstanceNormalizationLayer", "PReLULayer"),
            *("ELULayer", "SoftplusLayer"),
        ],
    ),
}


def tried(network, session, batch):
    """What the network and ONNX Runtime make of the same numbers."""
    entry = session.get_inputs()[0]
    shape = [n if isinstance(n, int) else {"T": 4}.get(n, batch) for n in entry.shape]
    x = numbers(*shape, seed=batch)
    (truth,) = session.run(None, {entry.name: x})
    axes = network.provenance.details["axes"]
    order = "".join(axes["inputs"][entry.name]).translate(str.maketrans("12", "SS"))
    y = network.predict(x, format=order)
    (labels,) = axes["outputs"].values()
    format = canonical("".join(labels).translate(str.maketrans("123", "SSS")))
    ours = reorder(
        y.reshape([n for n in y.shape if n != 1] if y.ndim > truth.ndim else y.shape),
        format,
        "".join(labels).translate(str.maketrans("123", "SSS")),
    )
    return ours, truth


@pytest.mark.parametrize("name", GROUPS)
def test_groups_of_other_tools(name, tmp_path):
    make, layers = GROUPS[name]
    model = make()
    network = loaded(model, tmp_path)
    types = [layer.type_name for layer in network.layers]
    assert types[-len(layers) :] == layers
    written = onnxruntime.InferenceSession(to_onnx(network).SerializeToString())
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert written.get_outputs()
    for batch in (2, 5):
        ours, truth = tried(network, session, batch)
        np.testing.assert_allclose(ours, truth, **TOLERANCE)
