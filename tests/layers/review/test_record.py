"""What a Labels layer keeps of its review."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.layers import Labels

from napari_fastsam.core.review.order import Progress
from napari_fastsam.layers.review.record import (
    ReviewRecord,
    answers_of,
    forget_answers,
    keep_answer,
    keep_record,
    record_of,
)


@pytest.fixture
def layer():
    return Labels(np.array([[1, 2, 0, 9]], np.int32), features={"index": [1, 2], "class": ["a", "b"]})


@pytest.mark.parametrize("labels", [[], [7], [1, 2, 3, 9, 10, 70000]])
def test_a_record_survives_json(layer, labels):
    record = ReviewRecord(3, np.array(labels, np.int64), np.arange(len(labels)) / 255, Progress(1, 2, 3), {4: "wrong"})
    keep_record(layer, record)
    layer.metadata = json.loads(json.dumps(layer.metadata))
    back = record_of(layer)

    assert back.labels.tolist() == labels
    assert back.doubts.tolist() == record.doubts.tolist()
    assert (back.seed, back.progress, back.gone) == (3, Progress(1, 2, 3), {4: "wrong"})


@pytest.mark.parametrize("damage", [{"version": 2}, {"doubts": "?"}, {"labels": [[1, 5]]}, {"gone": None}])
def test_a_damaged_record_counts_as_none(damage):
    values = ReviewRecord.begin(np.array([1, 2]), np.zeros(2), 0).to_json() | damage

    assert ReviewRecord.from_json(values) is None


def test_answers_are_a_column_and_other_columns_stay(layer):
    keep_answer(layer, 2, "wrong")
    keep_answer(layer, 9, "right")

    assert answers_of(layer) == {2: "wrong", 9: "right"}
    assert layer.features["class"].tolist()[:2] == ["a", "b"]
    assert layer.features["review"].tolist() == ["", "wrong", "right"]

    keep_answer(layer, 2, "")
    assert answers_of(layer) == {9: "right"}


def test_a_layer_without_features_gets_the_column():
    layer = Labels(np.array([[5]]))
    keep_answer(layer, 5, "right")

    assert layer.features[["index", "review"]].to_dict("records") == [{"index": 5, "review": "right"}]


def test_all_can_be_forgotten(layer):
    keep_answer(layer, 1, "right")
    keep_record(layer, ReviewRecord.begin(np.array([1]), np.zeros(1), 0))
    forget_answers(layer)

    assert answers_of(layer) == {}
    assert record_of(layer) is None
    assert layer.features["class"].tolist() == ["a", "b"]
