"""MATLAB's constructors, for editors. Written by ``python scripts/make_docs.py``."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from matbridge.core.card import Layer

CONSTRUCTORS: dict[str, type[Layer]]

def construct(card: type[Layer], *positional: Any, **named: Any) -> Layer: ...

def ProjectedLayer(
    network: Any,
    /,
    *,
    Name: str = '',
) -> Layer:
    'The layer that compressNetworkUsingProjection puts in place of another: its network of'

def adaptiveAveragePooling1dLayer(
    outputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    'adaptiveAveragePooling1dLayer.'

def adaptiveAveragePooling2dLayer(
    outputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    'adaptiveAveragePooling2dLayer.'

def additionLayer(
    numInputs: int = 2,
    /,
    *,
    Name: str = '',
) -> Layer:
    'additionLayer: in1 + in2 + ..., with singleton expansion.'

def anchorBoxLayer(
    anchorBoxes: float | Sequence[float] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    'anchorBoxLayer: the anchor boxes of a feature map.'

def attentionLayer(
    numHeads: int,
    /,
    *,
    NumQueryGroups: int | str | None = None,
    AttentionMask: Literal['none', 'causal'] = 'none',
    HasPaddingMaskInput: bool = False,
    HasScoresOutput: bool = False,
    DropoutProbability: float = 0.0,
    Scale: float | str | None = None,
    Name: str = '',
) -> Layer:
    'attentionLayer: attention of given queries, keys and values; nothing is learned.'

def averagePooling1dLayer(
    poolSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    PaddingValue: Any = 0.0,
    Name: str = '',
) -> Layer:
    'averagePooling1dLayer: over the spatial dimension, or over time where there is none.'

def averagePooling2dLayer(
    poolSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    PaddingValue: Any = 0.0,
    Name: str = '',
) -> Layer:
    'averagePooling2dLayer.'

def averagePooling3dLayer(
    poolSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    PaddingValue: Any = 0.0,
    Name: str = '',
) -> Layer:
    'averagePooling3dLayer.'

def batchNormalizationLayer(
    *,
    Epsilon: float = 1e-05,
    NumChannels: int | str | None = None,
    MeanDecay: float = 0.1,
    VarianceDecay: float = 0.1,
    Offset: ArrayLike | None = None,
    Scale: ArrayLike | None = None,
    TrainedMean: ArrayLike | None = None,
    TrainedVariance: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'batchNormalizationLayer: per channel, in any format,'

def bilstmLayer(
    numHiddenUnits: int,
    /,
    *,
    OutputMode: Literal['sequence', 'last'] = 'sequence',
    InputSize: int | str | None = None,
    StateActivationFunction: Literal['tanh', 'softsign', 'relu'] = 'tanh',
    GateActivationFunction: Literal['sigmoid', 'hard-sigmoid'] = 'sigmoid',
    HasStateInputs: bool = False,
    HasStateOutputs: bool = False,
    InputWeights: ArrayLike | None = None,
    RecurrentWeights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    HiddenState: ArrayLike | None = None,
    CellState: ArrayLike | None = None,
    InitialHiddenState: ArrayLike | None = None,
    InitialCellState: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'bilstmLayer: rows 1 to 4H forward, 4H+1 to 8H backward; 2H output channels, forward'

def boxdist(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'boxdist: the largest difference max|w - p|.'

def classificationLayer(
    *,
    Classes: Any = (),
    ClassWeights: Any = None,
    Name: str = '',
) -> Layer:
    'classificationLayer: scores in the order of Classes, the order of the categories.'

def clippedReluLayer(
    ceiling: float,
    /,
    *,
    Name: str = '',
) -> Layer:
    'clippedReluLayer: min(max(x, 0), Ceiling).'

def compet(
    *,
    Name: str = '',
) -> Layer:
    'compet: 1 for the first of the largest elements of each column, 0 for the others; a column'

def complexFullyConnectedLayer(
    outputSize: int,
    operationDimension: Literal['spatial-channel'] = 'spatial-channel',
    /,
    *,
    InputSize: int | str | None = None,
    Weights: ArrayLike | None = None,
    WeightsImaginary: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    BiasImaginary: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'complexFullyConnectedLayer: W·x + b with complex W and b, over the spatial dimensions'

def complexReluLayer(
    *,
    Name: str = '',
) -> Layer:
    'complexReluLayer: max(0, ·) of the real and of the imaginary part.'

def complexToRealLayer(
    *,
    OperationDimension: Any = 'C',
    Name: str = '',
) -> Layer:
    'complexToRealLayer: Y(2n-1) = real(X(n)), Y(2n) = imag(X(n)).'

def concatenationLayer(
    dim: int,
    numInputs: int = 2,
    /,
    *,
    Name: str = '',
) -> Layer:
    'concatenationLayer: along Dim, counted as MATLAB stores the array.'

def convolution1dLayer(
    filterSize: int | Sequence[int] | np.ndarray,
    numFilters: int,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    DilationFactor: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    PaddingValue: Any = 0.0,
    NumChannels: int | str | None = None,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'convolution1dLayer: over the spatial dimension, or over time where there is none.'

def convolution2dLayer(
    filterSize: int | Sequence[int] | np.ndarray,
    numFilters: int,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    DilationFactor: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    PaddingValue: Any = 0.0,
    NumChannels: int | str | None = None,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'convolution2dLayer. Weights fh×fw×C×F, Bias 1×1×F.'

def convolution3dLayer(
    filterSize: int | Sequence[int] | np.ndarray,
    numFilters: int,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    DilationFactor: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    PaddingValue: Any = 0.0,
    NumChannels: int | str | None = None,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'convolution3dLayer. Weights fh×fw×fd×C×F, Bias 1×1×1×F.'

def convwf(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'convwf: the convolution of p with the M×1 weights, z(i) = Σ w(k)·p(i + k - 1), R - M + 1'

def crop2dLayer(
    mode: Literal['centercrop', 'custom'] = 'centercrop',
    /,
    *,
    Location: Any = None,
    Name: str = '',
) -> Layer:
    'crop2dLayer: height and width.'

def crop3dLayer(
    mode: Literal['centercrop', 'custom'] = 'centercrop',
    /,
    *,
    Location: Any = None,
    Name: str = '',
) -> Layer:
    'crop3dLayer: height, width and depth.'

def crossChannelNormalizationLayer(
    windowChannelSize: int,
    /,
    *,
    Alpha: float = 0.0001,
    Beta: float = 0.75,
    K: float = 2.0,
    Name: str = '',
) -> Layer:
    'crossChannelNormalizationLayer: x/(K + Alpha·Σx²/WindowChannelSize)^Beta.'

def cwtLayer(
    *,
    Name: str = '',
) -> Layer:
    'cwtLayer: the continuous wavelet transform.'

def depthConcatenationLayer(
    numInputs: int = 2,
    /,
    *,
    Name: str = '',
) -> Layer:
    'depthConcatenationLayer: the channels of in1, then in2, ...'

def depthToSpace2dLayer(
    blockSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Mode: Literal['dcr', 'crd'] = 'dcr',
    Name: str = '',
) -> Layer:
    'depthToSpace2dLayer: blocks of channels become blocks of BlockSize rows and columns.'

def dicePixelClassificationLayer(
    *,
    Classes: Any = (),
    Name: str = '',
) -> Layer:
    'dicePixelClassificationLayer: generalized Dice,'

def dist(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    "dist: the Euclidean distance √Σ(w - p)² of p to each row w of W. MATLAB's numbers are known"

def dotprod(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'dotprod: W·p.'

def dropoutLayer(
    probability: float = 0.5,
    /,
    *,
    Name: str = '',
) -> Layer:
    'dropoutLayer: the identity at prediction; in training elements go with Probability'

def elliot2sig(
    *,
    Name: str = '',
) -> Layer:
    'elliot2sig: sign(n)·n² / (1 + n²).'

def elliotsig(
    *,
    Name: str = '',
) -> Layer:
    'elliotsig: n / (1 + |n|).'

def eluLayer(
    alpha: float = 1.0,
    /,
    *,
    Name: str = '',
) -> Layer:
    'eluLayer: x for x >= 0, else Alpha·(exp(x) - 1).'

def embeddingConcatenationLayer(
    *,
    InputSize: int | str | None = None,
    Weights: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'embeddingConcatenationLayer: Weights (C×1) as a first time step or position, such as'

def featureInputLayer(
    inputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Normalization: Literal['none', 'zerocenter', 'zscore', 'rescale-symmetric', 'rescale-zero-one'] = 'none',
    SplitComplexInputs: bool = False,
    Mean: ArrayLike | None = None,
    StandardDeviation: ArrayLike | None = None,
    Min: ArrayLike | None = None,
    Max: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'featureInputLayer: N×C rows of features.'

def fixunknowns(
    *,
    xrows: int | str | None = None,
    yrows: int | str | None = None,
    Reverse: bool = False,
    no_change: bool = False,
    unknown: int | Sequence[int] | np.ndarray = (),
    xmeans: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'fixunknowns: after each row that held NaN when the network was configured (unknown, numbers'

def flattenLayer(
    *,
    Name: str = '',
) -> Layer:
    'flattenLayer: spatial dimensions into channels, height fastest, then width, depth,'

def focalLossLayer(
    alpha: float = 0.25,
    gamma: float = 2.0,
    /,
    *,
    Classes: Any = (),
    Name: str = '',
) -> Layer:
    'focalLossLayer: -Alpha·(1 - p)^Gamma·ln(p), p the score of the true class; the mean over'

def fullyConnectedLayer(
    outputSize: Any,
    operationDimension: Any = 'spatial-channel',
    /,
    *,
    InputSize: Any | str | None = None,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'fullyConnectedLayer: W·x + b at each time step.'

def functionLayer(
    predictFcn: str,
    /,
    *,
    Formattable: bool = False,
    Name: str = '',
) -> Layer:
    'functionLayer: PredictFcn on its inputs.'

def gaussianNoiseLayer(
    sigma: float,
    /,
    *,
    Name: str = '',
) -> Layer:
    "gaussianNoiseLayer, a custom layer of MATLAB's documentation: the identity at"

def geluLayer(
    *,
    Approximation: Literal['none', 'tanh'] = 'none',
    Name: str = '',
) -> Layer:
    "geluLayer: x/2·(1 + erf(x/√2)), or with Approximation 'tanh'"

def globalAveragePooling1dLayer(
    *,
    Name: str = '',
) -> Layer:
    'globalAveragePooling1dLayer.'

def globalAveragePooling2dLayer(
    *,
    Name: str = '',
) -> Layer:
    'globalAveragePooling2dLayer.'

def globalAveragePooling3dLayer(
    *,
    Name: str = '',
) -> Layer:
    'globalAveragePooling3dLayer.'

def globalMaxPooling1dLayer(
    *,
    Name: str = '',
) -> Layer:
    'globalMaxPooling1dLayer.'

def globalMaxPooling2dLayer(
    *,
    Name: str = '',
) -> Layer:
    'globalMaxPooling2dLayer.'

def globalMaxPooling3dLayer(
    *,
    Name: str = '',
) -> Layer:
    'globalMaxPooling3dLayer.'

def groupNormalizationLayer(
    numGroups: Any,
    /,
    *,
    Epsilon: float = 1e-05,
    NumChannels: int | str | None = None,
    Offset: ArrayLike | None = None,
    Scale: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'groupNormalizationLayer: over space, time and the channels of a group; groups are'

def groupedConvolution2dLayer(
    filterSize: int | Sequence[int] | np.ndarray,
    numFiltersPerGroup: int,
    numGroups: int | str | None,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    DilationFactor: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    PaddingValue: Any = 0.0,
    NumChannelsPerGroup: int | str | None = None,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'groupedConvolution2dLayer: each of NumGroups groups of channels has its own filters;'

def gruLayer(
    numHiddenUnits: int,
    /,
    *,
    OutputMode: Literal['sequence', 'last'] = 'sequence',
    InputSize: int | str | None = None,
    StateActivationFunction: Literal['tanh', 'softsign', 'relu'] = 'tanh',
    GateActivationFunction: Literal['sigmoid', 'hard-sigmoid'] = 'sigmoid',
    HasStateInputs: bool = False,
    HasStateOutputs: bool = False,
    ResetGateMode: Literal['after-multiplication', 'before-multiplication', 'recurrent-bias-after-multiplication'] = 'after-multiplication',
    InputWeights: ArrayLike | None = None,
    RecurrentWeights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    HiddenState: ArrayLike | None = None,
    InitialHiddenState: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'gruLayer.'

def gruProjectedLayer(
    numHiddenUnits: int,
    outputProjectorSize: int,
    inputProjectorSize: int,
    /,
    *,
    OutputMode: Literal['sequence', 'last'] = 'sequence',
    InputSize: int | str | None = None,
    StateActivationFunction: Literal['tanh', 'softsign', 'relu'] = 'tanh',
    GateActivationFunction: Literal['sigmoid', 'hard-sigmoid'] = 'sigmoid',
    HasStateInputs: bool = False,
    HasStateOutputs: bool = False,
    ResetGateMode: Literal['after-multiplication', 'before-multiplication', 'recurrent-bias-after-multiplication'] = 'after-multiplication',
    InputWeights: ArrayLike | None = None,
    RecurrentWeights: ArrayLike | None = None,
    InputProjector: ArrayLike | None = None,
    OutputProjector: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    HiddenState: ArrayLike | None = None,
    InitialHiddenState: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'gruProjectedLayer.'

def hardlim(
    *,
    Name: str = '',
) -> Layer:
    'hardlim: 1 for n >= 0, else 0.'

def hardlims(
    *,
    Name: str = '',
) -> Layer:
    'hardlims: 1 for n >= 0, else -1.'

def identityLayer(
    *,
    Name: str = '',
) -> Layer:
    'identityLayer: the output is the input.'

def image3dInputLayer(
    inputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Normalization: Literal['none', 'zerocenter', 'zscore', 'rescale-symmetric', 'rescale-zero-one'] = 'zerocenter',
    SplitComplexInputs: bool = False,
    Mean: ArrayLike | None = None,
    StandardDeviation: ArrayLike | None = None,
    Min: ArrayLike | None = None,
    Max: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'image3dInputLayer: H×W×D×C×N volumes, zerocenter by default.'

def imageInputLayer(
    inputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Normalization: Literal['none', 'zerocenter', 'zscore', 'rescale-symmetric', 'rescale-zero-one'] = 'zerocenter',
    SplitComplexInputs: bool = False,
    Mean: ArrayLike | None = None,
    StandardDeviation: ArrayLike | None = None,
    Min: ArrayLike | None = None,
    Max: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'imageInputLayer: H×W×C×N images, zerocenter by default.'

def indexing1dLayer(
    index: Any = 'first',
    /,
    *,
    HasPaddingMaskInput: bool = False,
    Name: str = '',
) -> Layer:
    'indexing1dLayer: one time step (or one spatial position where there is no time).'

def inputLayer(
    inputSize: Any,
    inputFormat: Any,
    /,
    *,
    Name: str = '',
) -> Layer:
    'inputLayer: data of any InputFormat as they are, without normalization.'

def instanceNormalizationLayer(
    *,
    Epsilon: float = 1e-05,
    NumChannels: int | str | None = None,
    Offset: ArrayLike | None = None,
    Scale: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'instanceNormalizationLayer: over space and time, each channel by itself.'

def inverseNormalizationLayer(
    operationDimension: Literal['channel'] | int = 'channel',
    /,
    *,
    Normalization: Literal['none', 'zerocenter', 'zscore', 'rescale-symmetric', 'rescale-zero-one'],
    Mean: ArrayLike | None = None,
    StandardDeviation: ArrayLike | None = None,
    Min: ArrayLike | None = None,
    Max: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'inverseNormalizationLayer: what Normalization did to the targets undone, per channel'

def istftLayer(
    *,
    Name: str = '',
) -> Layer:
    'istftLayer: the signal of a short-time Fourier transform.'

def layerNormalizationLayer(
    *,
    Epsilon: float = 1e-05,
    NumChannels: int | str | None = None,
    OperationDimension: Literal['auto', 'channel-only', 'spatial-channel', 'batch-excluded'] = 'auto',
    Offset: ArrayLike | None = None,
    Scale: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'layerNormalizationLayer, over the dimensions that OperationDimension says.'

def leakyReluLayer(
    scale: float = 0.01,
    /,
    *,
    Name: str = '',
) -> Layer:
    'leakyReluLayer: x for x >= 0, else Scale·x.'

def logsig(
    *,
    Name: str = '',
) -> Layer:
    'logsig: 1 / (1 + exp(-n)).'

def lstmLayer(
    numHiddenUnits: int,
    /,
    *,
    OutputMode: Literal['sequence', 'last'] = 'sequence',
    InputSize: int | str | None = None,
    StateActivationFunction: Literal['tanh', 'softsign', 'relu'] = 'tanh',
    GateActivationFunction: Literal['sigmoid', 'hard-sigmoid'] = 'sigmoid',
    HasStateInputs: bool = False,
    HasStateOutputs: bool = False,
    InputWeights: ArrayLike | None = None,
    RecurrentWeights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    HiddenState: ArrayLike | None = None,
    CellState: ArrayLike | None = None,
    InitialHiddenState: ArrayLike | None = None,
    InitialCellState: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'lstmLayer. z = W·x + R·h + b in rows i, f, g, o; c = σ(f)·c + σ(i)·s(g);'

def lstmProjectedLayer(
    numHiddenUnits: int,
    outputProjectorSize: int,
    inputProjectorSize: int,
    /,
    *,
    OutputMode: Literal['sequence', 'last'] = 'sequence',
    InputSize: int | str | None = None,
    StateActivationFunction: Literal['tanh', 'softsign', 'relu'] = 'tanh',
    GateActivationFunction: Literal['sigmoid', 'hard-sigmoid'] = 'sigmoid',
    HasStateInputs: bool = False,
    HasStateOutputs: bool = False,
    InputWeights: ArrayLike | None = None,
    RecurrentWeights: ArrayLike | None = None,
    InputProjector: ArrayLike | None = None,
    OutputProjector: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    HiddenState: ArrayLike | None = None,
    CellState: ArrayLike | None = None,
    InitialHiddenState: ArrayLike | None = None,
    InitialCellState: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'lstmProjectedLayer.'

def lvqoutputs(
    *,
    xrows: int | str | None = None,
    yrows: int | str | None = None,
    Reverse: bool = False,
    no_change: bool = False,
    Name: str = '',
) -> Layer:
    'lvqoutputs: the identity both ways; it only tells training how often each class occurs.'

def maeRegressionLayer(
    *,
    ResponseNames: Any = (),
    Name: str = '',
) -> Layer:
    "maeRegressionLayer, a custom layer of MATLAB's documentation: the mean over the"

def mandist(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'mandist: the Manhattan distance Σ|w - p|.'

def mapminmax(
    *,
    xrows: int | str | None = None,
    yrows: int | str | None = None,
    Reverse: bool = False,
    no_change: bool = False,
    ymin: float = -1.0,
    ymax: float = 1.0,
    xoffset: ArrayLike | None = None,
    gain: ArrayLike | None = None,
    yoffset: ArrayLike | None = None,
    xmin: ArrayLike | None = None,
    xmax: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'mapminmax: y = (x - xoffset)·gain + ymin with gain = (ymax - ymin)/(xmax - xmin) and'

def mapstd(
    *,
    xrows: int | str | None = None,
    yrows: int | str | None = None,
    Reverse: bool = False,
    no_change: bool = False,
    ymean: float = 0.0,
    ystd: float = 1.0,
    xoffset: ArrayLike | None = None,
    gain: ArrayLike | None = None,
    yoffset: ArrayLike | None = None,
    xmean: ArrayLike | None = None,
    xstd: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'mapstd: y = (x - xmean)·(ystd/xstd) + ymean; reverse its inverse. A row whose xstd is 0, or'

def maxPooling1dLayer(
    poolSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    Name: str = '',
) -> Layer:
    'maxPooling1dLayer: over the spatial dimension, or over time where there is none.'

def maxPooling2dLayer(
    poolSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    HasUnpoolingOutputs: bool = False,
    Name: str = '',
) -> Layer:
    'maxPooling2dLayer. With HasUnpoolingOutputs the outputs are out, indices and size:'

def maxPooling3dLayer(
    poolSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Padding: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    Name: str = '',
) -> Layer:
    'maxPooling3dLayer.'

def maxUnpooling2dLayer(
    *,
    Name: str = '',
) -> Layer:
    'maxUnpooling2dLayer: each element where the pooling layer found it, zeros elsewhere.'

def modwtLayer(
    *,
    Name: str = '',
) -> Layer:
    'modwtLayer: the maximal overlap discrete wavelet transform.'

def multiplicationLayer(
    numInputs: int = 2,
    /,
    *,
    Name: str = '',
) -> Layer:
    'multiplicationLayer: in1·in2·..., element by element, with singleton expansion.'

def negdist(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'negdist: the negative of dist.'

def netinv(
    *,
    Name: str = '',
) -> Layer:
    'netinv: 1 / n.'

def netprod(
    numInputs: int = 1,
    /,
    *,
    HasBias: bool = True,
    b: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    "netprod: b·z1·z2·..., element by element. MATLAB's numbers are known of it only behind"

def netsum(
    numInputs: int = 1,
    /,
    *,
    HasBias: bool = True,
    b: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'netsum: b + z1 + z2 + ..., in this order.'

def networkLayer(
    network: Any,
    /,
    *,
    Name: str = '',
) -> Layer:
    'networkLayer: a network in place of a layer. Ports in, or in1, in2, ...; outputs alike.'

def neuralODELayer(
    network: Any,
    timeInterval: float | Sequence[float] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    "neuralODELayer: the solution of y' = Network(t, y) over TimeInterval."

def normprod(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'normprod: W·p / Σ|p|. The documentation says the sum of the elements of p, which is the same'

def patchEmbeddingLayer(
    patchSize: int | Sequence[int] | np.ndarray,
    outputSize: int,
    /,
    *,
    NumChannels: int | str | None = None,
    SpatialFlattenMode: Literal['column-major', 'row-major', 'none'] = 'column-major',
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'patchEmbeddingLayer: a convolution whose stride is its PatchSize, then one position for'

def peepholeLSTMLayer(
    numHiddenUnits: int,
    /,
    *,
    OutputMode: Literal['sequence', 'last'] = 'sequence',
    InputSize: int | str | None = None,
    StateActivationFunction: Literal['tanh', 'softsign', 'relu'] = 'tanh',
    GateActivationFunction: Literal['sigmoid', 'hard-sigmoid'] = 'sigmoid',
    HasStateInputs: bool = False,
    HasStateOutputs: bool = False,
    InputWeights: ArrayLike | None = None,
    RecurrentWeights: ArrayLike | None = None,
    PeepholeWeights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    HiddenState: ArrayLike | None = None,
    CellState: ArrayLike | None = None,
    InitialHiddenState: ArrayLike | None = None,
    InitialCellState: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    "peepholeLSTMLayer, a custom layer of MATLAB's documentation: an LSTM whose gates i and"

def permuteLayer(
    dimensionOrder: int | Sequence[int] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    'permuteLayer: dimension i of the result is dimension DimensionOrder(i) of the input,'

def pixelClassificationLayer(
    *,
    Classes: Any = (),
    ClassWeights: Any = None,
    Name: str = '',
) -> Layer:
    'pixelClassificationLayer: the loss of classificationLayer, the mean over all pixels.'

def pointCloudInputLayer(
    inputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Normalization: Literal['none', 'zerocenter', 'zscore', 'rescale-symmetric', 'rescale-zero-one'] = 'none',
    SplitComplexInputs: bool = False,
    Mean: ArrayLike | None = None,
    StandardDeviation: ArrayLike | None = None,
    Min: ArrayLike | None = None,
    Max: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'pointCloudInputLayer: M×C points, or M×N×C of an organized cloud.'

def positionEmbeddingLayer(
    outputSize: int,
    maxPosition: int,
    /,
    *,
    PositionDimension: Literal['auto', 'temporal', 'spatial'] = 'auto',
    Weights: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'positionEmbeddingLayer: column t of Weights (OutputSize×MaxPosition) at step t from'

def poslin(
    *,
    Name: str = '',
) -> Layer:
    'poslin: max(0, n).'

def preluLayer(
    *,
    Alpha: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'preluLayer: x for x >= 0, else Alpha·x. Alpha is learned, 0.25 at first, and expands to'

def processpca(
    *,
    xrows: int | str | None = None,
    yrows: int | str | None = None,
    Reverse: bool = False,
    no_change: bool = False,
    transform: ArrayLike | None = None,
    inverseTransform: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'processpca: y = transform·x, the principal components that count; reverse by the inverse'

def purelin(
    *,
    Name: str = '',
) -> Layer:
    'purelin: n.'

def quadraticLayer(
    *,
    Name: str = '',
) -> Layer:
    'quadraticLayer: the products of any two channels, [u1·u1 u1·u2 u2·u2 u1·u3 u2·u3 u3·u3]'

def radbas(
    *,
    Name: str = '',
) -> Layer:
    "radbas: exp(-n²). MATLAB's numbers are known of it only behind compet."

def radbasn(
    *,
    Name: str = '',
) -> Layer:
    'radbasn: exp(-n²) / Σ exp(-n²) over each column.'

def rcnnBoxRegressionLayer(
    *,
    ResponseNames: Any = (),
    Name: str = '',
) -> Layer:
    'rcnnBoxRegressionLayer: smooth L1 of d = y - t, summed: d²/2 where |d| < 1, else'

def realToComplexLayer(
    *,
    OperationDimension: Any = 'C',
    Name: str = '',
) -> Layer:
    'realToComplexLayer: Y(n) = X(2n-1) + i·X(2n).'

def regionProposalLayer(
    anchorBoxes: float | Sequence[float] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    'regionProposalLayer: boxes around possible objects, from scores and box deltas.'

def regressionLayer(
    *,
    ResponseNames: Any = (),
    Name: str = '',
) -> Layer:
    'regressionLayer: Σ (y - t)²/2, the sum over responses and pixels, the mean over the'

def reluLayer(
    *,
    Name: str = '',
) -> Layer:
    'reluLayer: max(x, 0).'

def removeconstantrows(
    *,
    xrows: int | str | None = None,
    yrows: int | str | None = None,
    Reverse: bool = False,
    no_change: bool = False,
    keep: int | Sequence[int] | np.ndarray = (),
    remove: int | Sequence[int] | np.ndarray = (),
    constants: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'removeconstantrows: y = x(keep,:); reverse x(keep,:) = y, x(remove,:) = constants. A target'

def removerows(
    *,
    xrows: int | str | None = None,
    yrows: int | str | None = None,
    Reverse: bool = False,
    no_change: bool = False,
    keep: int | Sequence[int] | np.ndarray = (),
    remove: int | Sequence[int] | np.ndarray = (),
    ind: int | Sequence[int] | np.ndarray = (),
    Name: str = '',
) -> Layer:
    'removerows: the rows of given numbers are left out; reverse gives NaN for them.'

def reshapeLayer(
    *outputSize: Any,
    OperationDimension: Literal['all', 'spatial-channel'] = 'all',
    Name: str = '',
) -> Layer:
    'reshapeLayer([sz1 ... szN]), or reshapeLayer(sz1, ..., szN) with one of them [].'

def resize2dLayer(
    *,
    Scale: float | Sequence[float] | np.ndarray | str | None = None,
    OutputSize: float | Sequence[float] | np.ndarray | str | None = None,
    EnableReferenceInput: bool = False,
    Method: Literal['nearest', 'bilinear', 'trilinear'] = 'nearest',
    GeometricTransformMode: Literal['half-pixel', 'asymmetric'] = 'half-pixel',
    NearestRoundingMode: Literal['round', 'floor', 'onnx-10'] = 'round',
    Name: str = '',
) -> Layer:
    "resize2dLayer: height and width; Method 'nearest' or 'bilinear'."

def resize3dLayer(
    *,
    Scale: float | Sequence[float] | np.ndarray | str | None = None,
    OutputSize: float | Sequence[float] | np.ndarray | str | None = None,
    EnableReferenceInput: bool = False,
    Method: Literal['nearest', 'bilinear', 'trilinear'] = 'nearest',
    GeometricTransformMode: Literal['half-pixel', 'asymmetric'] = 'half-pixel',
    NearestRoundingMode: Literal['round', 'floor', 'onnx-10'] = 'round',
    Name: str = '',
) -> Layer:
    "resize3dLayer: height, width and depth; Method 'nearest' or 'trilinear'."

def roiAlignLayer(
    outputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    ROIScale: float = 1.0,
    SamplingRatio: int | Sequence[int] | np.ndarray | str | None = None,
    Name: str = '',
) -> Layer:
    'roiAlignLayer: interpolated samples of OutputSize parts of each region.'

def roiInputLayer(
    *,
    InputSize: int | Sequence[int] | np.ndarray = (5,),
    Name: str = '',
) -> Layer:
    'roiInputLayer: regions of interest.'

def roiMaxPooling2dLayer(
    outputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    'roiMaxPooling2dLayer: the largest elements of OutputSize parts of each region.'

def rpnClassificationLayer(
    *,
    Classes: Any = (),
    ClassWeights: Any = None,
    Name: str = '',
) -> Layer:
    'rpnClassificationLayer: object or background; cross-entropy over the positions that'

def rpnSoftmaxLayer(
    *,
    Name: str = '',
) -> Layer:
    'rpnSoftmaxLayer: scores of object and background for each anchor box.'

def satlin(
    *,
    Name: str = '',
) -> Layer:
    'satlin: n, but 0 below 0 and 1 above 1.'

def satlins(
    *,
    Name: str = '',
) -> Layer:
    'satlins: n, but -1 below -1 and 1 above 1.'

def scalingLayer(
    *,
    Scale: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'scalingLayer: Scale·x + Bias, each a number (1 and 0 unless given) or an array that'

def scalprod(
    *,
    W: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'scalprod: w·p, w one number.'

def selfAttentionLayer(
    numHeads: int,
    numQueryChannels: int,
    /,
    *,
    NumQueryGroups: int | str | None = None,
    AttentionMask: Literal['none', 'causal'] = 'none',
    HasPaddingMaskInput: bool = False,
    HasScoresOutput: bool = False,
    DropoutProbability: float = 0.0,
    NumKeyChannels: int | str | None = None,
    NumValueChannels: int | str | None = None,
    OutputSize: int | str | None = None,
    InputSize: int | str | None = None,
    QueryWeights: ArrayLike | None = None,
    KeyWeights: ArrayLike | None = None,
    ValueWeights: ArrayLike | None = None,
    OutputWeights: ArrayLike | None = None,
    QueryBias: ArrayLike | None = None,
    KeyBias: ArrayLike | None = None,
    ValueBias: ArrayLike | None = None,
    OutputBias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'selfAttentionLayer over time, or over the spatial dimension where there is no time.'

def sequenceFoldingLayer(
    *,
    Name: str = '',
) -> Layer:
    'sequenceFoldingLayer: frames as observations, those of one time step together.'

def sequenceInputLayer(
    inputSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Normalization: Literal['none', 'zerocenter', 'zscore', 'rescale-symmetric', 'rescale-zero-one'] = 'none',
    SplitComplexInputs: bool = False,
    MinLength: int = 1,
    Mean: ArrayLike | None = None,
    StandardDeviation: ArrayLike | None = None,
    Min: ArrayLike | None = None,
    Max: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'sequenceInputLayer: C×T, or H×C×T, H×W×C×T, H×W×D×C×T image sequences.'

def sequenceUnfoldingLayer(
    *,
    Name: str = '',
) -> Layer:
    'sequenceUnfoldingLayer: the time steps back again.'

def sigmoidLayer(
    *,
    Name: str = '',
) -> Layer:
    'sigmoidLayer: 1 / (1 + exp(-x)).'

def sinusoidalPositionEncodingLayer(
    outputSize: int,
    /,
    *,
    Positions: Literal['auto', 'temporal-indices', 'spatial-indices', 'data-values'] = 'auto',
    PositionOffset: int | str | None = None,
    Name: str = '',
) -> Layer:
    'sinusoidalPositionEncodingLayer: channel 2k + 1 is sin(p/10000^(2k/OutputSize)),'

def softmax(
    *,
    Name: str = '',
) -> Layer:
    'softmax: e / Σ e over each column with e = exp(n - max n), in this order. The sum is 1 at'

def softmaxLayer(
    *,
    Name: str = '',
) -> Layer:
    'softmaxLayer: exp(x) / Σ exp(x) over the channels, at each position and step.'

def softplusLayer(
    *,
    Name: str = '',
) -> Layer:
    'softplusLayer: log(1 + exp(x)), for any x without a threshold.'

def spaceToDepthLayer(
    blockSize: int | Sequence[int] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    "spaceToDepthLayer: the inverse of depthToSpace2dLayer's 'dcr'; rows and columns that"

def spatialDropoutLayer(
    probability: float = 0.5,
    /,
    *,
    Name: str = '',
) -> Layer:
    'spatialDropoutLayer: the identity at prediction; in training whole channels of an'

def ssdMergeLayer(
    numChannels: int,
    numFeatureMaps: int,
    /,
    *,
    Name: str = '',
) -> Layer:
    'ssdMergeLayer: the outputs of several feature maps as one.'

def sseClassificationLayer(
    *,
    Classes: Any = (),
    Name: str = '',
) -> Layer:
    "sseClassificationLayer, a custom layer of MATLAB's documentation: Σ (y - t)²."

def stftLayer(
    *,
    Window: Any = ...,
    OverlapLength: int | str | None = None,
    FFTLength: int | str | None = None,
    TransformMode: Literal['mag', 'squaremag', 'logmag', 'logsquaremag', 'realimag'] = 'mag',
    WeightLearnRateFactor: int = 0,
    Name: str = '',
) -> Layer:
    'stftLayer: the short-time Fourier transform of each channel, CBT to SCBT, the'

def swishLayer(
    *,
    Name: str = '',
) -> Layer:
    'swishLayer: x / (1 + exp(-x)).'

def tanhLayer(
    *,
    Name: str = '',
) -> Layer:
    'tanhLayer: tanh(x).'

def tansig(
    *,
    Name: str = '',
) -> Layer:
    'tansig: 2 / (1 + exp(-2·n)) - 1, as MATLAB writes tanh(n): the last bits differ.'

def transposedConv1dLayer(
    filterSize: int | Sequence[int] | np.ndarray,
    numFilters: int,
    /,
    *,
    NumChannels: int | str | None = None,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Cropping: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'transposedConv1dLayer, over S, or over T where there is no S. Weights f×F×C, Bias'

def transposedConv2dLayer(
    filterSize: int | Sequence[int] | np.ndarray,
    numFilters: int,
    /,
    *,
    NumChannels: int | str | None = None,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Cropping: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'transposedConv2dLayer. Weights fh×fw×F×C, Bias 1×1×F.'

def transposedConv3dLayer(
    filterSize: int | Sequence[int] | np.ndarray,
    numFilters: int,
    /,
    *,
    NumChannels: int | str | None = None,
    Stride: int | Sequence[int] | np.ndarray = 1,
    Cropping: Literal['same', 'causal'] | int | Sequence[int] | np.ndarray = 0,
    Weights: ArrayLike | None = None,
    Bias: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'transposedConv3dLayer. Weights fh×fw×fd×F×C, Bias 1×1×1×F.'

def tribas(
    *,
    Name: str = '',
) -> Layer:
    'tribas: 1 - |n| from -1 to 1, else 0.'

def tverskyPixelClassificationLayer(
    alpha: float,
    beta: float,
    /,
    *,
    Classes: Any = (),
    Epsilon: float = 1e-08,
    Name: str = '',
) -> Layer:
    "tverskyPixelClassificationLayer, a custom layer of MATLAB's documentation:"

def weightedAdditionLayer(
    numInputs: int = 2,
    /,
    *,
    Weights: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    "weightedAdditionLayer, a custom layer of MATLAB's documentation:"

def weightedClassificationLayer(
    classWeights: Any,
    /,
    *,
    Classes: Any = (),
    Name: str = '',
) -> Layer:
    "weightedClassificationLayer, a custom layer of MATLAB's documentation:"

def wordEmbeddingLayer(
    dimension: int,
    numWords: int,
    /,
    *,
    OOVMode: Literal['map-to-last', 'error'] = 'map-to-last',
    Weights: ArrayLike | None = None,
    Name: str = '',
) -> Layer:
    'wordEmbeddingLayer: column k of Weights (Dimension×(NumWords + 1)) for the word k,'

def yolov2OutputLayer(
    anchorBoxes: float | Sequence[float] | np.ndarray,
    /,
    *,
    Classes: Any = (),
    Name: str = '',
) -> Layer:
    'yolov2OutputLayer: the identity; AnchorBoxes are rows [height width] in pixels.'

def yolov2ReorgLayer(
    stride: int | Sequence[int] | np.ndarray,
    /,
    *,
    Name: str = '',
) -> Layer:
    'yolov2ReorgLayer, the older spaceToDepthLayer; assumed to order channels as that.'

def yolov2TransformLayer(
    numAnchorBoxes: int,
    /,
    *,
    Name: str = '',
) -> Layer:
    'yolov2TransformLayer: sigmoid of confidence, x and y, exp of width and height,'
