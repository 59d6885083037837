"""Digits on the image: keys of the layers and of the viewer, as long as they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.connections import Connections
from napari_fastsam.widgets.common.keys import named_press

if TYPE_CHECKING:
    from napari.components import ViewerModel


class CanvasKeys:
    """Keys that do something on the canvas, whichever layer is active: they go before the layers' own.

    Parameters
    ----------
    viewer
        Whose canvas hears them.
    connections
        Take what is connected.
    """

    def __init__(self, viewer: ViewerModel, connections: Connections) -> None:
        self._viewer = viewer
        self._wanted: dict[str, Callable[[Any], None]] = {}
        self._bound: list[tuple[Any, str, Callable[[Any], None], Any]] = []
        connections.connect((viewer.layers.events.inserted,), self._layer_inserted)
        connections.connect((viewer.layers.events.removed,), self._layer_removed)

    def want(self, keys: Sequence[str], do: Callable[[str], object]) -> None:
        """Let these keys do something, called with the key, and no others any more."""
        if tuple(keys) == tuple(self._wanted):
            return
        self.release()
        self._wanted = {key: named_press(f"class_{key}", do, key) for key in keys}
        for owner in (self._viewer, *self._viewer.layers):
            self._bind(owner)

    def release(self) -> None:
        """Give the keys back to whom they belonged."""
        for owner, key, press, before in reversed(self._bound):
            there = owner.bind_key(key, None)
            back = before if there is press else there  # somebody may have bound it since
            if back is not None:
                owner.bind_key(key, back, overwrite=True)
        self._bound.clear()
        self._wanted = {}

    def _layer_inserted(self, event: Any) -> None:
        self._bind(event.value)

    def _layer_removed(self, event: Any) -> None:
        self._bound = [bound for bound in self._bound if bound[0] is not event.value]

    def _bind(self, owner: Any) -> None:
        for key, press in self._wanted.items():
            before = owner.bind_key(key, press, overwrite=True)
            self._bound.append((owner, key, press, before))
