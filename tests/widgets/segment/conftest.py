"""A plane in tiles whose search a test holds and lets go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gate import Gate, run_of
from napari_fastsam.model.asking import plane_scale, tiled


@pytest.fixture
def search(bench: Callable[..., Any], cells: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes a plane that is large for the dock of which two tiles were searched, and the gate to the others."""
    monkeypatch.setattr(plane_scale, "LARGE", 1_000_000)
    gate = Gate(monkeypatch, tiled, "segment_tile")

    def begin(**kwargs: Any) -> tuple[Any, Gate]:
        b = bench(np.tile(cells, (8, 7)), contrast_limits=(0, 80), **kwargs)
        b.dock.diameter.value = 45.0  # few tiles
        b.dock.task.value = "everything"
        b.settle()
        gate.let(2)
        b.dock.run()
        b.qtbot.waitUntil(lambda: b.dock.controller.shown is not None and run_of(b).done == 2, timeout=20_000)
        return b, gate

    yield begin
    gate.let()


@pytest.fixture
def searched(search: Any) -> tuple[Any, Gate]:
    """Such a plane in a viewer that is not on the screen."""
    begun: tuple[Any, Gate] = search()
    return begun
