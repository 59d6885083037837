"""Non-maximum suppression gives what the sequential algorithm gives, at any threshold."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.objects import suppression
from napari_fastsam.core.objects.suppression import IOU_FLOOR, BoxOverlaps, suppress


def iou(a: np.ndarray, b: np.ndarray) -> float:
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return 0.0
    both = np.float32(height) * np.float32(width)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return float(both / (areas[0] + areas[1] - both))


def sequential(boxes: np.ndarray, threshold: float) -> list[int]:
    kept: list[int] = []
    for i, box in enumerate(boxes):
        if all(iou(boxes[k], box) <= threshold for k in kept):
            kept.append(i)
    return kept


# whole numbers on a small grid: equal, empty, touching and nested boxes and IoU exactly at a threshold turn up often
corners = arrays(np.int64, st.tuples(st.integers(0, 25), st.just(4)), elements=st.integers(0, 12))


def ordered(corners: np.ndarray) -> np.ndarray:
    low, high = np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])
    return np.concatenate([low, high], axis=1).astype(np.float32)


@given(corners, st.sampled_from([0.0, 0.05, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.75, 0.9, 1.0]) | st.floats(0, 1))
@settings(max_examples=300)
def test_survivors_are_those_of_the_sequential_algorithm(corners: np.ndarray, threshold: float) -> None:
    boxes = ordered(corners)
    assert BoxOverlaps.of(boxes, floor=0.0).survivors(threshold).tolist() == sequential(boxes, threshold)
    scores = np.linspace(1, 0, len(boxes), dtype=np.float32)
    assert suppress(boxes, scores, threshold).tolist() == sequential(boxes, threshold)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_suppress_equals_torchvision(seed: int, threshold: float) -> None:
    torch = pytest.importorskip("torch")
    nms = pytest.importorskip("torchvision").ops.nms
    random = np.random.default_rng(seed)
    start = random.uniform(0, 300, (700, 2))
    boxes = np.concatenate([start, start + random.uniform(0, 60, (700, 2))], axis=1).astype(np.float32)
    boxes[::50, 2:] = boxes[::50, :2]  # of no area
    boxes[1::50] = boxes[2::50]  # twice the same
    scores = random.uniform(0, 1, 700).astype(np.float32)
    expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold).tolist()
    assert suppress(boxes, scores, threshold).tolist() == expected


@given(corners, st.lists(st.booleans(), min_size=25, max_size=25), st.floats(IOU_FLOOR, 1))
def test_only_eligible_boxes_take_part(corners: np.ndarray, chosen: list[bool], threshold: float) -> None:
    boxes = ordered(corners)
    eligible = np.array(chosen[: len(boxes)], bool)
    rows = np.flatnonzero(eligible)
    before = eligible.copy()
    found = BoxOverlaps.of(boxes).survivors(threshold, eligible)
    assert found.tolist() == rows[sequential(boxes[eligible], threshold)].tolist()
    assert (eligible == before).all(), "the caller's array was written into"


@pytest.mark.parametrize(("length", "threshold", "kept"), [(4, 0.25, [0, 1]), (10, 0.1, [0])])
def test_an_iou_at_the_threshold_is_judged_as_by_torchvision(length: int, threshold: float, kept: list[int]) -> None:
    # a quarter is exact; a tenth as float32 lies above the threshold of 0.1
    boxes, scores = np.array([[0, 0, 1, length], [0, 0, 1, 1]], np.float32), np.array([0.9, 0.8], np.float32)
    torch = pytest.importorskip("torch")
    nms = pytest.importorskip("torchvision").ops.nms
    assert nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold).tolist() == kept
    assert suppress(boxes, scores, threshold).tolist() == kept


def test_of_equal_scores_the_earlier_wins() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 3, np.float32)
    assert suppress(boxes, np.array([0.5, 0.5, 0.5], np.float32), 0.5).tolist() == [0]


def test_a_chain_is_settled_one_after_the_other() -> None:
    # each overlaps the next only: every second one stays
    boxes = np.array([[0, 6 * i, 10, 6 * i + 10] for i in range(50)], np.float32)
    assert suppress(boxes, np.linspace(1, 0.5, 50, dtype=np.float32), 0.2).tolist() == list(range(0, 50, 2))


def test_no_boxes() -> None:
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5).tolist() == []


def test_boxes_of_no_area_neither_suppress_nor_go() -> None:
    boxes = np.array([[5, 5, 5, 5], [0, 0, 10, 10], [5, 5, 5, 5], [3, 0, 3, 10]], np.float32)
    assert suppress(boxes, np.array([0.9, 0.8, 0.7, 0.6], np.float32), 0.0).tolist() == [0, 1, 2, 3]


def test_pairs_are_the_same_in_small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    start = random.uniform(0, 50, (200, 2))
    boxes = np.concatenate([start, start + random.uniform(1, 30, (200, 2))], axis=1).astype(np.float32)
    at_once = BoxOverlaps.of(boxes)
    monkeypatch.setattr(suppression, "_PAIRS_A_ROUND", 7)
    in_rounds = BoxOverlaps.of(boxes)
    assert len(at_once.iou) > 100
    for name in ("better", "worse", "iou"):
        np.testing.assert_array_equal(getattr(in_rounds, name), getattr(at_once, name))


def test_every_pair_above_the_floor_is_found_once() -> None:
    random = np.random.default_rng(4)
    start = random.uniform(0, 60, (80, 2))
    boxes = np.concatenate([start, start + random.uniform(1, 30, (80, 2))], axis=1).astype(np.float32)
    found = BoxOverlaps.of(boxes, floor=0.2)
    expected = {(i, j) for j in range(80) for i in range(j) if iou(boxes[i], boxes[j]) > 0.2}
    assert len(found.better) == len(expected) > 20
    assert set(zip(found.better.tolist(), found.worse.tolist(), strict=True)) == expected
