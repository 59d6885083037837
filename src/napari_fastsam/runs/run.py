"""A recipe on many images: on dask workers, with what is finished kept, and a report at the end."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_fastsam.core.recipe import Recipe
from napari_fastsam.errors import FastSAMError, ParameterError
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.results.results import make_folder, names_for, write_whole
from napari_fastsam.runs.parts import Index, Part
from napari_fastsam.runs.records import FOLDER, Record, digest, read_record, write_record
from napari_fastsam.runs.work import do_image, do_part, in_tiles, model_of

Status = Literal["done", "kept", "failed"]

WORKER_BYTES = 2_000_000_000
"""What a worker needs: torch, a model, and planes of a few million pixels."""

RETRIES = 2
"""How often an image may take its worker with it before it is given up."""


class RunError(FastSAMError):
    """A run cannot begin."""


@dataclass(frozen=True)
class Row:
    """What became of one image.

    Attributes
    ----------
    image, labels
        What was read, and what was written.
    status
        "kept" = it was finished before.
    planes, objects, seconds
        What was found, and how long a worker took.
    reason
        Why it failed.
    """

    image: str
    labels: str
    status: Status
    planes: int = 0
    objects: int = 0
    seconds: float = 0.0
    reason: str = ""


@dataclass
class _Work:
    """An image that is being worked on."""

    image: Input
    target: Path
    fingerprint: str
    parts: Path
    waiting: set[Part] = field(default_factory=set)
    seconds: float = 0.0

    def missing(self, index: Index) -> set[Part]:
        """Return the tiles of a large plane that were not seen yet."""
        tiles = Part("plan", index).tiles(self.parts)
        return {tile for tile in tiles if not tile.is_whole(self.parts)}


def targets_of(images: Sequence[Input], recipe: Recipe, folder: Path) -> list[Path]:
    """Return where the labels of each image go, all different.

    Raises
    ------
    ParameterError
        If two images would have the same, or one would be overwritten.
    """
    ending = "_labels.zarr" if recipe.output.format == "zarr" else "_labels.tif"
    # as if each were a file of its own beside the others, also the fields of a plate
    names = names_for([image.path.with_name(image.name + image.path.suffix) for image in images])
    targets = [folder / f"{name}{ending}" for name in names]
    inputs = {image.path.absolute() for image in images}
    for target in targets:
        if target.absolute() in inputs:
            raise ParameterError(f"{target} is an image to segment and would be overwritten; choose another folder")
    return targets


def run_recipe(
    recipe: Recipe,
    images: Sequence[Input],
    folder: Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    force: bool = False,
    on_start: Callable[[str], object] = lambda dashboard: None,
    on_done: Callable[[Row], object] = lambda row: None,
) -> list[Row]:
    """Segment images by a recipe.

    Parameters
    ----------
    recipe, images
        What to do, with what.
    folder
        Where results go; they appear there whole or not at all. What a run before this one finished is kept if recipe,
        image and result are as they were.
    scheduler
        Address of a dask scheduler; None = workers on this computer for as long as it takes.
    workers
        How many of these; None = what processors and memory allow.
    force
        Do again what is finished.
    on_start, on_done
        Called with the address of dask's dashboard, and after every image.

    Returns
    -------
    list of Row
        In the order of `images`. Also written to ``report.json`` and ``report.csv``.

    Raises
    ------
    FastSAMError
        If the run cannot begin. What goes wrong with an image is told in its row.
    """
    make_folder(folder)
    model_of(recipe.model)  # what is wrong with the model is told once, and not by every worker
    targets = targets_of(images, recipe, folder)
    rows: dict[int, Row] = {}

    def told(place: int, row: Row) -> None:
        rows[place] = row
        on_done(row)

    try:
        todo: dict[int, _Work] = {}
        for place, (image, target) in enumerate(zip(images, targets, strict=True)):
            row, work = _begun(recipe, image, target, force)
            if work is None:
                told(place, row)
            else:
                todo[place] = work
        if todo:
            with _client(scheduler, workers, sum(_tasks(work) for work in todo.values())) as client:
                on_start(client.dashboard_link)
                _Run(client, recipe, todo, told).until_done()
    finally:
        _report(folder, [rows[place] for place in sorted(rows)])
    return [rows[place] for place in range(len(images))]


def _begun(recipe: Recipe, image: Input, target: Path, force: bool) -> tuple[Row, _Work | None]:
    """Look at one image: what is to be done with it, or the row that says that nothing is."""
    row = Row(str(image), str(target), "failed")
    try:
        fingerprint = image.fingerprint()
        record = None if force else read_record(target, recipe.hash, fingerprint)
        if record is not None:
            return Row(str(image), str(target), "kept", record.planes, record.objects, record.seconds), None
        parts = target.parent / FOLDER / f"{target.name}-{recipe.hash[:12]}-{fingerprint}"
        work = _Work(image, target, fingerprint, parts)
        lengths, plane, _ = image.describe()
        tiled = in_tiles(recipe, plane)
        linked = bool(lengths) and recipe.linking is not None
        if not linked and (tiled or lengths):
            if force:
                shutil.rmtree(work.parts, ignore_errors=True)
            work.parts.mkdir(parents=True, exist_ok=True)
            work.waiting = _to_do(work, tiled, lengths)
        return row, work
    except (FastSAMError, OSError) as error:
        return Row(**{**asdict(row), "reason": _sentence(error)}), None


def _to_do(work: _Work, tiled: bool, lengths: Sequence[int]) -> set[Part]:
    """Return the parts of an image with which work on it begins, or goes on."""
    waiting: set[Part] = set()
    for index in np.ndindex(*lengths):
        part = Part("plan" if tiled else "plane", index)
        if not part.is_whole(work.parts):
            waiting.add(part)
        elif tiled:
            waiting |= work.missing(index)
    return waiting


def _tasks(work: _Work) -> int:
    """Return how many tasks of an image may run at once, at least."""
    return len(work.waiting) + sum(part.kind == "plan" for part in work.waiting) or 1


class _Run:
    """Tasks on their way: a plane each of stacks and a tile each of large planes, then an image each."""

    def __init__(
        self, client: Any, recipe: Recipe, todo: Mapping[int, _Work], told: Callable[[int, Row], None]
    ) -> None:
        self._client, self._recipe, self._todo, self._told = client, recipe, dict(todo), told
        self._asked: dict[Any, tuple[int, Part | None]] = {}

    def until_done(self) -> None:
        """Wait for all tasks; those of an image that failed are let go."""
        from distributed import as_completed

        in_turn: Any = as_completed  # not typed
        first: list[Any] = []
        for place, begun in self._todo.items():
            first += self._parts(place, begun.waiting) or [self._image(place)]
        arriving = in_turn(first)
        for future in arriving:
            place, part = self._asked.pop(future)
            work = self._todo.get(place)
            if work is None:  # another part of it failed
                continue
            error = future.exception()
            if error is not None:
                self._failed(place, work, error)
            elif part is None:
                self._done(place, work, future.result())
            else:
                for further in self._part_done(place, work, part, future.result()):
                    arriving.add(further)
            future.release()

    def _part_done(self, place: int, work: _Work, part: Part, said: Mapping[str, Any]) -> list[Any]:
        """Take note of a part; the tasks that follow from it."""
        work.seconds += said["seconds"]
        work.waiting.discard(part)
        tiles = work.missing(part.index) if part.kind == "plan" else set()
        work.waiting |= tiles
        return self._parts(place, tiles) if work.waiting else [self._image(place)]

    def _parts(self, place: int, parts: Iterable[Part]) -> list[Any]:
        work, ordered = self._todo[place], sorted(parts, key=lambda part: (part.index, part.number))
        return [self._submit(place, part, do_part, self._recipe, work.image, part, work.parts) for part in ordered]

    def _image(self, place: int) -> Any:
        work = self._todo[place]
        return self._submit(place, None, do_image, self._recipe, work.image, work.target, work.parts)

    def _submit(self, place: int, part: Part | None, task: Callable[..., Any], *given: Any) -> Any:
        # an image that was begun is finished before the next is begun
        future = self._client.submit(task, *given, pure=False, priority=-place)
        self._asked[future] = (place, part)
        return future

    def _done(self, place: int, work: _Work, said: Mapping[str, Any]) -> None:
        seconds = work.seconds + said["seconds"]
        record = Record(
            self._recipe.hash, work.fingerprint, digest(work.target), said["objects"], said["planes"], seconds
        )
        write_record(work.target, record)
        shutil.rmtree(work.parts, ignore_errors=True)
        del self._todo[place]
        self._told(
            place, Row(str(work.image), str(work.target), "done", record.planes, record.objects, round(seconds, 3))
        )

    def _failed(self, place: int, work: _Work, error: BaseException) -> None:
        del self._todo[place]
        self._told(place, Row(str(work.image), str(work.target), "failed", reason=_sentence(error)))


@contextmanager
def _client(scheduler: str | None, workers: int | None, tasks: int) -> Iterator[Any]:
    """Give a client of dask's: of a scheduler that is there, or of workers that live as long as the block."""
    import dask
    import distributed

    typed: Any = distributed  # it is not
    settings = {
        "distributed.scheduler.allowed-failures": RETRIES,
        # a worker's memory is torch's, which dask cannot spill
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
    }
    with dask.config.set(settings):
        if scheduler is not None:
            try:
                client = typed.Client(scheduler, timeout="10s")
            except (OSError, ValueError, TimeoutError) as error:
                raise RunError(
                    f"no dask scheduler answers at {scheduler} ({_sentence(error)}); start one with `dask scheduler`, "
                    "or leave --scheduler out"
                ) from error
            with client:
                yield client
            return
        processors = os.cpu_count() or 1
        count = workers or max(1, min(processors, tasks, _memory() // WORKER_BYTES))
        threads = str(max(1, processors // count))
        environment = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": environment}),
            typed.LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=":0", silence_logs=50, host="127.0.0.1"
            ) as cluster,
            typed.Client(cluster) as client,
        ):
            yield client


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not everywhere
        return 8_000_000_000


def _report(folder: Path, rows: Sequence[Row]) -> None:
    """Write what became of every image, as JSON and as a table."""
    content = [asdict(row) for row in rows]
    write_whole(folder / "report.json", lambda file: file.write_text(json.dumps(content, indent=2) + "\n"))

    def table(file: Path) -> None:
        with file.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, [f.name for f in fields(Row)])
            writer.writeheader()
            writer.writerows(content)

    write_whole(folder / "report.csv", table)


def _sentence(error: BaseException) -> str:
    """Return what went wrong as one line."""
    if type(error).__name__ == "KilledWorker":
        return (
            f"the worker was killed {RETRIES + 1} times while it worked on this image; is there enough memory for it?"
        )
    said = " ".join(str(error).split())
    return said if isinstance(error, FastSAMError) else f"{type(error).__name__}: {said}"
