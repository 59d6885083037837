"""Whatever changes a Labels layer becomes a step; steps put together again are what the layer holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Labels

from napari_fastsam.io.projects.steps import Annotation, AnnotationStep
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.projects import tiles
from napari_fastsam.layers.projects.prompt_rows import prompts_from_json
from napari_fastsam.layers.projects.recorder import AnnotationRecorder
from napari_fastsam.layers.prompts.new import new_points, new_shapes


class Kept:
    """A layer, its recorder, and annotations that only hear of its steps."""

    def __init__(self, layer: Labels) -> None:
        self.layer, self.told, self.steps = layer, 0, []
        self.recorder = AnnotationRecorder(layer, self._tell)
        self.annotation = Annotation(np.array(layer.data), layer.features.copy())

    def _tell(self) -> None:
        self.told += 1

    def take(self) -> AnnotationStep:
        step = AnnotationStep.from_bytes(self.recorder.take_step().to_bytes())
        self.steps.append(step)
        self.annotation.apply(step)
        np.testing.assert_array_equal(self.annotation.labels, self.layer.data)
        return step


@pytest.fixture
def kept() -> Kept:
    return Kept(Labels(np.zeros((300, 400), np.int32)))


def test_painting_filling_erasing_and_undo_are_heard(kept):
    layer = kept.layer
    layer.paint((50, 60), 3)
    assert len(kept.take().tiles) == 1
    layer.fill((200, 300), 4)
    assert len(kept.take().tiles) == 12
    layer.paint((50, 60), 0)
    kept.take()
    layer.undo()
    assert len(kept.take().tiles) == 1
    layer.redo()
    kept.take()
    assert kept.told >= 5


def test_what_the_plugin_and_scripts_write_is_heard(kept):
    layer = kept.layer
    write_pixels(layer, [((np.array([5, 6]), np.array([7, 8])), np.array([9, 9], np.int32))], "")
    assert len(kept.take().tiles) == 1
    layer.data[100:110, 100:110] = 5
    layer.refresh()
    assert len(kept.take().tiles) == 1
    layer.data = np.full((300, 400), 6, np.int32)
    kept.take()
    layer.data = np.eye(260, dtype=np.uint16)
    step = kept.take()
    assert (step.shape, step.dtype) == ((260, 260), "uint16")


def test_nothing_is_kept_where_nothing_changed(kept):
    kept.layer.refresh()
    kept.layer.opacity = 0.5
    assert kept.take().is_empty


def test_features_and_metadata_are_heard_row_by_row(kept):
    layer = kept.layer
    layer.features = pd.DataFrame({"index": [1, 2, 3, 4], "class": ["", "", "", ""], "score": [0.5, np.nan, 0.1, 1.0]})
    kept.take()
    layer.features = layer.features.assign(**{"class": ["", "round", "", ""]})
    step = kept.take()
    assert [row[0] for row in step.features.rows] == [2]
    layer.features = layer.features[layer.features["index"] != 3]
    assert kept.take().features.gone == (3,)
    layer.metadata = {"napari-fastsam": [{"labels": [1]}, {"labels": [2]}], "mine": object()}
    kept.take()
    layer.metadata = {"napari-fastsam": [{"labels": [1]}, {"labels": [2]}, {"labels": [3]}]}
    assert kept.take().metadata == {"napari-fastsam": [[{"labels": [3]}], 2]}

    found = kept.annotation.features.sort_values("index", ignore_index=True)
    pd.testing.assert_frame_equal(found, layer.features.sort_values("index", ignore_index=True))
    assert len(kept.annotation.metadata["napari-fastsam"]) == 3


def test_planes_of_a_stack_are_kept_apart():
    kept = Kept(Labels(np.zeros((5, 200, 200), np.int32)))
    kept.layer.paint((3, 50, 60), 3)
    assert {tile.corner for tile in kept.take().tiles} == {(3, 0, 0)}
    kept.layer.undo()
    kept.take()


def test_prompts_are_kept_and_made_again(kept):
    image = Image(np.zeros((300, 400)))
    points, shapes = new_points(image), new_shapes(image)
    kept.recorder.follow_prompts((points, shapes))
    points.add([(10, 20)])
    points.feature_defaults = points.feature_defaults.assign(polarity="negative")
    points.add([(30, 40)])
    shapes.add(np.array([[0, 0], [0, 9], [9, 9], [9, 0]]), shape_type="rectangle")
    step = kept.take()

    again = prompts_from_json(step.prompts, image)
    np.testing.assert_array_equal(again[0].data, points.data)
    assert list(again[0].features["polarity"]) == ["positive", "negative"]
    assert again[1].shape_type == ["rectangle"]
    assert kept.take().is_empty


def test_a_stroke_on_a_large_image_takes_some_kilobytes():
    kept = Kept(Labels(np.zeros((4096, 4096), np.uint16)))
    kept.layer.brush_size = 40
    kept.layer.paint((2000, 2000), 7)
    assert 0 < len(kept.recorder.take_step().to_bytes()) < 5_000


def test_nothing_is_heard_after_the_end(kept):
    kept.recorder.end()
    kept.layer.paint((50, 60), 3)
    assert kept.told == 0


def test_objects_are_counted_tile_by_tile_as_they_come_and_go(kept, monkeypatch):
    layer, rng = kept.layer, np.random.default_rng(3)
    layer.brush_size = 90  # over several tiles
    layer.paint((128, 128), 2)
    kept.take()
    assert kept.recorder.count() == 1
    looked_at = []
    numbers_in = tiles.numbers_in
    monkeypatch.setattr(tiles, "numbers_in", lambda labels: looked_at.append(labels.size) or numbers_in(labels))
    for _ in range(12):
        layer.paint(tuple(rng.integers(0, (300, 400))), int(rng.integers(0, 4)))
        kept.take()
        assert kept.recorder.count() == len(np.unique(layer.data[layer.data > 0]))
    assert 0 < max(looked_at) <= tiles.SIDE**2
    layer.data = np.eye(260, dtype=np.uint16)
    kept.take()
    assert kept.recorder.count() == 1
