"""Event connections, kept in one list so that undoing them is a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Connections:
    """Callbacks on events of viewers and layers.

    Holds strong references to the callbacks: napari itself holds bound methods weakly.
    """

    def __init__(self) -> None:
        self._made: list[tuple[Any, Callable[..., Any]]] = []

    def connect(self, emitters: Iterable[Any], callback: Callable[..., Any]) -> None:
        """Have `callback` called by each of the emitters."""
        for emitter in emitters:
            emitter.connect(callback)
            self._made.append((emitter, callback))

    def undo(self) -> None:
        """Disconnect everything that was connected here."""
        while self._made:
            emitter, callback = self._made.pop()
            emitter.disconnect(callback)


def layer_emitters(layer: Any, *names: str) -> list[Any]:
    """Return the emitters of a layer's events with these names, and of all that moves the layer."""
    moving = ("scale", "translate", "rotate", "shear", "affine", "units")
    return [getattr(layer.events, name) for name in (*names, *moving)]
