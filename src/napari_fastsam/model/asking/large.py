"""Prompts on a plane that is too large for one pass: the network looks only where they are.

A prompt is answered from the tile that it lies in, which goes through the network once and is kept: a click on a slide
costs what a click on a small image does. What is too large for a tile is looked for at coarser scales.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import LazyMasks
from napari_fastsam.core.planes.tiling import Grid, Tile, Tiling
from napari_fastsam.core.prompts.grouping import prompt_refs, subset
from napari_fastsam.core.prompts.prompts import PromptRef, Prompts
from napari_fastsam.core.prompts.selection import Selection, select_alike
from napari_fastsam.model.asking import answer
from napari_fastsam.model.asking.answer import Look, Thresholds
from napari_fastsam.model.asking.plane_scale import PlaneLike, plane_shape, sampled_window, scale_for, shown_size
from napari_fastsam.model.asking.tiled import coarser, fitting, read_tile, start_tiled
from napari_fastsam.model.asking.windows import Window, extent_of, may_be_there
from napari_fastsam.model.network.segmenter import Model

_ROOM = 0.25
"""Share of a prompt's extent that a tile must show on each side of it."""

_KEPT = 16
"""Tiles that are kept beside those that prompts need now: about 200 MB."""


@dataclass(frozen=True)
class Wanted:
    """What the network has yet to look at.

    Attributes
    ----------
    grid, tile
        The tile and the scale it is seen at.
    window
        The part of the tile for a closer look; None = the tile itself.
    """

    grid: Grid
    tile: Tile
    window: Window | None = None


Missing: TypeAlias = Window | Wanted


@dataclass(frozen=True, eq=False)
class LargeLook:
    """A large plane, and what the network said about the tiles that prompts needed.

    Attributes
    ----------
    model, image
        The network and the plane.
    contrast_limits
        One window for all tiles.
    grid
        The tiles at the scale that suits most objects.
    tiles
        Those that went through the network. Grows.
    """

    model: Model
    image: PlaneLike
    contrast_limits: tuple[float, float]
    grid: Grid
    tiles: dict[tuple[Grid, Tile], Look] = field(default_factory=dict, repr=False)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(look.nbytes for look in tuple(self.tiles.values()))

    def places(self, ref: PromptRef, prompts: Prompts) -> Iterator[tuple[Grid, Tile]]:
        """Yield the tiles that may show the object of a prompt whole, fine to coarse."""
        low, high = extent_of(ref, prompts)
        middle, room = (low + high) / 2, _ROOM * (high - low)
        for grid in coarser(self.grid):
            tile = grid.tile_at(*np.clip(middle, 0, np.array(grid.shape) - 1).tolist())
            shown = np.array(tile.window).reshape(2, 2)
            inside = ((low - room >= shown[0]) | (shown[0] == 0)) & (
                (high + room <= shown[1]) | (shown[1] == grid.shape)
            )
            if inside.all():
                yield grid, tile


def large_look(
    model: Model,
    image: PlaneLike,
    tiling: Tiling,
    contrast_limits: tuple[float, float],
    around: tuple[float, float] | None = None,
) -> LargeLook:
    """Prepare to look at prompts on a large plane; the objects are measured where the first one is.

    Parameters
    ----------
    model, image, tiling, contrast_limits
        As in `model.asking.tiled.start_tiled`.
    around
        Row and column of the first prompt.
    """
    scale = scale_for(model, image, tiling, contrast_limits, around)
    return LargeLook(model, image, contrast_limits, Grid(plane_shape(image), scale, fitting(tiling, model)))


def answer_large(
    model: Model,
    image: PlaneLike,
    prompts: Prompts,
    *,
    diameter: float | None = None,
    scale: float | None = None,
    conf: float | None = None,
    iou: float | None = None,
    contrast_limits: tuple[float, float] | None = None,
    min_area: float | None = None,
    max_area: float | None = None,
    text_encoder: TextEncoder | None = None,
    text_threshold: float | None = None,
    text_best: bool = False,
    example_threshold: float | None = None,
) -> list[Selection]:
    """Find the object of each prompt on a plane of any size.

    For what was drawn the network looks only where it is. Texts and examples are compared with all objects of the
    plane, tile by tile.

    Parameters
    ----------
    model, image, diameter, scale, conf, iou, contrast_limits, min_area, max_area
        As in `model.asking.tiled.segment_tiled`.
    prompts
        In pixels of the image.
    text_encoder, text_threshold, text_best, example_threshold
        As in `core.prompts.selection.select`.

    Returns
    -------
    list of Selection
        In the order of `core.prompts.selection.select`.

    Raises
    ------
    ParameterError
        If a threshold is out of range, or there are texts and no encoder.
    """
    search = Search(text_threshold, text_best, example_threshold)
    answer.check_encoder(prompts, text_encoder)
    thresholds = Thresholds(*model.thresholds(conf, iou), min_area, max_area)
    limits = contrast_limits or sampled_window(model, image)
    tiling, first = Tiling(diameter, scale), first_place(prompts)
    selections: list[Selection] = []
    if first is not None:
        seen = large_look(model, image, tiling, limits, first)
        selections = answer.until_answered(
            lambda: from_kept(seen, prompts, thresholds), lambda missing: look_closer(seen, missing)
        )
    if not prompts.searches:
        return selections
    ways = partial(answer.ways_of, prompts, text_encoder)
    run = start_tiled(model, image, tiling, thresholds, limits, ways=ways)
    for _ in run:
        pass
    return selections + select_alike(run.everything, prompts, search, text_encoder)


def first_place(prompts: Prompts) -> tuple[float, float] | None:
    """Return row and column of the first prompt that asks for an object; None = there is none."""
    for ref in prompt_refs(prompts):
        low, high = extent_of(ref, prompts)
        y, x = ((low + high) / 2).tolist()
        return y, x
    return None


def from_kept(
    seen: Look | LargeLook, prompts: Prompts, thresholds: Thresholds
) -> tuple[list[Selection], list[Missing]]:
    """Answer what was drawn from what is kept, as `model.asking.answer.from_kept` does, on planes of any size."""
    if isinstance(seen, Look):
        selections, windows = answer.from_kept(seen, prompts, thresholds)
        return selections, list(windows)
    found: dict[PromptRef, Selection] = {}
    missing: list[Missing] = []
    refs = prompt_refs(prompts)
    waiting = [(ref, list(seen.places(ref, prompts))) for ref in refs]
    for ref, places in waiting:
        selection, wanted = _at_places(seen, ref, prompts, thresholds, places)
        found[ref] = selection
        missing += wanted
    return [found[ref] for ref in refs], list(dict.fromkeys(missing))


def look_closer(seen: Look | LargeLook, missing: Sequence[Missing]) -> Iterator[int]:
    """Run the network on what is missing and keep what it says; yields how many are done."""
    for done, wanted in enumerate(missing, start=1):
        if isinstance(seen, Look):
            if isinstance(wanted, Window):
                for _ in answer.look_closer(seen, [wanted]):
                    pass
        elif isinstance(wanted, Wanted):
            _look(seen, wanted)
        yield done


def let_go(seen: Look | LargeLook, prompts: Prompts, limit: int) -> None:
    """Drop what prompts do not need: closer looks, and of a large plane the oldest tiles but for a few.

    Parameters
    ----------
    seen
        What was seen of a plane.
    prompts
        Those asked about now.
    limit
        Bytes that the closer looks of a plane, or of one tile, may take.
    """
    if isinstance(seen, Look):
        answer.let_go_closer(seen, prompts, limit)
        return
    needed = {place for ref in prompt_refs(prompts) for place in seen.places(ref, prompts)}
    others = [place for place in seen.tiles if place not in needed]
    for place in others[: max(len(others) - _KEPT, 0)]:
        del seen.tiles[place]
    for (_, tile), look in seen.tiles.items():
        answer.let_go_closer(look, _shifted(prompts, tile), limit)


def _look(seen: LargeLook, wanted: Wanted) -> None:
    place = wanted.grid, wanted.tile
    look = seen.tiles.get(place)
    if look is None:
        rgb = seen.model.rgb8(read_tile(seen.image, *place), seen.contrast_limits)
        size = shown_size(wanted.tile.shape, wanted.grid.scale)
        proposals = replace(seen.model.propose(rgb, size, plane=wanted.tile.shape), appearance=None)
        look = seen.tiles[place] = Look(seen.model, rgb, proposals)
    if wanted.window is not None:
        for _ in answer.look_closer(look, [wanted.window]):
            pass


def _at_places(
    seen: LargeLook, ref: PromptRef, prompts: Prompts, thresholds: Thresholds, places: Sequence[tuple[Grid, Tile]]
) -> tuple[Selection, list[Missing]]:
    """Answer one prompt from the finest tile that has an object for it."""
    nothing = _nothing(seen, ref)
    if not may_be_there(ref, prompts, seen.grid.shape):
        return replace(nothing, reason="it lies beyond the image"), []
    unanswered: Selection | None = None
    for grid, tile in places:
        look = seen.tiles.get((grid, tile))
        if look is None:
            return unanswered or nothing, [Wanted(grid, tile)]
        selection, windows = _in_tile(look, ref, prompts, thresholds, tile)
        if selection.found:
            return _moved(selection, ref, tile, seen.grid.shape), []
        if windows and look.rgb.shape[:2] == tile.shape:  # a coarse tile was not kept in all its pixels
            return unanswered or nothing, [Wanted(grid, tile, window) for window in windows]
        unanswered = unanswered or replace(nothing, reason=selection.reason)
    return unanswered or nothing, []


def _in_tile(
    look: Look, ref: PromptRef, prompts: Prompts, thresholds: Thresholds, tile: Tile
) -> tuple[Selection, list[Window]]:
    alone, refs = subset(prompts, [ref])
    place = next(i for i, other in enumerate(refs) if other.kind == ref.kind)
    selections, windows = answer.from_kept(look, _shifted(alone, tile), thresholds)
    return selections[place], windows


def _shifted(prompts: Prompts, tile: Tile) -> Prompts:
    """Return drawn prompts in pixels of a tile's window."""
    corner: NDArray[np.float64] = np.array(tile.window[:2], np.float64)
    return Prompts(
        points=prompts.points - corner,
        point_labels=prompts.point_labels,
        point_objects=prompts.point_objects,
        boxes=prompts.boxes - np.tile(corner, 2),
        outlines=[outline - corner for outline in prompts.outlines],
        scribbles=[scribble - corner for scribble in prompts.scribbles],
    )


def _moved(selection: Selection, ref: PromptRef, tile: Tile, shape: tuple[int, int]) -> Selection:
    """Return a selection in pixels of the plane."""
    given, (top, left) = selection.instances, tile.window[:2]
    masks = LazyMasks(lambda i: given.masks[i].moved(top, left), np.arange(len(given)))
    boxes = given.boxes + np.array([top, left, top, left], np.float32)
    return replace(selection, prompt=ref, instances=Instances(boxes, given.scores, masks, shape))


def _nothing(seen: LargeLook, ref: PromptRef) -> Selection:
    empty = Instances(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), seen.grid.shape)
    return Selection(ref, empty, np.zeros(0, np.intp), np.zeros(0), "the network has not looked here yet")
