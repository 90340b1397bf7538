"""Open every file under a folder and tell how far each network gets.

    python scripts/sweep.py DIR [-o sweep.json]

Prints counts and the reasons why the rest did not run, and writes all of it as JSON.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from matbridge.core.network import Network  # noqa: E402
from matbridge.errors import MatbridgeError  # noqa: E402
from matbridge.matlab.contents import read_contents  # noqa: E402
from matbridge.matlab.file.header import read_file_header  # noqa: E402

STEPS, OBSERVATIONS = 6, 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("sweep.json"))
    arguments = parser.parse_args()
    files = [sweep_file(path) for path in sorted(arguments.folder.rglob("*")) if path.is_file()]
    summary = summarize(files)
    arguments.output.write_text(json.dumps({"summary": summary, "files": files}, indent=1))
    show(summary, files)
    print(f"details in {arguments.output}")


def sweep_file(path):
    """What became of one file."""
    start = time.perf_counter()
    found = {"file": str(path), "error": "", "networks": []}
    try:
        read_file_header(path)
        contents = read_contents(path)
    except MatbridgeError as error:
        found["error"] = f"{type(error).__name__}: {error.what}"
        return found
    found["networks"] = [sweep_network(a, n) for a, n in contents.networks.items()]
    found["networks"] += [
        {"address": a, "error": e.what, "layers": 0} for a, e in contents.failures.items()
    ]
    found["seconds"] = round(time.perf_counter() - start, 3)
    return found


def sweep_network(address, network: Network):
    """How far one network gets: typed, initialised, run."""
    unknown = [layer for layer in network.layers if not layer.known]
    found = {
        "address": address,
        "class": network.class_name,
        "layers": len(network.layers),
        "unknown": sorted({layer.class_name for layer in unknown}),
        "unread": [str(d) for d in network.report if d.level == "error"],
        "initialised": network.initialised,
        "ran": False,
        "why": "",
    }
    obstacles = network.obstacles()
    if obstacles:
        found["why"] = f"{obstacles[0].where}: {obstacles[0].what}"
        return found
    try:
        inputs, formats = random_inputs(network)
        results = network.predict(*inputs, format=formats)
        results = results if isinstance(results, tuple) else (results,)
        found["ran"] = all(np.isfinite(r).all() for r in results)
        found["why"] = "" if found["ran"] else "the result is not finite"
    except MatbridgeError as error:
        found["why"] = str(error)
    return found


def random_inputs(network):
    """Labelled random data that fit, and their formats."""
    draw = np.random.default_rng(0)
    inputs, formats = [], []
    steps = max(STEPS, *(network[name].shortest for name in network.input_names))
    for name in network.input_names:
        size = network[name].infer()
        free = {"B": OBSERVATIONS, "T": steps}
        shape = [free.get(a, n) for a, n in zip(size.format, size.sizes, strict=True)]
        inputs.append(draw.standard_normal(shape))
        formats.append(size.format)
    return inputs, formats


def summarize(files):
    networks = [n for f in files for n in f["networks"]]
    runs = [n for n in networks if n.get("ran")]
    custom = [n for n in networks if n.get("unknown")]
    return {
        "files": len(files),
        "files_unreadable": sum(bool(f["error"]) for f in files),
        "files_with_networks": sum(bool(f["networks"]) for f in files),
        "networks": len(networks),
        "networks_not_read": sum("error" in n for n in networks),
        "networks_uninitialised": sum(n.get("initialised") is False for n in networks),
        "networks_with_custom_layers": len(custom),
        "networks_run": len(runs),
        "layers": sum(n["layers"] for n in networks),
        "layers_unread": sum(len(n.get("unread", [])) for n in networks),
        "custom_classes": dict(Counter(c for n in custom for c in n["unknown"])),
        "why_not": dict(Counter(n["why"] for n in networks if n.get("why"))),
    }


def show(summary, files):
    for key, value in summary.items():
        if not isinstance(value, dict):
            print(f"{key.replace('_', ' '):32} {value}")
    for title in ("custom_classes", "why_not"):
        print(f"\n{title.replace('_', ' ')}:")
        for key, count in sorted(summary[title].items(), key=lambda item: -item[1]):
            print(f"  {count:4}  {key}")
    for one in files:
        if one["error"]:
            print(f"\nnot read: {Path(one['file']).name}: {one['error']}")


if __name__ == "__main__":
    main()
