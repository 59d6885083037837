"""Colours of objects that are shown and not yet accepted: those that touch never have like ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

PALETTE = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#009e73", "#d55e00", "#0072b2")
"""Told apart with all kinds of colour vision: Okabe & Ito, *Color Universal Design*, 2008; without black."""

TOUCHING = 3
"""Objects so many pixels apart count as touching: their outlines would run into each other."""

_MOST_LOOKED_AT = 2048 * 2048
"""Of larger label images every second, third, … pixel is looked at."""

_MOST_COLOURS = 65535
"""napari draws labels with more colours, that of nothing included, wrongly or not at all."""


class Colouring:
    """Gives each number a colour, and keeps it as long as no neighbour has the same."""

    def __init__(self) -> None:
        # of nothing and of 1: napari divides by the number of colours, also where no object was found
        self._of: NDArray[np.int64] = np.zeros(2, np.int64)

    def update(
        self, labels: NDArray[np.integer], windows: Sequence[tuple[slice, slice]] | None = None
    ) -> NDArray[np.int64]:
        """Return the position in `PALETTE` of the colour of each number from 0, where 0 is nothing.

        Parameters
        ----------
        labels
            (…, Y, X) label image of the objects that there are now.
        windows
            Rows and columns in which all lie that changed since the last time; None = anything may have changed.
        """
        seen = [labels] if windows is None else [labels[window] for window in windows]
        largest = min(max((int(part.max(initial=0)) for part in seen), default=0), _MOST_COLOURS - 1)
        if largest >= len(self._of):
            new = np.arange(len(self._of), min(max(largest + 1, 2 * len(self._of), 64), _MOST_COLOURS))
            self._of = np.concatenate([self._of, (new - 1) % len(PALETTE)])
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *(touching(part) for part in seen)])
        pairs = pairs[(pairs < len(self._of)).all(axis=1)]
        if (self._of[pairs[:, 0]] == self._of[pairs[:, 1]]).any():
            self._of = _settled(self._of, pairs)
        return self._of

    def colormap(self) -> CyclicLabelColormap:
        """Return the colours as napari takes them."""
        colours = np.array([_rgba(colour) for colour in PALETTE])[self._of]
        colours[0] = 0
        return CyclicLabelColormap(name="FastSAM preview", colors=colours)


def touching(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return (P, 2) pairs of numbers whose objects touch, the smaller first.

    Parameters
    ----------
    labels
        (…, Y, X) label image.
    """
    step = 1
    while labels[..., ::step, ::step].size > _MOST_LOOKED_AT:
        step += 1
    seen = np.ascontiguousarray(labels[..., ::step, ::step])
    height, width = seen.shape[-2:]
    found = [np.zeros((0, 2), np.int64)]
    for distance in sorted({1, max(1, TOUCHING // step)}) if seen.size else ():
        found += [_pairs(seen, height, width, distance), _pairs(seen, width, 1, distance)]
    pairs = np.sort(np.concatenate(found), axis=1)
    keys = np.unique(pairs[:, 0] << 32 | pairs[:, 1])
    return np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1)


def _pairs(labels: NDArray[np.integer], length: int, step: int, distance: int) -> NDArray[np.int64]:
    """Return (P, 2) unlike numbers other than 0, some pixels apart along one axis; most pairs come many times.

    Parameters
    ----------
    labels
        (…, Y, X) label image, contiguous.
    length, step
        Of the axis: how many pixels it has, and how many places in memory lie between two of them.
    distance
        In pixels.
    """
    along = labels.reshape(-1, length, step)
    # places of the few that differ, in a walk over two arrays: to pick them out by a mask takes three times as long
    first = np.flatnonzero(along[:, :-distance] != along[:, distance:])
    first += first // max((length - distance) * step, 1) * (distance * step)
    flat = labels.reshape(-1)
    one, other = flat[first], flat[first + distance * step]
    both = (one > 0) & (other > 0)
    return np.stack([one[both], other[both]], axis=1).astype(np.int64)


def _settled(colours: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return colours in which no pair has one in common, as few as possible of them changed.

    Where one number has neighbours of all colours, it takes the one that fewest of them have.
    """
    colours = colours.copy()
    neighbours: dict[int, list[int]] = {}
    for one, other in pairs.tolist():
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    for one, other in pairs[colours[pairs[:, 0]] == colours[pairs[:, 1]]].tolist():
        if colours[one] == colours[other]:  # not settled meanwhile
            newer = max(one, other)
            taken = np.bincount(colours[neighbours[newer]], minlength=len(PALETTE))
            colours[newer] = int(taken.argmin())
    return colours


def _rgba(colour: str) -> tuple[float, float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0
