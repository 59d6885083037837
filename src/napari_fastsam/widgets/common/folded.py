"""What is behind a title until that is unfolded: it is built then, so that a dock opens without it."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

FOLDED, UNFOLDED = "▸", "▾"
"""In the title's text and so in its colour: superqt paints its own arrows once, black, which is unseen on dark."""


class Folded(QCollapsible):
    """A title that unfolds.

    Parameters
    ----------
    title
        What it says.
    build
        Makes what is behind it, once.
    tooltip
        Of the title.
    """

    def __init__(self, title: str, build: Callable[[], QWidget], tooltip: str) -> None:
        super().__init__()
        self._make: Callable[[], QWidget] | None = build
        self._title = title
        self.setExpandedIcon(QIcon())
        self.setCollapsedIcon(QIcon())
        self.setDuration(0)
        self.setToolTip(tooltip)
        for part in (self, self.content()):  # what is unfolded stands in line with what is not
            layout = part.layout()
            if layout is not None:
                layout.setContentsMargins(0, 0, 0, 0)
                layout.setSpacing(4)
        self.toggled.connect(lambda: self.setText(self._title))
        self.setText(title)

    @property
    def is_built(self) -> bool:
        """Whether there is anything behind the title yet."""
        return self._make is None

    def build(self) -> None:
        """Make what is behind the title, unless that was done."""
        make, self._make = self._make, None
        if make is not None:
            self.addWidget(make())

    def expand(self, animate: bool = True) -> None:
        """Show what is behind the title."""
        self.build()
        super().expand(animate)

    def setText(self, text: str) -> None:
        """Set the title, which stands behind an arrow."""
        self._title = text
        super().setText(f"{UNFOLDED if self.isExpanded() else FOLDED} {text}")

    def text(self) -> str:
        """Return the title."""
        return self._title
