"""From image to image of a project: what is open, what is read ahead, what is saved behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.projects.effort import effort_of, labelled_images
from napari_fastsam.io.projects.project import Project, ProjectImage
from napari_fastsam.io.projects.state import ImageState, Progress, read_state
from napari_fastsam.io.results.efforts import LabelledImage
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.layers.projects.opened import CLASSES_KEY, OpenImage
from napari_fastsam.layers.projects.reading import ReadImage, make_images, read_image

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

T = TypeVar("T")

FINISHED: frozenset[Progress] = frozenset(("done", "skipped"))


DRAWN_SECONDS = 0.5
"""An image that was opened is on the screen by then."""


@dataclass(frozen=True, eq=False)
class _Ahead:
    """An image that is read before it is asked for."""

    reading: Future[ReadImage]
    layers: list[Image]


class Annotating:
    """Goes through the images of a project.

    Parameters
    ----------
    viewer
        Shows the image that is open.
    project
        Open; closed with this.
    on_change
        Called when something may have changed in the image that is open; `keep` has it written then.
    on_state
        Called with the place of an image whose state is another one. From the main thread.

    Attributes
    ----------
    states
        How far each image is.
    current
        Place of the image that is open; None = none is.
    opened
        That image.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        project: Project,
        on_change: Callable[[], object],
        on_state: Callable[[int], object],
    ) -> None:
        self._viewer, self.project = viewer, project
        self._on_change, self._on_state = on_change, on_state
        self.states: list[ImageState] = list(project.states())
        self.current: int | None = None
        self.opened: OpenImage | None = None
        self._threads = ThreadPoolExecutor(1, "annotations")
        self._ahead: dict[int, _Ahead] = {}
        self._saving: dict[int, Future[ImageState]] = {}
        self._failures: list[FastSAMError] = []
        self._unreadable: int | None = None
        """Which image was to be opened last, and could not be read."""
        self._wanted = threading.Event()
        """Somebody waits for what is being saved."""

    # ---------------------------------------------------------------- which image

    def place_after(self, step: int, undone: bool = False) -> int | None:
        """Return the place of the next image (+1) or the one before (-1); None if there is none.

        Of the image that is open, or of one that could not be read since: one gets past it.

        Parameters
        ----------
        step
            The direction.
        undone
            Whether images that are done or skipped are passed over.
        """
        start = self.current if self._unreadable is None else self._unreadable
        place = (-1 if step > 0 else len(self.states)) if start is None else start
        while 0 <= (place := place + step) < len(self.states):
            if place != self.current and (not undone or self.states[place].state not in FINISHED):
                return place
        return None

    @property
    def is_whole(self) -> bool:
        """Whether all layers of the image that is open are in the viewer: some may have been removed by hand."""
        return self.opened is not None and all(layer in self._viewer.layers for layer in self.opened.layers)

    def open(self, place: int) -> OpenImage:
        """Show an image, and leave the one that is open; the same one comes with all its layers again.

        Raises
        ------
        ImageError
            If it cannot be read; what is open stays open.
        OutputError
            If the last step on the image that is open cannot be written; that stays open, or the step would be lost.
        """
        again = self._left_first() if place == self.current else None  # or it would be read before it is saved
        try:
            ahead = self._ahead.pop(place, None)
            read = self._read(place) if ahead is None else self._result(place, ahead.reading)
            layers = ahead.layers if ahead is not None and ahead.layers else make_images(read)
        except BaseException:
            self._unreadable = place
            if again is not None:
                again.remove()
            raise
        before = again or self._left_first()
        classes = self.project.about.get("classes")
        self.opened = OpenImage(self._viewer, read, layers, self._on_change, self.project.writable, classes, before)
        self.current, self._unreadable = place, None
        self._set_state(place, self.opened.state)
        return self.opened

    def read_ahead(self, place: int) -> None:
        """Read an image in a thread before it is asked for; what was read ahead and not used is forgotten."""
        if place in self._ahead:
            return
        self._forget_ahead()
        self._ahead[place] = _Ahead(self._threads.submit(self._read, place), [])

    def _forget_ahead(self) -> None:
        for ahead in self._ahead.values():  # one that waits would wait for what is saved behind it, for ever
            ahead.reading.cancel()
        self._ahead.clear()

    def layers_ahead(self, place: int) -> list[Image]:
        """Return the layers of what is read ahead, not in the viewer; none if it is not read yet, or cannot be."""
        ahead = self._ahead.get(place)
        if ahead is None or not ahead.reading.done() or ahead.reading.exception() is not None:
            return []
        if not ahead.layers:
            ahead.layers.extend(make_images(ahead.reading.result()))
        return ahead.layers

    def is_ahead_broken(self, place: int) -> bool:
        """Whether an image could not be read ahead; opening it says why."""
        ahead = self._ahead.get(place)
        return ahead is not None and ahead.reading.done() and ahead.reading.exception() is not None

    # ---------------------------------------------------------------- what is known of images

    def set_state(self, place: int, state: ImageState) -> None:
        """Say how far an image is, or what is noted of it.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        if self.opened is not None and place == self.current:
            self.opened.state = state
        self._set_state(place, state)
        if self.project.writable:
            self._finish_saving(place)
            self.project.images[place].annotations().write_state(state)

    def efforts(self) -> list[LabelledImage]:
        """Return what the labels of each image took, as far as it is now."""
        self._take_outcome()
        states = list(self.states)
        if self.opened is not None and self.current is not None:
            now = self.opened.recorder.annotation()
            states[self.current] = replace(states[self.current], objects=self.opened.count(), effort=effort_of(now))
        return labelled_images((image.name for image in self.project.images), states)

    def taken(self, place: int, take: Callable[[ProjectImage], T]) -> T:
        """Change the files of an image that is not open; what is read ahead of it is read anew.

        Parameters
        ----------
        place
            Of the image.
        take
            Changes them; returns what this returns. Its errors are this function's.
        """
        self._finish_saving(place)
        self._take_outcome()
        self._ahead.pop(place, None)
        result = take(self.project.images[place])
        self._set_state(place, read_state(self.project.images[place].folder))
        return result

    def keep(self) -> bool:
        """Write what changed into the journal of the image that is open; returns whether anything did.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        if self.opened is None or self.current is None or not self.opened.keep():
            return False
        self.opened.state = replace(self.opened.state, objects=self.opened.recorder.count())
        self._set_state(self.current, self.opened.state)
        return True

    def collect(self) -> list[FastSAMError]:
        """Take the outcome of what was saved in threads; returns what failed."""
        self._take_outcome()
        failures, self._failures = self._failures, []
        return failures

    def _take_outcome(self) -> None:
        for place in [place for place, future in self._saving.items() if future.done()]:
            try:
                state = self._saving.pop(place).result()
            except FastSAMError as error:
                self._failures.append(error)
                continue
            if place != self.current:  # it may be further by now
                self._set_state(place, state)

    @property
    def is_saving(self) -> bool:
        """Whether something is still being saved."""
        return bool(self._saving)

    def close(self) -> list[FastSAMError]:
        """Leave the image that is open, wait until all is saved, let others have the project; returns what failed.

        The layers of an image whose last step cannot be written stay in the viewer: there is nothing else of it.
        """
        try:
            before = self._left_first()
            if before is not None:
                before.remove()
        except OutputError as error:
            self._failures.append(error)
            self._leave()
        self._forget_ahead()
        self._wanted.set()
        self._threads.shutdown(wait=True, cancel_futures=False)
        failures = self.collect()
        self.project.close()
        return failures

    def _left_first(self) -> OpenImage | None:
        self._require_kept()
        return self._leave()

    def _require_kept(self) -> None:
        """Write the last step on the image that is open, whose layers are to hold another one. Raises OutputError."""
        try:
            self.keep()
        except FastSAMError as error:
            name = "" if self.opened is None else self.opened.image.name
            raise OutputError(f"{name} stays in the viewer, because its last step cannot be saved: {error}") from error

    # ---------------------------------------------------------------- in threads

    def _leave(self) -> OpenImage | None:
        """Save the image that is open in a thread; returns it, its layers still in the viewer."""
        opened, place = self.opened, self.current
        self.opened = self.current = None
        if opened is None or place is None:
            return None
        with suppress(FastSAMError):  # whoever leaves it has said so
            opened.leave()
        try:
            self._keep_classes(opened)
        except FastSAMError as error:
            self._failures.append(error)
        self._set_state(place, opened.state)
        self._wanted.clear()
        self._saving[place] = self._threads.submit(self._save, opened)
        return opened

    def _save(self, opened: OpenImage) -> ImageState:
        """Save an image that was left, once the next one is drawn: the journal has all of it meanwhile."""
        self._wanted.wait(DRAWN_SECONDS)
        return opened.save()

    def _keep_classes(self, opened: OpenImage) -> None:
        """Keep the list of classes for the images to come."""
        classes = opened.labels.metadata.get(CLASSES_KEY)
        if classes and classes != self.project.about.get("classes") and self.project.writable:
            self.project.about["classes"] = classes
            self.project.write()

    def _read(self, place: int) -> ReadImage:
        """Read an image; for any thread. What is being saved of it is waited for."""
        self._finish_saving(place)
        return read_image(self.project.images[place], self.project.writable)

    def _result(self, place: int, reading: Future[ReadImage]) -> ReadImage:
        read = reading.result()
        if place in self._saving:  # it was read before what was done last
            return self._read(place)
        return read

    def _finish_saving(self, place: int) -> None:
        saving = self._saving.get(place)
        if saving is not None:
            self._wanted.set()
            saving.exception()

    def _set_state(self, place: int, state: ImageState) -> None:
        if self.states[place] != state:
            self.states[place] = state
            self._on_state(place)
