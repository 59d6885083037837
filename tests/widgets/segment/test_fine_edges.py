"""*fine edges*: the correcting network draws the edges of what was proposed anew, in the real dock."""

from __future__ import annotations

import numpy as np
import pytest

import napari_fastsam as fs

NUCLEUS = (126.0, 94.0)


@pytest.fixture
def segmented(cells):
    def labels(fine_edges):
        model = fs.load_model("nuclei")
        return fs.segment(model, cells, contrast_limits=(0, 80), fine_edges=fine_edges).to_labels()

    return labels


def everything(b):
    b.dock.task.value = "everything"
    b.settle()
    b.dock.run()
    b.settle()


def test_everything_with_and_without(bench, segmented):
    b = bench()
    everything(b)
    before = b.shown.copy()
    b.dock.fine_edges.value = True
    b.settle()
    fine = b.shown.copy()

    np.testing.assert_array_equal(before, segmented(False))
    np.testing.assert_array_equal(fine, segmented(True))
    assert (fine != before).any()
    assert fine.max() == before.max(), "the same objects with other edges"
    b.dock.conf.value = 0.8
    b.settle()
    assert 0 < len(b.dock.controller.shown.objects) < before.max(), "sliders go on to work"
    b.dock.fine_edges.value = False
    b.dock.conf.value = 0.45
    b.settle()
    np.testing.assert_array_equal(b.shown, before)


def test_at_a_prompt_and_what_is_added_says_so(bench, expected):
    b = bench()
    b.dock.fine_edges.value = True
    b.click(NUCLEUS)
    (proposed,) = expected(points=[NUCLEUS])
    assert (proposed != (b.shown == 1)).any()
    both = np.count_nonzero(proposed & (b.shown == 1)) / np.count_nonzero(proposed | (b.shown == 1))
    assert both > 0.6
    (entry,) = b.dock.commit().metadata["napari-fastsam"]
    assert entry["fine_edges"] is True


def test_where_they_are_not_drawn_the_dock_says_what_to_do(bench, cells):
    b = bench(np.stack([cells, cells]))
    b.dock.fine_edges.value = True
    b.dock.task.value = "everything"
    b.dock.region.value = "stack"
    b.settle()
    assert "untick fine edges" in b.status, b.status
