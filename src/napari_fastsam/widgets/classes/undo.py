"""Ctrl+Z on the Labels layer whose objects get classes: the newest of what was painted and what got a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.classes.steps import ClassStep
from napari_fastsam.layers.connections import Connections
from napari_fastsam.widgets.common.undo_on_layer import UndoOnLayer

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_fastsam.layers.classes.classing import Classing


class UndoOnLabels:
    """Lets napari's own key take back a class, if nothing was painted since.

    Parameters
    ----------
    classing
        Keeps the steps.
    """

    def __init__(self, classing: Classing) -> None:
        self._classing = classing
        self._key = UndoOnLayer(self._take_back)
        self._heard = Connections()
        self._painted_after: Any = None

    def work_on(self, layer: Labels | None) -> None:
        """Hear the key on another layer, and no more on the one before."""
        self._heard.undo()
        self._key.work_on(layer)
        if layer is not None:
            self._heard.connect((layer.events.paint,), self._painted)

    def _painted(self, *_: Any) -> None:
        """Remember after which step something was painted."""
        self._painted_after = self._classing.history.done

    def _take_back(self, layer: Labels) -> bool:
        newest = self._classing.history.done
        mine = isinstance(newest, ClassStep) and newest.layer == layer and newest is not self._painted_after
        if mine:
            self._classing.undo()
        return mine
