"""A part of a dock that is shown as a tab of its own, and comes back when that is closed."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QDockWidget, QVBoxLayout, QWidget

from napari_fastsam.widgets.common.frame import Frame
from napari_fastsam.widgets.common.tabbing import dock_of, put_behind_tabs


class OwnTab(QWidget):
    """Holds a part of a dock while napari docks it by itself.

    Parameters
    ----------
    part
        What it holds.
    """

    closed = Signal()
    """napari took it out of its dock, for good: the part has to go somewhere else now."""

    def __init__(self, part: QWidget) -> None:
        super().__init__()
        self._docked = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.addWidget(part)
        part.show()

    def put_beside(self) -> None:
        """Lie behind tabs with a dock of the plugin, in front of it."""
        put_behind_tabs(self, Frame)
        self.bring_to_front()

    def bring_to_front(self) -> None:
        """Be the tab that is seen."""
        dock = dock_of(self)
        if dock is not None:
            dock.show()
            dock.raise_()

    @property
    def dock(self) -> QDockWidget | None:
        """The dock that it lies in."""
        return dock_of(self)

    def event(self, event: QEvent | None) -> bool:
        """Notice when a dock takes this in or lets it go."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self._docked = False
                self.closed.emit()
                self.deleteLater()
        return bool(super().event(event))
