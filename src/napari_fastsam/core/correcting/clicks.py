"""Positive and negative clicks on one object, in an order that does not depend on when they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import PromptError


@dataclass(frozen=True, eq=False)
class Clicks:
    """Where an object is, and where it is not.

    Attributes
    ----------
    pixels
        (N, 2) int rows and columns, each pixel once, in ascending order: the same clicks give the same answer in
        whatever order they were made.
    positive
        (N,) bool: whether the object is there.
    """

    pixels: NDArray[np.intp]
    positive: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of clicks."""
        return len(self.pixels)

    @property
    def inside(self) -> NDArray[np.intp]:
        """(P, 2) pixels that belong to the object."""
        return self.pixels[self.positive]

    @property
    def outside(self) -> NDArray[np.intp]:
        """(M, 2) pixels that do not."""
        return self.pixels[~self.positive]

    def chosen(self, which: NDArray[np.bool_]) -> Clicks:
        """Return those of the clicks for which (N,) `which` is True."""
        return Clicks(self.pixels[which], self.positive[which])


NO_CLICKS = Clicks(np.zeros((0, 2), np.intp), np.zeros(0, bool))
"""Nothing was clicked."""


def read_clicks(points: ArrayLike, labels: ArrayLike | None, shape: tuple[int, int]) -> tuple[Clicks, tuple[str, ...]]:
    """Snap clicks to the pixels of a plane and say what cannot be honoured.

    Parameters
    ----------
    points
        (N, 2) rows and columns, pixel centres at integers, in the order in which they were made.
    labels
        (N,) 1 or True where the object is, 0 or False where it is not; None means 1 for all.
    shape
        ``(H, W)`` of the plane.

    Returns
    -------
    clicks
        Those on the plane; of several on one pixel, the last.
    notes
        A sentence each for clicks that were left out, to be shown to the user.

    Raises
    ------
    PromptError
        If the points are not pairs of finite numbers, or there is not one label a point.
    """
    table = np.asarray(points, np.float64)
    table = table.reshape(0, 2) if table.size == 0 else table
    if table.ndim != 2 or table.shape[1] != 2 or not np.isfinite(table).all():
        raise PromptError(f"clicks have shape {table.shape}; expected (N, 2) rows and columns, all of them finite")
    signs = np.ones(len(table), bool) if labels is None else np.asarray(labels).astype(bool).ravel()
    if len(signs) != len(table):
        raise PromptError(f"there are {len(table)} clicks and {len(signs)} labels; expected one label for each click")
    pixels = np.floor(table + 0.5)
    on_plane = ((pixels >= 0) & (pixels < shape)).all(axis=1)
    last: dict[tuple[int, int], bool] = {}
    contradicted: set[tuple[int, int]] = set()
    for (row, column), sign in zip(pixels[on_plane].astype(np.intp).tolist(), signs[on_plane].tolist(), strict=True):
        if last.get((row, column), sign) != sign:
            contradicted.add((row, column))
        last[row, column] = sign
    places = sorted(last)
    clicks = Clicks(np.array(places, np.intp).reshape(-1, 2), np.array([last[place] for place in places], bool))
    return clicks, _notes(int((~on_plane).sum()), len(contradicted))


def _notes(outside: int, contradicted: int) -> tuple[str, ...]:
    notes: list[str] = []
    if outside:
        notes.append(f"{_counted(outside, 'click lies', 'clicks lie')} outside the image and {_are(outside)} ignored")
    if contradicted:
        notes.append(
            f"{_counted(contradicted, 'pixel was', 'pixels were')} clicked with both signs; the last click counts"
        )
    return tuple(notes)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def joined(parts: Sequence[Clicks]) -> Clicks:
    """Return all clicks of several together; of two on one pixel, the one of the later part."""
    merged = {
        (row, column): sign
        for part in parts
        for (row, column), sign in zip(part.pixels.tolist(), part.positive.tolist(), strict=True)
    }
    places = sorted(merged)
    return Clicks(np.array(places, np.intp).reshape(-1, 2), np.array([merged[place] for place in places], bool))
