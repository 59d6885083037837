"""Half pixels, letterboxes and boxes."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from napari_fastsam.core.image.geometry import Letterbox, pairwise_iou, pixel_range

planes = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
sizes = st.integers(32, 2048)


@given(planes, sizes)
def test_the_content_lies_centred_in_an_input_of_whole_strides(plane: tuple[int, int], imgsz: int) -> None:
    box = Letterbox(plane, imgsz)
    for side, inner, before in zip(box.input, box.content, box.padding, strict=True):
        assert side % 32 == 0
        assert 1 <= inner <= side < inner + 32
        assert before >= 0
        assert before + inner <= side
        assert abs((side - inner) - 2 * before) <= 1, "off centre by more than the rounding"
    assert max(box.content) == -(-imgsz // 32) * 32


@given(planes, sizes)
def test_boxes_go_to_the_input_and_back(plane: tuple[int, int], imgsz: int) -> None:
    box = Letterbox(plane, imgsz)
    (top, left), (height, width) = box.padding, plane
    gains = [box.content[0] / height, box.content[1] / width]
    wanted = np.array([[0.0, 0.0, height, width], [height * 0.25, width * 0.5, height * 0.75, width * 0.75]])
    y0, x0, y1, x1 = (wanted * [*gains, *gains] + [top, left, top, left]).T
    there = np.stack([x0, y0, x1, y1], axis=1).astype(np.float32)
    np.testing.assert_allclose(box.boxes_to_plane(there), wanted, atol=1e-3 * max(plane))


def test_boxes_are_clipped_to_the_plane() -> None:
    box = Letterbox((32, 64), 64)
    assert box.boxes_to_plane(np.array([[-50, -50, 500, 500]], np.float32)).tolist() == [[0, 0, 32, 64]]


@pytest.mark.parametrize(
    ("plane", "imgsz", "padding"), [((50, 64), 64, (7, 0)), ((51, 64), 64, (6, 0)), ((64, 37), 64, (0, 13))]
)
def test_an_odd_rest_goes_below_and_right(plane: tuple[int, int], imgsz: int, padding: tuple[int, int]) -> None:
    assert Letterbox(plane, imgsz).padding == padding


@given(planes, sizes)
def test_interpolation_stays_within_the_content(plane: tuple[int, int], imgsz: int) -> None:
    box = Letterbox(plane, imgsz)
    for axis, line in enumerate((box.rows, box.columns)):
        centres = (line.lower + line.weight + 0.5) * 4
        assert len(centres) == plane[axis]
        assert (np.diff(centres) >= 0).all()
        assert ((line.weight >= 0) & (line.weight <= 1)).all()
        assert (line.lower >= 0).all()
        assert (line.upper - line.lower <= 1).all()
        assert (line.upper < box.input[axis] // 4).all()
        # read no further out than the content reaches, nor than the centre of the outermost cell
        assert centres.min() >= min(box.padding[axis], box.input[axis] - 2) - 1e-3
        assert centres.max() <= max(box.padding[axis] + box.content[axis], 2) + 1e-3


def test_interpolation_at_the_native_scale_reads_a_ramp_as_a_ramp() -> None:
    line = Letterbox((64, 64), 64).rows
    ramp = np.arange(16) * 4 + 1.5  # the pixel centre that each cell stands for
    values = ramp[line.lower] * (1 - line.weight) + ramp[line.upper] * line.weight
    np.testing.assert_allclose(values[2:-2], np.arange(64)[2:-2], atol=1e-5)
    assert values[:2].tolist() == [1.5, 1.5]


@given(st.floats(-10, 40), st.floats(-10, 40), st.integers(1, 30))
def test_pixel_range_holds_the_pixels_whose_left_edge_lies_in_the_box(start: float, stop: float, length: int) -> None:
    first, last = pixel_range(start, stop, length)
    assert 0 <= first <= last <= length
    assert list(range(first, last)) == [p for p in range(length) if start <= p < stop]


boxes = st.lists(st.tuples(*[st.integers(0, 15)] * 4), max_size=6).map(
    lambda rows: np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows]).reshape(-1, 4)
)


@given(boxes, boxes)
def test_pairwise_iou_counts_pixels(a: np.ndarray, b: np.ndarray) -> None:
    def mask(box: np.ndarray) -> np.ndarray:
        plane = np.zeros((15, 15), bool)
        plane[box[0] : box[2], box[1] : box[3]] = True
        return plane

    found = pairwise_iou(a, b)
    assert found.shape == (len(a), len(b))
    for i, j in np.ndindex(found.shape):
        both, either = (mask(a[i]) & mask(b[j])).sum(), (mask(a[i]) | mask(b[j])).sum()
        assert found[i, j] == pytest.approx(both / either if either else 0.0)
