"""Objects that touch have colours that are told apart, and keep them from update to update."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_fastsam.layers.labels.colours import PALETTE, Colouring, touching
from napari_fastsam.layers.labels.outlined import Labels, outlines


def checkered(side=8, count=20):
    rows, columns = np.indices((count * side, count * side)) // side
    return (rows * count + columns + 1).astype(np.int32)


def clashes(labels, colours):
    pairs = touching(labels)
    return int((colours[pairs[:, 0]] == colours[pairs[:, 1]]).sum())


def test_objects_that_touch_have_other_colours():
    labels = checkered()
    colouring = Colouring()
    assert clashes(labels, colouring.update(labels)) == 0
    assert len(touching(labels)) == 2 * 20 * 19


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.int32, (12, 12), elements=st.integers(0, 6)))
def test_whatever_touches(labels):
    """Six objects have at most five neighbours each."""
    assert clashes(labels, Colouring().update(labels)) == 0


def test_a_colour_stays_while_no_neighbour_has_it():
    labels = checkered()
    colouring = Colouring()
    before = colouring.update(labels).copy()
    fewer = np.where(labels % 3, labels, 0)
    np.testing.assert_array_equal(colouring.update(fewer), before)
    np.testing.assert_array_equal(colouring.update(labels), before)


def test_the_colours_are_those_of_the_numbers():
    labels = checkered()
    colouring = Colouring()
    of = colouring.update(labels)
    colormap = colouring.colormap()
    numbers = np.arange(1, 401)
    shown = colormap.map(numbers)
    wanted = np.array([[int(PALETTE[i][k : k + 2], 16) / 255 for k in (1, 3, 5)] for i in of[numbers]])
    np.testing.assert_allclose(shown[:, :3], wanted, atol=1e-6)
    assert colormap.map(0)[3] == 0


def test_objects_in_several_planes_touch_within_a_plane_only():
    labels = np.zeros((2, 8, 8), int)
    labels[0, :, :4], labels[1, :, 4:] = 1, 2
    assert not len(touching(labels))


def test_outlines_are_what_is_near_an_edge():
    labels = np.zeros((20, 20), np.int32)
    labels[2:12, 2:12], labels[2:12, 12:18] = 1, 2
    found = outlines(labels, 2)
    assert not found[4:10, 4:10].any()
    assert (found[2:12, 10:12] == 1).all()
    assert (found[2:12, 12:14] == 2).all()
    assert not found[labels == 0].any()
    np.testing.assert_array_equal(found[found > 0], labels[found > 0])


@pytest.mark.parametrize("largest", [32_768, 65_534, 65_535, 200_000])
def test_tens_of_thousands_of_objects_are_drawn(largest):
    labels = np.array([[0, 1, 2], [largest - 1, largest, 0]], np.int32)
    colouring = Colouring()
    colouring.update(labels)
    layer = Labels(labels, colormap=colouring.colormap())
    drawn = layer.colormap.map(layer._slice.image.view)
    assert (drawn[labels > 0, 3] == 1).all()
    assert (drawn[labels == 0] == 0).all()
    assert layer._slice.image.view.dtype == np.uint16


def test_only_windows_that_changed_are_looked_at_again():
    labels = checkered()
    colouring = Colouring()
    before = colouring.update(labels).copy()
    labels[:8, :8] = 401
    labels[80:88, 80:88] = 402
    colours = colouring.update(labels, [(slice(0, 16), slice(0, 16)), (slice(72, 96), slice(72, 96))])
    assert clashes(labels, colours) == 0
    assert (colours[1:401] == before[1:401]).all(), "the new ones give way"


def test_the_layer_draws_outlines_also_where_a_part_of_it_is_painted():
    layer = Labels(np.zeros((40, 40), np.int32))
    layer.contour = 2
    rows, columns = np.mgrid[5:30, 5:30]
    layer.data_setitem((rows.ravel(), columns.ravel()), 3)
    layer.data_setitem((rows[:5].ravel(), columns[:5].ravel()), 0)
    shown = layer._slice.image.view > 0
    np.testing.assert_array_equal(shown, outlines(layer.data, 2) > 0)
    assert type(layer).__name__ == "Labels"


def test_what_differs_within_a_part_is_drawn_and_nothing_else_is_compared():
    layer = Labels(np.zeros((1, 40, 40), np.int32))
    other = layer.data.copy()
    other[0, 10:20, 10:20] = 3
    other[0, 30, 30] = 4
    layer.change_to(other, (slice(0, 1), slice(5, 25), slice(0, 25)))
    assert (layer.data[0, 10:20, 10:20] == 3).all()
    assert layer.data[0, 30, 30] == 0
    layer.change_to(other)
    np.testing.assert_array_equal(layer.data, other)
