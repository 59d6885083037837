"""Ctrl+Z and Ctrl+Shift+Z on the layers that the dock shows answers with: elsewhere they are keys like others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.utils.key_bindings import KeyCode, KeyMod

from napari_fastsam.layers.connections import Connections
from napari_fastsam.widgets.common.controls import PREVIEW_KEY
from napari_fastsam.widgets.common.keys import named_press

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

UNDO = KeyMod.CtrlCmd | KeyCode.KeyZ
REDO = KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ


class UndoKeys:
    """Keys that take back what a dock did.

    On a Labels layer of the user's the same keys take back what was painted, as napari has it: a layer's own keys go
    before the viewer's. The preview and the outline are Labels layers too, where nobody paints.

    Parameters
    ----------
    viewer
        Whose canvas hears the keys.
    undo, redo
        What they do.
    connections
        Take what is connected.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        undo: Callable[[], object],
        redo: Callable[[], object],
        connections: Connections,
    ) -> None:
        self._viewer = viewer
        self._actions = {UNDO: named_press("undo", undo), REDO: named_press("redo", redo)}
        connections.connect((viewer.layers.events.inserted,), self._layer_inserted)
        for layer in viewer.layers:
            self._bind(layer)

    def release(self) -> None:
        """Take the keys from layers that stay, such as those of other docks, unless another dock has them by now."""
        for layer in self._viewer.layers:
            for key, action in self._actions.items():
                there = layer.bind_key(key, None)
                if there not in (None, action):
                    layer.bind_key(key, there)

    def _layer_inserted(self, event: Any) -> None:
        self._bind(event.value)

    def _bind(self, layer: Layer) -> None:
        if PREVIEW_KEY in layer.metadata:
            for key, action in self._actions.items():
                layer.bind_key(key, action, overwrite=True)
