"""Whatever is done to prompts and labels, taking all of it back leads to the beginning, to the pixel."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Image, Labels

from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.label_edit import recorded_edit
from napari_fastsam.layers.history.prompt_rows import PromptRows
from napari_fastsam.layers.history.recorder import Recorder
from napari_fastsam.layers.labels.editing import merge_labels
from napari_fastsam.layers.labels.layer_plane import plane_at
from napari_fastsam.layers.prompts.new import NEGATIVE, new_points, new_shapes, remove_rows, set_polarity
from napari_fastsam.layers.prompts.objects import set_next, set_number

SHAPE = (20, 30)


class Scene:
    """Prompt layers and labels whose changes are recorded."""

    def __init__(self):
        image = Image(np.zeros(SHAPE, np.uint8))
        self.points, self.shapes = new_points(image), new_shapes(image)
        self.labels = Labels(np.zeros(SHAPE, np.uint16), features={"index": np.empty(0, int), "kind": []})
        self.history = History()
        self.recorder = Recorder(self.history)
        self.recorder.follow((self.points, self.shapes))

    def do(self, what, at, size):
        y, x = at
        with self.recorder.step(what):
            if what == "point":
                self.points.add([[y, x]])
            elif what == "box":
                self.shapes.add_rectangles([[y, x], [y + size, x + size]])
            elif what == "path":
                self.shapes.add_paths([[[y, x], [y + size, x], [y, x + size]]])
            elif what == "move" and len(self.points.data):
                moved = self.points.data.copy()
                moved[-1] = at
                self.points.data = moved
            elif what == "remove" and len(self.points.data):
                remove_rows(self.points, {y % len(self.points.data)})
            elif what == "remove shape" and len(self.shapes.data):
                remove_rows(self.shapes, {y % len(self.shapes.data)})
            elif what == "clear":
                remove_rows(self.points, set(range(len(self.points.data))))
                remove_rows(self.shapes, set(range(len(self.shapes.data))))
            elif what == "negative":
                set_polarity(self.points, NEGATIVE)
            elif what == "number" and len(self.points.data):
                set_number(self.points, [0], size)
            elif what == "label":
                self.write(y, x, size)

    def write(self, y, x, size):
        with recorded_edit("labels", self.labels, self.recorder):
            rows, columns = np.mgrid[y : min(y + size, SHAPE[0]), x : min(x + size, SHAPE[1])]
            with self.labels.block_history():
                self.labels.data_setitem((rows.ravel(), columns.ravel()), size)
            new = pd.DataFrame({"index": [size], "kind": [f"{y}"]})
            table = self.labels.features
            self.labels.features = pd.concat([table[table["index"] != size], new], ignore_index=True)

    def state(self):
        return PromptRows.of(self.points), PromptRows.of(self.shapes), self.labels.data.copy(), self.labels.features


def is_same(one, other):
    return (
        one[0].is_same(other[0])
        and one[1].is_same(other[1])
        and np.array_equal(one[2], other[2])
        and one[3].equals(other[3])
    )


ACTIONS = ("point", "box", "path", "move", "remove", "remove shape", "clear", "negative", "number", "label", "undo")
STEPS = st.tuples(st.sampled_from(ACTIONS), st.tuples(st.integers(0, 19), st.integers(0, 29)), st.integers(1, 9))


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_all_taken_back_is_the_beginning_and_all_done_again_the_end(steps):
    scene = Scene()
    beginning = scene.state()
    for what, at, size in steps:
        if what == "undo":
            scene.history.undo()
        else:
            scene.do(what, at, size)
    while scene.recorder.redo():
        pass
    end = scene.state()
    while scene.recorder.undo():
        pass
    assert is_same(scene.state(), beginning)
    assert not scene.labels.data.any()
    while scene.recorder.redo():
        pass
    assert is_same(scene.state(), end)


def test_colours_and_signs_come_back_with_their_points():
    scene = Scene()
    scene.do("point", (3, 3), 1)
    set_polarity(scene.points, NEGATIVE)
    scene.do("point", (5, 5), 1)
    colours = scene.points.face_color.copy()
    scene.do("clear", (0, 0), 1)
    scene.recorder.undo()
    np.testing.assert_array_equal(scene.points.face_color, colours)
    assert scene.points.features["polarity"].tolist() == ["positive", "negative"]
    scene.points.add([[1.0, 1.0]])
    assert scene.points.features["polarity"].iloc[-1] == "negative", "what is next stays"


def test_what_was_painted_on_an_edit_since_stays():
    scene = Scene()
    scene.do("label", (2, 2), 5)
    scene.labels.brush_size = 1
    scene.labels.paint((3, 3), 7)
    scene.recorder.undo()
    assert scene.labels.data[3, 3] == 7
    assert set(np.unique(scene.labels.data)) == {0, 7}
    scene.recorder.redo()
    assert scene.labels.data[3, 3] == 7
    assert scene.labels.data[6, 6] == 5


def test_an_edit_that_napari_takes_back_is_taken_back_as_a_whole_and_done_again():
    scene = Scene()
    scene.do("point", (4, 4), 1)
    with scene.recorder.step("add"):
        scene.write(2, 2, 5)
        remove_rows(scene.points, {0})
    scene.labels.undo()
    assert not scene.labels.data.any()
    assert len(scene.points.data) == 1
    assert not len(scene.labels.features)
    scene.labels.redo()
    assert np.count_nonzero(scene.labels.data) == 25
    assert len(scene.points.data) == 0
    assert scene.recorder.undo().name == "add"
    assert not scene.labels.data.any()


def test_to_erase_an_edit_by_hand_is_no_undo_of_it():
    scene = Scene()
    scene.do("label", (2, 2), 5)
    scene.labels.fill((3, 3), 0)
    assert not scene.labels.data.any()
    scene.labels.refresh()
    assert len(scene.history) == 1


def test_naparis_own_undo_knows_of_what_was_taken_back_here():
    scene = Scene()
    scene.labels.paint((15, 15), 3)
    painted = scene.labels.data.copy()
    scene.do("label", (2, 2), 5)
    scene.recorder.undo()
    np.testing.assert_array_equal(scene.labels.data, painted)
    scene.labels.undo()
    assert not scene.labels.data.any(), "the next step of napari's is the painting"


def test_features_that_came_since_stay():
    scene = Scene()
    scene.do("label", (2, 2), 5)
    scene.labels.features = scene.labels.features.assign(area=[25])
    scene.do("label", (9, 9), 6)
    scene.labels.features = scene.labels.features.assign(mean=[1.0, 2.0])
    scene.recorder.undo()
    assert scene.labels.features["index"].tolist() == [5]
    assert "mean" in scene.labels.features
    scene.recorder.redo()
    assert scene.labels.features["index"].tolist() == [5, 6]


def test_cells_that_an_edit_changed_come_back_though_the_table_was_changed_since():
    scene = Scene()
    scene.labels.data[2:4, 2:4], scene.labels.data[9:12, 9:12] = 1, 2
    before = pd.DataFrame({"index": [1, 2], "area": [4, 9], "mean": [0.5, 2.5], "kind": ["a", "b"]})
    scene.labels.features = before
    layer_plane = plane_at(scene.labels, (2, 2), (0, 1))
    with recorded_edit("merge", scene.labels, scene.recorder):
        merge_labels(layer_plane, {1: (2, 2), 2: (9, 9)})
    assert scene.labels.features["area"].tolist() == [13]
    merged = scene.labels.features.copy()
    scene.labels.features = merged.assign(kind=["c"], note=["mine"])
    scene.recorder.undo()
    found = scene.labels.features.sort_values("index")
    assert (found["area"].tolist(), found["kind"].tolist()) == ([4, 9], ["c", "b"])
    assert (found["mean"].tolist(), found["note"].iloc[0]) == ([0.5, 2.5], "mine")
    scene.recorder.redo()
    assert scene.labels.features["area"].tolist() == [13]
    assert scene.labels.features["kind"].tolist() == ["c"]


def test_prompts_changed_without_a_word_are_not_lost():
    scene = Scene()
    scene.do("point", (3, 3), 1)
    scene.points.data[0] = 8  # napari tells nobody
    scene.recorder.undo()
    np.testing.assert_array_equal(scene.points.data, [[3, 3]])


def test_a_column_that_came_with_a_correction_goes_with_it():
    scene = Scene()
    scene.do("box", (3, 3), 4)
    rows = PromptRows.of(scene.shapes)
    with scene.recorder.step("a correction"):
        set_next((scene.points, scene.shapes), 1)  # a column of numbers, which the shapes had not
        scene.points.add([[4.0, 4.0]])
    scene.recorder.undo()
    assert PromptRows.of(scene.shapes).is_same(rows)
    scene.do("box", (9, 9), 2)
    scene.recorder.undo()
    scene.recorder.redo()
    assert len(scene.shapes.data) == 2


def test_steps_of_a_layer_that_is_gone_are_forgotten():
    scene = Scene()
    scene.do("point", (3, 3), 1)
    scene.do("box", (3, 3), 4)
    scene.recorder.layer_removed(scene.points)
    assert [step.name for step in (scene.history.done,)] == ["box"]
    scene.recorder.undo()
    assert scene.recorder.undo() is None


def test_what_is_kept_stays_small():
    scene = Scene()
    scene.history = scene.recorder.history = History(most_steps=20)
    for i in range(100):
        scene.do("point", (i % 19, i % 29), 1)
    assert len(scene.history) == 20
    assert scene.history.nbytes < 300_000
