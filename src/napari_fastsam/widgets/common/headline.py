"""The first line of a dock: what was found and what to do next, of one height whatever it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt import QElidingLabel, QFlowLayout

from napari_fastsam.widgets.common.folded import FOLDED, UNFOLDED
from napari_fastsam.widgets.common.icons import SIZE, ThemedIcons
from napari_fastsam.widgets.common.text import plain

LINES = 2


class Mood(Enum):
    """What kind of message it is: its icon, and the colour of that in napari's theme."""

    NEXT = ("info", "current")
    FOUND = ("check", "icon")
    NOTHING = ("warning", "warning")
    WORKING = ("roll", "icon")
    WRONG = ("error", "error")


class Offer(NamedTuple):
    """A button below the message that does what would help."""

    text: str
    tooltip: str
    do: Callable[[], object]


class Headline(QWidget):
    """A message with an icon; what else there is to say unfolds below it.

    Parameters
    ----------
    icons
        The theme's.
    details
        Shows the message whole, with its reasons.
    buttons
        Stand below the message, on the right.
    """

    def __init__(self, icons: ThemedIcons, details: QLabel, *buttons: QWidget) -> None:
        super().__init__()
        self._icons, self._details, self._mood = icons, details, Mood.NEXT
        self._icon = QLabel()
        self._icon.setMargin(0)
        self._icon.setFixedWidth(SIZE + 4)
        self.text = QElidingLabel()
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.toggle = QPushButton()
        self.toggle.setCheckable(True)
        self.toggle.setFlat(True)
        self.toggle.setStyleSheet("text-align: left; border: none; background: none; padding: 0px;")
        self.toggle.setToolTip("Why, and what it took.")
        self.toggle.toggled.connect(self.unfold)
        self._offers = QWidget()
        self._lay_out(buttons)
        self.unfold(False)
        self.offer(())

    def show_message(self, message: str, mood: Mood) -> None:
        """Say something, as far as it fits; the details have all of it."""
        self._mood = mood
        self.text.setText(plain(message))
        self.text.setToolTip(plain(message))
        self.theme_changed()

    def unfold(self, wanted: bool) -> None:
        """Show the details, or hide them."""
        self.toggle.setChecked(wanted)
        self.toggle.setText(f"{UNFOLDED if wanted else FOLDED} Details")
        self._details.setVisible(wanted)

    def offer(self, offers: Sequence[Offer]) -> None:
        """Put buttons below the message that do what would help, in place of those that were there."""
        layout = self._offers.layout()
        assert layout is not None  # noqa: S101 - for mypy: it was given one
        while (item := layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for offer in offers:
            button = QPushButton(offer.text)
            button.setToolTip(offer.tooltip)
            button.clicked.connect(lambda *_, do=offer.do: do())
            layout.addWidget(button)
        self._offers.setVisible(bool(offers))

    def theme_changed(self) -> None:
        """Draw the icon in the theme's colour."""
        self._icons.show(self._icon, *self._mood.value)

    def resizeEvent(self, event: object) -> None:
        """Keep the height of the message: what is below it must not move when it says more."""
        self.text.setFixedHeight(LINES * self.text.fontMetrics().lineSpacing() + 8)
        super().resizeEvent(event)  # type: ignore[arg-type]

    def _lay_out(self, buttons: Sequence[QWidget]) -> None:
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        said, below = QHBoxLayout(), QHBoxLayout()
        said.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        said.addWidget(self.text, 1, Qt.AlignmentFlag.AlignTop)
        below.addWidget(self.toggle)
        below.addStretch(1)
        for button in buttons:
            below.addWidget(button)
        offers = QFlowLayout(self._offers)  # what does not fit beside another comes below it
        offers.setContentsMargins(0, 0, 0, 0)
        rows.addLayout(said)
        rows.addWidget(self._offers)
        rows.addLayout(below)
        rows.addWidget(self._details)
