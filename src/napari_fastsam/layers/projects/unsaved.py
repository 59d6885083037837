"""What is annotated on single images, kept step by step in the user's data folder until somebody wants it again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fastsam.errors import FastSAMError
from napari_fastsam.io.projects import unsaved
from napari_fastsam.io.projects.annotations import Loaded, count_objects
from napari_fastsam.io.projects.unsaved import UnsavedFolder
from napari_fastsam.layers.contents import IMAGE_KEY
from napari_fastsam.layers.files.beside import placed_on
from napari_fastsam.layers.labels.outlined import Labels
from napari_fastsam.layers.labels.preview import as_drawn
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.projects.recorder import AnnotationRecorder

if TYPE_CHECKING:
    from napari.layers import Image, Layer

_PUT_DOWN: dict[Hashable, Path] = {}
"""Folders of Labels layers whose dock was closed, by the layers' unique ids: while a layer is in the viewer, nothing of
it was left behind."""


@dataclass(frozen=True, eq=False)
class Restorable:
    """What an earlier session left of an image.

    Attributes
    ----------
    image
        The image that it belongs to.
    name
        What that is called.
    objects
        How many objects there are.
    notes
        Sentences about what is damaged.
    """

    image: Image
    name: str
    objects: int
    notes: tuple[str, ...]
    _folder: UnsavedFolder
    _loaded: Loaded

    def restore(self) -> Labels | None:
        """Return a layer of what was left; None if it holds no labels. The folder goes once the layer is kept anew."""
        found = self._loaded.annotation
        if found.labels is None:
            return None
        ndim = found.labels.ndim
        data = as_drawn(found.labels, (ndim - 2, ndim - 1))
        layer = Labels(data, name=f"{self.name} restored", **placed_on(self.image, ndim))
        layer.metadata = found.metadata
        if found.features is not None:
            layer.features = found.features
        return layer

    def forget(self) -> None:
        """Forget it, for good."""
        self._folder.remove()

    def put_off(self) -> None:
        """Leave it for another time."""
        self._folder.close()


class UnsavedWork:
    """Keeps what is annotated in one Labels layer on one image.

    Parameters
    ----------
    on_change
        Called when something may have changed; `keep` has it written then.
    """

    def __init__(self, on_change: Callable[[], object]) -> None:
        self._on_change = on_change
        self._recorder: AnnotationRecorder | None = None
        self._key = ""
        self._folder: UnsavedFolder | None = None
        self._folders: dict[Hashable, UnsavedFolder] = {}

    @property
    def layer(self) -> Labels | None:
        """The Labels layer that is kept; None = none is."""
        return None if self._recorder is None else self._recorder.layer

    @property
    def is_kept(self) -> bool:
        """Whether all that the layer holds is in a folder."""
        return self._folder is not None

    def follow(self, image: Image | None, labels: Labels | None) -> None:
        """Keep a Labels layer on an image from now on, and no other; layers of a project are kept there."""
        if labels == self.layer:
            return
        self._leave()
        if image is None or labels is None or IMAGE_KEY in labels.metadata:
            return
        self._key = _key(image)
        self._recorder = AnnotationRecorder(labels, self._on_change)
        heard_before = labels.unique_id in {*self._folders, *_PUT_DOWN}  # and what was done since was not heard
        if heard_before or (labels.source.path is None and count_objects(pixels_of(labels))):  # they are in no file
            self.keep_all()

    def keep(self) -> None:
        """Write what changed since the last time; the first time all that there is.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        recorder = self._recorder
        step = None if recorder is None else recorder.take_step()
        if recorder is None or step is None or step.is_empty:
            return
        try:
            if self._folder is None:
                self.keep_all()
            else:
                self._folder.annotations.append(step)
        except FastSAMError:
            recorder.forget_step(step)
            raise

    def keep_all(self) -> None:
        """Write all that there is now into a folder of its own. Raises OutputError if it cannot be written."""
        recorder = self._recorder
        if recorder is None:
            return
        folder = unsaved.begin(self._key)
        try:
            folder.annotations.append(recorder.whole_step())
        except FastSAMError:
            folder.remove()
            raise
        layer = recorder.layer.unique_id
        earlier = self._folders.get(layer)
        self._folder = self._folders[layer] = folder
        if earlier is not None:
            earlier.remove()
        elif layer in _PUT_DOWN:
            unsaved.remove(_PUT_DOWN.pop(layer))

    def end(self) -> None:
        """Keep nothing more; what was kept is offered when the image is opened again."""
        self._leave()
        for layer, folder in self._folders.items():
            folder.close()
            _PUT_DOWN[layer] = folder.path
        self._folders.clear()

    def _leave(self) -> None:
        recorder, self._recorder, self._folder = self._recorder, None, None
        if recorder is not None:
            recorder.end()


def restorable(image: Image, layers: Sequence[Layer] = ()) -> Restorable | None:
    """Return what an earlier session left of an image; None if that is nothing but what is in the viewer's layers."""
    if IMAGE_KEY in image.metadata:
        return None
    there = {_PUT_DOWN.get(layer.unique_id) for layer in layers}
    path = image.source.path  # of several layers of one file, as of scenes, the name tells which
    is_alone = not path or all(one == image or one.source.path != path for one in layers)
    for folder in unsaved.left_behind(_key(image), any_name=is_alone):
        if folder.path in there:
            folder.close()
            continue
        loaded = folder.annotations.load()
        labels = loaded.annotation.labels
        objects = 0 if labels is None else count_objects(labels)
        if objects or loaded.notes:
            return Restorable(image, image.name, objects, loaded.notes, folder, loaded)
        folder.remove()
    return None


def _key(image: Image) -> str:
    return unsaved.key_of(image.name, image.source.path, image.data[0] if image.multiscale else image.data)
