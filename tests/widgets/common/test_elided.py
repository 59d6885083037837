"""Long names in combo boxes."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, QPoint
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QComboBox, QToolTip

from napari_fastsam.widgets.common.elided import elide

LONG = "2026-11-29 plate 7 well B03 site 2 DAPI maximum projection z{}"


@pytest.fixture
def box(qtbot):
    box = QComboBox()
    qtbot.addWidget(box)
    box.addItems([LONG.format(12), LONG.format(13), "short"])
    box.setToolTip("The image to segment.")
    box.setFixedWidth(160)
    elide(box)
    box.show()
    qtbot.waitExposed(box)
    return box


def tip_of(box):
    QApplication.sendEvent(box, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), box.mapToGlobal(QPoint(5, 5))))
    return QToolTip.text()


def test_names_that_differ_at_their_end_look_different(box):
    first = box.grab().toImage()
    box.setCurrentIndex(1)
    assert box.grab().toImage() != first


def test_the_whole_of_a_name_that_is_cut_is_a_tooltip(box, qtbot):
    assert tip_of(box) == f"{LONG.format(12)}\nThe image to segment."
    box.setCurrentIndex(2)
    qtbot.waitUntil(lambda: tip_of(box) == "The image to segment.")


def test_a_name_is_no_rich_text(box):
    box.addItem("<b>" + LONG)
    box.setCurrentIndex(3)
    assert tip_of(box).startswith("&lt;b&gt;")
