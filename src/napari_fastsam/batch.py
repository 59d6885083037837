"""The same question to many image files: images in, results out."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.channels import COLOURED
from napari_fastsam.core.image.quality import doubts, summed_up
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.searches import SearchQuery
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.formats.registry import Format, writer
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.images.ome_zarr import is_zarr
from napari_fastsam.io.results.overwriting import check_overwriting
from napari_fastsam.io.results.results import check_name, names_for
from napari_fastsam.model.asking.beside import OtherProposals
from napari_fastsam.model.asking.plane_scale import PlaneLike
from napari_fastsam.model.asking.segment import paint, segment
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.correcting.weights import default_corrector
from napari_fastsam.model.network.segmenter import Model
from napari_fastsam.model.weights.weights import sha256_of
from napari_fastsam.runs.proposals import read_proposals
from napari_fastsam.version import __version__


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
    formats
        What is written, by name; see `io.formats`.
    search, text_encoder
        How like a text or the examples an object must be, and what compares words with objects.
    text_encoder_name
        What the latter is called.
    channels
        Which channels of an image are seen, together as colours, by position or name; empty = those of a colour image.
    contrast_limits
        Intensities that are shown as black and white; None = as the model has it.
    scene, pixel_size
        As in `Input`.
    classes
        Whether all objects of a text get one number, that of the text, from 1; those of the examples the next.
    refine
        Whether clicks correct the objects at prompts.
    fine_edges
        Whether the correcting network draws the edges of proposed objects anew.
    others
        A file of labels, or a folder with one for each image, whose objects are proposals beside the network's.
    """

    model: Model
    prompts: Prompts | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    imgsz: int | None = None
    plane: tuple[int, ...] | None = None
    formats: tuple[str, ...] = ("tiff",)
    search: Search = field(default_factory=Search)
    text_encoder: TextEncoder | None = None
    text_encoder_name: str | None = None
    classes: bool = False
    refine: bool = True
    fine_edges: bool = False
    channels: tuple[int | str, ...] = ()
    contrast_limits: tuple[float, float] | None = None
    scene: int | None = None
    pixel_size: float | None = None
    others: Path | None = None

    def source(self, image: Path) -> Input:
        """Return an image as it is to be read."""
        return Input(image, channels=self.channels, scene=self.scene, pixel_size=self.pixel_size)


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes
    ----------
    image
        Its file.
    labels
        The file that was written; of several formats the first.
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
    alike
        How many objects each text, and the examples, have found.
    refined
        Prompts with objects that clicks changed, or drew; each says how.
    remarks
        What should be known of the image before its result is believed.
    """

    image: Path
    labels: Path
    objects: int
    seconds: float
    unanswered: tuple[Selection, ...]
    covered: tuple[Selection, ...]
    replaced: bool
    alike: Mapping[str, int] = field(default_factory=dict)
    refined: tuple[Selection, ...] = ()
    remarks: tuple[str, ...] = ()


def targets_for(
    images: Sequence[Path],
    folder: Path,
    *,
    formats: Sequence[str] = ("tiff",),
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
) -> dict[Path, Path]:
    """Return the first result of each image, all different; an image that is named twice is there once.

    Parameters
    ----------
    images, folder
        What is segmented, and where results go.
    formats
        What is written, by name; of each image one file a format.
    reads, writes
        Other files that are read, and written.

    Raises
    ------
    ParameterError
        If there is no such format, if a file that will be written is one that is read, or if two would be one.
    """
    chosen = [writer(name) for name in formats]
    once = list({os.path.realpath(image): image for image in images}.values())
    targets = {image: folder / f"{name}{chosen[0].ending}" for image, name in zip(once, names_for(once), strict=True)}
    written = [path for target in targets.values() for path in _files(target, chosen).values()]
    # folders are refused when they are read; what has too long a name is none
    files = [image for image in once if not os.path.isdir(image) or is_zarr(image)]
    check_overwriting([*written, *writes], [*files, *reads])
    return targets


def segment_file(image: Path, target: Path, job: Job) -> Outcome:
    """Find the objects of one image file and write them in all formats that the job asks for.

    Parameters
    ----------
    image
        What to read.
    target
        The file of the first format, ``…_labels.tif``; those of others lie beside it, ``…_overlay.png``.
    job
        What to do.

    Raises
    ------
    FastSAMError
        If the image cannot be read or segmented, or the results cannot be written.
    """
    source = job.source(image)
    plane = source.plane(job.plane)
    files = _files(target, [writer(name) for name in job.formats])
    for path in files.values():
        check_name(path)
    shape = plane.shape[0], plane.shape[1]
    others = None if job.others is None else read_proposals(job.others, image, shape, job.plane or ())
    start = time.perf_counter()
    labels, numbered, objects = _labels_of(plane, job, others)
    seconds = time.perf_counter() - start
    present = set(np.unique(labels).tolist()) - {0}
    unanswered = tuple(s for s, _ in numbered if not s.found)
    covered = tuple(s for s, number in numbered if s.found and number not in present)
    replaced = target.exists()
    result = SegmentationResult(
        ArrayLabels(labels),
        objects,
        source.describe().scale.subset((-2, -1)),
        (_provenance(image, job),),
        image.name,
        lambda _: np.asarray(plane[:, :]),
    )
    for kind, path in files.items():
        kind.write(result, path)
    alike = Counter(s.query.name for s, _ in numbered if s.found and isinstance(s.query, SearchQuery))
    count = len(present) if not job.classes else len(numbered) - len(unanswered)
    refined = tuple(s for s, _ in numbered if s.refined and s.found)
    found = [("", doubt) for doubt in doubts(plane, job.contrast_limits, job.model.card.window)]
    remarks = (*source.remarks(), *summed_up(found, 1))
    return Outcome(image, target, count, seconds, unanswered, covered, replaced, alike, refined, remarks)


def _files(target: Path, formats: Sequence[Format]) -> dict[Format, Path]:
    """Return where each format of an image goes, the first into `target`."""
    first, *others = dict.fromkeys(formats)
    name = target.name.removesuffix(first.ending)
    return {first: target} | {other: target.with_name(name + other.ending) for other in others}


def _labels_of(
    plane: PlaneLike, job: Job, others: OtherProposals | None
) -> tuple[NDArray[np.int32], list[tuple[Selection, int]], list[ResultObject]]:
    """Return the label image; if there are prompts, what became of each, with its number; and what is found."""
    limits = COLOURED if len(job.channels) > 1 else job.contrast_limits
    shown = {"imgsz": job.imgsz, "contrast_limits": limits}
    asked = {**asdict(job.thresholds), **shown, "fine_edges": job.fine_edges, "others": others}
    if job.prompts is None:
        found = segment(job.model, plane, **asked)
        objects = [ResultObject(number, score) for number, score in enumerate(found.scores.tolist(), start=1)]
        return np.asarray(found.to_labels()), [], objects
    selections = segment(
        job.model,
        plane,
        job.prompts,
        **asked,
        text_encoder=job.text_encoder,
        text_threshold=job.search.text_threshold,
        text_best=job.search.best_only,
        example_threshold=job.search.example_threshold,
        refine=job.refine,
    )
    numbers = _numbers(selections, job)
    numbered = list(zip(selections, numbers, strict=True))
    told = [_told(s, number, own_mask=job.classes) for s, number in numbered if s.found]
    return paint(selections, (plane.shape[0], plane.shape[1]), numbers), numbered, told


def _numbers(selections: Sequence[Selection], job: Job) -> list[int]:
    """Return the number of each selection's object: its place, from 1; with classes those of texts come first."""
    if not job.classes or job.prompts is None:
        return list(range(1, len(selections) + 1))
    classes = len(job.prompts.search_queries)
    return [
        s.query.class_number if isinstance(s.query, SearchQuery) else classes + place
        for place, s in enumerate(selections, start=1)
    ]


def _told(selection: Selection, number: int, *, own_mask: bool) -> ResultObject:
    """Return what is told of the object of a prompt, or of one that was searched for."""
    query = selection.query
    searched = isinstance(query, SearchQuery)
    return ResultObject(
        number,
        selection.score,
        query.name if isinstance(query, SearchQuery) else "",
        str(selection.prompt),
        selection.reason,
        float(selection.fits[selection.chosen]) if searched else math.nan,
        mask=selection.crop if own_mask else None,
    )


def _provenance(image: Path, job: Job) -> Provenance:
    """Return how the labels came about, for the files that hold them."""
    prompts, search = job.prompts, job.search
    searched = prompts is not None and bool(prompts.searches)
    return Provenance(
        version=__version__,
        image=image.name,
        plane=job.plane,
        channels=job.channels,
        contrast_limits=job.contrast_limits,
        contrast=job.model.card.window if job.contrast_limits is None else None,
        scene=job.scene,
        pixel_size=job.pixel_size,
        model=job.model.card.name,
        model_sha256=sha256_of(job.model.path),
        task="everything" if prompts is None else "prompts",
        imgsz=job.imgsz,
        **asdict(job.thresholds),
        prompts=None if prompts is None else prompts.to_json(),
        refine=None if prompts is None else job.refine,
        fine_edges=job.fine_edges,
        others=None if job.others is None else job.others.name,
        corrector=default_corrector().name if prompts is not None and job.refine else None,
        text_encoder=job.text_encoder_name if prompts is not None and prompts.texts else None,
        text_threshold=search.text_threshold if searched else None,
        text_best=search.best_only if searched else None,
        example_threshold=search.example_threshold if searched else None,
        classes=job.classes if searched else None,
    )
