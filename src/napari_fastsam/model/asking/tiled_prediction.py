"""Prompts on a plane that is too large for one pass: the network looks only where they are.

A prompt is answered from the tile that it lies in, which goes through the network once and is kept: a click on a slide
costs what a click on a small image does. What is too large for a tile is looked for at coarser scales.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.proposals import CONF_FLOOR
from napari_fastsam.core.planes.tiling import LabelArray, Tile, TileGrid, Tiling
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection, select_objects
from napari_fastsam.model.asking.crop_regions import CropRegion
from napari_fastsam.model.asking.descriptors import Descriptors
from napari_fastsam.model.asking.plane_prediction import PlanePrediction
from napari_fastsam.model.asking.plane_scale import PlaneLike, plane_shape, scale_for, shown_size
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import TiledResult, coarser, fitting, read_tile, result_of, start_tiled
from napari_fastsam.model.network.segmenter import Model

_ROOM = 0.25
"""Share of a prompt's extent that a tile must show on each side of it."""

_KEPT = 16
"""Tiles that are kept beside those that prompts need now: about 200 MB."""


@dataclass(frozen=True)
class PendingScale:
    """The scale is yet to be measured.

    Attributes
    ----------
    around
        Row and column near which objects are measured.
    """

    around: tuple[float, float] | None

    def run(self, prediction: TiledPrediction) -> None:
        """Measure objects."""
        prediction.measure(self.around)


@dataclass(frozen=True)
class PendingTile:
    """A tile is yet to go through the network.

    Attributes
    ----------
    grid, tile
        The tile and the scale it is seen at.
    region
        The part of the tile for a closer look; None = the tile itself.
    """

    grid: TileGrid
    tile: Tile
    region: CropRegion | None = None

    def run(self, prediction: TiledPrediction) -> None:
        """Show the tile to the network, or the part of it."""
        seen = prediction.tile(self.grid, self.tile)
        for _ in seen.predict_crops([] if self.region is None else [self.region]):
            pass


Pending: TypeAlias = PendingScale | PendingTile


@dataclass(eq=False)
class TiledPrediction(Prediction):
    """A large plane, and what the network said about the tiles that prompts needed.

    Attributes
    ----------
    model, image
        The network and the plane.
    tiling
        What objects are across, and how large tiles are.
    contrast_limits
        One window for all tiles.
    grid
        The tiles at the scale that suits most objects; None = it is measured where the first prompt lies.
    tiles
        Those that went through the network. Grows.
    conf_floor
        Scores up to this are not kept.
    """

    model: Model
    image: PlaneLike
    tiling: Tiling
    contrast_limits: tuple[float, float]
    grid: TileGrid | None = None
    tiles: dict[tuple[TileGrid, Tile], PlanePrediction] = field(default_factory=dict, repr=False)
    conf_floor: float = CONF_FLOOR

    def __repr__(self) -> str:
        """Say of what and by which model, in a line."""
        height, width = self.shape
        return f"<TiledPrediction of {height} × {width} pixels by {self.model.name}>"

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""
        return plane_shape(self.image)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(seen.nbytes for seen in tuple(self.tiles.values()))

    @property
    def object_diameter(self) -> float | None:
        """What objects of this plane are usually across, in its pixels; None = nothing is known."""
        shown = self.model.card.shown_diameter
        return self.model.card.object_diameter if shown is None or self.grid is None else shown / self.grid.scale

    def measure(self, around: tuple[float, float] | None) -> None:
        """Choose the scale from the objects at a row and column, or from samples of the plane."""
        scale = scale_for(self.model, self.image, self.tiling, self.contrast_limits, around)
        self.grid = TileGrid(self.shape, scale, fitting(self.tiling, self.model))

    def tile(self, grid: TileGrid, tile: Tile) -> PlanePrediction:
        """Return a tile that has been through the network, now or before."""
        seen = self.tiles.get((grid, tile))
        if seen is None:
            rgb = self.model.rgb8(read_tile(self.image, grid, tile), self.contrast_limits)
            proposals = self.model.propose(rgb, shown_size(tile.shape, grid.scale), self.conf_floor, tile.shape)
            seen = PlanePrediction(self.model, rgb, replace(proposals, image_features=None))
            self.tiles[grid, tile] = seen
        return seen

    def places(self, query: Query) -> Iterator[tuple[TileGrid, Tile]]:
        """Yield the tiles that may show the object of a query whole, fine to coarse."""
        low, high = query.extent()
        middle, room = (low + high) / 2, _ROOM * (high - low)
        for grid in [] if self.grid is None else coarser(self.grid):
            tile = grid.tile_at(*np.clip(middle, 0, np.array(grid.shape) - 1).tolist())
            shown = np.array(tile.window).reshape(2, 2)
            inside = ((low - room >= shown[0]) | (shown[0] == 0)) & (
                (high + room <= shown[1]) | (shown[1] == grid.shape)
            )
            if inside.all():
                yield grid, tile

    def defaults(self, conf: float | None, iou: float | None) -> tuple[float, float]:
        """Return the thresholds given, or else the model's."""
        return self.model.thresholds(conf, iou)

    def select_from_cache(
        self, queries: Sequence[Query], thresholds: Thresholds
    ) -> tuple[list[Selection], list[Pending]]:
        """Answer queries from the tiles that are kept; see `Prediction.select_from_cache`."""
        selections = []
        pending: list[Pending] = []
        for query in queries:
            selection, missing = self._select(query, thresholds)
            selections.append(selection)
            pending += missing
        # one scale for all, from where the first query lies
        return selections, list(dict.fromkeys(pending if self.grid is not None else pending[:1]))

    def predict_crops(self, pending: Sequence[Pending]) -> Iterator[int]:
        """Show what is pending to the network; yields how much is done."""
        for done, missing in enumerate(pending, start=1):
            missing.run(self)
            yield done

    def everything(self, thresholds: Thresholds, labels: LabelArray | None = None) -> TiledResult:
        """Return all objects of all tiles that reach the thresholds; `labels` is where the label image goes."""
        run = start_tiled(self.model, self.image, self.tiling, thresholds, self.contrast_limits, labels=labels)
        for _ in run:
            pass
        return result_of(run)

    def objects(self, thresholds: Thresholds, descriptors: Descriptors) -> Instances:
        """Return all objects of all tiles, described as they are seen."""
        run = start_tiled(
            self.model, self.image, self.tiling, thresholds, self.contrast_limits, descriptors=descriptors
        )
        for _ in run:
            pass
        return run.everything

    def release(self, queries: Sequence[Query], limit: int) -> None:
        """Drop tiles that queries do not need, the oldest first, but for a few; and their crops, as one pass does."""
        needed = {place for query in queries for place in self.places(query)}
        kept = tuple(self.tiles)  # a worker may add more meanwhile
        others = [place for place in kept if place not in needed]
        for place in others[: max(len(others) - _KEPT, 0)]:
            self.tiles.pop(place, None)
        for (_, tile), seen in tuple(self.tiles.items()):
            top, left = tile.window[:2]
            seen.release([query.shifted(-top, -left) for query in queries], limit)

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return (h, w, 3) pixels as the network sees them."""
        return self.model.rgb8(np.asarray(self.image[rows, columns]), self.contrast_limits)

    def is_current(self, image: PlaneLike) -> bool:
        """Whether the tiles that are kept still have the pixels that the network saw."""
        kept = tuple(self.tiles.items())
        now = (self.model.rgb8(read_tile(image, *place), self.contrast_limits) for place, _ in kept)
        return all(np.array_equal(pixels, seen.rgb) for pixels, (_, seen) in zip(now, kept, strict=True))

    def _select(self, query: Query, thresholds: Thresholds) -> tuple[Selection, list[Pending]]:
        """Answer one query from the finest tile that has an object for it."""
        if not query.from_proposals or not query.may_lie_on(self.shape):
            return select_objects(_no_instances(self.shape), [query])[0], []
        nothing = Selection(query, self.shape, (), "the network has not looked here yet")
        if self.grid is None:
            return nothing, [PendingScale(middle_of(query))]
        unanswered: Selection | None = None
        for grid, tile in self.places(query):
            seen = self.tiles.get((grid, tile))
            if seen is None:
                return unanswered or nothing, [PendingTile(grid, tile)]
            top, left = tile.window[:2]
            (selection,), regions = seen.select_from_cache([query.shifted(-top, -left)], thresholds)
            if selection.found:
                return replace(selection.moved(top, left, self.shape), query=query), []
            if regions and seen.rgb.shape[:2] == tile.shape:  # a coarse tile was not kept in all its pixels
                return unanswered or nothing, [PendingTile(grid, tile, region) for region in regions]
            unanswered = unanswered or replace(nothing, reason=selection.reason)
        return unanswered or nothing, []


def middle_of(query: Query) -> tuple[float, float]:
    """Return row and column of the middle of a query."""
    low, high = query.extent()
    y, x = ((low + high) / 2).tolist()
    return y, x


def _no_instances(shape: tuple[int, int]) -> Instances:
    return Instances(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), shape)
