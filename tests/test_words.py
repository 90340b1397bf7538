"""The words and their backends: one vocabulary, every backend, nothing reduced unasked."""

import inspect
import math

import numpy as np
import pytest
import torch
from helpers import input_layer

import matbridge.onnx.elementwise
import matbridge.ops.constants
import matbridge.torch.backend
from matbridge import Layer, LayerError, Network, UnsupportedError
from matbridge.core.declare import learnable
from matbridge.ops import WORDS, ArrayOps, Ops, Value
from matbridge.ops.backend import ArrayBackend, Backend
from matbridge.ops.constants import Constants
from matbridge.ops.elementwise import BINARY, UNARY
from matbridge.ops.shapes import Shapes
from matbridge.torch.backend import TorchBackend
from matbridge.torch.module import NetworkModule
from matbridge.torch.prediction import PreparedModule
from matbridge.torch.ragged import RULES

TABLES = {
    "torch": matbridge.torch.backend.ELEMENTWISE,
    "onnx": matbridge.onnx.elementwise.ELEMENTWISE,
    "constants": matbridge.ops.constants.ELEMENTWISE,
}
OPTIONS = {"leaky-relu": {"scale": 0.1}, "elu": {"alpha": 0.7}, "clip": {"low": -1.0, "high": 2.0}}


def sign(x):
    return (x > 0) - (x < 0)


def tried(function, *arguments):
    try:
        result = function(*arguments)
    except ValueError:
        return math.nan
    return math.nan if isinstance(result, complex) else result


ONE = {
    "negative": lambda x: -x,
    "exp": math.exp,
    "log": lambda x: -math.inf if x == 0 else tried(math.log, x),
    "sqrt": lambda x: tried(math.sqrt, x),
    "abs": abs,
    "sign": sign,
    "floor": math.floor,
    "round": lambda x: sign(x) * math.floor(abs(x) + 0.5),
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "erf": math.erf,
    "relu": lambda x: max(x, 0),
    "softplus": lambda x: math.log1p(math.exp(-abs(x))) + max(x, 0),
    "softsign": lambda x: x / (1 + abs(x)),
    "hard-sigmoid": lambda x: min(max(0.2 * x + 0.5, 0), 1),
    "leaky-relu": lambda x: x if x >= 0 else 0.1 * x,
    "elu": lambda x: x if x >= 0 else 0.7 * (math.exp(x) - 1),
    "gelu": lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))),
    "clip": lambda x: min(max(x, -1), 2),
    "real": lambda x: x,
    "imag": lambda x: 0,
}
TWO = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": np.divide,
    "power": lambda x, y: math.inf if x == 0 and y < 0 else tried(lambda: x**y),
    "maximum": max,
    "minimum": min,
    "maximum-number": max,
    "minimum-number": min,
    "less": lambda x, y: float(x < y),
    "equal": lambda x, y: float(x == y),
}
COMPLEX = ("real", "imag", "complex")


def test_every_table_has_the_vocabulary():
    names = {*UNARY, *BINARY}
    assert names == {*ONE, *TWO, "complex"}
    for backend, table in TABLES.items():
        assert table.keys() == names, backend


X = np.array([[-3.0, -2.5, -0.5, 0.0, 0.5, 1.5, 20.0], [2.5, -1.5, 1.0, -0.0, -20.0, 3.0, 0.25]])
ALPHA = np.array([2.5, -2.5, -0.5, 0.5, -1.0, 3.0, -0.25])


class Everything(Layer):
    """Each function on data, on constants and on both, side by side in the channels."""

    ARRAYS = (learnable("Alpha", "7", dims="C"),)

    def forward(self, ops, p, x):
        alpha, nothing = p["Alpha"], ops.multiply(x, 0.0)
        parts = []
        for name in ONE:
            options = OPTIONS.get(name, {})
            if name not in COMPLEX:
                parts.append(ops.map(name, x, **options))
            parts.append(ops.add(nothing, ops.map(name, alpha, **options)))
        for name in TWO:
            parts += [ops.binary(name, x, alpha), ops.binary(name, alpha, x)]
            parts += [ops.binary(name, x, 2.0), ops.binary(name, 2.0, ops.add(x, 50.0))]
            parts.append(ops.add(nothing, ops.binary(name, alpha, alpha)))
            parts.append(ops.add(nothing, ops.binary(name, alpha, 2.0)))
        return ops.concatenate(parts, "C")


def of(function, *arrays):
    """The function of each element, in float64."""
    with np.errstate(all="ignore"):
        return np.vectorize(function, otypes=[float])(*np.broadcast_arrays(*arrays))


def expected():
    alpha, two = np.broadcast_to(ALPHA, X.shape), np.full(X.shape, 2.0)
    parts = []
    for name, function in ONE.items():
        parts += [] if name in COMPLEX else [of(function, X)]
        parts.append(of(function, alpha))
    for function in TWO.values():
        pairs = [(X, alpha), (alpha, X), (X, two), (two, X + 50), (alpha, alpha), (alpha, two)]
        parts += [of(function, *pair) for pair in pairs]
    return np.concatenate(parts, 1)


def network():
    card = Everything(name="all", arrays={"Alpha": ALPHA})
    return Network.of([input_layer("CB", (7, 2), "in"), card])


def backends():
    x = torch.from_numpy(X)
    return {
        "torch": lambda: NetworkModule(network(), "float64")(x).detach().numpy(),
        "prepared": lambda: PreparedModule(network(), dtype="float64")(x).numpy(),
        "replayed": lambda: twice(PreparedModule(network(), dtype="float64"), x),
        "program": program,
        "onnx": onnx,
    }


def twice(module, x):
    module(x + 1)
    return module(x).numpy()


def program():
    from matbridge.torch.program import export_program

    exported = export_program(network(), torch.float64)
    return exported.module()(torch.from_numpy(X)).detach().numpy()


def onnx():
    runtime = pytest.importorskip("onnxruntime")
    from matbridge.onnx.write import to_onnx

    model = to_onnx(network()).SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    return session.run(None, {entry.name: X.astype(np.float32)})[0]


@pytest.mark.parametrize("name", ["torch", "prepared", "replayed", "program", "onnx"])
def test_every_function_in_every_backend(name):
    """On data and on constants alike."""
    y = backends()[name]()
    # float32 squares what it adds: 20 to the power of 2.5 keeps six digits.
    tolerance = 2e-5 if name == "onnx" else 1e-12
    np.testing.assert_allclose(y, expected(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_every_function_of_sizes_and_constants(name):
    sizes, arrays = ArrayOps(Shapes()), ArrayOps(Constants())
    x, y = Value(X, "BC"), Value(ALPHA, "C")
    if name in UNARY:
        options = OPTIONS.get(name, {})
        assert sizes.map(name, Value((2, 7), "BC"), **options).data == (2, 7)
        found = arrays.map(name, x, **options).data
        wanted = of(ONE[name], X)
    else:
        assert sizes.binary(name, Value((2, 7), "BC"), Value((7,), "C")).data == (2, 7)
        found = arrays.binary(name, x, y).data
        wanted = X + 1j * ALPHA if name == "complex" else of(TWO[name], X, ALPHA)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", COMPLEX)
def test_onnx_says_that_it_has_no_complex_numbers(name):
    from matbridge.onnx.write import to_onnx

    class Complex(Layer):
        """One function of complex numbers."""

        def forward(self, ops, p, x):
            return ops.complex(x, x) if name == "complex" else ops.map(name, x)

    with pytest.raises(UnsupportedError, match="no complex numbers"):
        to_onnx(Network.of([input_layer("CB", (7, 2), "in"), Complex()]))


def test_names_and_options_that_are_not_there_are_told():
    ops = ArrayOps(Constants())
    x = Value(X, "BC")
    with pytest.raises(LayerError, match="no element-wise function 'softplu'") as caught:
        ops.map("softplu", x)
    assert "Did you mean 'softplus'?" in str(caught.value)
    with pytest.raises(LayerError, match="There are negative, exp"):
        ops.map("xyzzy", x)
    with pytest.raises(LayerError, match="no element-wise function 'relu'"):
        ops.binary("relu", x, x)
    with pytest.raises(LayerError, match="'leaky-relu' takes scale; given: none"):
        ops.map("leaky-relu", x)
    with pytest.raises(LayerError, match="'gelu' takes approximation .optional.; given: scale"):
        ops.map("gelu", x, scale=1.0)
    with pytest.raises(LayerError, match="'exp' takes no options; given: base"):
        ops.map("exp", x, base=2.0)
    with pytest.raises(LayerError, match="format BC has no dimension T"):
        ops.softmax(x, "T")


# -- reductions ----------------------------------------------------------------------------


def reduced_by_torch(name, array, over, keep):
    ops = Ops(TorchBackend(torch.float64, torch.device("cpu")))
    return ops.reduce(name, Value(torch.from_numpy(array), "BC"), over, keep).data.numpy()


def reduced_by_numpy(name, array, over, keep):
    return ArrayOps(Constants()).reduce(name, Value(array, "BC"), over, keep).data


def reduced_by_onnx(name, array, over, keep):
    runtime = pytest.importorskip("onnxruntime")
    from matbridge.onnx.write import to_onnx

    class Reduced(Layer):
        """One reduction of data and of a constant, whose mean is nothing."""

        def forward(self, ops, p, x):
            y = ops.reduce(name, ops.align(x, "BC"), over, keep)
            return ops.expand(y, "BC", x)

    model = to_onnx(Network.of([input_layer("CB", array.T.shape, "in"), Reduced()]))
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (entry,) = session.get_inputs()
    y = session.run(None, {entry.name: array.astype(np.float32)})[0]
    wanted = {"": y, "T": y, "C": y[:, :1], "B": y[:1]}[over]
    return wanted if keep or over in ("", "T") else wanted.reshape(-1)


@pytest.mark.parametrize("by", [reduced_by_torch, reduced_by_numpy, reduced_by_onnx])
@pytest.mark.parametrize("name", ["mean", "sum", "max", "min"])
@pytest.mark.parametrize("keep", [False, True])
def test_a_reduction_over_no_dimension_leaves_all_as_they_are(by, name, keep):
    """No label, or one of a dimension that is not there, beyond the last."""
    array = np.array([[1.0, 2, 6], [-4, 0.5, 5]])
    for over in ("", "T"):
        assert np.array_equal(by(name, array, over, keep), array)
    function = getattr(np, name)
    assert np.array_equal(by(name, array, "C", keep), function(array, axis=1, keepdims=keep))


def test_a_reduction_of_sizes_over_no_dimension():
    ops = ArrayOps(Shapes())
    for over in ("", "T", "S"):
        for keep in (False, True):
            assert ops.reduce("sum", Value((2, 3), "BC"), over, keep) == Value((2, 3), "BC")


# -- what is said once ---------------------------------------------------------------------


def test_every_word_has_a_rule_for_padding():
    """Any other is refused: what looks at bare tensors, operators of other tools; words made of
    words need none."""
    assert {*WORDS} - {*RULES} == {"standardize", "plain", "loop", "operate"}
    assert {*RULES} <= {*WORDS}


def test_words_are_told():
    for word in WORDS:
        assert inspect.getdoc(getattr(Ops, word)), word


def test_no_backend_inherits_from_another():
    from matbridge.onnx.backend import OnnxBackend

    primitives = {n for n in vars(Backend) | vars(ArrayBackend) if not n.startswith("_")}
    for backend in (TorchBackend, OnnxBackend, Constants, Shapes):
        assert backend.__bases__ == (object,)
        public = {name for name in vars(backend) if not name.startswith("_")}
        assert public <= primitives | {"training"}


# Words on arrays of the layer alone, of format "SCT": 2×3×4.
ON_CONSTANTS = {
    "softmax": lambda ops, a: ops.softmax(a, "C"),
    "reduce": lambda ops, a: ops.reduce("mean", a, "ST", keep=True),
    "standardize": lambda ops, a: ops.standardize(a, "SC", 0.1),
    "slice": lambda ops, a: ops.slice(a, "T", 1, None, 2),
    "pick": lambda ops, a: ops.pick(a, "T", -1),
    "concatenate": lambda ops, a: ops.concatenate([a, a], "S"),
    "flip": lambda ops, a: ops.flip(a, "T"),
    "merge": lambda ops, a: ops.merge(a, "C1", "C"),
    "split": lambda ops, a: ops.split(a, "T", (2, 2), "BT"),
    "flatten": lambda ops, a: ops.flatten(a),
    "expand": lambda ops, a: ops.expand(ops.reduce("max", a, "S"), "STC", a),
    "positions": lambda ops, a: ops.positions(a, "T"),
    "affine": lambda ops, a: ops.affine(ops.constant(np.eye(3)[:2], "OI"), a),
    "pad": lambda ops, a: ops.pad(a, "T", [(1, 2)], 3.0),
    "mirror": lambda ops, a: ops.pad(a, "T", [(1, 2)], "symmetric-include-edge"),
    "max_pool": lambda ops, a: ops.max_pool(a, over="T", window=[2], stride=[1], padding=[(0, 1)]),
    "average_pool": lambda ops, a: ops.average_pool(
        a, over="T", window=[2], stride=[2], padding=[(1, 1)], count_padding=False
    ),
    "lookup": lambda ops, a: ops.lookup(
        ops.constant(np.arange(8.0).reshape(2, 4), "CW"),
        ops.constant(np.array([1.0, 3, 9]), "T"),
        4,
        strict=False,
    ),
    "attend": lambda ops, a: ops.attend(a, a, a, over="T", heads=1)[0],
    "resize": lambda ops, a: ops.resize(
        a, over="T", sizes=[8], method="nearest", transform="half-pixel", rounding="round"
    ),
}


@pytest.mark.parametrize("word", list(ON_CONSTANTS))
def test_words_on_constants_are_written_too(word):
    """A card may compute on its own arrays alone: torch and ONNX agree."""
    runtime = pytest.importorskip("onnxruntime")
    from matbridge.onnx.write import to_onnx

    class Constant(Layer):
        """One word on an array, the sum of all it gives (each times its place) added to data."""

        ARRAYS = (learnable("A", "2", "3", "4", dims="SCT"),)

        def forward(self, ops, p, x):
            y = ON_CONSTANTS[word](ops, p["A"])
            weights = np.arange(1.0, 1 + math.prod(ops.sizes(y))).reshape(ops.sizes(y))
            total = ops.multiply(y, ops.constant(weights, y.dims))
            return ops.add(x, ops.reduce("sum", total, total.dims))

    array = np.random.default_rng(1).standard_normal((2, 3, 4))
    network = Network.of([input_layer("CB", (7, 2), "in"), Constant(arrays={"A": array})])
    wanted = NetworkModule(network, "float64")(torch.from_numpy(X)).detach().numpy()
    session = runtime.InferenceSession(
        to_onnx(network).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (entry,) = session.get_inputs()
    (found,) = session.run(None, {entry.name: X.astype(np.float32)})
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    prepared = PreparedModule(network, dtype="float64")
    for _ in range(2):
        np.testing.assert_allclose(prepared(torch.from_numpy(X)).numpy(), wanted)
