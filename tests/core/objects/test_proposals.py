"""What the network said, kept: lazily decoded masks and live thresholds."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from napari_fastsam.core.image.geometry import Letterbox
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.core.objects.suppression import suppress
from napari_fastsam.errors import ParameterError


def make(plane: tuple[int, int], imgsz: int, count: int = 40, seed: int = 0, channels: int = 5) -> Proposals:
    """Random boxes, scores, coefficients and smooth prototypes."""
    random = np.random.default_rng(seed)
    letterbox = Letterbox(plane, imgsz)
    height, width = letterbox.input
    start = random.uniform(-10, [width, height], (count, 2))
    boxes = np.concatenate([start, start + random.uniform(0, 40, (count, 2))], axis=1)
    return Proposals(
        boxes.astype(np.float32),
        np.sort(random.uniform(0.05, 1, count)).astype(np.float32)[::-1].copy(),
        random.normal(size=(count, channels)).astype(np.float32),
        random.normal(size=(height // 4, width // 4, channels)).astype(np.float32),
        letterbox,
    )


def whole_plane(proposals: Proposals, rank: int) -> np.ndarray:
    """A mask's values on every pixel of the plane, by torch's interpolation; without padding the two must agree."""
    torch = pytest.importorskip("torch")
    values = torch.from_numpy(proposals.prototypes @ proposals.coefficients[rank])[None, None]
    size = proposals.shape
    return torch.nn.functional.interpolate(values, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()


@pytest.mark.parametrize(
    ("plane", "imgsz"),
    [((64, 96), 96), ((128, 192), 96), ((40, 60), 96), ((64, 64), 64), ((1, 1), 32), ((20, 10), 64)],
    ids=["native", "reduced", "enlarged", "square", "one pixel", "upright"],
)
def test_a_crop_is_the_whole_plane_decoded_and_cut(plane: tuple[int, int], imgsz: int) -> None:
    proposals = make(plane, imgsz)
    assert proposals.letterbox.padding == (0, 0)
    seen = 0
    rows, columns = np.arange(plane[0]), np.arange(plane[1])
    for rank in range(len(proposals)):
        y0, x0, y1, x1 = proposals.boxes[rank]
        inside = ((rows >= y0) & (rows < y1))[:, None] & ((columns >= x0) & (columns < x1))[None]
        expected = whole_plane(proposals, rank)
        top, left, values = proposals.logits(rank)
        window = np.s_[top : top + values.shape[0], left : left + values.shape[1]]
        np.testing.assert_allclose(values, expected[window], atol=1e-4)
        sure = np.abs(expected) > 1e-4  # a value of nearly 0 may be rounded to either side
        assert (proposals.crop(rank).full(plane) == ((expected > 0) & inside))[sure].all()
        seen += inside.any()
    assert seen


@pytest.mark.parametrize("plane", [(50, 64), (37, 64), (64, 41)])
def test_padding_is_left_out(plane: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    proposals = make(plane, 64)
    top, left = proposals.letterbox.padding
    assert top + left > 0
    for rank in range(len(proposals)):
        values = torch.from_numpy(proposals.prototypes @ proposals.coefficients[rank])[None, None]
        shown = torch.nn.functional.interpolate(values, scale_factor=4, mode="bilinear", align_corners=False)[0, 0]
        expected = shown.numpy()[top : top + plane[0], left : left + plane[1]]
        first_row, first_column, found = proposals.logits(rank)
        # next to the border our rule takes the nearest cell of the image, torch's one of the padding
        for i, j in np.ndindex(found.shape):
            row, column = first_row + i, first_column + j
            if 4 <= row < plane[0] - 4 and 4 <= column < plane[1] - 4:
                assert found[i, j] == pytest.approx(expected[row, column], abs=1e-4)


def test_masks_are_decoded_once_and_when_asked_for() -> None:
    proposals = make((64, 96), 96)
    before = proposals.nbytes
    part = proposals.subset(np.arange(10))
    fewer = part.subset([1, 5]).filter(conf=0.0, iou=1.0)
    assert proposals.nbytes == before, "something was decoded"
    assert fewer.masks[1] is proposals.crop(5)
    assert proposals.crop(5) is proposals.crop(5)
    assert proposals.nbytes == before + proposals.crop(5).pixels.nbytes


def test_a_box_beside_the_plane_has_an_empty_mask() -> None:
    proposals = make((64, 96), 96, count=1)
    proposals.boxes_input[0] = [200, 200, 240, 240]
    assert proposals.crop(0).area == 0
    assert len(proposals.instances(conf=0.0)) == 0


@given(st.floats(0.05, 1), st.floats(0, 1), st.integers(0, 5))
@settings(max_examples=60)
def test_instances_are_those_above_conf_that_suppression_keeps(conf: float, iou: float, seed: int) -> None:
    proposals = make((64, 96), 96, count=60, seed=seed)
    found = proposals.instances(conf, iou)
    above = np.flatnonzero(proposals.scores > np.float32(conf))
    kept = above[np.sort(suppress(proposals.boxes_input[above], proposals.scores[above], iou))]
    kept = [rank for rank in kept.tolist() if proposals.crop(rank).area]
    assert found.ranks is not None
    assert found.ranks.tolist() == kept
    np.testing.assert_array_equal(found.boxes, proposals.boxes[kept])
    np.testing.assert_array_equal(found.scores, proposals.scores[kept])


def test_areas_filter_both_ends_included() -> None:
    proposals = make((64, 96), 96, count=60)
    everything = proposals.instances(0.05, 1.0)
    areas = np.sort(everything.areas)
    low, high = int(areas[10]), int(areas[-10])
    some = proposals.instances(0.05, 1.0, low, high)
    assert len(some) == ((areas >= low) & (areas <= high)).sum()
    assert some.areas.min() == low
    assert some.areas.max() == high


def test_filter_of_instances_is_never_more_than_they_are() -> None:
    proposals = make((64, 96), 96, count=60)
    at_half: Instances = proposals.instances(0.2, 0.5)
    assert at_half.ranks is not None
    again = at_half.filter(conf=0.0, iou=0.9)
    assert again.ranks is not None
    assert set(again.ranks.tolist()) <= set(at_half.ranks.tolist())


def test_thresholds_out_of_range() -> None:
    with pytest.raises(ParameterError, match="iou is 2"):
        make((64, 96), 96).instances(0.3, 2)


def test_no_proposals() -> None:
    none = make((64, 96), 96, count=0)
    assert len(none) == len(none.instances()) == 0
    assert none.instances().to_labels().shape == (64, 96)
