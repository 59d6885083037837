"""Labels that an earlier session left unsaved: offered below the first line, and kept step by step meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_fastsam.errors import FastSAMError
from napari_fastsam.widgets.common.errors import notify
from napari_fastsam.widgets.common.headline import Offer
from napari_fastsam.widgets.common.text import counted

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_fastsam.layers.projects.unsaved import Restorable, UnsavedWork
    from napari_fastsam.widgets.segment.engine import Engine

LOOK_MS = 400
"""The dock answers first; then it looks for what was left."""


class Restoring:
    """Keeps what is annotated in the Labels layer chosen, and offers what was left of the image chosen.

    Parameters
    ----------
    engine
        What works behind the dock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._work: UnsavedWork | None = None
        self._left: Restorable | None = None
        self._looked_at: set[Any] = set()
        self._failed = ""
        self._keep_soon, self._look_soon = _timer(engine.window, self._keep), _timer(engine.window, self._look)
        panels = engine.panels
        for control in (panels.source.image, panels.labels.labels):
            control.changed.connect(lambda *_: self._look_soon.start(LOOK_MS))
        self._look_soon.start(LOOK_MS)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Buttons that bring back what was left, or forget it."""
        left = self._left
        if left is None:
            return ()
        return (
            Offer(f"Restore {counted(left.objects)}", f"Of {left.name}, from before napari was ended.", self.restore),
            Offer("Discard", "Forget these objects, for good.", self.discard),
        )

    def restore(self) -> Labels | None:
        """Put what was left into a Labels layer, and choose that."""
        left, self._left = self._left, None
        layer = None if left is None else left.restore()
        if left is None or layer is None:
            return None
        viewer, panels = self._engine.viewer, self._engine.panels
        viewer.add_layer(layer)
        self._engine.following.choices.refresh()
        panels.labels.labels.value = layer
        self._follow()
        if self._work is not None:
            self._work.keep_all()
        left.forget()
        self._engine.offer_again()
        self._engine.say(f"{counted(left.objects)} of {left.name} restored.")
        return layer

    def discard(self) -> None:
        """Forget what was left."""
        left, self._left = self._left, None
        if left is not None:
            left.forget()
        self._engine.offer_again()

    def end(self) -> None:
        """Keep what changed last, and nothing more."""
        self._keep_soon.stop()
        self._look_soon.stop()
        self._keep()
        if self._work is not None:
            self._work.end()
        if self._left is not None:
            self._left.put_off()

    def _look(self) -> None:
        """Follow the layers that are chosen, and look for what was left of an image that was not chosen before."""
        from napari_fastsam.layers.projects.unsaved import restorable  # here, and the dock opens without it

        image = self._engine.panels.source.image.value
        if image is not None and image.unique_id not in self._looked_at:
            self._looked_at.add(image.unique_id)
            if self._left is not None:
                self._left.put_off()
            self._left = self._try(lambda: restorable(image))
            self._engine.offer_again()
            if self._left is not None:
                self._engine.say(f"{counted(self._left.objects)} of {self._left.name} can be restored.")
        self._follow()

    def _follow(self) -> None:
        from napari_fastsam.layers.projects.unsaved import UnsavedWork

        panels = self._engine.panels
        if self._work is None:
            self._work = UnsavedWork(lambda: self._keep_soon.start(0))
        work = self._work
        self._try(lambda: work.follow(panels.source.image.value, panels.labels.labels.value))

    def _keep(self) -> None:
        if self._work is not None:
            self._try(self._work.keep)

    def _try(self, do: Callable[[], Any]) -> Any:
        """Do something with files; what fails is said once."""
        try:
            return do()
        except (FastSAMError, OSError) as error:
            if str(error) != self._failed and isinstance(error, FastSAMError):
                notify(error)
            self._failed = str(error)
            return None


def _timer(parent: Any, do: Callable[[], object]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(do)
    return timer
