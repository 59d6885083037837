"""The dock *Train*: a model of one's own from Image and Labels layers, in a process of its own."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import Notification, notification_manager, show_error
from qtpy.QtWidgets import QFileDialog, QLabel

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.annotations.training_data import write_training_data
from napari_fastsam.layers.contents import hear_refills
from napari_fastsam.model.weights import own_models, weights
from napari_fastsam.widgets.common.controls import make_compact
from napari_fastsam.widgets.common.dock import Dock, KeepsDecisions, OffersModels
from napari_fastsam.widgets.common.errors import notify, report_errors
from napari_fastsam.widgets.common.frame import make_readable
from napari_fastsam.widgets.common.layer_box import offer_layers, uppermost
from napari_fastsam.widgets.common.model_box import FROM_FILE
from napari_fastsam.widgets.common.runner import Runner
from napari_fastsam.widgets.common.settings import PLUGIN, read_settings
from napari_fastsam.widgets.common.tabbing import order_tabs
from napari_fastsam.widgets.common.text import as_html, plain
from napari_fastsam.widgets.train import messages
from napari_fastsam.widgets.train.controls import (
    WHICHEVER_SUITS,
    Plan,
    folded_settings,
    freeze,
    make_actions,
    make_advanced,
    make_controls,
)
from napari_fastsam.widgets.train.events import Event
from napari_fastsam.widgets.train.pairs_table import PairsTable
from napari_fastsam.widgets.train.process import TrainingOutcome, TrainingProcess
from napari_fastsam.widgets.train.view import RunView

if TYPE_CHECKING:
    import napari.viewer

    from napari_fastsam.layers.training.pairs import TrainingImage, TrainingPair

DOCK = "FastSAM"

LABEL_WIDTH = 76
"""As in the dock *Compare*."""


class TrainWidget(Dock):
    """The dock: pairs of layers in, a model in the list out.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        settings = read_settings()
        bundled = [known.name for known in weights.REGISTRY if known.bundled]
        self._last_base = WHICHEVER_SUITS if settings.model in ("", FROM_FILE, *bundled) else settings.model
        super().__init__(napari_viewer, "Train", make_controls(napari_viewer, self._last_base), make_actions())
        self.advanced = make_advanced(settings.device)
        self.reasons = QLabel(messages.AUTO)
        self.pairs = PairsTable(napari_viewer)
        self.run_view = RunView()
        self._plan: Plan | None = None
        self._process: TrainingProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._saving: Path | None = None
        self._trained = ""
        self._writer = Runner(self.say, self._written)
        self._lay_out()
        self._wire()
        self._layers_changed()
        self.say(messages.NO_LAYERS if self.truth.value is None else messages.NO_PAIRS)

    # ---------------------------------------------------------------- what a person can do

    @property
    def busy(self) -> bool:
        """Whether images are being written or a model is being trained."""
        return self._writer.busy or self._process is not None

    @report_errors
    def add_pair(self) -> None:
        """Put the layers that are chosen on the list."""
        image, labels, regions = self.image.value, self.truth.value, self.regions.value
        if image is None or labels is None:
            self.say(messages.NO_LAYERS if image is None else messages.NO_LABELS)
            return
        before = len(self.pairs.rows)
        changed = self.pairs.add(image, labels, regions, self.partial.partly.value, self.left_out.value)
        if not self.model_name.value.strip():
            self.model_name.value = own_models.free_name(image.name)
        if changed:
            self.say(messages.READY if len(self.pairs.rows) > before else messages.CHANGED)
        else:
            self.say(messages.ALREADY_THERE)

    @report_errors
    def add_session(self) -> None:
        """Put all on the list that was accepted in the dock *FastSAM*; what was taken away there is background."""
        docks = self._viewer.window.dock_widgets.values()
        kept = [dock.decisions for dock in docks if isinstance(dock, KeepsDecisions)]
        there = [
            (decisions, image, labels)
            for decisions in kept
            for image, labels in decisions.pairs()
            if image in self._viewer.layers and labels in self._viewer.layers
        ]
        if not there:
            self.say(messages.NOTHING_ACCEPTED)
            return
        added = [
            self.pairs.add(image, labels, None, True, None, partial(decisions.rejected, image, labels))
            for decisions, image, labels in there
        ]
        if not self.model_name.value.strip():
            self.model_name.value = own_models.free_name(there[-1][1].name)
        self.say(messages.from_session(sum(added)) if any(added) else messages.ALREADY_THERE)

    @report_errors
    def train(self) -> None:
        """Train on the pairs; while that goes on, stop it, and the second time end it by force."""
        if self._process is not None:
            self._stop(self._process)
            return
        if self._writer.busy:
            self._writer.cancel()
            return
        if not self.pairs.rows:
            self.add_pair()
        if not self.pairs.rows:
            return
        self._plan = freeze(self)
        self._write(None)

    @report_errors
    def save_data(self, folder: Path | None = None) -> None:
        """Write the pairs to a folder that the command line trains on; without one, the person is asked for it."""
        if self.busy or not self.pairs.rows:
            self.say(messages.NOT_WHILE_BUSY if self.busy else messages.NO_PAIRS)
            return
        if folder is None:
            title = "A new folder for the training images"
            chosen, _ = QFileDialog.getSaveFileName(self.native, title, "training-images")
            if not chosen:
                return
            folder = Path(chosen)
        self._write(folder)

    def use(self) -> None:
        """Choose the model that was trained last in the dock *FastSAM*; open that dock if it is not."""
        if not self._trained:
            return
        if not self._docks_with_models():
            self._viewer.window.add_plugin_dock_widget(PLUGIN, DOCK)
        for dock in self._docks_with_models():
            dock.offer_models(self._trained)

    def end(self) -> None:
        """Let go; what is being trained stops after its batch, and the best so far is kept."""
        self.pairs.close_down()
        self._writer.close()
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        if process is not None:
            process.heard.disconnect(self._heard)
            process.ended.disconnect(self._ended)
            process.leave(folder)
        elif folder is not None:
            folder.cleanup()

    # ---------------------------------------------------------------- from layers to a model

    def _write(self, folder: Path | None) -> None:
        """Write the images, in a thread: to `folder`, or to a temporary one to train on them then."""
        pairs = self.pairs.pairs()
        self._saving = folder
        if folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="napari-fastsam-", ignore_cleanup_errors=True)
            folder = _data_in(self._folder.name)
        where = folder
        self._set_running(True)
        self.say(messages.WRITING)
        self._writer.start(
            lambda: (messages.writing(name) for name in write_training_data(where, _images(pairs))), "Training images"
        )

    def _written(self, error: Exception | None, cancelled: bool) -> None:
        if error is None and not cancelled and self._saving is None:
            self._start()
            return
        self._set_running(False)
        self._clean_up()
        if isinstance(error, FastSAMError):
            self.fail(error)
        elif error is not None:
            self.say(messages.went_wrong(error))
            notify(error)
        elif cancelled or self._saving is None:
            self.say(messages.CANCELLED)
        else:
            self.say(messages.saved(self._saving))

    def _start(self) -> None:
        if self._plan is None or self._folder is None:
            return
        arguments = self._plan.arguments(_data_in(self._folder.name))
        self._process = process = TrainingProcess(arguments, self._folder.name)
        process.heard.connect(self._heard)
        process.ended.connect(self._ended)
        self.say(messages.STARTING)
        self.run_view.begin()
        process.start()

    def _stop(self, process: TrainingProcess) -> None:
        if process.stopping:
            process.kill()
            return
        process.stop()
        self.say(messages.STOPPING)
        self.actions.train_button.text = "Stop now"

    def _heard(self, event: Event) -> None:
        message = self.run_view.heard(event)
        if message and self._process is not None and not self._process.stopping:
            self.reasons.setText(as_html(messages.CHOSEN, self.run_view.reasons))
            # after the first epoch they stand with the settings only: the status is there to be glanced at
            self.say(message, () if self.run_view.measured else self.run_view.reasons)

    def _ended(self, outcome: TrainingOutcome) -> None:
        self._process = None
        self._clean_up()
        self._set_running(False)
        self.run_view.end(outcome.done is not None)
        name = self._plan.name if self._plan is not None else ""
        message = messages.finished(name, outcome, self.run_view.held_out)
        self.say(message, self.run_view.reasons if outcome.done else ())
        if outcome.done is not None:
            self._offer(name)
            self._ask(plain(message))
        elif not outcome.stopped:
            show_error(plain(message))

    def _ask(self, message: str) -> None:
        """Ask whether the new model is to be used; the button in the dock says yes as well."""
        dock = weakref.ref(self)  # napari keeps all notifications

        def use(_: object) -> None:
            asking = dock()
            if asking is not None:
                asking.use()

        actions = ((messages.USE_IT, use), (messages.NOT_NOW, lambda _: None))
        notification_manager.dispatch(Notification(message, "info", actions=actions))

    def _offer(self, name: str) -> None:
        """Put the new model into every list of models."""
        self._trained = name
        self.actions.use_button.enabled = True
        self.model_name.value = own_models.free_name(name)
        self.base.refresh()
        for dock in self._docks_with_models():
            dock.offer_models()

    def _clean_up(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _docks_with_models(self) -> list[OffersModels]:
        return [dock for dock in self._viewer.window.dock_widgets.values() if isinstance(dock, OffersModels)]

    # ---------------------------------------------------------------- wiring

    def _lay_out(self) -> None:
        make_compact(list(self.advanced))
        frame = self.frame_in([self.run_view], names_width=LABEL_WIDTH)
        frame.put_below(self.pair_buttons.native, self.pairs)
        make_readable(self.reasons)
        frame.put_below(self.model_name.native, folded_settings(self.advanced, self.reasons))
        self.advanced.native.setParent(frame)
        self.advanced.native.hide()
        order_tabs(self.root_native_widget, self.actions.native)

    def _wire(self) -> None:
        listed = self._viewer.layers.events
        self._always.connect((listed.inserted, listed.removed, listed.renamed), self._layers_changed)
        hear_refills(self._viewer, self._always, self._layers_let_go, lambda layers: None)
        self._always.connect((self._viewer.layers.selection.events.active,), self._follow_active)
        self.pair_buttons.add_button.changed.connect(lambda: self.add_pair())
        self.partial.session_button.changed.connect(lambda: self.add_session())
        self.pair_buttons.remove_button.changed.connect(lambda: self.pairs.remove_selected())
        self.pair_buttons.save_button.changed.connect(lambda: self.save_data())
        self.actions.train_button.changed.connect(lambda: self.train())
        self.actions.use_button.changed.connect(lambda: self.use())
        self.base.changed.connect(self._base_chosen)

    def _layers_changed(self, event: Any = None) -> None:
        """Offer the layers that there are now; a choice stays as long as its layer does, and a first one is chosen."""
        if event is not None and event.type == "removed":
            self.pairs.layer_removed(event.value)
        optional = (self.regions, self.left_out)
        for box in (self.image, self.truth, *optional):
            offer_layers(box, uppermost if box not in optional else lambda layers: None)
        self.pairs.refresh()

    def _layers_let_go(self, layers: Iterable[Any]) -> None:
        for layer in layers:
            self.pairs.layer_removed(layer)

    def _follow_active(self, *_: Any) -> None:
        """Choose the layer that is selected, if it is an image or labels; not the one that is painted to leave out."""
        active = self._viewer.layers.selection.active
        for box in (self.image, self.truth):
            layer = next((layer for layer in box.choices if layer == active), None)
            if layer is not None and layer != self.left_out.value:
                box.value = layer

    def _base_chosen(self, name: str) -> None:
        if name == FROM_FILE:
            self.base.ask_for_file(instead=self._last_base)
            return
        self._last_base = name

    def _set_running(self, running: bool) -> None:
        for part in (*self, *self.advanced):
            part.enabled = not running
        self.actions.train_button.text = "Cancel" if running else "Train"
        self.actions.use_button.enabled = bool(self._trained) and not running


def _images(pairs: list[TrainingPair]) -> Iterator[TrainingImage | None]:
    for pair in pairs:
        yield from pair.read()


def _data_in(folder: str) -> Path:
    return Path(folder) / "data"
