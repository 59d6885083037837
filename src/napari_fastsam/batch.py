"""The same question to many image files: objects in, label TIFFs out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam import __version__
from napari_fastsam.core.prompts import Prompts
from napari_fastsam.core.selection import Selection
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.images import read_plane
from napari_fastsam.io.results import names_for, write_labels, write_overlay
from napari_fastsam.model.answer import Thresholds, answer, paint
from napari_fastsam.model.segmenter import Model
from napari_fastsam.model.weights import sha256_of

_ENDING = "_labels.tif"


@dataclass(frozen=True)
class Job:
    """What is done with each image.

    Attributes
    ----------
    model
        The network.
    prompts
        In pixels of every image; None = all objects.
    thresholds
        What an object must reach.
    imgsz
        As in `Model.segment`.
    plane
        As in `read_plane`.
    overlay
        Whether to draw the outlines into a PNG too.
    """

    model: Model
    prompts: Prompts | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    imgsz: int | None = None
    plane: tuple[int, ...] | None = None
    overlay: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes
    ----------
    image
        Its file.
    labels
        The file that was written.
    objects
        How many there are in it. Fewer than were found where one covers another.
    seconds
        From the image in memory to the label image in memory.
    unanswered
        Prompts without an object; each says why.
    covered
        Prompts whose object lies under that of another prompt, so that the labels do not show it.
    replaced
        Whether there was a file under that name.
    """

    image: Path
    labels: Path
    objects: int
    seconds: float
    unanswered: tuple[Selection, ...]
    covered: tuple[Selection, ...]
    replaced: bool


def targets_for(images: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return the label file of each image, all different; an image that is named twice is there once.

    Raises
    ------
    ParameterError
        If a label file would overwrite one of the images, or two images would have the same.
    """
    once = list({image.resolve(): image for image in images}.values())
    targets = {image: folder / f"{name}{_ENDING}" for image, name in zip(once, names_for(once), strict=True)}
    inputs = {image.resolve() for image in once}
    for image, target in targets.items():
        if target.resolve() in inputs:
            raise ParameterError(
                f"the labels of {image} would overwrite {target}, an image to segment; choose another folder with -o"
            )
    return targets


def segment_file(image: Path, target: Path, job: Job) -> Outcome:
    """Find the objects of one image file and write its labels, and the overlay if the job asks for it.

    Parameters
    ----------
    image
        What to read.
    target
        The label file, ``…_labels.tif``; the overlay is ``…_overlay.png`` beside it.
    job
        What to do.

    Raises
    ------
    FastSAMError
        If the image cannot be read or segmented, or the results cannot be written.
    """
    plane = read_plane(image, job.plane)
    start = time.perf_counter()
    labels, selections = _labels_of(plane, job)
    seconds = time.perf_counter() - start
    present = set(np.unique(labels).tolist()) - {0}
    unanswered = tuple(s for s in selections if not s.found)
    covered = tuple(s for i, s in enumerate(selections, start=1) if s.found and i not in present)
    replaced = target.exists()
    write_labels(target, labels, _provenance(image, job))
    if job.overlay:
        write_overlay(target.with_name(target.name.removesuffix(_ENDING) + "_overlay.png"), plane, labels)
    return Outcome(image, target, len(present), seconds, unanswered, covered, replaced)


def _labels_of(plane: NDArray[np.generic], job: Job) -> tuple[NDArray[np.int32], list[Selection]]:
    """Return the label image and, if there are prompts, what became of each; label i is the i-th's object."""
    limits = job.thresholds
    if job.prompts is None:
        found = job.model.segment(plane, imgsz=job.imgsz, conf=limits.conf, iou=limits.iou)
        found = found.filter(min_area=limits.min_area, max_area=limits.max_area)
        return found.to_labels(), []
    selections = answer(job.model, plane, job.prompts, imgsz=job.imgsz, **asdict(limits))
    return paint(selections, (plane.shape[0], plane.shape[1])), selections


def _provenance(image: Path, job: Job) -> dict[str, Any]:
    """Return how the labels came about, for the file that holds them."""
    prompts = job.prompts
    return {
        "version": __version__,
        "image": image.name,
        "plane": job.plane,
        "model": job.model.card.name,
        "model_sha256": sha256_of(job.model.path),
        "imgsz": job.imgsz,
        **asdict(job.thresholds),
        "prompts": None
        if prompts is None
        else {
            "points_yx": prompts.points.tolist(),
            "point_labels": prompts.point_labels.tolist(),
            "boxes_yxyx": prompts.boxes.tolist(),
        },
    }
