"""Recurrent networks."""

from reference import recurrent

from literature.parts import (
    dense,
    dense_weights,
    layer,
    made,
    recurrent_weights,
    relu,
    sequences,
    softmax,
)


def sequence_to_label(random):
    """Speakers by their vowels: BiLSTM 'last'."""
    D, H, K = 12, 6, 9
    W, V = recurrent_weights(random, D, H, 8), dense_weights(random, 2 * H, K)
    layers = [
        layer("sequenceInputLayer", "sequenceinput", D),
        layer("bilstmLayer", "bilstm", H, OutputMode="last", **W),
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
        layer("classificationLayer", "classoutput", Classes=[str(k + 1) for k in range(K)]),
    ]

    def reference(x):
        return softmax(dense(recurrent.bilstm(x, *W.values())[1], V))

    return made(layers, None, reference, "CBT", sequences(random, D, 14, 7, 20))


def sequence_to_sequence(random):
    """Human activity, a class for every time step."""
    D, H, K = 3, 8, 5
    W, V = recurrent_weights(random, D, H), dense_weights(random, H, K)
    layers = [
        layer("sequenceInputLayer", "sequenceinput", D),
        layer("lstmLayer", "lstm", H, **W),
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
        layer("classificationLayer", "classoutput",
              Classes=["Dancing", "Running", "Sitting", "Standing", "Walking"]),
    ]  # fmt: skip

    def reference(x):
        return softmax(dense(recurrent.lstm(x, *W.values())[0], V))

    return made(layers, None, reference, "CBT", sequences(random, D, 30, 12))


def sequence_to_one(random):
    """Remaining useful life: one number for a sequence; normalized input, two dense layers."""
    D, H = 6, 10
    W = recurrent_weights(random, D, H)
    V, U = dense_weights(random, H, 8), dense_weights(random, 8, 1)
    mean = random(D, 1)
    layers = [
        layer("sequenceInputLayer", "sequenceinput", D, Normalization="zerocenter", Mean=mean),
        layer("lstmLayer", "lstm", H, OutputMode="last", **W),
        layer("fullyConnectedLayer", "fc_1", 8, **V),
        layer("reluLayer", "relu"),
        layer("dropoutLayer", "dropout", 0.5),
        layer("fullyConnectedLayer", "fc_2", 1, **U),
        layer("regressionLayer", "regressionoutput"),
    ]

    def reference(x):
        h = recurrent.lstm(x - mean[:, None], *W.values())[1]
        return dense(relu(dense(h, V)), U)

    return made(layers, None, reference, "CBT", sequences(random, D, 18, 9, 25, 9))


def deep_lstm(random):
    """Three LSTM layers, each followed by dropout."""
    D, sizes, K = 4, (8, 7, 6), 3
    weights = [recurrent_weights(random, a, b) for a, b in zip((D, *sizes), sizes, strict=False)]
    V = dense_weights(random, sizes[-1], K)
    layers = [layer("sequenceInputLayer", "sequenceinput", D)]
    for i, (H, W) in enumerate(zip(sizes, weights, strict=True), 1):
        mode = "last" if i == 3 else "sequence"
        layers += [
            layer("lstmLayer", f"lstm_{i}", H, OutputMode=mode, **W),
            layer("dropoutLayer", f"dropout_{i}", 0.2),
        ]
    layers += [
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
        layer("classificationLayer", "classoutput", Classes=["low", "medium", "high"]),
    ]

    def reference(x):
        for W in weights:
            x, h, _ = recurrent.lstm(x, *W.values())
        return softmax(dense(h, V))

    return made(layers, None, reference, "CBT", sequences(random, D, 11, 16))


def projected(random, kind, gates, reference_layer):
    """A layer whose weights act on fewer dimensions."""
    D, H, p, q = 5, 12, 2, 3
    W = {
        "InputWeights": random(gates * H, p),
        "RecurrentWeights": random(gates * H, q),
        "Bias": random(gates * H, 1),
        "InputProjector": random(D, p),
        "OutputProjector": random(H, q),
    }
    V = dense_weights(random, H, 2)
    layers = [
        layer("sequenceInputLayer", "sequenceinput", D),
        layer(f"{kind}ProjectedLayer", f"{kind}p", H, q, p, **W),
        layer("fullyConnectedLayer", "fc", 2, **V),
    ]

    def reference(x):
        return dense(reference_layer(x, *W.values())[0], V)

    return made(layers, None, reference, "CBT", sequences(random, D, 15, 6))


def lstm_projected(random):
    return projected(random, "lstm", 4, recurrent.lstm_projected)


def gru_projected(random):
    return projected(random, "gru", 3, recurrent.gru_projected)


def peephole_lstm(random):
    """MATLAB's documented custom layer in a network."""
    D, H, K = 3, 7, 4
    W, P = recurrent_weights(random, D, H), random(3 * H, 1)
    V = dense_weights(random, H, K)
    layers = [
        layer("sequenceInputLayer", "sequenceinput", D),
        layer("peepholeLSTMLayer", "peephole", H, OutputMode="last", PeepholeWeights=P, **W),
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
    ]

    def reference(x):
        return softmax(dense(recurrent.lstm(x, *W.values(), P=P)[1], V))

    return made(layers, None, reference, "CBT", sequences(random, D, 10, 17))


NETWORKS = (
    sequence_to_label,
    sequence_to_sequence,
    sequence_to_one,
    deep_lstm,
    lstm_projected,
    gru_projected,
    peephole_lstm,
)
