"""What every part of the dock is."""

from __future__ import annotations

from typing import Any

from psygnal import Signal


class Panel:
    """Controls that belong together.

    Parameters
    ----------
    controls
        From top to bottom. Their names are the dock's attributes.
    """

    moved = Signal()
    """A slider moved: to be answered at once."""

    changed = Signal()
    """Something else changed: to be answered soon."""

    def __init__(self, *controls: Any) -> None:
        self.controls = controls

    def tell_moved(self, *controls: Any) -> None:
        """Have these controls emit `moved`."""
        for control in controls:
            control.changed.connect(lambda *_: self.moved.emit())

    def tell_changed(self, *controls: Any) -> None:
        """Have these controls emit `changed`."""
        for control in controls:
            control.changed.connect(lambda *_: self.changed.emit())
