"""Networks computed in plain torch, in float64, as MATLAB does or otherwise: what is planted.

Other code than any suspect's: it works on tensors N×C×H×W or N×C(×T), and a fault is said in the
words of the library or program that makes it, never as a change of weights in MATLAB's layout.
"""

import math

import numpy as np
import torch
from torch.nn import functional as F


def walk(network, x, **faults):
    """The output of a network for x in MATLAB's natural layout, with these faults."""
    if isinstance(x, list):
        return [walk(network, part, **faults) for part in x]
    values, results = {}, []
    for layer in network.order():
        if layer.IS_INPUT:
            value = LAYERS[layer.type_name](layer, entered(layer, x), faults)
        else:
            sources = [network.graph.sources[port] for port in ports(layer)]
            inputs = [values[port.layer] for port in sources]
            value = LAYERS[layer.type_name](layer, *inputs, faults)
        values[layer.name] = value
        if not network.graph.users.get(port_of(layer)):
            results.append(left(network, value))
    (result,) = results
    return result


def ports(layer):
    from matbridge.core.network import Port

    return [Port(layer.name, name) for name in layer.inputs]


def port_of(layer):
    from matbridge.core.network import Port

    return Port(layer.name, layer.outputs[0])


def entered(layer, x):
    """H×W×C×N, N×C or C×T as a tensor, batch first."""
    x = torch.from_numpy(np.array(x, float))
    if x.ndim == 4:
        return x.permute(3, 2, 0, 1)
    return x if layer.format == "CB" else x[None]


def left(network, y):
    """As predict returns it."""
    if y.ndim == 4 and y.shape[2:] != (1, 1):
        return y.permute(2, 3, 1, 0).numpy()
    if y.ndim == 3:
        return y[0].numpy()
    return y.reshape(len(y), -1).numpy()


def tensor(layer, name, *order):
    array = torch.from_numpy(np.array(layer.arrays[name], float))
    return array.permute(*order) if order else array


def per_channel(layer, name, x):
    return tensor(layer, name).reshape(1, -1, *(1 for _ in x.shape[2:]))


# -- inputs --------------------------------------------------------------------------------------


def statistic(layer, name, x, faults):
    """H×W×C or 1×1×C, C×1: beside a tensor."""
    array = torch.from_numpy(np.array(layer.arrays[name], float))
    array = array.permute(2, 0, 1)[None] if array.ndim == 3 else array.reshape(1, -1)
    array = array[..., None] if x.ndim == 3 else array
    if faults.get("statistics") == "per channel":
        array = array.mean((2, 3), keepdim=True)
    if faults.get("statistics") == "one":
        array = array.mean()
    if faults.get("statistics") == "bgr":
        array = array.flip(1)
    return array


def normalized(layer, x, faults):
    kind = faults.get("normalization", layer.normalization)
    if kind == "none":
        return x
    if kind in ("zerocenter", "plus"):
        mean = statistic(layer, "Mean", x, faults)
        return x + mean if kind == "plus" else x - mean
    if kind == "zscore":
        return (x - statistic(layer, "Mean", x, faults)) / statistic(
            layer, "StandardDeviation", x, faults
        )
    low, high = (statistic(layer, name, x, faults) for name in ("Min", "Max"))
    unit = (x - low) / (high - low)
    return unit if kind == "rescale-zero-one" else 2 * unit - 1


def entering(layer, x, faults):
    for before in faults.get("before", ()):
        x = before(x)
    if not faults.get("bare"):
        for _ in range(faults.get("times", 1)):
            x = normalized(layer, x, faults)
    return rounded(x, faults)


# -- what multiplies -----------------------------------------------------------------------------


def multiplied(x, faults):
    """What enters a product: 10 bits in TF32."""
    return to_bits(x, 10) if faults.get("tf32") else x


def to_bits(x, bits):
    mantissa, exponent = torch.frexp(x)
    return torch.ldexp(torch.round(mantissa * 2 ** (bits + 1)) / 2 ** (bits + 1), exponent)


def rounded(x, faults):
    if faults.get("half"):
        return x.to(torch.float16).double()
    if faults.get("bfloat16"):
        return x.to(torch.bfloat16).double()
    return x


def weights(layer, name, faults, *order):
    w = tensor(layer, name, *order)
    if faults.get("by_rows") and name == "Weights":
        array = np.array(layer.arrays[name], float)
        w = torch.from_numpy(array.ravel(order="F").reshape(array.shape))
        w = w.permute(*order) if order else w
    if faults.get("saved"):
        return w.to(faults["saved"]).double()
    if faults.get("int8") and name == "Weights":
        step = w.abs().max() / 127
        return torch.round(w / step) * step if step else w
    return rounded(w, faults)


def bias(layer, faults):
    b = weights(layer, "Bias", faults).reshape(-1)
    return 0 * b if faults.get("no_bias") else b


def same(sizes, window, stride, dilation, side):
    """TensorFlow's SAME; ``side`` "lower" has the odd one at the start."""
    pads = []
    for n, k, s, d in zip(sizes, window, stride, dilation, strict=True):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        few, many = total // 2, total - total // 2
        pair = {"lower": (many, few), "even": (many, many)}.get(side, (few, many))
        pads.append(pair)
    return pads


def padded(layer, x, window, dilation, faults, value=0.0):
    pads = layer.padding
    rank = len(window)
    if pads == "same":
        pads = same(x.shape[2:], window, layer.stride, dilation, faults.get("side"))
    elif pads == "causal":
        pads = [((k - 1) * d, 0) for k, d in zip(window, dilation, strict=True)]
        if faults.get("side") == "both":
            pads = [(a // 2, a - a // 2) for a, _ in pads]
    flat = [n for pair in list(pads)[::-1] for n in pair]
    assert len(flat) == 2 * rank
    mode = faults.get("pad_mode")
    return F.pad(x, flat, mode=mode) if mode and any(flat) else F.pad(x, flat, value=value)


def convolution(layer, x, faults):
    x = padded(layer, x, layer.filter_size, layer.dilation_factor, faults)
    rank = len(layer.filter_size)
    if "Grouped" in layer.type_name:
        w = weights(layer, "Weights", faults)
        h, v, i, o, g = w.shape
        groups = g
        if faults.get("across_groups"):
            # The filters in memory, one after the other, dealt out to the groups in turn.
            flat = w.permute(4, 3, 2, 0, 1).reshape(g * o, i, h, v)
            w = torch.stack([flat[k::g] for k in range(g)]).reshape(g * o, i, h, v)
            b = weights(layer, "Bias", faults).reshape(o, g).T.reshape(-1)
            b = torch.stack([b[k::g] for k in range(g)]).reshape(-1)
        else:
            w = w.permute(4, 3, 2, 0, 1).reshape(g * o, i, h, v)
            b = weights(layer, "Bias", faults).reshape(o, g).T.reshape(-1)
    else:
        w = filters(layer, faults, rank)
        groups, b = 1, bias(layer, faults)
    function = {1: F.conv1d, 2: F.conv2d}[rank]
    return function(
        multiplied(x, faults),
        multiplied(w, faults),
        b,
        stride=tuple(layer.stride),
        dilation=tuple(layer.dilation_factor),
        groups=groups,
    )


def filters(layer, faults, rank, transposed=False):
    """O×I×… (I×O×… of transposed convolutions), as torch has them."""
    order = (3, 2, 0, 1) if rank == 2 else (2, 1, 0)
    w = weights(layer, "Weights", faults, *order)
    here = faults.get("only") in (None, layer.name)
    for fault in faults.get("filters", ()) if here else ():
        w = fault(w)
    return w


def transposed_convolution(layer, x, faults):
    w = filters(layer, faults, 2, transposed=True)
    y = F.conv_transpose2d(x, w, bias(layer, faults), stride=tuple(layer.stride))
    (top, bottom), (left_, right) = layer.amounts
    if faults.get("crop") == "lower":
        top, bottom, left_, right = bottom, top, right, left_
    return y[:, :, top : y.shape[2] - bottom, left_ : y.shape[3] - right]


# How a tensor N×C×H×W becomes N×K.
FLATTEN = {
    "matlab": lambda x: x.permute(0, 1, 3, 2).flatten(1),
    "torch": lambda x: x.flatten(1),
    "keras": lambda x: x.permute(0, 2, 3, 1).flatten(1),
    "columns": lambda x: x.permute(0, 3, 2, 1).flatten(1),
}


def fully_connected(layer, x, faults):
    w, b = weights(layer, "Weights", faults), bias(layer, faults)
    for fault in faults.get("matrices", ()):
        w = fault(w)
    if x.ndim == 4:
        x = FLATTEN[faults.get("flatten", "matlab")](x)
    x, w = multiplied(x, faults), multiplied(w, faults)
    if x.ndim == 3:
        return F.linear(x.transpose(1, 2), w, b).transpose(1, 2)
    return F.linear(x, w, b)


def flatten(layer, x, faults):
    return FLATTEN[faults.get("flatten", "matlab")](x) if x.ndim == 4 else x


# -- normalization, pooling, the rest --------------------------------------------------------------


def batch_normalization(layer, x, faults):
    if faults.get("no_batchnorm"):
        return x
    names = ("TrainedMean", "TrainedVariance", "Scale", "Offset")
    mean, variance, scale, offset = (weights(layer, name, faults).reshape(-1) for name in names)
    if faults.get("training"):
        return F.batch_norm(x, None, None, scale, offset, training=True, eps=layer.epsilon)
    if faults.get("swapped"):
        scale, offset = offset, scale
    epsilon = faults.get("epsilon", layer.epsilon)
    if faults.get("variance") == "squared":
        variance = variance**2
    if faults.get("outside"):
        shape = (1, -1, *(1 for _ in x.shape[2:]))
        unit = (x - mean.view(shape)) / (variance.sqrt() + faults["outside"]).view(shape)
        return unit * scale.view(shape) + offset.view(shape)
    return F.batch_norm(x, mean, variance, scale, offset, training=False, eps=epsilon)


def layer_normalization(layer, x, faults):
    over = faults.get("layer_norm_over", (1,) if x.ndim < 4 else (1, 2, 3))
    mean = x.mean(over, keepdim=True)
    variance = x.var(over, keepdim=True, unbiased=False)
    unit = (x - mean) / torch.sqrt(variance + faults.get("layer_epsilon", layer.epsilon))
    return unit * per_channel(layer, "Scale", x) + per_channel(layer, "Offset", x)


def group_normalization(layer, x, faults):
    groups = faults.get("groups", layer.num_groups)
    scale, offset = tensor(layer, "Scale").reshape(-1), tensor(layer, "Offset").reshape(-1)
    return F.group_norm(x, groups, scale, offset, faults.get("layer_epsilon", layer.epsilon))


def across_channels(layer, x, faults):
    alpha = layer.alpha * (layer.window_channel_size if faults.get("lrn") == "sum" else 1)
    return F.local_response_norm(
        x, layer.window_channel_size, alpha, layer.beta, faults.get("lrn_k", layer.k)
    )


def max_pooling(layer, x, faults):
    x = padded(layer, x, layer.pool_size, (1, 1), faults, -math.inf)
    return F.max_pool2d(x, tuple(layer.pool_size), tuple(layer.stride))


def average_pooling(layer, x, faults):
    ones = padded(layer, torch.ones_like(x), layer.pool_size, (1, 1), faults)
    x = padded(layer, x, layer.pool_size, (1, 1), faults)
    y, share = (F.avg_pool2d(v, tuple(layer.pool_size), tuple(layer.stride)) for v in (x, ones))
    return y / share if faults.get("exclude_padding") else y


def softmax(layer, x, faults):
    how = faults.get("softmax", 1)
    if how == "none":
        return x
    if how == "log":
        return F.log_softmax(x, 1)
    if how == "sigmoid":
        return torch.sigmoid(x)
    return F.softmax(x, how)


def relu(layer, x, faults):
    return faults.get("relu", F.relu)(x)


def attention(layer, x, faults):
    """x is N×C×T."""
    x = x.transpose(1, 2)

    def project(name, v):
        w = tensor(layer, f"{name}Weights")
        return F.linear(v, w, tensor(layer, f"{name}Bias").reshape(-1))

    q, k, v = (project(name, x) for name in ("Query", "Key", "Value"))
    heads = layer.num_heads
    if faults.get("exchanged"):
        q, k = k, q

    def split(a):
        n, t, c = a.shape
        if faults.get("interleaved"):
            return a.reshape(n, t, c // heads, heads).permute(0, 3, 1, 2)
        return a.reshape(n, t, heads, c // heads).transpose(1, 2)

    q, k, v = split(q), split(k), split(v)
    scale = {"none": 1.0, "all": layer.num_query_channels**-0.5}.get(faults.get("scale"))
    y = F.scaled_dot_product_attention(
        q, k, v, scale=scale, is_causal=bool(faults.get("causal", layer.attention_mask == "causal"))
    )
    n, _, t, _ = y.shape
    together = y.permute(0, 2, 3, 1) if faults.get("interleaved") else y.transpose(1, 2)
    return project("Output", together.reshape(n, t, -1)).transpose(1, 2)


def positions(layer, x, faults):
    first = faults.get("first_position", 0)
    table = tensor(layer, "Weights")
    return table[None, :, first : first + x.shape[2]].expand(len(x), -1, -1)


def resized(layer, x, faults):
    size = tuple(layer.target(tuple(x.shape[2:]), None))
    mode = faults.get("resize", {"nearest": "nearest-exact"}.get(layer.method, layer.method))
    corners = {"bilinear": False}.get(mode)
    return F.interpolate(x, size, mode=mode, align_corners=corners)


def joined(layer, *inputs):
    *inputs, faults = inputs
    return torch.cat(inputs[::-1] if faults.get("joined") == "reversed" else inputs, 1)


def same_value(layer, x, faults):
    return x


def depth_to_space(layer, x, faults):
    """'crd' is PyTorch's pixel shuffle; 'dcr' has the block before the channels."""
    (rows, columns), mode = layer.block_size, faults.get("shuffle", layer.mode)
    n, c, h, w = x.shape
    if mode == "crd":
        return F.pixel_shuffle(x, rows)
    y = x.reshape(n, rows, columns, c // (rows * columns), h, w).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(n, c // (rows * columns), h * rows, w * columns)


LAYERS = {
    "DepthToSpace2DLayer": depth_to_space,
    "ImageInputLayer": entering,
    "FeatureInputLayer": entering,
    "SequenceInputLayer": entering,
    "Convolution1DLayer": convolution,
    "Convolution2DLayer": convolution,
    "GroupedConvolution2DLayer": convolution,
    "TransposedConvolution2DLayer": transposed_convolution,
    "FullyConnectedLayer": fully_connected,
    "FlattenLayer": flatten,
    "BatchNormalizationLayer": batch_normalization,
    "LayerNormalizationLayer": layer_normalization,
    "GroupNormalizationLayer": group_normalization,
    "CrossChannelNormalizationLayer": across_channels,
    "MaxPooling2DLayer": max_pooling,
    "AveragePooling2DLayer": average_pooling,
    "GlobalAveragePooling1DLayer": lambda layer, x, faults: x.mean(2),
    "GlobalAveragePooling2DLayer": lambda layer, x, faults: x.mean((2, 3), keepdim=True),
    "SoftmaxLayer": softmax,
    "SigmoidLayer": lambda layer, x, faults: x if faults.get("no_sigmoid") else torch.sigmoid(x),
    "TanhLayer": lambda layer, x, faults: torch.tanh(x),
    "ReLULayer": relu,
    "LeakyReLULayer": lambda layer, x, faults: F.leaky_relu(x, faults.get("slope", layer.scale)),
    "ELULayer": lambda layer, x, faults: F.elu(x, faults.get("alpha", layer.alpha)),
    "ClippedReLULayer": lambda layer, x, faults: x.clamp(0, faults.get("ceiling", layer.ceiling)),
    "GELULayer": lambda layer, x, faults: F.gelu(
        x, approximate=faults.get("gelu", layer.approximation)
    ),
    "SelfAttentionLayer": attention,
    "PositionEmbeddingLayer": positions,
    "Resize2DLayer": resized,
    "AdditionLayer": lambda layer, *inputs: sum(inputs[:-1]),
    "DepthConcatenationLayer": joined,
    "DropoutLayer": same_value,
    "SpatialDropoutLayer": same_value,
    "ClassificationOutputLayer": same_value,
    "PixelClassificationLayer": same_value,
    "RegressionOutputLayer": same_value,
}

# In half precision every layer's result is rounded.
for name, function in list(LAYERS.items()):

    def rounding(layer, *inputs, function=function):
        return rounded(function(layer, *inputs), inputs[-1])

    LAYERS[name] = rounding
