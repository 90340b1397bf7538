"""For every layer at least one example: its arrays, inputs, and what NumPy makes of them.

Tests over this table show for each layer that it computes what its equations say, that
torch, ONNX and a saved object agree, and that gradients flow. A card without an example
fails.
"""

import functools
import math
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from reference import elementwise, imported, recurrent, shallow, signals, windows


@dataclass(frozen=True)
class Example:
    """One layer by its constructor, inputs (format and array), and its outputs."""

    builder: str
    positional: tuple
    named: dict[str, Any]
    inputs: tuple[tuple[str, np.ndarray], ...]
    outputs: tuple[np.ndarray, ...]
    # Why the layer cannot be written to ONNX, or nothing where it can.
    no_onnx: str = ""
    gradient: bool = True
    note: str = field(default="", compare=False)


EXAMPLES: list[Example] = []


def add(builder, *positional, inputs, outputs, no_onnx="", gradient=True, note="", **named):
    pairs = inputs if isinstance(inputs, tuple) and isinstance(inputs[0], tuple) else (inputs,)
    made = outputs if isinstance(outputs, tuple) else (outputs,)
    EXAMPLES.append(Example(builder, positional, named, pairs, made, no_onnx, gradient, note))


def draw(seed, *shape):
    """Normal numbers that depend on the seed alone."""
    return np.random.default_rng(zlib.crc32(str(seed).encode())).standard_normal(shape)


def with_images(function, x):
    """A function of S...×C×N on each step of S...×C×N×T."""
    return np.stack([function(x[..., t]) for t in range(x.shape[-1])], -1)


# -- input ---------------------------------------------------------------------------------

for format, builder, sizes in (
    ("CB", "featureInputLayer", (3,)),
    ("CBT", "sequenceInputLayer", (3,)),
    ("SCBT", "sequenceInputLayer", (4, 3)),
    ("SSCBT", "sequenceInputLayer", (4, 5, 3)),
    ("SSSCBT", "sequenceInputLayer", (2, 3, 2, 3)),
    ("SSCB", "imageInputLayer", (4, 5, 3)),
    ("SSSCB", "image3dInputLayer", (2, 3, 4, 3)),
):
    x = draw(format, *sizes, 2, *((4,) if "T" in format else ()))
    shape = (*(1,) * (len(sizes) - 1), 3) if len(sizes) > 1 else (3, 1)
    mean, deviation = draw("mean", *shape), abs(draw("deviation", *shape)) + 0.5
    full = [1] * x.ndim
    full[format.index("C")] = 3
    expected = (x - mean.reshape(full)) / deviation.reshape(full)
    add(
        builder,
        list(sizes),
        Normalization="zscore",
        Mean=mean,
        StandardDeviation=deviation,
        inputs=(format, x),
        outputs=expected,
    )

# Statistics of each size that MATLAB takes, for each normalization.
for builder, format, sizes in (
    ("featureInputLayer", "CB", (3,)),
    ("imageInputLayer", "SSCB", (4, 5, 3)),
    ("image3dInputLayer", "SSSCB", (2, 3, 4, 2)),
):
    x = draw(format, *sizes, 2)
    for shape in ((1,), (*(1 for _ in sizes[:-1]), sizes[-1]), sizes):
        low = draw("low", *shape)
        full = {name: draw(name, *shape) for name in ("Mean", "StandardDeviation")}
        full |= {"Min": low, "Max": low + 1 + abs(draw("high", *shape))}
        column = (-1, 1) if len(sizes) == 1 else (1, 1) if shape == (1,) else shape
        for kind, names in (
            ("zerocenter", ("Mean",)),
            ("zscore", ("Mean", "StandardDeviation")),
            ("rescale-symmetric", ("Min", "Max")),
            ("rescale-zero-one", ("Min", "Max")),
        ):
            statistics = {name: full[name].reshape(column) for name in names}
            spread = {k: v.reshape(*v.shape, 1) if v.ndim > 2 else v for k, v in statistics.items()}
            y = elementwise.normalize_input(x, kind, **spread)
            # Images are zero-centred unless another normalization is named.
            word = {"Normalization": kind}
            word = {} if kind == "zerocenter" and builder.startswith("image") else word
            given = list(sizes) if len(sizes) > 1 else sizes[0]
            add(builder, given, inputs=(format, x), outputs=y, **word, **statistics)
for format, sizes in (("SCB", (6, 3)), ("SSCB", (4, 5, 3))):
    x = draw(format, *sizes, 2)
    low = draw("low", *(1 for _ in sizes[:-1]), 3)
    high = low + 2
    y = elementwise.normalize_input(x, "rescale-symmetric", Min=low[..., None], Max=high[..., None])
    add("pointCloudInputLayer", list(sizes), Normalization="rescale-symmetric", Min=low, Max=high,
        inputs=(format, x), outputs=y)  # fmt: skip
x = draw("normalized by a function", 4, 5, 3, 2)
for text, y in (
    ("@(x)(x-0.5)/2", (x - 0.5) / 2),
    ("@(x)x./max(abs(x),[],[1 2])", x / abs(x).max((0, 1), keepdims=True)),
):
    add("imageInputLayer", [4, 5, 3], Normalization=text, inputs=("SSCB", x), outputs=y)

# -- sequence --------------------------------------------------------------------------------

D, H, N, T = 3, 4, 2, 5
X = draw("sequence", D, N, T)


def stacked(gates, bias=0):
    return {
        "InputWeights": draw("W", gates * H, D),
        "RecurrentWeights": draw("R", gates * H, H) * 0.5,
        "Bias": draw("b", (bias or gates) * H, 1),
    }


def values(arrays):
    return arrays["InputWeights"], arrays["RecurrentWeights"], arrays["Bias"]


for mode in ("sequence", "last"):
    for state in ("tanh", "softsign", "relu"):
        for gate in ("sigmoid", "hard-sigmoid"):
            functions = {"state": state, "gate": gate}
            named = {
                "OutputMode": mode,
                "StateActivationFunction": state,
                "GateActivationFunction": gate,
            }
            for builder, gates, kind in (
                ("lstmLayer", 4, recurrent.lstm),
                ("bilstmLayer", 8, recurrent.bilstm),
                ("gruLayer", 3, recurrent.gru),
            ):
                arrays = stacked(gates)
                y, h, *_ = kind(X, *values(arrays), **functions)
                y = y if mode == "sequence" else h
                add(builder, H, inputs=("CBT", X), outputs=y, **arrays, **named)

for reset in ("before-multiplication", "recurrent-bias-after-multiplication"):
    arrays = stacked(3, 6 if reset.startswith("recurrent") else 3)
    y, h = recurrent.gru(X, *values(arrays), mode=reset)
    add("gruLayer", H, ResetGateMode=reset, inputs=("CBT", X), outputs=y, **arrays)

for reset in ("before-multiplication", "recurrent-bias-after-multiplication"):
    for state, gate in (("softsign", "hard-sigmoid"), ("relu", "sigmoid")):
        arrays = stacked(3, 6 if reset.startswith("recurrent") else 3)
        y, h = recurrent.gru(X, *values(arrays), mode=reset, state=state, gate=gate)
        named = {"StateActivationFunction": state, "GateActivationFunction": gate, **arrays}
        add("gruLayer", H, ResetGateMode=reset, inputs=("CBT", X), outputs=y, **named)

for builder, gates, kind in (
    ("lstmProjectedLayer", 4, recurrent.lstm_projected),
    ("gruProjectedLayer", 3, recurrent.gru_projected),
):
    Qi, Qo = draw("Qi", D, 2), draw("Qo", H, 3)
    W, R, b = draw("W", gates * H, 2), draw("R", gates * H, 3) * 0.5, draw("b", gates * H, 1)
    y, *_ = kind(X, W, R, b, Qi, Qo)
    add(
        builder,
        H,
        3,
        2,
        InputWeights=W,
        RecurrentWeights=R,
        Bias=b,
        InputProjector=Qi,
        OutputProjector=Qo,
        inputs=("CBT", X),
        outputs=y,
    )

for mode in ("sequence", "last"):
    arrays, P = stacked(4), draw("P", 3 * H, 1)
    y, h, _ = recurrent.lstm(X, *values(arrays), P=P)
    y = y if mode == "sequence" else h
    named = {**arrays, "PeepholeWeights": P, "OutputMode": mode}
    add("peepholeLSTMLayer", H, inputs=("CBT", X), outputs=y, **named)

words = np.array([1, 4, 7, 3, 0, 8, 2, -1, 6, 5.0]).reshape(1, 2, 5)
W = draw("words", 3, 8)
embedded = elementwise.embed(words, W, 7)
named = {"gradient": False, "Weights": W}
add("wordEmbeddingLayer", 3, 7, inputs=("CBT", words), outputs=embedded, **named)
known = words[:, :1, :4]
strict = elementwise.embed(known, W, 7)
add("wordEmbeddingLayer", 3, 7, OOVMode="error", inputs=("CBT", known), outputs=strict, **named)
# Without a column for unknown words.
named["Weights"] = W[:, :7]
add("wordEmbeddingLayer", 3, 7, inputs=("CBT", known), outputs=strict, **named)

for format, shape in (("SCBT", (4, 3, 2, 3)), ("SSCB", (2, 3, 3, 2)), ("SSSCB", (2, 3, 2, 3, 2))):
    x = draw("flatten", *shape)
    rest = shape[format.index("B") :]
    add("flattenLayer", inputs=(format, x), outputs=x.reshape(-1, *rest, order="F"))

x = draw("fold", 3, 2, 2, 2, 4)
folded = x.reshape(3, 2, 2, 8, order="F")

for over, format in (("T", "CBT"), ("S", "SCB")):
    for causal in ("none", "causal"):
        names = {"Query": (4, 3), "Key": (4, 3), "Value": (6, 3), "Output": (5, 6)}
        arrays = {f"{k}Weights": draw(k, *size) for k, size in names.items()}
        arrays |= {f"{k}Bias": draw(k + "b", size[0], 1) for k, size in names.items()}
        y, scores = elementwise.self_attention(X, arrays, 2, causal == "causal")
        turn = (lambda a: a) if over == "T" else (lambda a: a.transpose(2, 0, 1))
        named = {"NumValueChannels": 6, "OutputSize": 5, "AttentionMask": causal, **arrays}
        add("selfAttentionLayer", 2, 4, inputs=(format, turn(X)), outputs=turn(y), **named)
        named["HasScoresOutput"] = True
        both = (turn(y), scores)
        add("selfAttentionLayer", 2, 4, inputs=(format, turn(X)), outputs=both, **named)

mask = np.ones((1, N, T))
mask[0, 0, 3:] = 0
q, k, v = (X @ np.eye(T) if False else np.einsum("oc,cnt->ont", draw(n, 4, D), X) for n in "qkv")
y, scores = elementwise.attention(q, k, v, 2, 0.5**0.5, False, mask[0])
named = {"HasPaddingMaskInput": True, "HasScoresOutput": True}
pairs = (("CBT", q), ("CBT", k), ("CBT", v), ("CBT", mask))
add("attentionLayer", 2, inputs=pairs, outputs=(y, scores), **named)
# A query that sees no key: all of them padding, or those up to its own step.
blind = np.ones((1, N, T))
blind[0, 0], blind[0, 1, :2] = 0, 0
for causal in ("none", "causal"):
    y, scores = elementwise.attention(q, k, v, 2, 0.5**0.5, causal == "causal", blind[0])
    pairs = (("CBT", q), ("CBT", k), ("CBT", v), ("CBT", blind))
    named = {"HasPaddingMaskInput": True, "AttentionMask": causal}
    add("attentionLayer", 2, inputs=pairs, outputs=y, **named)
    add("attentionLayer", 2, HasScoresOutput=True, inputs=pairs, outputs=(y, scores), **named)
short = k[:, :, :3], v[:, :, :3]
y, _ = elementwise.attention(q, *short, 2, 0.3, False)
pairs = (("CBT", q), ("CBT", short[0]), ("CBT", short[1]))
add("attentionLayer", 2, Scale=0.3, inputs=pairs, outputs=y)
# Query heads that share keys and values: 4 heads in 2 groups, and in 1.
for groups in (2, 1):
    k_, v_ = draw("k", groups, N, 3), draw("v", 3 * groups, N, 3)
    every = [elementwise.for_each_head(a, groups, 4) for a in (k_, v_)]
    y, scores = elementwise.attention(q, *every, 4, 1.0, False)
    pairs = (("CBT", q), ("CBT", k_), ("CBT", v_))
    named = {"NumQueryGroups": groups, "HasScoresOutput": True}
    add("attentionLayer", 4, inputs=pairs, outputs=(y, scores), **named)
    rows = {"Query": 8, "Key": 2 * groups, "Value": 3 * groups}
    arrays = {f"{name}Weights": draw(name, n, D) for name, n in rows.items()}
    arrays |= {f"{name}Bias": draw(name + "b", n, 1) for name, n in rows.items()}
    q_, k_, v_ = (
        np.einsum("oc,cnt->ont", arrays[f"{name}Weights"], X) + arrays[f"{name}Bias"][..., None]
        for name in rows
    )
    every = [elementwise.for_each_head(a, groups, 4) for a in (k_, v_)]
    y, _ = elementwise.attention(q_, *every, 4, 0.5**0.5, True)
    arrays |= {"OutputWeights": draw("o", 5, 12), "OutputBias": draw("ob", 5, 1)}
    y = np.einsum("oc,cnt->ont", arrays["OutputWeights"], y) + arrays["OutputBias"][..., None]
    named = {"NumQueryGroups": groups, "AttentionMask": "causal", "OutputSize": 5, **arrays}
    add("selfAttentionLayer", 4, 8, inputs=("CBT", X), outputs=y, **named)
y, _ = elementwise.attention(q, k, v, 4, 1.0, True)
pairs = (("CBT", q), ("CBT", k), ("CBT", v))
add("attentionLayer", 4, AttentionMask="causal", inputs=pairs, outputs=y)
arrays = {f"{k}Weights": draw(k, 3, 3) for k in ("Query", "Key", "Value", "Output")}
arrays |= {f"{k}Bias": draw(k + "b", 3, 1) for k in ("Query", "Key", "Value", "Output")}
qkv = [
    np.einsum("oc,cnt->ont", arrays[f"{k}Weights"], X) + arrays[f"{k}Bias"][..., None]
    for k in ("Query", "Key", "Value")
]
y, _ = elementwise.attention(*qkv, 3, 1.0, False, mask[0])
y = np.einsum("oc,cnt->ont", arrays["OutputWeights"], y) + arrays["OutputBias"][..., None]
pairs = (("CBT", X), ("CBT", mask))
add("selfAttentionLayer", 3, 3, HasPaddingMaskInput=True, inputs=pairs, outputs=y, **arrays)

W = draw("positions", 4, 8)
table = np.stack([W[:, :T]] * N, 1)
add("positionEmbeddingLayer", 4, 8, Weights=W, inputs=("CBT", X), outputs=table, gradient=False)

x = draw("position", 5, 4, N)
table = np.stack([W[:, :5].T] * N, 2)
add("positionEmbeddingLayer", 4, 8, Weights=W, inputs=("SCB", x), outputs=table, gradient=False)

table = elementwise.sinusoidal(range(4, T + 4), 6)
named = {"gradient": False, "PositionOffset": 3, "outputs": np.stack([table] * N, 1)}
add("sinusoidalPositionEncodingLayer", 6, inputs=("CBT", X), **named)
table = elementwise.sinusoidal(range(1, T + 1), 6)
named = {"gradient": False}
named["outputs"] = np.stack([table] * N, 1)
add("sinusoidalPositionEncodingLayer", 6, inputs=("CBT", X), **named)
x = draw("positions", 5, 3, 2)
named["outputs"] = np.stack([table.T] * N, -1)
add("sinusoidalPositionEncodingLayer", 6, inputs=("SCB", x), **named)
x = np.array([[1.0, 2.5, 7.0]])
named["outputs"] = elementwise.sinusoidal(x[0], 6)
add("sinusoidalPositionEncodingLayer", 6, inputs=("CB", x), **named)

token = draw("token", D, 1)
y = np.concatenate([np.broadcast_to(token[:, :, None], (D, N, 1)), X], 2)
add("embeddingConcatenationLayer", Weights=token, inputs=("CBT", X), outputs=y)
y = np.concatenate([np.broadcast_to(token, (1, D, N)), X.transpose(2, 0, 1)])
x = X.transpose(2, 0, 1)
add("embeddingConcatenationLayer", Weights=token, inputs=("SCB", x), outputs=y)

# One number for every spatial dimension.
for format, shape in (("SCB", (6, 2, 2)), ("SSCB", (6, 4, 2, 2)), ("SSSCB", (4, 6, 2, 2, 2))):
    rank = format.count("S")
    x, window = draw("patches", *shape), (2,) * rank
    W, b = draw("W", *window, 2, 5), draw("b", *(1,) * rank, 5)
    y = windows.convolution(x, W, b, window, [(0, 0)] * rank, (1,) * rank)
    y = y.reshape(-1, 5, 2, order="F")
    add("patchEmbeddingLayer", 2, 5, Weights=W, Bias=b, inputs=(format, x), outputs=y)

x, W, b = draw("patches", 6, 9, 2, 2), draw("W", 2, 3, 2, 5), draw("b", 1, 1, 5)
y = windows.convolution(x, W, b, (2, 3), [(0, 0)] * 2, (1, 1))
for flatten, shaped in (
    ("column-major", y.reshape(9, 5, 2, order="F")),
    ("row-major", y.transpose(1, 0, 2, 3).reshape(9, 5, 2, order="F")),
    ("none", y),
):
    named = {"Weights": W, "Bias": b, "SpatialFlattenMode": flatten}
    add("patchEmbeddingLayer", (2, 3), 5, inputs=("SSCB", x), outputs=shaped, **named)

for index, place in (("last", -1), ("first", 0), (3, 2)):
    add("indexing1dLayer", index, inputs=("CBT", X), outputs=X[:, :, place])
add("indexing1dLayer", inputs=("CBT", X), outputs=X[:, :, 0])
x = X.transpose(2, 0, 1)
add("indexing1dLayer", inputs=("SCB", x), outputs=x[0])
for kept in ([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], [[0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]):
    mask = np.array([kept], float)
    for index in ("first", "last"):
        y = elementwise.pick(X, index, mask[0])
        pairs = (("CBT", X), ("CBT", mask))
        add("indexing1dLayer", index, HasPaddingMaskInput=True, inputs=pairs, outputs=y)
        pairs = (("SCB", x), ("SCB", mask.transpose(2, 0, 1)))
        add("indexing1dLayer", index, HasPaddingMaskInput=True, inputs=pairs, outputs=y)

# -- convolution, fully connected ------------------------------------------------------------

PLANES = {
    1: (("SCB", (7, 4, 2)), ("SCBT", (7, 4, 2, 3)), ("CBT", (4, 2, 7))),
    2: (("SSCB", (6, 7, 4, 2)), ("SSCBT", (6, 7, 4, 2, 3)), ("SCBT", (6, 4, 2, 7))),
    3: (("SSSCB", (5, 4, 6, 4, 2)), ("SSSCBT", (5, 4, 6, 4, 2, 2)), ("SSCBT", (5, 4, 4, 2, 6))),
}


def over_space(function, x, format, rank):
    """A function of S...×C×N, over S or, where there is one S less than the rank, S and T."""
    if format.count("S") < rank:
        y = function(np.moveaxis(x, -1, rank - 1))
        return np.moveaxis(y, rank - 1, -1)
    return with_images(function, x) if "T" in format else function(x)


for rank, window, stride, dilation, pads in (
    (1, (3,), (2,), (1,), [(1, 2)]),
    (1, (2,), (1,), (3,), [(3, 0)]),
    (2, (3, 2), (2, 1), (1, 2), [(1, 0), (2, 1)]),
    (3, (2, 1, 3), (1, 2, 1), (2, 1, 1), [(0, 1), (1, 0), (1, 1)]),
):
    flat = [n for pair in pads for n in pair]
    sides = flat if rank < 3 else np.array(pads).T
    for format, shape in PLANES[rank]:
        x = draw(format, *shape)
        W, b = draw("W", *window, 4, 5), draw("b", *(1,) * rank, 5)
        y = over_space(
            lambda a, W=W, b=b, s=stride, p=pads, d=dilation: windows.convolution(a, W, b, s, p, d),
            x,
            format,
            rank,
        )
        named = {"Stride": stride, "DilationFactor": dilation, "Padding": sides}
        if rank == 1 and dilation == (3,):
            named["Padding"] = "causal"
        arrays = {"Weights": W, "Bias": b}
        plane = (format, x)
        add(f"convolution{rank}dLayer", window, 5, inputs=plane, outputs=y, **named, **arrays)

for value in (1.5, "symmetric-include-edge", "symmetric-exclude-edge", "replicate"):
    for rank, pads in ((1, [(1, 2)]), (2, [(1, 0), (2, 1)]), (3, [(0, 1), (1, 0), (1, 1)])):
        format, shape = PLANES[rank][0]
        ones = (1,) * rank
        x, W, b = draw(format, *shape), draw("W", *ones, 4, 3), draw("b", *ones, 3)
        y = windows.convolution(x, W, b, ones, pads, ones, value)
        sides = [n for pair in pads for n in pair] if rank < 3 else np.array(pads).T
        named = {"Padding": sides, "PaddingValue": value, "Weights": W, "Bias": b}
        add(f"convolution{rank}dLayer", 1, 3, inputs=(format, x), outputs=y, **named)

for groups, kind in ((2, 2), (4, "channel-wise")):
    format, shape = PLANES[2][0]
    x, ones, window = draw(format, *shape), (1, 1), (3, 2)
    W, b = draw("W", *window, 4 // groups, 3, groups), draw("b", *ones, 3, groups)
    pads = windows.same(shape[:2], window, ones, ones)
    y = windows.grouped_convolution(x, W, b, ones, pads, ones)
    named = {"Padding": "same", "Weights": W, "Bias": b}
    add("groupedConvolution2dLayer", window, 3, kind, inputs=(format, x), outputs=y, **named)

for rank, window, stride, pads in (
    (1, (3,), (2,), [(1, 0)]),
    (2, (3, 2), (2, 3), [(1, 0), (0, 0)]),
    (3, (2, 3, 1), (1, 2, 1), [(0, 0), (1, 1), (0, 0)]),
):
    sides = [n for pair in pads for n in pair] if rank < 3 else np.array(pads).T
    for format, shape in PLANES[rank]:
        x, W, b = draw(format, *shape), draw("W", *window, 5, 4), draw("b", *(1,) * rank, 5)
        y = over_space(
            lambda a, W=W, b=b, s=stride, p=pads: windows.transposed_convolution(a, W, b, s, p),
            x,
            format,
            rank,
        )
        named = {"Stride": stride, "Cropping": sides, "Weights": W, "Bias": b}
        add(f"transposedConv{rank}dLayer", window, 5, inputs=(format, x), outputs=y, **named)

# Cropping 'same', the filter larger than the stride, equal and smaller.
for window, stride in (((3, 4), (2, 1)), ((2, 3), (2, 3)), ((1, 2), (3, 4)), ((3, 1), (2, 3))):
    for rank in (1, 2, 3):
        window_, stride_ = (*window, 2)[:rank], (*stride, 2)[:rank]
        pads = windows.same_cropping(window_, stride_)
        for format, shape in PLANES[rank]:
            x, W, b = draw(format, *shape), draw("W", *window_, 5, 4), draw("b", *(1,) * rank, 5)
            y = over_space(
                lambda a, W=W, b=b, s=stride_, p=pads: windows.transposed_convolution(
                    a, W, b, s, p
                ),
                x,
                format,
                rank,
            )
            named = {"Stride": stride_, "Cropping": "same", "Weights": W, "Bias": b}
            add(f"transposedConv{rank}dLayer", window_, 5, inputs=(format, x), outputs=y, **named)

x, W, b = draw("fc", 2, 3, 2, 2), draw("W", 4, 12), draw("b", 4, 1)
y = elementwise.fully_connected(x, W, b)
add("fullyConnectedLayer", 4, Weights=W, Bias=b, inputs=("SSCB", x), outputs=y)
# Along one dimension of the array as MATLAB stores it.
x = draw("fc along", 2, 3, 4, 2)
for place, letters in ((1, "oh,hwcn->owcn"), (2, "ow,hwcn->hocn"), (3, "oc,hwcn->hwon")):
    W, b = draw("W", 5, x.shape[place - 1]), draw("b", 5, 1)
    shape = [1] * 4
    shape[place - 1] = 5
    y = np.einsum(letters, W, x) + b.reshape(shape)
    add("fullyConnectedLayer", 5, place, Weights=W, Bias=b, inputs=("SSCB", x), outputs=y)
W, b = draw("W", 6, T), draw("b", 6, 1)
y = np.einsum("ot,cnt->cno", W, X) + b.reshape(1, 1, 6)
named = {"OperationDimension": 3, "Weights": W, "Bias": b}
add("fullyConnectedLayer", 6, inputs=("CBT", X), outputs=y, **named)
b = draw("b", 4, 1)
W = draw("W", 4, D)
y = elementwise.fully_connected_sequence(X, W, b)
add("fullyConnectedLayer", 4, Weights=W, Bias=b, inputs=("CBT", X), outputs=y)

# -- activation --------------------------------------------------------------------------------

SHAPES = {
    "CB": (3, 4),
    "CBT": (3, 2, 5),
    "SCB": (4, 3, 2),
    "SCBT": (4, 3, 2, 3),
    "SSCB": (4, 5, 3, 2),
    "SSCBT": (2, 3, 3, 2, 4),
    "SSSCB": (2, 3, 2, 3, 2),
    "SSSCBT": (2, 3, 2, 3, 2, 3),
}
α = draw("alpha", 3, 1)

for format, shape in SHAPES.items():
    x = draw(format, *shape) * 2
    C = format.index("C")
    channel = [1] * x.ndim
    channel[C] = 3
    slopes = α.reshape(channel)
    # By position: one value per channel stands where the channels do.
    placed = α.reshape((*channel[:C], 3) if C else (3, 1))
    for builder, positional, named, y in (
        ("reluLayer", (), {}, np.maximum(x, 0)),
        ("leakyReluLayer", (0.2,), {}, elementwise.leaky_relu(x, 0.2)),
        ("clippedReluLayer", (1.5,), {}, np.clip(x, 0, 1.5)),
        ("preluLayer", (), {"Alpha": placed}, np.where(x >= 0, x, slopes * x)),
        ("preluLayer", (), {}, np.where(x >= 0, x, 0.25 * x)),
        ("eluLayer", (0.7,), {}, elementwise.elu(x, 0.7)),
        ("tanhLayer", (), {}, np.tanh(x)),
        ("sigmoidLayer", (), {}, recurrent.sigmoid(x)),
        ("softplusLayer", (), {}, np.log1p(np.exp(x))),
        ("swishLayer", (), {}, x / (1 + np.exp(-x))),
        ("geluLayer", (), {}, elementwise.gelu(x, "none")),
        ("geluLayer", (), {"Approximation": "tanh"}, elementwise.gelu(x, "tanh")),
        ("softmaxLayer", (), {}, elementwise.softmax(x, C)),
        ("functionLayer", ("@(x) 2*x + 1",), {}, 2 * x + 1),
        ("identityLayer", (), {}, x),
        ("dropoutLayer", (0.5,), {}, x),
        ("spatialDropoutLayer", (0.5,), {}, x),
        ("gaussianNoiseLayer", (0.1,), {}, x),
        ("scalingLayer", (), {"Scale": 2.0, "Bias": 1.0}, 2 * x + 1),
        ("scalingLayer", (), {"Scale": placed}, slopes * x),
    ):
        add(builder, *positional, inputs=(format, x), outputs=y, **named)

x = draw("expanding", 4, 5, 3, 2)
for shape in ((4, 5, 3), (4, 5), (4, 1), (1, 5), (1, 1, 3), (4, 1, 3)):
    a = draw("alpha", *shape)
    spread = a.reshape(*shape, *(1,) * (4 - len(shape)))
    y = np.where(x >= 0, x, spread * x)
    add("preluLayer", Alpha=a, inputs=("SSCB", x), outputs=y)
    add("scalingLayer", Scale=a, Bias=a, inputs=("SSCB", x), outputs=spread * x + spread)

z = draw("real", 3, 2, 4) + 1j * draw("imag", 3, 2, 4)
y = np.maximum(z.real, 0) + 1j * np.maximum(z.imag, 0)
complex_only = {"no_onnx": "complex", "gradient": False}
add("complexReluLayer", inputs=("CBT", z), outputs=y, **complex_only)
for dimension, axis in (("C", 0), ("T", 2), ("last", 2), (1, 0)):
    y = np.stack([z.real, z.imag], axis + 1)
    y = y.reshape([n * (2 if i == axis else 1) for i, n in enumerate(z.shape)])
    named = {"OperationDimension": dimension, **complex_only}
    add("complexToRealLayer", inputs=("CBT", z), outputs=y, **named)
    add("realToComplexLayer", inputs=("CBT", y), outputs=z, **named)

for format, shape in (("CB", (3, 4)), ("CBT", (3, 2, 4)), ("SSCB", (2, 3, 2, 4))):
    z = draw("real", *shape) + 1j * draw("imag", *shape)
    n = 3 if len(shape) < 4 else 12
    W = draw("real weights", 5, n) + 1j * draw("imaginary weights", 5, n)
    b = draw("real bias", 5, 1) + 1j * draw("imaginary bias", 5, 1)
    connect = elementwise.fully_connected_sequence if "T" in format else elementwise.fully_connected
    y = connect(z, W, b)
    add("complexFullyConnectedLayer", 5, Weights=W, Bias=b, inputs=(format, z), outputs=y,
        **complex_only)  # fmt: skip

# -- normalization -------------------------------------------------------------------------------

offset, factor = draw("offset", 3, 1), draw("factor", 3, 1)
learned = {"Offset": offset, "Scale": factor, "Epsilon": 1e-3}
for format, shape in SHAPES.items():
    x = draw(format, *shape) * 2 + 1
    C = format.index("C")
    S, T_ = tuple(range(format.count("S"))), tuple(i for i, a in enumerate(format) if a == "T")
    plane = (format, x)
    mean, variance = draw("mean", 3), draw("variance", 3) ** 2 + 0.1
    y = elementwise.batch_normalization(x, mean, variance, offset, factor, 1e-3, C)
    named = {"TrainedMean": mean, "TrainedVariance": variance, **learned}
    add("batchNormalizationLayer", inputs=plane, outputs=y, **named)
    auto = (C,) if T_ or len(S) <= 1 else (*S, C)
    for dimension, axes in (
        ("auto", auto),
        ("channel-only", (C,)),
        ("spatial-channel", (*S, C)),
        ("batch-excluded", (*S, C, *T_)),
    ):
        y = elementwise.standardize(x, axes, 1e-3, offset, factor, C)
        named = {"OperationDimension": dimension, **learned}
        add("layerNormalizationLayer", inputs=plane, outputs=y, **named)
    # Without space and time each value is its own mean.
    y = elementwise.standardize(x, S + T_, 1e-3, offset, factor, C)
    add("instanceNormalizationLayer", inputs=plane, outputs=y, **learned)
    for count, kind in ((1, "all-channels"), (3, "channel-wise"), (3, 3)):
        y = elementwise.group_normalization(x, count, S + T_, 1e-3, offset, factor, C)
        add("groupNormalizationLayer", kind, inputs=plane, outputs=y, **learned)
    for window in (1, 2, 3, 4, 5):
        y = elementwise.cross_channel(x, window, 0.7, 0.6, 1.5, C)
        named = {"Alpha": 0.7, "Beta": 0.6, "K": 1.5}
        builder = "crossChannelNormalizationLayer"
        # onnxruntime's AveragePool wants padding smaller than the window.
        add(builder, window, inputs=plane, outputs=y, **named)

for format, shape in (("CB", (3, 4)), ("CBT", (3, 2, 4)), ("SSCB", (2, 2, 3, 4))):
    x = draw("inverse", *shape)
    axes = [1] * len(shape)
    axes[format.index("C")] = 3
    a, b = draw("inverse a", 3, 1), abs(draw("inverse b", 3, 1)) + 3
    low, high = a.reshape(axes), b.reshape(axes)
    for normalization, statistics, y in (
        ("zerocenter", {"Mean": a}, x + low),
        ("zscore", {"Mean": a, "StandardDeviation": b}, x * high + low),
        ("rescale-zero-one", {"Min": a, "Max": b}, x * (high - low) + low),
        ("rescale-symmetric", {"Min": a, "Max": b}, (x + 1) / 2 * (high - low) + low),
        ("none", {}, x),
    ):
        add("inverseNormalizationLayer", Normalization=normalization, inputs=(format, x), outputs=y,
            **statistics)  # fmt: skip

# -- cropping, resizing ------------------------------------------------------------------------

x, ref = draw("crop", 7, 6, 2, 2), draw("ref", 4, 3, 1, 2)
pairs = (("SSCB", x), ("SSCB", ref))
add("crop2dLayer", inputs=pairs, outputs=windows.crop(x, (4, 3), (1, 1)))
add("crop2dLayer", "centercrop", inputs=pairs, outputs=windows.crop(x, (4, 3), (1, 1)))
add("crop2dLayer", [2, 3], inputs=pairs, outputs=windows.crop(x, (4, 3), (2, 1)))
named = {"Mode": "custom", "Location": [2, 3]}
add("crop2dLayer", inputs=pairs, outputs=windows.crop(x, (4, 3), (2, 1)), **named)
x, ref = draw("crop", 7, 6, 5, 2, 2), draw("ref", 4, 3, 2, 1, 2)
pairs = (("SSSCB", x), ("SSSCB", ref))
add("crop3dLayer", inputs=pairs, outputs=windows.crop(x, (4, 3, 2), (1, 1, 1)))
named = {"Mode": "custom", "Location": [2, 3, 1]}
add("crop3dLayer", inputs=pairs, outputs=windows.crop(x, (4, 3, 2), (2, 1, 0)), **named)

image, volume = draw("resize", 4, 5, 2, 2), draw("resize", 3, 4, 2, 2, 1)
for transform in ("half-pixel", "asymmetric"):
    for method, rounding in (
        ("linear", "round"),
        ("nearest", "round"),
        ("nearest", "floor"),
        ("nearest", "onnx-10"),
    ):
        named = {"GeometricTransformMode": transform, "NearestRoundingMode": rounding}
        y = windows.resize(image, (8, 3), method, transform, rounding)
        plane = ("SSCB", image)
        named["Method"] = method.replace("linear", "bilinear")
        add("resize2dLayer", OutputSize=[8, 3], inputs=plane, outputs=y, **named)
        y = windows.resize(volume, (6, 2, 4), method, transform, rounding)
        plane = ("SSSCB", volume)
        named["Method"] = method.replace("linear", "trilinear")
        add("resize3dLayer", OutputSize=[6, 2, 4], inputs=plane, outputs=y, **named)
for given, sizes in (([2, np.nan], (2, 3)), ([np.nan, 2], (2, 2)), ([6, np.nan], (6, 8))):
    # 5·2/4 and 5·6/4 are 2.5 and 7.5: halves go up. 4·2/5 is 1.6.
    y = windows.resize(image, sizes, "nearest")
    add("resize2dLayer", OutputSize=given, inputs=("SSCB", image), outputs=y)
ref = draw("ref", 8, 10, 1, 2)
y = windows.resize(image, (8, 10), "nearest")
pairs = (("SSCB", image), ("SSCB", ref))
add("resize2dLayer", EnableReferenceInput=True, inputs=pairs, outputs=y)

x = draw("depth", 3, 2, 12, 2)
for mode in ("dcr", "crd"):
    y = windows.depth_to_space(x, 2, 3, mode)
    add("depthToSpace2dLayer", (2, 3), Mode=mode, inputs=("SSCB", x), outputs=y)
x = draw("space", 5, 6, 2, 2)
y = windows.space_to_depth(x, 2, 3)
add("spaceToDepthLayer", (2, 3), inputs=("SSCB", x), outputs=y)
add("yolov2ReorgLayer", (2, 3), inputs=("SSCB", x), outputs=y)

# -- pooling ---------------------------------------------------------------------------------

for rank, window, stride, pads in (
    (1, (3,), (2,), [(1, 0)]),
    (2, (3, 2), (2, 1), [(1, 0), (1, 1)]),
    (3, (2, 1, 3), (1, 2, 1), [(0, 1), (0, 0), (2, 1)]),
):
    sides = [n for pair in pads for n in pair] if rank < 3 else np.array(pads).T
    named = {"Stride": stride, "Padding": sides}
    for format, shape in PLANES[rank]:
        x = draw(format, *shape)
        for builder, more, pool in (
            (f"maxPooling{rank}dLayer", {}, windows.max_pool),
            (f"averagePooling{rank}dLayer", {}, windows.average_pool),
            (
                f"averagePooling{rank}dLayer",
                {"PaddingValue": "mean"},
                lambda a, w, s, p: windows.average_pool(a, w, s, p, True),
            ),
        ):
            y = over_space(
                lambda a, f=pool, w=window, s=stride, p=pads: f(a, w, s, p), x, format, rank
            )
            add(builder, window, inputs=(format, x), outputs=y, **named, **more)

for format, rank in (("SCB", 1), ("SCBT", 1), ("SSCB", 2), ("SSCBT", 2), ("SSSCB", 3)):
    x, axes = draw(format, *SHAPES[format]), tuple(range(rank))
    mean, most = x.mean(axis=axes, keepdims=True), x.max(axis=axes, keepdims=True)
    add(f"globalAveragePooling{rank}dLayer", inputs=(format, x), outputs=mean)
    add(f"globalMaxPooling{rank}dLayer", inputs=(format, x), outputs=most)
for format, rank in (("SCBT", 2), ("SSCBT", 3)):
    x, axes = draw(format, *SHAPES[format]), (*range(rank - 1), rank + 1)
    mean, most = x.mean(axis=axes, keepdims=True), x.max(axis=axes, keepdims=True)
    add(f"globalAveragePooling{rank}dLayer", inputs=(format, x), outputs=mean[..., 0])
    add(f"globalMaxPooling{rank}dLayer", inputs=(format, x), outputs=most[..., 0])
add("globalAveragePooling1dLayer", inputs=("CBT", X), outputs=X.mean(axis=2))
add("globalMaxPooling1dLayer", inputs=("CBT", X), outputs=X.max(axis=2))

x = draw("adaptive", 7, 3, 2)
y = windows.adaptive_average_pool(x, (3,))
add("adaptiveAveragePooling1dLayer", 3, inputs=("SCB", x), outputs=y)
x = draw("adaptive", 7, 5, 3, 2)
y = windows.adaptive_average_pool(x, (3, 2))
add("adaptiveAveragePooling2dLayer", (3, 2), inputs=("SSCB", x), outputs=y)

# -- combination, shape -----------------------------------------------------------------------

a, b, c = draw("a", D, N, T), draw("b", D, N, T), draw("c", D, N)
pairs = (("CBT", a), ("CBT", b), ("CB", c))
add("additionLayer", 3, inputs=pairs, outputs=a + b + c[:, :, None])
add("multiplicationLayer", 3, inputs=pairs, outputs=a * b * c[:, :, None])
weights = draw("weights", 1, 1, 3)
y = weights[0, 0, 0] * a + weights[0, 0, 1] * b + weights[0, 0, 2] * c[:, :, None]
add("weightedAdditionLayer", 3, Weights=weights, inputs=pairs, outputs=y)
pairs = (("CBT", a), ("CBT", b))
add("depthConcatenationLayer", 2, inputs=pairs, outputs=np.concatenate([a, b]))
images = draw("left", 3, 4, 2, 2), draw("right", 3, 4, 2, 2)
for dim in (1, 2, 3):
    y = np.concatenate(images, dim - 1)
    pairs = (("SSCB", images[0]), ("SSCB", images[1]))
    add("concatenationLayer", dim, 2, inputs=pairs, outputs=y)

x = draw("reshape", 2, 3, 4, 2)
named = {"OperationDimension": "spatial-channel"}
y = x.reshape(4, 3, 2, 2, order="F")
add("reshapeLayer", [4, 3, 2], inputs=("SSCB", x), outputs=y, **named)
y = x.reshape(6, 4, 2, order="F")
add("reshapeLayer", [6, np.nan], inputs=("SSCB", x), outputs=y, **named)
y = x.reshape(8, 3, 2, order="F")
add("reshapeLayer", [8, 3, np.nan], inputs=("SSCB", x), outputs=y)
add("reshapeLayer", 8, 3, [], inputs=("SSCB", x), outputs=y)
y = x.reshape(4, 2, 3, 2, order="F")
add("reshapeLayer", 4, [], 3, inputs=("SSCB", x), outputs=y, **named)
add("permuteLayer", [3, 1, 2, 4], inputs=("SSCB", x), outputs=x.transpose(2, 0, 1, 3))
add("permuteLayer", [2, 1, 3, 4], inputs=("SSCB", x), outputs=x.transpose(1, 0, 2, 3))

x = draw("quadratic", 4, 3)
add("quadraticLayer", inputs=("CB", x), outputs=elementwise.quadratic(x))

# -- function ---------------------------------------------------------------------------------

x = draw("function", 4, 3)
squares = np.sqrt((x**2).sum(0))
for text, y in (
    ("@(x)x(2:3,:)", x[1:3]),
    ("@(x)x(end:-1:1,:)", x[::-1]),
    ("@(x)flip(x,1)", x[::-1]),
    ("@(x)[x(1,:);x([4 2],:)]", x[[0, 3, 1]]),
    ("@(x)x./vecnorm(x,2,1)", x / squares),
    ("@(x)x-sum(x,1)", x - x.sum(0)),
    ("@(x)x.*(x>0.1)", x * (x > 0.1)),
    ("@(x)max(x,0)-min(x,0.5)", np.maximum(x, 0) - np.minimum(x, 0.5)),
    ("@(x)[1 2 0 0;0 0 3 1]*x", np.array([[1, 2, 0, 0], [0, 0, 3, 1]]) @ x),
    ("@(x)gelu(x)+erf(x)+softplus(x)", elementwise.gelu(x, "none") + np.vectorize(math.erf)(x)
     + np.log1p(np.exp(x))),
):  # fmt: skip
    add("functionLayer", text, inputs=("CB", x), outputs=y)
add("functionLayer", "@(x)round(3*x)", inputs=("CB", x), outputs=np.round(3 * x), gradient=False)

# -- signals -----------------------------------------------------------------------------------

x = draw("signal", 3, 2, 40)
hamming = 0.54 - 0.46 * np.cos(2 * math.pi * np.arange(8) / 7)
for mode in ("mag", "squaremag", "logmag", "logsquaremag", "realimag"):
    for overlap, points in ((5, 8), (0, 11)):
        signal = x[:1] if mode == "realimag" else x
        y = signals.stft(signal, hamming, overlap, points, mode)
        options = {"OverlapLength": overlap, "FFTLength": points, "TransformMode": mode}
        add("stftLayer", Window=hamming, inputs=("CBT", signal), outputs=y, **options)
x = draw("long signal", 1, 1, 300)
hann = (1 - np.cos(2 * math.pi * np.arange(128) / 128)) / 2
add("stftLayer", inputs=("CBT", x), outputs=signals.stft(x, hann, 96, 128, "mag"))

# -- left by importers ---------------------------------------------------------------------------

x = draw("imported", 3, 4, 2, 5)
rows = x.reshape(-1, 5)[:6]
for scale, offset in (
    (draw("scale", 1, 1, 2), draw("offset", 1, 1, 2)),
    (draw("scale", 3, 4, 2), draw("offset", 1, 1)),
    (draw("scale", 3, 4), draw("offset", 1, 4)),
):
    for y, options in (
        (imported.elementwise_affine(x, scale, offset), {}),
        (imported.elementwise_affine(x, scale, 0), {"DoOffset": False}),
        (imported.elementwise_affine(x, 1, offset), {"DoScale": False}),
    ):
        add(
            "nnet.onnx.layer.ElementwiseAffineLayer",
            Scale=scale,
            Offset=offset,
            inputs=("SSCB", x),
            outputs=y,
            **options,
        )
for shape in ((6, 1), (1, 6), (1, 1, 6)):
    offset = draw("offset", *shape)
    add(
        "nnet.onnx.layer.ElementwiseAffineLayer",
        Scale=np.array([[2.0]]),
        Offset=offset,
        inputs=("CB", rows),
        outputs=2 * rows + offset.reshape(6, 1),
    )
for alpha in (draw("alpha", 1, 1, 2), draw("alpha", 1, 1), draw("alpha", 3, 4, 2)):
    add(
        "nnet.onnx.layer.PreluLayer",
        Alpha=alpha,
        inputs=("SSCB", x),
        outputs=imported.prelu(x, alpha),
    )
add("nnet.onnx.layer.ClipLayer", Min=-0.5, Max=0.25, inputs=("SSCB", x), outputs=x.clip(-0.5, 0.25))
volume = draw("imported", 2, 3, 4, 2, 2)
for format, data in (("SSCB", x), ("SSSCB", volume), ("CB", rows)):
    onnx_rows, keras_rows = imported.flatten(data, True), imported.flatten(data, False)
    ones = (1,) * format.count("S")
    add("nnet.onnx.layer.FlattenInto2dLayer", inputs=(format, data), outputs=onnx_rows)
    add(
        "nnet.onnx.layer.FlattenLayer",
        inputs=(format, data),
        outputs=onnx_rows.reshape(*ones, *onnx_rows.shape),
    )
    add(
        "nnet.keras.layer.FlattenCStyleLayer",
        inputs=(format, data),
        outputs=keras_rows.reshape(*ones, *keras_rows.shape),
    )
steps = draw("imported", 3, 4, 2, 2, 6)
add(
    "nnet.keras.layer.TimeDistributedFlattenCStyleLayer",
    inputs=("SSCBT", steps),
    outputs=with_images(lambda one: imported.flatten(one, False), steps),
)
add(
    "nnet.keras.layer.ZeroPadding2dLayer",
    Amounts=[1, 2, 0, 3],
    inputs=("SSCB", x),
    outputs=imported.zero_padding(x, (1, 2), (0, 3)),
)
sequence = draw("imported", 3, 2, 6)
for amounts, pair in (([2, 1], (2, 1)), (2, (2, 2))):
    add(
        "nnet.keras.layer.ZeroPadding1dLayer",
        Amounts=amounts,
        inputs=("CBT", sequence),
        outputs=np.moveaxis(imported.zero_padding(np.moveaxis(sequence, 2, 0), pair), 0, 2),
    )
signal = draw("imported", 5, 3, 2)
add(
    "nnet.keras.layer.ZeroPadding1dLayer",
    Amounts=1,
    inputs=("SCB", signal),
    outputs=imported.zero_padding(signal, (1, 1)),
)
for builder in ("VerifyBatchSizeLayer", "CustomOutputLayer"):
    add(f"nnet.onnx.layer.{builder}", inputs=("SSCB", x), outputs=x)

# -- shallow networks: on samples, and on a series of several steps ---------------------------


def over_steps(function, x):
    """A function of R×Q on each step of R×Q×T."""
    return np.stack([function(x[..., t]) for t in range(x.shape[-1])], -1)


def both(builder, function, x, *positional, gradient=True, **named):
    """With x (R×Q) alone, and with several steps of such."""
    add(builder, *positional, inputs=("CB", x), outputs=function(x), gradient=gradient, **named)
    series = np.stack([x, x[:, ::-1] * 0.7, x * 1.3], -1)
    add(builder, *positional, inputs=("CBT", series), outputs=over_steps(function, series),
        gradient=gradient, **named)  # fmt: skip


x = draw("net input", 5, 4) * 2
x[:, 1] = [1, 3, 3, 0, 3]
steep = ("compet", "hardlim", "hardlims")
for name, function in shallow.TRANSFER.items():
    # 1, 3 and 0 are corners of some.
    smooth = x if name in steep else draw("net input", 5, 4)
    both(name, function, smooth, gradient=name not in steep)

for name, function in shallow.WEIGHTING.items():
    W = draw("W", *{"scalprod": (1, 1), "convwf": (3, 1)}.get(name, (4, 5)))
    both(name, functools.partial(function, W), draw("weighted", 5, 3), W=W)

z, b = [draw(n, 4, 3) for n in range(3)], draw("b", 4, 1)
for name, function in shallow.NET_INPUT.items():
    both(name, functools.partial(function, b), z[0], b=b)
    pairs = tuple(("CB", part) for part in z)
    add(name, 3, inputs=pairs, outputs=function(b, *z), b=b)
    add(name, 3, inputs=pairs, outputs=function(*z), HasBias=False)

low, high = draw("xmin", 5, 1), abs(draw("xmax", 5, 1)) + 3
high[1], low[2], high[3] = low[1], -math.inf, math.inf
minmax = {"xmin": low, "xmax": high, "ymin": -1.0, "ymax": 1.0}
plain = {"ymin": -1.0, "xoffset": draw("xoffset", 5, 1), "gain": abs(draw("gain", 5, 1)) + 0.2}
spread = abs(draw("xstd", 5, 1)) + 0.1
spread[2] = 0
std = {"xmean": draw("xmean", 5, 1), "xstd": spread, "ymean": 0.5, "ystd": 2.0}
keep = {"keep": np.array([[1, 2, 5]]), "remove": np.array([[3, 4]])}
constants = {**keep, "constants": draw("constants", 2, 1)}
pca = {"transform": draw("transform", 3, 5)}
means = {"unknown": np.array([[2, 4]]), "xmeans": draw("xmeans", 5, 1)}
x = draw("raw", 5, 4)
holes = x.copy()
holes[1, 2] = holes[3, 0] = holes[3, 3] = math.nan
for name, settings, raw, count in (
    *(("mapminmax", part, x, 5) for part in (minmax, plain)),
    ("mapstd", std, x, 5),
    ("removeconstantrows", constants, x, 3),
    ("removerows", {"ind": np.array([[2, 4]])}, x, 3),
    ("processpca", pca, x, 3),
    ("fixunknowns", means, x, 7),
    ("fixunknowns", means, holes, 7),
    ("lvqoutputs", {}, x, 5),
):
    sizes = {"xrows": 5, "yrows": count}
    apply, reverse = shallow.APPLY[name], shallow.REVERSE[name]
    finite = not np.isnan(raw).any()
    both(
        name, functools.partial(apply, settings=settings), raw, gradient=finite, **settings, **sizes
    )
    # The rows that removerows gives back are NaN: test_shallow_functions.py.
    if finite and name != "removerows":
        y = draw("processed", count, 4)
        both(name, functools.partial(reverse, settings=settings), y, Reverse=True, **settings,
             **sizes)  # fmt: skip
    if finite:
        both(name, shallow.purelin, raw, no_change=True, **settings, **sizes)
