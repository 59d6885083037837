"""A recipe on many images: on dask workers, with what is finished kept, and a report at the end."""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from napari_fastsam.core.recipe import Recipe
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.lock import locked
from napari_fastsam.io.results.folders import clear_away, mend
from napari_fastsam.io.results.results import check_name, make_folder, unwritable
from napari_fastsam.model.weights.weights import find, sha256_of
from napari_fastsam.runs.outputs import reports_in, results_of, targets_of
from napari_fastsam.runs.records import (
    FOLDER,
    Making,
    Record,
    digests,
    parts_folder,
    read_record,
    record_path,
    write_record,
)
from napari_fastsam.runs.report import Row, sentence, write_report
from napari_fastsam.runs.tasks import RunTask, missing_parts, missing_tiles
from napari_fastsam.runs.work import do_image, do_part, encoder_sha256, in_tiles, model_of
from napari_fastsam.runs.workers import RunError, workers_of

__all__ = ["Row", "RunError", "run_recipe", "targets_of"]

AHEAD = 1000
"""Tasks that are given to workers before the first of them is done: a file may claim to have any number of planes."""


@dataclass
class _Work:
    """An image that is being worked on.

    Attributes
    ----------
    image, target
        What is read, and where its labels go.
    fingerprint
        Of the image, as it was looked at.
    parts
        Folder of planes and tiles.
    tasks
        How many there may be at once.
    left
        Planes and tiles that were not given to a worker yet.
    given
        Tasks of it that workers have.
    waits
        Whether it waits for its turn to give workers more.
    seconds
        How long they took for what is done.
    """

    image: Input
    target: Path
    fingerprint: str
    parts: Path
    tasks: int = 1
    left: Iterator[RunTask] = field(default_factory=lambda: iter(()))
    given: int = 0
    waits: bool = True
    seconds: float = 0.0

    def row(self, **of_status: Any) -> Row:
        """Return what is told of it."""
        return Row(str(self.image), str(self.target), **of_status)


def run_recipe(
    recipe: Recipe,
    images: Sequence[Input],
    folder: Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    force: bool = False,
    reads: Sequence[Path] = (),
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
        model, text encoder, image and results are as they were. It belongs to one run at a time.
    scheduler
        Address of a dask scheduler; None = workers on this computer for as long as it takes.
    workers
        How many of these; None = what processors and memory allow.
    force
        Do again what is finished.
    reads
        Files beside the images that must not be overwritten, such as the recipe's.
    on_start, on_done
        Called with the address of dask's dashboard, and after every image.

    Returns
    -------
    list of Row
        In the order of `images`. Also written to ``report.json`` and ``report.csv``.

    Raises
    ------
    FastSAMError
        If the run cannot begin, or the report cannot be written at its end. What goes wrong with an image, whatever it
        is, is told in its row.
    """
    asked = recipe.parameters
    read_as = {name: getattr(asked, name) for name in ("channels", "channel_limits", "scene", "pixel_size")}
    images = [replace(one, **read_as) for one in images]
    targets = targets_of(images, recipe, folder, reads)
    making, recipe = _made_with(recipe)  # what is wrong with a model is told once, and not by every worker
    make_folder(folder / FOLDER)
    busy = f"another run is writing into {folder}; wait for its end, or choose another folder with -o"
    with locked(folder / FOLDER / "lock", busy):
        _clear_away(folder, recipe, targets)
        rows: dict[int, Row] = {}

        def told(place: int, row: Row) -> None:
            rows[place] = row
            on_done(row)

        try:
            todo: dict[int, _Work] = {}
            for place, (image, target) in enumerate(zip(images, targets, strict=True)):
                begun = _begun(recipe, making, image, target, force)
                if isinstance(begun, Row):
                    told(place, begun)
                else:
                    todo[place] = begun
            if todo:
                with workers_of(scheduler, workers, sum(work.tasks for work in todo.values())) as client:
                    on_start(client.dashboard_link)
                    _RunningTasks(client, recipe, making, todo, told, elsewhere=scheduler is not None).until_done()
        finally:
            write_report(folder, [rows[place] for place in sorted(rows)])
    return [rows[place] for place in range(len(images))]


def _made_with(recipe: Recipe) -> tuple[Making, Recipe]:
    """Return what results are made with, and the recipe with the files of its networks named for every worker."""
    model = model_of(recipe.model)
    sha256, encoder, search = sha256_of(model.path), "", recipe.search
    if search is not None and search.texts:
        encoder = encoder_sha256(search.text_encoder)
        search = replace(search, text_encoder=_everywhere(search.text_encoder, find(search.text_encoder, "text")))
    part = replace(recipe.model, name=_everywhere(recipe.model.name, model.path), sha256=sha256)
    return Making(recipe.hash, sha256, encoder), replace(recipe, model=part, search=search)


def _everywhere(name: str, found: Path) -> str:
    """Return a name as it is, and a path as it can be followed from every folder."""
    return str(found) if Path(name).expanduser().absolute() == found else name


def _clear_away(folder: Path, recipe: Recipe, targets: Sequence[Path]) -> None:
    """Remove what a run that was killed had half written."""
    try:
        clear_away(folder, [*reports_in(folder), *(path for t in targets for path in results_of(t, recipe))])
        clear_away(folder / FOLDER, [record_path(target) for target in targets])
    except OSError as error:
        raise unwritable(folder, error) from error


def _begun(recipe: Recipe, making: Making, image: Input, target: Path, force: bool) -> _Work | Row:
    """Look at one image: what is to be done with it, or the row that says that nothing is."""
    try:
        for path in results_of(target, recipe):
            check_name(path)
        mend(target)
        fingerprint = image.fingerprint()
        record = None if force else read_record(target, making, fingerprint)
        if record is not None:
            numbers = (record.planes, record.objects, record.seconds)
            return Row(str(image), str(target), "kept", *numbers, remarks="; ".join(record.remarks))
        work = _Work(image, target, fingerprint, parts_folder(target, making, fingerprint))
        lengths, plane, _ = image.describe()
        image.check_whole()
        tiled = in_tiles(recipe, plane)
        linked = bool(lengths) and recipe.linking is not None
        if not linked and (tiled or lengths):
            if force:
                shutil.rmtree(work.parts, ignore_errors=True)
            make_folder(work.parts)
            work.tasks = math.prod(lengths) * (2 if tiled else 1)
            work.left = missing_parts(work.parts, lengths, tiled)
        return work
    except Exception as error:  # noqa: BLE001 - whatever an image raises is said of that image
        return Row(str(image), str(target), "failed", reason=sentence(error))


class _RunningTasks:
    """Tasks on their way: a plane each of stacks and a tile each of large planes, then an image each."""

    def __init__(
        self,
        client: Any,
        recipe: Recipe,
        making: Making,
        todo: Mapping[int, _Work],
        told: Callable[[int, Row], None],
        *,
        elsewhere: bool,
    ) -> None:
        self._client, self._recipe, self._making, self._todo, self._told = client, recipe, making, dict(todo), told
        self._elsewhere = elsewhere
        self._giving = deque(sorted(todo))
        self._asked: dict[Any, tuple[int, RunTask | None]] = {}

    def until_done(self) -> None:
        """Wait for all tasks; those of an image that failed are let go."""
        from distributed import as_completed

        in_turn: Any = as_completed  # not typed
        arriving = in_turn(self._more())
        for future in arriving:
            place, part = self._asked.pop(future)
            work = self._todo.get(place)
            if work is not None:  # else another part of it failed
                try:
                    self._arrived(place, work, part, future)
                except Exception as error:  # noqa: BLE001 - also a full disk, or a cluster that is gone
                    self._failed(place, work, error)
            future.release()
            for further in self._more():
                arriving.add(further)

    def _more(self) -> list[Any]:
        """Give workers tasks, as many as they may have; an image that was begun is finished before the next is."""
        given = []
        while self._giving and len(self._asked) < AHEAD:
            place = self._giving[0]
            work = self._todo.get(place)
            if work is None:  # it failed
                self._giving.popleft()
                continue
            try:
                part = next(work.left, None)
                if part is None:
                    self._giving.popleft()
                    work.waits = False
                    if work.given:  # it goes on when these are done
                        continue
                given.append(self._submit(place, work, part))
            except Exception as error:  # noqa: BLE001 - its parts cannot be read, or the cluster is gone
                self._failed(place, work, error)
        return given

    def _submit(self, place: int, work: _Work, part: RunTask | None) -> Any:
        image, target, folder = work.image, work.target, work.parts
        if self._elsewhere:  # where another folder is the current one
            image, target, folder = image.absolute(), target.absolute(), folder.absolute()
        task: tuple[Any, ...] = (
            (do_image, self._recipe, image, target, folder) if part is None
            else (do_part, self._recipe, image, part, folder)
        )  # fmt: skip
        future = self._client.submit(*task, pure=False, priority=-place)
        work.given += 1
        self._asked[future] = (place, part)
        return future

    def _arrived(self, place: int, work: _Work, part: RunTask | None, future: Any) -> None:
        """Take note of what a worker did; raises what it raised."""
        done = future.result()
        work.given -= 1
        work.seconds += done["seconds"]
        if part is None:
            self._done(place, work, done)
            return
        if part.kind == "plan":
            work.left = chain(missing_tiles(work.parts, part.index), work.left)
        if not work.waits and (part.kind == "plan" or not work.given):
            self._giving.appendleft(place)
            work.waits = True

    def _done(self, place: int, work: _Work, done: Mapping[str, Any]) -> None:
        outputs = digests(work.target.with_name(name) for name in done["results"])
        numbers = {"planes": done["planes"], "objects": done["objects"]}
        seconds = work.seconds
        try:
            write_record(
                work.target,
                Record(
                    self._making.key, work.fingerprint, outputs, seconds=seconds, remarks=done["remarks"], **numbers
                ),
            )
        except Exception as error:  # noqa: BLE001 - the disk is full; the result is there all the same
            reason = f"its labels were written, but not that they are finished: {sentence(error)}"
            row = work.row(status="failed", seconds=round(seconds, 3), reason=reason, **numbers)
        else:
            shutil.rmtree(work.parts, ignore_errors=True)
            row = work.row(status="done", seconds=round(seconds, 3), remarks="; ".join(done["remarks"]), **numbers)
        del self._todo[place]
        self._told(place, row)

    def _failed(self, place: int, work: _Work, error: Exception) -> None:
        del self._todo[place]
        self._told(place, work.row(status="failed", reason=sentence(error)))
