"""Where the network looks again for a prompt that the first look left without an object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.prompts import PromptRef, Prompts
from napari_fastsam.model.weights.card import Card

SMALLEST_INPUT, LARGEST_INPUT = 64, 1024
"""Sides of the input, in pixels, that a closer look is worth: an object needs some cells, and a person won't wait."""

_SIZE_AMONG_ALL = 160.0
"""A third of a closer look at its largest: for models that were trained on objects of every size."""


@dataclass(frozen=True)
class Window:
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


def may_be_there(ref: PromptRef, prompts: Prompts, shape: tuple[int, int]) -> bool:
    """Whether a closer look can help: the prompt has pixels of the plane to look at.

    Points all have to lie on the plane, since one object has to hold them all.
    """
    low, high = extent_of(ref, prompts)
    if ref.kind == "point":
        return bool((low >= -1).all() and (high < np.array(shape)).all())
    return bool((high > low).all() and (high > -0.5).all() and (low < np.array(shape) - 0.5).all())


def windows_for(
    ref: PromptRef, prompts: Prompts, shape: tuple[int, int], card: Card, usual: float | None = None
) -> list[Window]:
    """Return the crops to look at for one prompt, the likeliest first.

    A point does not say how large its object is: a crop for an object of the size that the model was trained on, shown
    at twice its scale, then a wider one at half the scale for a large object. A box or outline does say it: a crop
    three times as wide, in which the object has twice the size that the model knows best, then one six times as wide
    in which it has that size. Other crops, tried with benchmarks/prompt_accuracy.py, found fewer objects.

    Parameters
    ----------
    ref, prompts
        Which of the prompts.
    shape
        ``(H, W)`` of the plane.
    card
        Of the model that is to look.
    usual
        Diameter that objects of the plane usually have, in its pixels; None = what the card says.
    """
    low, high = extent_of(ref, prompts)
    extent = float((high - low).max())
    known = card.shown_diameter or card.object_diameter
    if ref.kind in ("box", "outline"):
        size = known or _SIZE_AMONG_ALL
        sides = [(max(3 * extent, 16.0), 2 * size / extent), (max(6 * extent, 16.0), size / extent)]
    else:
        usual = usual or card.object_diameter or max(shape) / 16
        zoom = card.shown_diameter / usual if card.shown_diameter else 1.0
        sides = [(max(6 * usual, 2 * extent), 2 * zoom), (max(24 * usual, 4 * extent), zoom / 2)]
    windows = []
    for side, zoom in sides:
        rows, columns = (_span((low[a] + high[a]) / 2, side, shape[a]) for a in (0, 1))
        longest = max(rows[1] - rows[0], columns[1] - columns[0])
        shown = longest * zoom if known or ref.kind in ("box", "outline") else card.imgsz or LARGEST_INPUT
        windows.append(Window(rows, columns, int(np.clip(round(shown / 32) * 32, SMALLEST_INPUT, LARGEST_INPUT))))
    return list(dict.fromkeys(windows))


def extent_of(ref: PromptRef, prompts: Prompts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and the highest row and column that a prompt's pixels reach, on the scale of pixel centres."""
    first = ref.indices[0]
    if ref.kind == "box":
        box = prompts.boxes[first]
        return box[:2] - 0.5, box[2:] - 0.5
    if ref.kind == "point":
        vertices = prompts.points[list(ref.indices)]
    else:
        vertices = (prompts.outlines if ref.kind == "outline" else prompts.scribbles)[first]
    return vertices.min(axis=0) - 0.5, vertices.max(axis=0) + 0.5


def _span(centre: float, side: float, length: int) -> tuple[int, int]:
    """Return a run of pixels of about `side` around `centre`, shifted to lie within 0 … length."""
    size = min(length, max(1, round(side)))
    first = min(max(round(centre - size / 2), 0), length - size)
    return first, first + size
