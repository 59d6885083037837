"""Which pixels of an image are meant: plane, pyramid level and region, as one value."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Plane:
    """A region of one plane of an image.

    Hashable, so that results can be kept per plane. Three frames meet here, in each of which pixel centres
    lie at integers: *data*, the image's own n-D coordinates at full resolution, as napari's layers have them;
    *level*, the pixels of the pyramid level that is read; *region*, rows and columns of that level from the
    region's corner.

    Parameters
    ----------
    image_shape
        Lengths of the image's axes at full resolution, without the RGB axis.
    level_shape
        The same at `level`.
    axes
        The axes that are rows and columns, in the image's own order whatever way round they are shown.
    index
        Position on each axis at full resolution; 0 on rows and columns.
    level_index
        The same in pixels of `level`.
    level
        0 is full resolution.
    region
        ``y0, x0, y1, x1`` in pixels of `level`, half-open.
    """

    image_shape: tuple[int, ...]
    level_shape: tuple[int, ...]
    axes: tuple[int, int]
    index: tuple[int, ...]
    level_index: tuple[int, ...]
    level: int
    region: tuple[int, int, int, int]

    @property
    def ndim(self) -> int:
        """How many axes the image has."""
        return len(self.image_shape)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the region in pixels of the level."""
        y0, x0, y1, x1 = self.region
        return y1 - y0, x1 - x0

    @property
    def rows(self) -> slice:
        """The region's rows in the level."""
        return slice(self.region[0], self.region[2])

    @property
    def columns(self) -> slice:
        """The region's columns in the level."""
        return slice(self.region[1], self.region[3])

    @property
    def factors(self) -> NDArray[np.float64]:
        """(D,) full-resolution pixels per pixel of the level; napari derives them from the shapes alone."""
        return np.asarray(self.image_shape, dtype=np.float64) / np.asarray(self.level_shape, dtype=np.float64)

    @property
    def other_axes(self) -> tuple[int, ...]:
        """The axes that are neither rows nor columns."""
        return tuple(axis for axis in range(self.ndim) if axis not in self.axes)

    @property
    def level_slices(self) -> tuple[int | slice, ...]:
        """What to index the level's array with to get the region."""
        slices: list[int | slice] = list(self.level_index)
        slices[self.axes[0]], slices[self.axes[1]] = self.rows, self.columns
        return tuple(slices)

    @property
    def level_origin(self) -> NDArray[np.float64]:
        """(D,) data coordinates of the centre of the level's first pixel.

        The levels of a pyramid share their outer edge, not the centre of their first pixel: that is how
        napari draws them, so pixel r of a level covers data coordinates r·f − ½ … (r + 1)·f − ½.
        """
        return (self.factors - 1) / 2

    def at(self, axis: int, position: int) -> Plane:
        """Return the plane at another position along an axis that is neither rows nor columns."""
        index, level_index = list(self.index), list(self.level_index)
        index[axis] = position
        level_index[axis] = min(int(position / self.factors[axis]), self.level_shape[axis] - 1)
        return replace(self, index=tuple(index), level_index=tuple(level_index))

    def data_to_region(self, points: ArrayLike) -> NDArray[np.float64]:
        """Turn data coordinates (N, D) into rows and columns of the region (N, 2)."""
        chosen = list(self.axes)
        yx = np.asarray(points, dtype=np.float64).reshape(-1, self.ndim)[:, chosen]
        return (yx - self.level_origin[chosen]) / self.factors[chosen] - self.region[:2]

    def region_to_data(self, points_yx: ArrayLike) -> NDArray[np.float64]:
        """Turn rows and columns of the region (N, 2) into data coordinates (N, D) on the plane."""
        yx = np.asarray(points_yx, dtype=np.float64).reshape(-1, 2)
        chosen = list(self.axes)
        points = np.tile(np.asarray(self.index, dtype=np.float64), (len(yx), 1))
        points[:, chosen] = (yx + self.region[:2]) * self.factors[chosen] + self.level_origin[chosen]
        return points

    def on_plane(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Return whether data coordinates (N, D) lie within half a pixel of the plane; NaN does."""
        others = list(self.other_axes)
        values = np.asarray(points, dtype=np.float64).reshape(-1, self.ndim)[:, others]
        away = np.abs(values - np.asarray(self.index, dtype=np.float64)[others])
        return np.asarray((np.isnan(away) | (away <= 0.5 + 1e-6)).all(axis=1))

    def inside(self, points_yx: ArrayLike) -> NDArray[np.bool_]:
        """Return for rows and columns of the region (N, 2) whether they fall on one of its pixels."""
        pixels = np.floor(np.asarray(points_yx, dtype=np.float64).reshape(-1, 2) + 0.5)
        return np.asarray(((pixels >= 0) & (pixels < self.shape)).all(axis=1))
