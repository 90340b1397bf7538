"""Reading a network against bare decompression and against mat-io alone.

    python benchmarks/load.py [FILE ...]

Each reader runs in a process of its own, so that its peak memory is its own; times are the
best of several runs in that process, without imports. A network of 150 MB is made for the
purpose; other files can be named. Ratios, side by side in one run, are what counts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

READERS = ("inflate", "mat-io", "matbridge")
REPEATS = 3


def inflate(path):
    """Every compressed element of a level 5 file, decompressed and dropped."""
    import struct
    import zlib

    total = 0
    with open(path, "rb") as file:
        file.seek(128)
        while tag := file.read(8):
            kind, size = struct.unpack("<II", tag)
            data = file.read(size)
            total += len(zlib.decompress(data)) if kind == 15 else len(data)
    return total


def mat_io(path):
    import matio

    return matio.load_from_mat(str(path), raw_data=True)


def matbridge_load(path):
    from matbridge.matlab.contents import read_contents

    return read_contents(path).networks


FUNCTIONS = {"inflate": inflate, "mat-io": mat_io, "matbridge": matbridge_load}


def peak_megabytes():
    """The most memory that this process ever held; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(reader, path):
    """In this process: best time and peak memory beyond what importing takes."""
    if reader == "mat-io":
        import matio  # noqa: F401
    elif reader == "matbridge":
        pass
    before = peak_megabytes()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        kept = FUNCTIONS[reader](path)
        times.append(time.perf_counter() - start)
        del kept
    print(json.dumps({"seconds": min(times), "megabytes": peak_megabytes() - before}))


def compare(path):
    found = {}
    for reader in READERS:
        command = [sys.executable, __file__, "--measure", reader, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[reader] = json.loads(done.stdout)
    base, rival = found["inflate"], found["mat-io"]
    size = path.stat().st_size / 1e6
    print(f"\n{path.name}  {size:.1f} MB")
    for reader, figures in found.items():
        print(
            f"  {reader:10} {figures['seconds'] * 1e3:9.1f} ms {figures['megabytes']:8.0f} MB peak"
            f"   time ×{figures['seconds'] / base['seconds']:.2f} of inflate,"
            f" ×{figures['seconds'] / rival['seconds']:.2f} of mat-io;"
            f" memory ×{figures['megabytes'] / max(rival['megabytes'], 0.1):.2f} of mat-io"
        )


def synthetic(folder, megabytes=150):
    """A network of dense layers with random weights, compressed as MATLAB does it."""
    import saved

    from matbridge.matlab.file.write import write_mat

    draw = np.random.default_rng(0)
    width, parts = 2048, [saved.feature_input("in", 2048)]
    for place in range(round(megabytes * 1e6 / (width * width * 4))):
        W = draw.standard_normal((width, width)).astype(np.float32)
        parts.append(saved.fully_connected(f"fc_{place}", W, np.zeros((width, 1))))
    path = Path(folder) / "synthetic.mat"
    write_mat(path, {"net": saved.series_network(*parts)})
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--measure", choices=READERS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.files[0])
        return
    for path in [*sorted((ROOT / "fixtures").glob("[clm]*r.mat")), *arguments.files]:
        compare(path)
    with tempfile.TemporaryDirectory() as folder:
        compare(synthetic(folder))


if __name__ == "__main__":
    main()
