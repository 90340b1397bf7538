"""Sequences of unequal lengths, each computed exactly: batches against one by one.

    python benchmarks/sequences.py [--device cuda] [--threads N]

"predict" is matbridge as it comes: sequences of like length share a padded mini-batch, and
no padding reaches a result. "packed" is the same network by hand in PyTorch with packed
sequences, sorted, in mini-batches of 128; "one by one" is matbridge given one sequence
after the other. The ratios, taken in turns in one run, are what counts: how many times as
fast as one by one.
"""

import numpy as np
import torch
from common import compare, device_and_wait, layer, normal, recurrent_layer
from torch import nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from matbridge import Network

draw = np.random.default_rng(0)
COUNT, CHANNELS, UNITS, CLASSES = 500, 12, 100, 9
LENGTHS = {"7 to 29 steps": (7, 29), "20 to 400 steps": (20, 400)}
CASES = {
    "LSTM, last": ("lstmLayer", {"OutputMode": "last"}),
    "LSTM, sequence": ("lstmLayer", {}),
    "BiLSTM, last": ("bilstmLayer", {"OutputMode": "last"}),
    "GRU, last": ("gruLayer", {"OutputMode": "last"}),
    "peephole LSTM, last": ("peepholeLSTMLayer", {"OutputMode": "last"}),
}


def network_of(constructor, options):
    recurrent = recurrent_layer(constructor, CHANNELS, UNITS, **options)
    dense = {"Weights": normal(CLASSES, recurrent.DIRECTIONS * UNITS), "Bias": normal(CLASSES, 1)}
    out = layer("fullyConnectedLayer", CLASSES, **dense)
    return Network.of([layer("sequenceInputLayer", CHANNELS), recurrent, out])


class Packed(nn.Module):
    """By hand: torch's kernel on packed sequences, then the dense layer."""

    def __init__(self, network):
        super().__init__()
        _, recurrent, dense = network.layers
        kind = nn.GRU if recurrent.BUILDER == "gruLayer" else nn.LSTM
        self.recurrent = kind(CHANNELS, UNITS, bidirectional=recurrent.DIRECTIONS == 2)
        for i, suffix in enumerate(("", "_reverse")[: recurrent.DIRECTIONS]):
            for ours, theirs in (
                ("InputWeights", "weight_ih_l0"),
                ("RecurrentWeights", "weight_hh_l0"),
                ("Bias", "bias_ih_l0"),
            ):
                place = getattr(self.recurrent, theirs + suffix)
                rows = np.split(recurrent.arrays[ours], recurrent.DIRECTIONS)[i]
                place.data = torch.tensor(rows.reshape(place.shape))
            getattr(self.recurrent, "bias_hh_l0" + suffix).data.zero_()
        self.dense = nn.Linear(recurrent.DIRECTIONS * UNITS, CLASSES)
        self.dense.weight.data = torch.tensor(dense.arrays["Weights"])
        self.dense.bias.data = torch.tensor(dense.arrays["Bias"].reshape(-1))
        self.last = recurrent.output_mode == "last"

    def forward(self, sequences, size=128):
        order = sorted(range(len(sequences)), key=lambda i: -len(sequences[i]))
        found = [None] * len(sequences)
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            packed = pack_sequence([sequences[i] for i in chosen])
            y, state = self.recurrent(packed)
            if self.last:
                hidden = state[0] if isinstance(state, tuple) else state
                parts = self.dense(hidden.transpose(0, 1).flatten(1))
            else:
                parts = [self.dense(part) for part in unpack_sequence(y)]
            for i, part in zip(chosen, parts, strict=True):
                found[i] = part.cpu().numpy()
        return found


def run_case(name, constructor, options, lengths, device, wait):
    network = network_of(constructor, options)
    sequences = [normal(CHANNELS, n) for n in draw.integers(*lengths, COUNT, endpoint=True)]
    # Mini-batches are padded by PyTorch alone; onnxruntime takes those of one length together.
    how = {"device": device, "engine": "torch"}
    contestants = {
        "one by one": lambda: [network.predict(x, **how) for x in sequences],
        "predict": lambda: network.predict(sequences, **how),
        "MATLAB's padding": lambda: network.predict(sequences, sequence_length="longest", **how),
    }
    alone, together = (contestants[key]() for key in ("one by one", "predict"))
    assert_same(name, alone, together)
    if "peephole" not in constructor:
        by_hand = Packed(network).to(device).eval()

        def packed():
            return by_hand([torch.from_numpy(x.T.copy()).to(device) for x in sequences])

        contestants["packed"] = packed
        assert_same(name, [np.squeeze(y) for y in alone], [y.T for y in packed()])
    times = compare(contestants, seconds=2, synchronize=wait)
    base = times.pop("one by one")
    ratios = "   ".join(f"{key} ×{base / value:5.1f}" for key, value in times.items())
    print(f"  {name:20} one by one {base * 1e3:8.1f} ms   {ratios}", flush=True)


def assert_same(name, some, others):
    for a, b in zip(some, others, strict=True):
        difference = np.abs(np.squeeze(a) - np.squeeze(b)).max()
        assert difference < 1e-5, f"{name}: not the same results ({difference})"


def main():
    device, wait = device_and_wait(__doc__)
    with torch.inference_mode():
        for text, lengths in LENGTHS.items():
            print(f"{COUNT} sequences of {text}, {CHANNELS} channels, {UNITS} hidden units")
            for name, (constructor, options) in CASES.items():
                run_case(name, constructor, options, lengths, device, wait)


if __name__ == "__main__":
    main()
