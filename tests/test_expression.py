"""Function layers: the handles that are understood, and those that are not."""

import contextlib

import numpy as np
import pytest
from helpers import assert_close, assert_layer, layer, network_of, run
from hypothesis import given, settings
from hypothesis import strategies as st

from matbridge import MatbridgeError, MismatchError, Network, UnsupportedError
from matbridge.layers.function import FunctionLayer, Handle
from matbridge.layers.handle import parse_function

X = np.random.default_rng(0).standard_normal((4, 3))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@(x).001*x", 0.001 * X),
        ("@(x) x*2", 2 * X),
        ("@(x)2.*x-1", 2 * X - 1),
        ("@(x)-x.^2", -(X**2)),
        ("@(x)x.^-1", 1 / X),
        ("@(x)1./(1+exp(-x))", sigmoid(X)),
        ("@(W)W.^2./(sum(W.^2,1)+.01)", X**2 / ((X**2).sum(0) + 0.01)),
        ("@(x)x-mean(x,'all')", X - X.mean()),
        ("@(x)x./max(abs(x),[],1)", X / np.abs(X).max(0)),
        ("@(x)max(x,0)", np.maximum(X, 0)),
        ("@(x)min(1,max(0,x))", X.clip(0, 1)),
        ("@(x)[x;x]", np.concatenate([X, X])),
        ("@(x)[2*x; -x]", np.concatenate([2 * X, -X])),
        ("@(x)cat(1,x,tanh(x))", np.concatenate([X, np.tanh(X)])),
        ("@(x)x.*sigmoid(x)", X * sigmoid(X)),
        ("@(x)times(x,x)", X * X),
        ("@(x)[1 0 0 0; 0 1 1 0]*x", np.array([[1, 0, 0, 0], [0, 1, 1, 0]]) @ X),
        ("@(x)pi*x/eps^0", np.pi * X),
        ("@(x)leakyrelu(x,0.2)", np.where(X >= 0, X, 0.2 * X)),
        ("@(x)sin(x)+cos(x)", np.sin(X) + np.cos(X)),
        ("@(x)stripdims(x)", X),
        ("relu", np.maximum(X, 0)),
        ("tanh", np.tanh(X)),
        ("deep.transform.sign", np.sign(X)),
        ("@(x)1e-3*x+2.5E1", 1e-3 * X + 25),
        ("@(x)x(1:2,:)", X[:2]),
        ("@(x)x(2:end,:)", X[1:]),
        ("@(x)x(1:end-1,:)-x(2:end,:)", X[:-1] - X[1:]),
        ("@(x)x(1:2:end,:)", X[::2]),
        ("@(x)x(floor(end/2)+1:end,:)", X[2:]),
        ("@(x)x(end:-1:1,:)", X[::-1]),
        ("@(x)x([3 1],:)", X[[2, 0]]),
        ("@(x)x(end,:).*x", X[-1:] * X),
        ("@(x)[x(3:4,:); x(1:2,:)]", np.roll(X, 2, 0)),
        ("@(x)flip(x,1)", X[::-1]),
        ("@(x)x./vecnorm(x,2,1)", X / np.sqrt((X**2).sum(0))),
        ("@(x)softmax(x,'DataFormat','CB')", np.exp(X) / np.exp(X).sum(0)),
        ("@(x)x.*(x>0)", X * (X > 0)),
        ("@(x)x.*(x<=0.1)", X * (X <= 0.1)),
        ("@(x)(x>=0)-(x<0)+(x==0)+(x~=0)", np.sign(X) + 1),
    ],
)
def test_handles(text, expected):
    one = layer("functionLayer", text)
    assert_layer(one, X, "CB", expected)
    size = network_of(one, like=X, format="CB").infer()
    assert [s.sizes[0] for s in size.values()][-1] == expected.shape[0]


def test_captured_variables_and_columns():
    W = np.arange(8.0).reshape(2, 4)
    one = FunctionLayer(predict_fcn=Handle("@(x)[A*x;A(2,1)*x;A(end)*x]", {"A": W}))
    assert_layer(one, X, "CB", np.concatenate([W @ X, W[1, 0] * X, W[-1, -1] * X]))
    rows = FunctionLayer(predict_fcn=Handle("@(x)A(:,[1 3 2 4])*x", {"A": W}))
    assert_layer(rows, X, "CB", W[:, [0, 2, 1, 3]] @ X)
    column = FunctionLayer(predict_fcn=Handle("@(x)c.*x", {"c": np.arange(4.0).reshape(4, 1)}))
    assert_layer(column, X, "CB", np.arange(4.0)[:, None] * X)


def test_images_count_their_dimensions_as_matlab():
    x = np.random.default_rng(1).standard_normal((3, 4, 2, 2))
    one = layer("functionLayer", "@(x)x-mean(x,[1 2])")
    assert_layer(one, x, "SSCB", x - x.mean((0, 1), keepdims=True))
    part = layer("functionLayer", "@(x)x(2:end,[1 4],end,:)")
    assert_layer(part, x, "SSCB", x[1:, [0, 3]][:, :, -1:])
    turned = layer("functionLayer", "@(x)permute(x,[2 1 3 4])")
    assert_layer(turned, x, "SSCB", x.transpose(1, 0, 2, 3))


def test_softmax_of_a_formattable_layer():
    e = np.exp(X - X.max(0))
    assert_layer(layer("functionLayer", "@(x)softmax(x)", Formattable=True), X, "CB", e / e.sum(0))


def test_a_formattable_layer_may_give_other_labels():
    one = layer("functionLayer", '@(X) dlarray(X,"SBC")', Formattable=True)
    network = network_of(one, like=X, format="CB")
    assert [str(size) for size in network.infer().values()][-1] == "4(S) × 1(C) × 1(B)"
    assert_close(network.predict(X, format="CB", dtype="float64"), X[:, None])
    images = np.random.default_rng(2).standard_normal((4, 3, 2, 5))
    turned = layer("functionLayer", "@(X) dlarray(X,'CSSB')", Formattable=True)
    assert_layer(turned, images, "SSCB", images.transpose(1, 2, 0, 3))


def test_spaces_separate_elements():
    tree = parse_function("@(x)[1 -2 - 3, x']").body
    assert [len(row.parts) for row in tree.parts] == [3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@(x)fft(x)", "function fft is not known"),
        ("@(x)flip(x,7)", "flip is not supported there"),
        ("@(x)dlarray(x,'C')", "a label for each dimension"),
        ("@(x)dlarray(x,'QB')", "dlarray is not supported there"),
        ("@(x)x(1:9,:)", "an index is not within its dimension"),
        ("@(x)x(0,:)", "an index is not within its dimension"),
        ("@(x)x(1.5,:)", "an index is not within its dimension"),
        ("@(x)x(x,:)", "an index is not within its dimension"),
        ("@(x)x(1)", "one index for each dimension"),
        ("@(x)x(:,1)", "observations cannot be indexed"),
        ("@(x)x*(1:1e9)", "a range is too long"),
        ("@(x)x*(1:Inf)", "a range is not of numbers"),
        ("@(x)x(Inf,:)", "an index is not within its dimension"),
        ("@(x)x([],:)", "an index is not within its dimension"),
        ("@(x)x+(x:3)", "a range is not of numbers"),
        ("@(x)sum(:)", "not expected there"),
        ("@(x)y+x", "y is not known"),
        ("@(x)x+", "not expected"),
        ("@(x)(x", "missing"),
        ("@(x)x; system('rm -rf /')", "not expected"),
        ("@()1", "arguments"),
        ("@(x)5", "does not depend on its input"),
        ("@(x)x*x", "product of two inputs"),
        ("@(x)x$", "not expected"),
        ("@(x)x+'text'", "text cannot be computed with"),
        ("@(x)" + "(" * 300 + "x" + ")" * 300, "nested too deep"),
        ("@(x)" + "x+" * 3000 + "x", "too long"),
        ("x y", "neither a name nor"),
    ],
)
def test_what_is_not_understood_is_said(text, said):
    with pytest.raises(UnsupportedError, match=said):
        run(layer("functionLayer", text), X, "CB")


def test_observations_that_a_function_mixes():
    with pytest.raises(MismatchError, match="1 results for 3 observations"):
        run(layer("functionLayer", "@(x)sum(x,2)"), X, "CB")


PIECES = "x ( ) [ ] : , ; ' + - * / ^ ~ < = @ 0 1e9 Inf NaN end sum max cat flip 'all' 'CB'".split()
SEEDS = (
    "@(x)x(1:2,:)",
    "@(x)[x;2*x]",
    "@(x)max(abs(x),[],1)",
    "@(x)dlarray(x,'SBC')",
    "@(x)permute(x,[2 1])",
    "@(x)x(end:-1:1,:)",
    "@(x)softmax(x,'DataFormat','CB')",
)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(SEEDS), st.booleans())
def test_whatever_a_handle_says_the_answer_is_a_result_or_one_line(data, text, formattable):
    """Handles come from files that are not trusted."""
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(4, len(text)))
        text = text[:place] + data.draw(st.sampled_from(PIECES)) + text[place:]
    with contextlib.suppress(MatbridgeError):
        run(layer("functionLayer", text, Formattable=formattable), X, "CB")


def test_a_python_function_takes_its_place(tmp_path):
    import saved

    import matbridge
    from matbridge.matlab.file.values import FunctionHandle
    from matbridge.matlab.file.write import write_mat

    handle = {"function": "myFancyFunction", "type": "simple"}
    custom = saved.custom(
        "nnet.cnn.layer.FunctionLayer",
        PredictFcn=FunctionHandle("x", raw={"function_handle": handle}),
        Formattable=saved.logical(False),
        Name="fun",
    )
    network = saved.dlnetwork([("in", "fun")], ["fun"], saved.feature_input("in", 4), custom)
    write_mat(tmp_path / "net.mat", {"net": network})
    with pytest.raises(UnsupportedError, match="myFancyFunction is not known"):
        matbridge.load(tmp_path / "net.mat").predict(X.T)
    for key in ("myFancyFunction", "fun"):
        registry = {key: lambda ops, x: ops.multiply(x, 3.0)}
        found = matbridge.load(tmp_path / "net.mat", registry=registry)
        assert_close(found.predict(X.T, dtype="float64"), 3 * X.T)


def test_two_inputs():
    network = Network.of(
        [
            layer("featureInputLayer", 4, Name="a"),
            layer("featureInputLayer", 4, Name="b"),
            FunctionLayer(name="f", predict_fcn=Handle("@(x,y)x.*y+y"), ports=("in1", "in2")),
        ],
        [("a", "f/in1"), ("b", "f/in2")],
    )
    a, b = X.T, X.T[::-1]
    assert_close(network.predict(a, b, dtype="float64"), a * b + b)
