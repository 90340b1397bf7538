"""The losses of output layers, from their equations."""

import numpy as np
import pytest
from helpers import assert_close, layer
from reference import elementwise

from matbridge import LayerError, Network
from matbridge.errors import UnsupportedError

torch = pytest.importorskip("torch")

ENTRY = {
    "CB": lambda: layer("featureInputLayer", 3),
    "CBT": lambda: layer("sequenceInputLayer", 3),
    "SSCB": lambda: layer("imageInputLayer", [4, 5, 3], Normalization="none"),
}
SHAPES = {"CB": (3, 6), "CBT": (3, 2, 5), "SSCB": (4, 5, 3, 2)}
# From MATLAB's order to the module's, batch first.
TURNS = {"CB": (1, 0), "CBT": (1, 0, 2), "SSCB": (3, 2, 0, 1)}


def scores(format):
    """Scores that sum to one over the channels, and one-hot targets."""
    draw, axis = np.random.default_rng(1), format.index("C")
    y = elementwise.softmax(draw.standard_normal(SHAPES[format]), axis)
    classes = draw.integers(0, 3, y.sum(axis).shape)
    return y, np.moveaxis(np.eye(3)[classes], -1, axis), classes


def loss_of(output, format, y, t):
    module = Network.of([ENTRY[format](), output]).to_torch(dtype="float64")
    turned = [torch.tensor(np.ascontiguousarray(a.transpose(TURNS[format]))) for a in (y, t)]
    return module.loss(*turned).item()


W = [0.2, 1.0, 3.0]


def cross_entropy(y, t, axis, weights=(1, 1, 1)):
    shape = [1] * y.ndim
    shape[axis] = 3
    return -(np.reshape(weights, shape) * t * np.log(y)).sum()


def focal(y, t):
    return -0.25 * ((1 - y) ** 2 * t * np.log(y)).sum()


def dice(y, t):
    found = []
    for n in range(y.shape[-1]):
        a, b = y[..., n].reshape(-1, 3), t[..., n].reshape(-1, 3)
        w = 1 / np.maximum(b.sum(0), 1) ** 2
        found.append(1 - (w * 2 * (a * b).sum(0)).sum() / (w * (a**2 + b**2).sum(0)).sum())
    return np.mean(found)


def tversky(y, t, alpha, beta):
    found = []
    for n in range(y.shape[-1]):
        a, b = y[..., n].reshape(-1, 3), t[..., n].reshape(-1, 3)
        tp, fp, fn = (a * b).sum(0), (a * (1 - b)).sum(0), ((1 - a) * b).sum(0)
        found.append((1 - (tp + 1e-8) / (tp + alpha * fp + beta * fn + 1e-8)).sum())
    return np.mean(found)


@pytest.mark.parametrize("format", list(SHAPES))
@pytest.mark.parametrize("weights", [None, W])
def test_cross_entropy(format, weights):
    y, t, _ = scores(format)
    total = cross_entropy(y, t, format.index("C"), weights or (1, 1, 1))
    steps = y.size / 3
    named = {"ClassWeights": weights} if weights else {}
    pixels = loss_of(layer("pixelClassificationLayer", **named), format, y, t)
    assert_close(pixels, total / steps)
    found = loss_of(layer("classificationLayer", **named), format, y, t)
    per = steps if format != "SSCB" else y.shape[-1]
    assert_close(found, total / per)
    found = loss_of(layer("weightedClassificationLayer", weights or [1, 1, 1]), format, y, t)
    assert_close(found, total / y.shape[format.index("B")])


@pytest.mark.parametrize("format", list(SHAPES))
def test_classes_may_be_given_by_number(format):
    y, t, classes = scores(format)
    module = Network.of([ENTRY[format](), layer("classificationLayer")]).to_torch(dtype="float64")
    order = TURNS[format]
    turned = torch.tensor(np.ascontiguousarray(y.transpose(order)))
    rest = [axis - (axis > format.index("C")) for axis in order if axis != format.index("C")]
    numbers = torch.tensor(np.ascontiguousarray(classes.transpose(rest)))
    expected = loss_of(layer("classificationLayer"), format, y, t)
    assert_close(module.loss(turned, numbers).item(), expected)


@pytest.mark.parametrize("format", list(SHAPES))
def test_other_losses(format):
    y, t, _ = scores(format)
    N, steps = y.shape[format.index("B")], y.size / 3
    time = SHAPES[format][-1] if "T" in format else 1
    d = y - t
    smooth = np.where(abs(d) < 1, d**2 / 2, abs(d) - 0.5)
    for one, expected in (
        (layer("regressionLayer"), (d**2).sum() / 2 / N / time),
        (layer("maeRegressionLayer"), abs(d).sum() / N / time / 3),
        (layer("sseClassificationLayer"), (d**2).sum() / N),
        (layer("focalLossLayer"), focal(y, t) / steps),
        (layer("rcnnBoxRegressionLayer"), smooth.sum() / N),
        (layer("rpnClassificationLayer"), cross_entropy(y, t, format.index("C")) / t.sum()),
    ):
        assert_close(loss_of(one, format, y, t), expected)


def test_smooth_l1_beyond_one():
    y, t = np.array([[3.0], [0.5], [-2.0]]), np.zeros((3, 1))
    found = loss_of(layer("rcnnBoxRegressionLayer"), "CB", y, t)
    assert_close(found, 2.5 + 0.125 + 1.5)


def test_dice_and_tversky():
    y, t, _ = scores("SSCB")
    assert_close(loss_of(layer("dicePixelClassificationLayer"), "SSCB", y, t), dice(y, t))
    one = layer("tverskyPixelClassificationLayer", 0.3, 0.7)
    assert_close(loss_of(one, "SSCB", y, t), tversky(y, t, 0.3, 0.7))


def test_training_lowers_the_loss():
    draw = np.random.default_rng(0)
    network = Network.of(
        [
            layer("featureInputLayer", 3),
            layer(
                "fullyConnectedLayer",
                2,
                Weights=draw.standard_normal((2, 3)),
                Bias=np.zeros((2, 1)),
            ),
            layer("softmaxLayer"),
            layer("classificationLayer"),
        ]
    )
    module = network.to_torch()
    x = torch.tensor(draw.standard_normal((30, 3)), dtype=torch.float32)
    t = (x[:, 0] > 0).long()
    optimizer = torch.optim.SGD(module.parameters(), 0.5)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = module.loss(module(x), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_network_without_an_output_layer_has_no_loss():
    module = Network.of([ENTRY["CB"](), layer("softmaxLayer")]).to_torch()
    with pytest.raises(UnsupportedError, match="no output layer"):
        module.loss(torch.zeros(1, 3), torch.zeros(1, 3))


def test_an_output_layer_without_a_known_loss_says_so():
    module = Network.of([ENTRY["SSCB"](), layer("yolov2OutputLayer", [[1, 1]])]).to_torch()
    with pytest.raises(LayerError, match="has no loss that matbridge knows"):
        module.loss(torch.zeros(1, 3, 4, 5), torch.zeros(1, 3, 4, 5))
