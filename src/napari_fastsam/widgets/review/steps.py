"""Answers as steps: where the dock FastSAM is open, one order of steps for both docks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_fastsam.layers.history.history import History, UndoStep
from napari_fastsam.layers.history.recorder import Recorder
from napari_fastsam.layers.review.effort import EffortMeter
from napari_fastsam.layers.review.review import Recording, recording_into
from napari_fastsam.widgets.common.dock import CorrectsObjects

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Labels


class SharedSteps:
    """What takes the steps of the dock *Review*.

    Parameters
    ----------
    viewer
        Whose docks are looked at.

    Attributes
    ----------
    layer
        The layer that is reviewed, to which the effort is added; None = none.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._own, self._effort = Recorder(History()), EffortMeter()
        self._own.history.changed.connect(self._count)  # the dock FastSAM counts its own
        self.layer: Labels | None = None

    @property
    def corrector(self) -> CorrectsObjects | None:
        """The dock FastSAM, if it is open."""
        docks = self._viewer.window.dock_widgets.values()
        return next((dock for dock in docks if isinstance(dock, CorrectsObjects)), None)

    @property
    def recorder(self) -> Recorder:
        """What takes steps now."""
        dock = self.corrector
        return self._own if dock is None else dock.recorder

    @property
    def done(self) -> UndoStep | None:
        """The newest step; None = there is none."""
        return self.recorder.history.done

    def recording(self, layer: Labels) -> Recording:
        """Return what makes steps of what is written into a layer."""
        return recording_into(layer, self.recorder)

    def forget(self) -> None:
        """Forget the steps that no other dock has."""
        self._own.forget()

    def _count(self) -> None:
        self._effort.step(self.layer)
