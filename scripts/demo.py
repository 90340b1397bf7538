"""Set up, then convert a network and verify it: python scripts/demo.py

Makes a virtual environment in .venv, installs matbridge, turns the network in
fixtures/lstm_classifier.mat into a PyTorch program and compares what it computes with the
values expected of it. Nothing outside this folder is touched.
"""

import sys

from environment import ROOT, prepare, run, say

NET = "fixtures/lstm_classifier.mat"
DATA = ["--input", f"{NET}:X", "--expected", f"{NET}:Y"]


def main():
    python = prepare()
    target = ROOT / "build" / "lstm_classifier.pt2"
    target.parent.mkdir(exist_ok=True)
    say("converting: the layer table, where the result lies, and whether it agrees")
    converted = run(python, "-m", "matbridge", "convert", NET, "-o", target, "--force")
    say("verifying against the expected outputs, in single and in double precision")
    single = run(python, "-m", "matbridge", "verify", NET, *DATA)
    double = run(python, "-m", "matbridge", "verify", NET, *DATA, "--dtype", "float64")
    if converted or single or double:
        sys.exit("something is wrong; see above")
    say(f"done; the program is {target.relative_to(ROOT)}, to be loaded with torch.export.load")


if __name__ == "__main__":
    main()
