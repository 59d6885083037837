"""The object under the cursor, from what is kept: the network is never asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.prompts.points import PointGroup
from napari_fastsam.core.prompts.queries import PromptRef
from napari_fastsam.layers.planes.transforms import world_to_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

    from napari_fastsam.core.objects.masks import CroppedMask
    from napari_fastsam.core.prompts.selection import Selection
    from napari_fastsam.layers.answers.kept import Kept
    from napari_fastsam.layers.answers.request import Request


@dataclass(frozen=True, eq=False)
class Hovered:
    """An object that the cursor is on.

    Attributes
    ----------
    request
        Whose plane it is on.
    yx
        Row and column of the region where the cursor was when it was found.
    selection
        What a click there would choose, larger or smaller candidates stepped to.
    steps
        How many were stepped to: > 0 larger, < 0 smaller.
    """

    request: Request
    yx: tuple[float, float]
    selection: Selection
    steps: int = 0

    @property
    def crop(self) -> CroppedMask | None:
        """Its mask, in pixels of the region."""
        return self.selection.crop

    def holds(self, yx: tuple[float, float]) -> bool:
        """Whether a place of the region lies in it."""
        return self.crop is not None and bool(self.crop.covers(np.array([yx]))[0])

    def stepped(self, direction: int) -> Hovered:
        """Return a larger (+1) or smaller (-1) object at its place; the same where there is none."""
        selection = self.selection.larger() if direction > 0 else self.selection.smaller()
        if selection is self.selection or selection.crop is None:
            return self
        return replace(self, selection=selection, steps=self.steps + direction)


def place_under(viewer: ViewerModel, request: Request, world: Sequence[float]) -> tuple[float, float] | None:
    """Return the row and column of a request's region under a place of the world; None = it is elsewhere."""
    image, plane = request.controls.image, request.plane
    data = world_to_data(image, np.asarray(world, float)[None], world_units=viewer.layers.units)
    data = np.where(np.isnan(data), np.asarray(plane.index), data)
    yx = plane.data_to_region(data)
    if not (plane.on_plane(data)[0] and plane.inside(yx)[0]):
        return None
    return float(yx[0, 0]), float(yx[0, 1])


def object_under(kept: Kept, request: Request, yx: tuple[float, float]) -> Hovered | None:
    """Return what a click at a row and column of the region would choose of what is kept; None = nothing."""
    prediction = kept.cache.get(request.key)
    if prediction is None:
        return None
    at = np.array([yx])
    click = PointGroup(PromptRef("point", (0,)), at, 0, at)
    (selection,), _ = prediction.select_from_cache([click], request.controls.thresholds)
    return Hovered(request, yx, selection) if selection.crop is not None else None
