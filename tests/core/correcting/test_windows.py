"""What a window shows of the plane, and where what is found there lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.core.correcting.windows import (
    CorrectionWindow,
    carry_over,
    read_mask,
    read_picture,
    to_pixels,
    window_around,
)
from napari_fastsam.core.objects.masks import CroppedMask

CELLS = 64


def gradient(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows % 256, columns % 256, np.zeros((height, width))], axis=-1).astype(np.uint8)


@given(st.floats(-50, 250), st.floats(-50, 250), st.floats(14, 400))
def test_cells_and_pixels_are_two_names_of_one_place(row, column, side):
    window = CorrectionWindow(120.5, 33.25, side)
    there = window.to_cells(np.array([[row, column]]), CELLS)
    assert window.to_plane(there, CELLS)[0] == pytest.approx([row, column])


@pytest.mark.parametrize("side", [16.0, 64.0, 100.0, 190.0])
def test_a_picture_has_the_values_of_its_places(side):
    window = CorrectionWindow(100, 110, side)
    picture, inside = read_picture(gradient(220, 240), window, CELLS)
    rows, columns = window.centres(CELLS)
    assert inside.all()
    assert picture[0] * 255 == pytest.approx(np.repeat(rows[:, None], CELLS, 1), abs=0.6)
    assert picture[1] * 255 == pytest.approx(np.repeat(columns[None], CELLS, 0), abs=0.6)


def test_large_cells_are_averages_and_not_samples():
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3)).astype(np.uint8)
    picture, _ = read_picture(noise, CorrectionWindow(255.5, 255.5, 512), CELLS)
    assert picture.std() < 0.12  # of 8 × 8 pixels each; samples would have 0.29
    assert picture.mean() == pytest.approx(0.5, abs=0.01)


def test_beyond_the_plane_nothing_is_inside():
    plane = np.full((30, 40, 3), 200, np.uint8)
    window = CorrectionWindow(0, 0, 64)
    picture, inside = read_picture(plane, window, CELLS)
    rows, columns = window.centres(CELLS)
    assert picture == pytest.approx(200 / 255)
    assert np.array_equal(
        inside > 0, ((rows >= -0.5) & (rows < 29.5))[:, None] & ((columns >= -0.5) & (columns < 39.5))
    )


def test_only_the_window_is_read_of_a_large_plane():
    class Slide:
        shape = (100_000, 80_000, 3)
        read = 0

        def __getitem__(self, index):
            rows, columns = (range(*part.indices(length)) for part, length in zip(index, self.shape, strict=False))
            self.read += len(rows) * len(columns)
            return np.zeros((len(rows), len(columns), 3), np.uint8)

    slide = Slide()
    read_picture(slide, CorrectionWindow(50_000, 40_000, 120), CELLS)
    assert slide.read < 130 * 130
    slide.read = 0
    read_picture(slide, CorrectionWindow(50_000, 40_000, 60_000), CELLS)
    assert slide.read < 600 * 600


@given(st.integers(-20, 80), st.integers(-20, 80), st.integers(8, 60), st.integers(8, 60))
def test_a_mask_survives_the_way_there_and_back(top, left, height, width):
    shape = (120, 130)
    plane = np.zeros(shape, bool)
    plane[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = True
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    if not len(rows):
        return
    crop = CroppedMask(int(rows[0]), int(columns[0]), plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    window = window_around(np.array([rows[0], columns[0]]), np.array([rows[-1], columns[-1]]), shape)
    seen_rows, seen_columns, back = to_pixels(read_mask(crop, window, CELLS), window, shape)
    result = np.zeros(shape, bool)
    result[seen_rows, seen_columns] = back > 0.5
    # an object fills 35 cells: its edge is off by less than half a pixel of small ones, by a cell of large ones
    wrong = np.count_nonzero(result != plane)
    assert wrong <= 2 * (len(rows) + len(columns)) * max(1.0, window.side / CELLS)


def test_values_are_carried_from_one_window_to_another():
    wide, narrow = CorrectionWindow(50, 50, 128), CorrectionWindow(60, 40, 64)
    rows, columns = wide.centres(CELLS)
    values = (rows[:, None] + 2 * columns[None]).astype(np.float32)
    carried = carry_over(values, wide, narrow)
    own_rows, own_columns = narrow.centres(CELLS)
    assert carried == pytest.approx(own_rows[:, None] + 2 * own_columns[None], abs=0.01)
    assert not carry_over(values, CorrectionWindow(500, 500, 10), narrow).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (3, 3)])
def test_tiny_planes_have_windows(shape):
    window = window_around(np.array([0.0, 0.0]), np.array([shape[0] - 1.0, shape[1] - 1.0]), shape)
    picture, inside = read_picture(np.full((*shape, 3), 9, np.uint8), window, CELLS)
    rows, columns, values = to_pixels(inside, window, shape)
    assert picture == pytest.approx(9 / 255)
    assert values.shape == shape
    assert (rows.start, columns.start) == (0, 0)
