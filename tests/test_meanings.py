"""Where MATLAB means something else than one might think: defaults, and what it refuses."""

import numpy as np
import pytest
from helpers import assert_close, layer, network_of, run
from reference import elementwise

from matbridge import LayerError, MismatchError, Network, UnsupportedError

draw = np.random.default_rng(7)


# -- input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("builder", "sizes", "kind"),
    [
        ("imageInputLayer", (4, 5, 3), "zerocenter"),
        ("image3dInputLayer", (4, 5, 2, 3), "zerocenter"),
        ("featureInputLayer", (3,), "none"),
        ("sequenceInputLayer", (3,), "none"),
    ],
)
def test_what_an_input_layer_normalizes_by(builder, sizes, kind):
    one = layer(builder, list(sizes))
    assert one.normalization == kind
    if kind == "none":
        return
    with pytest.raises(UnsupportedError, match="normalizes by 'zerocenter', but has no Mean"):
        Network.of([one]).predict(np.zeros((*sizes, 1)))


@pytest.mark.parametrize("name", ["Mean", "StandardDeviation", "Min", "Max"])
@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ((1, 1), True),
        ((1, 1, 3), True),
        ((4, 5, 3), True),
        ((3, 1), False),
        ((1, 3), False),
        ((4, 1), False),
        ((4, 5), False),
        ((4, 1, 3), False),
        ((1, 5, 3), False),
        ((1, 1, 2), False),
        ((5, 4, 3), False),
    ],
)
def test_sizes_of_an_image_statistic(name, shape, fits):
    kind = "zscore" if name in ("Mean", "StandardDeviation") else "rescale-symmetric"
    names = {"zscore": ("Mean", "StandardDeviation"), "rescale-symmetric": ("Min", "Max")}
    statistics = {each: np.full((1, 1), float(i)) for i, each in enumerate(names[kind], 1)}
    statistics[name] = draw.random(shape) + 3
    one = layer("imageInputLayer", [4, 5, 3], Normalization=kind, **statistics)
    x = draw.standard_normal((4, 5, 3, 2))
    if not fits:
        with pytest.raises(LayerError, match=f"{name} of size .* neither one number nor 1×1×3"):
            Network.of([one]).predict(x, dtype="float64")
        return
    spread = {k: v[..., None] if v.ndim == 3 else v for k, v in statistics.items()}
    y = elementwise.normalize_input(x, kind, **spread)
    assert_close(Network.of([one]).predict(x, dtype="float64"), y)


def test_a_grey_mean_is_read_without_its_third_dimension():
    mean = draw.random((4, 5))
    x = draw.standard_normal((4, 5, 1, 2))
    one = layer("imageInputLayer", [4, 5, 1], Mean=mean)
    y = Network.of([one]).predict(x, dtype="float64")
    assert_close(y, x - mean[..., None, None])


# -- sequence ------------------------------------------------------------------------------


def test_an_index_of_a_mask_is_first_or_last():
    one = layer("indexing1dLayer", 2, HasPaddingMaskInput=True, Name="one")
    x, mask = layer("sequenceInputLayer", 3, Name="x"), layer("sequenceInputLayer", 1, Name="m")
    network = Network.of([x, mask, one], [("x", "one/in"), ("m", "one/mask")])
    with pytest.raises(LayerError, match="'first' and 'last' only"):
        network.predict(np.zeros((3, 1, 4)), np.ones((1, 1, 4)), format=("CBT", "CBT"))


@pytest.mark.parametrize("index", [0, 8, -1])
def test_an_unknown_word_is_never_the_last_real_one(index):
    """Weights without the column for unknown words, or OOVMode 'error'."""
    W, x = draw.standard_normal((3, 7)), np.array([[[1.0, index]]])
    for one in (
        layer("wordEmbeddingLayer", 3, 7, Weights=W),
        layer("wordEmbeddingLayer", 3, 6, Weights=W, OOVMode="error"),
    ):
        with pytest.raises(MismatchError, match="an index is not one of 1 to"):
            run(one, x, "CBT")


@pytest.mark.parametrize("columns", [7, 8])
def test_a_written_program_gives_nan_for_an_unknown_word(tmp_path, columns):
    """It cannot refuse, and gives no real word's numbers either."""
    runtime = pytest.importorskip("onnxruntime")
    from matbridge.onnx.write import to_onnx

    x = np.array([[[1.0, 8.0, 7.0]]])
    W = draw.standard_normal((3, columns))
    mode = "error" if columns == 8 else "map-to-last"
    one = layer("wordEmbeddingLayer", 3, 7, Weights=W, OOVMode=mode)
    model = to_onnx(network_of(one, like=x, format="CBT")).SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {session.get_inputs()[0].name: x.transpose(1, 0, 2).astype("f")})
    assert np.isnan(y[0, :, 1]).all()
    assert_close(y[0][:, [0, 2]], W[:, [0, 6]], 1e-6)


# -- arrays that expand ----------------------------------------------------------------------


@pytest.mark.parametrize("builder", ["preluLayer", "scalingLayer"])
@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (5, 4), (1, 1, 4), (4, 5, 3, 2), (4, 5, 2)])
def test_arrays_that_do_not_expand_to_the_data_are_refused(builder, shape):
    """By position: 3×1 is three rows, not three channels."""
    name = "Alpha" if builder == "preluLayer" else "Scale"
    one = layer(builder, **{name: draw.standard_normal(shape)})
    with pytest.raises(LayerError, match=name):
        run(one, draw.standard_normal((4, 5, 3, 2)), "SSCB")


@pytest.mark.parametrize("builder", ["preluLayer", "scalingLayer"])
@pytest.mark.parametrize(("format", "sizes"), [("CB", (3, 3)), ("CBT", (3, 3, 4))])
def test_a_row_is_not_one_value_per_channel(builder, format, sizes):
    """It would expand over the observations."""
    name = "Alpha" if builder == "preluLayer" else "Scale"
    one = layer(builder, **{name: draw.standard_normal((1, 3))})
    with pytest.raises(LayerError, match=f"has {name} of size 1×3"):
        run(one, draw.standard_normal(sizes), format)


# -- attention, fully connected ----------------------------------------------------------------


def test_keys_and_values_fit_the_groups():
    x, k = np.zeros((8, 1, 3)), np.zeros((8, 1, 3))
    one = layer("attentionLayer", 4, NumQueryGroups=2, Name="one")
    ends = ("query", "key", "value")
    inputs = [layer("sequenceInputLayer", 8, Name=end) for end in ends]
    network = Network.of([*inputs, one], [(end, f"one/{end}") for end in ends])
    with pytest.raises(LayerError, match="needs 4 channels, those of the queries"):
        network.predict(x, k, k, format=("CBT", "CBT", "CBT"))
    one = layer("attentionLayer", 4, NumQueryGroups=3, Name="one")
    network = Network.of([*inputs, one], [(end, f"one/{end}") for end in ends])
    with pytest.raises(LayerError, match="cannot split 4 heads among 3 groups"):
        network.predict(x, k, k, format=("CBT", "CBT", "CBT"))


@pytest.mark.parametrize("place", [4, 5])
def test_nothing_is_connected_along_the_batch(place):
    one = layer("fullyConnectedLayer", 2, place, Weights=np.ones((2, 2)), Bias=np.ones((2, 1)))
    with pytest.raises(LayerError, match=f"works along dimension {place}, but its input has"):
        run(one, np.ones((2, 2, 2, 2)), "SSCB")


def test_what_follows_a_layer_along_one_dimension_is_not_absorbed():
    from matbridge.passes.fold import fold_batch_normalization

    W = draw.standard_normal((5, 4))
    dense = layer("fullyConnectedLayer", 5, 1, Weights=W, Bias=np.ones((5, 1)), Name="fc")
    arrays = {n: np.ones((1, 1, 3)) for n in ("Scale", "Offset", "TrainedMean", "TrainedVariance")}
    batch = layer("batchNormalizationLayer", Name="bn", **arrays)
    network = network_of(dense, batch, like=np.zeros((4, 5, 3, 2)), format="SSCB")
    assert fold_batch_normalization(network)["bn"] is network["bn"]
