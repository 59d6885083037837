"""The dock *Classes*: objects of a Labels layer get classes, by keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, ComboBox, PushButton
from napari.layers import Labels
from superqt.utils import qdebounced

from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.classes.classing import Classing
from napari_fastsam.layers.classes.colouring import ClassColours
from napari_fastsam.layers.classes.column import classes_of
from napari_fastsam.layers.contents import hear_refills
from napari_fastsam.widgets.classes import messages
from napari_fastsam.widgets.classes.guess import GuessPart
from napari_fastsam.widgets.classes.keys import CanvasKeys
from napari_fastsam.widgets.classes.layout import make_actions, make_controls, make_frame
from napari_fastsam.widgets.classes.rows import ClassRows
from napari_fastsam.widgets.classes.undo import UndoOnLabels
from napari_fastsam.widgets.common.controls import PREVIEW_KEY, show_if
from napari_fastsam.widgets.common.dock import Dock
from napari_fastsam.widgets.common.errors import report_errors
from napari_fastsam.widgets.common.layer_box import is_another, offer_layers, uppermost

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Layer

SOON_MS = 120
"""Changes within this time of each other, such as those of a stroke of the brush, are answered once."""


class ClassesWidget(Dock):
    """The dock: a list of classes, and keys that give them to objects.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    layer: ComboBox
    coloured: CheckBox
    on_image: CheckBox
    add_button: PushButton

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Classes", make_controls(napari_viewer), make_actions(), arranged=False)
        self.classing = Classing(napari_viewer)
        self.rows = ClassRows()
        self.guess = GuessPart(napari_viewer, self.classing, self.say, self._always)
        self._colours = ClassColours()
        self._keys = CanvasKeys(napari_viewer, self._always)
        self._undo_key = UndoOnLabels(self.classing)
        self._soon = qdebounced(self._pixels_changed, timeout=SOON_MS)
        self.lies_in(make_frame(self, self.rows))
        self._wire()
        self._refresh_choices()
        self._layer_chosen()
        self.say(messages.what_next(self.classing))

    # ---------------------------------------------------------------- what the user can do

    @report_errors
    def add_class(self, name: str = "") -> None:
        """Add a class to the list."""
        self.classing.add(name)
        self.say(messages.what_next(self.classing))

    @report_errors
    def rename(self, name: str, new: str) -> None:
        """Give a class another name."""
        self.classing.rename(name, new)

    @report_errors
    def delete_class(self, name: str) -> None:
        """Delete a class; its objects have none then."""
        self.say(messages.removed(name, self.classing.remove(name)))

    @report_errors
    def press(self, key: int) -> None:
        """Give the object under the cursor, or the one that is asked about, the class of a key."""
        one = self.classing.classes.at_key(key) if key else None
        if one is None or not self.guess.answer(one.name):
            self.say(self.classing.key_pressed(key))

    @report_errors
    def guess_others(self) -> None:
        """Guess the classes of the objects on this plane that have none; while it works: cancel."""
        self.guess.guess()

    @report_errors
    def ask_me(self) -> None:
        """Ask about the objects whose answers teach most; while it asks: stop."""
        self.guess.ask()

    def accept_sure(self) -> None:
        """Let sure guesses be classes, and examples."""
        self.guess.accept()

    @report_errors
    def save_classifier(self, path: str | Path | None = None) -> Path | None:
        """Save what was learnt as a file; None asks for one."""
        return self.guess.save(path)

    @report_errors
    def load_classifier(self, path: str | Path | None = None) -> None:
        """Guess by what a file has learnt; None asks for one."""
        self.guess.load(path)

    def undo(self) -> None:
        """Take the newest step back."""
        self.classing.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self.classing.redo()

    def fail(self, error: FastSAMError) -> None:
        """Say what is wrong, and show the list as it is."""
        super().fail(error)
        self.rows.show_again()

    def end(self) -> None:
        """Give keys and colours back."""
        self._soon.cancel()
        self.guess.close()
        self._undo_key.work_on(None)
        self._keys.release()
        self._colours.restore()

    # ---------------------------------------------------------------- wiring

    def _wire(self) -> None:
        listed = self._viewer.layers.events
        self._always.connect((listed.inserted,), self._layer_inserted)
        self._always.connect((listed.removed, listed.renamed), self._refresh_choices)
        hear_refills(self._viewer, self._always, self._layers_let_go, self._layers_refilled)
        self.layer.changed.connect(self._layer_chosen)
        self.coloured.changed.connect(self._show)
        self.on_image.changed.connect(self._show_keys)
        self.add_button.changed.connect(lambda *_: self.add_class())
        self.actions.undo_button.changed.connect(lambda *_: self.undo())
        self.actions.redo_button.changed.connect(lambda *_: self.redo())
        self.classing.changed.connect(self._classes_changed)
        guess = self.guess
        for button, action in (
            (guess.guess_button, self.guess_others),
            (guess.ask_button, self.ask_me),
            (guess.accept_button, self.accept_sure),
            (guess.save_button, self.save_classifier),
            (guess.load_button, self.load_classifier),
        ):
            button.changed.connect(lambda *_, action=action: action())
        guess.sure.changed.connect(guess.show_unsure)
        guess.model.changed.connect(guess.model_chosen)
        guess.image.changed.connect(lambda *_: guess.forget())
        guess.all_planes.changed.connect(lambda *_: guess.forget())
        dims = self._viewer.dims.events
        self._always.connect((dims.current_step, dims.order, dims.ndisplay), self._soon)
        rows, classing = self.rows, self.classing
        rows.chosen.connect(classing.choose)
        rows.renamed.connect(self.rename)
        rows.recoloured.connect(classing.recolour)
        rows.key_changed.connect(classing.set_key)
        rows.removed.connect(self.delete_class)

    def _layer_inserted(self, event: Any) -> None:
        layer = event.value
        if isinstance(layer, Labels) and PREVIEW_KEY not in layer.metadata:
            self.classing.hand_list_to(layer)
        self._refresh_choices()

    def _refresh_choices(self, *_: Any) -> None:
        """Offer the Labels layers that there are now; a choice stays as long as its layer does."""
        offer_layers(self.guess.image)
        offer_layers(self.layer, self._active_or_uppermost)
        if is_another(self.classing.layer, self.layer.value):
            self._layer_chosen()

    def _active_or_uppermost(self, layers: Sequence[Labels]) -> Labels | None:
        active = self._viewer.layers.selection.active
        return next((layer for layer in layers if layer == active), None) or uppermost(layers)

    def _layers_let_go(self, layers: tuple[Layer, ...]) -> None:
        if self.layer.value in layers:
            self._per_layer.undo()
            self.guess.forget()

    def _layers_refilled(self, layers: tuple[Layer, ...]) -> None:
        if self.layer.value in layers:
            self._follow_layer()

    def _layer_chosen(self, *_: Any) -> None:
        self._per_layer.undo()
        self._colours.restore()
        self.guess.forget()
        self._follow_layer()

    def _follow_layer(self) -> None:
        """Show the classes of the layer that is chosen, and follow it."""
        layer = self.layer.value
        self.classing.work_on(layer)
        self._undo_key.work_on(layer)
        show_if(self.guess.all_planes, layer is not None and layer.ndim > 2)
        if layer is not None:
            events = layer.events
            self._per_layer.connect((events.features, events.metadata), self._told)
            self._per_layer.connect((events.paint, events.labels_update, events.data), self._soon)

    def _told(self, *_: Any) -> None:
        """Take over what others write into the layer's features and metadata."""
        if not (self.classing.is_writing or self.guess.is_writing):
            self._soon()

    def _pixels_changed(self, *_: Any) -> None:
        if not self._closed and self.classing.layer is not None and self.classing.layer in self._viewer.layers:
            self.guess.pixels_changed()
            self.classing.read_again()

    def _classes_changed(self) -> None:
        self.guess.guess_again()
        self._show()

    def _show(self, *_: Any) -> None:
        """Show list, counts, keys and colours as they are now."""
        classing = self.classing
        counts, without = classing.counts()
        self.rows.show_list(classing.classes, counts)
        self.rows.show_without(without)
        self._show_keys()
        layer = classing.layer
        if layer is not None and self.coloured.value and len(classing.classes):
            self._colours.show(layer, classes_of(layer), classing.classes.colours, self.guess.colours)
        else:
            self._colours.restore()

    def _show_keys(self, *_: Any) -> None:
        digits = [str(one.key) for one in self.classing.classes.classes if one.key is not None]
        wanted = sorted(["0", *digits]) if digits and self.on_image.value else []
        self._keys.want(wanted, lambda key: self.press(int(key)))
