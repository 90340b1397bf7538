"""Models as MATLAB's ONNX converter writes them, release by release, of random numbers.

A :class:`Converter` writes the nodes of one release, as its files show them, and beside each
layer computes in NumPy (tests/reference) what the layer makes of the data in MATLAB's layout.
It imports nothing of matbridge. ``broken`` names laws to write wrongly, so that a test can see
that a wrong reading would be noticed.
"""

import itertools
import math
import zlib
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from reference import elementwise, recurrent, windows

# MATLAB's order of gates.
GATES = {"LSTM": "ifgo", "GRU": "rzh"}
PRODUCER = "MATLAB Deep Learning Toolbox Converter for ONNX Model Format"
# The statistics of each kind of normalization, in the order in which they are applied.
NORMALIZATIONS = {
    "none": (None, None),
    "zerocenter": ("Mean", None),
    "zscore": ("Mean", "StandardDeviation"),
    "rescale-zero-one": ("Min", "Max"),
    "rescale-symmetric": ("Min", "Max"),
}
# IR version and default opset of each release of the converter.
RELEASES = {
    "18.2.0": (3, 6),
    "18.2.4": (3, 6),
    "18.2.5": (3, 6),
    "19.1.5": (3, 8),
    "19.2.0": (3, 8),
    "19.2.1": (3, 8),
    "20.1.0": (5, 8),
    "20.2.0": (6, 8),
    "20.2.2": (6, 8),
    "21.1.1": (6, 8),
    "21.2.0": (7, 8),
    "22.1.2": (7, 8),
    "22.2.1": (7, 8),
    "24.2.0": (9, 14),
}


def draw(seed, *shape):
    """Normal numbers that depend on the seed alone."""
    return np.random.default_rng(zlib.crc32(str(seed).encode())).standard_normal(shape)


def single(array):
    """float64 numbers that float32 holds, as the files do."""
    return np.asarray(array, np.float32).astype(np.float64)


@dataclass
class Flow:
    """A tensor of the file, and what it holds in MATLAB's layout and order of dimensions."""

    tensor: str
    data: np.ndarray
    format: str
    # Flattened in the file, though not in MATLAB: N×C in place of N×C×1×1.
    flat: bool = False
    # With a leading dimension in the file that MATLAB's data do not have: 1×N×C.
    lifted: bool = False


@dataclass
class Export:
    """A finished model: data for each input and expected outputs in the layout of MATLAB's
    predict, and the layers (class, name) that it came from."""

    model: onnx.ModelProto
    inputs: dict[str, np.ndarray]
    outputs: list[np.ndarray]
    layers: list[tuple[str, str]]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class Converter:
    """One release of the converter at work."""

    def __init__(self, release, opset=None, broken=(), observations=3):
        self.release, self.opset = release, opset or RELEASES[release][1]
        self.at = tuple(map(int, release.split(".")))
        self.broken, self.observations = set(broken), observations
        self.nodes, self.constants, self.inputs, self.layers = [], {}, {}, []
        self.values, self.arrays, self.domains = [], {}, {"": self.opset}

    # -- the file ----------------------------------------------------------------------------

    def constant(self, name, array):
        kind = np.float32 if np.asarray(array).dtype.kind == "f" else np.int64
        array = np.ascontiguousarray(np.asarray(array, kind))
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def node(self, operator, inputs, output, domain="", **attributes):
        outputs = [output] if isinstance(output, str) else output
        name = next(filter(None, reversed(outputs)))
        node = helper.make_node(operator, inputs, outputs, name, domain=domain)
        node.attribute.extend(itertools.starmap(helper.make_attribute, attributes.items()))
        self.nodes.append(node)
        return name

    def layer(self, kind, name, **arrays):
        self.layers.append((kind, name))
        self.arrays |= {f"{name}.{key}": array for key, array in arrays.items()}

    def weights(self, name, *shape, scale=0.5):
        return single(draw(f"{self.release} {name}", *shape) * scale)

    @property
    def batch(self):
        return "BatchSize" if self.at >= (20, 2) else 1

    def entry(self, name, sizes):
        self.values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes))

    def finish(self, *flows):
        """The model whose outputs these are."""
        flows = [self._ended(flow) for flow in flows]
        infos = []
        for flow in flows:
            order = {"CB": "BC", "CBT": "TBC"}.get(flow.format, "BCSSS"[: len(flow.format)])
            shape = [self.batch if a == "B" else self._size(flow, a) for a in order]
            if self.at == (22, 2, 1):
                # This release writes the number of classes as text.
                shape = [str(n) if a == "C" else n for a, n in zip(order, shape, strict=True)]
            shape = shape if flow.format != "SSCB" else self._sizes_of(flow)
            if "T" in flow.format:
                shape[0] = 1
            infos.append(helper.make_tensor_value_info(flow.tensor, TensorProto.FLOAT, shape))
        listed = [helper.make_tensor_value_info(c.name, c.data_type, list(c.dims))
                  for c in self.constants.values()] if self.at < (21, 2) else []  # fmt: skip
        graph = helper.make_graph(
            self.nodes, "Network", listed + self.values, infos, list(self.constants.values())
        )
        model = helper.make_model(
            graph,
            producer_name=PRODUCER,
            producer_version=self.release,
            ir_version=RELEASES[self.release][0],
            opset_imports=[helper.make_opsetid(*pair) for pair in self.domains.items()],
        )
        outputs = [predicted(flow) for flow in flows]
        return Export(model, self.inputs, outputs, self.layers, self.arrays)

    def _ended(self, flow):
        """Image networks end in a Flatten from 19.1 on, where a fully connected layer ended."""
        if flow.flat:
            return Flow(flow.tensor, flow.data[0, 0], "CB")
        if self.at < (19, 1) or flow.format != "SSCB" or flow.data.shape[:2] != (1, 1):
            return flow
        out = self.node("Flatten", [flow.tensor], f"{flow.tensor}_Flatten", axis=1)
        return Flow(out, flow.data[0, 0], "CB")

    @staticmethod
    def _size(flow, label):
        return flow.data.shape[flow.format.index(label)]

    def _sizes_of(self, flow):
        *spatial, channels, _ = flow.data.shape
        return [self.batch, channels, *spatial]

    # -- inputs ------------------------------------------------------------------------------

    def images(self, name, *size, normalization="zerocenter", statistic="full"):
        """imageInputLayer of H×W×C, or image3dInputLayer of H×W×D×C."""
        *spatial, channels = size
        x = single(draw(f"input {name}", *size, self.observations))
        self.inputs[name] = x
        self.entry(name, [self.batch, channels, *spatial])
        kind = "ImageInputLayer" if len(size) == 3 else "Image3DInputLayer"
        shapes = {"full": size, "channel": (*(1 for _ in spatial), channels), "one": (1, 1)}
        flow = Flow(name, x, "S" * len(spatial) + "CB")
        return self._entering(flow, kind, normalization, shapes[statistic])

    def features(self, name, channels, normalization="none"):
        x = single(draw(f"input {name}", channels, self.observations))
        self.inputs[name] = x.T
        self.entry(name, [self.batch, channels])
        flow = Flow(name, x, "CB")
        return self._entering(flow, "FeatureInputLayer", normalization, (channels, 1))

    def sequence(self, name, channels, steps=5, normalization="none"):
        """sequenceInputLayer: time first; 19.2 writes one step, later releases a symbol."""
        x = single(draw(f"input {name}", channels, self.observations, steps))
        self.inputs[name] = [x[:, n] for n in range(self.observations)]
        length = f"{name}_SequenceLength" if self.at >= (20, 2) else 1
        self.entry(name, [length, self.batch, channels])
        flow = Flow(name, x, "CBT")
        return self._entering(flow, "SequenceInputLayer", normalization, (channels, 1))

    def _entering(self, flow, kind, normalization, shape):
        """The layer, and the arithmetic that normalizes; only that of 'zerocenter' was seen in
        files, the others are written as the documentation has them."""
        name = flow.tensor
        first, second = NORMALIZATIONS[normalization]
        arrays = {first: self.weights(f"{name} {first}", *shape, scale=1)} if first else {}
        if second:
            spread = 0.5 + np.abs(self.weights(f"{name} {second}", *shape, scale=1))
            arrays[second] = single(spread + (arrays["Min"] if second == "Max" else 0))
        self.layer(kind, name, **arrays)
        expanding = {k: expand(a, flow) for k, a in arrays.items()}
        shown = {} if "mean" in self.broken and normalization == "zerocenter" else expanding
        y = elementwise.normalize_input(flow.data, normalization if shown else "none", **shown)
        if first:
            flow = self._step(flow, "Sub", "AvgImg" if self.at < (19, 2) else first, arrays[first])
        if second == "StandardDeviation":
            flow = self._step(flow, "Div", second, arrays[second])
        elif second:
            flow = self._step(flow, "Div", "Range", arrays["Max"] - arrays["Min"])
        if normalization == "rescale-symmetric":
            flow = self._step(flow, "Mul", "Two", np.full((1, 1), 2.0))
            flow = self._step(flow, "Sub", "One", np.ones((1, 1)), "Sub1")
        return replace(flow, data=y)

    def _step(self, flow, operator, statistic, array, suffix=""):
        """One node of that arithmetic, its constant in ONNX's order of dimensions."""
        name = next(iter(n for n in self.inputs if flow.tensor.startswith(n)))
        rank = len(flow.format)
        if array.size == 1:
            array = array.reshape((1,) * (rank - 1))
        elif "S" not in flow.format:
            array = array.reshape(*((1,) if "T" in flow.format else ()), -1)
        else:
            array = np.moveaxis(array, -1, 0)
        attributes = {}
        if self.opset < 7:
            attributes = {"broadcast": 1}
            if self.at > (18, 2, 0):
                attributes["axis"] = 1
        if "axis" not in attributes:
            array = array[None]
        constant = self.constant(f"{name}_{statistic}", array)
        out = self.node(
            operator, [flow.tensor, constant], f"{name}_{suffix or operator}", **attributes
        )
        return replace(flow, tensor=out)

    # -- windows -----------------------------------------------------------------------------

    def convolution(self, x, name, filters, size, stride=1, padding=0, dilation=1, groups=1):
        """Convolution of any rank; ``padding`` is a number, pairs or 'same'."""
        rank = x.data.ndim - 2
        size, stride, dilation = (
            (n,) * rank if isinstance(n, int) else n for n in (size, stride, dilation)
        )
        channels = x.data.shape[-2]
        kind = f"Convolution{rank}DLayer"
        if groups == 1:
            scale = (math.prod(size) * channels) ** -0.5
            W = self.weights(f"{name}.W", *size, channels, filters, scale=scale)
            b = self.weights(f"{name}.b", filters)
        else:
            kind = "GroupedConvolution2DLayer"
            W = self.weights(f"{name}.W", *size, channels // groups, filters // groups, groups)
            b = self.weights(f"{name}.b", filters // groups, groups)
        pairs = self._pairs(x, size, stride, dilation, padding)
        self.layer(kind, name, Weights=W)
        if groups == 1:
            y = windows.convolution(x.data, W, b, stride, pairs, dilation)
        else:
            y = windows.grouped_convolution(x.data, W, b, stride, pairs, dilation)
        tensor = x.tensor
        if padding == "same" and self.at >= (23, 1):
            tensor = self._padding_graph(tensor, name, size, stride)
            pairs = [(0, 0)] * rank
        self._conv(tensor, name, filters_first(W, rank, self.broken), b, size, stride, pairs,
                   dilation, groups)  # fmt: skip
        return Flow(name, y, x.format)

    def _conv(self, tensor, name, W, b, size, stride, pairs, dilation, groups=1):
        ends = [p for p, _ in pairs] + [p for _, p in pairs]
        if "pads" in self.broken:
            ends = [p for _, p in pairs] + [p for p, _ in pairs]
        inputs = [tensor, self.constant(f"{name}_W", W)]
        inputs.append(self.constant(f"{name}_B", b.ravel(order="F")))
        self.node("Conv", inputs, name, group=groups, dilations=list(dilation),
                  kernel_shape=list(size), pads=ends, strides=list(stride))  # fmt: skip

    def _pairs(self, x, size, stride, dilation, padding):
        rank = x.data.ndim - 2
        if padding == "same":
            return windows.same(x.data.shape[:rank], size, stride, dilation)
        return [(padding, padding)] * rank if isinstance(padding, int) else list(padding)

    def _padding_graph(self, tensor, name, size, stride):
        """Padding 'same' computed at run time, as 24.2 writes it."""

        def constant(suffix, values):
            return self.constant(f"{name}_{suffix}", np.asarray(values, np.float32))

        def node(operator, inputs, suffix, **attributes):
            return self.node(operator, inputs, f"{name}_{suffix}", **attributes)

        rank = len(size)
        strides, one, zero = [1, 1, *stride], constant("One", [1]), constant("Zero", [0])
        whole = node("Shape", [tensor], "InputShapeInt")
        shape = node("Cast", [whole], "InputShape", to=TensorProto.FLOAT)
        step = constant("Stride", strides)
        count = node("Ceil", [node("Div", [shape, step], "Div")], "Ceil")
        last = node("Mul", [node("Sub", [count, one], "Sub"), step], "Mul")
        reach = node("Add", [last, constant("Filter", [1, 1, *size])], "Add")
        lacking = node("Relu", [node("Sub", [reach, shape], "Sub1")], "ReluInt")
        lacking = node("Cast", [lacking], "Relu", to=TensorProto.FLOAT)
        totals = [f"{name}_totalPaddingNeeded{i + 1}" for i in range(rank)]
        split = self.constant(f"{name}_Split_split", np.array([2, *[1] * rank]))
        self.node("Split", [lacking, split], [f"{name}_BCPadding", *totals], axis=0)
        self.nodes[-1].name = f"{name}_Split"
        ends = {"Floor": [], "Ceil": []}
        for total in totals:
            two = self.constant(f"{total}_Two", np.array([2.0]))
            half = self.node("Div", [total, two], f"{total}_Div")
            for way, made in ends.items():
                made.append(self.node(way, [half], f"{total}_{way}"))
        first, second = ("Ceil", "Floor") if "pads" in self.broken else ("Floor", "Ceil")
        order = [zero, zero, *ends[first], zero, zero, *ends[second]]
        amounts = node("Concat", order, "paddingSize", axis=0)
        amounts = node("Cast", [amounts], "paddingSizeInt", to=TensorProto.INT64)
        value = self.constant(f"{name}_Pad_value", np.array(0.0))
        return node("Pad", [tensor, amounts, value], "Pad", mode="constant")

    def pool(self, x, name, kind, size, stride=None, padding=0):
        """Max or average pooling of any rank."""
        rank = x.data.ndim - 2
        size = (size,) * rank if isinstance(size, int) else size
        stride = size if stride is None else (stride,) * rank if isinstance(stride, int) else stride
        pairs = self._pairs(x, size, stride, (1,) * rank, padding)
        ends = [p for p, _ in pairs] + [p for _, p in pairs]
        function = windows.max_pool if kind == "Max" else windows.average_pool
        self.layer(f"{kind if kind == 'Max' else 'Average'}Pooling{rank}DLayer", name)
        attributes = {"kernel_shape": list(size), "pads": ends, "strides": list(stride)}
        if kind != "Max" and (self.at == (18, 2, 0) or any(ends)):
            attributes["count_include_pad"] = 1
        operator = "MaxPool" if kind == "Max" else "AveragePool"
        self.node(operator, [x.tensor], name, **attributes)
        return Flow(name, function(x.data, size, stride, pairs), x.format)

    def global_average(self, x, name):
        self.layer("GlobalAveragePooling2DLayer", name)
        self.node("GlobalAveragePool", [x.tensor], name)
        return Flow(name, x.data.mean((0, 1), keepdims=True), x.format)

    def pool_with_places(self, x, name, size):
        """Max pooling with HasUnpoolingOutputs."""
        self.layer("MaxPooling2DLayer", name)
        self.node("Shape", [x.tensor], f"{name}_size")
        self.node("MaxPool", [x.tensor], [f"{name}_out", f"{name}_indices"],
                  kernel_shape=[size] * 2, pads=[0] * 4, strides=[size] * 2)  # fmt: skip
        self.nodes[-1].name = name
        y = windows.max_pool(x.data, (size,) * 2, (size,) * 2, [(0, 0)] * 2)
        return Flow(f"{name}_out", y, x.format)

    def unpool(self, x, name, pool, size, pooled):
        """maxUnpooling2dLayer; ``pooled`` is what the pooling layer took."""
        self.layer("MaxUnpooling2DLayer", name)
        self.domains["com.mathworks"] = 1
        self.node("MaxUnpool", [x.tensor, f"{pool}_indices", f"{pool}_size"], name,
                  domain="com.mathworks")  # fmt: skip
        self.nodes[-1].doc_string = "maxUnpooling2dLayer"
        where = windows.max_unpool(pooled.data, (size,) * 2, (size,) * 2, [(0, 0)] * 2) != 0
        spread = np.kron(x.data.transpose(2, 3, 0, 1), np.ones((size, size))).transpose(2, 3, 0, 1)
        return Flow(name, np.where(where, spread, 0.0), x.format)

    # -- element by element --------------------------------------------------------------------

    def activation(self, x, name, operator="Relu"):
        kinds = {
            "Relu": ("ReLULayer", lambda v: np.maximum(v, 0)),
            "Tanh": ("TanhLayer", np.tanh),
            "Sigmoid": ("SigmoidLayer", recurrent.sigmoid),
        }
        kind, function = kinds[operator]
        self.layer(kind, name)
        self.node(operator, [x.tensor], name)
        return replace(x, tensor=name, data=function(x.data))

    def batch_normalization(self, x, name):
        axis = x.format.index("C")
        channels = x.data.shape[axis]
        scale, offset, mean = (self.weights(f"{name} {k}", channels) for k in "som")
        variance = np.abs(self.weights(f"{name} v", channels)) + 0.25
        self.layer("BatchNormalizationLayer", name, TrainedMean=mean)
        epsilon = float(np.float32(1e-5))
        attributes = {"epsilon": 1e-5}
        if self.opset < 7:
            attributes["is_test"] = 1
            if self.release == "18.2.0":
                attributes["consumed_inputs"] = [0, 0, 0, 1, 1]
        pairs = (("scale", scale), ("B", offset), ("mean", mean), ("var", variance))
        if "normalization" in self.broken:
            pairs = (pairs[0], pairs[2], pairs[1], pairs[3])
            pairs = tuple(
                (k, v) for k, (_, v) in zip(("scale", "B", "mean", "var"), pairs, strict=True)
            )
        inputs = [self.constant(f"{name}_{key}", array) for key, array in pairs]
        self.node("BatchNormalization", [x.tensor, *inputs], name, **attributes)
        y = elementwise.batch_normalization(x.data, mean, variance, offset, scale, epsilon, axis)
        return Flow(name, y, x.format)

    def dropout(self, x, name):
        self.layer("DropoutLayer", name)
        if self.opset < 12:
            self.node("Dropout", [x.tensor], name, ratio=0.5)
        else:
            ratio = self.constant(f"{name}_ratio", np.array(0.5))
            self.node("Dropout", [x.tensor, ratio], name)
        return replace(x, tensor=name)

    def addition(self, flows, name):
        self.layer("AdditionLayer", name)
        self.node("Sum", [flow.tensor for flow in flows], name)
        return replace(flows[0], tensor=name, data=sum(flow.data for flow in flows))

    def concatenation(self, flows, name):
        """Of the channels: depthConcatenationLayer for images, concatenationLayer(1, n) else."""
        format = flows[0].format
        kind = "DepthConcatenationLayer" if "S" in format else "ConcatenationLayer"
        self.layer(kind, name)
        axis = 2 if "T" in format else 1
        self.node("Concat", [flow.tensor for flow in flows], name, axis=axis)
        return Flow(name, np.concatenate([f.data for f in flows], format.index("C")), format)

    # -- fully connected -------------------------------------------------------------------------

    def offset(self, x, name):
        """nnet.onnx.layer.ElementwiseAffineLayer, which MATLAB's importer makes of an Add."""
        channels = x.data.shape[0]
        offset = self.weights(f"{name}.o", channels, 1)
        self.layer("ElementwiseAffineLayer", name, Offset=offset)
        constant = self.constant(f"{name}_Add_B", offset.T)
        tensor = self.node("Add", [x.tensor, constant], f"{name}_Add")
        return replace(x, tensor=tensor, data=x.data + offset)

    def fully_connected(self, x, name, outputs, biased=True):
        inputs = int(np.prod(x.data.shape[: x.format.index("C") + 1]))
        # Of a size at which a softmax behind it does not saturate.
        W = self.weights(f"{name}.W", outputs, inputs, scale=inputs**-0.5)
        b = self.weights(f"{name}.b", outputs, 1) * biased
        self.layer("FullyConnectedLayer", name, Weights=W, Bias=b)
        if "T" in x.format:
            y = Flow("", elementwise.fully_connected_sequence(x.data, W, b), x.format)
            return self._product(x.tensor, name, W.T, b, y)
        y = Flow("", elementwise.fully_connected(x.data, W, b), "CB", lifted=x.lifted)
        if "S" not in x.format:
            return self._product(x.tensor, name, W.T, b, y)
        *spatial, channels, _ = x.data.shape
        order = "C" if "rows" in self.broken else "F"
        whole = W.reshape(outputs, *spatial, channels, order=order)
        whole = np.moveaxis(whole, -1, 1)
        y = Flow("", y.data.reshape(*(1 for _ in spatial), outputs, -1), x.format)
        if self.release == "18.2.0":
            inputs = [x.tensor, self.constant(f"{name}_W", whole.reshape(outputs, -1))]
            inputs.append(self.constant(f"{name}_B", b.ravel()))
            self.node("Gemm", inputs, name, alpha=1.0, beta=1.0, broadcast=1, transA=0, transB=1)
            return Flow(name, y.data, y.format)
        if self.at < (19, 1):
            tensor = x.tensor
            if not x.flat:
                tensor = self.node("Flatten", [tensor], f"{name}_Flatten", axis=1)
            y.flat = True
            return self._product(tensor, name, whole.reshape(outputs, -1).T, b, y)
        self._conv(x.tensor, name, whole, b, spatial, [1] * len(spatial),
                   [(0, 0)] * len(spatial), [1] * len(spatial))  # fmt: skip
        return Flow(name, y.data, y.format)

    def _product(self, tensor, name, W, b, y):
        product = self.node(
            "MatMul", [tensor, self.constant(f"{name}_MatMul_W", W)], f"{name}_MatMul"
        )
        bias = self.constant(f"{name}_Add_B", b.ravel())
        y.tensor = self.node("Add", [product, bias], f"{name}_Add")
        return y

    def softmax(self, x, name):
        """For images after a Flatten, for images of scores between transposes, else plain."""
        axis = x.format.index("C")
        self.layer("SoftmaxLayer", name)
        y = elementwise.softmax(x.data, axis)
        if x.format == "SSCB" and x.data.shape[:2] != (1, 1):
            first = self.node("Transpose", [x.tensor], f"{name}_Transpose1", perm=[0, 2, 3, 1])
            self.node("Softmax", [first], name, axis=3)
            last = self.node("Transpose", [name], f"{name}_Transpose2", perm=[0, 3, 1, 2])
            return Flow(last, y, x.format)
        if self.release == "18.2.0":
            self.node("Softmax", [x.tensor], name)
            return Flow(name, y, x.format)
        tensor, format = x.tensor, x.format
        if "S" in format and not x.flat:
            tensor = self.node("Flatten", [tensor], f"{name}_Flatten", axis=1)
        if "S" in format:
            y, format = y[0, 0], "CB"
        if x.lifted:
            tensor = self.node("Flatten", [tensor], f"{name}_Flatten", axis=2)
        self.node("Softmax", [tensor], name, axis=2 if "T" in format else 1)
        return Flow(name, y, format)

    # -- recurrent -------------------------------------------------------------------------------

    def recurrent(self, x, name, units, operator="LSTM", both=False, mode="last", ending=None,
                  reset="after-multiplication"):  # fmt: skip
        """LSTM or GRU; ``ending`` names the nodes that bring its result back to T×N×C or N×C."""
        matlab = GATES[operator]
        gates = len(matlab)
        directions = 2 if both else 1
        bias = 2 if reset.startswith("recurrent") else 1
        D = x.data.shape[0]
        W = self.weights(f"{name}.W", directions * gates * units, D)
        R = self.weights(f"{name}.R", directions * gates * units, units)
        b = self.weights(f"{name}.b", directions * gates * units * bias, 1)
        h, c = (self.weights(f"{name}.{s}", directions * units, 1) for s in "hc")
        kind = {("LSTM", False): "LSTMLayer", ("LSTM", True): "BiLSTMLayer"}
        self.layer(
            kind.get((operator, both), "GRULayer"), name, InputWeights=W, Bias=b, HiddenState=h
        )
        if operator == "GRU":
            y, last = recurrent.gru(x.data, W, R, b, h, mode=reset)[:2]
        else:
            y, last, _ = (recurrent.bilstm if both else recurrent.lstm)(x.data, W, R, b, h, c)
        self._recur(x, name, operator, directions, matlab, (W, R, b, h, c), mode, reset)
        data, format = (y, "CBT") if mode == "sequence" else (last, "CB")
        return self._ending(name, Flow(name, data, format), ending, directions, units)

    def _recur(self, x, name, operator, directions, matlab, arrays, mode, reset):
        W, R, b, h, c = arrays
        units = R.shape[1]
        # ONNX calls the LSTM's gates i, o, f, c: in MATLAB's words i, o, f, g.
        order = matlab if "gates" in self.broken else {"LSTM": "iofg", "GRU": "zrh"}[operator]

        def stacked(rows):
            blocks = rows.reshape(directions, len(matlab), units, -1)
            return blocks[:, [matlab.index(gate) for gate in order]].reshape(
                directions, len(matlab) * units, -1
            )

        halves = np.split(b, 2) if reset.startswith("recurrent") else [b, np.zeros_like(b)]
        bias = np.concatenate([stacked(half)[..., 0] for half in halves], 1)
        initial = {"initial_h": h}
        if operator == "LSTM":
            initial["initial_c"] = c
        names = [self.constant(f"{name}_{k}", v) for k, v in
                 (("W", stacked(W)), ("R", stacked(R)), ("B", bias))]  # fmt: skip
        states = [
            self.constant(f"{name}_{k}", v.reshape(directions, 1, units))
            for k, v in initial.items()
        ]
        if self.at >= (20, 2):
            states = self._tiled(x.tensor, name, states)
        activations = ["Sigmoid", "Tanh", "Tanh"] if operator == "LSTM" else ["Sigmoid", "Tanh"]
        attributes = {"activations": activations * directions, "hidden_size": units,
                      "direction": "bidirectional" if directions == 2 else "forward"}  # fmt: skip
        if operator == "GRU":
            linear = reset != "before-multiplication"
            attributes["linear_before_reset"] = int(linear != ("reset" in self.broken))
        outputs = [name] if mode == "sequence" else ["", name]
        self.node(operator, [x.tensor, *names, "", *states], outputs, **attributes)

    def _tiled(self, tensor, name, states):
        """The initial states once for each observation."""
        shape = self.node("Shape", [tensor], f"{name}_Shape1")
        which = self.constant(f"{name}_Gather1Indices", np.array([1]))
        batch = self.node("Gather", [shape, which], f"{name}_Gather1", axis=0)
        one = self.constant(f"{name}_ConcatConst1", np.array([1]))
        counts = self.node("Concat", [one, batch, one], f"{name}_Concat1", axis=0)
        ends = zip(states, ("TileH", "TileC"), strict=False)
        return [self.node("Tile", [state, counts], f"{name}_{end}") for state, end in ends]

    def _ending(self, name, y, ending, directions, units):
        """From (directions, N, H) or (T, directions, N, H) to what the next layer takes."""
        sequence = y.format == "CBT"
        if ending == "squeeze":
            self._squeeze(name, [1] if sequence else [0])
            y.tensor = f"{name}_Squeeze"
            return y
        tail = "_" if self.at >= (20, 2) else ""
        perm = [0, 2, 1, 3] if sequence else [1, 0, 2]
        turned = self.node("Transpose", [name], f"{name}_Transpose{tail}", perm=perm)
        sizes = np.array([0, 0, -1] if sequence else [0, -1])
        shape = self.constant(f"{name}_Reshape{tail}_shape", sizes)
        y.tensor = self.node("Reshape", [turned, shape], f"{name}_Reshape{tail}")
        if not sequence and self.at < (20, 2):
            y.tensor = self.node("Unsqueeze", [y.tensor], f"{name}_Unsqueeze", axes=[0])
            y.lifted = True
        return y

    def _squeeze(self, name, axes):
        if self.opset < 13:
            self.node("Squeeze", [name], f"{name}_Squeeze", axes=axes)
        else:
            places = self.constant(f"{name}_Squeeze_axes", np.array(axes))
            self.node("Squeeze", [name, places], f"{name}_Squeeze")


def expand(statistic, flow):
    """A statistic of an input layer with as many dimensions as the data."""
    shape = statistic.shape
    if statistic.size == 1 or "S" in flow.format:
        return statistic.reshape(shape + (1,) * (flow.data.ndim - len(shape)))
    return statistic.reshape(-1, *(1,) * (flow.data.ndim - 1))


def filters_first(W, rank, broken=()):
    """MATLAB's S...×C×F (×G) as ONNX's F×C×S...: groups of filters one after the other."""
    if W.ndim == rank + 3:
        *size, channels, filters, groups = W.shape
        order = (rank + 2, rank + 1, rank, *range(rank))
        return W.transpose(order).reshape(groups * filters, channels, *size)
    order = (rank + 1, rank, *range(rank))
    if "filters" in broken:
        order = (*order[:2], *order[2:][::-1])
    return W.transpose(order)


def predicted(flow):
    """As MATLAB's predict returns it: N×C, a list of C×T, or H×W×C×N."""
    if flow.format == "CBT":
        return [flow.data[:, n] for n in range(flow.data.shape[1])]
    if flow.format == "CB" or set(flow.data.shape[:-2]) == {1}:
        return flow.data.reshape(-1, flow.data.shape[-1], order="F").T
    return flow.data
