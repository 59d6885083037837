"""What a worker does: one plane or one image by a recipe. The same labels as in the dock, bit for bit."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.quality import doubts, summed_up
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.core.planes.tiling import Canvas, Tiling
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import QueryResult, search
from napari_fastsam.core.recipe import ModelPart, Recipe, RecipeError, SearchPart
from napari_fastsam.core.results.result import Index, ResultObject, SegmentationResult
from napari_fastsam.errors import ImageError
from napari_fastsam.io.exemplars import exemplars_from
from napari_fastsam.io.images.images import every_index
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.model.asking.beside import OtherProposals
from napari_fastsam.model.asking.descriptors import Descriptors, descriptors_of, no_descriptors
from napari_fastsam.model.asking.fine_edges import polish_instances
from napari_fastsam.model.asking.plane_scale import is_large, plane_shape
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.segment import paint as paint_selections
from napari_fastsam.model.asking.segment import predict
from napari_fastsam.model.asking.stack import linked, start_stack
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import TileDetections, TilePlan, gather, plan_tiles, segment_tile
from napari_fastsam.model.correcting.weights import default_corrector
from napari_fastsam.model.network.segmenter import Model, load_model
from napari_fastsam.model.weights.weights import find, sha256_of
from napari_fastsam.runs.classes import with_classes
from napari_fastsam.runs.outputs import files_of
from napari_fastsam.runs.proposals import read_proposals
from napari_fastsam.runs.tasks import (
    PlaneLabels,
    RunTask,
    read_detections,
    read_plan,
    read_plane,
    scored,
    write_detections,
    write_plan,
    write_plane,
)
from napari_fastsam.runs.writing import RunLabels, provenance_of, write_results

_ROWS = 512
"""Rows of a large label image that are renumbered together."""

_loaded: dict[ModelPart, Model] = {}
_encoders: dict[tuple[str, str], TextEncoder] = {}
_loading = threading.Lock()


def model_of(part: ModelPart) -> Model:
    """Return the model of a recipe, loaded once a process.

    Raises
    ------
    RecipeError
        If the file of that name is not the one that the recipe was made with.
    """
    with _loading:
        if part not in _loaded:
            # before it is opened: a file that is not the one that was meant is not even read
            if part.sha256 and sha256_of(find(part.name)) != part.sha256.casefold():
                raise RecipeError(
                    f"the recipe was made with another {part.name!r}, whose SHA-256 begins with {part.sha256[:12]}; "
                    "get that file, or save the recipe again with the model that is here"
                )
            _loaded[part] = load_model(part.name)
        return _loaded[part]


def network_of(recipe: Recipe) -> Model:
    """Return the model of a recipe with the intensity window that it asks for; errors are those of `model_of`."""
    model, rule = model_of(recipe.model), recipe.parameters.contrast
    return model if rule is None else model.shown_by(rule)


def segment_plane(recipe: Recipe, plane: Any, labels: Any = None, others: OtherProposals | None = None) -> PlaneLabels:
    """Find the objects of one plane.

    Parameters
    ----------
    recipe
        What to do.
    plane
        (Y, X) or (Y, X, 3 | 4); read by rectangles where it is large.
    labels
        Where a large plane's labels go; None = into memory.
    others
        What another program found on it.
    """
    model, asked = network_of(recipe), recipe.parameters
    thresholds, tiling = _asked(model, recipe)
    if recipe.prompts is not None:
        return _at_prompts(recipe, Prompts.from_json(recipe.prompts), plane, others)
    if in_tiles(recipe, plane_shape(plane)):
        if asked.fine_edges:
            raise RecipeError("the recipe has fine_edges and the plane is seen in tiles; leave fine_edges out")
        if others is not None:
            raise RecipeError("the recipe has proposals and the plane is seen in tiles; leave proposals out")
        plan = plan_tiles(model, plane, tiling, thresholds, asked.shown_limits, first=recipe.tiling.first)
        descriptors = _descriptors(recipe)
        pieces = (segment_tile(model, plane, plan, piece, descriptors) for piece in plan.pieces())
        return _put_together(recipe, plan, pieces, labels)
    predicted = _predicted(recipe, plane, others)
    found = predicted.objects(thresholds, no_descriptors)
    objects = scored(found.scores.tolist())
    if recipe.search is not None:
        found, objects = _searched(found, recipe.search)
    if asked.fine_edges:
        found = polish_instances(default_corrector(), predicted, found)
    painted = paint(found.masks, found.shape, [o.number for o in objects], scores=[o.score for o in objects])
    return PlaneLabels(painted, objects)


def in_tiles(recipe: Recipe, shape: tuple[int, int]) -> bool:
    """Whether a plane of ``(H, W)`` is seen in tiles, all of them."""
    return recipe.prompts is None and is_large(shape, recipe.parameters.imgsz)


def _predicted(recipe: Recipe, plane: Any, others: OtherProposals | None) -> Prediction:
    """Return what the network says of a plane."""
    asked, tiling = recipe.parameters, recipe.tiling
    return predict(
        network_of(recipe),
        plane,
        imgsz=asked.imgsz,
        diameter=tiling.diameter,
        scale=tiling.scale,
        contrast_limits=asked.shown_limits,
        others=others,
    )


def _others(recipe: Recipe, image: Input, index: Index, plane: Any) -> OtherProposals | None:
    """Return what another program found on a plane of an image, by the folder of the recipe."""
    if recipe.proposals is None:
        return None
    return read_proposals(Path(recipe.proposals), image.path, plane_shape(plane), index)


def _at_prompts(recipe: Recipe, prompts: Prompts, plane: Any, others: OtherProposals | None) -> PlaneLabels:
    """Find the objects of one plane at prompts; each has the number of its place among them."""
    thresholds, _ = _asked(network_of(recipe), recipe)
    asked = recipe.parameters
    selections = _predicted(recipe, plane, others).select(
        prompts, **asdict(thresholds), refine=asked.refine, fine_edges=asked.fine_edges
    )
    objects = tuple(
        ResultObject(number, s.score, prompt=str(s.prompt), reason=s.reason)
        for number, s in enumerate(selections, start=1)
        if s.found
    )
    return PlaneLabels(paint_selections(selections, plane_shape(plane)), objects)


def _put_together(recipe: Recipe, plan: TilePlan, pieces: Iterable[TileDetections], labels: Any = None) -> PlaneLabels:
    """Return the labels of a plane of which all pieces, in their order, were seen."""
    canvas = Canvas(np.zeros(plan.grid.shape, np.int32) if labels is None else labels)
    descriptors = _descriptors(recipe)
    if recipe.search is None or descriptors is None:
        for found in pieces:
            found.merge_into(canvas)
        return PlaneLabels(canvas.labels, scored(canvas.scores))
    chosen, objects = _searched(gather(canvas, pieces, descriptors), recipe.search)
    renamed = np.zeros(len(canvas) + 1, np.int32)
    renamed[chosen.identities + 1] = [found.number for found in objects]
    height, width = plan.grid.shape
    for top in range(0, height, _ROWS):
        rows = slice(top, min(top + _ROWS, height)), slice(0, width)
        canvas.labels[rows] = renamed[canvas.labels[rows]]
    return PlaneLabels(canvas.labels, objects)


def _asked(model: Model, recipe: Recipe) -> tuple[Thresholds, Tiling]:
    """Return what objects must reach, and at which scale they are looked for."""
    asked = recipe.parameters
    thresholds = Thresholds(*model.thresholds(asked.conf, asked.iou), asked.min_area, asked.max_area)
    return thresholds, Tiling(recipe.tiling.diameter, recipe.tiling.scale)


def _searched(instances: Instances, part: SearchPart) -> tuple[Instances, tuple[ResultObject, ...]]:
    """Return the objects that words or examples ask for, and what is told of each."""
    prompts, encoder = _looked_for(part)
    settings = Search(part.text_threshold, part.best_only, part.example_threshold)
    results, _ = search(instances, prompts, settings, encoder)
    chosen: dict[int, QueryResult] = {}
    for result in results:
        for i in result.answers.tolist():
            chosen.setdefault(i, result)
    objects = tuple(
        ResultObject(
            result.query.class_number if part.classes else place,
            float(instances.scores[i]),
            result.query.name,
            str(result.query.ref),
            result.reason_for(i),
            float(result.similarities[i]),
        )
        for place, (i, result) in enumerate(chosen.items(), start=1)
    )
    return instances.subset(np.array(list(chosen), np.intp)), objects


def _looked_for(part: SearchPart) -> tuple[Prompts, TextEncoder | None]:
    exemplars = None if part.exemplars is None else exemplars_from(part.exemplars, "search.exemplars")
    return Prompts(texts=part.texts, exemplars=exemplars), _encoder(part.text_encoder) if part.texts else None


def _descriptors(recipe: Recipe) -> Descriptors | None:
    """Return how the objects of tiles are described for a search; None = there is none."""
    return None if recipe.search is None else partial(descriptors_of, *_looked_for(recipe.search))


def _encoder(name: str) -> TextEncoder:
    from napari_fastsam.model.text.encoder import load_text_encoder

    with _loading:
        key = name, encoder_sha256(name)
        if key not in _encoders:
            _encoders[key] = load_text_encoder(name)
        return _encoders[key]


def encoder_sha256(name: str) -> str:
    """Return the SHA-256 of a text encoder's file.

    Raises
    ------
    ModelError
        If it is not there.
    """
    return sha256_of(find(name, "text"))


def segment_linked(recipe: Recipe, read: Any, count: int) -> PlaneLabels:
    """Find the objects of a stack of `count` planes, which `read` gives by position, and link them."""
    model, asked, part = network_of(recipe), recipe.parameters, recipe.linking
    thresholds, tiling = _asked(model, recipe)
    run = start_stack(model, read, count, asked.imgsz, asked.shown_limits, tiling)
    for plane in range(count):
        run.predict(plane)
    linking = Linking() if part is None else Linking(part.max_gap, part.min_overlap, part.divisions)
    found = linked(run.planes(thresholds), linking)
    return PlaneLabels(found.labels, scored(found.scores.tolist()))


# ---------------------------------------------------------------- tasks


def do_part(recipe: Recipe, image: Input, part: RunTask, folder: Path) -> dict[str, Any]:
    """Find some of an image, and keep it in a file, whole or not at all, until all is there.

    Returns
    -------
    dict
        ``pieces`` that a plan has, and ``seconds``.
    """
    start, pieces = time.perf_counter(), 0
    path, plane = part.path(folder), _plane(image, part.index, image.fingerprint())
    model = network_of(recipe)
    if part.kind == "plane":
        write_plane(path, segment_plane(recipe, plane, None, _others(recipe, image, part.index, plane)))
    elif part.kind == "plan":
        thresholds, tiling = _asked(model, recipe)
        limits, first = recipe.parameters.shown_limits, recipe.tiling.first
        plan = plan_tiles(model, plane, tiling, thresholds, limits, first=first)
        write_plan(path, plan)
        pieces = len(plan)
    else:
        plan = read_plan(RunTask("plan", part.index).path(folder))
        piece = next(islice(plan.pieces(), part.number, None))
        write_detections(path, segment_tile(model, plane, plan, piece, _descriptors(recipe)))
    return {"pieces": pieces, "seconds": time.perf_counter() - start}


@lru_cache(maxsize=1)
def _plane(image: Input, index: Index, fingerprint: str) -> Any:
    """Return a plane; of one that has to be read as a whole, the next tile need not read it again."""
    return image.lazy(index)


def do_image(recipe: Recipe, image: Input, target: Path, folder: Path | None = None) -> dict[str, Any]:
    """Segment one image, or put together the parts of it that a folder holds, and write all that the recipe asks for.

    Returns
    -------
    dict
        ``objects``, ``planes``, ``seconds``; ``results``: the names of the files that were written; and ``remarks``:
        what should be known of the image.
    """
    start = time.perf_counter()
    lengths, plane, scale = image.describe()
    planes = partial(_found, recipe, image, lengths, folder)
    if recipe.classifier is not None:
        planes = partial(with_classes, network_of(recipe), recipe, image, planes)
    found = RunLabels((*lengths, *plane), planes, _linked_along(recipe, lengths))
    made = provenance_of(recipe, image, network_of(recipe))
    result = SegmentationResult(found, found.objects, scale, (made,), image.name, image.read)
    written = write_results(result, files_of(target, recipe))
    remarks = _remarks(recipe, image, lengths, scale.axes)
    seconds = time.perf_counter() - start
    names = [path.name for path in written]
    return {
        "objects": len(found.objects), "planes": math.prod(lengths), "seconds": seconds, "results": names,
        "remarks": remarks,
    }  # fmt: skip


def _remarks(recipe: Recipe, image: Input, lengths: Sequence[int], axes: Sequence[str]) -> list[str]:
    """Return what should be known of an image before its result is believed."""
    limits, rule = recipe.parameters.contrast_limits, network_of(recipe).card.window
    found = [
        (" ".join(f"{axis} {at}" for axis, at in zip(axes, index, strict=False)), doubt)
        for index in every_index(lengths)
        for doubt in doubts(image.lazy(index), limits, rule)
    ]
    return [*image.remarks(), *summed_up(found, math.prod(lengths))]


def _found(
    recipe: Recipe,
    image: Input,
    lengths: Sequence[int],
    folder: Path | None,
    labels: Any = None,
) -> Iterator[tuple[Index, PlaneLabels]]:
    """Yield each plane's labels, in order; those of a single large plane go into `labels` at once."""
    axis = _linked_along(recipe, lengths)
    if axis is not None:
        yield from _linked(recipe, image, lengths, axis)
        return
    for index in every_index(lengths):
        onto = labels if not lengths else None
        planned = RunTask("plan", index)
        if folder is not None and planned.path(folder).exists():
            pieces = (read_detections(tile.path(folder)) for tile in planned.tiles(folder))
            yield index, _put_together(recipe, read_plan(planned.path(folder)), pieces, onto)
        elif folder is not None and (plane := RunTask("plane", index).path(folder)).exists():
            yield index, read_plane(plane)
        else:
            seen = image.lazy(index)
            yield index, segment_plane(recipe, seen, onto, _others(recipe, image, index, seen))


def _linked_along(recipe: Recipe, lengths: Sequence[int]) -> int | None:
    """Return the axis along which objects are linked; None = they are not."""
    if recipe.linking is None or not lengths:
        return None
    return 0 if len(lengths) == 1 else recipe.linking.axis


def _linked(recipe: Recipe, image: Input, lengths: Sequence[int], axis: int) -> Iterator[tuple[Index, PlaneLabels]]:
    if not 0 <= axis < len(lengths):
        raise ImageError(f"{image} has {len(lengths)} axes beside rows and columns; the recipe links along axis {axis}")
    stacks: dict[Index, PlaneLabels] = {}
    for index in every_index(lengths):
        others = index[:axis] + index[axis + 1 :]
        if others not in stacks:
            read = partial(_read_along, image, axis, others)
            stacks = {others: segment_linked(recipe, read, lengths[axis])}
        yield index, PlaneLabels(stacks[others].labels[index[axis]], stacks[others].objects)


def _read_along(image: Input, axis: int, others: Index, position: int) -> NDArray[Any]:
    return image.read((*others[:axis], position, *others[axis:]))
