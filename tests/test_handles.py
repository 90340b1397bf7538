"""The functions of handles against NumPy, in torch and in ONNX; and their limits."""

import time

import numpy as np
import pytest
from helpers import assert_close, assert_layer, batch_first_array, layer, network_of
from reference import handles

from matbridge import MatbridgeError, UnsupportedError
from matbridge.core.dims import batch_first, reorder
from matbridge.errors import UnknownSizeError
from matbridge.layers.function import FunctionLayer, Handle
from matbridge.layers.handle import parse_function

draw = np.random.default_rng(3)
X = np.round(draw.standard_normal((4, 3)) * 4) / 2
HOLES = np.where(X > 1, np.nan, X)
HOLES[:, 0] = np.nan
IMAGES = draw.standard_normal((3, 4, 2, 5))
STEPS = draw.standard_normal((3, 2, 6))
R = handles.reshape


def assert_written(one, x, format, expected):
    """The written model in ONNX Runtime, in float32."""
    runtime = pytest.importorskip("onnxruntime")
    from matbridge.onnx.write import to_onnx

    model = to_onnx(network_of(one, like=x, format=format)).SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    (found,) = session.run(None, {entry.name: batch_first_array(x, format)})
    expected = reorder(expected, format, batch_first(format))
    assert np.array_equal(np.isnan(found), np.isnan(expected))
    assert_close(np.nan_to_num(found), np.nan_to_num(expected), 2e-5)


CASES = [
    # -- NaN, and zero
    ("@(x)max(x,0.5)", "CB", HOLES, handles.maximum(HOLES, 0.5)),
    ("@(x)min(x,-x)", "CB", HOLES, handles.minimum(HOLES, -HOLES)),
    ("@(x)max(NaN,x)", "CB", X, X),
    ("@(x)x-max(x,[],1)", "CB", X, X - handles.largest(X, 0)),
    ("@(x)0*(1:4)'+max(x,[],1)", "CB", HOLES, np.zeros((4, 1)) + handles.largest(HOLES, 0)),
    ("@(x)0*(1:4)'+min(x,[],1)", "CB", HOLES, np.zeros((4, 1)) + handles.smallest(HOLES, 0)),
    ("@(x)0*(1:4)'+max(x,[],1,'includenan')", "CB", HOLES, np.zeros((4, 1)) + HOLES.max(0)),
    ("@(x)isnan(x)", "CB", HOLES, np.isnan(HOLES)),
    # -- comparison and logic
    ("@(x)x<0.5", "CB", HOLES, HOLES < 0.5),
    ("@(x)x>=0.5", "CB", HOLES, HOLES >= 0.5),
    ("@(x)x==x", "CB", HOLES, ~np.isnan(HOLES)),
    ("@(x)x~=0.5", "CB", HOLES, HOLES != 0.5),
    ("@(x)(1./x>0)&(1./x==1./x)", "CB", X * 0 + [1, 0, -1], X * 0 + [1, 1, 0]),
    ("@(x)(x>0&x<1)-(x>1|x<-1)", "CB", X, 1.0 * ((X > 0) & (X < 1)) - ((X > 1) | (X < -1))),
    ("@(x)~x+(~(x>1)&&1)", "CB", X, 1.0 * (X == 0) + ~(X > 1)),
    ("@(x)xor(x,x>0)", "CB", X, (X != 0) ^ (X > 0)),
    ("@(x)x.*any(x>1,2)", "CB", X, X * (X > 1).any(1, keepdims=True)),
    ("@(x)x.*all(x>-1)", "CB", X, X * (X > -1).all(0)),
    # -- spread
    ("@(x)x./std(x)", "CB", X, X / np.sqrt(handles.variance(X, (0,)))),
    ("@(x)x./(1+var(x,1,1))", "CB", X, X / (1 + handles.variance(X, (0,), biased=True))),
    ("@(x)x+var(x,0,[1 2])", "SSCB", IMAGES, IMAGES + handles.variance(IMAGES, (0, 1))),
    ("@(x)x+var(x,[],3)", "CBT", STEPS, STEPS + handles.variance(STEPS, (2,))),
    ("@(x)x+std(x,1,'all')", "CB", X, X + np.sqrt(handles.variance(X, (0, 1), biased=True))),
    ("@(x)x+var(x,0,3)", "CB", X, X),
    # -- rounding
    ("@(x)fix(x)", "CB", X, handles.fix(X)),
    ("@(x)ceil(x)+round(x)", "CB", X, np.ceil(X) + np.sign(X) * np.floor(abs(X) + 0.5)),
    ("@(x)mod(x,1.5)", "CB", X, handles.mod(X, 1.5)),
    ("@(x)mod(x,-1.5)", "CB", X, handles.mod(X, -1.5)),
    ("@(x)mod(x,[1;0;2;0])", "CB", X, handles.mod(X, np.array([[1.0], [0], [2], [0]]))),
    ("@(x)rem(x,1.5)", "CB", X, handles.rem(X, 1.5)),
    ("@(x)rem(x,0)", "CB", X, np.full(X.shape, np.nan)),
    # -- dimensions beyond the last have size 1
    ("@(x)sum(x,3)", "CB", X, X),
    ("@(x)mean(x,[3 4])", "CB", X, X),
    ("@(x)max(x,[],5)", "CB", X, X),
    ("@(x)sum(x,[1 9])-sum(x,1)+x", "CB", X, X),
    ("@(x)any(x,3)", "CB", X, X != 0),
    ("@(x)squeeze(cat(3,x,2*x))(:,:)", "CB", X, None),
    ("@(x)sum(cat(3,x,2*x),3)", "CB", X, 3 * X),
    ("@(x)x(:,:,1,end)", "CB", X, X),
    # -- elements elsewhere
    ("@(x)reshape(x,2,2,1,[])", "SSCB", IMAGES[:2, :2, :1], IMAGES[:2, :2, :1]),
    ("@(x)reshape(x,[4 3 2 5])", "SSCB", IMAGES, R(IMAGES, 4, 3, 2, 5)),
    ("@(x)reshape(x,2,6,[],size(x,4))", "SSCB", IMAGES, R(IMAGES, 2, 6, 2, 5)),
    ("@(x)reshape(x,size(x))", "CBT", STEPS, STEPS),
    ("@(x)reshape(permute(reshape(x,2,2,[]),[2 1 3]),4,[])", "CB", X, X[[0, 2, 1, 3]]),
    ("@(x)squeeze(permute(x,[1 4 2 3]))", "CBT", STEPS, STEPS),
    ("@(x)repmat(x(1,:),4,1)", "CB", X, np.repeat(X[:1], 4, 0)),
    ("@(x)repmat(x(1:2,:),[2 1])", "CB", X, np.tile(X[:2], (2, 1))),
    ("@(x)repmat(x,2,1,3,1)", "SSCB", IMAGES, np.tile(IMAGES, (2, 1, 3, 1))),
    ("@(x)cat(3,x,-x)", "SSCB", IMAGES, np.concatenate([IMAGES, -IMAGES], 2)),
    ("@(x)cat(2,x(:,1,:,:),x)", "SSCB", IMAGES, IMAGES[:, [0, 0, 1, 2, 3]]),
    ("@(x)[x,x(:,end,:,:)]", "SSCB", IMAGES, IMAGES[:, [0, 1, 2, 3, 3]]),
    ("@(x)flip(x)", "CB", X, X[::-1]),
    ("@(x)extractdata(dlarray(stripdims(x)))", "CB", X, X),
    ("@(x)x+numel([1 2 3])+ndims(x)+size(x,2)", "SSCB", IMAGES, IMAGES + 3 + 4 + 4),
    ("@(x)x.*ones(4,1)+zeros(1)", "CB", X, X),
    # -- end wherever it may stand
    ("@(x)x(end,end-1,end,:)", "SSCB", IMAGES, IMAGES[-1:, -2:-1, -1:]),
    ("@(x)x(min(end,9),:)", "CB", X, X[-1:]),
    ("@(x)x([1 end],:)", "CB", X, X[[0, 3]]),
    ("@(x)x(end/2:end,:)", "CB", X, X[1:]),
    ("@(x)x(end-[2 0],:)", "CB", X, X[[1, 3]]),
    ("@(x)x(:,:,end-1)", "CBT", STEPS, STEPS[:, :, -2:-1]),
    ("@(x)x(:,:,2:end-1)", "CBT", STEPS, STEPS[:, :, 1:-1]),
    ("@(x)x(:,:,end-2:end)", "CBT", STEPS, STEPS[:, :, -3:]),
    ("@(x)x(:,:,4)", "CBT", STEPS, STEPS[:, :, 3:4]),
    # -- matrices and constants
    ("@(x)(x'*[1 2 0 0;0 0 1 1]')'", "CB", X, np.array([[1, 2, 0, 0], [0, 0, 1, 1]]) @ X),
    ("@(x)x/max([1 2;3 4],[],'all')", "CB", X, X / 4),
    ("@(x)x*sum(reshape(1:6,2,3)*ones(3,1))", "CB", X, X * 21),
    ("@(x)x'.^2'-2^-1*x", "CB", X, X**2 - X / 2),
    ("@(x)-x.^2+~0*x", "CB", X, X - X**2),
    ("@(~,x)x", "CB", X, None),
]
CASES = [case for case in CASES if case[3] is not None]


@pytest.mark.parametrize(("text", "format", "x", "expected"), CASES, ids=[c[0] for c in CASES])
def test_functions(text, format, x, expected):
    expected = np.asarray(expected, dtype=float)
    one = layer("functionLayer", text)
    network = network_of(one, like=x, format=format)
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        found = network.predict(x, format=format, dtype=dtype)
        assert np.array_equal(np.isnan(found), np.isnan(expected))
        assert_close(np.nan_to_num(found), np.nan_to_num(expected), tolerance)
    size = list(network.infer().values())[-1]
    pairs = zip(size.sizes, expected.shape, strict=True)
    assert all(n in (None, m) for n, m in pairs), str(size)
    assert_written(one, x, format, expected)


def test_labelled_arrays_meet_by_label():
    """Formattable: B of one with B of the other, wherever they stand."""
    from matbridge import Network

    x, y = draw.standard_normal((3, 4, 2, 5)), draw.standard_normal((2, 5))
    f = FunctionLayer(
        name="f", predict_fcn=Handle("@(x,y)x.*y+[1;2;3]"), ports=("a", "b"), formattable=True
    )
    network = Network.of(
        [
            layer("imageInputLayer", [3, 4, 2], Name="x", Normalization="none"),
            layer("featureInputLayer", 2, Name="y"),
            f,
        ],
        [("x", "f/a"), ("y", "f/b")],
    )
    found = network.predict(x, y, format=["SSCB", "CB"], dtype="float64")
    assert_close(found, x * y + np.array([1, 2, 3]).reshape(3, 1, 1, 1))


def test_sizes_that_contradict_the_data_are_one_message(tmp_path):
    """A reshape to three observations, in a program for any number of them."""
    from matbridge.torch.program import export_program

    network = network_of(layer("functionLayer", "@(x)reshape(x,[4 3])"), like=X, format="CB")
    assert_close(network.predict(X, format="CB", dtype="float64"), X)
    with pytest.raises(MatbridgeError, match="cannot"):
        export_program(network)


def test_sizes_of_another_array_are_one_message():
    from matbridge.onnx.write import to_onnx

    one = layer("functionLayer", "@(x)x.*reshape(6,[],size(x,2))")
    with pytest.raises(UnsupportedError, match="reshape is not supported there"):
        to_onnx(network_of(one, like=X, format="CB"))


def test_labels_after_a_reshape_are_given_by_dlarray():
    one = layer(
        "functionLayer", '@(x)dlarray(reshape(stripdims(x),6,2,[]),"SCB")', Formattable=True
    )
    x = draw.standard_normal((3, 4, 5))[:, :, None, :]
    network = network_of(one, like=x, format="SSCB")
    assert str(list(network.infer().values())[-1]) == "6(S) × 2(C) × 1(B)"
    assert_close(network.predict(x, format="SSCB", dtype="float64"), R(x, 6, 2, 5))


def test_unequal_lengths_are_as_alone():
    """What a handle says about the number of steps is not said of the padding."""
    sequences = [draw.standard_normal((3, n)) for n in (5, 3, 6)]
    for text in (
        "@(x)x*size(x,3)",
        "@(x)x-mean(x,3)+var(x,0,3)",
        "@(x)x(:,:,end)",
        "@(x)x-max(x,[],3)",
        "@(x)repmat(x,1,1,2)",
        "@(x)reshape(x,3,1,[])",
    ):
        network = network_of(layer("functionLayer", text), like=STEPS, format="CBT")
        together = network.predict(sequences, dtype="float64")
        for one, sequence in zip(together, sequences, strict=True):
            alone = network.predict(sequence[:, None], format="CBT", dtype="float64")
            assert_close(np.ravel(one), np.ravel(alone))


BOMBS = [
    ("@(x)sum((1:3e4)'*(1:3e4),'all')*x", "grow"),
    ("@(x)x+sum((1:9e4)'.*(1:9e4),'all')", "grow"),
    ("@(x)repmat(x,1e5,1e4)", "grow"),
    ("@(x)repmat(repmat(repmat(x,200,1),200,1),200,1)", "grow"),
    ("@(x)x.*ones(1e5)", "grow"),
    ("@(x)x.*repmat(1:1e4,1e4,1)", "grow"),
    ("@(x)x'.*(1:9e4)+(1:9e4)'", "not supported|grow|combined|more dimensions"),
    ("@(x)" + "+".join(["x(1)*max(1:1e5)"] * 200), "one index|grow|deep"),
    ("@(x)x*" + "*".join(["sum(1:1e5)"] * 40), ""),
    ("@(x)x*" + "+".join(["sum(1:1e5)"] * 150), "deep|grow"),
    ("@(x)" + "-" * 4000 + "x", "deep"),
    ("@(x)" + "~" * 4000 + "x", "deep"),
    ("@(x)x" + "'" * 4000, "deep"),
    ("@(x)x" + ".^x" * 1300, "deep"),
    ("@(x)" + "(" * 2000 + "x" + ")" * 2000, "deep"),
    ("@(x)" + "[" * 2000 + "x" + "]" * 2000, "deep"),
    ("@(x)" + "abs(" * 600 + "x" + ")" * 600, "deep"),
    ("@(x)" + "1:" * 1900 + "x", "deep|not of numbers"),
    ("@(x)x" + "+x" * 1900, "deep"),
    ("@(x)" + "x" * 10_000_000, "too long"),
    ("x" * 10_000_000, "too long"),
    ("@(x)cat(99,x,x)", "cat is not supported"),
    ("@(x)x(:,:,:,:,:,:,:,:,:,:,:,:,:,:,:,:,:,:,:,:,1)", "dimensions"),
]


@pytest.mark.parametrize(("text", "said"), BOMBS, ids=[b[0][:30] for b in BOMBS])
def test_what_grows_ends_in_one_message(text, said):
    """Before it is made: within a second, and in a message of reasonable length."""
    begin = time.process_time()
    network = network_of(layer("functionLayer", text), like=X, format="CB")
    told = list(network.infer().values())[-1]
    if not said:
        network.predict(X, format="CB")
    else:
        with pytest.raises(MatbridgeError, match=said) as refused:
            network.predict(X, format="CB")
        assert len(str(refused.value)) < 2000
        assert isinstance(told, MatbridgeError)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@(x)x^2", r"\^ needs scalars"),
        ("@(x)1/x", "/ needs a scalar"),
        ("@(x)x+[1 2 3 4 5 6 7]'", "sizes 4×. and 7×1 cannot be combined"),
        ("@(x)[x;1 2 3 4 5 6 7]", "cannot be combined"),
        ("@(x)e*x", "e is not known"),
        ("@(x)sum(x,'omitnan')", "sum is not supported there"),
        ("@(x)std(x,[1 2 3 4])", "std is not supported there"),
        ("@(x)reshape(x,7,[])", "reshape is not supported there"),
        ("@(x)reshape(x,0,3)", "reshape is not supported there"),
        ("@(x)reshape(x,[],[])", "reshape is not supported there"),
        ("@(x)repmat(x,1,2)", "repmat is not supported there"),
        ("@(x)repmat(x,0)", "repmat is not supported there"),
        ("@(x)cat(0,x,x)", "cat is not supported there"),
        ("@(x)permute(x,[1 1])", "permute is not supported there"),
        ("@(x)cat(3,x,x)", "more dimensions than its input"),
        ("@(x)round(x,2)", "round is not supported there"),
        ("@(x)leakyrelu(1,x)", "leakyrelu is not supported there"),
        ("@(x)[1 2;3 4]*x", "cannot multiply 4 rows"),
        ("@(x)vecnorm(x,1)", "vecnorm is not supported there"),
        ("@(x)max(x,[],'rows')", "max is not supported there"),
        ("@(x)zeros(-1)+x", "zeros is not supported there"),
        ("@(x)x(:,:,2)", "an index is not within its dimension"),
        ("@(x)softmax(3)", "softmax is not supported there"),
        ("@(x)softmax(x,'DataFormat','BS')", "softmax needs a channel dimension"),
        ("@(x)ones(size(x,1),x)", "whole numbers are needed there"),
        ("@(x)size(x,0)+x", "size is not supported there"),
        ("@(x,1)x", "its parameters are not names"),
    ],
)
def test_refused_in_one_line(text, said):
    network = network_of(layer("functionLayer", text), like=X, format="CB")
    with pytest.raises(UnsupportedError, match=said):
        network.predict(X, format="CB")


def test_refused_among_labels_and_captured_values():
    labelled = layer("functionLayer", "@(x)reshape(x,2,2,[])", Formattable=True)
    with pytest.raises(UnsupportedError, match=r"dlarray\(\.\.\., format\) gives them"):
        network_of(labelled, like=X, format="CB").predict(X, format="CB")
    for value, said in ((1j, "not an array of real numbers"), ({}, "not an array of real")):
        one = FunctionLayer(predict_fcn=Handle("@(x)a*x", {"a": value}))
        with pytest.raises(UnsupportedError, match=said):
            network_of(one, like=X, format="CB").predict(X, format="CB")


def test_the_number_of_steps_tells_what_it_must():
    """A size that depends on the data is unknown before, not wrong."""
    one = layer("functionLayer", "@(x)x(:,:,1:floor(size(x,3)/2))")
    network = network_of(one, like=STEPS, format="CBT")
    assert isinstance(list(network.infer().values())[-1], UnknownSizeError)
    assert_close(network.predict(STEPS, format="CBT", dtype="float64"), STEPS[:, :, :3])


def test_signs_and_powers_bind_as_in_matlab():
    """-2^2 is -4, 2^-1' is 0.5, ~a==b is (~a)==b, 1:3+1 is 1:4."""
    x = np.array([[1.0, 2.0, 3.0]])
    for text, expected in (
        ("@(x)x*-2^2", -4 * x),
        ("@(x)x*2^-1'", x / 2),
        ("@(x)x.*(~x==0)", x),
        ("@(x)x*numel(1:3+1)", 4 * x),
        ("@(x)x*(1|0&0)", x),
        ("@(x)x*sum([1 -2 - 3])", -4 * x),
    ):
        assert_layer(layer("functionLayer", text), x, "CB", expected)
    assert parse_function("@(x)-x.^2'").body.parts[0].kind == "transpose"


@pytest.mark.parametrize(
    "text", ["@(x)reshape(reshape(x,2,2,[],size(x,2)),4,[])", "@(x)x.*ones(4,1)-min(x,0.5)"]
)
def test_programs_take_any_number_of_observations(text, tmp_path):
    """A size that only data will tell stays open in a written program."""
    import torch

    from matbridge.torch.program import export_program, save_program

    network = network_of(layer("functionLayer", text), like=X, format="CB")
    save_program(export_program(network), tmp_path / "net.pt2")
    module = torch.export.load(tmp_path / "net.pt2").module()
    for n in (2, 7):
        x = draw.standard_normal((4, n))
        expected = x if "reshape" in text else x - np.minimum(x, 0.5)
        found = module(torch.tensor(x.T, dtype=torch.float32)).detach().numpy()
        assert_close(found.T, expected, 1e-5)


def test_a_long_text_is_shown_in_short():
    """In messages and in what inspect tells of the layer."""
    from matbridge.inspect.properties import properties

    one = layer("functionLayer", "@(x)" + "x" * 1_000_000)
    assert len(properties(one)["PredictFcn"]) < 5000
