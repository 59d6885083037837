"""The numbers in a file; and the dock opened, closed and hovered."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QFileDialog, QSlider, QWidget

from callbacks import emitters_of, of_this_package
from napari_fastsam.core.judging.metrics import THRESHOLDS
from napari_fastsam.widgets.compare import messages as compare_messages
from napari_fastsam.widgets.compare.dock import CompareWidget
from napari_fastsam.widgets.compare.output import RESULT_NAME
from napari_fastsam.widgets.compare.table import COLUMNS

# -------------------------------------------------------------------- saving


def test_the_numbers_are_saved(opened, found, truth, tmp_path, monkeypatch) -> None:
    bench = opened(found=found, truth=truth)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "cells"), ""))
    bench.dock.actions.save_button.changed.emit(True)
    with (tmp_path / "cells.csv").open(newline="") as file:
        numbers = list(csv.DictReader(file))
    assert [float(row["iou"]) for row in numbers] == list(THRESHOLDS)
    assert int(numbers[0]["hits"]) == bench.counts[0]
    with (tmp_path / "cells_objects.csv").open(newline="") as file:
        objects = list(csv.DictReader(file))
    assert [row["kind"] for row in objects].count("missed") == bench.counts[1]
    assert "cells.csv" in bench.status


def test_saving_nothing_nowhere_or_not_at_all(opened, found, truth, tmp_path, monkeypatch) -> None:
    empty = opened()
    assert empty.dock.save(tmp_path / "x.csv") is None
    assert empty.status == compare_messages.NOTHING_TO_SAVE
    bench = opened(found=found, truth=truth)
    assert bench.dock.save(tmp_path / "nowhere" / "x.csv") is None
    assert "cannot be written" in bench.status
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    assert bench.dock.save() is None
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------- opening and closing


def emitters(viewer: Any) -> dict[str, Any]:
    return emitters_of(viewer, without=RESULT_NAME)


def ours(viewer: Any) -> list[str]:
    return of_this_package(emitters(viewer))


def by_close(viewer: Any, dock: CompareWidget) -> None:
    dock.close()


def by_napari(viewer: Any, dock: CompareWidget) -> None:
    viewer.window.remove_dock_widget(dock.native)


def by_the_cross(viewer: Any, dock: CompareWidget) -> None:
    native = dock.native
    while not isinstance(native, QDockWidget):
        native = native.parent()
    native.destroyOnClose()


@pytest.mark.parametrize("way", [by_close, by_napari, by_the_cross], ids=lambda way: way.__name__)
def test_a_dock_that_is_closed_leaves_nothing_behind(opened, found, truth, way) -> None:
    bench = opened(found=found, truth=truth)
    viewer = bench.viewer
    assert len(ours(viewer)) > 10, "or nothing is tested here"
    way(viewer, bench.dock)
    bench.qtbot.wait(50)
    assert ours(viewer) == []
    assert [layer.name for layer in viewer.layers] == ["found", "truth"]
    assert all(layer.visible for layer in viewer.layers)
    viewer.layers["truth"].data = viewer.layers["truth"].data + 1
    viewer.layers.remove("found")
    bench.qtbot.wait(200)
    assert RESULT_NAME not in viewer.layers
    bench.dock.disconnect_all()  # twice does no harm


def test_napari_opens_it_from_the_manifest(make_napari_viewer, npe2pm, plugin_settings) -> None:
    viewer = make_napari_viewer()
    with npe2pm.tmp_plugin(package="napari-fastsam"):
        _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "Compare")
        assert isinstance(dock, CompareWidget)
        dock.disconnect_all()


def test_every_control_has_a_tooltip(opened) -> None:
    dock = opened().dock
    widgets: list[QWidget] = [*(control.native for control in dock), *(control.native for control in dock.actions)]
    widgets += [dock.view.table, dock.view.curve, dock.view.numbers.native]
    for widget in widgets:
        # a slider is a slider and a number box: magicgui puts the tooltip on the former
        assert any(part.toolTip() for part in [widget, *widget.findChildren(QSlider)]), widget
    assert set(COLUMNS.values()) == {
        dock.view.table.rows.headerData(c, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        for c in range(len(COLUMNS))
    }
