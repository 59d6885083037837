"""The objects of one plane: boxes, scores and cropped masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.suppression import suppress
from napari_fastsam.errors import ParameterError

if TYPE_CHECKING:
    from napari_fastsam.core.proposals import Proposals


@dataclass(frozen=True, eq=False)
class Crop:
    """A mask, kept only where it can be true.

    Attributes
    ----------
    top, left
        Row and column of the plane where `pixels` begins.
    pixels
        (h, w) bool.
    decode
        Gives the (h, w) float32 mask values that `pixels` were cut from, if anyone still knows them: the higher, the
        surer that a pixel belongs to the object.
    """

    top: int
    left: int
    pixels: NDArray[np.bool_]
    decode: Callable[[], NDArray[np.float32]] | None = field(default=None, repr=False)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the plane that `pixels` covers."""
        height, width = self.pixels.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @cached_property
    def area(self) -> int:
        """Number of pixels that belong to the object."""
        return int(np.count_nonzero(self.pixels))

    def covers(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Tell for (P, 2) rows and columns (pixel centres at integers) which lie in the object."""
        index = np.floor(np.asarray(points) + 0.5).astype(np.int64) - (self.top, self.left)
        inside = ((index >= 0) & (index < self.pixels.shape)).all(axis=1)
        result = np.zeros(len(index), bool)
        result[inside] = self.pixels[tuple(index[inside].T)]
        return result

    def full(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return the mask on the whole plane of `shape`."""
        plane = np.zeros(shape, bool)
        plane[self.window] = self.pixels
        return plane

    def moved(self, rows: int, columns: int) -> Crop:
        """Return the same mask, shifted by whole pixels."""
        return Crop(self.top + rows, self.left + columns, self.pixels, self.decode)

    def intersection(self, other: Crop) -> int:
        """Count the pixels that both have."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom = min(self.window[0].stop, other.window[0].stop)
        right = min(self.window[1].stop, other.window[1].stop)
        if top >= bottom or left >= right:
            return 0
        mine = self.pixels[top - self.top : bottom - self.top, left - self.left : right - self.left]
        theirs = other.pixels[top - other.top : bottom - other.top, left - other.left : right - other.left]
        return int(np.count_nonzero(mine & theirs))

    def iou(self, other: Crop) -> float:
        """Intersection over union of the two masks; 0 if both are empty."""
        both = self.intersection(other)
        union = self.area + other.area - both
        return both / union if union else 0.0


@dataclass(frozen=True, eq=False)
class Instances:
    """The objects found on one plane, best first.

    Parameters
    ----------
    boxes
        (N, 4) float32 ``y0, x0, y1, x1`` in pixels of the plane, pixel edges at integers.
    scores
        (N,) float32, 0 … 1.
    masks
        N cropped masks; may decode themselves when they are asked for.
    shape
        ``(H, W)`` of the plane.
    proposals, ranks
        What they were chosen from and where they stand in it, if they came from a network.

    Raises
    ------
    ParameterError
        If boxes, scores and masks disagree about N.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: Sequence[Crop]
    shape: tuple[int, int]
    proposals: Proposals | None = field(default=None, repr=False)
    ranks: NDArray[np.intp] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", np.asarray(self.boxes, np.float32).reshape(-1, 4))
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float32).reshape(-1))
        if not len(self.boxes) == len(self.scores) == len(self.masks):
            raise ParameterError(
                f"{len(self.boxes)} boxes, {len(self.scores)} scores and {len(self.masks)} masks; expected as many of each"
            )

    @classmethod
    def from_masks(cls, masks: ArrayLike, scores: ArrayLike | None = None) -> Instances:
        """Make instances of full masks, for instance of another program's.

        Parameters
        ----------
        masks
            (N, H, W), not 0 = object. Empty ones are left out.
        scores
            (N,); None means 1 for each.
        """
        stack = np.asarray(masks) != 0
        given = np.ones(len(stack)) if scores is None else np.asarray(scores)
        crops, kept = [], []
        for i, mask in enumerate(stack):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            if len(rows):
                window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
                crops.append(Crop(int(rows[0]), int(columns[0]), mask[window].copy()))
                kept.append(i)
        boxes = [[c.top, c.left, c.window[0].stop, c.window[1].stop] for c in crops]
        order = np.argsort(-given[kept], kind="stable")
        return cls(
            np.array(boxes, np.float32).reshape(-1, 4)[order],
            given[kept][order].astype(np.float32),
            tuple(crops[i] for i in order),
            (int(stack.shape[1]), int(stack.shape[2])),
        )

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.boxes)

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """(N,) number of pixels of each object."""
        return np.fromiter((crop.area for crop in self.masks), np.int64, len(self))

    def mask(self, i: int) -> NDArray[np.bool_]:
        """Return the `i`-th object on the whole plane, (H, W) bool."""
        return self.masks[i].full(self.shape)

    def subset(self, indices: ArrayLike) -> Instances:
        """Return the objects at `indices` (integers or a boolean mask), in that order."""
        index = np.arange(len(self))[np.asarray(indices)]
        return Instances(
            self.boxes[index],
            self.scores[index],
            tuple(self.masks[i] for i in index),
            self.shape,
            self.proposals,
            None if self.ranks is None else self.ranks[index],
        )

    def filter(
        self,
        conf: float | None = None,
        iou: float | None = None,
        min_area: float | None = None,
        max_area: float | None = None,
    ) -> Instances:
        """Keep the objects that pass every threshold given.

        Parameters
        ----------
        conf
            Lowest score, left out itself (as in ultralytics).
        iou
            Non-maximum suppression: of two boxes that overlap more than this, the better stays.
        min_area, max_area
            Pixels of the mask, both included.

        Returns
        -------
        Instances
            In the same order.

        Raises
        ------
        ParameterError
            For a threshold outside 0 … 1 or a negative area.
        """
        check_thresholds(conf, iou, min_area, max_area)
        keep = np.ones(len(self), bool)
        if conf is not None:
            keep &= self.scores > conf
        if min_area is not None:
            keep &= self.areas >= min_area
        if max_area is not None:
            keep &= self.areas <= max_area
        index = np.flatnonzero(keep)
        if iou is not None:
            index = np.sort(index[suppress(self.boxes[index], self.scores[index], iou)])
        return self.subset(index)

    def to_labels(self) -> NDArray[np.int32]:
        """Return the objects as a label image.

        Returns
        -------
        numpy.ndarray
            (H, W) int32; 0 = background, i + 1 = the i-th object. See `core.painting` for who gets a pixel that
            several objects claim.
        """
        from napari_fastsam.core.painting import paint

        return paint(self.masks, self.shape)


def check_thresholds(
    conf: float | None, iou: float | None, min_area: float | None = None, max_area: float | None = None
) -> None:
    """Raise ParameterError for a threshold that cannot be meant."""
    for name, value in (("conf", conf), ("iou", iou)):
        if value is not None and not 0 <= value <= 1:
            raise ParameterError(f"{name} is {value!r}; expected a number from 0 to 1")
    for name, value in (("min_area", min_area), ("max_area", max_area)):
        if value is not None and not value >= 0:
            raise ParameterError(f"{name} is {value!r}; expected a number of pixels, 0 or more")
    if min_area is not None and max_area is not None and min_area > max_area:
        raise ParameterError(f"min_area {min_area:g} is above max_area {max_area:g}; nothing could pass")
