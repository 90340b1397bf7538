"""Convolutional networks: U-Net, ResNet, and a temporal convolutional network."""

import numpy as np
from reference import windows

from literature.parts import (
    Graph,
    convolved,
    convolved_in_time,
    dense,
    dense_weights,
    filters,
    layer_normalized,
    made,
    norm_weights,
    normalized,
    relu,
    sequences,
    softmax,
    statistics,
)


def unet_layers(random, C, F, K):
    """Layers and connections, and the arrays of each convolution."""
    graph, arrays = Graph("imageInputLayer", "imageinput", [12, 8, C], Normalization="none"), {}

    def block(stage, inputs, H):
        for i, D in ((1, inputs), (2, H)):
            name = f"{stage}-conv-{i}"
            arrays[name] = filters(random, 3, 3, D, H)
            graph.add("convolution2dLayer", name, 3, H, Padding="same", **arrays[name])
            graph.add("reluLayer", f"{stage}-relu-{i}")

    for stage, inputs, H in (("encoder-1", C, F[0]), ("encoder-2", F[0], F[1])):
        block(stage, inputs, H)
        graph.add("maxPooling2dLayer", f"{stage}-pool", 2, Stride=2)
    block("bridge", F[1], F[2])
    for i, skip, inputs, H in ((1, "encoder-2", F[2], F[1]), (2, "encoder-1", F[1], F[0])):
        up = f"decoder-{i}-up"
        arrays[up] = {"Weights": random(2, 2, H, inputs), "Bias": random(1, 1, H)}
        graph.add("transposedConv2dLayer", up, 2, H, Stride=2, **arrays[up])
        joined = (up, f"{skip}-relu-2")
        graph.add("depthConcatenationLayer", f"decoder-{i}-join", 2, after=joined)
        block(f"decoder-{i}", 2 * H, H)
    arrays["final"] = filters(random, 1, 1, F[0], K)
    graph.add("convolution2dLayer", "final", 1, K, **arrays["final"])
    graph.add("softmaxLayer", "softmax")
    graph.add("pixelClassificationLayer", "pixels", Classes=["road", "sky", "tree"])
    return graph, arrays


def unet(random):
    """Two stages down, two up, joined by depth; a class for every pixel."""
    C = 2
    graph, arrays = unet_layers(random, C, (4, 6, 8), 3)

    def two(x, stage):
        for i in (1, 2):
            x = relu(convolved(x, arrays[f"{stage}-conv-{i}"]))
        return x

    def reference(x):
        one = two(x, "encoder-1")
        second = two(windows.max_pool(one, (2, 2), (2, 2), [(0, 0)] * 2), "encoder-2")
        y = two(windows.max_pool(second, (2, 2), (2, 2), [(0, 0)] * 2), "bridge")
        for stage, skip in (("decoder-1", second), ("decoder-2", one)):
            up = arrays[f"{stage}-up"].values()
            y = windows.transposed_convolution(y, *up, (2, 2), [(0, 0)] * 2)
            y = two(np.concatenate([y, skip], 2), stage)
        return softmax(convolved(y, arrays["final"]), 2)

    data = [random(12, 8, C, scale=1) for _ in range(2)]
    return made(graph.layers, graph.pairs, reference, "SSCB", data)


def resnet_layers(shapes, w, s, V):
    """A stem, a unit with an identity and a unit with a projection, then the classifier."""
    graph = Graph("imageInputLayer", "imageinput", [11, 11, 3], Normalization="none")

    def unit(name, rectified=True, after=None):
        k, _, filters, stride = shapes[name]
        options = {"Stride": stride, "Padding": "same", "after": after, **w[name]}
        graph.add("convolution2dLayer", name, k, filters, **options)
        last = graph.add("batchNormalizationLayer", f"{name}-bn", **s[name])
        return graph.add("reluLayer", f"{name}-relu") if rectified else last

    stem = unit("stem")
    unit("unit1-conv1")
    graph.add("additionLayer", "unit1-add", 2, after=(unit("unit1-conv2", False), stem))
    before = graph.add("reluLayer", "unit1-relu")
    unit("unit2-conv1")
    one = unit("unit2-conv2", False)
    skip = unit("unit2-skip", False, after=(before,))
    graph.add("additionLayer", "unit2-add", 2, after=(one, skip))
    graph.add("reluLayer", "unit2-relu")
    graph.add("globalAveragePooling2dLayer", "pool")
    graph.add("fullyConnectedLayer", "fc", len(V["Bias"]), **V)
    graph.add("softmaxLayer", "softmax")
    return graph


def resnet(random):
    """A stem and two residual units, the second one half as large and twice as deep."""
    C, F, K = 3, 4, 5
    shapes = {
        "stem": (3, C, F, 1),
        "unit1-conv1": (3, F, F, 1),
        "unit1-conv2": (3, F, F, 1),
        "unit2-conv1": (3, F, 2 * F, 2),
        "unit2-conv2": (3, 2 * F, 2 * F, 1),
        "unit2-skip": (1, F, 2 * F, 2),
    }
    w = {name: filters(random, k, k, a, b) for name, (k, a, b, _) in shapes.items()}
    s = {name: statistics(random, b) for name, (_, _, b, _) in shapes.items()}
    V = dense_weights(random, 2 * F, K)
    graph = resnet_layers(shapes, w, s, V)

    def unit(x, name):
        return normalized(convolved(x, w[name], None, (shapes[name][3],) * 2), s[name], 2)

    def reference(x):
        x = relu(unit(x, "stem"))
        x = relu(unit(relu(unit(x, "unit1-conv1")), "unit1-conv2") + x)
        y = unit(relu(unit(x, "unit2-conv1")), "unit2-conv2")
        x = relu(y + unit(x, "unit2-skip"))
        return softmax(dense(x.mean((0, 1)), V))

    data = [random(11, 11, C, scale=1) for _ in range(3)]
    return made(graph.layers, graph.pairs, reference, "SSCB", data)


def temporal_convolution(random):
    """Residual blocks of two causal convolutions, dilated 1, 2, 4; a class for every step."""
    D, F, K, window = 3, 5, 4, 3
    graph, blocks = Graph("sequenceInputLayer", "sequenceinput", D), []
    for i, (dilation, inputs) in enumerate(((1, D), (2, F), (4, F)), 1):
        before = graph.last
        w = [filters(random, window, n, F) for n in (inputs, F)]
        n = [norm_weights(random, F) for _ in range(2)]
        for j in (1, 2):
            options = {"DilationFactor": dilation, "Padding": "causal", **w[j - 1]}
            graph.add("convolution1dLayer", f"conv{i}_{j}", window, F, **options)
            graph.add("layerNormalizationLayer", f"norm{i}_{j}", **n[j - 1])
            graph.add("reluLayer", f"relu{i}_{j}")
            graph.add("spatialDropoutLayer", f"dropout{i}_{j}", 0.1)
        last, skip = graph.last, None
        if inputs != F:
            skip = filters(random, 1, inputs, F)
            before = graph.add("convolution1dLayer", f"skip_{i}", 1, F, after=(before,), **skip)
        graph.add("additionLayer", f"add_{i}", 2, after=(last, before))
        blocks.append((dilation, w, n, skip))
    V = dense_weights(random, F, K)
    graph.add("fullyConnectedLayer", "fc", K, **V)
    graph.add("softmaxLayer", "softmax")

    def reference(x):
        for dilation, w, n, skip in blocks:
            y, reach = x, ((window - 1) * dilation, 0)
            for a, b in zip(w, n, strict=True):
                y = relu(layer_normalized(convolved_in_time(y, a, reach, dilation), b))
            x = y + (x if skip is None else convolved_in_time(x, skip, (0, 0)))
        return softmax(dense(x, V))

    return made(graph.layers, graph.pairs, reference, "CBT", sequences(random, D, 22, 9))


NETWORKS = (unet, resnet, temporal_convolution)
