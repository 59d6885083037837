"""The plane of a Labels layer that is shown: its pixels in windows, without looking at all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import skimage
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.layers.labels.label_windows import Box, find_label
from napari_fastsam.layers.labels.target import pixels_of, require_writable

if TYPE_CHECKING:
    from napari.layers import Labels


@dataclass(frozen=True, eq=False)
class LayerPlane:
    """A plane of a Labels layer, in the layer's own pixels.

    Attributes
    ----------
    layer
        One that can be written to.
    axes
        The layer's axes that are rows and columns, in ascending order.
    index
        (D,) position on the layer's other axes; any number on the plane's own.
    """

    layer: Labels
    axes: tuple[int, int]
    index: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        shape = pixels_of(self.layer).shape
        return int(shape[self.axes[0]]), int(shape[self.axes[1]])

    @property
    def all(self) -> Box:
        """The box that holds all of it."""
        return (0, 0, *self.shape)

    def at(self, index: tuple[int, ...]) -> LayerPlane:
        """Return the plane at another position."""
        return replace(self, index=index)

    def read(self, box: Box) -> NDArray[np.integer]:
        """Return the labels in a box, (Y, X); not to be written to."""
        where: list[int | slice] = list(self.index)
        where[self.axes[0]], where[self.axes[1]] = slice(box[0], box[2]), slice(box[1], box[3])
        return np.asarray(pixels_of(self.layer)[tuple(where)])

    def indices(self, box: Box, mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
        """Return where in the layer's data the pixels of a mask of a box lie."""
        rows, columns = np.nonzero(mask)
        indices = [np.full(len(rows), i, np.intp) for i in self.index]
        indices[self.axes[0]], indices[self.axes[1]] = rows + box[0], columns + box[1]
        return tuple(indices)

    def label_at(self, yx: Sequence[float]) -> int:
        """Return the label at a place; 0 = none, or beside the plane."""
        row, column = (int(np.floor(value + 0.5)) for value in yx)
        height, width = self.shape
        if not (0 <= row < height and 0 <= column < width):
            return 0
        return int(self.read((row, column, row + 1, column + 1))[0, 0])

    def box_of(self, label: int, yx: Sequence[float]) -> Box | None:
        """Return the smallest box that holds a label; None if it is not there.

        On a large plane only what lies around a place is read, until the label ends; pieces further away stay unknown.

        Parameters
        ----------
        label
            The label.
        yx
            (2,) a place on it.
        """
        in_memory = isinstance(pixels_of(self.layer), np.ndarray)
        mask = find_label(self.read, self.shape, label, yx, in_memory)
        if mask is None:
            return None
        rows, columns = mask.window
        return rows.start, columns.start, rows.stop, columns.stop

    def widened(self, box: Box, margin: int) -> Box:
        """Return a box with a margin, within the plane."""
        height, width = self.shape
        return (
            max(box[0] - margin, 0),
            max(box[1] - margin, 0),
            min(box[2] + margin, height),
            min(box[3] + margin, width),
        )

    def labels_in(self, outline_yx: ArrayLike) -> dict[int, tuple[int, int]]:
        """Return the labels of which at least half lies within an outline, and a place on each.

        Parameters
        ----------
        outline_yx
            (N, 2) corners of a polygon, in pixels of the plane.
        """
        corners = np.asarray(outline_yx, np.float64)
        height, width = self.shape
        y0, x0 = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, [height, width]).tolist()
        y1, x1 = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, [height, width]).tolist()
        if y0 >= y1 or x0 >= x1:
            return {}
        labels = self.read((y0, x0, y1, x1))
        within = np.where(skimage.draw.polygon2mask(labels.shape, corners - [y0, x0]), labels, 0)
        numbers, firsts, counts = np.unique(within, return_index=True, return_counts=True)
        found = {}
        for label, first, count in zip(numbers.tolist(), firsts.tolist(), counts.tolist(), strict=True):
            place = (y0 + first // labels.shape[1], x0 + first % labels.shape[1])
            box = self.box_of(label, place) if label else None
            if box is not None and 2 * count >= np.count_nonzero(self.read(box) == label):
                found[label] = place
        return found


def plane_at(layer: Labels, point: ArrayLike, displayed: Sequence[int]) -> LayerPlane:
    """Return the plane of a layer that is shown.

    Parameters
    ----------
    layer
        A Labels layer of D dimensions.
    point
        (D,) data coordinates of any place on it.
    displayed
        The two of the layer's axes that are shown.

    Raises
    ------
    LabelsError
        If the layer cannot be written to.
    """
    require_writable(layer)
    shape = pixels_of(layer).shape
    first, second = sorted(displayed)
    index = np.clip(np.floor(np.asarray(point, np.float64) + 0.5).astype(int), 0, np.array(shape) - 1)
    return LayerPlane(layer, (first, second), tuple(index.tolist()))
