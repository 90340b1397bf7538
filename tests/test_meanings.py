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
