"""What was accepted is in the layer, all of it and once, whatever happens meanwhile; or the dock says what is not."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_fastsam.errors import ImageError
from napari_fastsam.layers.labels import write
from napari_fastsam.model.asking import tiled
from napari_fastsam.widgets.segment import messages


class Gate:
    """Lets work go on piece by piece, as the test wants it."""

    def __init__(self, monkeypatch, owner, name):
        self._allowed = threading.Semaphore(0)
        self._real = getattr(owner, name)
        self.failing = None
        monkeypatch.setattr(owner, name, self._held)

    def _held(self, *args, **kwargs):
        assert self._allowed.acquire(timeout=60)
        if self.failing is not None:
            raise self.failing
        return self._real(*args, **kwargs)

    def let(self, count=1000):
        self._allowed.release(count)


@pytest.fixture
def searched(bench, slide, monkeypatch):
    """A large plane of which two tiles were searched, and the gate to the others."""
    gate = Gate(monkeypatch, tiled, "find_in")
    b = bench(slide, contrast_limits=(0, 80))
    b.dock.diameter.value = 70.0  # few tiles
    b.dock.task.value = "everything"
    b.settle()
    gate.let(2)
    b.dock.run()
    b.qtbot.waitUntil(lambda: b.dock._shown is not None and run_of(b).done == 2, timeout=20_000)
    yield b, gate
    gate.let()


def run_of(b):
    return b.dock._session.kept.runs._tiles[1]


def finish(b, gate):
    gate.let()
    b.qtbot.waitUntil(lambda: run_of(b).complete, timeout=120_000)
    b.settle()


def is_whole(layer, count):
    """Whether the numbers 1 … count are in the pixels and in the features, each once."""
    numbers = list(range(1, count + 1))
    return layer.features["index"].tolist() == numbers == np.unique(layer.data)[1:].tolist()


def test_what_comes_after_add_is_offered_and_at_the_end_all_is_in_once(searched):
    b, gate = searched
    layer = b.dock.commit()
    early = len(run_of(b).canvas)
    assert 10 < early == len(layer.features)
    assert f"Added {early} objects" in b.status
    assert f"2 of {len(run_of(b))} tiles were seen" in b.status
    assert not b.shown.any(), "what is in the layer is not shown once more"

    finish(b, gate)
    total = len(run_of(b).canvas)
    assert total > 2 * early
    assert f"{early} of {total} were added; Add to labels adds the other {total - early}" in b.status
    assert b.dock._shown.count == total - early
    assert b.viewer.layers["FastSAM preview"].visible
    assert set(np.unique(b.shown)) - {0} <= set(range(early + 1, total + 1))
    assert b.preview.features["index"].tolist() == list(range(early + 1, total + 1))
    np.testing.assert_array_equal(b.preview.features["score"], run_of(b).canvas.scores[early:])

    assert b.dock.commit() is layer
    missing = total - len(layer.features)
    assert missing < 0.01 * total
    assert is_whole(layer, total - missing)
    assert not missing or f"{missing} object" in b.status, "what lies wholly under others is said"
    b.dock._updates.soon()
    b.settle()
    assert b.status == messages.ALREADY_ADDED
    layer.undo()
    assert is_whole_pixels(layer, early), "each Add is a step"
    layer.undo()
    assert not layer.data.any()


def is_whole_pixels(layer, count):
    return np.unique(layer.data).tolist() == list(range(count + 1))


def test_add_while_the_worker_paints(searched, monkeypatch):
    b, gate = searched
    count = write._counted

    def counted(*args):
        done = run_of(b).done
        gate.let(1)  # another tile is painted after the objects were counted and before they are written
        b.qtbot.waitUntil(lambda: run_of(b).done > done, timeout=20_000)
        return count(*args)

    def counted_before(*args):
        found = count(*args)
        done = run_of(b).done
        gate.let(1)
        b.qtbot.waitUntil(lambda: run_of(b).done > done, timeout=20_000)
        return found

    early = len(run_of(b).canvas)
    monkeypatch.setattr(write, "_counted", counted_before)
    layer = b.dock.commit()
    assert len(run_of(b).canvas) > early
    assert is_whole(layer, early)
    monkeypatch.setattr(write, "_counted", counted)
    b.dock._update()
    middle = len(run_of(b).canvas)
    b.dock.commit()
    assert is_whole(layer, middle)
    monkeypatch.setattr(write, "_counted", count)
    finish(b, gate)
    b.dock.commit()
    assert len(layer.features) == len(np.unique(layer.data)) - 1 >= 0.99 * len(run_of(b).canvas)
    for _ in range(3):
        layer.undo()
    assert not layer.data.any()


def test_what_went_into_a_layer_that_is_removed_is_offered_again(searched):
    b, gate = searched
    first = b.dock.commit()
    early = len(run_of(b).canvas)
    gate.let(2)
    b.qtbot.waitUntil(lambda: len(run_of(b).canvas) > early and run_of(b).done == 4, timeout=20_000)
    b.dock.labels.value = None
    b.dock._update()
    second = b.dock.commit()
    kept = len(second.features)
    b.viewer.layers.remove(first)
    finish(b, gate)
    total = len(run_of(b).canvas)
    assert b.dock._shown.count == total - kept
    assert f"{kept} of {total} were added" in b.status
    assert set(range(1, early + 1)) <= set(np.unique(b.shown)), "those of the layer that is gone"


def test_after_a_failure_in_the_middle_nothing_is_lost(searched):
    b, gate = searched
    gate.failing = ImageError("The disk was pulled out.")
    gate.let(1)
    b.qtbot.waitUntil(lambda: b.dock._work is None, timeout=20_000)
    assert "pulled out" in b.status
    layer = b.dock.commit()
    early = len(layer.features)
    assert early == len(run_of(b).canvas)
    assert "tiles were seen" in b.status
    gate.failing = None
    b.dock.run()
    finish(b, gate)
    total = len(run_of(b).canvas)
    assert b.dock._shown.count == total - early > 0
    b.dock.commit()
    assert len(layer.features) >= 0.99 * total
