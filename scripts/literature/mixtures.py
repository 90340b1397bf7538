"""Networks that join convolution or attention with time: video, EEG, lip reading, sequences."""

import numpy as np
from reference import elementwise, recurrent, windows

from literature.parts import (
    chain,
    convolved,
    convolved_in_time,
    dense,
    dense_weights,
    filters,
    layer,
    layer_normalized,
    made,
    norm_weights,
    normalized,
    on_frames,
    pooled_in_time,
    recurrent_weights,
    relu,
    sequences,
    softmax,
    statistics,
)


def flat(x):
    """H×W×C×N×T to C×N×T, the height fastest."""
    return x.reshape(-1, *x.shape[3:], order="F")


def videos(random, *sizes):
    return [random(*size, scale=1) for size in sizes]


def video_classification(random):
    """Frames folded into a batch, convolved and pooled, unfolded and flattened, then an LSTM."""
    h, w, C, F, H, K = 8, 6, 3, 4, 7, 3
    W, s = filters(random, 3, 3, C, F), statistics(random, F)
    R, V = recurrent_weights(random, 4 * 3 * F, H), dense_weights(random, H, K)
    layers = [
        layer("sequenceInputLayer", "video", [h, w, C]),
        layer("sequenceFoldingLayer", "fold"),
        layer("convolution2dLayer", "conv", 3, F, Padding="same", **W),
        layer("batchNormalizationLayer", "batchnorm", **s),
        layer("reluLayer", "relu"),
        layer("averagePooling2dLayer", "pool", 2, Stride=2),
        layer("sequenceUnfoldingLayer", "unfold"),
        layer("flattenLayer", "flatten"),
        layer("lstmLayer", "lstm", H, OutputMode="last", **R),
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
        layer("classificationLayer", "classification", Classes=["clap", "jump", "wave"]),
    ]
    pairs = [
        ("video", "fold"),
        *chain("fold/out", "conv", "batchnorm", "relu", "pool", "unfold/in"),
        ("fold/miniBatchSize", "unfold/miniBatchSize"),
        *chain("unfold", "flatten", "lstm", "fc", "softmax", "classification"),
    ]

    def frame(x):
        y = relu(normalized(convolved(x, W), s, 2))
        return windows.average_pool(y, (2, 2), (2, 2), [(0, 0)] * 2)

    def reference(x):
        return softmax(dense(recurrent.lstm(flat(on_frames(frame, x)), *R.values())[1], V))

    return made(layers, pairs, reference, "SSCBT", videos(random, (h, w, C, 5), (h, w, C, 8)))


def eeg_cnn_lstm(random):
    """A 1-D convolution over time with pooling, then an LSTM."""
    D, F, H, K = 4, 6, 5, 2
    W, s = filters(random, 5, D, F), statistics(random, F, rank=1)
    R, V = recurrent_weights(random, F, H), dense_weights(random, H, K)
    layers = [
        layer("sequenceInputLayer", "eeg", D, MinLength=4),
        layer("convolution1dLayer", "conv", 5, F, Padding="same", **W),
        layer("batchNormalizationLayer", "batchnorm", **s),
        layer("reluLayer", "relu"),
        layer("maxPooling1dLayer", "pool", 2, Stride=2),
        layer("lstmLayer", "lstm", H, OutputMode="last", **R),
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
    ]

    def reference(x):
        y = relu(normalized(convolved_in_time(x, W, (2, 2)), s, 0))
        y = pooled_in_time(y, 2, 2)
        return softmax(dense(recurrent.lstm(y, *R.values())[1], V))

    return made(layers, None, reference, "CBT", sequences(random, D, 24, 15))


def eeg_cnn_gru(random):
    """Two causal 1-D convolutions, then a GRU; a number for every step."""
    D, F, H = 4, 5, 6
    W = [filters(random, 3, D, F), filters(random, 3, F, F)]
    R, V = recurrent_weights(random, F, H, gates=3), dense_weights(random, H, 1)
    layers = [layer("sequenceInputLayer", "eeg", D)]
    for i, w in enumerate(W, 1):
        layers += [
            layer("convolution1dLayer", f"conv_{i}", 3, F, Padding="causal", **w),
            layer("reluLayer", f"relu_{i}"),
        ]
    layers += [
        layer("gruLayer", "gru", H, **R),
        layer("fullyConnectedLayer", "fc", 1, **V),
        layer("regressionLayer", "regression"),
    ]

    def reference(x):
        for w in W:
            x = relu(convolved_in_time(x, w, (2, 0)))
        return dense(recurrent.gru(x, *R.values())[0], V)

    return made(layers, None, reference, "CBT", sequences(random, D, 20, 13))


def lip_reader(random):
    """Mouth images through convolution and pooling, two BiLSTM layers, a word for every step."""
    h, w, F, H, K = 9, 12, 3, 5, 4
    W, s = filters(random, 5, 5, 1, F), statistics(random, F)
    R = [recurrent_weights(random, n, H, 8) for n in (4 * 6 * F, 2 * H)]
    V = dense_weights(random, 2 * H, K)
    layers = [
        layer("sequenceInputLayer", "mouth", [h, w, 1]),
        layer("convolution2dLayer", "conv", 5, F, Padding="same", **W),
        layer("batchNormalizationLayer", "batchnorm", **s),
        layer("reluLayer", "relu"),
        layer("maxPooling2dLayer", "pool", 2, Stride=2),
        layer("flattenLayer", "flatten"),
        layer("bilstmLayer", "bilstm_1", H, **R[0]),
        layer("bilstmLayer", "bilstm_2", H, **R[1]),
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
    ]

    def frame(x):
        y = relu(normalized(convolved(x, W), s, 2))
        return windows.max_pool(y, (2, 2), (2, 2), [(0, 0)] * 2)

    def reference(x):
        y = flat(on_frames(frame, x))
        for r in R:
            y = recurrent.bilstm(y, *r.values())[0]
        return softmax(dense(y, V))

    return made(layers, None, reference, "SSCBT", videos(random, (h, w, 1, 7), (h, w, 1, 4)))


def transformer_encoder(random):
    """Positions added, self-attention and a dense block, each with its residual connection and
    layer normalization; the mean over time is classified."""
    D, heads, inner, K = 6, 2, 10, 3
    P = random(D, 32)
    A = {
        f"{part}{kind}": random(D, D if kind == "Weights" else 1, scale=0.4)
        for part in ("Query", "Key", "Value", "Output")
        for kind in ("Weights", "Bias")
    }
    n = [norm_weights(random, D) for _ in range(2)]
    U, B = dense_weights(random, D, inner), dense_weights(random, inner, D)
    V = dense_weights(random, D, K)
    layers = [
        layer("sequenceInputLayer", "tokens", D),
        layer("positionEmbeddingLayer", "positions", D, 32, Weights=P),
        layer("additionLayer", "add_1", 2),
        layer("selfAttentionLayer", "attention", heads, D, **A),
        layer("additionLayer", "add_2", 2),
        layer("layerNormalizationLayer", "norm_1", **n[0]),
        layer("fullyConnectedLayer", "fc_1", inner, **U),
        layer("geluLayer", "gelu"),
        layer("fullyConnectedLayer", "fc_2", D, **B),
        layer("additionLayer", "add_3", 2),
        layer("layerNormalizationLayer", "norm_2", **n[1]),
        layer("globalAveragePooling1dLayer", "pool"),
        layer("fullyConnectedLayer", "fc_3", K, **V),
        layer("softmaxLayer", "softmax"),
    ]
    pairs = [
        ("tokens", "add_1/in1"),
        *chain("tokens", "positions", "add_1/in2"),
        ("add_1", "add_2/in1"),
        *chain("add_1", "attention", "add_2/in2"),
        ("add_2", "norm_1"),
        ("norm_1", "add_3/in1"),
        *chain("norm_1", "fc_1", "gelu", "fc_2", "add_3/in2"),
        *chain("add_3", "norm_2", "pool", "fc_3", "softmax"),
    ]

    def reference(x):
        x = x + P[:, None, : x.shape[2]]
        x = layer_normalized(x + elementwise.self_attention(x, A, heads, False)[0], n[0])
        y = dense(elementwise.gelu(dense(x, U), "none"), B)
        x = layer_normalized(x + y, n[1])
        return softmax(dense(np.mean(x, 2), V))

    return made(layers, pairs, reference, "CBT", sequences(random, D, 12, 20))


NETWORKS = (
    video_classification,
    eeg_cnn_lstm,
    eeg_cnn_gru,
    lip_reader,
    transformer_encoder,
)
