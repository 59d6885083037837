"""Outlines along pixel edges: exactly the pixels, in rings that are valid."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon2mask

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.tracing import Ring, trace

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
DIAGONAL_RING = np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 1]], bool)


def area(ring: Ring) -> float:
    """Signed: above 0 where it goes right along its top."""
    (y, x), (next_y, next_x) = np.array(ring).T, np.roll(np.array(ring), -1, axis=0).T
    return float((x * next_y - next_x * y).sum() / 2)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(MASKS, st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=3))
@example([(DIAGONAL_RING, 0, 0)])
@example([(~DIAGONAL_RING, 1, 2)])
@example([(np.eye(5, dtype=bool), 0, 0), (~np.eye(5, dtype=bool), 0, 0)])
def test_the_polygons_hold_exactly_the_pixels(drawn: list[tuple[NDArray[np.bool_], int, int]]) -> None:
    masks = [CroppedMask(top, left, pixels) for pixels, top, left in drawn]
    for mask, polygons in zip(masks, trace(masks), strict=True):
        shape = (12, 12)
        painted = np.zeros(shape, int)
        for outline, *holes in polygons:
            assert area(outline) > 0
            assert all(area(hole) < 0 for hole in holes)
            inside = polygon2mask(shape, np.array(outline) - 0.5).astype(int)
            for hole in holes:
                inside -= polygon2mask(shape, np.array(hole) - 0.5)
            assert inside.min() == 0, "holes lie in their outline, apart from each other"
            painted += inside
            for ring in (outline, *holes):
                assert len(set(ring)) == len(ring)
                steps = np.abs(np.diff(np.array([*ring, ring[0]]), axis=0)) > 0
                assert (steps.sum(axis=1) == 1).all(), "corners only"
                assert (steps[:, 0] != np.roll(steps[:, 0], 1)).all()
        np.testing.assert_array_equal(painted, mask.full(shape))
        assert len(polygons) == (ndimage.label(mask.pixels)[1] if mask.pixels.any() else 0)


def test_a_pixel_and_nothing() -> None:
    single, nothing = CroppedMask(2, 3, np.ones((1, 1), bool)), CroppedMask(0, 0, np.zeros((2, 2), bool))
    assert list(trace([single, nothing])) == [[[[(2, 3), (2, 4), (3, 4), (3, 3)]]], []]
    assert list(trace([])) == []
