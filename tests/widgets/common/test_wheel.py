"""The mouse wheel over the controls of a dock."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QApplication, QComboBox, QScrollArea, QScrollBar

from napari_fastsam.widgets.common.folded import Folded


def turn(widget) -> bool:
    """Turn the wheel over a widget; returns whether that ends there, or else goes on to the scroll area."""
    none, at = Qt.MouseButton.NoButton, QPoint(5, 5)
    event = QWheelEvent(
        QPointF(at), QPointF(widget.mapToGlobal(at)), QPoint(0, 0), QPoint(0, -120), none,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


@pytest.fixture
def dock(bench):
    b = bench(show=True)
    b.viewer.window.resize(1280, 720)
    for folded in b.dock.native.findChildren(Folded):
        folded.expand(animate=False)
    b.qtbot.wait(100)
    return b


def state_of(widget):
    return widget.currentText() if isinstance(widget, QComboBox) else widget.value()


def test_it_scrolls_the_dock_and_changes_nothing(dock):
    area = dock.dock.native.findChild(QScrollArea)
    controls = [
        widget
        for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider)
        for widget in area.widget().findChildren(kind)
        if widget.isVisible() and not isinstance(widget, QScrollBar)
    ]
    assert len(controls) > 15
    before = [state_of(one) for one in controls]
    assert not any(turn(one) for one in controls), "the dock scrolls"
    assert [state_of(one) for one in controls] == before


def test_with_the_keyboard_it_changes_a_value(dock):
    model = dock.dock.model.native
    dock.viewer.window.activate()
    model.setFocus()
    dock.qtbot.waitUntil(model.hasFocus)
    before = model.currentText()
    turn(model)
    assert model.currentText() != before
