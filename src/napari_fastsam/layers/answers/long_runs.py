"""Runs over all tiles of a plane or all planes of a stack: the latest of each is kept, and goes on where it was."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.planes.editable_canvas import EditableCanvas, Taken
from napari_fastsam.core.planes.linking import PlaneOverlaps
from napari_fastsam.layers.answers.editable_run import EditableRun
from napari_fastsam.layers.answers.request import Planes, Request
from napari_fastsam.layers.memento import Memento
from napari_fastsam.layers.planes.channels import in_memory, lazy_together, read_together
from napari_fastsam.model.asking.descriptors import descriptors_for
from napari_fastsam.model.asking.stack import StackRun, start_stack
from napari_fastsam.model.asking.tiled import TiledRun, start_tiled

if TYPE_CHECKING:
    from napari_fastsam.core.likeness.text import TextEncoder
    from napari_fastsam.model.asking.descriptors import Descriptors
    from napari_fastsam.model.network.segmenter import Model


class LongRuns:
    """What is kept of runs that take longer than a person waits."""

    def __init__(self) -> None:
        self._tiles: tuple[Hashable, EditableRun] | None = None
        self._beside: Request | None = None
        self._planes: tuple[Hashable, StackRun] | None = None
        self._overlaps: tuple[Hashable, PlaneOverlaps] | None = None
        self._search: tuple[Hashable, TiledRun] | None = None
        self._added: list[tuple[Hashable, EditableRun, Taken]] = []

    def forget(self, image: Hashable = None) -> None:
        """Let go of the runs over an image, or of all of them."""

        def stays(kept: tuple[Hashable, Any] | None) -> bool:
            return kept is not None and image is not None and _image_of(kept[0]) != image

        self._tiles = self._tiles if stays(self._tiles) else None
        self._planes = self._planes if stays(self._planes) else None
        self._overlaps = self._overlaps if stays(self._overlaps) else None
        self._search = self._search if stays(self._search) else None
        if self._tiles is None:
            self._added.clear()

    def added(self, layer: Hashable, run: EditableRun, taken: Taken) -> None:
        """Remember that objects of a run are in a layer now, and offer the others only."""
        run.canvas.take(taken)
        self._added.append((layer, run, taken))

    def layer_removed(self, layer: Hashable) -> bool:
        """Offer once more what was added to a layer that is gone; returns whether there is any."""
        gone = [(run, taken) for other, run, taken in self._added if other == layer]
        self._added = [entry for entry in self._added if entry[0] != layer]
        for run, taken in gone:
            run.canvas.give_back(taken)
        return bool(gone)

    def memento(self) -> Memento:
        """Return what was added."""
        return Memento(None, tuple(self._added))

    def recall(self, memento: Memento) -> None:
        """Offer what was added since, and what was then and is not any more no longer."""
        then, now = memento.rest, self._added
        for _, run, taken in (entry for entry in now if entry not in then):
            run.canvas.give_back(taken)
        for _, run, taken in (entry for entry in then if entry not in now):
            run.canvas.take(taken)
        self._added = list(then)

    def over_tiles(self, request: Request) -> EditableRun | None:
        """Return the run over all tiles that a request asks for, if it was begun."""
        return self._tiles[1] if self._tiles is not None and self._tiles[0] == _tiles_key(request) else None

    def asked_beside(self, request: Request) -> None:
        """Remember what was asked last of all tiles: what is drawn beside them is answered before the next tile."""
        self._beside = request

    def latest(self, request: Request) -> Request:
        """Return what was asked last of the tiles that a request asks for. For any thread."""
        last = self._beside
        return request if last is None or _tiles_key(last) != _tiles_key(request) else last

    def search(self, request: Request) -> TiledRun | None:
        """Return the run over all tiles that describes what a request searches among, if it was begun."""
        return self._search[1] if self._search is not None and self._search[0] == _search_key(request) else None

    def over_planes(self, request: Request) -> StackRun | None:
        """Return what is kept of the stack that a request asks about."""
        return self._planes[1] if self._planes is not None and self._planes[0] == request.key else None

    def begin_tiles(self, model: Model, request: Request) -> EditableRun:
        """Begin a run over all tiles, where the person looks."""
        started = _start(model, request)
        canvas = EditableCanvas(np.zeros(started.plan.grid.shape, np.int32))
        run = EditableRun(model, started.image, started.plan, canvas)
        self._added.clear()
        self._tiles = (_tiles_key(request), run)
        return run

    def begin_search(self, model: Model, request: Request, encoder: TextEncoder | None) -> TiledRun:
        """Begin a run over all tiles whose objects are compared with words and examples at its end."""
        # described for examples at any rate: they may be marked later
        run = _start(model, request, partial(descriptors_for, encoder, True))
        self._search = (_search_key(request), run)
        return run

    def begin_planes(self, model: Model, request: Request, stack: Planes) -> StackRun:
        """Begin with a stack; its planes are seen when they are asked for."""
        controls = request.controls

        def read(position: int) -> NDArray[Any]:
            return read_together(controls.image, request.plane.at(stack.axis, position), controls.channels)

        run = start_stack(model, read, stack.count, controls.imgsz, request.contrast_limits, controls.tiling)
        self._planes = (request.key, run)
        return run

    def overlaps(self, run: StackRun, request: Request) -> PlaneOverlaps | None:
        """Return how the objects of a stack overlap at the thresholds, which linking anew does not change."""
        if not run.complete:
            return None
        limits, gap = request.controls.thresholds, request.controls.linking.max_gap
        key = (request.key, limits)
        if self._overlaps is None or self._overlaps[0] != key or self._overlaps[1].reach < gap + 1:
            planes = [tuple(instances.masks) for instances in run.planes(limits)]
            self._overlaps = (key, PlaneOverlaps.of(planes, gap))
        return self._overlaps[1]

    def may_be_outdated(self, request: Request) -> bool:
        """Return whether what is kept for a request has to go when it is asked for again by hand."""
        if request.waits_for_run:  # to look at all pixels again takes as long as to begin anew
            tiles = self.over_tiles(request) if request.over_tiles else self.search(request)
            return tiles is not None and tiles.complete
        planes = self.over_planes(request)
        controls = request.controls
        cheap = in_memory(controls.image, controls.channels)  # what dask or zarr read takes as long as to begin anew
        return planes is not None and cheap and not planes.is_as_seen()


def _start(model: Model, request: Request, descriptors: Descriptors | None = None) -> TiledRun:
    controls = request.controls
    return start_tiled(
        model,
        lazy_together(controls.image, request.plane, controls.channels),
        controls.tiling,
        controls.thresholds,
        request.contrast_limits,
        first=request.looking_at,
        descriptors=descriptors,
    )


def _image_of(key: Hashable) -> Hashable:
    """Return which image a key speaks of: the first thing in it."""
    return _image_of(key[0]) if isinstance(key, tuple) else key


def _search_key(request: Request) -> Hashable:
    """Return what the descriptions of a run over all tiles depend on."""
    controls = request.controls
    return _tiles_key(request), controls.text_encoder if controls.texts else None


def _tiles_key(request: Request) -> Hashable:
    """Return what the objects of a run over all tiles depend on."""
    return request.key, request.controls.thresholds
