"""Ultralytics' rules, against the same rules on full masks written down plainly.

`tests/model/network/test_ultralytics_equal.py` compares with ultralytics itself.
"""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.prompts.compat import select_like_ultralytics, snap_boxes
from napari_fastsam.core.prompts.prompts import Prompts

SHAPE = (40, 60)


@pytest.fixture
def three() -> Instances:
    masks = np.zeros((3, *SHAPE), bool)
    masks[0, 2:12, 2:12] = True
    masks[1, 20:35, 25:45] = True
    masks[2, 24:30, 30:36] = True
    return Instances.from_masks(masks, [0.9, 0.8, 0.7])


def chosen(instances: Instances, **prompts: object) -> list[float]:
    return [round(float(s), 1) for s in select_like_ultralytics(instances, Prompts(**prompts)).scores]  # type: ignore[arg-type]


def test_no_prompts_is_everything(three: Instances) -> None:
    assert chosen(three) == [0.9, 0.8, 0.7]


def test_points_take_all_that_they_hit_less_what_negatives_hit(three: Instances) -> None:
    assert chosen(three, points=[[26, 32]]) == [0.8, 0.7]
    assert chosen(three, points=[[26, 32], [5, 5]]) == [0.9, 0.8, 0.7]
    assert chosen(three, points=[[26, 32], [21, 26]], point_labels=[1, 0]) == [0.7]
    assert chosen(three, points=[[39, 59]]) == []


def test_negatives_alone_take_all_that_they_do_not_hit(three: Instances) -> None:
    assert chosen(three, points=[[26, 32]], point_labels=[0]) == [0.9]
    assert chosen(three, points=[[39, 59]], point_labels=[0]) == [0.9, 0.8, 0.7]


def test_a_box_that_hits_nothing_takes_the_first(three: Instances) -> None:
    assert chosen(three, boxes=[[36, 50, 39, 59]]) == [0.9]
    assert chosen(three, boxes=[[200, 200, 300, 300]]) == [0.9]
    assert chosen(three, boxes=[[5, 5, 5, 5]]) == [0.9]


def test_negatives_do_not_touch_boxes(three: Instances) -> None:
    assert chosen(three, boxes=[[20, 25, 35, 45]], points=[[26, 32]], point_labels=[0]) == [0.9, 0.8]


def test_no_instances(three: Instances) -> None:
    assert chosen(three.subset([]), points=[[1, 1]], boxes=[[1, 1, 5, 5]]) == []


def plainly(masks: np.ndarray, prompts: Prompts) -> np.ndarray:
    height, width = masks.shape[1:]
    hit = np.zeros(len(masks), bool)
    for box in prompts.boxes:
        y0, x0, y1, x1 = np.clip(np.trunc(box), 0, [height, width, height, width]).astype(int)
        within = masks[:, y0:y1, x0:x1].sum(axis=(1, 2))
        hit[np.argmax(within / ((y1 - y0) * (x1 - x0) + masks.sum(axis=(1, 2)) - within))] = True
    if len(prompts.points):
        rows, columns = np.clip(np.trunc(prompts.points), 0, [height - 1, width - 1]).astype(int).T
        inside = masks[:, rows, columns]
        by_points = inside[:, prompts.point_labels == 1].any(axis=1)
        if not prompts.point_labels.any():
            by_points[:] = True
        hit |= by_points & ~inside[:, prompts.point_labels == 0].any(axis=1)
    return hit


coordinate = st.floats(-4, 16)


@given(
    arrays(bool, st.tuples(st.integers(1, 5), st.just(10), st.just(12))),
    st.lists(st.tuples(coordinate, coordinate, st.integers(0, 1)), max_size=4),
    st.lists(st.tuples(*[coordinate] * 4), max_size=3),
)
def test_cropped_masks_give_what_full_ones_give(
    masks: np.ndarray,
    points: list[tuple[float, float, int]],
    boxes: list[tuple[float, float, float, float]],
) -> None:
    masks = masks[masks.any(axis=(1, 2))]
    prompts = Prompts([p[:2] for p in points], [p[2] for p in points], boxes=boxes)
    instances = Instances.from_masks(masks)
    found = select_like_ultralytics(instances, prompts)
    expected = plainly(masks, prompts) if len(prompts) and len(masks) else np.ones(len(masks), bool)
    assert len(found) == expected.sum()
    for i, j in enumerate(np.flatnonzero(expected)):
        assert (found.mask(i) == masks[j]).all()


@pytest.mark.parametrize(
    ("box", "snapped"),
    [
        ([19.9, 19.9, 60, 80], [0, 0, 60, 80]),
        ([20, 20, 60, 80], [20, 20, 60, 80]),
        ([30, 30, 80.1, 130.1], [30, 30, 100, 150]),
        ([30, 30, 80, 130], [30, 30, 80, 130]),
        ([4, 3, 97, 146], [0, 0, 100, 150]),
        ([25, 0, 100, 150], [25, 0, 100, 150]),
    ],
    ids=str,
)
def test_boxes_near_the_border_snap_to_it(box: list[float], snapped: list[float]) -> None:
    one = Instances.from_masks(np.ones((1, 100, 150)))
    one = Instances(np.array([box]), one.scores, one.masks, one.shape)
    assert snap_boxes(one).tolist() == [snapped]
    assert one.boxes.tolist() == np.array([box], np.float32).tolist(), "the instances' own boxes are left alone"
