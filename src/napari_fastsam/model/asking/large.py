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

from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.planes.tiling import Grid, Tile, Tiling
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection, select_alike, select_objects
from napari_fastsam.model.asking import answer
from napari_fastsam.model.asking.answer import Look, Thresholds
from napari_fastsam.model.asking.plane_scale import PlaneLike, plane_shape, sampled_window, scale_for, shown_size
from napari_fastsam.model.asking.tiled import coarser, fitting, read_tile, start_tiled
from napari_fastsam.model.asking.windows import Window
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

    def places(self, query: Query) -> Iterator[tuple[Grid, Tile]]:
        """Yield the tiles that may show the object of a prompt whole, fine to coarse."""
        low, high = query.extent()
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
    for query in prompts.queries:
        low, high = query.extent()
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
    selections = []
    missing: list[Missing] = []
    for query in prompts.queries:
        selection, wanted = _at_places(seen, query, thresholds)
        selections.append(selection)
        missing += wanted
    return selections, list(dict.fromkeys(missing))


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


def let_go(seen: LargeLook, prompts: Prompts) -> None:
    """Drop tiles that prompts do not need, the oldest first, but for a few."""
    needed = {place for query in prompts.queries for place in seen.places(query)}
    others = [place for place in seen.tiles if place not in needed]
    for place in others[: max(len(others) - _KEPT, 0)]:
        del seen.tiles[place]


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


def _at_places(seen: LargeLook, query: Query, thresholds: Thresholds) -> tuple[Selection, list[Missing]]:
    """Answer one prompt from the finest tile that has an object for it."""
    shape = seen.grid.shape
    if not query.from_proposals:
        return select_objects(no_instances(shape), [query])[0], []
    nothing = Selection(query, shape, (), "the network has not looked here yet")
    if not query.may_lie_on(shape):
        return replace(nothing, reason="it lies beyond the image"), []
    unanswered: Selection | None = None
    for grid, tile in seen.places(query):
        look = seen.tiles.get((grid, tile))
        if look is None:
            return unanswered or nothing, [Wanted(grid, tile)]
        top, left = tile.window[:2]
        (selection,), windows = answer.select_queries(look, [query.shifted(-top, -left)], thresholds)
        if selection.found:
            return replace(selection.moved(top, left, shape), query=query), []
        if windows and look.rgb.shape[:2] == tile.shape:  # a coarse tile was not kept in all its pixels
            return unanswered or nothing, [Wanted(grid, tile, window) for window in windows]
        unanswered = unanswered or replace(nothing, reason=selection.reason)
    return unanswered or nothing, []


def no_instances(shape: tuple[int, int]) -> Instances:
    """Return no object on a plane of ``(H, W)``."""
    return Instances(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), shape)
