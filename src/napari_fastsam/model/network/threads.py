"""How many threads share a pass of a network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_within = 0
_usual = 1


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Keep torch to the calling thread, for work of a few milliseconds.

    Threads that share an operation wait for each other at its end. Where another program keeps a processor busy, one of
    them is not running then, and a network of many small operations takes tens of times as long
    (``benchmarks/bench_clicks.py`` measures it). Torch counts threads for each thread that calls it, and once more for
    threads to come: that number is put back with the caller's own, whoever else is within.
    """
    global _within, _usual
    with _lock:
        if not _within:
            _usual = torch.get_num_threads()
        _within += 1
        usual = _usual
    torch.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            torch.set_num_threads(usual)
            _within -= 1
