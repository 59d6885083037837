"""A plane of any size through the network, tile by tile, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.appearance import Describe
from napari_fastsam.core.instances import Instances
from napari_fastsam.core.intensity import window_of
from napari_fastsam.core.masks import Crop
from napari_fastsam.core.tiling import SEAM, Box, Canvas, Grid, Pixels, Tile, Tiling, spread
from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.model.answer import Thresholds
from napari_fastsam.model.object_scale import diameter_of
from napari_fastsam.model.segmenter import Model
from napari_fastsam.model.tiled_search import Described, Looks, Ways, gathered

LARGE = 4096 * 4096
"""Planes of more pixels are seen in tiles where nobody says otherwise."""

_SAMPLES, _SAMPLE_SIDE = 5, 512
"""The intensity window is that of so many squares along each axis, of so many pixels."""

_LOOKS, _LOOK_SIDE, _CLOSE_SIDE = 4, 768, 512
"""The first look sees the liveliest so many of them, with more around; or a square around one place."""

COARSER = 4.0
"""Objects too large for a tile, or for what the network knows, are looked for at scales each so much smaller."""

_COARSEST = 64
"""Input pixels that the longer side of a plane is shown at, at least."""


class PlaneLike(Protocol):
    """A plane that is read by rectangles: numpy, dask or zarr; (Y, X) or (Y, X, 3 | 4)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its lengths."""

    def __getitem__(self, window: tuple[slice, slice], /) -> Any:
        """Return the pixels of some rows and columns."""


@dataclass(frozen=True)
class Progress:
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
    least
        Longest side in plane pixels from which on objects are taken; smaller ones belong to a finer grid.
    """

    grid: Grid
    tile: Tile
    least: float


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in one piece.

    Attributes
    ----------
    window
        What was seen.
    masks, scores
        (N,) in pixels of the plane.
    coarse
        Whether the window may be far larger than the objects in it.
    looks
        What the objects look like, if that was asked for.
    """

    window: Box
    masks: Sequence[Crop]
    scores: Sequence[float]
    coarse: bool = False
    looks: Looks | None = None

    def put_on(self, canvas: Canvas) -> list[int]:
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

    grid: Grid
    contrast_limits: tuple[float, float]
    thresholds: Thresholds
    first: tuple[float, float] | None = None

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return sum(len(grid) for grid in coarser(self.grid))

    def pieces(self) -> Iterator[Piece]:
        """Yield tile after tile, then those of coarser grids, for objects larger than a halo."""
        least = 0.0
        for grid in coarser(self.grid):
            for tile in grid.tiles(self.first):
                yield Piece(grid, tile, least)
            least = grid.halo


def find_in(model: Model, image: PlaneLike, plan: TilePlan, piece: Piece, ways: Ways | None = None) -> Found:
    """Show one piece to the network; the objects that belong to it, described in `ways`."""
    grid, tile = piece.grid, piece.tile
    limits, (top, left) = plan.thresholds, tile.window[:2]
    rgb = model.rgb8(read_tile(image, grid, tile), plan.contrast_limits)
    seen = model.propose(rgb, shown_size(tile.shape, grid.scale), limits.conf, tile.shape)
    proposals = seen if ways is not None else replace(seen, appearance=None)
    ranks = proposals.ranks(limits.conf, limits.iou)
    boxes = proposals.boxes[ranks] + np.array([top, left, top, left], np.float32)
    own = tile.owns(boxes, SEAM / grid.scale) & ~tile.cuts(boxes, grid.shape)
    own &= (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) >= piece.least
    found = proposals.subset(ranks[own])
    low, high = max(limits.min_area or 0, 1), np.inf if limits.max_area is None else limits.max_area
    found = found.subset(np.flatnonzero((found.areas >= low) & (found.areas <= high)))
    looks = None if ways is None else Looks.of(found, ways)
    masks = [mask.moved(top, left) for mask in found.masks]
    return Found(tile.window, masks, found.scores.tolist(), grid != plan.grid, looks)


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
    ways
        In which objects are described, to be compared once all pieces were seen; None = they are not.
    described
        What was, piece by piece.
    """

    model: Model
    image: PlaneLike
    plan: TilePlan
    canvas: Canvas
    done: int = 0
    ways: Ways | None = None
    described: list[Described] = field(default_factory=list)

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
        if self.ways is None or not self.complete:
            raise ValueError("expected a run that describes objects, and has seen all pieces")
        return gathered(self.canvas, self.described, self.ways)

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return len(self.plan)

    def __iter__(self) -> Iterator[Progress]:
        """Look at piece after piece. One that was cancelled goes on where it was."""
        total = len(self)
        for place, piece in enumerate(self.plan.pieces(), start=1):
            if place > self.done:
                found = find_in(self.model, self.image, self.plan, piece, self.ways)
                numbers = found.put_on(self.canvas)
                if found.looks is not None:
                    self.described.append((numbers, found.masks, found.looks))
                self.done = place
                yield Progress(place, total, len(self.canvas), piece.tile.window)


@dataclass(frozen=True, eq=False)
class TiledResult:
    """The objects of a large plane.

    Attributes
    ----------
    labels
        (H, W) 0 = background; in memory, or where `labels` of `segment_tiled` keeps it.
    scores, areas
        (N,) of the objects by number, from 1. An area is that of the mask, also where another object lies on top.
    boxes
        (N, 4) ``y0, x0, y1, x1`` in pixels.
    scale
        Input pixels per pixel at which the network saw the plane.
    tiles
        How many there were.
    """

    labels: Pixels
    scores: NDArray[np.float32]
    areas: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scale: float
    tiles: int

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.scores)


def segment_tiled(
    model: Model,
    image: PlaneLike,
    *,
    diameter: float | None = None,
    scale: float | None = None,
    conf: float | None = None,
    iou: float | None = None,
    min_area: float | None = None,
    max_area: float | None = None,
    contrast_limits: tuple[float, float] | None = None,
    labels: Pixels | None = None,
) -> TiledResult:
    """Find all objects of a plane of any size.

    Parameters
    ----------
    model
        The network.
    image
        (Y, X) or (Y, X, 3 | 4); numpy, dask or zarr, read tile by tile.
    diameter, scale
        As in `Tiling`.
    conf, iou, contrast_limits
        As in `Model.segment`; the window is one for the whole plane, by default from a sample of it.
    min_area, max_area
        Pixels of an object's mask, both included.
    labels
        (Y, X) where the label image goes, written tile by tile and all 0 at first: zarr for what is larger than the
        memory. None = a numpy array, int32.

    Raises
    ------
    ImageError
        If the image is no plane of real numbers, or has no finite value where it was sampled.
    ParameterError
        If a parameter is out of its range, or `labels` has another shape.
    """
    thresholds = Thresholds(*model.thresholds(conf, iou), min_area, max_area)
    run = start_tiled(model, image, Tiling(diameter, scale), thresholds, contrast_limits, labels=labels)
    for _ in run:
        pass
    return result_of(run)


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
    labels: Pixels | None = None,
    first: tuple[float, float] | None = None,
    ways: Ways | None = None,
) -> TiledRun:
    """Prepare a run: sample the intensities and measure the objects where they are not given.

    Parameters and errors are those of `segment_tiled`; `thresholds` are by default the model's, `first` says where to
    begin, and `ways` in which ways objects are described.
    """
    shape = plane_shape(image)
    if labels is not None and tuple(labels.shape) != shape:
        raise ParameterError(f"labels has shape {tuple(labels.shape)}; expected the image's, {shape}")
    plan = plan_tiles(model, image, tiling, thresholds, contrast_limits, first=first)
    return TiledRun(model, image, plan, Canvas(np.zeros(shape, np.int32) if labels is None else labels), ways=ways)


def gather(canvas: Canvas, pieces: Iterable[Found], ways: Ways) -> Instances:
    """Put pieces whose objects were described on a canvas; returns all objects, in the order of their numbers.

    Parameters
    ----------
    canvas
        All 0.
    pieces
        All of a plane, in their order.
    ways
        In which they were described.
    """
    seen = ((found.put_on(canvas), found.masks, found.looks) for found in pieces)
    return gathered(canvas, ((numbers, masks, looks) for numbers, masks, looks in seen if looks is not None), ways)


def all_objects(model: Model, image: PlaneLike, plan: TilePlan) -> Instances:
    """Return all objects of a plane, seen in tiles, with their masks."""
    pieces = (find_in(model, image, plan, piece, _undescribed) for piece in plan.pieces())
    found = gather(Canvas(np.zeros(plan.grid.shape, np.int32)), pieces, _undescribed)
    order = np.argsort(-found.scores, kind="stable")
    return Instances(found.boxes[order], found.scores[order], tuple(found.masks[i] for i in order), found.shape)


def _undescribed(instances: Instances) -> list[tuple[Hashable, Describe]]:
    return []


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
    grid = Grid(plane_shape(image), scale_for(model, image, tiling, limits, first), fitting(tiling, model))
    return TilePlan(grid, limits, thresholds or Thresholds(*model.thresholds()), first)


def fitting(tiling: Tiling, model: Model) -> Tiling:
    """Return tiles that an exported model, which may take one size of input only, can be shown."""
    if model.fixed_input is None:
        return tiling
    size = max(min(tiling.size, *model.fixed_input) // 32 * 32, 64)
    return replace(tiling, size=size, halo=min(tiling.halo, size // 4))


def plane_shape(image: PlaneLike) -> tuple[int, int]:
    """Return ``(H, W)`` of a plane.

    Raises
    ------
    ImageError
        If it is none.
    """
    shape = tuple(int(n) for n in image.shape)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (3, 4)) or 0 in shape:
        raise ImageError(
            f"the image has shape {shape}; expected one plane, (Y, X) or (Y, X, 3 | 4): index a stack first"
        )
    return shape[0], shape[1]


def coarser(grid: Grid) -> list[Grid]:
    """Return a grid, and coarser ones for large objects where the plane has more than one tile."""
    found = [grid]
    while len(grid) > 1 and max(grid.shape) * found[-1].scale > _COARSEST:
        found.append(replace(grid, scale=found[-1].scale / COARSER))
    return found


def read_tile(image: PlaneLike, grid: Grid, tile: Tile) -> NDArray[Any]:
    """Read a tile's window; where it is shown much smaller, only every so many pixels."""
    rows, columns = tile.slices
    step = max(1, int(0.5 / grid.scale))
    return np.asarray(image[slice(rows.start, rows.stop, step), slice(columns.start, columns.stop, step)])


def shown_size(shape: Sequence[int], scale: float) -> int:
    """Return the input size that shows a window at about a scale: a multiple of 32, as networks want it."""
    return max(32, round(max(shape[:2]) * scale / 32) * 32)


def sampled_window(model: Model, image: PlaneLike) -> tuple[float, float]:
    """Return the intensity window of a plane by the rule of the model's card, from squares spread over it."""
    squares = [np.asarray(image[where]) for where in spread(plane_shape(image), _SAMPLE_SIDE, _SAMPLES)]
    return window_of(
        np.concatenate([square.reshape(-1, 1, *square.shape[2:]) for square in squares]), model.card.window
    )


def scale_for(
    model: Model,
    image: PlaneLike,
    tiling: Tiling,
    contrast_limits: tuple[float, float],
    around: tuple[float, float] | None = None,
) -> float:
    """Return the scale that suits a plane: as it was asked for, or by a first look at the liveliest parts of it.

    Parameters
    ----------
    model, image, tiling, contrast_limits
        As in `start_tiled`.
    around
        Look here instead, row and column.
    """
    shown = model.card.shown_diameter
    if tiling.scale is not None:
        return tiling.scale
    if tiling.diameter is not None:
        known = shown or model.card.object_diameter
        if known is None:
            raise ParameterError(
                f"diameter is {tiling.diameter:g}, but the card of {model.name} does not say at which size the model "
                "knows objects; give scale instead"
            )
        return known / tiling.diameter
    if shown is None:
        return model.card.scale
    diameters = [
        found
        for rgb in _livelier(model, image, contrast_limits, around)
        if (found := diameter_of(model.propose(rgb))) is not None
    ]
    return shown / float(np.median(diameters)) if diameters else model.card.scale


def suited_imgsz(
    model: Model, image: NDArray[Any], tiling: Tiling, contrast_limits: tuple[float, float] | None
) -> int | None:
    """Return the size at which a plane of one pass is shown where the objects' size or the scale is given."""
    if tiling.diameter is None and tiling.scale is None:
        return None
    limits = contrast_limits or sampled_window(model, image)
    return model.at_most(shown_size(image.shape, scale_for(model, image, tiling, limits)))


def _livelier(
    model: Model, image: PlaneLike, contrast_limits: tuple[float, float], around: tuple[float, float] | None
) -> list[NDArray[np.uint8]]:
    """Return the parts of a plane, as the network sees them, in which most is to be seen."""
    shape = plane_shape(image)
    if around is None:
        windows = list(spread(shape, _LOOK_SIDE, _SAMPLES))
    else:
        most = np.maximum(np.array(shape) - _CLOSE_SIDE, 0)
        y, x = np.clip(np.array(around) - _CLOSE_SIDE / 2, 0, most).astype(int).tolist()
        windows = [(slice(y, y + _CLOSE_SIDE), slice(x, x + _CLOSE_SIDE))]
    # seen coarsely: a plane that comes over a network is not read five times
    spreads = [float(model.rgb8(image[where], contrast_limits)[::4, ::4].std()) for where in windows]
    order = np.argsort(spreads)[::-1][:_LOOKS].tolist()
    return [model.rgb8(np.asarray(image[windows[i]]), contrast_limits) for i in order]
