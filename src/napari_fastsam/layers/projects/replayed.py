"""The labels of a whole folder made again: into files beside them, and taken when somebody wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.core.judging.replay import Change
from napari_fastsam.errors import FastSAMError, LabelsError
from napari_fastsam.io.projects.effort import PROVENANCE_KEY
from napari_fastsam.io.projects.project import ProjectImage
from napari_fastsam.io.projects.replays import (
    StoredReplay,
    annotation_hash,
    discard_replay,
    read_replay,
    write_replay,
)
from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.label_edit import recorded_edit
from napari_fastsam.layers.labels.exporting import scale_of
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.preview import pyramid
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.projects.reading import make_images, make_labels, read_image
from napari_fastsam.layers.projects.replaying import ReplayNetworks, replay
from napari_fastsam.model.asking.repeating import Replay

if TYPE_CHECKING:
    from napari.layers import Labels

STALE = "its labels were changed since they were made again; make them again once more"


@dataclass(frozen=True, eq=False)
class ReplayedImage:
    """One image whose labels were made again.

    Attributes
    ----------
    image
        Which.
    changes
        What became of each object.
    notes
        Sentences about labels that stay as they are.
    error
        Why none was made again; None = they were.
    """

    image: ProjectImage
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    error: FastSAMError | None = None


def replay_images(
    images: Sequence[ProjectImage],
    asked: Replay,
    networks: ReplayNetworks | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[ReplayedImage]:
    """Make the labels of images again, and keep them beside those that there are until `take` is called.

    For any thread. Images without labels are passed over; one that fails does not end it.

    Parameters
    ----------
    images
        Of a project.
    asked
        What is other than it was: the model, thresholds.
    networks
        Loads the models; None = on the device that suits.
    stop
        Says whether nobody waits any more.

    Yields
    ------
    ReplayedImage
        Each that has labels.

    Raises
    ------
    ModelError
        If the model that is asked for cannot be loaded.
    """
    networks = networks or ReplayNetworks()
    if asked.model is not None:
        networks.named(asked.model)
    for image in images:
        if stop():
            return
        try:
            found = _replayed(image, asked, networks, stop)
        except FastSAMError as error:
            found = ReplayedImage(image, error=error)
        if found is not None:
            yield found


def _replayed(
    image: ProjectImage, asked: Replay, networks: ReplayNetworks, stop: Callable[[], bool]
) -> ReplayedImage | None:
    if not image.folder.exists():
        return None
    read = read_image(image, writable=False)
    before = read.loaded.annotation
    if before.labels is None or not before.labels.any():
        return None
    layers = make_images(read)
    found = replay(before, layers, asked, networks, stop)
    stored = StoredReplay(found.annotation, found.changes, annotation_hash(before.labels, before.features))
    write_replay(image.folder, stored, scale_of(make_labels(read, layers[-1])), image.name)
    return ReplayedImage(image, found.changes, found.notes)


def take(image: ProjectImage) -> tuple[Change, ...]:
    """Take the labels of an image that were made again for its own; it must not be open.

    Returns
    -------
    tuple of Change
        What became of each object; none if nothing was made again.

    Raises
    ------
    LabelsError
        If the labels were changed since.
    OutputError
        If they cannot be written.
    """
    stored = read_replay(image.folder)
    if stored is None or stored.annotation.labels is None:
        return ()
    read = read_image(image)
    before = read.loaded.annotation
    if before.labels is None or annotation_hash(before.labels, before.features) != stored.of:
        raise LabelsError(f"{image.name}: {STALE}")
    metadata = _metadata_after(before.metadata, stored)
    annotation = replace(stored.annotation, prompts=before.prompts, metadata=metadata)
    kept = image.annotations()
    try:
        kept.save(annotation, read.loaded.state, scale_of(make_labels(read, make_images(read)[-1])), image.name)
    finally:
        kept.close()
    discard_replay(image.folder)
    return stored.changes


def take_into(layer: Labels, image: ProjectImage, history: History | None = None) -> tuple[Change, ...]:
    """Take the labels of an image that is open into its layer, as one step of `history`.

    The other parameter and errors are those of `take`.
    """
    stored = read_replay(image.folder)
    if stored is None or stored.annotation.labels is None:
        return ()
    labels, data = stored.annotation.labels, np.asarray(pixels_of(layer))
    if annotation_hash(data, layer.features) != stored.of:
        raise LabelsError(f"{image.name}: {STALE}")
    if not np.can_cast(labels.dtype, data.dtype):
        data = data.astype(labels.dtype)
        layer.data = pyramid(data, (data.ndim - 2, data.ndim - 1)) if layer.multiscale else data
    where = np.nonzero(labels != data)
    with recorded_edit("Take", layer, History() if history is None else history):
        write_pixels(layer, [(where, labels[where].astype(data.dtype))], "Take them once more.")
        if stored.annotation.features is not None:
            layer.features = stored.annotation.features
        layer.metadata = _metadata_after(layer.metadata, stored)
    discard_replay(image.folder)
    return stored.changes


def _metadata_after(metadata: Mapping[str, Any], stored: StoredReplay) -> dict[str, Any]:
    """Return the metadata of labels that are taken: how these came about; classes and the like may be other by now."""
    return {**metadata, PROVENANCE_KEY: stored.annotation.metadata[PROVENANCE_KEY]}
