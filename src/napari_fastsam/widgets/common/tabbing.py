"""In which order Tab goes through a dock, and docks that lie behind each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLayout, QMainWindow, QScrollArea, QWidget


def order_tabs(*roots: QWidget) -> None:
    """Have Tab go from control to control as they stand: from left to right, from top to bottom."""
    stops = [widget for root in roots for widget in _stops(root)]
    for before, after in pairwise(stops):
        QWidget.setTabOrder(before, after)


def _stops(widget: QWidget) -> Iterator[QWidget]:
    """Yield the controls in a widget at which Tab stops, in the order of its layout."""
    layout = widget.layout()
    if isinstance(widget, QScrollArea):
        content = widget.widget()
        if content is not None:
            yield from _stops(content)
    elif layout is not None:
        for inner in _widgets_in(layout):
            yield from _stops(inner)
    elif Qt.FocusPolicy.TabFocus in Qt.FocusPolicy(widget.focusPolicy()):
        yield widget


def _widgets_in(layout: QLayout) -> Iterator[QWidget]:
    """Yield the widgets of a layout and of those within it."""
    for i in range(layout.count()):
        item = layout.itemAt(i)
        widget, inner = (None, None) if item is None else (item.widget(), item.layout())
        if widget is not None:
            yield widget
        elif inner is not None:
            yield from _widgets_in(inner)


def put_behind_tabs(widget: QWidget, kind: type[QWidget]) -> None:
    """Let the dock that a widget lies in share its place with another that holds one of a kind, as tabs."""
    mine = dock_of(widget)
    window = None if mine is None else mine.parentWidget()
    if mine is None or not isinstance(window, QMainWindow) or mine.isFloating() or window.tabifiedDockWidgets(mine):
        return
    area = window.dockWidgetArea(mine)
    for other in window.findChildren(QDockWidget):
        holds_one = other is not mine and other.isVisible() and other.findChildren(kind)
        if holds_one and not other.isFloating() and window.dockWidgetArea(other) == area:
            window.tabifyDockWidget(other, mine)
            mine.raise_()
            return


def dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget lies in; None if it lies in none."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
