"""The last stage: clicks correct the object that was selected. The seam where a correcting network is plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.selection import Selection


class NetworkPixels(Protocol):
    """Where the pixels of a plane come from."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return (h, w, 3) pixels of the plane at its full resolution, as the network sees them."""


class Refiner(Protocol):
    """Makes of an object and the points that speak of it the object that is meant."""

    def refine(self, plane: NetworkPixels, selection: Selection) -> Selection:
        """Return a selection whose chosen object honours the points of its query, with `refined` set if it changed.

        Parameters
        ----------
        plane
            Gives the pixels around the object.
        selection
            What the prompt meant so far, with or without an object; its query has the positive and negative points.
        """


def default_refiner() -> Refiner | None:
    """Return what corrects objects where nobody says otherwise; None = nothing does."""
    return None


def chosen_refiner(refine: bool | Refiner) -> Refiner | None:
    """Return the refiner that an argument ``refine`` means: the default for True, none for False, or itself."""
    if refine is True:
        return default_refiner()
    return None if refine is False else refine


def refined(plane: NetworkPixels, selections: Sequence[Selection], refiner: Refiner | None) -> list[Selection]:
    """Return selections whose objects were corrected by a refiner; as they are where there is none."""
    if refiner is None:
        return list(selections)
    return [refiner.refine(plane, selection) for selection in selections]
