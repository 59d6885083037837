"""Timing two things so that the machine's moods touch both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def alternate(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Time two things in turns, after one unmeasured call each; returns their median seconds."""
    first(), second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, kept in zip((first, second), times, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def median_ms(run: Callable[[], object], rounds: int = 30) -> float:
    """Return the median milliseconds of calls, after one unmeasured one."""
    return alternate(run, lambda: None, rounds)[0] * 1e3
