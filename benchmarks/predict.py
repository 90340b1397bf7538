"""Prediction against the same network written by hand in PyTorch, with the same weights.

    python benchmarks/predict.py [--device cuda] [--threads N]

"module" is the prepared module on tensors, "predict" the whole way from MATLAB's arrays and
back. The ratios, taken in turns in one run, are what counts.
"""

import itertools

import numpy as np
import torch
from common import compare, device_and_wait, layer, normal, recurrent_layer
from torch import nn

from matbridge import Network
from matbridge.torch.module import NetworkModule
from matbridge.torch.prediction import PreparedModule


def dense(inputs, outputs):
    weights = {"Weights": normal(outputs, inputs), "Bias": normal(outputs, 1)}
    return layer("fullyConnectedLayer", outputs, **weights)


def convolution(C, F, stride=1):
    arrays = {"Weights": normal(3, 3, C, F), "Bias": normal(1, 1, F)}
    return layer("convolution2dLayer", 3, F, Stride=stride, Padding="same", **arrays)


def batch_normalization(C):
    arrays = {"TrainedMean": normal(1, 1, C), "TrainedVariance": normal(1, 1, C) ** 2 + 1}
    arrays |= {"Scale": normal(1, 1, C) + 1, "Offset": normal(1, 1, C)}
    return layer("batchNormalizationLayer", **arrays)


class ByHand(nn.Module):
    """What a careful user would write: the layers of torch.nn, one after the other."""

    def __init__(self, *parts, last=False):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.last = last

    def forward(self, x):
        for part in self.parts:
            if isinstance(part, nn.LSTM | nn.GRU):
                x, _ = part(x.transpose(1, 2))
                x = x.transpose(1, 2)
            elif isinstance(part, nn.Linear) and x.ndim == 3:
                x = part(x.transpose(1, 2)).transpose(1, 2)
            else:
                x = part(x)
        return x


def copy_recurrent(one, kind, D, H, directions=1):
    made = kind(D, H, batch_first=True, bidirectional=directions == 2)
    for i, suffix in enumerate(("", "_reverse")[:directions]):
        for ours, theirs in (
            ("InputWeights", "weight_ih_l0"),
            ("RecurrentWeights", "weight_hh_l0"),
            ("Bias", "bias_ih_l0"),
        ):
            rows = np.split(one.arrays[ours], directions)[i].reshape(
                getattr(made, theirs + suffix).shape
            )
            getattr(made, theirs + suffix).data = torch.tensor(rows)
        getattr(made, "bias_hh_l0" + suffix).data.zero_()
    return made


def copy_dense(one):
    made = nn.Linear(*reversed(one.arrays["Weights"].shape))
    made.weight.data = torch.tensor(one.arrays["Weights"])
    made.bias.data = torch.tensor(one.arrays["Bias"].reshape(-1))
    return made


def copy_convolution(one):
    C, F = one.arrays["Weights"].shape[2:]
    made = nn.Conv2d(C, F, 3, padding=1)
    made.weight.data = torch.tensor(one.arrays["Weights"].transpose(3, 2, 0, 1).copy())
    made.bias.data = torch.tensor(one.arrays["Bias"].reshape(-1))
    return made


def copy_batch_normalization(one):
    made = nn.BatchNorm2d(one.arrays["Scale"].size)
    made.weight.data = torch.tensor(one.arrays["Scale"].reshape(-1))
    made.bias.data = torch.tensor(one.arrays["Offset"].reshape(-1))
    made.running_mean.data = torch.tensor(one.arrays["TrainedMean"].reshape(-1))
    made.running_var.data = torch.tensor(one.arrays["TrainedVariance"].reshape(-1))
    return made


def recurrent_case(builder, directions, kind, D=32, H=128, K=10):
    one, out = recurrent_layer(builder, D, H), dense(directions * H, K)
    network = Network.of([layer("sequenceInputLayer", D), one, out])
    by_hand = ByHand(copy_recurrent(one, kind, D, H, directions), copy_dense(out))
    return network, by_hand, (D, 100), (32, D, 100)


def cnn_case():
    parts, hand, C = [layer("imageInputLayer", [32, 32, 3], Normalization="none")], [], 3
    for F in (32, 64, 64):
        c, b = convolution(C, F), batch_normalization(F)
        parts += [c, b, layer("reluLayer"), layer("maxPooling2dLayer", 2, Stride=2)]
        hand += [copy_convolution(c), copy_batch_normalization(b), nn.ReLU(), nn.MaxPool2d(2)]
        C = F
    out = dense(4 * 4 * 64, 10)
    linear = copy_dense(out)
    # MATLAB's columns run over the height first, torch's over the channels last.
    columns = out.arrays["Weights"].reshape(10, 64, 4, 4).transpose(0, 1, 3, 2).reshape(10, -1)
    linear.weight.data = torch.tensor(columns.copy())
    return Network.of([*parts, out]), ByHand(*hand, nn.Flatten(), linear), None, (16, 3, 32, 32)


def mlp_case():
    sizes = (20, 64, 64, 4)
    parts, hand = [layer("featureInputLayer", 20)], []
    for a, b in itertools.pairwise(sizes):
        one = dense(a, b)
        parts += [one, layer("tanhLayer")]
        hand += [copy_dense(one), nn.Tanh()]
    return Network.of(parts), ByHand(*hand), None, (1, 20)


CASES = {
    "LSTM 128, 32×100 steps": lambda: recurrent_case("lstmLayer", 1, nn.LSTM),
    "BiLSTM 128, 32×100 steps": lambda: recurrent_case("bilstmLayer", 2, nn.LSTM),
    "GRU 128, 32×100 steps": lambda: recurrent_case("gruLayer", 1, nn.GRU),
    "CNN, 16 images 32×32": cnn_case,
    "MLP, one observation": mlp_case,
}


def main():
    device, wait = device_and_wait(__doc__)
    with torch.inference_mode():
        for name, make in CASES.items():
            run_case(name, *make()[:2], make()[3], device, wait)


def run_case(name, network, by_hand, size, device, wait):
    x = torch.from_numpy(normal(*size)).to(device)
    by_hand = by_hand.to(device).eval()
    module = PreparedModule(network, device=device)
    plain = NetworkModule(network, device=device)
    difference = (module(x) - by_hand(x)).abs().max() / by_hand(x).abs().max()
    assert difference < 1e-4, f"{name}: not the same network ({difference})"
    given = x.cpu().numpy()
    formats = {2: "BC", 3: "BCT", 4: "BCSS"}[x.ndim]
    times = compare(
        {
            "by hand": lambda: by_hand(x),
            "module": lambda: module(x),
            "not prepared": lambda: plain(x),
            "predict": lambda: network.predict(
                given, format=formats, device=device, engine="torch"
            ),
        },
        synchronize=wait,
    )
    base = times["by hand"]
    ratios = ", ".join(f"{k} ×{v / base:.2f}" for k, v in times.items() if k != "by hand")
    print(f"{name:26} by hand {base * 1e3:8.3f} ms   {ratios}")


if __name__ == "__main__":
    main()
