"""Ctrl+Z on the Labels layer whose objects get classes: the newest of what was painted and what got a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.classes.steps import ClassStep
from napari_fastsam.layers.connections import Connections

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_fastsam.layers.classes.classing import Classing

KEY = "Control-Z"


class UndoOnLabels:
    """Lets napari's own key take back a class, if nothing was painted since.

    Parameters
    ----------
    classing
        Keeps the steps.
    """

    def __init__(self, classing: Classing) -> None:
        self._classing = classing
        self._layer: Labels | None = None
        self._heard = Connections()
        self._painted_after: Any = None

    def work_on(self, layer: Labels | None) -> None:
        """Hear the key on another layer, and no more on the one before."""
        self._heard.undo()
        if self._layer is not None:
            self._layer.bind_key(KEY, None)
        self._layer = layer
        if layer is not None:
            layer.bind_key(KEY, self._pressed, overwrite=True)
            self._heard.connect((layer.events.paint,), self._painted)

    def _painted(self, *_: Any) -> None:
        """Remember after which step something was painted."""
        self._painted_after = self._classing.history.done

    def _pressed(self, layer: Labels) -> None:
        newest = self._classing.history.done
        mine = isinstance(newest, ClassStep) and newest.layer == layer
        if mine and newest is not self._painted_after:
            self._classing.undo()
        else:
            layer.undo()
