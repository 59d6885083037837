"""One of a few, as buttons in a row of which one is pressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from magicgui.widgets import PushButton
from magicgui.widgets.bases import ValuedContainerWidget


class Segment(NamedTuple):
    """One of the buttons: what it says, what it stands for, and its tooltip."""

    text: str
    value: str
    tooltip: str = ""


class Segments(ValuedContainerWidget[Any]):
    """Buttons side by side; the one that is pressed is the value.

    Parameters
    ----------
    segments
        From left to right.
    value
        What is chosen at first; None = nothing is.
    options
        magicgui's; with `nullable`, to press the one that is pressed lets go of it.
    """

    def __init__(self, segments: Sequence[Segment], value: str | None, **options: Any) -> None:
        self._value = value
        self._all = tuple(segments)
        self.buttons = {s.value: PushButton(name=s.value, text=s.text, tooltip=s.tooltip) for s in segments}
        super().__init__(widgets=list(self.buttons.values()), layout="horizontal", labels=False, **options)
        self.margins = (0, 0, 0, 0)
        self.native.layout().setSpacing(1)
        for name, button in self.buttons.items():
            button.native.setCheckable(True)
            button.native.setMinimumWidth(1)
            button.native.clicked.connect(lambda *_, name=name: self._pressed(name))
        self._show()

    @property
    def choices(self) -> tuple[str, ...]:
        """What can be chosen."""
        return tuple(self.buttons)

    @property
    def text(self) -> str:
        """What the button says that is pressed; empty if none is."""
        return "" if self._value is None else str(self.buttons[self._value].text)

    def get_value(self) -> Any:
        """Return what is chosen; None = nothing."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Choose; None lets go of all.

        Raises
        ------
        ValueError
            If there is no such button.
        """
        if value is not None and value not in self.buttons:
            raise ValueError(f"{value!r} is not a choice of {self.name!r}; there are {', '.join(self.buttons)}")
        changes = value != self._value
        self._value = value
        self._show()
        if changes:
            self.changed.emit(value)

    def _pressed(self, name: str) -> None:
        self.set_value(None if self._nullable and name == self._value else name)

    def _show(self) -> None:
        for name, button in self.buttons.items():
            button.native.setChecked(name == self._value)
