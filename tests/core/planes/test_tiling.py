"""Tiles cover a plane, and each object is painted once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.tiling import Canvas, Tile, TileGrid, Tiling, spread
from napari_fastsam.errors import FastSAMError

shapes = st.tuples(st.integers(1, 9000), st.integers(1, 9000))
scales = st.floats(0.05, 4)


def square(top, left, side, width=None):
    return CroppedMask(top, left, np.ones((side, width or side), bool))


@given(shapes, scales)
@settings(max_examples=200)
def test_cores_cover_the_plane_once_and_windows_hold_them_with_a_halo(shape, scale):
    grid = TileGrid(shape, scale)
    tiles = grid.tiles()
    assert len(tiles) == len(grid)
    assert sum((t.core[2] - t.core[0]) * (t.core[3] - t.core[1]) for t in tiles) == shape[0] * shape[1]
    least = int(grid.halo) - 1
    for tile in tiles[:: max(1, len(tiles) // 50)]:
        for axis in (0, 1):
            core, window = (tile.core[axis], tile.core[axis + 2]), (tile.window[axis], tile.window[axis + 2])
            assert 0 <= window[0] <= core[0] < core[1] <= window[1] <= shape[axis]
            assert window[0] == 0 or core[0] - window[0] >= least
            assert window[1] == shape[axis] or window[1] - core[1] >= least
            assert (window[1] - window[0]) * scale <= 1024 + 16 * scale + 32


@given(shapes, scales, st.floats(0, 1), st.floats(0, 1))
def test_a_point_lies_in_the_core_of_its_tile(shape, scale, down, across):
    y, x = int(down * (shape[0] - 1)), int(across * (shape[1] - 1))
    y0, x0, y1, x1 = TileGrid(shape, scale).tile_at(y, x).core
    assert y0 <= y < y1
    assert x0 <= x < x1


def test_a_point_beyond_the_plane_has_the_nearest_tile():
    grid = TileGrid((4000, 4000), 1.0)
    assert grid.tile_at(-50, 9000) == grid.tile(0, grid.counts[1] - 1)


def test_all_windows_have_one_size_so_that_all_are_shown_at_one_scale():
    assert len({tile.shape for tile in TileGrid((5003, 7777), 1.7).tiles()}) == 1


def test_a_small_plane_is_one_tile():
    grid = TileGrid((700, 900), 1.0)
    assert grid.tiles() == [Tile((0, 0, 700, 900), (0, 0, 700, 900))]


def test_the_work_grows_with_the_area():
    def seen(side):
        return sum(t.shape[0] * t.shape[1] for t in TileGrid((side, side), 1.0).tiles()) / side**2

    assert [seen(side) / seen(2048) for side in (4096, 8192, 16384)] == pytest.approx([1, 1, 1], abs=0.1)


def test_tiles_come_from_the_nearest_to_the_farthest():
    grid = TileGrid((6000, 6000), 1.0)
    tiles = grid.tiles(first=(3100, 2900))
    assert tiles[0] == grid.tile_at(3100, 2900)
    assert set(tiles) == set(grid.tiles())


def test_a_tile_owns_what_has_its_centre_in_the_core_and_cuts_what_ends_at_its_window():
    tile = Tile((100, 0, 200, 100), (50, 0, 250, 150))
    boxes = np.array([[90, 10, 112, 20], [80, 10, 112, 20], [50, 10, 160, 20], [120, 0, 130, 10], [120, 90, 130, 150]])
    assert tile.owns(boxes, 0).tolist() == [True, False, True, True, False]
    assert tile.cuts(boxes, (400, 400)).tolist() == [False, False, True, False, True]  # the plane's edge cuts nothing


def test_what_two_tiles_see_is_there_once():
    canvas = Canvas(np.zeros((100, 200), np.int32))
    assert canvas.add((0, 0, 100, 120), [square(40, 90, 20)], [0.9]) == [1]
    assert canvas.add((0, 80, 100, 200), [square(41, 90, 20), square(10, 150, 8)], [0.95, 0.5]) == [0, 2]
    assert len(canvas) == 2
    assert np.unique(canvas.labels).tolist() == [0, 1, 2]


def test_neighbours_at_a_seam_are_two():
    canvas = Canvas(np.zeros((100, 200), np.int32))
    canvas.add((0, 0, 100, 120), [square(40, 80, 20)], [0.9])
    assert canvas.add((0, 80, 100, 200), [square(42, 98, 20)], [0.5]) == [2]
    assert np.count_nonzero(canvas.labels == 1) == 400, "the surer one keeps what both claim"


def test_a_small_object_in_a_large_one_stays_visible_whichever_comes_first():
    for first, second in ((square(0, 0, 50), square(10, 10, 5)), (square(10, 10, 5), square(0, 0, 50))):
        canvas = Canvas(np.zeros((60, 60), np.int32))
        canvas.add((0, 0, 60, 60), [first], [0.9])
        canvas.add((0, 0, 60, 60), [second], [0.5])
        assert sorted(np.bincount(canvas.labels.ravel())[1:].tolist()) == [25, 2475]


masks = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20), st.floats(0.1, 1)),
    max_size=8,
)


@given(masks)
def test_within_one_tile_contested_pixels_go_as_everywhere(drawn):
    crops, scores = [square(y, x, h, w) for y, x, h, w, _ in drawn], [s for *_, s in drawn]
    canvas = Canvas(np.zeros((64, 64), np.int32))
    numbers = canvas.add((0, 0, 64, 64), crops, scores)
    expected = paint(crops, (64, 64), ids=numbers if numbers else None, scores=scores)
    np.testing.assert_array_equal(canvas.labels, expected)


def test_samples_lie_within_the_plane_and_apart():
    windows = list(spread((3000, 400), 512, 3))
    assert len(windows) == 3
    assert all(w[0].stop <= 3000 and w[1] == slice(0, 400) for w in windows)
    assert len({w[0].start for w in windows}) == 3


@pytest.mark.parametrize(
    "wrong", [{"diameter": 0}, {"scale": -1}, {"scale": float("nan")}, {"diameter": 9, "scale": 1}, {"halo": 900}]
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(FastSAMError, match=r"expected|give one"):
        Tiling(**wrong)
