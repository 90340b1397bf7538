"""Timing, side by side: the contestants take turns, so that both see the same machine."""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
draw = np.random.default_rng(0)


def device_and_wait(about):
    """The device asked for on the command line, and what waits until it has finished."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="PyTorch's; all by default")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    print(f"{device}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    return device, torch.cuda.synchronize if device.type == "cuda" else lambda: None


def layer(name, *arguments, **options):
    """The layer that MATLAB's constructor makes."""
    from matbridge.matlab import CONSTRUCTORS, construct

    return construct(CONSTRUCTORS[name], *arguments, **options)


def normal(*size):
    return (draw.standard_normal(size) * 0.1).astype(np.float32)


def recurrent_layer(constructor, channels, units, *positional, **options):
    """A recurrent layer with random weights of the sizes that it declares."""
    bare = layer(constructor, units, *positional, **options)
    rows = bare.DIRECTIONS * len(bare.GATES) * units
    outputs, inputs = positional or (units, channels)
    sizes = {
        "InputWeights": (rows, inputs),
        "RecurrentWeights": (rows, outputs),
        "Bias": (rows, 1),
        "PeepholeWeights": (3 * units, 1),
        "InputProjector": (channels, inputs),
        "OutputProjector": (units, outputs),
    }
    arrays = {a.name: normal(*sizes[a.name]) for a in bare.declared if a.name in sizes}
    return layer(constructor, units, *positional, **options, **arrays)


def compare(contestants, seconds=1.0, synchronize=lambda: None, pick=statistics.median, calls=1):
    """Median time (or what ``pick`` takes) of one call for each named function, in turns.

    With several ``calls`` a turn the first finds what the others left in the caches.
    """
    times = {name: [] for name in contestants}
    for function in contestants.values():
        for _ in range(3):
            function()
    end = time.perf_counter() + seconds * len(contestants)
    while time.perf_counter() < end or len(times[next(iter(times))]) < 5:
        for name, function in [one for one in contestants.items() for _ in range(calls)]:
            synchronize()
            start = time.perf_counter()
            function()
            synchronize()
            times[name].append(time.perf_counter() - start)
    return {name: pick(found) for name, found in times.items()}
