"""Feed every reader with damaged and hostile input, and count what becomes of it.

    python scripts/fuzz.py --count 100000 --seed 1
    python scripts/fuzz.py --only hdf5 --replay 4711

Each mutant is made from a fixture by its number and the seed alone, so that any can be made
again. They run in forked workers: a crash, a hang or a greedy one ends its worker and is
counted. Exit code 0 if every mutant was read or refused with a message, 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from targets import TARGETS  # noqa: E402

from matbridge.errors import MatbridgeError  # noqa: E402

__all__ = ["Outcome", "fuzz", "main"]

# What no mutant may take: seconds, and bytes of memory.
SECONDS, BYTES = 30.0, 1536 << 20
# Beyond it the system refuses; well above BYTES, for the libraries map more than they use.
ADDRESSES = 12 << 30
# Mutants that one worker reads, one after the other.
CHUNK = 500
FINE = ("read", "refused")


@dataclass
class Outcome:
    """How often each class occurred for a target, and the first number of each."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def add(self, number: int, what: str) -> None:
        self.counts[what] += 1
        self.first.setdefault(what, number)

    @property
    def faults(self) -> dict[str, int]:
        return {what: count for what, count in self.counts.items() if what not in FINE}


def run_one(name: str, seed: int, number: int, folder: Path) -> str:
    """Make a mutant and read it: "read", "refused", or the class of its traceback."""
    target = TARGETS[name]
    draw = random.Random(f"{seed}/{name}/{number}")
    try:
        target(draw, folder)
        return "read"
    except MatbridgeError as error:
        return "refused" if str(error).strip() else "an error without a message"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        own = [f for f in traceback.extract_tb(error.__traceback__) if "matbridge" in f.filename]
        at = own[-1] if own else frame
        return f"traceback {type(error).__name__} at {Path(at.filename).name}:{at.name}"


def worker(name: str, seed: int, numbers: Iterable[int], out: int) -> None:
    """Read mutants, telling each number before and what became of it after."""
    import resource

    def peak() -> int:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(most * (1 if sys.platform == "darwin" else 1024))

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    # What the parent held when it forked is not the mutants'.
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            os.write(out, f"{number}\n".encode())
            what = run_one(name, seed, number, Path(folder))
            greedy = peak() - before > BYTES
            os.write(out, f"{'memory' if greedy else what}\n".encode())
            if greedy:
                return


def forked(name: str, seed: int, numbers: list[int]) -> Iterator[tuple[int, str]]:
    """The outcomes of a worker; it ends early at a crash, a hang or a greedy one."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        code = 0
        try:
            worker(name, seed, numbers, outlet)
        except BaseException:
            traceback.print_exc()
            code = 70
        finally:
            os._exit(code)
    os.close(outlet)
    pending: int | None = None
    with open(inlet, "rb", buffering=0) as pipe:
        for line in lines(pipe):
            if line is None:
                os.kill(child, signal.SIGKILL)
                yield (numbers[0] if pending is None else pending), "hang"
                pending = None
                break
            if pending is None:
                pending = int(line)
            else:
                yield pending, line
                pending = None
    _, status = os.waitpid(child, 0)
    if pending is not None:
        yield pending, f"crash ({os.waitstatus_to_exitcode(status)})"


def lines(pipe: object) -> Iterator[str | None]:
    """Lines of a pipe to its end; None where none came for too long."""
    rest = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], SECONDS)
        if not ready:
            yield None
            return
        data = pipe.read(65536)  # type: ignore[attr-defined]
        if not data:
            return
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)


def fuzz(count: int, seed: int = 0, only: Iterable[str] = ()) -> dict[str, Outcome]:
    """Read ``count`` mutants, as many for each target; what became of them by target."""
    names = [name for name in TARGETS if not only or name in set(only)]
    outcomes = {name: Outcome() for name in names}
    for place, name in enumerate(names):
        total = count // len(names) + (place < count % len(names))
        numbers = list(range(total))
        while numbers:
            chunk, done = numbers[:CHUNK], 0
            for number, what in _outcomes(name, seed, chunk):
                outcomes[name].add(number, what)
                done += 1
            numbers = numbers[max(done, 1) :]
    return outcomes


def _outcomes(name: str, seed: int, numbers: list[int]) -> Iterator[tuple[int, str]]:
    if hasattr(os, "fork"):
        yield from forked(name, seed, numbers)
        return
    # Windows: no workers and no limits.
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            yield number, run_one(name, seed, number, Path(folder))


def report(outcomes: dict[str, Outcome]) -> str:
    """A line for each target, and one for each class of fault."""
    rows = []
    for name, outcome in outcomes.items():
        fine = ", ".join(f"{outcome.counts[what]} {what}" for what in FINE)
        rows.append(f"{name:12} {sum(outcome.counts.values()):7}  {fine}")
        for what, count in sorted(outcome.faults.items(), key=lambda pair: -pair[1]):
            rows.append(f"    {count:6} {what}  (--only {name} --replay {outcome.first[what]})")
    total = sum(sum(outcome.counts.values()) for outcome in outcomes.values())
    faults = sum(sum(outcome.faults.values()) for outcome in outcomes.values())
    return "\n".join([*rows, f"{total} mutants, {faults} faults"])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], choices=list(TARGETS))
    parser.add_argument("--replay", type=int, help="one mutant, here, with its traceback")
    asked = parser.parse_args()
    if asked.replay is not None:
        with tempfile.TemporaryDirectory() as folder:
            draw = random.Random(f"{asked.seed}/{asked.only[0]}/{asked.replay}")
            TARGETS[asked.only[0]](draw, Path(folder))
        return 0
    started = time.monotonic()
    outcomes = fuzz(asked.count, asked.seed, asked.only)
    print(report(outcomes), f"in {time.monotonic() - started:.0f} s")
    return 1 if any(outcome.faults for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
