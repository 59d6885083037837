"""IoU after clicks, clicks to an IoU, and micro-sam's figure."""

import numpy as np
import pytest

from napari_fastsam.core.judging.click_scores import ClickedObject, ClickEvaluation, ClickSummary, mean_accuracy


def clicked(ious, group="", proposed=True):
    return ClickedObject("image", group, 1, 100, tuple(ious), (0.5, 0.7, 0.9, 0.95), proposed)


def test_clicks_are_counted_until_the_target_is_reached_first():
    row = clicked([0.7, 0.86, 0.84, 0.91])
    assert [row.clicks_to(t) for t in (0.7, 0.85, 0.9, 0.95)] == [1, 2, 4, None]


def test_who_never_gets_there_counts_the_limit():
    summary = ClickSummary.of([clicked([0.7, 0.86, 0.84, 0.91]), clicked([0.1, 0.2, 0.3, 0.82], proposed=False)], 4)
    assert summary.objects == 2
    assert summary.proposed == 1
    assert summary.curve == pytest.approx((0.4, 0.53, 0.57, 0.865))
    assert summary.clicks_to == {0.80: 3.0, 0.85: 3.0, 0.90: 4.0}
    assert summary.never == {0.80: 0.0, 0.85: 0.5, 0.90: 0.5}
    assert summary.after(3) == pytest.approx(0.57)
    assert np.isnan(summary.after(5))


def test_of_no_objects_nothing_is_known():
    summary = ClickSummary.of([], 3)
    assert summary.objects == 0
    assert np.isnan(summary.after(1))


def test_kinds_weigh_the_same_in_their_mean():
    rows = (clicked([0.9], "a"), clicked([0.9], "a"), clicked([0.3], "b"))
    evaluation = ClickEvaluation("model", "network", "point", 1, rows, 0.01)
    assert evaluation.groups == ("a", "b")
    assert evaluation.counts == (1,)
    assert evaluation.summary().after(1) == pytest.approx(0.7)
    assert evaluation.by_group().after(1) == pytest.approx(0.6)


def test_accuracy_counts_a_missed_object_twice():
    # one of two is right at every threshold: TP 1, FP 1, FN 1
    assert mean_accuracy([0.99, 0.1]) == pytest.approx(1 / 3)
    assert mean_accuracy([0.95, 1.0]) == 1.0
    assert np.isnan(mean_accuracy([]))
