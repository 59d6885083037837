"""Lets a run over tiles or planes go on piece by piece, as a test wants it."""

from __future__ import annotations

import threading
from typing import Any

import pytest


class Gate:
    """Holds the calls of a function until they are let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self._allowed = threading.Semaphore(0)
        self._real = getattr(owner, name)
        self.failing: Exception | None = None
        monkeypatch.setattr(owner, name, lambda *args, **kwargs: self._held(*args, **kwargs))

    def _held(self, *args: Any, **kwargs: Any) -> Any:
        assert self._allowed.acquire(timeout=60)
        if self.failing is not None:
            raise self.failing
        return self._real(*args, **kwargs)

    def let(self, count: int = 1000) -> None:
        self._allowed.release(count)


def run_of(b: Any) -> Any:
    """Return the run over all tiles of a bench's dock."""
    return b.dock._engine.session.kept.runs._tiles[1]


def finish(b: Any, gate: Gate) -> None:
    """Let all tiles that are left be searched."""
    gate.let()
    b.qtbot.waitUntil(lambda: run_of(b).complete, timeout=120_000)
    b.settle()
