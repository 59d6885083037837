"""Layers that go or change while the network works on them."""

from __future__ import annotations

import threading

import napari
import numpy as np
import pytest

from dock_faults import NUCLEI, works_again
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.model.network import segmenter
from napari_fastsam.widgets.segment.output import PREVIEW_NAME


@pytest.fixture
def held(monkeypatch):
    """Lets a test act while the network looks at a plane; `held.set()` lets it go on."""
    gate, reached = threading.Event(), threading.Event()
    real = Kept.prediction

    def prediction(self, request, predict):
        reached.set()
        gate.wait(120)
        return real(self, request, predict)

    monkeypatch.setattr(Kept, "prediction", prediction)
    gate.reached = reached
    yield gate
    gate.set()


def run_held(b, held):
    """Press Run and come back while the network is at work."""
    b.dock.run()
    b.qtbot.waitUntil(held.reached.is_set)
    assert b.dock._engine.runner.busy


# ---------------------------------------------------------------- layers that change while work runs


def test_the_image_is_deleted_while_work_runs(bench, held, cells):
    b = bench()
    b.dock.task.value = "everything"
    run_held(b, held)
    b.viewer.layers.remove(b.image)
    held.set()
    b.settle()
    assert PREVIEW_NAME not in b.viewer.layers
    assert b.status.startswith("No image yet")
    assert b.dock.commit() is None
    assert len(b.dock._engine.session.cache) == 0
    works_again(b, cells)


def test_the_image_is_deleted_while_work_runs_and_another_is_there(bench, held, cells):
    b = bench()
    other = b.viewer.add_image(cells[:, ::-1], name="other", contrast_limits=(0, 80))
    b.dock.image.value = b.image
    b.dock.task.value = "everything"
    run_held(b, held)
    b.viewer.layers.remove(b.image)
    held.set()
    b.settle()
    assert b.dock.image.value == other
    assert b.dock.controller.shown.request.controls.image == other
    assert b.shown.any()


def test_the_points_are_deleted_while_work_runs(bench, held):
    b = bench()
    points, _ = b.prompts()
    points.add([NUCLEI[0]])
    run_held(b, held)
    b.viewer.layers.remove(points)
    held.set()
    b.settle()
    assert not b.shown.any()
    assert b.status.startswith("Ready.")


def test_the_image_is_renamed_while_work_runs(bench, held):
    b = bench()
    b.dock.task.value = "everything"
    run_held(b, held)
    b.image.name = "renamed"
    held.set()
    b.settle()
    assert b.shown.any()
    assert b.dock.image.value == b.image
    assert b.dock.commit().metadata["napari-fastsam"][0]["image"] == "renamed"


@pytest.mark.parametrize("shape", ["same", "smaller", "another number of axes"])
def test_the_images_data_are_replaced_while_work_runs(bench, held, cells, shape):
    b = bench()
    b.dock.task.value = "everything"
    run_held(b, held)
    if shape == "another number of axes" and napari.__version__.startswith("0.7."):
        pytest.skip("napari 0.7 raises where an image that is drawn gets more axes")
    new = {"same": cells[::-1], "smaller": cells[:200, :150], "another number of axes": np.stack([cells, cells])}[shape]
    b.image.data = new
    held.set()
    b.settle()
    assert b.dock.controller.failure is None, b.status
    assert b.shown.shape == new.shape[-2:]
    found = {(o.crop.top, o.crop.left) for o in b.dock.controller.shown.objects}

    fresh = segmenter.load_model("nuclei", "auto").segment(
        new if new.ndim == 2 else new[0], conf=b.dock.conf.value, iou=b.dock.iou.value, contrast_limits=(0, 80)
    )
    assert found == {(m.top, m.left) for m in fresh.masks}, "of the new pixels, not of the old ones"


def test_the_labels_chosen_are_deleted_while_work_runs(bench, held, cells):
    b = bench()
    labels = b.viewer.add_labels(np.zeros(cells.shape, np.int32), name="mine")
    b.dock.labels.value = labels
    b.dock.task.value = "everything"
    run_held(b, held)
    b.viewer.layers.remove(labels)
    held.set()
    b.settle()
    assert b.dock.commit() is not labels
    assert not labels.data.any()
