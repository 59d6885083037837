"""Where the network looks again for a prompt that the first look left without an object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.model.weights.card import Card

SMALLEST_INPUT, LARGEST_INPUT = 64, 1024
"""Sides of the input, in pixels, that a closer look is worth: an object needs some cells, and a person won't wait."""

_SIZE_AMONG_ALL = 160.0
"""A third of a closer look at its largest: for models that were trained on objects of every size."""

_FAR = 1e9
"""Pixels: no plane is so large."""


@dataclass(frozen=True)
class CropRegion:
    """A crop of the plane and the size that the network sees it at.

    Attributes
    ----------
    rows, columns
        Half-open ranges of the plane's pixels.
    imgsz
        Length that the longer side is shown at, in input pixels.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    imgsz: int


def crop_regions(query: Query, shape: tuple[int, int], card: Card, usual: float | None = None) -> list[CropRegion]:
    """Return the crops to look at for one prompt, the likeliest first.

    A point does not say how large its object is: a crop for an object of the size that the model was trained on, shown
    at twice its scale, then a wider one at half the scale for a large object. A box or outline does say it: a crop
    three times as wide, in which the object has twice the size that the model knows best, then one six times as wide
    in which it has that size. Other crops, tried with benchmarks/prompt_accuracy.py, found fewer objects.

    Parameters
    ----------
    query
        The prompt.
    shape
        ``(H, W)`` of the plane.
    card
        Of the model that is to look.
    usual
        Diameter that objects of the plane usually have, in its pixels; None = what the card says.
    """
    # where a prompt that goes on far beyond the plane ends does not matter, but its extent has to be a number
    low, high = (np.clip(end, -_FAR, _FAR) for end in query.extent())
    extent = float((high - low).max())
    known = card.shown_diameter or card.object_diameter
    if query.tells_size:
        size = known or _SIZE_AMONG_ALL
        sides = [(max(3 * extent, 16.0), 2 * size / extent), (max(6 * extent, 16.0), size / extent)]
    else:
        usual = usual or card.object_diameter or max(shape) / 16
        zoom = card.shown_diameter / usual if card.shown_diameter else 1.0
        sides = [(max(6 * usual, 2 * extent), 2 * zoom), (max(24 * usual, 4 * extent), zoom / 2)]
    regions = []
    for side, zoom in sides:
        rows, columns = (_span((low[a] + high[a]) / 2, side, shape[a]) for a in (0, 1))
        longest = max(rows[1] - rows[0], columns[1] - columns[0])
        shown = longest * zoom if known or query.tells_size else card.imgsz or LARGEST_INPUT
        regions.append(CropRegion(rows, columns, int(np.clip(round(shown / 32) * 32, SMALLEST_INPUT, LARGEST_INPUT))))
    return list(dict.fromkeys(regions))


def _span(centre: float, side: float, length: int) -> tuple[int, int]:
    """Return a run of pixels of about `side` around `centre`, shifted to lie within 0 … length."""
    size = min(length, max(1, round(side)))
    first = min(max(round(centre - size / 2), 0), length - size)
    return first, first + size
