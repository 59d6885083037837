"""The review of a Labels layer, without a viewer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from skimage.draw import disk

from napari_fastsam.core.review.doubts import find_doubts
from napari_fastsam.core.review.measured import measure_objects
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.recorder import Recorder
from napari_fastsam.layers.review.record import answers_of
from napari_fastsam.layers.review.review import LabelReview, recording_into


def cells():
    labels = np.zeros((240, 240), np.int32)
    for i in range(36):
        labels[disk((40 * (i // 6) + 20, 40 * (i % 6) + 20), 7 + (i % 3) * 0.5)] = i + 1
    labels[labels == 8] = 0
    labels[disk((60, 60), 17)] = 8  # far too large
    return labels


class Reviewing:
    """A layer under review, with what takes its steps back."""

    def __init__(self, data, **options):
        self.layer = Labels(data, name="cells")
        self.steps = Recorder(History())
        self.recording = recording_into(self.layer, self.steps)
        self.open(**options)

    def open(self, share=0.0):
        measured = measure_objects(np.asarray(self.layer.data))
        self.review = LabelReview(self.layer, measured, find_doubts(measured), share, seed=1)

    def answer(self, answer):
        shown = self.review.current()
        self.review.answer(shown, answer, self.recording)
        return shown.label


@pytest.fixture
def reviewing():
    return Reviewing(cells())


def test_the_doubtful_object_comes_first_with_its_reason_and_place(reviewing):
    shown = reviewing.review.current()

    assert (shown.label, shown.at_random) == (8, False)
    assert shown.reason.endswith("as large as the others")
    assert reviewing.layer.data[tuple(shown.place)] == 8
    assert shown.mask.sum() == (reviewing.layer.data == 8).sum()


def test_deleting_is_one_step_that_can_be_taken_back_and_done_again(reviewing):
    before = reviewing.layer.data.copy()
    reviewing.review.delete(reviewing.review.current(), reviewing.recording)
    assert not (reviewing.layer.data == 8).any()
    assert reviewing.review.estimate().found == 1

    reviewing.steps.undo()
    assert (reviewing.layer.data == before).all()
    assert reviewing.review.estimate().checked == 0
    assert reviewing.review.current().label == 8

    reviewing.steps.redo()
    assert not (reviewing.layer.data == 8).any()
    assert reviewing.review.estimate().found == 1


def test_another_review_goes_on_where_this_one_ended(reviewing):
    answered = [reviewing.answer("wrong"), reviewing.answer("right"), reviewing.answer("right")]
    said = reviewing.review.estimate()
    upcoming = reviewing.review.current().label
    reviewing.open()

    assert reviewing.review.estimate() == said
    assert reviewing.review.current().label == upcoming
    assert set(answers_of(reviewing.layer)) == set(answered)


def test_the_last_answer_is_taken_back_once_more_and_once_more(reviewing):
    first, second = reviewing.answer("wrong"), reviewing.answer("right")
    assert reviewing.review.back(reviewing.recording) == second
    assert reviewing.review.current().label == second
    assert reviewing.review.back(reviewing.recording) == first
    assert reviewing.review.back(reviewing.recording) is None
    assert reviewing.review.estimate().checked == 0


def test_what_somebody_else_took_away_was_wrong(reviewing):
    reviewing.layer.data_setitem(np.nonzero(reviewing.layer.data == 8), 0)
    shown = reviewing.review.current()

    assert shown.label != 8
    assert (reviewing.review.estimate().checked, reviewing.review.estimate().found) == (1, 1)

    reviewing.layer.undo()
    assert reviewing.review.estimate().checked == 0
    assert reviewing.review.current().label == 8


def test_all_objects_can_be_gone_through(reviewing):
    seen = []
    while reviewing.review.current() is not None:
        seen.append(reviewing.answer("right"))

    assert sorted(seen) == list(range(1, 37))
    said = reviewing.review.estimate()
    assert (said.checked, said.low, said.high) == (36, 0, 0)


def test_what_is_left_for_later_comes_last(reviewing):
    reviewing.review.later(reviewing.review.current())
    seen = []
    while reviewing.review.current() is not None:
        seen.append(reviewing.answer("right"))

    assert seen[-1] == 8


def test_a_new_review_knows_no_answer_and_the_old_one_comes_back_by_undo(reviewing):
    reviewing.answer("wrong")
    reviewing.review.forget(reviewing.recording)
    assert reviewing.review.estimate().checked == 0
    assert answers_of(reviewing.layer) == {}

    reviewing.steps.undo()
    assert reviewing.review.estimate().checked == 1


@pytest.mark.parametrize("objects", [0, 1])
def test_a_layer_with_no_object_or_one(objects):
    data = np.zeros((20, 20), np.uint8)
    data[4:9, 4:9] = objects
    reviewing = Reviewing(data)
    assert (reviewing.review.current() is None) == (objects == 0)
    assert reviewing.review.estimate().objects == objects


def test_an_object_of_a_stack_lies_where_it_is_said_to():
    data = np.zeros((5, 30, 30), np.int32)
    data[3, 10:15, 20:25] = 4
    shown = Reviewing(data).review.current()

    assert shown.place.tolist() == [3, 12, 22]
    assert shown.box.tolist() == [3, 10, 20, 4, 15, 25]


def test_labels_that_cannot_be_written_to_are_not_deleted(reviewing):
    reviewing.layer.data.flags.writeable = False
    with pytest.raises(LabelsError, match="read-only"):
        reviewing.review.delete(reviewing.review.current(), reviewing.recording)
    assert len(reviewing.steps.history) == 0
