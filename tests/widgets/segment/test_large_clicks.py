"""Clicks beside everything on a plane in tiles, while these are searched and after, in the real viewer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt

from gate import finish, run_of
from napari_fastsam.core.planes.editable_canvas import EditableCanvas
from napari_fastsam.layers.labels import preview
from napari_fastsam.layers.labels.contour import CONTOUR_NAME
from napari_fastsam.layers.napari_versions import camera
from napari_fastsam.model.network import segmenter

CORNER = np.array([126, 94])
"""A nucleus in the tile that is searched last."""

HERE, BESIDE, OTHER = np.array([[126, 94], [126, 102], [147, 244]]) + np.array([1024, 960])
"""Places on a nucleus in the tile that is searched first, the second near its edge, and on another one there."""

EMPTY = np.array([133 + 1024, 159 + 960])
"""A place there without a nucleus."""


def click(b, gate, yx):
    """Add a point, and let another tile be searched, after which what the point needs is looked at."""
    points = b.dock.points.value
    points.add([yx])
    gate.let(1)
    engine = b.dock._engine

    def answered():
        shown = engine.controller.shown
        return (
            not engine.updates.now._hasPendingEmission
            and not engine.updates.soon._hasPendingEmission
            and shown is not None
            and len(shown.request.read.prompts.points) == len(points.data)
            and not shown.missing
        )

    b.qtbot.waitUntil(answered, timeout=60_000)


def at(b, yx):
    """The number of what the preview shows at a place."""
    return int(b.shown[tuple(np.asarray(yx, int))])


def objects(b):
    return {found.number: found for found in b.dock.controller.shown.objects}


@pytest.fixture
def clicked(searched):
    """Of the plane whose search is held: an object cut, one taken away, and one drawn where no tile was seen."""
    b, gate = searched
    b.dock.make_prompt_layers()
    b.dock.controller.update()  # the second tile may not be drawn yet
    number, gone = at(b, HERE), at(b, OTHER)
    assert len({0, number, gone}) == 3
    assert not at(b, CORNER)

    click(b, gate, HERE)
    assert at(b, HERE) == number, "the click makes it current"
    assert list(objects(b)) == [number]
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    click(b, gate, BESIDE)
    assert (at(b, HERE), at(b, BESIDE)) == (number, 0)
    assert "cut" in objects(b)[number].reason
    b.dock.toggle_object()
    click(b, gate, OTHER)
    assert at(b, OTHER) == 0
    b.dock.toggle_polarity()
    click(b, gate, CORNER)
    assert not run_of(b).complete
    assert at(b, CORNER) not in (0, number, gone)
    return b, gate


def test_what_was_clicked_while_tiles_are_searched_stays_as_it_is(clicked):
    b, gate = clicked
    before = objects(b)
    pixels = {n: b.shown == n for n in before}
    finish(b, gate)
    assert set(objects(b)) == set(before)
    for number, found in before.items():
        np.testing.assert_array_equal(b.shown == number, pixels[number])
        assert pixels[number].sum() == found.crop.area, "all of it is seen"
    assert at(b, OTHER) == at(b, BESIDE) == 0
    corner = b.shown[:256, :320]
    around = corner[max(CORNER[0] - 40, 0) : CORNER[0] + 40, CORNER[1] - 45 : CORNER[1] + 45]
    assert [n for n in np.unique(around) if (around == n).sum() > 200 and n] == [at(b, CORNER)], "it is there once"
    assert b.dock.controller.shown.count == len(b.dock.controller.shown.scores)

    shown, points = b.shown.copy(), b.dock.points.value
    layer = b.dock.commit()
    np.testing.assert_array_equal(layer.data > 0, shown > 0)
    assert layer.data[tuple(HERE)] != layer.data[tuple(CORNER)]
    rows = layer.features.set_index("index")
    assert rows.loc[layer.data[tuple(HERE)], "prompt"] == "point 1"
    assert "cut" in rows.loc[layer.data[tuple(HERE)], "why"]
    assert len(points.data) == 0, "what was answered is cleared"

    b.dock.undo()
    b.settle()
    assert not layer.data.any()
    assert len(points.data) == 4
    np.testing.assert_array_equal(b.shown, shown)


def test_undo_brings_back_what_a_click_took_away(clicked):
    b, gate = clicked
    finish(b, gate)
    b.dock.undo()
    b.settle()
    assert at(b, CORNER), "the network found it too"
    assert len(objects(b)) == 1
    b.dock.undo()
    b.settle()
    assert at(b, OTHER)
    b.dock.redo()
    b.settle()
    assert not at(b, OTHER)


def test_what_was_added_meanwhile_does_not_come_back_with_later_tiles(clicked):
    b, gate = clicked
    kept = [tuple(HERE), tuple(CORNER)]
    layer = b.dock.commit()
    early = layer.data.copy()
    assert all(layer.data[place] for place in kept)
    assert len(b.dock.points.value.data) == 0
    finish(b, gate)
    for place in (*kept, tuple(OTHER), tuple(BESIDE)):
        assert at(b, place) == 0, "added, taken away or cut"
    assert f"{len(np.unique(early)) - 1} of " in b.status
    assert b.dock.commit() is layer
    np.testing.assert_array_equal(layer.data[early > 0], early[early > 0])
    assert layer.data[tuple(OTHER)] == 0


def test_after_all_tiles_a_click_looks_and_paints_only_around_it(searched, monkeypatch):
    b, gate = searched
    finish(b, gate)
    count = b.dock.controller.shown.count
    seen, painted = [], []
    propose, paint = segmenter.Model.propose, EditableCanvas._paint_cell
    monkeypatch.setattr(
        segmenter.Model, "propose", lambda self, rgb, *more: seen.append(rgb.shape) or propose(self, rgb, *more)
    )
    monkeypatch.setattr(
        EditableCanvas, "_paint_cell", lambda self, cell, *more: painted.append(cell) or paint(self, cell, *more)
    )
    number = at(b, OTHER)
    b.click(OTHER)
    assert at(b, OTHER) == number
    assert len(seen) == 1
    assert run_of(b).done == len(run_of(b))
    painted.clear()
    b.dock.toggle_polarity()
    b.click(HERE)
    assert at(b, HERE) == 0
    assert b.dock.controller.shown.count == count - 1
    assert "Point 2 took an object away." in b.dock.status.value
    assert len(seen) == 1
    assert 1 <= len(set(painted)) <= 4
    b.dock.toggle_polarity()
    b.click(EMPTY)
    assert at(b, EMPTY) > count
    assert b.dock.controller.shown.count == count


def test_a_negative_point_on_another_object_takes_that_away(searched):
    b, gate = searched
    finish(b, gate)
    b.click(HERE)
    number = at(b, HERE)
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    b.click(OTHER)
    assert (at(b, HERE), at(b, OTHER)) == (number, 0)


def test_a_label_is_corrected_beside_everything(searched):
    b, gate = searched
    finish(b, gate)
    labels = np.zeros(b.shown.shape, np.uint16)
    labels[b.shown == at(b, HERE)] = 7
    layer = Labels(labels, name="by hand")
    b.viewer.add_layer(layer)
    b.settle()
    b.dock.labels.value = layer
    b.prompts()
    b.dock.toggle_object()
    b.click(HERE)
    number = at(b, HERE)
    b.dock.toggle_polarity()
    b.click(BESIDE)
    assert (at(b, HERE), at(b, BESIDE)) == (number, 0)
    b.dock.commit()
    assert layer.data[tuple(HERE)] == 7
    assert layer.data[tuple(BESIDE)] == 0
    assert "replaced label 7" in b.status


def test_with_mouse_and_keys_on_a_pyramid(search, monkeypatch):
    monkeypatch.setattr(preview, "MOST_DRAWN", 1_000_000)
    b, gate = search(show=True)
    finish(b, gate)
    camera(b.viewer).center, camera(b.viewer).zoom = tuple(HERE), 2.0
    b.prompts()
    full = b.preview.data[0]
    number = full[tuple(HERE)]
    b.mouse_click(HERE)
    b.key(Qt.Key.Key_O)
    b.key(Qt.Key.Key_T)
    b.mouse_click(BESIDE)
    assert b.preview.data[0] is full, "the same pixels, painted on"
    assert (full[tuple(HERE)], full[tuple(BESIDE)]) == (number, 0)
    assert b.preview.data[1][tuple(BESIDE // 2)] == 0
    assert "cut" in b.status
    assert CONTOUR_NAME in b.viewer.layers
    b.key(Qt.Key.Key_Return)
    b.settle()
    assert b.committed.multiscale
    assert b.committed.data[0][tuple(HERE)]
    assert b.committed.data[0][tuple(BESIDE)] == 0
