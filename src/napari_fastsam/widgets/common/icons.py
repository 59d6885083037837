"""napari's icons, and a few of ours, in the colours of napari's theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.resources import get_colorized_svg, get_icon_path
from napari.utils.theme import get_theme
from qtpy.QtCore import QByteArray, QSize, Qt
from qtpy.QtGui import QIcon, QPainter, QPixmap
from qtpy.QtSvg import QSvgRenderer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QAbstractButton, QLabel

_ARROW = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path transform="{}" d="M42 18 L10 46 L42 74 \
L42 56 C66 56 78 64 84 84 C90 52 70 36 42 36 Z"/></svg>'

OURS = {"undo": _ARROW.format(""), "redo": _ARROW.format("translate(100 0) scale(-1 1)")}
"""Icons that napari has not."""

SIZE = 16
_SHARP = 2
"""Pixels of the icon a screen pixel: screens may have more of them than they say."""


def pixmap(name: str, colour: str) -> QPixmap:
    """Return an icon of napari's, or of ours, in a colour: (32, 32) pixels, drawn as 16 × 16."""
    svg = get_colorized_svg(OURS.get(name) or get_icon_path(name), colour)
    picture = QPixmap(QSize(SIZE, SIZE) * _SHARP)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg.encode())).render(painter)
    painter.end()
    picture.setDevicePixelRatio(_SHARP)
    return picture


class ThemedIcons:
    """Gives icons to buttons and labels, and new ones when the theme changes.

    Parameters
    ----------
    viewer
        Has the theme.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._draw: list[Callable[[], object]] = []

    def on(self, button: QAbstractButton, name: str) -> None:
        """Put an icon on a button, in the colour of the theme's icons."""

        def draw() -> None:
            button.setIcon(QIcon(pixmap(name, self.colour("icon"))))

        button.setIconSize(QSize(SIZE, SIZE))
        self._remember(draw)

    def fill(self, button: QAbstractButton, colour: str, hovered: str) -> None:
        """Fill a button with colours of the theme: it is the one that most work ends with."""

        def draw() -> None:
            button.setStyleSheet(
                f"QPushButton {{ background-color: {self.colour(colour)}; }}"
                f"QPushButton:hover {{ background-color: {self.colour(hovered)}; }}"
            )

        self._remember(draw)

    def colour(self, key: str) -> str:
        """Return a colour of the theme, such as "icon", "warning" or "error", as hex."""
        return str(getattr(get_theme(self._viewer.theme), key).as_hex())

    def show(self, label: QLabel, name: str, colour: str) -> None:
        """Draw an icon on a label; `colour` is a key of the theme."""
        label.setPixmap(pixmap(name, self.colour(colour)))

    def theme_changed(self, *_: Any) -> None:
        """Draw all anew."""
        for draw in self._draw:
            draw()

    def _remember(self, draw: Callable[[], object]) -> None:
        self._draw.append(draw)
        draw()
