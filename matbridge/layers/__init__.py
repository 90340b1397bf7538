"""The cards, one file per family as MATLAB's documentation groups them.

``CARDS`` is the explicit table: a card that is not in it does not exist.
"""

from __future__ import annotations

from matbridge.core.card import Layer
from matbridge.layers.activation import (
    ELU,
    GELU,
    ClippedReLU,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)
from matbridge.layers.attention import Attention, SelfAttention
from matbridge.layers.combination import (
    Addition,
    Concatenation,
    DepthConcatenation,
    Multiplication,
    WeightedAddition,
)
from matbridge.layers.complex import (
    ComplexFullyConnected,
    ComplexReLU,
    ComplexToReal,
    RealToComplex,
)
from matbridge.layers.convolution import (
    Convolution1D,
    Convolution2D,
    Convolution3D,
    GroupedConvolution2D,
)
from matbridge.layers.delays import DelayStates, NoInput, ShallowInput, ShallowOutput, TappedDelay
from matbridge.layers.dense import FullyConnected
from matbridge.layers.detection import (
    AnchorBox,
    RegionProposal,
    ROIAlign,
    ROIInput,
    ROIMaxPooling2D,
    RPNSoftmax,
    SSDMerge,
    YOLOv2Output,
    YOLOv2Transform,
)
from matbridge.layers.embedding import (
    EmbeddingConcatenation,
    PatchEmbedding,
    PositionEmbedding,
    SinusoidalPositionEncoding,
    WordEmbedding,
)
from matbridge.layers.feedback import FeedbackLoop
from matbridge.layers.folding import SequenceFolding, SequenceUnfolding
from matbridge.layers.function import FunctionLayer
from matbridge.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from matbridge.layers.imported import (
    BinaryCrossEntropyRegression,
    Clip,
    CustomOutputPort,
    ElementwiseAffine,
    ImportedPReLU,
    KerasFlatten,
    ONNXFlatten,
    ONNXFlattenInto2D,
    TimeDistributedFlatten,
    VerifyBatchSize,
    ZeroPadding1D,
    ZeroPadding2D,
)
from matbridge.layers.input import (
    AnyInput,
    FeatureInput,
    Image3dInput,
    ImageInput,
    PointCloudInput,
    SequenceInput,
)
from matbridge.layers.inverse import InverseNormalization
from matbridge.layers.learner import (
    ClassScores,
    LearnerLayer,
    Predictors,
    PrincipalComponents,
    Response,
    Standardization,
)
from matbridge.layers.nested import NetworkLayer, NeuralODE, ProjectedLayer
from matbridge.layers.normalization import (
    BatchNormalization,
    CrossChannelNormalization,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
)
from matbridge.layers.operator import Operator
from matbridge.layers.output import (
    ClassificationOutput,
    DicePixelClassification,
    FocalLoss,
    MAERegression,
    PixelClassification,
    RCNNBoxRegression,
    RegressionOutput,
    RPNClassification,
    SSEClassification,
    TverskyPixelClassification,
    WeightedClassification,
)
from matbridge.layers.pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    MaxUnpooling2D,
)
from matbridge.layers.processing import PROCESSING
from matbridge.layers.recurrent import GRU, LSTM, BiLSTM, GRUProjected, LSTMProjected, PeepholeLSTM
from matbridge.layers.regularization import Dropout, GaussianNoise, SpatialDropout
from matbridge.layers.reinforcement import ClassificationWithEntropy, FcnLoss, Quadratic, Scaling
from matbridge.layers.resize import (
    Crop2D,
    Crop3D,
    DepthToSpace2D,
    Resize2D,
    Resize3D,
    SpaceToDepth,
    YOLOv2Reorg,
)
from matbridge.layers.shape import Flatten, Identity, Indexing1D, Permute, Reshape
from matbridge.layers.signal import CWT, ISTFT, MODWT, STFT
from matbridge.layers.transfer import TRANSFER
from matbridge.layers.transposed import (
    TransposedConvolution1D,
    TransposedConvolution2D,
    TransposedConvolution3D,
)
from matbridge.layers.weighting import NET_INPUT, WEIGHTING

__all__ = ["CARDS"]

CARDS: tuple[type[Layer], ...] = (
    # Input
    ImageInput,
    Image3dInput,
    SequenceInput,
    FeatureInput,
    PointCloudInput,
    ROIInput,
    AnyInput,
    # Sequence
    LSTM,
    LSTMProjected,
    BiLSTM,
    GRU,
    GRUProjected,
    PeepholeLSTM,
    SequenceFolding,
    SequenceUnfolding,
    Flatten,
    WordEmbedding,
    SelfAttention,
    Attention,
    PositionEmbedding,
    SinusoidalPositionEncoding,
    EmbeddingConcatenation,
    PatchEmbedding,
    Indexing1D,
    # Convolution, fully connected
    Convolution1D,
    Convolution2D,
    Convolution3D,
    GroupedConvolution2D,
    TransposedConvolution1D,
    TransposedConvolution2D,
    TransposedConvolution3D,
    FullyConnected,
    # Activation
    ReLU,
    LeakyReLU,
    ClippedReLU,
    PReLU,
    ELU,
    Tanh,
    Sigmoid,
    Softplus,
    Swish,
    GELU,
    Softmax,
    FunctionLayer,
    ComplexReLU,
    ComplexToReal,
    RealToComplex,
    ComplexFullyConnected,
    # Normalization, dropout, cropping
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    InstanceNormalization,
    CrossChannelNormalization,
    InverseNormalization,
    Dropout,
    SpatialDropout,
    GaussianNoise,
    Crop2D,
    Crop3D,
    Resize2D,
    Resize3D,
    DepthToSpace2D,
    SpaceToDepth,
    # Pooling
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    MaxUnpooling2D,
    # Combination, shape
    Addition,
    Multiplication,
    Concatenation,
    DepthConcatenation,
    WeightedAddition,
    Identity,
    Reshape,
    Permute,
    NetworkLayer,
    ProjectedLayer,
    NeuralODE,
    Scaling,
    Quadratic,
    # Output
    ClassificationOutput,
    RegressionOutput,
    PixelClassification,
    DicePixelClassification,
    FocalLoss,
    RPNSoftmax,
    RPNClassification,
    RCNNBoxRegression,
    WeightedClassification,
    TverskyPixelClassification,
    SSEClassification,
    MAERegression,
    FcnLoss,
    ClassificationWithEntropy,
    # Object detection
    YOLOv2Transform,
    YOLOv2Reorg,
    YOLOv2Output,
    AnchorBox,
    SSDMerge,
    ROIMaxPooling2D,
    ROIAlign,
    RegionProposal,
    # Signal processing
    STFT,
    ISTFT,
    MODWT,
    CWT,
    # Shallow networks
    *PROCESSING.values(),
    *WEIGHTING.values(),
    *NET_INPUT.values(),
    *TRANSFER.values(),
    ShallowInput,
    ShallowOutput,
    NoInput,
    DelayStates,
    TappedDelay,
    FeedbackLoop,
    # Statistics and Machine Learning Toolbox
    Predictors,
    PrincipalComponents,
    Standardization,
    LearnerLayer,
    ClassScores,
    Response,
    # Left by importers
    ElementwiseAffine,
    ONNXFlatten,
    ONNXFlattenInto2D,
    KerasFlatten,
    TimeDistributedFlatten,
    Clip,
    ImportedPReLU,
    ZeroPadding1D,
    ZeroPadding2D,
    VerifyBatchSize,
    CustomOutputPort,
    BinaryCrossEntropyRegression,
    # Of files of other tools
    Operator,
)
