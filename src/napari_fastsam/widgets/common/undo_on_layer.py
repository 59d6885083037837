"""Ctrl+Z on a Labels layer of the user's, where several docks have something to take back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.utils.key_bindings import KeyCode, KeyMod

if TYPE_CHECKING:
    from napari.layers import Labels

KEY = KeyMod.CtrlCmd | KeyCode.KeyZ


class UndoOnLayer:
    """Lets a dock take its newest step back by the key of a layer; else whoever had the key before gets it.

    Parameters
    ----------
    take_back
        Takes back what the dock did last on the layer, and returns whether it did; not where that is not the newest.
    """

    def __init__(self, take_back: Callable[[Labels], bool]) -> None:
        self._take_back = take_back
        self._layer: Labels | None = None
        self._pressed: Callable[[Labels], None] | None = None
        self._before: Any = None

    def work_on(self, layer: Labels | None) -> None:
        """Hear the key on another layer, and no more on the one before; None = on none."""
        self._release()
        if layer is None:
            return
        self._layer, self._before = layer, layer.bind_key(KEY, None)
        self._pressed = pressed = self._passing_on_to(self._before)
        layer.bind_key(KEY, pressed)

    def _release(self) -> None:
        layer, self._layer = self._layer, None
        if layer is None:
            return
        there = layer.bind_key(KEY, None)
        back = self._before if there is self._pressed else there  # another dock may have the key since
        if back is not None:
            layer.bind_key(KEY, back)

    def _passing_on_to(self, before: Any) -> Callable[[Labels], None]:
        def pressed(layer: Labels) -> None:
            if layer == self._layer and self._take_back(layer):
                return
            if callable(before):
                before(layer)
            else:
                layer.undo()

        return pressed
