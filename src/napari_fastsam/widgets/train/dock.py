"""The dock *Train*: a model of one's own from Image and Labels layers, in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import Container, Label
from napari.utils.notifications import ErrorNotification, notification_manager, show_error, show_info
from qtpy.QtWidgets import QFileDialog, QLabel

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.annotations.training_data import write_training_data
from napari_fastsam.layers.connections import Connections
from napari_fastsam.model.weights import own_models, weights
from napari_fastsam.widgets.common.frame import Frame, make_readable
from napari_fastsam.widgets.common.plain import plain
from napari_fastsam.widgets.common.runner import Runner
from napari_fastsam.widgets.common.settings import PLUGIN, read_settings
from napari_fastsam.widgets.segment.controls import FROM_FILE, make_compact
from napari_fastsam.widgets.segment.dock import FastSAMWidget
from napari_fastsam.widgets.segment.messages import as_html
from napari_fastsam.widgets.train import messages
from napari_fastsam.widgets.train.controls import Plan, folded, freeze, make_actions, make_advanced, make_controls
from napari_fastsam.widgets.train.events import Event
from napari_fastsam.widgets.train.pairs_table import PairsTable
from napari_fastsam.widgets.train.process import TrainingOutcome, TrainingProcess
from napari_fastsam.widgets.train.view import RunView

if TYPE_CHECKING:
    import napari.viewer

    from napari_fastsam.layers.training.pairs import TrainingImage, TrainingPair

DOCK = "FastSAM"


class TrainWidget(Container[Any]):
    """The dock: pairs of layers in, a model in the list out.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    _frame: Frame | None = None

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        settings = read_settings()
        self._viewer = napari_viewer
        self._last_base = settings.model if settings.model not in ("", FROM_FILE) else weights.BUNDLED_NAME
        super().__init__(
            widgets=make_controls(napari_viewer, self._last_base), labels=True, scrollable=True, name="Train"
        )
        self.status = Label(value="")
        self.advanced = make_advanced(settings.device)
        self.actions = make_actions()
        self.reasons = QLabel(messages.AUTO)
        self.pairs = PairsTable(napari_viewer)
        self.run_view = RunView()
        self._plan: Plan | None = None
        self._process: TrainingProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._saving: Path | None = None
        self._closed = False
        self._trained = ""
        self._plain_status = ""
        self._writer = Runner(self._say, self._written)
        self._always = Connections()
        self._frame = frame = self._framed()
        self._wire(frame)
        self._layers_changed()
        self._say(messages.NO_LAYERS if self.truth.value is None else messages.NO_PAIRS)

    @property
    def native(self) -> Any:
        """What napari docks. magicgui says the widget inside its scroll area here."""
        return super().native if self._frame is None else self._frame

    def reset_choices(self, *_: Any) -> None:
        """Do nothing: napari calls this whenever layers come and go, and the dock follows them itself."""

    # ---------------------------------------------------------------- what a person can do

    @property
    def busy(self) -> bool:
        """Whether images are being written or a model is being trained."""
        return self._writer.busy or self._process is not None

    def add_pair(self) -> None:
        """Put the layers that are chosen on the list."""
        image, labels, regions = self.image.value, self.truth.value, self.regions.value
        if image is None or labels is None:
            self._say(messages.NO_LAYERS if image is None else messages.NO_LABELS)
            return
        try:
            added = self.pairs.add(image, labels, regions)
        except FastSAMError as error:
            self._fail(error)
            return
        if not self.model_name.value.strip():
            self.model_name.value = own_models.free_name(image.name)
        self._say(messages.READY if added else messages.ALREADY_THERE)

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
        try:
            self._plan = freeze(self)
            self._write(None)
        except FastSAMError as error:
            self._fail(error)

    def save_data(self, folder: Path | None = None) -> None:
        """Write the pairs to a folder that the command line trains on; without one, the person is asked for it."""
        if self.busy or not self.pairs.rows:
            self._say(messages.NOT_WHILE_BUSY if self.busy else messages.NO_PAIRS)
            return
        if folder is None:
            title = "A new folder for the training images"
            chosen, _ = QFileDialog.getSaveFileName(self.native, title, "training-images")
            if not chosen:
                return
            folder = Path(chosen)
        try:
            self._write(folder)
        except FastSAMError as error:
            self._fail(error)

    def use(self) -> None:
        """Choose the model that was trained last in the dock *FastSAM*; open that dock if it is not."""
        if not self._trained:
            return
        if not self._fastsam_docks():
            self._viewer.window.add_plugin_dock_widget(PLUGIN, DOCK)
        for dock in self._fastsam_docks():
            dock.offer_models(self._trained)

    def close(self) -> None:
        """Let go of the viewer and close."""
        self.disconnect_all()
        self.native.close()
        super().close()

    def disconnect_all(self) -> None:
        """Let go of the viewer; what is being trained stops after its batch, and the best so far is kept."""
        if self._closed:
            return
        self._closed = True
        self._always.undo()
        listed = self._viewer.layers.events
        for emitter in (listed.inserted, listed.removed, listed.reordered, listed.renamed):
            # napari connects it when it docks a magicgui widget: https://github.com/napari/napari/pull/1856
            emitter.disconnect(self.reset_choices)
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
        self._say(messages.WRITING)
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
            self._fail(error)
        elif error is not None:
            self._say(messages.went_wrong(error))
            notification_manager.dispatch(ErrorNotification(error))
        elif cancelled or self._saving is None:
            self._say(messages.CANCELLED)
        else:
            self._say(messages.saved(self._saving))

    def _start(self) -> None:
        if self._plan is None or self._folder is None:
            return
        arguments = self._plan.arguments(_data_in(self._folder.name))
        self._process = process = TrainingProcess(arguments, self._folder.name)
        process.heard.connect(self._heard)
        process.ended.connect(self._ended)
        self._say(messages.STARTING)
        self.run_view.begin()
        process.start()

    def _stop(self, process: TrainingProcess) -> None:
        if process.stopping:
            process.kill()
            return
        process.stop()
        self._say(messages.STOPPING)
        self.actions.train_button.text = "Stop now"

    def _heard(self, event: Event) -> None:
        said = self.run_view.heard(event)
        if said and self._process is not None and not self._process.stopping:
            self.reasons.setText(as_html(messages.CHOSEN, self.run_view.reasons))
            # after the first epoch they stand with the settings only: the status is there to be glanced at
            self._say(said, () if self.run_view.measured else self.run_view.reasons)

    def _ended(self, outcome: TrainingOutcome) -> None:
        self._process = None
        self._clean_up()
        self._set_running(False)
        self.run_view.end(outcome.done is not None)
        name = self._plan.name if self._plan is not None else ""
        said = messages.finished(name, outcome, self.run_view.held_out)
        self._say(said, self.run_view.reasons if outcome.done else ())
        if outcome.done is not None:
            self._offer(name)
            show_info(plain(said))
        elif not outcome.stopped:
            show_error(plain(said))

    def _offer(self, name: str) -> None:
        """Put the new model into every list of models."""
        self._trained = name
        self.actions.use_button.enabled = True
        self.model_name.value = own_models.free_name(name)
        self.base.refresh()
        for dock in self._fastsam_docks():
            dock.offer_models()

    def _clean_up(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _fastsam_docks(self) -> list[FastSAMWidget]:
        return [dock for dock in self._viewer.window.dock_widgets.values() if isinstance(dock, FastSAMWidget)]

    # ---------------------------------------------------------------- wiring

    def _framed(self) -> Frame:
        controls: list[Any] = list(self)
        make_compact([*controls, *self.advanced, self.actions])
        make_readable(self.status.native)
        # set once all are there, so that all labels have one width: https://github.com/pyapp-kit/magicgui/issues/729
        self.image.label = "image"
        frame = Frame(self.root_native_widget, [self.run_view, self.actions.native, self.status.native])
        frame.belongs_to(self)
        frame.put_below(self.pair_buttons.native, self.pairs)
        make_readable(self.reasons)
        frame.put_below(self.model_name.native, folded("Settings", self.advanced.native, self.reasons))
        return frame

    def _wire(self, frame: Frame) -> None:
        listed = self._viewer.layers.events
        self._always.connect((listed.inserted, listed.removed, listed.renamed), self._layers_changed)
        self._always.connect((self._viewer.layers.selection.events.active,), self._follow_active)
        self.pair_buttons.add_button.changed.connect(lambda: self.add_pair())
        self.pair_buttons.remove_button.changed.connect(lambda: self.pairs.remove_selected())
        self.pair_buttons.save_button.changed.connect(lambda: self.save_data())
        self.actions.train_button.changed.connect(lambda: self.train())
        self.actions.use_button.changed.connect(lambda: self.use())
        self.base.changed.connect(self._base_chosen)
        frame.removed.connect(self.disconnect_all)
        frame.destroyed.connect(self.disconnect_all)

    def _layers_changed(self, event: Any = None) -> None:
        """Offer the layers that there are now; a choice stays as long as its layer does, and a first one is chosen."""
        if event is not None and event.type == "removed":
            self.pairs.layer_removed(event.value)
        for box in (self.image, self.truth, self.regions):
            before = box.value
            box.reset_choices()
            there = [layer for layer in box.choices if layer is not None]
            if before is not None and before in there:
                box.value = before
            elif box is not self.regions and there:
                box.value = there[-1]
        self.pairs.refresh()

    def _follow_active(self, *_: Any) -> None:
        """Choose the layer that is selected, if it is an image or labels."""
        active = self._viewer.layers.selection.active
        for box in (self.image, self.truth):
            layer = next((layer for layer in box.choices if layer == active), None)
            if layer is not None:
                box.value = layer

    def _base_chosen(self, name: str) -> None:
        if name == FROM_FILE:
            self.base.ask_for_file(instead=self._last_base)
            return
        self._last_base = name

    def _set_running(self, running: bool) -> None:
        for part in (*self, self.advanced):
            part.enabled = not running
        self.actions.train_button.text = "Cancel" if running else "Train"
        self.actions.use_button.enabled = bool(self._trained) and not running

    def _say(self, message: str, details: tuple[str, ...] = ()) -> None:
        self._plain_status = message
        self.status.value = as_html(message, details)

    def _fail(self, error: FastSAMError) -> None:
        self._say(str(error))
        show_error(plain(str(error)))


def _images(pairs: list[TrainingPair]) -> Iterator[TrainingImage | None]:
    for pair in pairs:
        yield from pair.read()


def _data_in(folder: str) -> Path:
    return Path(folder) / "data"
