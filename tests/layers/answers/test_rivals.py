"""The outline that was nearly taken instead, told when an object is added."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.core.image.geometry import Letterbox
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.core.review.doubts import find_doubts
from napari_fastsam.core.review.measured import measure_objects


def proposals(*boxes: tuple[float, float, float, float]) -> Proposals:
    count = len(boxes)
    scores = np.linspace(0.9, 0.6, count).astype(np.float32)
    return Proposals(
        np.array(boxes, np.float32), scores, np.ones((count, 1), np.float32), np.ones((16, 16, 1), np.float32),
        Letterbox((64, 64), 64),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("other", "rival"),
    [
        ((0, 0, 20, 30), True),  # half as large again: another outline
        ((0, 0, 20, 21), False),  # the same outline once more
        ((40, 40, 60, 60), False),  # elsewhere, and kept itself
    ],
)
def test_another_outline_that_was_suppressed_is_a_rival_and_a_second_reading_is_none(other, rival):
    found = proposals((0, 0, 20, 20), other)
    ranks = found.ranks(0.1, 0.5)
    scores = found.rivals(ranks, 0.5)
    assert scores[0] == pytest.approx(0.6, abs=1e-6) if rival else np.isnan(scores[0])


def test_a_rival_that_was_nearly_as_sure_is_the_reason_of_a_doubt():
    labels = np.zeros((40, 120), np.int32)
    for i in range(10):
        labels[5:15, 12 * i : 12 * i + 10] = i + 1
    scores, rivals = np.full(10, 0.9), np.full(10, np.nan)
    rivals[3] = 0.88
    doubts = find_doubts(measure_objects(labels, None), {"score": scores, "rival": rivals}, 0.3)
    assert int(doubts.values.argmax()) == 3
    assert "another outline was nearly as sure" in doubts.reason(3)
