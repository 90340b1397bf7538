"""What a user waits for, against all that could compute the same network on a CPU.

    python benchmarks/engines.py [--threads N ...] [--only TEXT] [--seconds S] [--no-compile]

"matbridge" is the whole way of predict with the engine that it chooses, from MATLAB's arrays
and back; "torch" the same network written by hand in PyTorch, "compiled" that by
torch.compile, "onnxruntime" the bare call on the model that matbridge writes. All take turns
in one run; what counts are the ratios of the shortest times, since a machine that is busy only
adds. Each number of threads (1 and all, without --threads) is a process of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys

import numpy as np
import torch
from common import compare, layer, normal, recurrent_layer
from predict import (
    ByHand,
    batch_normalization,
    cnn_case,
    convolution,
    copy_batch_normalization,
    copy_convolution,
    copy_dense,
    copy_recurrent,
    dense,
    mlp_case,
)
from torch import nn

from matbridge import Network
from matbridge.onnx.write import to_onnx

KINDS = {"lstmLayer": nn.LSTM, "gruLayer": nn.GRU}
# What a ratio may be: to the best of the others, for batches and for calls of microseconds.
GOAL, TINY_GOAL, TINY = 1.1, 3.0, 100e-6


def matlab(array):
    """As MATLAB's files hold it: the first dimension runs fastest."""
    return np.asfortranarray(array)


def recurrent_case(builder, observations, steps, D=12, H=64, K=5):
    """A recurrent layer with a dense one; sequences as MATLAB's cell, or a single one."""
    one, out = recurrent_layer(builder, D, H), dense(H, K)
    by_hand = ByHand(copy_recurrent(one, KINDS[builder], D, H), copy_dense(out))
    xs = [matlab(normal(D, steps)) for _ in range(observations)]
    network = Network.of([layer("sequenceInputLayer", D), one, out])
    return network, by_hand, xs if observations > 1 else xs[0], np.stack(xs)


def images_case(make, observations):
    network, by_hand, *_ = make()
    size = network.layers[0].input_size
    x = matlab(normal(*size, observations))
    return network, by_hand, x, np.ascontiguousarray(x.transpose(3, 2, 0, 1))


def large_cnn():
    """Five stages of convolution, normalization, relu and pooling from 224×224 to 7×7."""
    parts, hand, C = [layer("imageInputLayer", [224, 224, 3], Normalization="none")], [], 3
    for F in (16, 32, 64, 128, 256):
        c, b = convolution(C, F), batch_normalization(F)
        parts += [c, b, layer("reluLayer"), layer("maxPooling2dLayer", 2, Stride=2)]
        hand += [copy_convolution(c), copy_batch_normalization(b), nn.ReLU(), nn.MaxPool2d(2)]
        C = F
    out = dense(C, 100)
    parts += [layer("globalAveragePooling2dLayer"), out]
    hand += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), copy_dense(out)]
    return Network.of(parts), ByHand(*hand)


def rows_case():
    network, by_hand, *_ = mlp_case()
    x = matlab(normal(1, 20))
    return network, by_hand, x, x


CASES = {
    "MLP, one observation": rows_case,
    "LSTM, one step": lambda: recurrent_case("lstmLayer", 1, 1),
    "LSTM, 100 steps": lambda: recurrent_case("lstmLayer", 1, 100),
    "LSTM, 64×100 steps": lambda: recurrent_case("lstmLayer", 64, 100),
    "GRU, one step": lambda: recurrent_case("gruLayer", 1, 1),
    "GRU, 100 steps": lambda: recurrent_case("gruLayer", 1, 100),
    "GRU, 64×100 steps": lambda: recurrent_case("gruLayer", 64, 100),
    "CNN 32 px, one image": lambda: images_case(cnn_case, 1),
    "CNN 32 px, 64 images": lambda: images_case(cnn_case, 64),
    "CNN 224 px, one image": lambda: images_case(large_cnn, 1),
}


def bare(network, threads):
    """onnxruntime on the model that matbridge writes, as its documentation says."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = to_onnx(network).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def contestants_of(network, by_hand, given, array, threads, compiled):
    session, runtime = network.session(), bare(network, threads)
    entry, x, by_hand = runtime.get_inputs()[0].name, torch.from_numpy(array), by_hand.eval()
    found = {
        "matbridge": lambda: session.predict(given),
        "torch": lambda: by_hand(x),
        "onnxruntime": lambda: runtime.run(None, {entry: array}),
    }
    if compiled:
        program = torch.compile(by_hand)
        found["compiled"] = lambda: program(x)
    if any(array.role == "state" for array in network.layers[1].declared):
        found["updating"] = lambda: session.predict_and_update_state(given)
    return session, found


def check(found, name):
    """Whether they compute the same."""
    truth = found["torch"]().numpy()
    (other,) = found["onnxruntime"]()
    ours = found["matbridge"]()
    stacked = np.stack(ours) if isinstance(ours, list) else np.reshape(ours, truth.shape)
    for y in (other, stacked):
        worst = np.abs(y - truth).max() / np.abs(truth).max()
        assert worst < 1e-4, f"{name}: not the same network ({worst})"


def run_case(name, make, given):
    network, by_hand, x, array = make()
    session, found = contestants_of(network, by_hand, x, array, given.threads[0], given.compile)
    check(found, name)
    times = compare(found, seconds=given.seconds, pick=min, calls=5)
    ours = [times.pop(key) for key in ("matbridge", "updating") if key in times]
    best = min(times.values())
    goal = TINY_GOAL if best < TINY else GOAL
    verdict = "" if ours[0] <= goal * best else f"  above {goal:g}"
    others = "  ".join(f"{key} {value * 1e3:9.4f}" for key, value in times.items())
    more = f" (updating the state ×{ours[1] / best:4.2f})" if len(ours) > 1 else ""
    print(f"{name:22} matbridge {ours[0] * 1e3:9.4f} ms  ×{ours[0] / best:4.2f}{more}  {others}  "
          f"[{session.choice}]{verdict}", flush=True)  # fmt: skip


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--only", default="", help="the rows with this text")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each contestant")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    return parser.parse_args()


def main():
    given = arguments()
    if len(given.threads) > 1:
        for threads in given.threads:
            options = [*sys.argv, "--threads", str(threads)]
            subprocess.run([sys.executable, *options], check=True)
        return
    threads = given.threads[0]
    if os.environ.get("OMP_NUM_THREADS") != str(threads):
        # Read by every library when it is loaded.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    torch.set_num_threads(threads)
    if given.compile and not shutil.which(os.environ.get("CXX", "g++")):
        print("no C++ compiler: torch.compile is left out")
        given.compile = False
    print(f"{threads} threads, torch {torch.__version__}; shortest times in ms", flush=True)
    with torch.inference_mode():
        for name, make in CASES.items():
            if given.only in name:
                run_case(name, make, given)


if __name__ == "__main__":
    main()
