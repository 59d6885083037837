"""The dock *Compare* in a viewer, and what a test reads off it."""

from __future__ import annotations

from typing import Any

from napari.layers import Labels
from qtpy.QtCore import Qt

from napari_fastsam.widgets.compare.dock import CompareWidget
from napari_fastsam.widgets.compare.output import RESULT_NAME
from napari_fastsam.widgets.compare.table import COLUMNS


class Open:
    """A viewer with the dock and layers."""

    def __init__(self, viewer: Any, qtbot: Any, **layers: Any) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        for name, data in layers.items():
            viewer.add_labels(data, name=name)
        self.dock = CompareWidget(viewer)
        viewer.window.add_dock_widget(self.dock, name="Compare")
        self.settle()

    def settle(self) -> None:
        dock = self.dock
        self.qtbot.waitUntil(
            lambda: (
                not dock._soon._hasPendingEmission and not dock._recolour._hasPendingEmission and not dock._work.busy
            ),
        )

    @property
    def status(self) -> str:
        return self.dock.message

    @property
    def result(self) -> Labels:
        return self.viewer.layers[RESULT_NAME]

    @property
    def counts(self) -> tuple[int, int, int]:
        m = self.dock.compared.matching(self.dock.threshold.value)
        return m.true_positives, m.false_negatives, m.false_positives

    def cells(self, row: int) -> dict[str, str]:
        model = self.dock.view.table.rows
        return {name: model.data(model.index(row, c)) for c, name in enumerate(COLUMNS)}

    def click(self, row: int) -> None:
        table = self.dock.view.table
        index = table.rows.index(row, 2)
        table.scrollTo(index)
        place = table.visualRect(index).center()
        self.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        self.settle()
