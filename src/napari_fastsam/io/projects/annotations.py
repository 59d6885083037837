"""The annotations of one image: files that other programs read, and a journal of what was done since.

The order in which they are written lets a process be killed at any moment. Features, prompts and the label image hold
the journal's outcome, each of them written whole; only then a new, empty journal takes the old one's place. Steps hold
what there is after them, so that an old journal on new files gives the same once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.objects.pixel_sums import numbers_in
from napari_fastsam.core.results.provenance import entries_of
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import FastSAMError, LabelsError
from napari_fastsam.files import read_json
from napari_fastsam.io.formats import registry
from napari_fastsam.io.projects.effort import PROVENANCE_KEY, effort_of
from napari_fastsam.io.projects.feature_tables import read_features, write_features
from napari_fastsam.io.projects.journal import Journal, read_journal
from napari_fastsam.io.projects.state import FILE as STATE
from napari_fastsam.io.projects.state import ImageState, read_state, write_state
from napari_fastsam.io.projects.steps import Annotation, AnnotationStep
from napari_fastsam.io.results.folders import clear_away
from napari_fastsam.io.results.results import make_folder, write_whole

LABELS, FEATURES, PROMPTS, JOURNAL = "labels.tif", "features.csv", "prompts.json", "journal.bin"
FILES = (STATE, LABELS, FEATURES, PROMPTS, JOURNAL)

_BASE, _SAVING = b"base ", b"saving "
"""How records begin that say which ``labels.tif`` the journal builds on, and which one its steps went into."""

NONE = "none"
"""In the place of a hash: there is no ``labels.tif``."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """The annotations of an image as they were found.

    Attributes
    ----------
    annotation
        With the steps of the journal.
    state
        How far the image is.
    steps
        How many steps the journal added to the files.
    notes
        Sentences about what is damaged or does not fit.
    """

    annotation: Annotation
    state: ImageState
    steps: int = 0
    notes: tuple[str, ...] = ()


class AnnotationFolder:
    """The folder with the annotations of one image.

    Parameters
    ----------
    path
        The folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal: Journal | None = None

    # ---------------------------------------------------------------- reading

    def load(self, writable: bool = True) -> Loaded:
        """Read the files, and put the steps of the journal in; what is damaged is left out and said.

        Parameters
        ----------
        writable
            Whether what cannot be used may be given another name; not where another window writes.
        """
        notes: list[str] = []
        state = _or_note(lambda: read_state(self.path), ImageState(), notes)
        features = _or_note(lambda: read_features(self.path / FEATURES, state.columns), None, notes)
        prompts = _or_note(self._read_prompts, {}, notes)
        annotation = Annotation(None, features, prompts, dict(state.metadata))
        labels_hash = self._read_labels(annotation, state, notes, writable)
        steps = self._restore(annotation, labels_hash, notes, writable)
        if steps or labels_hash != (state.labels or NONE):  # the state is older than the labels
            objects = 0 if annotation.labels is None else count_objects(annotation.labels)
            is_begun = state.state == "untouched" and (objects or steps)
            state = replace(state, objects=objects, state="in work" if is_begun else state.state)
        return Loaded(annotation, state, steps, tuple(notes))

    def _read_labels(self, annotation: Annotation, state: ImageState, notes: list[str], writable: bool) -> str:
        path = self.path / LABELS
        if not path.exists():
            return NONE
        try:
            labels, found = registry.read_labels(path).label_image(), _hash(path)
            # another program's numbers may not fit into the type that ours had
            annotation.labels = labels.astype(state.dtype) if found == state.labels else labels
            return found
        except (FastSAMError, OSError) as error:
            kept = _put_aside(path) if writable else path
            notes.append(f"{path} cannot be read ({error}); it lies in {kept}.")
            return "damaged"

    def _read_prompts(self) -> dict[str, Any]:
        path = self.path / PROMPTS
        content = read_json(path, "a file of prompts", LabelsError) if path.exists() else {}
        return dict(content) if isinstance(content, dict) else {}

    def _restore(self, annotation: Annotation, labels_hash: str, notes: list[str], writable: bool) -> int:
        """Put the steps of the journal into annotations; returns how many."""
        journal = self.path / JOURNAL
        content = read_journal(journal)
        if content.lost:
            notes.append(
                f"{journal} is damaged: what was done before that place is restored, {content.lost} later "
                "steps are not."
            )
        records = _steps_on(content.records, labels_hash)
        if records is None:
            kept = _put_aside(journal) if writable else journal
            notes.append(
                f"{self.path / LABELS} was changed by something else since: what the journal holds is not put on top "
                f"of it, and lies in {kept}."
            )
            return 0
        count = 0
        for record in records:
            try:
                annotation.apply(AnnotationStep.from_bytes(record))
            except (LabelsError, IndexError, ValueError) as error:
                notes.append(f"{journal}: step {count + 1} cannot be put in ({error}); the steps before it are.")
                break
            count += 1
        return count

    # ---------------------------------------------------------------- writing

    @property
    def journal_bytes(self) -> int:
        """Bytes that the journal takes."""
        return 0 if self._journal is None else self._journal.nbytes

    def append(self, step: AnnotationStep) -> None:
        """Add a step to the journal.

        Raises
        ------
        OutputError
            If it cannot be written; nothing of it is in the journal then.
        """
        self._opened().append(step.to_bytes())

    def sync(self) -> None:
        """Have the journal written to the disk. Raises OutputError if that fails."""
        if self._journal is not None:
            self._journal.sync()

    def save(
        self, annotation: Annotation, state: ImageState, scale: Scale | None = None, image: str = ""
    ) -> ImageState:
        """Write annotations whole, and begin the journal anew.

        Parameters
        ----------
        annotation
            What there is.
        state
            How far the image is; what the files say of the annotations is put in.
        scale
            Of the label image's axes, for other programs; None = pixels.
        image
            What the image is called.

        Returns
        -------
        ImageState
            What was written.

        Raises
        ------
        OutputError
            If a file cannot be written; what is in memory, and the journal, are there still.
        """
        make_folder(self.path)
        journal = self._opened()
        columns = self._write_features(annotation)
        text = json.dumps(annotation.prompts, indent=1) + "\n"
        write_whole(self.path / PROMPTS, lambda file: file.write_text(text, encoding="utf-8"))
        labels = annotation.labels
        state = replace(state, columns=columns, metadata=annotation.metadata)
        if labels is not None:
            state = replace(state, objects=count_objects(labels), dtype=str(labels.dtype), effort=effort_of(annotation))
            result = _result(annotation, scale, image)
            state = replace(state, labels=self._write_labels(result, journal))
        write_state(self.path, state)
        journal.begin_anew([_BASE + (state.labels or NONE).encode()])
        return state

    def write_state(self, state: ImageState) -> None:
        """Write how far the image is, and nothing else. Raises OutputError if that fails."""
        make_folder(self.path)
        write_state(self.path, state)

    def discard_journal(self) -> None:
        """Forget the steps since the files were written. Raises OutputError if that fails."""
        labels = self.path / LABELS
        self._opened().begin_anew([_BASE + (_hash(labels) if labels.exists() else NONE).encode()])

    def close(self) -> None:
        """Let go of the journal."""
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()

    def _opened(self) -> Journal:
        if self._journal is None:
            make_folder(self.path)
            labels = self.path / LABELS
            clear_away(self.path, [self.path / name for name in (*FILES, f".{LABELS}")])
            self._journal = Journal(self.path / JOURNAL)
            if not self._journal.nbytes:
                self._journal.append(_BASE + (_hash(labels) if labels.exists() else NONE).encode())
        return self._journal

    def _write_features(self, annotation: Annotation) -> dict[str, str]:
        """Write the features, if there are any; returns the types of their columns."""
        if annotation.features is None or not len(annotation.features.columns):
            (self.path / FEATURES).unlink(missing_ok=True)
            return {}
        return write_features(self.path / FEATURES, annotation.features)

    def _write_labels(self, result: SegmentationResult, journal: Journal) -> str:
        """Write the label image, the journal knowing its hash before it is there; returns the hash."""
        path, hashes = self.path / LABELS, list[str]()
        whole = path.with_name(f".{LABELS}")

        def write(file: Path) -> None:
            registry.writer("tiff").write(result, whole)
            whole.replace(file)
            hashes.append(_hash(file))
            journal.append(_SAVING + hashes[0].encode())

        try:
            write_whole(path, write)
        finally:
            with suppress(OSError):
                whole.unlink(missing_ok=True)
        return hashes[0]


def count_objects(labels: Any) -> int:
    """Return how many labels a label image has."""
    return len(numbers_in(labels))


def _steps_on(records: Sequence[bytes], labels_hash: str) -> list[bytes] | None:
    """Return the steps of a journal that builds on a label image, or went into it; None if it is another one's."""
    steps = [record for record in records if not record.startswith((_BASE, _SAVING))]
    known = {record.split(b" ", 1)[1] for record in records if record.startswith((_BASE, _SAVING))}
    return steps if labels_hash.encode() in known or not steps else None


def _result(annotation: Annotation, scale: Scale | None, image: str) -> SegmentationResult:
    """Return the label image with what other programs can know of it."""
    labels = annotation.labels
    assert labels is not None  # noqa: S101 - for mypy: whoever calls has some
    axes = scale or Scale.unknown([*(f"axis{i}" for i in range(labels.ndim - 2)), "y", "x"])
    place = (None,) * (labels.ndim - 2)
    table = annotation.features
    rows = [] if table is None or "index" not in table else table.to_dict("records")
    objects = [one for row in rows if (one := ResultObject.from_row(row, place)) is not None]
    return SegmentationResult(
        ArrayLabels(labels), objects, axes, entries_of(annotation.metadata.get(PROVENANCE_KEY)), image
    )


def _put_aside(path: Path) -> Path:
    """Give a file a name under which it is neither used nor overwritten."""
    number = 1
    while (kept := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    with suppress(OSError):
        path.rename(kept)
    return kept


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def _or_note(read: Callable[[], Any], otherwise: Any, notes: list[str]) -> Any:
    try:
        return read()
    except (FastSAMError, OSError) as error:
        notes.append(f"{error}.")
        return otherwise
