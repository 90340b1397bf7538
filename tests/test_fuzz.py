"""Mutants of everything that is read: refused with a message or read, and nothing else.

scripts/fuzz.py runs as many as one likes; these are enough to notice what a change breaks.
"""

import os
import signal
import time

import fuzz
import numpy as np
import pytest
from targets import TARGETS

from matbridge.errors import FormatError

MUTANTS = 3000
# More than pytest itself takes, on small machines too.
GREEDY = 600 << 20
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")


@pytest.mark.parametrize("name", list(TARGETS))
def test_mutants(name):
    outcomes = fuzz.fuzz(MUTANTS // len(TARGETS), seed=8, only=[name])
    assert not outcomes[name].faults, fuzz.report(outcomes)
    assert sum(outcomes[name].counts.values()) == MUTANTS // len(TARGETS)
    # The mutants must hurt.
    assert outcomes[name].counts["refused"] > 0


def crash(draw, folder):
    if draw.random() < 0.1:
        os.kill(os.getpid(), signal.SIGKILL)


def hang(draw, folder):
    if draw.random() < 0.1:
        time.sleep(60)


def greedy(draw, folder):
    if draw.random() < 0.1:
        np.ones(GREEDY // 4)


def traceback(draw, folder):
    raise KeyError("x") if draw.random() < 0.1 else FormatError("refused")


FAULTS = {crash: "crash (-9)", hang: "hang", greedy: "memory", traceback: "traceback KeyError"}


@POSIX
@pytest.mark.parametrize("target", FAULTS, ids=lambda f: f.__name__)
def test_the_fuzzer_notices(target, monkeypatch):
    """What a fault is like, it counts; and it goes on with the next mutant."""
    monkeypatch.setitem(TARGETS, "bad", target)
    monkeypatch.setattr(fuzz, "SECONDS", 3 if target is hang else 60)
    monkeypatch.setattr(fuzz, "BYTES", GREEDY)
    outcomes = fuzz.fuzz(20, seed=3, only=["bad"])["bad"]
    assert sum(outcomes.counts.values()) == 20
    (what,) = outcomes.faults
    assert what.startswith(FAULTS[target])
    assert "20 mutants" in fuzz.report({"bad": outcomes})


def test_a_mutant_is_the_same_again(tmp_path):
    for name in TARGETS:
        assert fuzz.run_one(name, 1, 2, tmp_path) == fuzz.run_one(name, 1, 2, tmp_path)
