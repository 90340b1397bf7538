"""Make the networks in fixtures/: the objects that MATLAB writes, and what they compute.

The expected outputs come from the NumPy float64 reference in tests/reference, which
imports nothing from matbridge. Run it again after a change:

    python scripts/make_fixtures.py
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts"), str(ROOT / "tests")]

import literature  # noqa: E402
import saved  # noqa: E402
from fixture import Fixture, Random  # noqa: E402
from reference import elementwise, recurrent, windows  # noqa: E402

from matbridge.matlab.file.values import Cell  # noqa: E402
from matbridge.matlab.file.write import write_mat  # noqa: E402

CREATED = "Sat Nov 21 00:00:00 2026"
ONES, NONE = (1, 1), [(0, 0), (0, 0)]


def lstm_classifier(random):
    """sequence input (zerocenter), LSTM 'last', dropout, fully connected, softmax."""
    D, H, K = 4, 10, 3
    mean, W, R, b = random(D, 1), random(4 * H, D), random(4 * H, H), random(4 * H, 1)
    V, c = random(K, H), random(K, 1)
    network = saved.series_network(
        saved.sequence_input("sequenceinput", D, mean=mean),
        saved.lstm("lstm", W, R, b, last=True),
        saved.dropout("dropout", 0.2),
        saved.fully_connected("fc", V, c),
        saved.softmax("softmax"),
        saved.classification("classoutput", "idle", "run", "walk"),
    )

    def reference(x):
        _, h, _ = recurrent.lstm(x - mean[:, None], W, R, b)
        return elementwise.softmax(V @ h + c, 0)

    sequences = [random(D, T, scale=1) for T in (7, 12, 7, 5)]
    scores = np.array([reference(x[:, None, :])[:, 0] for x in sequences])
    return Fixture(network, reference, ("CBT",), {"X": Cell(sequences), "Y": scores})


def gru_regressor(random):
    """sequence input, two GRU layers, fully connected, regression."""
    D, H = 3, 8
    first = random(3 * H, D), random(3 * H, H), random(3 * H, 1)
    second = random(3 * H, H), random(3 * H, H), random(3 * H, 1)
    V, c = random(2, H), random(2, 1)
    network = saved.series_network(
        saved.sequence_input("sequenceinput", D),
        saved.gru("gru_1", *first),
        saved.gru("gru_2", *second),
        saved.fully_connected("fc", V, c),
        saved.regression("regressionoutput"),
    )

    def reference(x):
        y, _ = recurrent.gru(x, *first)
        y, _ = recurrent.gru(y, *second)
        return elementwise.fully_connected_sequence(y, V, c)

    x = random(D, 20, scale=1)
    y = reference(x[:, None, :])[:, 0]
    return Fixture(network, reference, ("CBT",), {"X": x, "Y": y})


def cnn(random):
    """image input (zerocenter), convolution, batch normalization, pooling, fully connected
    with weights saved 4-D, softmax."""
    h, w, C, F, K = 13, 10, 3, 6, 4
    mean = random(1, 1, C)
    W1, b1 = random(3, 3, C, F), random(1, 1, F)
    bn = random.batch_statistics(F)
    W2, b2 = random(3, 3, F, 1), random(1, 1, 1)
    V, c = random(K, 4 * 3, scale=0.02), random(K, 1)
    network = saved.series_network(
        saved.image_input("imageinput", h, w, C, mean=mean),
        saved.convolution("conv_1", W1, b1, stride=(2, 2)),
        saved.batch_normalization("batchnorm", *bn),
        saved.leaky_relu("leakyrelu", 0.1),
        saved.max_pooling("maxpool", (3, 3), (2, 2), "same"),
        saved.convolution("conv_2", W2, b2, padding=(1, 1, 1, 1)),
        saved.relu("relu"),
        saved.fully_connected_4d("fc", V, c, 4, 3, 1),
        saved.softmax("softmax"),
        saved.classification("classoutput", "bolt", "nut", "screw", "washer"),
    )

    def reference(x):
        y = x - mean[..., None]
        y = windows.convolution(y, W1, b1, (2, 2), same(y, (2, 2)), ONES)
        y = elementwise.leaky_relu(elementwise.batch_normalization(y, *bn, 1e-5, 2), 0.1)
        y = windows.max_pool(y, (3, 3), (2, 2), same(y, (2, 2)))
        y = np.maximum(windows.convolution(y, W2, b2, ONES, [(1, 1), (1, 1)], ONES), 0)
        return elementwise.softmax(elementwise.fully_connected(y, V, c), 0)

    x = np.round(random(h, w, C, 5, scale=60) + 128).clip(0, 255)
    variables = {"X": x.astype(np.uint8), "Y": reference(x).T}
    return Fixture(network, reference, ("SSCB",), variables)


def same(x, stride):
    """PaddingMode 'same' for a 3×3 window."""
    return windows.same(x.shape[:2], (3, 3), stride, ONES)


def cnn_bilstm(random):
    """Two inputs, an image sequence and a vector sequence: convolution per step, flatten,
    concatenation, BiLSTM, fully connected."""
    h, w, F, D, H, K = 5, 4, 3, 2, 6, 2
    W, b = random(3, 3, 1, F), random(1, 1, F)
    bn = random.batch_statistics(F)
    inputs = h * w * F + D
    rnn = random(8 * H, inputs), random(8 * H, H), random(8 * H, 1)
    V, c = random(K, 2 * H), random(K, 1)
    network = saved.dlnetwork(
        [
            ("seq1", "conv"),
            ("conv", "batchnorm"),
            ("batchnorm", "relu"),
            ("relu", "flatten"),
            ("flatten", "cat/in1"),
            ("seq2", "cat/in2"),
            ("cat", "bilstm"),
            ("bilstm", "dropout"),
            ("dropout", "fc"),
        ],
        ["fc"],
        saved.sequence_input("seq1", h, w, 1),
        saved.convolution("conv", W, b),
        saved.batch_normalization("batchnorm", *bn),
        saved.relu("relu"),
        saved.flatten("flatten"),
        saved.sequence_input("seq2", D),
        saved.concatenation("cat", 1),
        saved.bilstm("bilstm", *rnn),
        saved.dropout("dropout", 0.3),
        saved.fully_connected("fc", V, c),
    )

    def reference(images, features):
        N, T = features.shape[1:]
        y = images.reshape(h, w, 1, N * T)
        y = windows.convolution(y, W, b, ONES, [(1, 1), (1, 1)], ONES)
        y = np.maximum(elementwise.batch_normalization(y, *bn, 1e-5, 2), 0)
        y = np.concatenate([y.reshape(-1, N * T, order="F").reshape(-1, N, T), features])
        y, _, _ = recurrent.bilstm(y, *rnn)
        return elementwise.fully_connected_sequence(y, V, c)

    T = 9
    images, features = random(h, w, 1, T, scale=1), random(D, T, scale=1)
    y = reference(images[..., None, :], features[:, None, :])[:, 0]
    variables = {"X1": images, "X2": features, "Y": y}
    return Fixture(network, reference, ("SSCBT", "CBT"), variables)


def dag(random):
    """Two branches added and a third joined by depth, average pooling, a regression of the
    image's spatial vector."""
    h, w, C, F = 8, 6, 2, 4
    W1, b1 = random(3, 3, C, F), random(1, 1, F)
    W2, b2 = random(1, 1, C, F), random(1, 1, F)
    W3, b3 = random(3, 3, C, 3), random(1, 1, 3)
    V, c = random(3, 4 * 3 * (F + 3)), random(3, 1)
    network = saved.dag_network(
        [
            ("imageinput", "conv_1"),
            ("imageinput", "skip"),
            ("imageinput", "dilated"),
            ("conv_1", "relu"),
            ("relu", "add/in1"),
            ("skip", "add/in2"),
            ("add", "join/in1"),
            ("dilated", "join/in2"),
            ("join", "avgpool"),
            ("avgpool", "fc"),
            ("fc", "regressionoutput"),
        ],
        saved.image_input("imageinput", h, w, C),
        saved.convolution("conv_1", W1, b1),
        saved.relu("relu"),
        saved.convolution("skip", W2, b2),
        saved.convolution("dilated", W3, b3, padding=(2, 2, 2, 2), dilation=(2, 2)),
        saved.addition("add"),
        saved.depth_concatenation("join"),
        saved.average_pooling("avgpool", (2, 2), (2, 2)),
        saved.fully_connected("fc", V, c),
        saved.regression("regressionoutput"),
    )

    def reference(x):
        one = np.maximum(windows.convolution(x, W1, b1, ONES, [(1, 1), (1, 1)], ONES), 0)
        two = windows.convolution(x, W2, b2, ONES, NONE, ONES)
        three = windows.convolution(x, W3, b3, ONES, [(2, 2), (2, 2)], (2, 2))
        y = np.concatenate([one + two, three], axis=2)
        y = windows.average_pool(y, (2, 2), (2, 2), NONE)
        return elementwise.fully_connected(y, V, c)

    x = random(h, w, C, 3, scale=1)
    return Fixture(network, reference, ("SSCB",), {"X": x, "Y": reference(x).T})


FIXTURES = {
    "lstm_classifier": (lstm_classifier, "v7"),
    "gru_regressor": (gru_regressor, "v7.3"),
    "cnn": (cnn, "v7"),
    "cnn_bilstm": (cnn_bilstm, "v7.3"),
    "dag": (dag, "v6"),
    **{build.__name__: (build, "v7") for build in literature.NETWORKS},
}


def make(name):
    """One fixture: net, the inputs X (X1, X2) and the expected Y."""
    build, _ = FIXTURES[name]
    return build(Random(list(FIXTURES).index(name)))


def main():
    for name, (_, version) in FIXTURES.items():
        fixture = make(name)
        path = ROOT / "fixtures" / f"{name}.mat"
        write_mat(path, {"net": fixture.network, **fixture.variables}, version, CREATED)
        print(f"{path.relative_to(ROOT)}  {version}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
