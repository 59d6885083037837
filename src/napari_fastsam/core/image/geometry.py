"""Where a pixel of the plane lies in the network's input and in its prototypes, and back.

All rounding of half pixels is in this module. Two conventions meet here:

* pixel *centres* at integers: ``(row, column)`` of points, outlines and array indices;
* pixel *edges* at integers: boxes, and everything the network says. An edge coordinate is a centre plus 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ParameterError

STRIDE_PROTOTYPES = 4
"""Input pixels per prototype cell along each axis, in every YOLO segmentation head."""

STRIDE_NETWORK = 32
"""The network's input sides are multiples of its coarsest stride."""

MAX_IMGSZ = 8192
"""Longest input side that is accepted: beyond it a pass takes minutes and tens of GB."""


def checked_imgsz(imgsz: Any) -> int:
    """Return the size of an input, a whole number of pixels.

    Raises
    ------
    ParameterError
        If it is none from `STRIDE_NETWORK` to `MAX_IMGSZ`.
    """
    try:
        whole = not isinstance(imgsz, bool) and int(imgsz) == imgsz
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or not STRIDE_NETWORK <= imgsz <= MAX_IMGSZ:
        raise ParameterError(
            f"imgsz is {imgsz!r}; expected a whole number of pixels from {STRIDE_NETWORK} to {MAX_IMGSZ}"
        )
    return int(imgsz)


@dataclass(frozen=True)
class Letterbox:
    """How a plane was scaled and padded to the network's input.

    The same arithmetic as ultralytics' rectangular letterbox, so that the same instances come out: one gain for both
    axes, the content rounded to whole pixels and centred in sides that are multiples of 32.

    Parameters
    ----------
    plane
        Height and width of the plane in pixels.
    imgsz
        Length that the longer side is scaled to, rounded up to a multiple of 32.
    fixed
        Height and width of the only input that the network takes, as an exported one may: the content is centred in
        that, and made smaller where it does not fit. None = any.
    """

    plane: tuple[int, int]
    imgsz: int
    fixed: tuple[int, int] | None = None

    @property
    def gain(self) -> float:
        """Input pixels per plane pixel, before the content is rounded to whole pixels."""
        longest = -(-self.imgsz // STRIDE_NETWORK) * STRIDE_NETWORK
        gain = longest / max(self.plane)
        if self.fixed is None:
            return gain
        return min(gain, *(most / side for most, side in zip(self.fixed, self.plane, strict=True)))

    @property
    def content(self) -> tuple[int, int]:
        """Height and width of the scaled plane in input pixels."""
        height, width = (max(round(side * self.gain), 1) for side in self.plane)
        return height, width

    @property
    def input(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        if self.fixed is not None:
            return self.fixed
        height, width = (-(-side // STRIDE_NETWORK) * STRIDE_NETWORK for side in self.content)
        return height, width

    @property
    def padding(self) -> tuple[int, int]:
        """Rows above and columns left of the content in input pixels."""
        # 0.1 is what keeps an odd rest from being rounded the wrong way; ultralytics' LetterBox does the same
        top, left = (round((side - inner) / 2 - 0.1) for side, inner in zip(self.input, self.content, strict=True))
        return top, left

    def boxes_to_plane(self, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn the network's boxes into boxes of the plane.

        Parameters
        ----------
        boxes_xyxy
            (N, 4) ``x0, y0, x1, y1`` in input pixels.

        Returns
        -------
        numpy.ndarray
            (N, 4) ``y0, x0, y1, x1`` in plane pixels (edges at integers), clipped to the plane.
        """
        top, left = self.padding
        offset = np.array([top, left, top, left], dtype=np.float32)
        # the content was rounded to whole pixels, so that each axis has a gain of its own
        gain_y, gain_x = (inner / side for inner, side in zip(self.content, self.plane, strict=True))
        gains = np.array([gain_y, gain_x, gain_y, gain_x], dtype=np.float32)
        boxes: NDArray[np.float32] = (boxes_xyxy[:, [1, 0, 3, 2]] - offset) / gains
        np.clip(boxes, 0, np.array([*self.plane, *self.plane], dtype=np.float32), out=boxes)
        return boxes

    def cells(self, axis: int, stride: float) -> NDArray[np.intp]:
        """Return for each pixel along an axis of the plane the cell of a feature map that its centre lies in.

        Parameters
        ----------
        axis
            0 for rows, 1 for columns.
        stride
            Input pixels from one cell to the next.
        """
        length, content, side = self.plane[axis], self.content[axis], self.input[axis]
        centres = (np.arange(length) + 0.5) * (content / length) + self.padding[axis]
        return np.clip((centres / stride).astype(np.intp), 0, max(int(side / stride) - 1, 0))

    @cached_property
    def rows(self) -> Interpolation:
        """From rows of the plane to rows of the prototypes."""
        return self._along(0)

    @cached_property
    def columns(self) -> Interpolation:
        """From columns of the plane to columns of the prototypes."""
        return self._along(1)

    def _along(self, axis: int) -> Interpolation:
        # ultralytics crops the padding from the prototypes; if it does not end between two cells there, from prototypes
        # enlarged 2 or 4 times. The outermost half cell, of whatever size, is then repeated outwards.
        rest = (self.input[0] - self.content[0]) | (self.input[1] - self.content[1])
        margin = math.gcd(STRIDE_PROTOTYPES, rest | rest // 2) / 2
        return Interpolation.between(self.plane[axis], self.content[axis], self.padding[axis], self.input[axis], margin)


@dataclass(frozen=True, eq=False)
class Interpolation:
    """Linear interpolation of prototypes at every pixel centre along one axis of the plane.

    Attributes
    ----------
    lower, upper
        (L,) the two prototype cells that a pixel lies between.
    weight
        (L,) float32 share of the upper one.
    """

    lower: NDArray[np.intp]
    upper: NDArray[np.intp]
    weight: NDArray[np.float32]

    @classmethod
    def between(cls, length: int, content: int, padding: int, side: int, margin: float) -> Interpolation:
        """Compute the weights for one axis.

        Parameters
        ----------
        length
            Pixels of the plane along the axis.
        content, padding, side
            Input pixels that the plane fills, those before it, and all.
        margin
            Input pixels at either end of the content whose values are those at `margin` itself: beyond the content the
            network saw grey padding.
        """
        first, last = padding + margin, padding + content - margin
        centres = (np.arange(length) + 0.5) * (content / length) + padding
        centres = np.clip(centres, min(first, last), max(first, last))
        most = side // STRIDE_PROTOTYPES - 1
        cells = np.clip(centres / STRIDE_PROTOTYPES - 0.5, 0, most)
        lower = np.floor(cells).astype(np.intp)
        return cls(lower, np.minimum(lower + 1, most), (cells - lower).astype(np.float32))


def pixel_range(start: float, stop: float, length: int) -> tuple[int, int]:
    """Return the half-open range of pixels whose left edge lies in ``[start, stop)``, within 0 … length.

    This is the rule by which ultralytics crops a mask to its box.
    """
    first = min(max(int(np.ceil(start)), 0), length)
    return first, max(first, min(int(np.ceil(stop)), length))


def pairwise_iou(boxes: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Intersection over union of boxes.

    Parameters
    ----------
    boxes, others
        (N, 4) and (M, 4), ``y0, x0, y1, x1`` or ``x0, y0, x1, y1`` alike.

    Returns
    -------
    numpy.ndarray
        (N, M); 0 where both boxes are empty.
    """
    a, b = np.asarray(boxes, np.float64)[:, None], np.asarray(others, np.float64)[None]
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    intersection: NDArray[np.float64] = sides.prod(axis=-1)
    union = (a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1) - intersection
    iou = np.zeros_like(intersection)
    np.divide(intersection, union, out=iou, where=union > 0)
    return iou
