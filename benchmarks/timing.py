"""Timing two things so that the machine's moods touch both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence


def in_turns(runs: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Time several things in turns, after one unmeasured call each; returns their median seconds."""
    for run in runs:
        run()
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, kept in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            kept.append(time.perf_counter() - start)
    return [statistics.median(kept) for kept in times]


def alternate(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Time two things in turns, after one unmeasured call each; returns their median seconds."""
    one, other = in_turns((first, second), rounds)
    return one, other


def median_ms(run: Callable[[], object], rounds: int = 30) -> float:
    """Return the median milliseconds of calls, after one unmeasured one."""
    return alternate(run, lambda: None, rounds)[0] * 1e3
