"""What the scores of single images come to together."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from napari_fastsam.core.judging.metrics import THRESHOLDS, Matching, match
from napari_fastsam.core.judging.scores import Evaluation, Figures, ImageScore, Summary

PICTURES = Path(__file__).parents[2] / "data" / "dsb2018"


def matchings(*counts: tuple[int, int, int, float]) -> tuple[Matching, ...]:
    """Those at IoU 0.5, 0.55 … as given, and nothing found beyond."""
    tp, fp, fn, _ = counts[0]
    nothing = (0, tp + fp, tp + fn, 0.0)
    padded = [*counts, *[nothing] * (len(THRESHOLDS) - len(counts))]
    return tuple(Matching(t, *c) for t, c in zip(THRESHOLDS, padded, strict=True))


FIRST = ImageScore("a", "cells", matchings((2, 1, 1, 1.6), (1, 2, 2, 0.9)), 0.1, (0.8, 0.6, 0.1), (0.9, 0.9, 0.9))
SECOND = ImageScore("b", "tissue", matchings((8, 0, 0, 4.8)), 0.3, (0.5,) * 8, (0.7,) * 8)
EMPTY = ImageScore("c", "tissue", matchings((0, 0, 0, 0.0)), 0.2)


def test_a_case_worked_by_hand() -> None:
    summary = Summary.of([FIRST, SECOND, EMPTY])
    assert (summary.images, summary.objects, summary.found) == (3, 11, 11)
    # pooled: 10 of 10 + 1 + 1 at 0.5, 1 of 1 + 10 + 10 at 0.55, none beyond
    assert summary.pooled.curve[:3] == pytest.approx((10 / 12, 1 / 21, 0))
    assert summary.pooled.ap50 == pytest.approx(10 / 12)
    assert summary.pooled.ap == pytest.approx((10 / 12 + 1 / 21) / 10)
    assert summary.pooled.f1 == pytest.approx(20 / 22)
    assert summary.pooled.matched_iou == pytest.approx(0.64)
    # by image: 2 / 4 and 8 / 8; the image with nothing in it has no value
    assert summary.by_image.ap50 == pytest.approx(0.75)
    assert summary.by_image.curve[1] == pytest.approx((1 / 5 + 0) / 2)
    assert summary.by_image.f1 == pytest.approx((4 / 6 + 1) / 2)
    assert summary.by_image.matched_iou == pytest.approx((0.8 + 0.6) / 2)
    # means over objects, and over images
    assert summary.click_iou == pytest.approx((0.8 + 0.6 + 0.1 + 8 * 0.5) / 11)
    assert summary.box_iou == pytest.approx((3 * 0.9 + 8 * 0.7) / 11)
    assert summary.seconds == pytest.approx(0.2)


def test_groups_and_all() -> None:
    evaluation = Evaluation("m", {}, (SECOND, FIRST, EMPTY))
    assert evaluation.groups == ("cells", "tissue")
    assert evaluation.summary() == Summary.of([SECOND, FIRST, EMPTY])
    assert evaluation.summary("cells") == Summary.of([FIRST])
    assert Evaluation("m", {}, (ImageScore("d", "", FIRST.matchings, 0.1),)).groups == ()


@pytest.mark.parametrize("rows", [[], [EMPTY]], ids=["no image", "no object"])
def test_what_is_not_known_is_not_a_number(rows: list[ImageScore]) -> None:
    summary = Summary.of(rows)
    for figures in (summary.pooled, summary.by_image):
        assert np.isnan([*figures.curve, *figures.named().values()]).all()
    assert np.isnan([summary.click_iou, summary.box_iou]).all()
    assert (summary.images, summary.objects) == (len(rows), 0)


def test_false_objects_in_an_empty_image_count() -> None:
    wrong = ImageScore("d", "", matchings((0, 3, 0, 0.0)), 0.1)
    summary = Summary.of([SECOND, wrong])
    assert summary.pooled.ap50 == pytest.approx(8 / 11)
    assert summary.by_image.ap50 == pytest.approx(0.5)
    assert np.isnan(wrong.figures.matched_iou)


# Against independent libraries


def spoilt(truth: np.ndarray) -> np.ndarray:
    """Shifted by two rows and a column; every fifth number is away, every seventh joined to the next."""
    found = np.roll(truth, (2, 1), axis=(0, 1))
    found[found % 5 == 0] = 0
    found[(found % 7 == 0) & (found > 0)] += 1
    return found


@pytest.fixture(scope="module")
def rows() -> dict[str, ImageScore]:
    found = {}
    for name in STARDIST:
        truth = iio.imread(PICTURES / f"{name}_labels.png").astype(np.int32)
        found[name] = ImageScore(name, "", tuple(match(spoilt(truth), truth)), 0.0)
    return found


STARDIST = {
    "dense": [(44, 13, 36), (39, 18, 41), (33, 24, 47), (23, 34, 57), (12, 45, 68), (3, 54, 77), *[(0, 57, 80)] * 4],
    "sparse": [(17, 3, 10), (15, 5, 12), (14, 6, 13), (13, 7, 14), (10, 10, 17), (3, 17, 24), *[(0, 20, 27)] * 4],
    "tissue": [(13, 0, 4), (12, 1, 5), (8, 5, 9), (5, 8, 12), (2, 11, 15), (1, 12, 16), *[(0, 13, 17)] * 4],
    "wide": [
        (24, 0, 9), (24, 0, 9), (23, 1, 10), (20, 4, 13), (17, 7, 16), (9, 15, 24), (6, 18, 27), (1, 23, 32),
        *[(0, 24, 33)] * 2,
    ],
}  # fmt: skip
"""tp, fp, fn of ``stardist.matching.matching(truth, spoilt(truth), thresh=THRESHOLDS)``, stardist 0.9.2."""

CELLPOSE = {
    "dense": (0.473118, 0.397959, 0.317308, 0.201754, 0.096, 0.022388, 0, 0, 0, 0),
    "sparse": (0.566667, 0.46875, 0.424242, 0.382353, 0.27027, 0.068182, 0, 0, 0, 0),
    "tissue": (0.764706, 0.666667, 0.363636, 0.2, 0.071429, 0.034483, 0, 0, 0, 0),
    "wide": (0.727273, 0.727273, 0.676471, 0.540541, 0.425, 0.1875, 0.117647, 0.017857, 0, 0),
}
"""``cellpose.metrics.average_precision([truth], [spoilt(truth)], threshold=THRESHOLDS)[0]``, cellpose 4.2.1."""


@pytest.mark.parametrize("name", STARDIST)
def test_matches_are_those_of_stardist(rows: dict[str, ImageScore], name: str) -> None:
    found = [(m.true_positives, m.false_positives, m.false_negatives) for m in rows[name].matchings]
    assert found == STARDIST[name]


@pytest.mark.parametrize("name", CELLPOSE)
def test_the_average_precision_is_that_of_cellpose(rows: dict[str, ImageScore], name: str) -> None:
    assert rows[name].figures.curve == pytest.approx(CELLPOSE[name], abs=1e-6)


def test_all_images_together_are_those_of_stardist(rows: dict[str, ImageScore]) -> None:
    """``matching_dataset`` of stardist 0.9.2 at 0.5 and 0.75: accuracy, f1, mean_matched_score."""
    summary = Summary.of(list(rows.values()))
    pooled, by_image = summary.pooled, summary.by_image
    assert (pooled.ap50, pooled.f1, pooled.matched_iou) == pytest.approx((0.566474, 0.723247, 0.673913), abs=1e-6)
    assert (by_image.ap50, by_image.f1, by_image.matched_iou) == pytest.approx((0.632941, 0.768628, 0.676147), abs=1e-6)
    assert (pooled.ap75, by_image.ap75) == pytest.approx((0.062745, 0.078138), abs=1e-6)
    assert Figures.mean([r.figures for r in rows.values()]) == by_image
