"""The object under the cursor is outlined, taken and rejected, with real mouse events on the canvas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.layers.answers.hovering import object_under
from napari_fastsam.layers.napari_versions import camera
from napari_fastsam.widgets.segment.hover import HOVER_NAME
from napari_fastsam.widgets.segment.output import PREVIEW_NAME

NUCLEI = np.array([[126, 94], [147, 244]], float)
EMPTY = (133.0, 159.0)


def move(b, world):
    native, at = b.canvas.native, b.at(world)
    none = Qt.MouseButton.NoButton
    # straight to the canvas: where a real pointer is, and who has it, does not matter then
    QApplication.sendEvent(
        native,
        QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(at),
            QPointF(native.mapToGlobal(at)),
            none,
            none,
            Qt.KeyboardModifier.NoModifier,
        ),
    )
    QApplication.processEvents()


def wheel(b, world, turned):
    native, at = b.canvas.native, b.at(world)
    event = QWheelEvent(
        QPointF(at),
        QPointF(native.mapToGlobal(at)),
        QPointF(0, turned).toPoint(),
        QPointF(0, turned).toPoint(),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ShiftModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(native, event)


def outlined(b):
    """(Y, X) mask of what is outlined under the cursor; None = nothing is."""
    if HOVER_NAME not in b.viewer.layers or not b.viewer.layers[HOVER_NAME].visible:
        return None
    layer = b.viewer.layers[HOVER_NAME]
    full = np.zeros(b.image.data.shape[-2:], bool)
    top, left = np.round(layer.translate[-2:] / layer.scale[-2:]).astype(int)
    data = ndimage.binary_fill_holes(np.squeeze(np.asarray(layer.data)) > 0)
    full[top : top + data.shape[0], left : left + data.shape[1]] = data
    return full


@pytest.fixture
def seen(bench):
    """The image was seen by the network, and nothing is drawn."""
    b = bench(show=True)
    points = b.click(NUCLEI[1])
    b.dock.undo()
    b.settle()
    assert not len(points.data)
    return b


def test_what_a_click_would_find_is_outlined_and_nothing_beside_it(seen, expected):
    b = seen
    assert outlined(b) is None
    move(b, NUCLEI[0])
    wanted = [ndimage.binary_fill_holes(mask) for mask in expected(points=[NUCLEI[0]])]
    np.testing.assert_array_equal(outlined(b), wanted[0])
    assert b.viewer.layers.selection.active == b.dock.points.value, "the active layer stays"
    move(b, EMPTY)
    assert outlined(b) is None


def test_one_key_takes_it_and_one_rejects_it(seen):
    b = seen
    points = b.dock.points.value
    b.dock.toggle_polarity()
    move(b, NUCLEI[0])
    mask = outlined(b)
    b.canvas.native.setFocus()
    b.key(Qt.Key.Key_Z)
    b.settle()
    assert points.features["polarity"].tolist() == ["positive"]
    np.testing.assert_array_equal(ndimage.binary_fill_holes(b.shown == 1), mask)
    points.add([NUCLEI[1]])
    assert points.features["polarity"].tolist()[-1] == "negative", "what is next stays"
    b.dock.undo()
    b.dock.undo()
    b.settle()
    assert not len(points.data)

    b.dock.task.value = "everything"
    b.settle()
    count = b.dock.controller.shown.count
    move(b, EMPTY)
    move(b, NUCLEI[0])
    b.canvas.native.setFocus()
    b.key(Qt.Key.Key_Backspace)
    b.settle()
    assert points.features["polarity"].tolist() == ["negative"]
    assert b.dock.controller.shown.count == count - 1
    assert b.shown[126, 94] == 0


def test_what_is_taken_lands_on_it_in_a_layer_of_other_units(bench):
    b = bench(scale=(500, 500), units=("nm", "nm"))
    points = b.viewer.add_points(ndim=2, units=("um", "um"))
    b.dock.points.value, b.dock.task.value = points, "everything"
    b.settle()
    request = b.dock.controller.asking.asked
    b.dock._hover._under = object_under(b.dock._engine.session.kept, request, tuple(NUCLEI[0]))
    b.dock.take_hovered()
    np.testing.assert_allclose(points.data, [NUCLEI[0] / 2])


def test_shift_and_the_wheel_take_a_larger_or_smaller_one(seen):
    b = seen
    move(b, NUCLEI[0])
    hover, zoom = b.dock._hover, camera(b.viewer).zoom
    chosen = hover.under.selection.candidates[0]
    whole = replace(chosen, crop=CroppedMask(0, 0, np.ones(b.image.data.shape, bool)))
    several = replace(hover.under.selection, candidates=(chosen, whole))
    hover._under = replace(hover.under, selection=several)
    wheel(b, NUCLEI[0], 120)
    assert outlined(b).all()
    assert hover.under.steps == 1
    wheel(b, NUCLEI[0], -120)
    np.testing.assert_array_equal(outlined(b), ndimage.binary_fill_holes(chosen.crop.full(b.image.data.shape)))
    assert camera(b.viewer).zoom == zoom


def test_never_while_another_tool_is_in_use_nor_with_the_tick_off(seen):
    b = seen
    b.dock.hover.value = False
    move(b, NUCLEI[0])
    assert outlined(b) is None
    b.dock.hover.value = True
    b.viewer.layers.selection.active = b.dock.shapes.value
    b.dock.shapes.value.mode = "add_rectangle"
    move(b, NUCLEI[0] + 1)
    assert outlined(b) is None
    b.dock.shapes.value.mode = "pan_zoom"
    move(b, NUCLEI[0])
    assert outlined(b) is not None
    b.qtbot.mousePress(b.canvas.native, Qt.MouseButton.LeftButton, pos=b.at(NUCLEI[0]))
    b._move_pressed(b.at(NUCLEI[1]))
    b.qtbot.mouseRelease(b.canvas.native, Qt.MouseButton.LeftButton, pos=b.at(NUCLEI[1]))


def test_on_an_image_that_is_turned_and_scaled(bench, cells):
    b = bench(cells, scale=(0.5, 2.0), rotate=30, translate=(7, -3), show=True)
    b.click(NUCLEI[1])
    b.dock.clear_prompts()
    b.settle()
    move(b, b.image.data_to_world(NUCLEI[0]))
    assert b.viewer.layers[HOVER_NAME].visible
    assert b.dock._hover.under.crop.covers(NUCLEI[:1])[0]


def test_layers_that_are_selected_together_stay_so_while_outlines_and_previews_come(bench, cells):
    b = bench(show=True)
    b.mouse_click(NUCLEI[0])
    other = b.viewer.add_image(cells, name="other")
    b.dock.image.value = b.image
    b.settle()
    b.dock._hover._outline.remove()
    b.dock._engine.output.remove_preview()
    b.viewer.layers.selection = {b.image, other}
    move(b, NUCLEI[1])
    assert HOVER_NAME in b.viewer.layers
    b.dock.run()
    b.settle()
    assert PREVIEW_NAME in b.viewer.layers
    assert b.viewer.layers.selection == {b.image, other}
