"""Damaged and hostile safetensors files, made from a sound one with a fixed seed.

Run as a script, it reads and runs mutants of a network one after the other and prints what became
of each, so that a parent sees where a child process died:

    python tests/mutants.py NETWORK FIRST COUNT
"""

import copy
import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

import matbridge
from matbridge.errors import MatbridgeError
from matbridge.safetensors.codec import GRAPH_KEY, network_to_json

ODD = [None, True, 0, 1, -1, 2, 3, 7, 2**31, 2**63, 1e300, 0.5, "", "in", "nan", "\0", "🙂"]
ODD += [[], {}, [[]], [1, 2], ["a", "b"], {"a": 1}, {"$array": "x"}, {"$float": "nan"}]
ODD += [{"$record": "MatObject", "fields": {}}, {"$list": "Cell", "items": [], "shape": [2, 2]}]
ODD += [
    {"$placeholder": [10**6, 10**6], "type": "<f8"},
    {"$numbers": [1], "type": "O", "size": [1]},
]
TYPES = {"F32": 4, "F64": 8, "F16": 2, "BF16": 2, "I32": 4, "I8": 1, "U8": 1, "BOOL": 1, "C64": 8}


def nodes(value, path=()):
    """The addresses of every value inside."""
    yield path
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in steps:
            yield from nodes(inner, (*path, step))


def at(value, path):
    for step in path:
        value = value[step]
    return value


def mutate_graph(graph, draw):
    """One value replaced, removed, repeated, or exchanged with another."""
    places = [path for path in nodes(graph) if path]
    # Half of the time what is outermost: layers, connections, properties.
    if draw.random() < 0.5:
        places = [p for p in places if "origin" not in p and "training" not in p]
    *outer, step = draw.choice(places)
    holder = at(graph, outer)
    what = draw.randrange(5)
    if what == 0:
        del holder[step]
    elif what == 1 and isinstance(holder, list):
        holder.insert(draw.randrange(len(holder) + 1), copy.deepcopy(holder[step]))
    elif what == 2:
        holder[step] = copy.deepcopy(at(graph, draw.choice(places)))
    elif what == 3 and isinstance(holder[step], int):
        holder[step] += draw.choice([-1, 1, 10, -10])
    else:
        holder[step] = copy.deepcopy(draw.choice(ODD))


def mutate_tensor(header, draw):
    """Another type or size of one tensor, sometimes one that its bytes do not allow."""
    tensor = header[draw.choice([name for name in header if name != "__metadata__"])]
    size = tensor["data_offsets"][1] - tensor["data_offsets"][0]
    kind = draw.choice(list(TYPES))
    if draw.random() < 0.5:
        kind = tensor["dtype"]
    count = size // TYPES[kind]
    tensor["dtype"] = kind
    tensor["shape"] = draw.choice([[count], [1, count], [count, 1], [0, 0], [count, 0], [], [-1]])


def mutant(data, number):
    """The bytes of one mutant of a file."""
    draw = random.Random(number)
    length = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]
    if draw.random() < 0.15:
        mutate_tensor(header, draw)
    else:
        graph = json.loads(header["__metadata__"][GRAPH_KEY])
        for _ in range(draw.randint(1, 2)):
            mutate_graph(graph, draw)
        header["__metadata__"][GRAPH_KEY] = json.dumps(graph)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + rest


def run(path):
    """Read, run, and written again: what a user would do next."""
    network = matbridge.load(path)
    shapes = {"SSCB": (8, 8, 3, 2), "CBT": (3, 2, 5), "CB": (3, 2)}
    inputs, formats = [], []
    for layer in network.input_layers.values():
        size = layer.infer()
        shape = [5 if label == "T" else 2 if n is None else n for label, n in zip(
            size.format, size.sizes, strict=True)]  # fmt: skip
        if np.prod([float(n) for n in shape]) > 1e6:
            return "large"
        inputs.append(np.ones(shape or shapes["CB"]))
        formats.append(size.format)
    if inputs:
        network.predict(*inputs, format=formats)
    network_to_json(network)
    return "read"


def main(path, first, count):
    from matbridge.safetensors.write import save_safetensors

    with tempfile.TemporaryDirectory() as folder:
        sound, file = Path(folder, "sound.safetensors"), Path(folder, "mutant.safetensors")
        save_safetensors(matbridge.load(path), sound)
        data = sound.read_bytes()
        for number in range(first, first + count):
            print(number, end=" ", flush=True)
            file.write_bytes(mutant(data, number))
            try:
                print(run(file), flush=True)
            except MatbridgeError as error:
                print("refused", type(error).__name__, error.what[:80].encode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
