"""Transforms of signals, C×N×T."""

import numpy as np


def stft(x, window, overlap, points, mode):
    """K×C×N×M: segment by segment, by NumPy's FFT."""
    length, hop = len(window), len(window) - overlap
    segments = (x.shape[2] - overlap) // hop
    parts = [x[:, :, m * hop : m * hop + length] * window for m in range(segments)]
    spectra = np.stack([np.fft.rfft(part, points) for part in parts], -1)
    y = np.moveaxis(spectra, 2, 0)
    if mode == "realimag":
        return np.concatenate([y.real, y.imag], 1)
    size = abs(y) ** 2 if "square" in mode else abs(y)
    return np.log(size) if mode.startswith("log") else size
