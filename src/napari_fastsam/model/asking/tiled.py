"""A plane of any size through the network, tile by tile, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.planes.tiling import SEAM, Box, Canvas, LabelArray, Tile, TileGrid, Tiling
from napari_fastsam.model.asking.descriptors import Descriptors, no_descriptors
from napari_fastsam.model.asking.plane_scale import (
    PlaneLike,
    check_labels,
    plane_shape,
    sampled_window,
    scale_for,
    shown_size,
)
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled_search import EmbeddedObjects, ObjectEmbeddings, gathered
from napari_fastsam.model.network.segmenter import Model

COARSER = 4.0
"""Objects too large for a tile, or for what the network knows, are looked for at scales each so much smaller."""

_COARSEST = 64
"""Input pixels that the longer side of a plane is shown at, at least."""


@dataclass(frozen=True)
class TileProgress:
    """How far a run over tiles has come.

    Attributes
    ----------
    done, total
        Tiles, at all scales.
    objects
        So far.
    window
        What the last tile may have changed.
    """

    done: int
    total: int
    objects: int
    window: Box


@dataclass(frozen=True)
class Piece:
    """A tile of one of the grids over a plane.

    Attributes
    ----------
    grid, tile
        Which.
    min_extent
        Longest side in plane pixels from which on objects are taken; smaller ones belong to a finer grid.
    """

    grid: TileGrid
    tile: Tile
    min_extent: float


@dataclass(frozen=True, eq=False)
class TileDetections:
    """What was found in one piece.

    Attributes
    ----------
    window
        What was seen.
    masks, scores
        (N,) in pixels of the plane.
    coarse
        Whether the window may be far larger than the objects in it.
    embeddings
        Those of the objects, if they were asked for.
    """

    window: Box
    masks: Sequence[CroppedMask]
    scores: Sequence[float]
    coarse: bool = False
    embeddings: ObjectEmbeddings | None = None

    def merge_into(self, canvas: Canvas) -> list[int]:
        """Add the objects to those that are there; returns the number of each, 0 = it was there."""
        if not self.coarse:
            return canvas.add(self.window, self.masks, self.scores)
        numbers: list[int] = []
        for mask, score in zip(self.masks, self.scores, strict=True):
            rows, columns = mask.window
            numbers += canvas.add((rows.start, columns.start, rows.stop, columns.stop), [mask], [score])
        return numbers


@dataclass(frozen=True)
class TilePlan:
    """How a large plane is seen: the same for all of its pieces, wherever each is worked on.

    Attributes
    ----------
    grid
        The tiles, at the scale that was given or measured.
    contrast_limits
        One window for all tiles.
    thresholds
        What an object must reach.
    first
        Where to begin, row and column; None = at the top left.
    """

    grid: TileGrid
    contrast_limits: tuple[float, float]
    thresholds: Thresholds
    first: tuple[float, float] | None = None

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return sum(len(grid) for grid in coarser(self.grid))

    def pieces(self) -> Iterator[Piece]:
        """Yield tile after tile, then those of coarser grids, for objects larger than a halo."""
        min_extent = 0.0
        for grid in coarser(self.grid):
            for tile in grid.tiles(self.first):
                yield Piece(grid, tile, min_extent)
            min_extent = grid.halo


def segment_tile(
    model: Model, image: PlaneLike, plan: TilePlan, piece: Piece, descriptors: Descriptors | None = None
) -> TileDetections:
    """Show one piece to the network; returns the objects that belong to it, embedded by `descriptors`."""
    grid, tile = piece.grid, piece.tile
    limits, (top, left) = plan.thresholds, tile.window[:2]
    rgb = model.rgb8(read_tile(image, grid, tile), plan.contrast_limits)
    seen = model.propose(rgb, shown_size(tile.shape, grid.scale), limits.conf, tile.shape)
    proposals = seen if descriptors is not None else replace(seen, image_features=None)
    ranks = proposals.ranks(limits.conf, limits.iou)
    boxes = proposals.boxes[ranks] + np.array([top, left, top, left], np.float32)
    own = tile.owns(boxes, SEAM / grid.scale) & ~tile.cuts(boxes, grid.shape)
    own &= (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) >= piece.min_extent
    found = proposals.subset(ranks[own])
    low, high = max(limits.min_area or 0, 1), np.inf if limits.max_area is None else limits.max_area
    found = found.subset(np.flatnonzero((found.areas >= low) & (found.areas <= high)))
    embeddings = None if descriptors is None else ObjectEmbeddings.of(found, descriptors)
    masks = [mask.moved(top, left) for mask in found.masks]
    return TileDetections(tile.window, masks, found.scores.tolist(), grid != plan.grid, embeddings)


@dataclass(eq=False)
class TiledRun:
    """A large plane on its way through the network; iterate to let it go on, a piece each.

    Attributes
    ----------
    model, image
        The network and the plane.
    plan
        How it is seen.
    canvas
        The labels so far.
    done
        How many pieces were seen.
    descriptors
        What embeds the objects, to be compared once all pieces were seen; None = nothing does.
    embedded
        The objects with their embeddings, piece by piece.
    """

    model: Model
    image: PlaneLike
    plan: TilePlan
    canvas: Canvas
    done: int = 0
    descriptors: Descriptors | None = None
    embedded: list[EmbeddedObjects] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all pieces were seen."""
        return self.done == len(self)

    @property
    def diameter(self) -> float | None:
        """What objects are across in pixels of the plane if the scale suits them; None = the model does not say."""
        shown = self.model.card.shown_diameter
        return None if shown is None else shown / self.plan.grid.scale

    @cached_property
    def everything(self) -> Instances:
        """All objects, in the order of their numbers, as they were described; once all pieces were seen."""
        if self.descriptors is None or not self.complete:
            raise ValueError("expected a run that describes objects, and has seen all pieces")
        return gathered(self.canvas, self.embedded, self.descriptors)

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return len(self.plan)

    def __iter__(self) -> Iterator[TileProgress]:
        """Look at piece after piece. One that was cancelled goes on where it was."""
        total = len(self)
        for place, piece in enumerate(self.plan.pieces(), start=1):
            if place > self.done:
                found = segment_tile(self.model, self.image, self.plan, piece, self.descriptors)
                numbers = found.merge_into(self.canvas)
                if found.embeddings is not None:
                    self.embedded.append((numbers, found.masks, found.embeddings))
                self.done = place
                yield TileProgress(place, total, len(self.canvas), piece.tile.window)


@dataclass(frozen=True, eq=False)
class TiledResult:
    """The objects of a large plane.

    Attributes
    ----------
    labels
        (H, W) 0 = background; in memory, or where `labels` of `segment` keeps it.
    scores, areas
        (N,) of the objects by number, from 1. An area is that of the mask, also where another object lies on top.
    boxes
        (N, 4) ``y0, x0, y1, x1`` in pixels.
    scale
        Input pixels per pixel at which the network saw the plane.
    tiles
        How many there were.
    """

    labels: LabelArray
    scores: NDArray[np.float32]
    areas: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scale: float
    tiles: int

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.scores)

    def to_labels(self) -> LabelArray:
        """Return the objects as a label image, in memory or where it was written."""
        return self.labels


def result_of(run: TiledRun) -> TiledResult:
    """Return what a run has found."""
    canvas = run.canvas
    return TiledResult(
        canvas.labels,
        np.array(canvas.scores, np.float32),
        np.array(canvas.areas, np.int64),
        np.array(canvas.boxes, np.float32).reshape(-1, 4),
        run.plan.grid.scale,
        len(run),
    )


def start_tiled(
    model: Model,
    image: PlaneLike,
    tiling: Tiling,
    thresholds: Thresholds | None = None,
    contrast_limits: tuple[float, float] | None = None,
    *,
    labels: LabelArray | None = None,
    first: tuple[float, float] | None = None,
    descriptors: Descriptors | None = None,
) -> TiledRun:
    """Prepare a run: sample the intensities and measure the objects where they are not given.

    Parameters and errors are those of `model.asking.segment.segment`; `thresholds` are by default the model's, `first`
    says where to begin, and `descriptors` what embeds the objects.
    """
    shape = plane_shape(image)
    if labels is not None:
        check_labels(labels, shape)
    plan = plan_tiles(model, image, tiling, thresholds, contrast_limits, first=first)
    return TiledRun(
        model, image, plan, Canvas(np.zeros(shape, np.int32) if labels is None else labels), descriptors=descriptors
    )


def gather(canvas: Canvas, pieces: Iterable[TileDetections], descriptors: Descriptors) -> Instances:
    """Put pieces whose objects were described on a canvas; returns all objects, in the order of their numbers.

    Parameters
    ----------
    canvas
        All 0.
    pieces
        All of a plane, in their order.
    descriptors
        What embedded them.
    """
    seen = ((found.merge_into(canvas), found.masks, found.embeddings) for found in pieces)
    return gathered(
        canvas,
        ((numbers, masks, embeddings) for numbers, masks, embeddings in seen if embeddings is not None),
        descriptors,
    )


def all_objects(model: Model, image: PlaneLike, plan: TilePlan) -> Instances:
    """Return all objects of a plane, seen in tiles, with their masks."""
    pieces = (segment_tile(model, image, plan, piece, no_descriptors) for piece in plan.pieces())
    found = gather(Canvas(np.zeros(plan.grid.shape, np.int32)), pieces, no_descriptors)
    order = np.argsort(-found.scores, kind="stable")
    return Instances(found.boxes[order], found.scores[order], tuple(found.masks[i] for i in order), found.shape)


def plan_tiles(
    model: Model,
    image: PlaneLike,
    tiling: Tiling,
    thresholds: Thresholds | None = None,
    contrast_limits: tuple[float, float] | None = None,
    *,
    first: tuple[float, float] | None = None,
) -> TilePlan:
    """Sample the intensities of a plane and measure its objects, where they are not given; as `start_tiled`."""
    limits = sampled_window(model, image) if contrast_limits is None else contrast_limits
    grid = TileGrid(plane_shape(image), scale_for(model, image, tiling, limits, first), fitting(tiling, model))
    return TilePlan(grid, limits, thresholds or Thresholds(*model.thresholds()), first)


def fitting(tiling: Tiling, model: Model) -> Tiling:
    """Return tiles that an exported model, which may take one size of input only, can be shown."""
    if model.fixed_input is None:
        return tiling
    size = max(min(tiling.size, *model.fixed_input) // 32 * 32, 64)
    return replace(tiling, size=size, halo=min(tiling.halo, size // 4))


def coarser(grid: TileGrid) -> list[TileGrid]:
    """Return a grid, and coarser ones for large objects where the plane has more than one tile."""
    found = [grid]
    while len(grid) > 1 and max(grid.shape) * found[-1].scale > _COARSEST:
        found.append(replace(grid, scale=found[-1].scale / COARSER))
    return found


def read_tile(image: PlaneLike, grid: TileGrid, tile: Tile) -> NDArray[Any]:
    """Read a tile's window; where it is shown much smaller, only every so many pixels."""
    rows, columns = tile.slices
    step = max(1, int(0.5 / grid.scale))
    return np.asarray(image[slice(rows.start, rows.stop, step), slice(columns.start, columns.stop, step)])
