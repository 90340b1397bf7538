"""Judging every recorded layer one after the other, against holding all that layers give.

    python benchmarks/layers.py [--layers N] [--size PIXELS]

A fixture is recorded of a deep convolutional network; each contestant then runs in a process of its
own, so that its peak memory is its own: ``streamed`` is what verify does, in float64 and in
float32; ``whole`` keeps the values of all layers, ours and those that were recorded, and compares
them in the end. Ratios, side by side in one run, are what counts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import layer, normal
from load import peak_megabytes

CHANNELS, OBSERVATIONS = 16, 4


def network(layers, size):
    from matbridge import Network

    stack = [layer("imageInputLayer", [size, size, 3], Name="x", Normalization="none")]
    for n in range(layers // 2):
        inputs = 3 if n == 0 else CHANNELS
        arrays = {"Weights": normal(3, 3, inputs, CHANNELS), "Bias": normal(1, 1, CHANNELS)}
        stack.append(
            layer("convolution2dLayer", 3, CHANNELS, Padding="same", Name=f"c{n}", **arrays)
        )
        stack.append(layer("leakyReluLayer", 0.5, Name=f"r{n}"))
    return Network.of(stack)


def record(path, layers, size):
    from matbridge import record as keep

    built = network(layers, size)
    keep(built, normal(size, size, 3, OBSERVATIONS), to=path, layers="all", keep_network=True)


def case_of(path):
    import matbridge
    from matbridge.verify.fixtures.read import read_fixture

    return read_fixture(path).case(matbridge.load(path, "net"))


def streamed(case):
    from matbridge.verify.layers.judging import judge_layers

    return [one.verdict for one in judge_layers(case)]


def whole(case):
    from matbridge.verify.fixtures.record import recorded
    from matbridge.verify.values import judge

    known = dict(case.activations)
    runs = [
        recorded(case.network, case.inputs, "all", dtype=dtype).activations
        for dtype in ("float64", "float32")
    ]
    dims = "SSCB"
    return [
        judge(name, known[name], *(runs[0][name], [runs[1][name]]), dims=dims).verdict
        for name in known
    ]


CONTESTANTS = {"streamed": streamed, "whole": whole}


def measure(which, path):
    """In this process: the time and the peak memory beyond what reading the network takes."""
    import torch  # noqa: F401

    case = case_of(path)
    before = peak_megabytes()
    start = time.perf_counter()
    verdicts = CONTESTANTS[which](case)
    seconds = time.perf_counter() - start
    print(json.dumps({
        "seconds": seconds, "megabytes": peak_megabytes() - before,
        "passed": set(verdicts) <= {"identical", "rounding"}, "layers": len(verdicts),
    }))  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=60)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--measure", nargs=2, metavar=("WHICH", "PATH"))
    given = parser.parse_args()
    if given.measure:
        return measure(given.measure[0], Path(given.measure[1]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ref.mat"
        record(path, given.layers, given.size)
        found = {}
        for which in CONTESTANTS:
            command = [sys.executable, __file__, "--measure", which, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[which] = json.loads(done.stdout)
    one = given.size**2 * CHANNELS * OBSERVATIONS * 4 / 1e6
    print(f"{given.layers} layers, {one:.1f} MB each in float32")
    for which, figures in found.items():
        ratio = figures["megabytes"] / found["streamed"]["megabytes"]
        print(
            f"  {which:9} {figures['megabytes']:8.0f} MB ×{ratio:.2f}  {figures['seconds']:6.1f} s"
            f"  {figures['layers']} layers judged, {'all pass' if figures['passed'] else 'FAILED'}"
        )
    return None


if __name__ == "__main__":
    main()
