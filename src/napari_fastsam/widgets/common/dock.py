"""What every dock is: controls that scroll, what stays in sight below them, and a viewer that it lets go of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from magicgui.widgets import Container, Label
from qtpy.QtWidgets import QDockWidget, QLabel, QWidget

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.connections import Connections
from napari_fastsam.widgets.common.controls import make_compact
from napari_fastsam.widgets.common.errors import notify
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.frame import Frame, make_readable
from napari_fastsam.widgets.common.text import as_html

if TYPE_CHECKING:
    import napari.viewer
    import numpy as np
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from napari_fastsam.layers.history.recorder import Recorder
    from napari_fastsam.layers.training.decisions import Decisions


@runtime_checkable
class OffersModels(Protocol):
    """A dock with a list of models; others say when there are new ones."""

    def offer_models(self, choose: str | None = None) -> None:
        """Offer the models that there are now, and choose one of them."""


@runtime_checkable
class KeepsDecisions(Protocol):
    """A dock in which objects are accepted and rejected; others learn from them."""

    @property
    def decisions(self) -> Decisions:
        """What was decided."""


@runtime_checkable
class CorrectsObjects(Protocol):
    """A dock in which an object of a Labels layer is corrected by clicks."""

    @property
    def recorder(self) -> Recorder:
        """What takes the steps of this dock, and of others on the same labels: they are taken back in one order."""

    def bring_forward(self) -> None:
        """Show the dock in front of those that it is tabbed with."""

    def correct_object(self, layer: Labels, label: int, place: NDArray[np.integer]) -> None:
        """Let the next clicks correct an object.

        Parameters
        ----------
        layer, label
            The Labels layer, and the number of the object.
        place
            (D,) a pixel of it, in the layer's data.
        """


@runtime_checkable
class AnnotatesImages(Protocol):
    """A dock that finds objects in an image; others say which image comes next."""

    def work_on(self, image: Image, labels: Labels) -> None:
        """Find objects in an image, and add them to a Labels layer."""

    def predict_ahead(self, image: Image) -> bool:
        """Have the network see an image that is not in the viewer yet, if there is nothing else to do.

        Returns whether it has seen it, or cannot; otherwise it is to be asked once more.
        """


class Dock(Container[Any]):
    """A dock of the plugin. Its controls are its attributes, by their names.

    Parameters
    ----------
    viewer
        The viewer that it works on.
    name
        Of the dock.
    controls
        From top to bottom.
    actions
        The buttons that stay in sight below them.
    arranged
        Whether the controls stand below each other with their names. One that arranges them itself takes them from
        where they are.

    Attributes
    ----------
    status
        Says, in rich text, what is going on and what to do next.
    message
        The same, without details and as plain text.
    """

    _frame: Frame | None = None

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        name: str,
        controls: Sequence[Any],
        actions: Container[Any],
        arranged: bool = True,
    ) -> None:
        self._viewer = viewer
        self.status = Label(value="")
        self.message = ""
        self.actions = actions
        super().__init__(widgets=list(controls), labels=arranged, scrollable=arranged, name=name)
        self._always, self._per_layer = Connections(), Connections()
        self._closed = False

    @property
    def native(self) -> Any:
        """What napari docks.

        magicgui says the widget inside its scroll area here (https://github.com/pyapp-kit/magicgui/issues/431).
        """
        return super().native if self._frame is None else self._frame

    def reset_choices(self, *_: Any) -> None:
        """Do nothing: napari calls this whenever layers come and go, and the dock follows them itself.

        magicgui's own sets all choices anew, which says that they changed.
        """

    def say(self, message: str, details: tuple[str, ...] = ()) -> None:
        """Say in the status what is going on."""
        self.message = message
        self.status.value = as_html(message, details)

    def fail(self, error: FastSAMError) -> None:
        """Say what is wrong, also in napari's notifications."""
        self.say(str(error))
        notify(error)

    def bring_forward(self) -> None:
        """Show the dock in front of those that it is tabbed with."""
        place = self.native.parentWidget()
        while place is not None and not isinstance(place, QDockWidget):
            place = place.parentWidget()
        if place is not None:
            place.show()
            place.raise_()

    def works_on(self, viewer: object) -> bool:
        """Return whether this is the dock's viewer; napari hands out stand-ins for it."""
        return bool(self._viewer == viewer)

    def close(self) -> None:
        """Let go of the viewer and close."""
        self.disconnect_all()
        self.native.close()
        super().close()

    def disconnect_all(self) -> None:
        """Let go of the viewer: what the dock follows, has under way and has put into it."""
        if self._closed:
            return
        self._closed = True
        self._per_layer.undo()
        self._always.undo()
        listed = self._viewer.layers.events
        for emitter in (listed.inserted, listed.removed, listed.reordered, listed.renamed):
            # napari connects it when it docks a magicgui widget: https://github.com/napari/napari/pull/1856
            emitter.disconnect(self.reset_choices)
        self.end()

    @abstractmethod
    def end(self) -> None:
        """End what is under way, and take out of the viewer what the dock has put there; called once."""

    def frame_in(self, above: Sequence[QWidget] = (), shortcuts: Folded | None = None, names_width: int = 0) -> Frame:
        """Lay the dock out; returns what napari docks.

        Parameters
        ----------
        above
            What stays in sight above the buttons.
        shortcuts
            What unfolds at the end of the controls; None = nothing.
        names_width
            Screen pixels of the controls' names at the least, so that the controls begin at one line: magicgui
            measures them in another font than napari's.
        """
        make_compact([*self, self.actions])
        make_readable(self.status.native)
        # set once all are there, so that all labels have one width: https://github.com/pyapp-kit/magicgui/issues/729
        self[0].label = self[0].label
        names = [control.label for control in self]
        for label in self.root_native_widget.findChildren(QLabel):
            if label.text() in names:
                label.setMinimumWidth(names_width)
        frame = Frame(self.root_native_widget, [*above, self.actions.native, self.status.native], shortcuts)
        self.lies_in(frame)
        return frame

    def lies_in(self, frame: Frame) -> None:
        """Take a frame for what napari docks."""
        frame.belongs_to(self)
        frame.removed.connect(self.disconnect_all)
        frame.destroyed.connect(self.disconnect_all)
        self._frame = frame
