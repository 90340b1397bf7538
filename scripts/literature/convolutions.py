"""Convolutional networks: U-Net, ResNet, and a temporal convolutional network."""

import numpy as np
from reference import windows

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
    relu,
    sequences,
    softmax,
    statistics,
)


def unet(random):
    """Two stages down, two up, joined by depth; a class for every pixel."""
    C, F, K = 2, (4, 6, 8), 3
    arrays, layers = {}, [layer("imageInputLayer", "imageinput", [12, 8, C], Normalization="none")]
    pairs, last, inputs = [], "imageinput", C

    def block(stage, D, H):
        nonlocal last
        names = [f"{stage}-{part}-{i}" for i in (1, 2) for part in ("conv", "relu")]
        for i, (a, b) in enumerate(((D, H), (H, H))):
            arrays[names[2 * i]] = w = filters(random, 3, 3, a, b)
            layers.append(layer("convolution2dLayer", names[2 * i], 3, b, Padding="same", **w))
            layers.append(layer("reluLayer", names[2 * i + 1]))
        pairs.extend(chain(last, *names))
        last = names[-1]

    for stage, H in zip(("encoder-1", "encoder-2", "bridge"), F, strict=True):
        block(stage, inputs, H)
        inputs = H
        if stage != "bridge":
            layers.append(layer("maxPooling2dLayer", f"{stage}-pool", 2, Stride=2))
            pairs += chain(last, f"{stage}-pool")
            last = f"{stage}-pool"
    for stage, skip, H in (("decoder-1", "encoder-2", F[1]), ("decoder-2", "encoder-1", F[0])):
        up, join = f"{stage}-up", f"{stage}-join"
        arrays[up] = {"Weights": random(2, 2, H, inputs), "Bias": random(1, 1, H)}
        layers.append(layer("transposedConv2dLayer", up, 2, H, Stride=2, **arrays[up]))
        layers.append(layer("depthConcatenationLayer", join, 2))
        pairs += [(last, up), (up, f"{join}/in1"), (f"{skip}-relu-2", f"{join}/in2")]
        last = join
        block(stage, 2 * H, H)
        inputs = H
    arrays["final"] = w = filters(random, 1, 1, inputs, K)
    layers += [
        layer("convolution2dLayer", "final", 1, K, **w),
        layer("softmaxLayer", "softmax"),
        layer("pixelClassificationLayer", "pixels", Classes=["road", "sky", "tree"]),
    ]
    pairs += chain(last, "final", "softmax", "pixels")

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
    return made(layers, pairs, reference, "SSCB", data)


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
    layers = [layer("imageInputLayer", "imageinput", [11, 11, C], Normalization="none")]
    for name, (k, _, b, stride) in shapes.items():
        options = {"Stride": stride, "Padding": "same", **w[name]}
        layers.append(layer("convolution2dLayer", name, k, b, **options))
        layers.append(layer("batchNormalizationLayer", f"{name}-bn", **s[name]))
    rectified = ("stem", "unit1-conv1", "unit2-conv1", "unit1", "unit2")
    layers += [layer("reluLayer", f"{name}-relu") for name in rectified]
    layers += [layer("additionLayer", f"unit{i}-add", 2) for i in (1, 2)]
    layers += [
        layer("globalAveragePooling2dLayer", "pool"),
        layer("fullyConnectedLayer", "fc", K, **V),
        layer("softmaxLayer", "softmax"),
    ]
    pairs = chain("imageinput", "stem", "stem-bn", "stem-relu")
    for i, before in ((1, "stem-relu"), (2, "unit1-relu")):
        a, b = f"unit{i}-conv1", f"unit{i}-conv2"
        names = (a, f"{a}-bn", f"{a}-relu", b, f"{b}-bn", f"unit{i}-add/in1")
        pairs += chain(before, *names)
    pairs += [("stem-relu", "unit1-add/in2"), *chain("unit1-add", "unit1-relu")]
    pairs += chain("unit1-relu", "unit2-skip", "unit2-skip-bn", "unit2-add/in2")
    pairs += chain("unit2-add", "unit2-relu", "pool", "fc", "softmax")

    def unit(x, name):
        return normalized(convolved(x, w[name], None, (shapes[name][3],) * 2), s[name], 2)

    def reference(x):
        x = relu(unit(x, "stem"))
        x = relu(unit(relu(unit(x, "unit1-conv1")), "unit1-conv2") + x)
        y = unit(relu(unit(x, "unit2-conv1")), "unit2-conv2")
        x = relu(y + unit(x, "unit2-skip"))
        return softmax(dense(x.mean((0, 1)), V))

    return made(layers, pairs, reference, "SSCB", [random(11, 11, C, scale=1) for _ in range(3)])


def temporal_convolution(random):
    """Residual blocks of two causal convolutions, dilated 1, 2, 4; a class for every step."""
    D, F, K, window = 3, 5, 4, 3
    layers, pairs, last = [layer("sequenceInputLayer", "sequenceinput", D)], [], "sequenceinput"
    blocks, inputs = [], D
    for i, dilation in enumerate((1, 2, 4), 1):
        w = [filters(random, window, a, F) for a in (inputs, F)]
        n = [norm_weights(random, F) for _ in range(2)]
        skip = filters(random, 1, inputs, F) if inputs != F else None
        names = []
        for j in (1, 2):
            options = {"DilationFactor": dilation, "Padding": "causal", **w[j - 1]}
            found = [
                layer("convolution1dLayer", f"conv{i}_{j}", window, F, **options),
                layer("layerNormalizationLayer", f"norm{i}_{j}", **n[j - 1]),
                layer("reluLayer", f"relu{i}_{j}"),
                layer("spatialDropoutLayer", f"dropout{i}_{j}", 0.1),
            ]
            layers += found
            names += [one.name for one in found]
        layers.append(layer("additionLayer", f"add_{i}", 2))
        pairs += chain(last, *names, f"add_{i}/in1")
        if skip is not None:
            layers.append(layer("convolution1dLayer", f"skip_{i}", 1, F, **skip))
            pairs += chain(last, f"skip_{i}", f"add_{i}/in2")
        else:
            pairs.append((last, f"add_{i}/in2"))
        last, inputs = f"add_{i}", F
        blocks.append((dilation, w, n, skip))
    V = dense_weights(random, F, K)
    layers += [layer("fullyConnectedLayer", "fc", K, **V), layer("softmaxLayer", "softmax")]
    pairs += chain(last, "fc", "softmax")

    def reference(x):
        for dilation, w, n, skip in blocks:
            y, reach = x, ((window - 1) * dilation, 0)
            for a, b in zip(w, n, strict=True):
                y = relu(layer_normalized(convolved_in_time(y, a, reach, dilation), b))
            x = y + (x if skip is None else convolved_in_time(x, skip, (0, 0)))
        return softmax(dense(x, V))

    return made(layers, pairs, reference, "CBT", sequences(random, D, 22, 9))


NETWORKS = (unet, resnet, temporal_convolution)
