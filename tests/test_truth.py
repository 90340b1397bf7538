"""What MATLAB computed, or what trained networks and their data decide: for each case the
right meaning, and each plausible other, which must fail."""

import csv
import json

import numpy as np
import onnxruntime
import pytest
from reference.images import imresize, rgb2gray, triangle

import matbridge
from matbridge.core.dims import same_padding
from matbridge.layers.activation import LeakyReLU
from matbridge.layers.convolution import Convolution, Convolution1D
from matbridge.layers.dense import FullyConnected
from matbridge.layers.global_pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
from matbridge.layers.imported import ONNXFlattenInto2D
from matbridge.layers.normalization import BatchNormalization
from matbridge.layers.pooling import AveragePooling2D, MaxPooling2D, MaxUnpooling2D
from matbridge.layers.recurrent import LSTM, BiLSTM
from matbridge.layers.shape import Indexing1D
from matbridge.layers.transposed import TransposedConvolution2D
from matbridge.matlab.file import read_mat


@pytest.fixture(scope="module")
def truth(corpus):
    return corpus / "truth"


def variable(path, name):
    return read_mat(path, [name])[name]


# -- plausible other meanings, as changed networks -------------------------------------------


def changed(network, kind, change):
    """The network with every layer of this kind changed."""
    layers = [change(one) for one in network.layers if isinstance(one, kind)]
    assert layers
    return network.with_layers(*layers)


def with_weights(one, change, name="Weights"):
    return one.replace(arrays={**one.arrays, name: change(one.arrays[name])})


def turned(network, kind=Convolution):
    """The filters turned by 180 degrees: a convolution, not a correlation."""
    return changed(network, kind, lambda one: with_weights(one, lambda w: w[::-1, ::-1].copy()))


def exchanged(network):
    """Height and width of the filters exchanged."""
    return changed(network, Convolution, lambda one: with_weights(one, lambda w: w.swapaxes(0, 1)))


def not_normalized(network):
    first = network.layers[0]
    return network.with_layers(first.replace(normalization="none", arrays={}))


def joined_backwards(network, kind):
    """The inputs of each concatenation in the other order."""
    names = {one.name for one in network.layers if type(one).__name__ == kind}
    swap = {"in1": "in2", "in2": "in1"}
    pairs = [
        (
            str(c.source),
            f"{c.destination.layer}/{swap[c.destination.name]}"
            if c.destination.layer in names
            else str(c.destination),
        )
        for c in network.connections
    ]
    return matbridge.Network.of(list(network.layers), pairs)


# -- recorded ----------------------------------------------------------------------------------


def test_rescale_and_the_last_step(truth):
    """Saved Type 'rescale' goes to TargetMin and TargetMax; 'last' is the last step."""
    folder = truth / "openkintest-rescale"
    path = folder / "LSTM_results_10_wHR.mat"
    network = matbridge.load(path, "net")
    x = variable(folder / "inputFeatures10_sorted.mat", "XTest")
    expected = variable(path, "Ypred").reshape(-1)

    def worst(other):
        return np.abs(other.predict(x).reshape(-1) - expected).max()

    assert worst(network) <= 1e-4
    first = network.layers[0]
    assert first.normalization == "rescale-symmetric"
    assert worst(network.with_layers(first.replace(normalization="rescale-zero-one"))) > 20
    assert worst(not_normalized(network)) > 20
    steps = changed(network, LSTM, lambda one: one.replace(output_mode="sequence"))
    means = np.array([y.mean() for y in steps.predict(x)])
    assert np.abs(means - expected).max() > 10


def test_the_state_that_is_saved(truth):
    """A prediction starts from HiddenState and CellState, and leaves them in the network."""
    path = truth / "lstm-saved-state" / "net_story.mat"
    network = matbridge.load(path, "net")
    x, expected = variable(path, "X"), variable(path, "YPred")
    fresh = network.reset_state()
    after, y = fresh.predict_and_update_state(x)
    assert np.abs(y - expected).max() <= 5e-8
    assert np.abs(network.predict(x) - expected).max() > 0.01
    (recurrent,) = (one.name for one in network.layers if isinstance(one, LSTM))
    for name in ("HiddenState", "CellState"):
        saved, ours = network[recurrent].arrays[name], after[recurrent].arrays[name]
        assert np.abs(ours - saved).max() <= 1e-7
        assert np.abs(fresh[recurrent].arrays[name]).max() == 0


def test_mini_batches_are_padded_on_the_right(truth):
    path = truth / "jv-minibatch-padding" / "JV.mat"
    network = matbridge.load(path, "net")
    x = variable(path, "XTest")
    expected = np.array(list(variable(path, "YPred")))

    def right(**options):
        return (network.classify(x, **options) == expected).sum()

    longest = {"sequence_length": "longest"}
    assert right(mini_batch_size=27, **longest) == 370
    assert right(mini_batch_size=27) == 367
    assert right(mini_batch_size=27, padding_direction="left", **longest) == 352
    assert right(mini_batch_size=128, **longest) == 368
    assert right(mini_batch_size=370, **longest) == 361
    assert right(mini_batch_size=27, sequence_length="shortest") == 364


def pixels_right(network, images, labels):
    """The share of pixels whose largest score is that of the label, from 1."""
    scores = network.predict(images.astype(np.float32))
    return (scores.argmax(2) + 1 == labels).mean()


def test_a_segmentation_that_matlab_wrote(truth):
    """Transposed convolution: weights h×w×out×in, not turned, cropped at both ends."""
    folder = truth / "daffodil-seg"
    network = matbridge.load(folder / "segmentnet.mat", "snet")
    with np.load(folder / "cases.npz") as cases:
        images, labels = cases["images"][..., :2], cases["labels"][..., :2]
    assert pixels_right(network, images, labels) == 1
    transposed = TransposedConvolution2D
    others = [
        turned(network, transposed),
        exchanged(network),
        turned(network),
        not_normalized(network),
        changed(network, transposed, lambda one: one.replace(cropping=((0, 2), (0, 2)))),
    ]
    for other in others:
        assert pixels_right(other, images, labels) < 0.99


def picture(y):
    """What the user made of an output before imwrite."""
    y = np.maximum(y, 0)
    return np.floor(255 * (y / y.max()) + 0.5)


def test_pictures_that_matlab_wrote(truth):
    """'same' with an even filter: the odd element at the end, padded and cropped alike."""
    folder = truth / "radar-images"
    with np.load(folder / "cases.npz") as cases:
        pairs = {i: (cases[f"x{i}"], cases[f"r{i}"]) for i in (1, 5)}

    def equal(network, i):
        x, expected = pairs[i]
        y = picture(network.predict(x[..., None].astype(np.float32) / 255)[..., 0])
        return (y == expected).mean(), np.abs(y - expected).max()

    plain = matbridge.load(folder / "net.mat", "net")
    unet = matbridge.load(folder / "net_unet.mat", "net_unet")
    for network, i in ((plain, 1), (unet, 5)):
        share, worst = equal(network, i)
        assert share > 0.997
        assert worst <= 1
    start = {"padding": ((2, 1), (2, 1))}
    assert equal(changed(plain, Convolution, lambda one: one.replace(**start)), 1)[0] < 0.95
    for slope in (0.0, 0.3):
        other = changed(plain, LeakyReLU, lambda one, s=slope: one.replace(scale=s))
        assert equal(other, 1)[0] < 0.97
    start = {"cropping": ((2, 1), (2, 1))}
    uneven = changed(
        unet,
        TransposedConvolution2D,
        lambda one: one.replace(**start) if one.stride == (1, 1) else one,
    )
    assert equal(uneven, 5)[0] < 0.98


def test_unpooling_by_indices(truth):
    """Right pixels of each class and image, as semanticSegmentationMetrics counted them."""
    folder = truth / "segnet-nano"
    network = matbridge.load(folder / "trainNet.mat", "net")
    with np.load(folder / "cases.npz") as cases:
        images, labels, rows = cases["images"], cases["labels"], cases["cand"]
        card, right = cases["card"], cases["right"]
    chosen = [i for i in range(len(rows)) if (rows[i] >= 0).sum() == 4][:3]

    def counts(other, image):
        x = images[image].astype(np.float32)[..., None]
        found = other.predict(x)[..., 0].argmax(2) + 1
        return [((found == k) & (labels[image] == k)).sum() for k in (1, 2, 3)]

    def equal(other):
        """How many rows one of their candidate images meets."""
        met = 0
        for i in chosen:
            fitting = [
                j
                for j in rows[i][rows[i] >= 0]
                if [(labels[j] == k).sum() for k in (1, 2, 3)] == list(card[i])
            ]
            met += any(counts(other, j) == list(right[i]) for j in fitting)
        return met

    assert equal(network) == len(chosen)
    assert equal(not_normalized(network)) == 0
    assert equal(exchanged(network)) == 0


def test_imresize(truth):
    """The reference for images that are resized before a network."""
    path = truth / "imresize-gray" / "trainedNetwork_2.mat"
    grey, expected = rgb2gray(variable(path, "I")), variable(path, "Ig")

    def equal(**options):
        return (imresize(grey, expected.shape, **options) == expected).mean()

    assert equal() == 1
    assert equal(rounding=False) < 0.97
    assert equal(antialiasing=False) < 0.7
    assert equal(kernel=triangle, width=2) < 0.7


def test_uneven_padding_stands_at_the_end(truth):
    """Every uneven padding and cropping of mode 'same' that MATLAB stored."""
    stored = json.loads((truth / "same-recorded" / "uneven.json").read_text())
    assert len(stored) == 128
    for one in stored:
        pairs = [tuple(one["stored"][:2]), tuple(one["stored"][2:])]
        dilation = one["dilation"] * (2 // len(one["dilation"]))
        for axis, pair in enumerate(pairs):
            k, s, d = one["kernel"][axis], one["stride"][axis], dilation[axis]
            if one["layer"].startswith("Transposed"):
                total = k - s
                possible = {(total // 2, total - total // 2)}
            else:
                possible = {same_padding(n, k, s, d) for n in range(k, k + 2 * s + 2)}
            assert pair in possible
            assert pair[0] == pair[1] or pair[::-1] not in possible


def test_an_imported_network_gives_what_its_onnx_gives(truth):
    folder = truth / "speech-onnx-import"
    network = matbridge.load(folder / "net.mat", "net")
    x = np.random.default_rng(0).standard_normal((98, 50, 1, 2)).astype(np.float32)
    session = onnxruntime.InferenceSession(folder / "cmdRecognitionPyTorch.onnx")
    entry = session.get_inputs()[0]
    batches = [session.run(None, {entry.name: x[None, ..., 0, i][None]})[0] for i in range(2)]
    expected = np.concatenate(batches).reshape(2, -1)

    def worst(other):
        return np.abs(other.predict(x).reshape(2, -1) - expected).max()

    assert worst(network) <= 1e-5
    (flat,) = (one for one in network.layers if isinstance(one, ONNXFlattenInto2D))
    before = next(c.source for c in network.connections if c.destination.layer == flat.name)
    _, width, channels, _ = network.infer()[before].sizes
    dense = next(one for one in network.layers if isinstance(one, FullyConnected))

    def fastest(w):
        """As if the channels ran fastest."""
        return w.reshape(-1, channels, width).swapaxes(1, 2).reshape(w.shape)

    assert worst(network.with_layers(with_weights(dense, fastest))) > 1
    assert worst(exchanged(network)) > 1


# -- decided by trained weights and their data ---------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "trained"),
    [("zc_lstm_net.mat", "net", True), ("epilepsy_lstm_net.mat", "", False)],
)
def test_the_backward_state_has_read_all_steps(file, name, trained, truth):
    """Only so do its forget gates learn: their biases start at 1, and stay there where
    sequences have one step."""
    network = matbridge.load(truth / "bilstm-last-weights" / file, name or None)
    (one,) = (one for one in network.layers if isinstance(one, BiLSTM))
    H = one.num_hidden_units
    forget = one.arrays["Bias"].reshape(-1)[5 * H : 6 * H]
    assert (forget == 1).sum() == (0 if trained else H)
    module = network.to_torch(dtype="float64")
    (bias,) = (
        p for n, p in module.named_parameters() if p.shape[0] == 8 * H and p.numel() == 8 * H
    )
    import torch

    channels = network.layers[0].input_size[0]
    for steps, learns in ((6, True), (1, False)):
        x = torch.randn(1, channels, steps, dtype=torch.float64)
        # The softmax sums to one: weigh its outputs differently.
        y = module(x).reshape(-1)
        (gradient,) = torch.autograd.grad((y * torch.arange(len(y))).sum(), bias)
        assert (gradient.reshape(-1)[5 * H : 6 * H].abs().max() > 0) == learns


def rms(x):
    return float(np.sqrt((np.asarray(x, float) ** 2).mean()))


def test_a_stack_of_bilstm(truth):
    """Channels forward, then backward; rows i, f, g, o."""
    folder = truth / "bilstm-reach"
    network = matbridge.load(folder / "lstm3ConVel.mat", "lstm3ConVel")
    data = variable(folder / "LQGxyBase.mat", "Traj")["Out"]
    x = [data[240:360, i : i + 1] for i in range(data.shape[1])]
    expected = data[120:240]

    def error(other):
        return rms(np.concatenate(other.predict(x), 1) - expected)

    def rows(order):
        """The weights with the blocks of rows in another order."""

        def change(one):
            H = one.num_hidden_units
            places = np.concatenate([np.arange(8 * H).reshape(8, H)[n] for n in order])
            names = ("InputWeights", "RecurrentWeights", "Bias")
            return one.replace(arrays={**one.arrays, **{n: one.arrays[n][places] for n in names}})

        return changed(network, BiLSTM, change)

    assert error(network) < 0.004
    assert error(rows([4, 5, 6, 7, 0, 1, 2, 3])) > 0.1
    assert error(rows([0, 1, 3, 2, 4, 5, 7, 6])) > 0.1
    assert error(rows([0, 2, 1, 3, 4, 6, 5, 7])) > 0.1


def test_convolution_and_pooling_over_time(truth):
    folder = truth / "afm-conv1d-bilstm-gap"
    network = matbridge.load(folder / "pooling_after_bilstm_2conv_relu.mat", "trainedNet")
    with np.load(folder / "inputs.npz") as inputs:
        x, expected = list(inputs["X"][::2]), inputs["target"][::2]

    def error(other):
        return np.abs(other.predict(x).reshape(-1) - expected).mean()

    best = error(network)
    assert best < 0.0046
    flipped = changed(network, Convolution1D, lambda one: with_weights(one, lambda w: w[::-1]))
    assert error(flipped) > 1.4 * best
    assert (
        error(changed(network, Convolution1D, lambda o: o.replace(padding="causal"))) > 1.4 * best
    )
    pools = GlobalAveragePooling1D
    assert error(changed(network, pools, lambda o: GlobalMaxPooling1D(name=o.name))) > 0.2
    assert error(changed(network, pools, lambda o: Indexing1D(name=o.name, index="last"))) > 0.2


def test_depth_concatenation_of_hands(truth):
    image = pytest.importorskip("PIL.Image")
    folder = truth / "squeezenet-hands"
    network = matbridge.load(folder / "clasificador.mat", "clasificador")
    files = [
        f for name in network.classes for f in sorted((folder / "images" / name).iterdir())[:4]
    ]
    x = np.stack([np.asarray(image.open(f)) for f in files], -1).astype(np.float32)
    expected = np.repeat(np.arange(len(network.classes)), 4)

    def judged(other, x=x):
        scores = other.predict(x).reshape(len(files), -1)
        chosen = scores[np.arange(len(files)), expected]
        return (scores.argmax(1) == expected).mean(), -np.log(chosen).mean()

    share, loss = judged(network)
    assert share == 1
    assert loss < 1e-3
    assert judged(not_normalized(network))[1] > 0.02
    assert judged(joined_backwards(network, "DepthConcatenation"))[0] < 0.7
    assert judged(exchanged(network))[1] > 0.1


def test_segmentation_of_digits(truth):
    """Dilation; pooling 2×2 with stride 1 and 'same' pads at the end."""
    folder = truth / "m2nist-segmentation"
    with np.load(folder / "labels.npz") as held:
        images, labels = held["images"][:, :, None, :20], held["labels"][..., :20]
    digits = labels < 10

    def right(other):
        found = other.predict(images.astype(np.float32)).argmax(2)
        return (found == labels)[digits].mean()

    network = matbridge.load(folder / "M2NIST_dilatedCNN_avgpool.mat", "net")
    best = right(network)
    assert best > 0.25
    plain = changed(network, Convolution, lambda one: one.replace(dilation_factor=(1, 1)))
    start = changed(network, AveragePooling2D, lambda one: one.replace(padding=((1, 0), (1, 0))))
    for other in (plain, start, turned(network), exchanged(network)):
        assert right(other) < 0.8 * best
    network = matbridge.load(folder / "net.mat", "net")
    best = right(network)
    assert best > 0.4
    assert right(turned(network, TransposedConvolution2D)) < 0.8 * best


def test_segmentation_of_flowers(truth):
    """Concatenation in the order of the ports; 'same' cropping of 3×3 with stride 2."""
    folder = truth / "unet-flower"
    with np.load(folder / "data.npz") as held:
        images, labels = held["images"][..., :2], held["labels"][..., :2]
    counted = np.isin(labels, (1, 3))

    def right(other):
        found = other.predict(images.astype(np.float32)).argmax(2)
        return (found == np.where(labels == 1, 0, 1))[counted].mean()

    network = matbridge.load(folder / "yash.mat", "net")
    assert right(network) > 0.98
    assert right(joined_backwards(network, "DepthConcatenation")) < 0.8
    network = matbridge.load(folder / "uniform.mat", "net")
    best = right(network)
    assert best > 0.9
    assert right(joined_backwards(network, "Concatenation")) < best - 0.1
    network = matbridge.load(folder / "aiswarya.mat", "net")
    best = right(network)
    assert best > 0.94
    uneven = changed(
        network,
        TransposedConvolution2D,
        lambda one: one.replace(cropping=((1, 0), (1, 0))) if one.cropping == "same" else one,
    )
    assert right(uneven) < best - 0.02


def test_leaky_relu_and_batch_normalization_of_features(truth):
    folder = truth / "leaky-metamaterials"
    network = matbridge.load(folder / "trained_net.mat", None)
    path = folder / "dataset_HOMs.mat"

    def mapped(x):
        low, high = x.min(0), x.max(0)
        return (x - low) / (high - low)

    x, expected = (mapped(variable(path, name)) for name in ("input", "output"))

    def error(other):
        return [rms(e) for e in (other.predict(x, dtype="float64") - expected).T]

    best = error(network)
    assert np.allclose(best, [0.0181, 0.0162, 0.0360, 0.0116], atol=1e-3)
    for slope in (0.0, 0.1):
        other = error(changed(network, LeakyReLU, lambda o, s=slope: o.replace(scale=s)))
        assert sum(other) > sum(best) + 0.005
    wide = error(changed(network, BatchNormalization, lambda one: one.replace(epsilon=1e-3)))
    assert sum(wide) > sum(best) + 0.02
    deviation = changed(
        network,
        BatchNormalization,
        lambda one: with_weights(one, np.square, "TrainedVariance"),
    )
    assert sum(error(deviation)) > 1


def test_average_pooling_and_the_order_of_a_flattened_image(truth):
    folder = truth / "cifar-avgpool"
    network = matbridge.load(folder / "net.mat", "net")
    with open(folder / "cifar10_test.csv", newline="") as file:
        rows = np.array([[int(n) for n in row] for row in csv.reader(file)])
    # The classes stand in the order of their Portuguese names.
    order = np.array([1, 0, 5, 9, 7, 3, 8, 2, 6, 4])
    expected, images = rows[:, 0], rows[:, 1:].reshape(-1, 32, 32, 3)
    x = images.transpose(1, 2, 3, 0).astype(np.float32)

    def share(other, x=x):
        scores = other.predict(x).reshape(len(expected), -1)
        return (order[scores.argmax(1)] == expected).mean()

    assert share(network) == 0.82
    largest = changed(
        network,
        AveragePooling2D,
        lambda o: MaxPooling2D(
            name=o.name, pool_size=o.pool_size, stride=o.stride, padding=o.padding
        ),
    )
    dense = next(one for one in network.layers if one.name.startswith("fc"))
    n = round((dense.arrays["Weights"].shape[1] / 64) ** 0.5)

    def across(w):
        """As if the width ran fastest."""
        return w.reshape(-1, n, n, 64, order="F").swapaxes(1, 2).reshape(w.shape, order="F")

    wide = network.with_layers(with_weights(dense, across))
    assert share(largest) < 0.75
    assert share(wide) < 0.6
    assert share(not_normalized(network)) < 0.7
    assert share(turned(network)) < 0.3
    assert share(network, x[:, :, ::-1]) < 0.6


def test_unpooling_layers_are_the_networks_own(truth):
    network = matbridge.load(truth / "segnet-nano" / "trainNet.mat", "net")
    assert sum(isinstance(one, MaxUnpooling2D) for one in network.layers) == 4
