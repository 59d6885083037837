"""In docks with a table, Tab goes through it where it stands: its rows are gone to, and deleted, by keys."""

from __future__ import annotations

import itertools

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QAbstractItemView, QComboBox, QPushButton

from napari_fastsam.widgets.compare import CompareWidget
from napari_fastsam.widgets.train import TrainWidget


@pytest.mark.parametrize("dock_type", [CompareWidget, TrainWidget])
def test_tab_goes_as_one_reads(make_napari_viewer, plugin_settings, qtbot, cells, truth, dock_type):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(cells, contrast_limits=(0, 80))
    viewer.add_labels(truth)
    dock = dock_type(viewer)
    viewer.window.add_dock_widget(dock, name="dock")
    frame = dock.native
    qtbot.waitUntil(frame.isVisible)
    qtbot.wait(100)
    stops, widget = [], frame.nextInFocusChain()
    while widget is not frame:
        stops_here = Qt.FocusPolicy.TabFocus in Qt.FocusPolicy(widget.focusPolicy())
        if frame.isAncestorOf(widget) and widget.isVisible() and stops_here:
            stops.append(widget)
        widget = widget.nextInFocusChain()
    stops = [stop for stop in stops if isinstance(stop, QAbstractItemView | QComboBox | QPushButton)]
    assert any(isinstance(stop, QAbstractItemView) for stop in stops)
    tops = [stop.mapTo(frame, QPoint(0, 0)).y() for stop in stops]
    assert all(above < below + 6 for above, below in itertools.pairwise(tops)), tops
    dock.disconnect_all()
