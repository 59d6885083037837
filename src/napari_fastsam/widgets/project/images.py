"""The list of the images of a project, with small pictures that are made when they are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import (  # type: ignore[attr-defined]
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QIcon, QImage, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListView

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.projects.project import ProjectImage
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.io.projects.thumbnails import SIDE, thumbnail
from napari_fastsam.widgets.common.text import counted, plain

MARKS = {"untouched": "○", "in work": "◐", "done": "●", "skipped": "–"}
"""Before an image's state."""

_GREY = "#909090"
_MOST_WAITING = 64
"""Pictures that are waited for; who scrolls fast has passed the others."""

_MOST_KEPT = 2000


class ImagesModel(QAbstractListModel):
    """Shows the images of a project to Qt."""

    _made = Signal(int, int, object)
    """A picture from the thread that makes them: of which list, of which image."""

    def __init__(self) -> None:
        super().__init__()
        self._images: Sequence[ProjectImage] = ()
        self._states: Sequence[ImageState] = ()
        self._list = 0
        self._ended = False
        self._icons: dict[int, QIcon] = {}
        self._waiting: list[int] = []
        self._threads = ThreadPoolExecutor(1, "thumbnails")
        self._empty = QPixmap(SIDE, SIDE)
        self._empty.fill(Qt.GlobalColor.transparent)
        self._made.connect(self._take_picture)

    def show(self, images: Sequence[ProjectImage], states: Sequence[ImageState]) -> None:
        """Show other images."""
        self.beginResetModel()
        self._images, self._states = images, states
        self._list += 1
        self._icons.clear()
        self._waiting.clear()
        self.endResetModel()

    def state_changed(self, place: int) -> None:
        """Show that an image is further."""
        index = self.index(place, 0)
        self.dataChanged.emit(index, index)

    def end(self) -> None:
        """Make no more pictures; the list may be drawn once more before it is gone."""
        self._ended = True
        self._waiting.clear()
        self._list += 1
        self._threads.shutdown(wait=False, cancel_futures=True)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of images."""
        return 0 if parent is not None and parent.isValid() else len(self._images)

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a row shows."""
        place = index.row()
        if not 0 <= place < len(self._images):
            return None
        state = self._states[place]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{self._images[place].name}\n{_told(state)}"
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icon(place)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain("\n".join(filter(None, (self._images[place].name, _told(state), state.note))))
        if role == Qt.ItemDataRole.ForegroundRole and state.state in ("done", "skipped"):
            return QColor(_GREY)
        return None

    def _icon(self, place: int) -> QIcon:
        icon = self._icons.get(place)
        if icon is None:
            if place not in self._waiting and not self._ended:
                self._waiting.append(place)
                del self._waiting[:-_MOST_WAITING]
                self._threads.submit(self._make_next, self._list)
            return QIcon(self._empty)
        return icon

    def _make_next(self, of_list: int) -> None:
        """Make the picture that was asked for last; in the thread."""
        try:
            place = self._waiting.pop()
            image = self._images[place]
        except IndexError:
            return
        try:
            picture: NDArray[np.uint8] | None = thumbnail(image)
        except (FastSAMError, OSError):
            picture = None
        if of_list == self._list:
            self._made.emit(of_list, place, picture)

    def _take_picture(self, of_list: int, place: int, picture: Any) -> None:
        if of_list != self._list:
            return
        if len(self._icons) >= _MOST_KEPT:
            self._icons.pop(next(iter(self._icons)))
        self._icons[place] = QIcon(self._empty if picture is None else _pixmap(picture))
        index = self.index(place, 0)
        self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])


class ImagesList(QListView):
    """The view of it.

    Parameters
    ----------
    on_chosen
        Called with the place of the image that is chosen with the mouse or the keyboard.
    """

    def __init__(self, on_chosen: Callable[[int], object]) -> None:
        super().__init__()
        self.images = ImagesModel()
        self.setModel(self.images)
        self.setUniformItemSizes(True)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setMinimumHeight(180)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setToolTip("Click an image, or press Enter on it, to open it.")
        self.setAccessibleName("Images of the folder")
        self.clicked.connect(lambda index: on_chosen(index.row()))
        self.activated.connect(lambda index: on_chosen(index.row()))

    def dataChanged(self, first: QModelIndex, last: QModelIndex, roles: Iterable[int] = ()) -> None:
        """Draw the rows that changed; Qt would place all rows anew for each, which takes long with thousands."""
        for row in range(first.row(), last.row() + 1):
            self.update(self.images.index(row, 0))

    def show_current(self, place: int) -> None:
        """Show which image is open."""
        index, selection = self.images.index(place, 0), self.selectionModel()
        if selection is not None:
            selection.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.scrollTo(index)


def _told(state: ImageState) -> str:
    """Return how far an image is, in a few words."""
    words = [f"{MARKS[state.state]} {state.state}"]
    if state.objects:
        words.append(counted(state.objects))
    if state.note:
        words.append("✎")
    return " · ".join(words)


def _pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    height, width, _ = picture.shape
    image = QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image).scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio)
