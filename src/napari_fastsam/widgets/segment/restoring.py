"""Labels that an earlier session left unsaved: offered below the first line, and kept step by step meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.projects.places import unsaved_folder
from napari_fastsam.layers.connections import Connections
from napari_fastsam.widgets.common.controls import PREVIEW_KEY
from napari_fastsam.widgets.common.errors import notify
from napari_fastsam.widgets.common.headline import Offer
from napari_fastsam.widgets.common.text import counted

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_fastsam.layers.projects.unsaved import Restorable, UnsavedWork
    from napari_fastsam.widgets.segment.panels import Panels

LOOK_MS = 400
"""The dock answers first; then it looks for what was left."""


class Restoring:
    """Keeps what is annotated in the Labels layer chosen, and offers what was left of the image chosen.

    Parameters
    ----------
    viewer
        Gets the layers that are restored.
    panels
        Which image and which Labels layer are chosen.
    refresh
        Has the layers offered that there are now.
    on_offers
        Called when there are other `offers`.
    say
        Says a message.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        panels: Panels,
        refresh: Callable[[], object],
        on_offers: Callable[[], object],
        say: Callable[[str], object],
    ) -> None:
        self._viewer, self._panels = viewer, panels
        self._refresh, self._on_offers, self._say = refresh, on_offers, say
        self._work: UnsavedWork | None = None
        self._found: dict[Hashable, Restorable | None] = {}
        """What was left of each image that was chosen, by its unique id; None = nothing, or it is decided."""
        self._failed = ""
        window = panels.labels.labels.native
        self._keep_soon, self._look_soon = _timer(window, self._keep), _timer(window, self._look)
        for control in (panels.source.image, panels.labels.labels):
            control.changed.connect(lambda *_: self._look_soon.start(LOOK_MS))
        self._listed = Connections()  # a layer that comes or goes may change what is chosen without a word
        self._listed.connect((viewer.layers.events.inserted, viewer.layers.events.removed), self._layers_changed)
        self._look_soon.start(LOOK_MS)

    @property
    def _left(self) -> Restorable | None:
        """What was left of the image that is chosen."""
        image = self._panels.source.image.value
        return None if image is None else self._found.get(image.unique_id)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Buttons that bring back what was left, or forget it."""
        left = self._left
        if left is None:
            return ()
        discard = Offer("Discard", "Forget these objects, for good.", self.discard)
        if not left.objects:  # all that is known of is damaged
            return (discard,)
        name = f"Restore {counted(left.objects)}"
        return Offer(name, f"Of {left.name}, from before napari was ended.", self.restore), discard

    @property
    def told(self) -> str:
        """What can be restored, as long as nobody has decided: it stays in the first line, whatever else is said."""
        left = self._left
        if left is None:
            return ""
        return " ".join((f"{counted(left.objects)} of {left.name} can be restored.", *left.notes))

    def restore(self) -> Labels | None:
        """Put what was left into a Labels layer, and choose that."""
        left = self._decided()
        layer = None if left is None else left.restore()
        if left is None or layer is None:
            return None
        self._viewer.add_layer(layer)
        self._refresh()
        self._panels.labels.labels.value = layer
        self._follow()
        if self._work is not None and self._work.is_kept and self._work.layer == layer:
            left.forget()
        else:  # as on a full disk: there is nothing else of it yet
            left.put_off()
        self._on_offers()
        self._say(f"{counted(left.objects)} of {left.name} restored.")
        return layer

    def discard(self) -> None:
        """Forget what was left."""
        left = self._decided()
        if left is not None:
            left.forget()
            self._say("What was left is forgotten.")
        self._on_offers()

    def end(self) -> None:
        """Keep what changed last, and nothing more."""
        self._listed.undo()
        self._keep_soon.stop()
        self._look_soon.stop()
        self._keep()
        if self._work is not None:
            self._work.end()
        for left in filter(None, self._found.values()):
            left.put_off()
        self._found.clear()

    def _decided(self) -> Restorable | None:
        """Return what was left of the image that is chosen, which is not offered any more."""
        left = self._left
        if left is not None:
            self._found[left.image.unique_id] = None
        return left

    def _layers_changed(self, event: Any) -> None:
        if PREVIEW_KEY not in event.value.metadata:
            self._look_soon.start(LOOK_MS)

    def _look(self) -> None:
        """Follow the layers that are chosen, and look for what was left of an image that was not chosen before."""
        panels = self._panels
        image = panels.source.image.value
        if panels.labels.labels.value is None and not unsaved_folder().is_dir():
            return  # there is nothing to keep or to bring back
        from napari_fastsam.layers.projects.unsaved import restorable  # here, and the dock opens without it

        for key, left in [*self._found.items()]:
            if left is not None and left.image not in self._viewer.layers:
                left.put_off()  # it is offered when its image is opened again
                del self._found[key]
        if image is not None and image.unique_id not in self._found:
            self._found[image.unique_id] = self._try(lambda: restorable(image, self._viewer.layers))
            if self._left is not None:
                self._say("")
        self._on_offers()
        self._follow()

    def _follow(self) -> None:
        from napari_fastsam.layers.projects.unsaved import UnsavedWork

        panels = self._panels
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
