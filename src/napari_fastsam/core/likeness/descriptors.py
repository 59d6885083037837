"""An object as a vector: what the network saw in it, its size, shape and brightness.

The network's own features, pooled within the mask, cost next to nothing: they are there from the one pass. Size, shape
and brightness say what the features, trained to find objects of every kind, need not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.geometry import Letterbox
from napari_fastsam.core.objects.embeddings import image_features_of
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask

LEVELS = 1
"""How many of the network's feature maps are used, fine to coarse: the coarser ones made the answers worse."""

FORM = 13
"""The last columns of a description: size, shape and colour."""

MARGIN = 3
"""Pixels around an object whose brightness is its surroundings'."""


def descriptor_kind(instances: Instances) -> str:
    """Return which description `describe_instances` gives of these objects; only equal ones can be compared."""
    image_features = image_features_of(instances)
    if not image_features.maps:
        return "pooled-1:none"
    channels = "+".join(str(level.values.shape[-1]) for level in image_features.maps)
    return f"pooled-1:{channels}:{image_features.source}"


def describe_instances(instances: Instances, positions: Sequence[int]) -> NDArray[np.float32]:
    """Describe the objects at some positions.

    Parameters
    ----------
    instances
        From a pass of the network, or with an image of their own; then without features of the network.
    positions
        P of them.

    Returns
    -------
    numpy.ndarray
        (P, D) float32, finite: means of the feature maps within the mask, fine to coarse; size and shape; colours.

    Raises
    ------
    ParameterError
        If the instances do not know their image.
    """
    image_features = image_features_of(instances)
    letterbox, rgb = None if instances.proposals is None else instances.proposals.letterbox, image_features.rgb
    cells = [] if letterbox is None else [_cells(letterbox, level.stride) for level in image_features.maps]
    rows = []
    for i in positions:
        crop = instances.masks[i]
        pooled = [
            _pooled(crop, level.values, *cell) for level, cell in zip(image_features.maps, cells, strict=len(cells) > 0)
        ]
        rows.append(np.concatenate([*pooled, _form(crop), _colours(_as_read(crop, instances.shape, rgb), rgb)]))
    width = len(rows[0]) if rows else 0
    return np.array(rows, np.float32).reshape(len(rows), width)


def _cells(letterbox: Letterbox, stride: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return letterbox.cells(0, stride), letterbox.cells(1, stride)


def _pooled(
    crop: CroppedMask, values: NDArray[np.floating], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the mean of an (h, w, C) map over a mask, each cell by the pixels of the mask whose centres lie in it."""
    if not crop.area:
        return np.zeros(values.shape[-1], np.float32)
    down, across = crop.window
    (top, bottom, starts), (left, right, lefts) = _runs(rows[down]), _runs(columns[across])
    weights = np.add.reduceat(np.add.reduceat(crop.pixels.astype(np.float32), starts, axis=0), lefts, axis=1)
    # a plane that is shown enlarged has cells without a pixel's centre: they weigh nothing
    full = np.zeros((bottom - top, right - left), np.float32)
    full[np.ix_(rows[down][starts] - top, columns[across][lefts] - left)] = weights
    window = values[top:bottom, left:right].astype(np.float32)
    mean: NDArray[np.float32] = np.tensordot(full / np.float32(crop.area), window, axes=2)
    return mean


def _runs(cells: NDArray[np.intp]) -> tuple[int, int, NDArray[np.intp]]:
    """Return the first cell, the one after the last, and where runs of one cell start."""
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    return int(cells[0]), int(cells[-1]) + 1, starts


def _form(crop: CroppedMask) -> NDArray[np.float32]:
    """Return size and shape: log of the diameter, log of the elongation, share of its box, raggedness of its edge."""
    pixels, area = crop.pixels, crop.area
    if not area:
        return np.zeros(4, np.float32)
    y, x = np.nonzero(pixels)
    # 1/12: a pixel is a square, not a point; so no object is infinitely thin
    spread = np.cov(np.stack([y, x]), bias=True).reshape(2, 2) + np.eye(2) / 12
    small, large = np.linalg.eigvalsh(spread)
    padded = np.pad(pixels, 1)
    edges = np.count_nonzero(padded[1:] != padded[:-1]) + np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    return np.array(
        [np.log(area) / 2, np.log(large / small) / 2, area / pixels.size, np.log(edges**2 / area)], np.float32
    )


def _as_read(crop: CroppedMask, shape: tuple[int, int], rgb: NDArray[np.uint8]) -> CroppedMask:
    """Return a mask in the pixels that were read: of a coarse tile only every so many rows and columns were.

    An object between them is taken for the pixel nearest to its middle.
    """
    read = rgb.shape[:2]
    if read == tuple(shape):
        return crop
    places = [np.arange(n) * max(-(-length // n), 1) for n, length in zip(read, shape, strict=True)]
    (top, bottom), (left, right) = (
        np.searchsorted(at, (window.start, window.stop)).tolist()
        for at, window in zip(places, crop.window, strict=True)
    )
    pixels = crop.pixels[np.ix_(places[0][top:bottom] - crop.top, places[1][left:right] - crop.left)]
    if pixels.any() or not crop.area:
        return CroppedMask(top, left, pixels)
    middle = np.argwhere(crop.pixels).mean(axis=0) + np.array([crop.top, crop.left])
    row, column = (int(np.abs(at - place).argmin()) for at, place in zip(places, middle, strict=True))
    return CroppedMask(row, column, np.ones((1, 1), bool))


def _colours(crop: CroppedMask, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return mean and spread of each colour within the object, and how its mean differs from its surroundings'."""
    height, width = picture.shape[:2]
    down, across = crop.window
    top, left = max(down.start - MARGIN, 0), max(across.start - MARGIN, 0)
    window = slice(top, min(down.stop + MARGIN, height)), slice(left, min(across.stop + MARGIN, width))
    rgb = picture[window].astype(np.float32) / 255
    inside = np.zeros(rgb.shape[:2], bool)
    inside[down.start - top : down.stop - top, across.start - left : across.stop - left] = crop.pixels
    if not inside.any():
        return np.zeros(9, np.float32)
    own, around = rgb[inside], rgb[~inside]
    mean = own.mean(axis=0)
    return np.concatenate([mean, own.std(axis=0), mean - around.mean(axis=0) if len(around) else np.zeros(3)])
