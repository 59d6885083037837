"""At the sizes of usual screens no control of a dock is cut, by the window's edge or by what it lies in."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QRect
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLabel, QSlider, QWidget

from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.compare import CompareWidget
from napari_fastsam.widgets.train import TrainWidget

CONTROLS = (QAbstractButton, QAbstractSpinBox, QComboBox, QLabel, QSlider)

EDGE = 4
"""Screen pixels that stay free at the dock's right edge, which is the window's: what touches it looks cut."""


def controls_in(frame: QWidget) -> list[QWidget]:
    """What can be seen of a dock, or scrolled to, and belongs to no other control."""
    return [
        widget
        for widget in frame.findChildren(QWidget)
        if isinstance(widget, CONTROLS) and widget.isVisible() and not isinstance(widget.parentWidget(), CONTROLS)
    ]


def width_of_text(widget: QWidget) -> int:
    """Screen pixels that what a control says takes; a list's choice may be shortened, and a text may wrap."""
    if isinstance(widget, QAbstractSpinBox):
        margins = widget.width() - widget.lineEdit().width()
        return margins + widget.fontMetrics().horizontalAdvance(widget.lineEdit().text())
    if isinstance(widget, QComboBox) or (isinstance(widget, QLabel) and widget.wordWrap()):
        return 0
    return int(widget.minimumSizeHint().width())


def cut(frame: QWidget) -> list[str]:
    """Controls that stick out at the side of the dock or of what they lie in, or that are too narrow for their text."""
    found = []
    for widget in controls_in(frame):
        name = f"{type(widget).__name__} {getattr(widget, 'text', str)()!r}"
        left = widget.mapTo(frame, QPoint(0, 0)).x()
        if left < 0 or left + widget.width() > frame.width() - EDGE:
            found.append(f"{name} from {left} to {left + widget.width()} of {frame.width()}")
        parent = widget.parentWidget()
        across = QRect(0, 0, parent.width(), 1)
        if not across.contains(QRect(widget.x(), 0, widget.width(), 1)):
            found.append(f"{name} sticks out of what it lies in")
        needed = width_of_text(widget)
        if needed > widget.width():
            found.append(f"{name} is {widget.width()} wide and needs {needed}")
    return found


@pytest.fixture(params=[(1280, 720), (1400, 900)], ids=lambda size: "{}x{}".format(*size))
def window(make_napari_viewer, plugin_settings, qtbot, request, cells, truth):
    """Opens a dock in a window of that size."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(*request.param)
    viewer.add_image(cells, name="cells", contrast_limits=(0, 80))
    docks = []

    def open_(dock_type):
        if dock_type is not FastSAMWidget:
            viewer.add_labels(truth, name="ground truth")
            viewer.add_labels(np.roll(truth, 2, axis=0), name="found")
        docks.append(dock_type(viewer))
        viewer.window.add_dock_widget(docks[0], name="dock")
        qtbot.waitUntil(lambda: docks[0].native.isVisible())
        qtbot.wait(300)
        return docks[0]

    yield open_
    docks[0].disconnect_all()


@pytest.mark.parametrize("dock_type", [FastSAMWidget, CompareWidget, TrainWidget])
def test_no_control_is_cut(window, qtbot, dock_type):
    dock = window(dock_type)
    assert len(controls_in(dock.native)) >= 10
    assert cut(dock.native) == []


def test_nothing_is_cut_where_all_is_unfolded(window, qtbot):
    dock = window(FastSAMWidget)
    dock.region.value = "stack"
    dock.make_prompt_layers()
    dock.toggle_example()
    dock.about.expand(animate=False)
    qtbot.wait(300)
    assert dock.search.is_built
    assert dock.search.words.native.isVisible()
    assert cut(dock.native) == []


def test_nothing_is_cut_where_a_button_would_help_and_labels_are_corrected(window, qtbot):
    dock = window(FastSAMWidget)
    dock.task.value = "everything"
    qtbot.waitUntil(lambda: dock.controller.shown is not None)
    dock.conf.value = 0.95
    qtbot.waitUntil(lambda: dock.headline._offers.isVisible())
    dock._panels.correct.expand(animate=False)
    qtbot.wait(300)
    assert cut(dock.native) == []


def test_a_control_at_the_edge_is_noticed(window):
    dock = window(FastSAMWidget)
    dock.actions.add.native.setFixedWidth(2000)
    assert cut(dock.native)
