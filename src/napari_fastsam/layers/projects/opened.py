"""One image of a project in the viewer: its layers, and what becomes of them into its journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_fastsam.io.projects.annotations import count_objects
from napari_fastsam.io.projects.project import ProjectImage
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.layers.connections import Connections
from napari_fastsam.layers.labels.exporting import scale_of
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.planes.transforms import world_to_data
from napari_fastsam.layers.projects.prompt_rows import prompts_on
from napari_fastsam.layers.projects.reading import ReadImage, make_labels, make_prompts
from napari_fastsam.layers.projects.recorder import AnnotationRecorder
from napari_fastsam.layers.projects.refilling import remove, show

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_fastsam.core.image.scale import Scale
    from napari_fastsam.io.projects.steps import Annotation

CLASSES_KEY = "napari-fastsam classes"


class OpenImage:
    """The layers of an image, from when it is opened until it is left.

    Parameters
    ----------
    viewer
        Gets the layers.
    read
        The image.
    images
        Its image layers, not yet in the viewer.
    on_change
        Called when something may have changed; `keep` has it written then.
    writable
        Whether anything is written.
    classes
        The list of classes that a layer without one gets; None = none.
    before
        The image that was left, whose layers are still in the viewer; None = there is none.

    Attributes
    ----------
    state
        How far the image is.
    images, labels
        Its layers.
    restored
        How many steps its journal had when it was opened: the program was ended before it was saved.
    notes
        Sentences about what is damaged or was changed.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        read: ReadImage,
        images: list[Image],
        on_change: Callable[[], object],
        writable: bool = True,
        classes: Any = None,
        before: OpenImage | None = None,
    ) -> None:
        self._viewer, self._writable = viewer, writable
        self.image: ProjectImage = read.image
        self.state: ImageState = read.loaded.state
        labels = make_labels(read, images[-1])
        if classes and CLASSES_KEY not in labels.metadata:
            labels.metadata[CLASSES_KEY] = classes
        prompts, problem = make_prompts(read, images[-1])
        self.restored = read.loaded.steps
        self.notes = tuple(filter(None, (*read.loaded.notes, read.remark, problem)))
        self.images, self.labels = show(viewer, images, labels, prompts, None if before is None else before.layers)
        self._fingerprint = read.fingerprint
        self._folder = read.image.annotations()
        self._opened = time.monotonic()
        self._was_kept = read.loaded.steps > 0
        self._prompt_rows: Mapping[str, Any] | None = read.loaded.annotation.prompts
        self.recorder = AnnotationRecorder(self.labels, on_change, read.digests, self._shown_plane)
        self._left: tuple[Annotation, Scale] | None = None
        self._listed = Connections()
        self._listed.connect((viewer.layers.events.inserted, viewer.layers.events.removed), self._follow_prompts)
        self._follow_prompts()

    @property
    def layers(self) -> tuple[Image | Labels, ...]:
        """Images and labels."""
        return (*self.images, self.labels)

    @property
    def is_changed(self) -> bool:
        """Whether something was done since it was opened."""
        return self._was_kept

    def keep(self) -> bool:
        """Write into the journal what changed since the last time; returns whether anything did.

        Raises
        ------
        OutputError
            If it cannot be written; it is part of the next step that can.
        """
        step = self.recorder.take_step()
        if step.is_empty or not self._writable:
            return False
        try:
            self._folder.append(step)
        except Exception:
            self.recorder.forget_step(step)
            raise
        self._was_kept = True
        if self.state.state == "untouched" and (step.tiles or step.prompts):
            self.state = replace(self.state, state="in work")
        return True

    def sync(self) -> None:
        """Have the journal written to the disk. Raises OutputError if that fails."""
        self._folder.sync()

    def count(self) -> int:
        """Return how many objects there are."""
        return count_objects(pixels_of(self.labels))

    def save(self) -> ImageState:
        """Write all of it whole, and begin the journal anew. For any thread, once it was left.

        Raises
        ------
        OutputError
            If that fails; the journal has everything then.
        """
        if not self._writable or not (self._was_kept or self._has_news()):
            self._folder.close()
            return self.state
        if self._was_kept and self._fingerprint is not None:
            self.state = replace(self.state, image=self._fingerprint)
        try:
            if self._left is not None:
                annotation, scale = self._left
                self.state = self._folder.save(annotation, self.state, scale, self.image.name)
            else:
                self._folder.write_state(self.state)
        finally:
            self._folder.close()
        return self.state

    def leave(self) -> None:
        """Keep what changed last, and follow the layers no more. Raises OutputError if it cannot be kept."""
        try:
            self.keep()
        finally:
            self.state = replace(self.state, seconds=round(self.state.seconds + time.monotonic() - self._opened, 1))
            if self._was_kept:  # the layers get another image before this is saved
                self._left = self.recorder.annotation(), scale_of(self.labels)
            self.recorder.end()
            self._listed.undo()

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        remove(self._viewer, self.layers)

    def _has_news(self) -> bool:
        """Whether state or note are others than the file says."""
        return bool(self.state.note) or self.state.state != "untouched"

    def _follow_prompts(self, *_: Any) -> None:
        before, self._prompt_rows = self._prompt_rows, None
        self.recorder.follow_prompts(prompts_on(self._viewer, self.images[0]), before)

    def _shown_plane(self) -> tuple[int | None, ...]:
        viewer = self._viewer
        point = world_to_data(self.labels, viewer.dims.point, world_units=viewer.layers.units)
        shown = set(self._viewer.dims.displayed)
        first = self._viewer.dims.ndim - self.labels.ndim
        return tuple(
            None if first + axis in shown else round(float(at)) for axis, at in enumerate(point[: self.labels.ndim - 2])
        )
