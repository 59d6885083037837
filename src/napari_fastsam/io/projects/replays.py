"""Labels that were made again, beside those that there are, until somebody takes them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.judging.replay import OUTCOMES, Change
from napari_fastsam.errors import LabelsError
from napari_fastsam.files import read_json
from napari_fastsam.io.projects.annotations import AnnotationFolder
from napari_fastsam.io.projects.feature_tables import known_cells
from napari_fastsam.io.projects.project import REPLAY
from napari_fastsam.io.projects.state import ImageState
from napari_fastsam.io.projects.steps import Annotation
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.io.results.tables import number, write_csv

if TYPE_CHECKING:
    import pandas as pd

FOLDER, FILE = REPLAY, "replay.json"

HEADER = ("image", "label", "outcome", "iou", "area_before", "area_after")


@dataclass(frozen=True, eq=False)
class StoredReplay:
    """What labels are when they are made again.

    Attributes
    ----------
    annotation
        All of it.
    changes
        What became of each object.
    of
        `annotation_hash` of what there was.
    """

    annotation: Annotation
    changes: tuple[Change, ...]
    of: str


def annotation_hash(labels: NDArray[np.integer], features: pd.DataFrame | None) -> str:
    """Return what is equal for equal label images with equal rows of features, in whatever order these are."""
    found = hashlib.sha256(repr((labels.shape, str(labels.dtype))).encode())
    found.update(np.ascontiguousarray(labels).data)
    if features is not None and len(features):
        names = sorted(map(str, features.columns))
        rows = zip(*(map(_told_alike, known_cells(features[name])) for name in names), strict=True)
        found.update(repr((names, sorted(rows))).encode(errors="surrogateescape"))
    return found.hexdigest()


def _told_alike(cell: Any) -> str:
    """Return a cell as a text that is the same for what a table of features in a file tells alike."""
    if cell is None:
        return ""
    return repr(float(cell)) if isinstance(cell, int | float | np.number) and not isinstance(cell, bool) else str(cell)


def write_replay(folder: Path, stored: StoredReplay, scale: Scale, image: str) -> None:
    """Write labels that were made again beside an image's annotations; earlier ones are replaced.

    Parameters
    ----------
    folder
        Of the annotations.
    stored
        What is written.
    scale
        Of the label image.
    image
        What the image is called.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    discard_replay(folder)
    kept = AnnotationFolder(folder / FOLDER)
    try:
        kept.save(stored.annotation, ImageState(), scale, image)
    finally:
        kept.close()
    content = {"of": stored.of, "changes": [asdict(change) for change in stored.changes]}
    text = json.dumps(content) + "\n"
    write_whole(folder / FOLDER / FILE, lambda file: file.write_text(text, encoding="utf-8"))


def read_replay(folder: Path) -> StoredReplay | None:
    """Read what `write_replay` wrote; None if nothing was, or not all of it.

    Raises
    ------
    LabelsError
        If it is damaged.
    """
    path = folder / FOLDER / FILE
    if not path.exists():
        return None
    content: Any = read_json(path, "labels that were made again", LabelsError)
    try:
        changes = tuple(Change(**change) for change in content["changes"])
        of = str(content["of"])
    except (KeyError, TypeError) as error:
        raise LabelsError(f"{path} is damaged ({error}); make the labels again") from error
    loaded = AnnotationFolder(folder / FOLDER).load(writable=False)
    if loaded.notes or loaded.annotation.labels is None:
        raise LabelsError(f"{folder / FOLDER} is damaged; make the labels again")
    return StoredReplay(loaded.annotation, changes, of)


def discard_replay(folder: Path) -> None:
    """Forget labels that were made again; where there are none, nothing happens."""
    (folder / FOLDER / FILE).unlink(missing_ok=True)  # first: without it nobody reads the others
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def write_changes(path: Path, images: Iterable[tuple[str, Sequence[Change]]]) -> None:
    """Write what became of each object as CSV: a row an object, those of an image that are to be looked at first.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    rows = (
        [name, change.label, change.outcome, number(change.iou), change.area_before, change.area_after]
        for name, changes in images
        for change in sorted(changes, key=lambda change: (OUTCOMES.index(change.outcome), change.iou, change.label))
    )
    write_csv(path, HEADER, rows)


def told(changes: Iterable[Change]) -> str:
    """Say in a few words what became of objects: ``3 changed, 1 gone, 140 same``."""
    counts = Counter(change.outcome for change in changes)
    words = {outcome: "kept as corrected or drawn by hand" if outcome == "kept" else outcome for outcome in OUTCOMES}
    return ", ".join(f"{counts[outcome]} {words[outcome]}" for outcome in OUTCOMES if counts[outcome]) or "no object"
