"""Timing, side by side: the contestants take turns, so that both see the same machine."""

import statistics
import time


def compare(contestants, seconds=1.0, synchronize=lambda: None):
    """Median time of one call for each named function, taken in turns."""
    times = {name: [] for name in contestants}
    for function in contestants.values():
        for _ in range(3):
            function()
    end = time.perf_counter() + seconds * len(contestants)
    while time.perf_counter() < end or len(times[next(iter(times))]) < 5:
        for name, function in contestants.items():
            synchronize()
            start = time.perf_counter()
            function()
            synchronize()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}
