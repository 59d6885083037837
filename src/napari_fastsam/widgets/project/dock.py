"""The dock *Annotate a folder*: a list of images, and keys that go from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, LineEdit, PushButton
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFileDialog

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.projects.project import open_project
from napari_fastsam.io.projects.state import Progress
from napari_fastsam.io.results.efforts import write_efforts
from napari_fastsam.layers.projects.annotating import Annotating
from napari_fastsam.widgets.common.dock import AnnotatesImages, Dock
from napari_fastsam.widgets.common.errors import notify, report_errors
from napari_fastsam.widgets.common.files import table_to_save
from napari_fastsam.widgets.common.keys import KeysWithin
from napari_fastsam.widgets.common.text import plain
from napari_fastsam.widgets.project import messages
from napari_fastsam.widgets.project.keys import KEYS
from napari_fastsam.widgets.project.layout import make_actions, make_controls, make_frame
from napari_fastsam.widgets.project.replay import FolderReplay

if TYPE_CHECKING:
    import napari.viewer

AHEAD_MS = 200
"""The image that is opened comes first, then the next one is read."""

AGAIN_MS = 500
"""As long as the network is busy it is asked this often whether it can look at the next image."""

IDLE_MS = 3000
"""After so long without a step the journal is written to the disk."""


class AnnotateFolderWidget(Dock):
    """The dock: a folder of images, annotated one after the other, with nothing lost.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    open_button: PushButton
    planes: CheckBox
    note: LineEdit
    effort_button: PushButton

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Annotate a folder", make_controls(), make_actions(), arranged=False)
        self.annotating: Annotating | None = None
        self.replay = FolderReplay(napari_viewer, self.say, self.fail)
        frame, self.images, self.progress = make_frame(self, self.open_image, self.replay.panel)
        self.lies_in(frame)
        self._keep_soon, self._sync_soon = _timer(frame, self._keep), _timer(frame, self._sync)
        self._tell_soon = _timer(frame, self._show_progress)
        self._look_ahead, self._collect_soon = _timer(frame, self._read_ahead), _timer(frame, self._collect)
        self._unbind, self._keys_within = KEYS.bind(self), KeysWithin(KEYS, self, frame)
        self._planes_chosen: bool | None = None
        """What the user wants of the next folder; None = nothing: the box shows how the open one is."""
        self.planes.changed.connect(self._choose_planes)
        self.open_button.changed.connect(lambda *_: self.open_folder())
        for method in (method for method, _ in KEYS.table.values()):
            button = getattr(self.actions, f"{method}_button")
            button.changed.connect(lambda *_, method=method: getattr(self, method)())
        self.effort_button.changed.connect(lambda *_: self.save_effort())
        self.note.native.editingFinished.connect(self._note_changed)
        self.say(messages.NO_FOLDER)

    # ---------------------------------------------------------------- what the user can do

    @report_errors
    def open_folder(self, folder: str | Path | None = None) -> None:
        """Open a folder of images and the first that is not done; None asks for it."""
        chosen = folder or QFileDialog.getExistingDirectory(self.native, "Open a folder of images")
        if not chosen:
            return
        if self.annotating is not None and self.annotating.project.is_of(Path(chosen)):
            self._close_folder()  # first, or it would be in use by this very window
            self.images.images.show((), ())
            self.progress.setText("")
        project = open_project(Path(chosen), self._planes_chosen)
        self._close_folder()
        self.annotating = Annotating(self._viewer, project, self._changed, self._state_changed)
        self.replay.follow(self.annotating)
        self.planes.value, self._planes_chosen = bool(project.about.get("planes")), None
        self.images.images.show(project.images, self.annotating.states)
        self._show_progress()
        self.say(messages.folder_opened(project.folder.name, self.annotating.states), project.notes)
        first = self.annotating.place_after(+1, undone=True)
        self.open_image(0 if first is None else first)

    @report_errors
    def open_image(self, place: int) -> None:
        """Open an image of the list."""
        annotating = self.annotating
        if annotating is None or (place == annotating.current and annotating.is_whole):
            return
        self._note_changed()  # a key goes on while it is typed
        self._keep_soon.stop()
        self.replay.hide()
        try:
            opened = annotating.open(place)
        except FastSAMError:
            self._shown_again()
            raise
        finally:
            if annotating.current is not None:
                self.images.show_current(annotating.current)
        self.note.value = opened.state.note
        for dock in self._working_docks():
            dock.work_on(opened.images[-1], opened.labels)
        notes = tuple(filter(None, (*annotating.project.notes, *opened.notes, self._shown_again())))
        self.say(messages.opened(opened.image.name, annotating.states[place], opened.restored), notes)
        self._look_ahead.start(AHEAD_MS)
        self._collect_soon.start(AHEAD_MS)

    def next_image(self) -> None:
        """Open the next image."""
        self._go(+1, False, messages.NO_NEXT)

    def previous_image(self) -> None:
        """Open the image before."""
        self._go(-1, False, messages.NO_PREVIOUS)

    def next_undone(self) -> None:
        """Open the next image that is neither done nor skipped."""
        self._go(+1, True, messages.ALL_DONE)

    def done(self) -> None:
        """Say that the image is done, and open the next that is not."""
        self._finish("done")

    def skip(self) -> None:
        """Leave the image out, and open the next that is not done."""
        self._finish("skipped")

    @report_errors
    def save_effort(self, path: Path | str | None = None) -> Path | None:
        """Write what the labels of the folder took as CSV; a path that is None is asked for."""
        annotating = self.annotating
        if annotating is None:
            self.say(messages.NO_FOLDER)
            return None
        file = table_to_save(self.native, "Save the effort", "effort.csv", path)
        if file is not None:
            write_efforts(file, annotating.efforts())
            self.say(messages.effort_saved(file.name))
        return file

    def end(self) -> None:
        """Save what is open, and let others have the folder."""
        self._unbind()
        self._keys_within.end()
        self.replay.end()
        for timer in (self._keep_soon, self._sync_soon, self._tell_soon, self._look_ahead, self._collect_soon):
            timer.stop()
        self._close_folder()
        self.images.images.end()

    # ---------------------------------------------------------------- from image to image

    def _choose_planes(self, apart: bool) -> None:
        self._planes_chosen = apart

    def _go(self, step: int, undone: bool, otherwise: str) -> None:
        annotating = self.annotating
        if annotating is None:
            self.say(messages.NO_FOLDER)
            return
        place = annotating.place_after(step, undone)
        if place is None:
            self.say(otherwise)
        else:
            self.open_image(place)

    @report_errors
    def _finish(self, state: Progress) -> None:
        annotating = self.annotating
        if annotating is None or annotating.current is None or annotating.opened is None:
            self.say(messages.NOTHING_OPEN)
            return
        annotating.keep()
        now = replace(annotating.opened.state, state=state, objects=annotating.opened.count())
        annotating.set_state(annotating.current, now)
        self.next_undone()

    def _note_changed(self) -> None:
        annotating = self.annotating
        if annotating is not None and annotating.current is not None and annotating.opened is not None:
            state = annotating.opened.state
            if state.note != self.note.value:
                self._try(lambda: annotating.set_state(annotating.current or 0, replace(state, note=self.note.value)))

    def _read_ahead(self) -> None:
        """Read the next image, and have the network see it, while the user works on this one."""
        annotating = self.annotating
        place = None if annotating is None else annotating.place_after(+1)
        if annotating is None or place is None:
            return
        annotating.read_ahead(place)
        layers = annotating.layers_ahead(place)
        if layers:
            seen = [dock.predict_ahead(layers[-1]) for dock in self._working_docks()]
            if not all(seen):
                self._look_ahead.start(AGAIN_MS)
        elif not annotating.is_ahead_broken(place):
            self._look_ahead.start(AHEAD_MS)

    def _working_docks(self) -> list[AnnotatesImages]:
        """Return the dock that finds objects, if it is open."""
        window = getattr(self._viewer, "window", None)
        docks = () if window is None else window.dock_widgets.values()
        return [dock for dock in docks if isinstance(dock, AnnotatesImages)]

    def _shown_again(self) -> str:
        try:
            return self.replay.show()
        except FastSAMError as error:
            return f"{error}."

    # ---------------------------------------------------------------- what is kept

    def _changed(self) -> None:
        if not self._keep_soon.isActive():
            self._keep_soon.start(0)

    def _keep(self) -> None:
        if self.annotating is not None:
            self._try(self._keep_step)
            self._sync_soon.start(IDLE_MS)

    def _keep_step(self) -> None:
        annotating = self.annotating
        if annotating is not None and annotating.keep() and annotating.opened is not None:
            opened = annotating.opened
            self.say(messages.opened(opened.image.name, opened.state, 0), (*annotating.project.notes, *opened.notes))

    def _sync(self) -> None:
        if self.annotating is not None and self.annotating.opened is not None:
            self._try(self.annotating.opened.sync)

    def _collect(self) -> None:
        annotating = self.annotating
        if annotating is None:
            return
        for error in annotating.collect():
            self.fail(error)
        if annotating.is_saving:
            self._collect_soon.start(AHEAD_MS)

    def _try(self, do: Callable[[], object]) -> None:
        """Do something that writes; what cannot be written is said, and stays in memory."""
        try:
            do()
        except FastSAMError as error:
            self.say(messages.not_kept(error))
            notify(error)

    def _state_changed(self, place: int) -> None:
        self.images.images.state_changed(place)
        self._tell_soon.start(0)

    def _show_progress(self) -> None:
        annotating = self.annotating
        if annotating is not None:
            self.progress.setText(plain(messages.progress(annotating.project.folder.name, annotating.states)))

    def _close_folder(self) -> None:
        self._note_changed()  # it may be typed still
        annotating, self.annotating = self.annotating, None
        self.replay.follow(None)
        if annotating is not None:
            for error in annotating.close():
                notify(error)


def _timer(parent: Any, do: Callable[[], object]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(do)
    return timer
