"""Labels of another program as proposals in the real dock: clicks, steps and everything choose among them too."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

THEIRS = (40.0, 300.0)
"""Where the network finds nothing."""


@pytest.fixture
def theirs(cells):
    labels = np.zeros(cells.shape, np.uint16)
    labels[30:50, 290:310] = 9
    return labels


def test_a_click_takes_an_object_of_the_layer_that_is_chosen(bench, theirs):
    b = bench()
    other = b.viewer.add_layer(Labels(theirs, name="cellpose"))
    b.settle()
    assert b.dock.others.value is None, "nobody has asked for it"
    b.dock.others.value = other
    b.click(THEIRS)
    np.testing.assert_array_equal(b.shown > 0, theirs > 0)
    b.dock.others.value = None
    b.settle()
    assert not np.array_equal(b.shown > 0, theirs > 0)


def test_everything_has_them_too_and_a_layer_that_goes_takes_them_along(bench, theirs):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    b.dock.run()
    b.settle()
    alone = b.shown.copy()
    other = b.viewer.add_layer(Labels(theirs, name="cellpose"))
    b.dock.others.value = other
    b.settle()
    assert b.shown[40, 300] > 0
    assert len(np.unique(b.shown)) == len(np.unique(alone)) + 1
    b.viewer.layers.remove(other)
    b.settle()
    np.testing.assert_array_equal(b.shown, alone)


def test_what_changes_in_the_layer_changes_the_answer(bench, theirs):
    b = bench()
    other = b.viewer.add_layer(Labels(theirs, name="cellpose"))
    b.dock.others.value = other
    b.click(THEIRS)
    other.data = np.roll(theirs, 2, 0)
    b.dock.run()
    b.settle()
    np.testing.assert_array_equal(b.shown > 0, other.data > 0)


def test_a_layer_that_does_not_lie_on_the_image_is_said(bench):
    b = bench()
    other = b.viewer.add_layer(Labels(np.ones((20, 20), np.uint8), name="cellpose"))
    b.dock.others.value = other
    b.click(THEIRS)
    assert "cellpose" in b.dock.message
