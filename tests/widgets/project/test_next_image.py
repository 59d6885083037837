"""The next image in the same layers, with every dock open: nothing of the image before is left in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_fastsam.layers.projects import annotating
from napari_fastsam.layers.prompts.new import new_points
from napari_fastsam.widgets.classes import ClassesWidget
from napari_fastsam.widgets.review import ReviewWidget, messages

SHIFT = 20
"""Each image is the one before, moved so many columns to the right."""

NUCLEUS = (126, 94)


def answer(expected: Any, image: Any, place: tuple[int, int]) -> np.ndarray:
    """Return what the Python face says about a point on the image that a layer holds."""
    (mask,) = expected(image.data, tuple(image.contrast_limits), points=np.array([place], float))
    return mask


@pytest.fixture
def folder(annotated: Any, cells: np.ndarray, tmp_path: Path) -> Any:
    for i in range(3):
        tifffile.imwrite(tmp_path / f"field {i}.tif", np.roll(cells, SHIFT * i, 1))
    return annotated(tmp_path)


def test_it_answers_at_once_from_the_pass_made_ahead(folder, expected):
    layers = list(folder.viewer.layers)
    folder.wait_for_pass_ahead()
    folder.go_on()
    assert list(folder.viewer.layers) == layers
    session, points = folder.fastsam._engine.session, folder.viewer.add_layer(new_points(layers[0]))
    folder.bench.settle()
    looked = len(session.cache)
    place = (NUCLEUS[0], NUCLEUS[1] + SHIFT)
    points.add([place])
    folder.bench.settle()
    assert len(session.cache) == looked, "the network sees nothing once more"
    np.testing.assert_array_equal(folder.bench.shown > 0, answer(expected, folder.viewer.layers[0], place))


def test_it_is_looked_at_ahead_also_if_the_network_was_busy_at_first(folder):
    folder.fastsam.run()
    folder.dock._read_ahead()
    folder.bench.settle()
    folder.wait_for_pass_ahead()


def test_without_a_pass_ahead_it_is_looked_at_and_the_image_before_is_not_answered_for(folder, expected):
    points = folder.viewer.add_layer(new_points(folder.viewer.layers[0]))
    points.add([NUCLEUS])
    folder.bench.settle()
    np.testing.assert_array_equal(folder.bench.shown > 0, answer(expected, folder.viewer.layers[0], NUCLEUS))

    folder.go_on()
    assert not folder.bench.shown.any()
    place = (NUCLEUS[0], NUCLEUS[1] + SHIFT)
    points.add([place])
    folder.bench.settle()
    np.testing.assert_array_equal(folder.bench.shown > 0, answer(expected, folder.viewer.layers[0], place))

    folder.dock.previous_image()
    folder.bench.settle()
    np.testing.assert_array_equal(points.data, [NUCLEUS])
    np.testing.assert_array_equal(folder.bench.shown > 0, answer(expected, folder.viewer.layers[0], NUCLEUS))


def test_what_was_done_on_the_image_before_is_not_taken_back_in_the_next(folder):
    folder.accept(NUCLEUS)
    accepted = folder.labels.data.copy()
    assert accepted[NUCLEUS]
    folder.go_on()
    assert not folder.labels.data.any()
    folder.fastsam.undo()
    folder.labels.undo()
    assert not folder.labels.data.any()
    assert not len(folder.fastsam.points.value.data)
    folder.accept((NUCLEUS[0], NUCLEUS[1] + SHIFT))
    here = folder.labels.data.copy()
    folder.fastsam.undo()
    assert not folder.labels.data.any()
    folder.fastsam.redo()
    np.testing.assert_array_equal(folder.labels.data, here)
    folder.dock.previous_image()
    np.testing.assert_array_equal(folder.labels.data, accepted)


def test_what_was_done_is_not_taken_back_where_the_next_image_gets_layers_of_its_own(
    annotated, cells, tmp_path, monkeypatch
):
    for i, pixels in enumerate((cells, cells.astype(np.uint16))):
        tifffile.imwrite(tmp_path / f"field {i}.tif", pixels)
    folder = annotated(tmp_path)
    folder.accept(NUCLEUS)
    accepted = folder.labels.data.copy()
    monkeypatch.setattr(annotating, "DRAWN_SECONDS", 600)  # it is saved in a thread: not before it is wanted
    folder.dock.next_image()
    folder.fastsam.undo()
    folder.dock.previous_image()
    np.testing.assert_array_equal(folder.labels.data, accepted)


def test_what_is_saved_is_the_image_before_and_not_what_its_layers_hold_by_then(folder):
    folder.accept(NUCLEUS)
    accepted = folder.labels.data.copy()
    folder.dock.next_image()  # it is saved in a thread, later
    folder.labels.paint((5, 5), 99)
    folder.labels.features = {"index": [99], "class": ["other"]}
    folder.qtbot.waitUntil(lambda: folder.dock.annotating.collect() == [] and not folder.dock.annotating.is_saving)
    there = folder.dock.annotating.project.images[0].folder
    np.testing.assert_array_equal(tifffile.imread(there / "labels.tif"), accepted)
    assert "other" not in (there / "features.csv").read_text()


def test_classes_and_review_go_on_with_the_objects_of_the_next_image(folder):
    classes = folder.add_dock(ClassesWidget(folder.viewer), "Classes")
    classes.add_class("round")
    folder.labels.data_setitem(tuple(np.indices((8, 8)).reshape(2, -1) + 40), 7)
    classes.classing.give({7: "round"})
    review = folder.add_dock(ReviewWidget(folder.viewer), "Review")
    folder.qtbot.waitUntil(lambda: review.current is not None)
    review.right()

    folder.go_on()
    assert classes.classing.layer == folder.labels
    assert classes.classing.classes.names == ("round",)
    assert classes.classing.counts() == ({}, 0)
    folder.qtbot.waitUntil(lambda: review.current is None)
    assert "review" not in folder.labels.features or not (folder.labels.features["review"] != "").any()

    folder.dock.previous_image()
    folder.bench.settle()
    assert classes.classing.counts() == ({"round": 1}, 0)
    assert folder.labels.features.set_index("index").loc[7, "review"] == "right"


def test_what_was_accepted_on_the_image_before_is_not_offered_for_training_with_the_pixels_of_the_next(folder):
    folder.accept(NUCLEUS)
    assert len(folder.fastsam.decisions.pairs()) == 1
    folder.go_on()
    assert folder.fastsam.decisions.pairs() == []


def test_objects_that_are_made_while_the_review_dock_is_open_are_reviewed(folder):
    review = folder.add_dock(ReviewWidget(folder.viewer), "Review")
    folder.qtbot.waitUntil(lambda: review.message == messages.NO_OBJECTS)
    where = np.indices((8, 8)).reshape(2, -1)
    folder.labels.data_setitem(tuple(where + 40), 7)
    folder.labels.data_setitem(tuple(where + 80), 8)
    folder.qtbot.waitUntil(lambda: review.message == messages.OBJECTS_NOW)
    review.right()  # of what? nothing is shown yet
    assert "review" not in folder.labels.features
    first = review.current.label
    folder.labels.data_setitem(tuple(where + 120), 9)
    review.right()
    assert folder.labels.features.set_index("index").loc[first, "review"] == "right"
    assert review.review.estimate().objects == 3
    folder.labels.data_setitem(tuple(where + 160), 10)
    review.begin_anew()
    assert review.review.estimate().objects == 4
    assert review.review.counts == {}
