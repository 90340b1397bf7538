"""Recurrent layers that no standard kernel computes, against those that one does.

    python benchmarks/recurrent.py [--device cuda]

Each layer is timed against torch.nn.LSTM or torch.nn.GRU of the same size, with ONNX
Runtime on the written model beside them (on the CPU). The ratios, taken in turns in one
run, are what counts: above 1 is slower than torch's own layer.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from common import compare
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from matbridge import Network  # noqa: E402
from matbridge.matlab import CONSTRUCTORS, construct  # noqa: E402
from matbridge.run.module import PreparedModule  # noqa: E402
from matbridge.write.onnx import to_onnx  # noqa: E402

CASES = {
    "LSTM (torch's kernel)": ("lstmLayer", {}),
    "LSTM, hard-sigmoid": ("lstmLayer", {"GateActivationFunction": "hard-sigmoid"}),
    "LSTM, softsign": ("lstmLayer", {"StateActivationFunction": "softsign"}),
    "LSTM, relu": ("lstmLayer", {"StateActivationFunction": "relu"}),
    "BiLSTM, hard-sigmoid": ("bilstmLayer", {"GateActivationFunction": "hard-sigmoid"}),
    "LSTM, peephole": ("peepholeLSTMLayer", {}),
    "LSTM, projected": ("lstmProjectedLayer", {}),
    "GRU (torch's kernel)": ("gruLayer", {}),
    "GRU, before-multiplication": ("gruLayer", {"ResetGateMode": "before-multiplication"}),
    "GRU, hard-sigmoid": ("gruLayer", {"GateActivationFunction": "hard-sigmoid"}),
    "GRU, projected": ("gruProjectedLayer", {}),
}
SIZES = [(32, 128, 32, 100), (32, 128, 1, 100), (64, 512, 16, 50)]


def normal(*size):
    return (np.random.default_rng(0).standard_normal(size) * 0.1).astype(np.float32)


def network_of(constructor, options, channels, units):
    """The layer behind an input layer, with random arrays of the sizes that it declares."""
    input = construct(CONSTRUCTORS["sequenceInputLayer"], channels)
    quarter = (units // 4, channels // 4) if "Projected" in constructor else ()
    layer = construct(CONSTRUCTORS[constructor], units, *quarter, **options)
    rows = layer.DIRECTIONS * len(layer.GATES) * units
    sizes = {
        "InputWeights": (rows, quarter[1] if quarter else channels),
        "RecurrentWeights": (rows, quarter[0] if quarter else units),
        "Bias": (rows, 1),
        "PeepholeWeights": (3 * units, 1),
        "InputProjector": (channels, channels // 4),
        "OutputProjector": (units, units // 4),
    }
    names = {declared.name for declared in layer.declared} & set(sizes)
    arrays = {name: normal(*sizes[name]) for name in names}
    return Network.of(
        [input, construct(CONSTRUCTORS[constructor], units, *quarter, **options, **arrays)]
    )


def session_for(network):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that wait busily would slow the others' turns.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        to_onnx(network).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def run_case(name, constructor, options, sizes, device, wait):
    channels, units, batch, steps = sizes
    network = network_of(constructor, options, channels, units)
    x = torch.from_numpy(normal(batch, channels, steps)).to(device)
    kind = nn.LSTM if "lstm" in constructor.lower() else nn.GRU
    standard = kind(channels, units, bidirectional="bilstm" in constructor).to(device).eval()
    order = x.permute(2, 0, 1).contiguous()
    module = PreparedModule(network, device=device)
    contestants = {"torch": lambda: standard(order), "matbridge": lambda: module(x)}
    if device.type == "cpu":
        session, fed = session_for(network), x.numpy()
        input_name = session.get_inputs()[0].name
        (theirs,) = session.run(None, {input_name: fed})
        difference = np.abs(theirs - module(x).numpy()).max()
        assert difference < 1e-4, f"{name}: not the same network ({difference})"
        contestants["ONNX Runtime"] = lambda: session.run(None, {input_name: fed})
    times = compare(contestants, seconds=0.6, synchronize=wait)
    base = times.pop("torch")
    ratios = "   ".join(f"{key} ×{value / base:5.2f}" for key, value in times.items())
    print(f"  {name:28} {kind.__name__:4} {base * 1e3:8.2f} ms   {ratios}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    print(f"{device}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    with torch.inference_mode():
        for channels, units, batch, steps in SIZES:
            print(f"{units} hidden units, {channels} channels, {batch} × {steps} steps")
            for name, (constructor, options) in CASES.items():
                sizes = channels, units, batch, steps
                run_case(name, constructor, options, sizes, device, wait)


if __name__ == "__main__":
    main()
