"""The cards, one file per family as MATLAB's documentation groups them.

``CARDS`` is the explicit table: a card that is not in it does not exist.
"""

from __future__ import annotations

from matbridge.card import Layer
from matbridge.layers.activation import ELU, LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from matbridge.layers.attention import PositionEmbedding, SelfAttention
from matbridge.layers.combination import Addition, Concatenation, DepthConcatenation
from matbridge.layers.convolution import Convolution2D, TransposedConvolution2D
from matbridge.layers.dense import FullyConnected
from matbridge.layers.detection import YOLOv2Output, YOLOv2Transform
from matbridge.layers.function import FunctionLayer
from matbridge.layers.input import FeatureInput, Image3dInput, ImageInput, SequenceInput
from matbridge.layers.normalization import BatchNormalization
from matbridge.layers.output import ClassificationOutput, RegressionOutput
from matbridge.layers.pooling import AveragePooling2D, MaxPooling2D
from matbridge.layers.recurrent import GRU, LSTM, BiLSTM, LSTMProjected
from matbridge.layers.regularization import Dropout
from matbridge.layers.reinforcement import ClassificationWithEntropy, FcnLoss, Scaling
from matbridge.layers.shape import Crop2D, Flatten, Indexing1D, Resize2D

__all__ = ["CARDS"]

CARDS: tuple[type[Layer], ...] = (
    ImageInput,
    Image3dInput,
    SequenceInput,
    FeatureInput,
    LSTM,
    LSTMProjected,
    BiLSTM,
    GRU,
    Flatten,
    SelfAttention,
    PositionEmbedding,
    Indexing1D,
    Convolution2D,
    TransposedConvolution2D,
    FullyConnected,
    ReLU,
    LeakyReLU,
    ELU,
    Tanh,
    Sigmoid,
    Softmax,
    BatchNormalization,
    Dropout,
    Crop2D,
    Resize2D,
    AveragePooling2D,
    MaxPooling2D,
    Addition,
    Concatenation,
    DepthConcatenation,
    ClassificationOutput,
    RegressionOutput,
    YOLOv2Transform,
    YOLOv2Output,
    Scaling,
    FcnLoss,
    ClassificationWithEntropy,
    FunctionLayer,
)
