"""Add to labels: what is written, what stays, and what is said where nothing can be written."""

from __future__ import annotations

import hashlib

import dask.array as da
import numpy as np
import pytest

from napari_fastsam import __version__
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.segment.output import LABELS_NAME, PREVIEW_NAME

NUCLEI = np.array([[126, 94], [147, 244]], float)
KEY = "napari-fastsam"


def add_labels(b, data, **kwargs):
    """Add a Labels layer and choose it in the dock."""
    layer = b.viewer.add_labels(data, **kwargs)
    b.settle()
    b.dock.labels.value = layer
    return layer


def test_into_a_new_layer(bench):
    b = bench(scale=(0.5, 0.25), translate=(7, -3), units=("um", "um"))
    points, _ = b.prompts()
    b.click(*NUCLEI)
    shown = b.shown.copy()
    layer = b.dock.commit()
    b.settle()

    assert layer is b.committed
    assert set(np.unique(shown)) == {0, 1, 2}
    np.testing.assert_array_equal(layer.data, shown)
    np.testing.assert_allclose(layer.scale, (0.5, 0.25))
    np.testing.assert_allclose(layer.translate, (7, -3))
    assert layer.units == b.image.units
    assert b.viewer.layers.index(layer) > b.viewer.layers.index(b.image)
    assert b.dock.labels.value == layer, "the next objects go there too"
    assert len(points.data) == 0
    assert b.status == f"Added 2 objects to “{LABELS_NAME}”; Ctrl+Z there takes them back."


def test_the_next_objects_go_into_the_same_layer_with_new_numbers(bench):
    b = bench()
    b.click(NUCLEI[0])
    first = b.shown == 1
    b.dock.commit()
    b.click(NUCLEI[1])
    second = b.shown == 1
    b.dock.commit()
    b.settle()

    assert [layer.name for layer in b.viewer.layers].count(LABELS_NAME) == 1
    np.testing.assert_array_equal(b.committed.data, np.where(second & ~first, 2, first.astype(int)))


def test_into_a_layer_that_is_there(bench, cells):
    b = bench()
    data = np.zeros(cells.shape, np.uint16)
    data[:5, :5] = 40
    layer = add_labels(b, data, name="mine")
    b.click(NUCLEI[0])
    mask = b.shown == 1
    assert b.dock.commit() is layer

    np.testing.assert_array_equal(np.unique(layer.data), [0, 40, 41])
    np.testing.assert_array_equal(layer.data == 41, mask)
    assert (layer.data[:5, :5] == 40).all()
    assert LABELS_NAME not in b.viewer.layers
    assert "“mine”" in b.status


@pytest.mark.parametrize("visible", [True, False])
def test_one_undo_restores_all_and_redo_brings_it_back(bench, cells, visible):
    b = bench()
    data = np.zeros(cells.shape, np.int32)
    data[120:130, 90:100] = 7
    layer = add_labels(b, data, visible=visible)
    before = layer.data.copy()
    b.click(*NUCLEI)
    b.dock.commit()
    after = layer.data.copy()
    assert (after != before).any()
    assert layer.visible == visible

    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    layer.undo()  # nothing is left to undo
    np.testing.assert_array_equal(layer.data, before)
    layer.redo()
    np.testing.assert_array_equal(layer.data, after)


def test_undo_of_a_new_layer_empties_it(bench):
    b = bench()
    b.click(*NUCLEI)
    layer = b.dock.commit()
    assert layer.data.any()
    layer.undo()
    assert not layer.data.any()


@pytest.mark.parametrize("preserve", [True, False])
def test_what_is_labelled_already(bench, cells, preserve):
    b = bench()
    data = np.zeros(cells.shape, np.int32)
    data[:126] = 5  # the upper half of the first nucleus
    layer = add_labels(b, data.copy())
    b.dock.preserve.value = preserve
    b.click(NUCLEI[0])
    mask = b.shown == 1
    assert mask[:126].any()
    assert mask[126:].any()
    b.dock.commit()

    written = mask & (data == 0) if preserve else mask
    np.testing.assert_array_equal(layer.data, np.where(written, 6, data))


def test_an_object_wholly_under_labels_that_are_kept_is_said(bench, cells):
    b = bench()
    layer = add_labels(b, np.full(cells.shape, 3, np.int32))
    b.click(NUCLEI[0])
    b.dock.commit()
    assert (layer.data == 3).all()
    assert b.status.startswith("Added 0 objects")
    assert "1 object lay wholly under labels that were kept." in b.status


def test_prompts_of_this_plane_go_and_others_stay(bench, cells):
    b = bench(np.stack([cells, cells]), contrast_limits=(0, 80))
    b.viewer.dims.set_current_step(0, 0)
    points, shapes = b.prompts()
    b.click((0, *NUCLEI[0]), (1, *NUCLEI[1]))
    for z in (0, 1):
        shapes.add_rectangles([[(z, 130, 228), (z, 130, 260), (z, 164, 260), (z, 164, 228)]])
    b.settle()
    assert len(b.dock.controller.shown.objects) == 2
    b.dock.commit()
    b.settle()

    np.testing.assert_array_equal(points.data, [[1, *NUCLEI[1]]])
    assert len(shapes.data) == 1
    assert (shapes.data[0][:, 0] == 1).all()


def test_the_preview_is_emptied_and_comes_back_with_the_next_prompt(bench):
    b = bench()
    b.click(NUCLEI[0])
    assert b.preview.visible
    b.dock.commit()
    b.settle()
    assert not b.preview.data.any()
    assert not b.preview.visible
    assert b.dock.commit() is None, "nothing is added twice"

    b.click(NUCLEI[1])
    assert b.preview.visible
    assert b.shown[147, 244] == 1


def test_features_and_metadata(bench):
    b = bench()
    b.dock.conf.value = 0.3
    b.click(*NUCLEI)
    objects = b.dock.controller.shown.objects
    layer = b.dock.commit()
    b.click(NUCLEI[0] + 2)

    table = layer.features
    assert table["index"].tolist() == [1, 2]
    np.testing.assert_allclose(table["score"], [o.score for o in objects])
    assert table["area"].tolist() == [(layer.data == 1).sum(), (layer.data == 2).sum()]
    (entry,) = layer.metadata[KEY]
    assert entry["labels"] == [1, 2]
    assert entry["prompts"]["points_yx"] == NUCLEI.tolist()
    assert entry["prompts"]["point_labels"] == [1, 1]
    assert (entry["task"], entry["model"], entry["image"]) == ("prompts", "nuclei", "cells")
    assert (entry["version"], entry["contrast_limits"]) == (__version__, (0, 80))
    assert entry["conf"] == pytest.approx(0.3)
    assert entry["region"] == [0, 0, 256, 320]
    assert entry["model_sha256"] == hashlib.sha256(weights.find("nuclei").read_bytes()).hexdigest()


def test_features_and_metadata_that_are_there_stay(bench, cells):
    b = bench()
    data = np.zeros(cells.shape, np.int32)
    data[:5, :5] = 1
    layer = add_labels(b, data, features={"index": [0, 1], "who": ["", "me"]}, metadata={"mine": 3})
    b.click(NUCLEI[0])
    b.dock.commit()
    b.click(NUCLEI[1])
    b.dock.commit()

    assert layer.features["index"].tolist() == [0, 1, 2, 3]
    assert layer.features["who"].tolist()[:2] == ["", "me"]
    assert layer.metadata["mine"] == 3
    assert [entry["labels"] for entry in layer.metadata[KEY]] == [[2], [3]]


@pytest.mark.parametrize("how", ["no prompt", "a negative point", "cleared"])
def test_nothing_to_add(bench, how):
    b = bench()
    b.prompts()
    if how == "a negative point":
        b.dock.toggle_polarity()
        b.click((133, 159))
    elif how == "cleared":
        b.click(NUCLEI[0])
        b.dock.clear_prompts()
    before = [layer.name for layer in b.viewer.layers if layer.name != PREVIEW_NAME]
    assert b.dock.commit() is None
    assert b.status == "Nothing to add yet: click an object in the image, or choose Everything."
    b.settle()
    assert [layer.name for layer in b.viewer.layers if layer.name != PREVIEW_NAME] == before


def full_uint8(shape):
    """255 labels, one a pixel: the type has no number left."""
    data = np.zeros(shape, np.uint8)
    data[0, :255] = np.arange(1, 256)
    return data


UNUSABLE = {
    "another shape": (lambda shape: np.zeros((50, 60), np.int32), "has shape (50, 60)", {}),
    "more axes": (lambda shape: np.zeros((2, *shape), np.int32), "has shape (2, 256, 320)", {}),
    "uint8": (full_uint8, "Convert it to uint16", {}),
    "dask": (lambda shape: da.zeros(shape, dtype=np.int32), "computed by dask", {}),
    "multiscale": (
        lambda shape: [np.zeros(shape, np.int32), np.zeros((shape[0] // 2, shape[1] // 2), np.int32)],
        "is multiscale",
        {"multiscale": True},
    ),
    "elsewhere": (lambda shape: np.zeros(shape, np.int32), "lies elsewhere", {"translate": (10, 0)}),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_layers_that_cannot_take_the_objects(bench, cells, kind):
    make, said, options = UNUSABLE[kind]
    b = bench()
    layer = add_labels(b, make(cells.shape), name="mine", **options)
    levels = layer.data if layer.multiscale else [layer.data]
    before = [np.array(level) for level in levels]
    # the layer may have more axes than the image: prompts are made on the image's
    points, _ = b.prompts()
    b.click(*NUCLEI)
    shown = b.shown.copy()
    assert set(np.unique(shown)) == {0, 1, 2}

    assert b.dock.commit() is None
    assert said in b.status, b.status
    assert "“mine”" in b.status or '"mine"' in b.status
    for level, was in zip(layer.data if layer.multiscale else [layer.data], before, strict=True):
        np.testing.assert_array_equal(np.asarray(level), was)
    np.testing.assert_array_equal(points.data, NUCLEI)
    np.testing.assert_array_equal(b.shown, shown)
    assert KEY not in layer.metadata
    assert LABELS_NAME not in b.viewer.layers

    b.dock.labels.value = None  # what the message advises
    assert b.dock.commit() is not None
    np.testing.assert_array_equal(b.committed.data, shown)


def test_uint8_with_more_than_255_objects(bench, fluorescence):
    b = bench(np.tile(fluorescence, (2, 2)), contrast_limits=(0, 80))
    b.dock.task.value = "everything"
    b.settle()
    assert len(b.dock.controller.shown.objects) > 255
    shown = b.shown.copy()
    layer = add_labels(b, np.zeros(b.image.data.shape, np.uint8), name="narrow")
    assert b.dock.commit() is None
    assert "has type uint8, whose largest number is 255" in b.status
    assert not layer.data.any()
    np.testing.assert_array_equal(b.shown, shown)


def test_everything_is_added_once(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    shown = b.shown.copy()
    layer = b.dock.commit()
    b.settle()
    assert (layer.data > 0).sum() == (shown > 0).sum()
    assert len(np.unique(layer.data)) == len(np.unique(shown)) > 10
    assert layer.metadata[KEY][0]["prompts"] is None
    assert not b.shown.any(), "it does not come again by itself"
    assert b.dock.commit() is None

    b.dock.run()
    b.settle()
    assert not b.shown.any(), "nor where Run is pressed once: it is in the layer"
    b.dock.run()
    b.settle()
    np.testing.assert_array_equal(b.shown, shown)


def test_everything_answers_what_is_drawn_too(bench):
    b = bench()
    points = b.click(*NUCLEI)
    b.dock.task.value = "everything"
    b.settle()
    shown = b.shown.copy()
    layer = b.dock.commit()
    b.settle()
    np.testing.assert_array_equal(layer.data > 0, shown > 0)
    assert len(points.data) == 0


def test_a_stack_gets_the_objects_on_the_plane_shown_only(bench, cells):
    b = bench(np.stack([cells, np.zeros_like(cells), cells]), contrast_limits=(0, 80), scale=(3, 1, 1))
    b.viewer.dims.set_current_step(0, 2)
    b.click((2, *NUCLEI[0]))
    shown = b.shown.copy()
    assert shown[126, 94] == 1
    layer = b.dock.commit()

    assert layer.data.shape == (3, 256, 320)
    np.testing.assert_array_equal(layer.data[2], shown)
    assert not layer.data[:2].any()
    np.testing.assert_allclose(layer.scale, (3, 1, 1))
    assert layer.metadata[KEY][0]["plane"] == [2, 0, 0]

    b.viewer.dims.set_current_step(0, 0)
    b.click((0, *NUCLEI[1]))
    other = b.shown.copy()
    assert b.dock.commit() is layer
    np.testing.assert_array_equal(layer.data[2], shown)
    np.testing.assert_array_equal(layer.data[0], np.where(other, 2, 0))


def test_a_layer_thrown_away_is_not_written_to(bench):
    b = bench()
    b.click(NUCLEI[0])
    first = b.dock.commit()
    b.viewer.layers.remove(first)
    written = first.data.copy()
    b.click(NUCLEI[1])
    second = b.dock.commit()
    assert second is not first
    assert second in b.viewer.layers
    np.testing.assert_array_equal(first.data, written)


def test_rgb(bench, cells):
    bright = np.clip(cells.astype(int) * 255 // 80, 0, 255).astype(np.uint8)
    b = bench(np.stack([bright] * 3, axis=-1), rgb=True)
    b.click(*NUCLEI)
    shown = b.shown.copy()
    layer = b.dock.commit()
    assert layer.data.shape == (256, 320)
    assert layer.data[126, 94] == 1
    assert layer.data[147, 244] == 2
    np.testing.assert_array_equal(layer.data, shown)
    assert layer.metadata[KEY][0]["contrast_limits"] is None
