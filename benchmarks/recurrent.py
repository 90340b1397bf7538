"""Recurrent layers that no standard kernel computes, against those that one does.

    python benchmarks/recurrent.py [--device cuda] [--threads N]

Each layer is timed against torch.nn.LSTM or torch.nn.GRU of the same size, with ONNX
Runtime on the written model beside them (on the CPU). The ratios, taken in turns in one
run, are what counts: above 1 is slower than torch's own layer.
"""

import numpy as np
import torch
from common import compare, device_and_wait, layer, normal, recurrent_layer
from torch import nn

from matbridge import Network
from matbridge.onnx.write import to_onnx
from matbridge.torch.prediction import PreparedModule

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


def network_of(constructor, options, channels, units):
    """The layer behind an input layer."""
    projectors = (units // 4, channels // 4) if "Projected" in constructor else ()
    one = recurrent_layer(constructor, channels, units, *projectors, **options)
    return Network.of([layer("sequenceInputLayer", channels), one])


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
    device, wait = device_and_wait(__doc__)
    with torch.inference_mode():
        for channels, units, batch, steps in SIZES:
            print(f"{units} hidden units, {channels} channels, {batch} × {steps} steps")
            for name, (constructor, options) in CASES.items():
                sizes = channels, units, batch, steps
                run_case(name, constructor, options, sizes, device, wait)


if __name__ == "__main__":
    main()
