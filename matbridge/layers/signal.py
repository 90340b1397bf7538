"""Layers that transform signals: short-time Fourier, wavelets."""

from __future__ import annotations

import math

import numpy as np

from matbridge.core.card import Layer, prop
from matbridge.core.dims import Size
from matbridge.core.kinds import integer, one_of, optional, positive, reals
from matbridge.layers.notyet import NotYet
from matbridge.ops import Ops, Parameters, Value

__all__ = ["CWT", "ISTFT", "MODWT", "STFT"]

HANN = 128


def _hann(n: int) -> np.ndarray:
    """The periodic Hann window."""
    return (1 - np.cos(2 * math.pi * np.arange(n) / n)) / 2


def _window(value: object) -> np.ndarray:
    """A vector of two numbers or more."""
    array = reals(value).reshape(-1, 1)
    if array.size < 2:
        raise ValueError("two numbers or more are needed")
    return array


class STFT(Layer):
    """stftLayer: the short-time Fourier transform of each channel, CBT to SCBT, the
    frequencies as S.

    Segment m is Window·x(m·hop + 1 ... m·hop + L), hop the length L of Window less
    OverlapLength, as many as lie within the signal; its transform of FFTLength points is kept
    up to half of them, floor(FFTLength/2) + 1. TransformMode 'mag' and 'squaremag' give
    |X| and |X|², 'logmag' and 'logsquaremag' their natural logarithm, 'realimag' the real
    part and the imaginary part as two channels. Refused are 'realimag' of several channels,
    whose order is not documented, signals shorter than FFTLength, which MATLAB pads, and
    Weights that were trained (WeightLearnRateFactor is not 0).
    """

    MATLAB = ("stftLayer",)
    BUILDER = "stftLayer"
    FORMATS = "CBT"
    NICKNAME = "stft"
    PRODUCT = "Signal Processing Toolbox"
    SINCE = "R2021b"
    # The initial weights are the window, or what it follows from.
    TRAINING = ("Weights",)

    window: np.ndarray = prop("Window", _window, default=_hann(HANN))
    overlap_length: int | None = prop("OverlapLength", optional(integer), default=None)
    fft_length: int | None = prop("FFTLength", optional(positive), default=None)
    transform_mode: str = prop(
        "TransformMode",
        one_of("mag", "squaremag", "logmag", "logsquaremag", "realimag"),
        default="mag",
    )
    weight_learn_rate_factor: int = prop("WeightLearnRateFactor", integer, default=0)

    @property
    def points(self) -> int:
        return self.fft_length or self.window.size

    @property
    def hop(self) -> int:
        """From one segment to the next; three quarters of a window overlap by default."""
        length = self.window.size
        return length - (length * 3 // 4 if self.overlap_length is None else self.overlap_length)

    def infer(self, x: Size) -> Size:
        if x.format != "CBT":
            self.refuse(f"needs a signal of format CBT, but its input is {x}")
        if self.weight_learn_rate_factor != 0:
            self.refuse("has weights that were trained, which are not supported")
        if not 0 < self.hop <= self.window.size or self.points < self.window.size:
            self.refuse("has an OverlapLength or FFTLength that does not fit its Window")
        if x["T"] is not None and x["T"] < self.points:
            self.refuse(f"needs {self.points} steps, but its input is {x}")
        channels = x["C"]
        if self.transform_mode == "realimag":
            self.expect(channels, 1, "channel for 'realimag'", x)
            channels = 2
        return x.put(C=channels, T=None).with_spatial(self.points // 2 + 1)

    def kernel(self) -> np.ndarray:
        """Window·exp(-2πikn/FFTLength): L×1×2K, the real parts of all frequencies first."""
        n = np.arange(self.window.size)[:, None]
        # Whole turns are left out while they are whole numbers, so that no angle loses digits.
        angles = 2 * math.pi / self.points * (n * np.arange(self.points // 2 + 1) % self.points)
        waves = np.concatenate([np.cos(angles), -np.sin(angles)], 1)
        return (self.window * waves)[:, None, :]

    def forward(self, ops: Ops, p: Parameters, x: Value) -> Value:
        kernel = self.kernel()
        frequencies = kernel.shape[2] // 2
        # Each channel by itself: what is called X rides along as batch.
        signals = ops.rename(x, x.dims.replace("C", "X"))
        both = ops.convolve(
            ops.align(signals, signals.dims + "C"),
            ops.constant(kernel, "SIO"),
            ops.constant(np.zeros(2 * frequencies), "O"),
            over="T",
            stride=[self.hop],
            dilation=[1],
            padding=[(0, 0)],
        )
        split = ops.split(both, "C", (2, frequencies), "PS")
        real, imaginary = (ops.drop(ops.slice(split, "P", part, part + 1), "P") for part in (0, 1))
        real, imaginary = (
            ops.rename(part, part.dims.replace("X", "C")) for part in (real, imaginary)
        )
        if self.transform_mode == "realimag":
            return ops.concatenate([real, imaginary], "C")
        return self._magnitude(ops, real, imaginary)

    def _magnitude(self, ops: Ops, real: Value, imaginary: Value) -> Value:
        power = ops.add(ops.multiply(real, real), ops.multiply(imaginary, imaginary))
        if self.transform_mode == "squaremag":
            return power
        if self.transform_mode == "mag":
            return ops.map("sqrt", power)
        logarithm = ops.map("log", power)
        return logarithm if self.transform_mode == "logsquaremag" else ops.multiply(logarithm, 0.5)


class ISTFT(NotYet):
    """istftLayer: the signal of a short-time Fourier transform."""

    MATLAB = ("istftLayer",)
    BUILDER = "istftLayer"
    NICKNAME = "istft"
    PRODUCT = "Signal Processing Toolbox"
    SINCE = "R2024a"
    REASON = "how it divides by the windows where they overlap to nothing is not documented"


class CWT(NotYet):
    """cwtLayer: the continuous wavelet transform."""

    MATLAB = ("cwtLayer",)
    BUILDER = "cwtLayer"
    NICKNAME = "cwt"
    PRODUCT = "Wavelet Toolbox"
    SINCE = "R2022b"
    REASON = (
        "which filters its frequency limits give, and how signals are padded to SignalLength, "
        "is not documented in full"
    )


class MODWT(NotYet):
    """modwtLayer: the maximal overlap discrete wavelet transform."""

    MATLAB = ("modwtLayer",)
    BUILDER = "modwtLayer"
    NICKNAME = "modwt"
    PRODUCT = "Wavelet Toolbox"
    SINCE = "R2022b"
    REASON = (
        "its filters are tables of the Wavelet Toolbox, and how its Weights hold them is not "
        "documented"
    )
