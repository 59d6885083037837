"""Everything that one pass of the network said about a plane, kept so that all later questions are cheap.

A YOLO segmentation network answers with boxes, scores and, for each box, the coefficients of a linear combination of
prototype maps that it computed once for the plane (Bolya et al., "YOLACT", ICCV 2019). A mask is that combination,
interpolated to the plane's pixels, cut out by its box, where it is above 0. It is computed here only inside the box
and only when someone asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.geometry import Letterbox, pixel_range
from napari_fastsam.core.objects.features import ImageFeatures
from napari_fastsam.core.objects.instances import Instances, check_thresholds
from napari_fastsam.core.objects.masks import CroppedMask, LazyMasks
from napari_fastsam.core.objects.suppression import IOU_FLOOR, BoxOverlaps

CONF_FLOOR = 0.05
"""Proposals below this score are not kept for live thresholds: they are noise that costs time."""

SAME_OUTLINE = 0.8
"""IoU of boxes from which on two proposals are readings of one outline."""

MAX_PROPOSALS = 30_000
"""The best that are kept; ultralytics' own limit before suppression."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """Boxes, scores, coefficients and prototypes of one plane, best first.

    Attributes
    ----------
    boxes_input
        (N, 4) float32 ``x0, y0, x1, y1`` in the network's input pixels.
    scores
        (N,) float32, descending.
    coefficients
        (N, K) float32.
    prototypes
        (h, w, K) float32, the cells of the input at stride 4.
    letterbox
        Where the plane lies in the input.
    conf_floor
        Scores up to this were not kept.
    by_centre
        Which pixels lie in a box, when it cuts a mask: those whose centre does, or, as in ultralytics, those whose
        index does. The latter is half a pixel further down and to the right.
    image_features
        The plane as the network saw it, for whoever describes its objects.
    """

    boxes_input: NDArray[np.float32]
    scores: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    prototypes: NDArray[np.float32]
    letterbox: Letterbox
    conf_floor: float = CONF_FLOOR
    by_centre: bool = False
    image_features: ImageFeatures | None = field(default=None, repr=False)
    _crops: dict[int, CroppedMask] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of proposals."""
        return len(self.scores)

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""
        return self.letterbox.plane

    @property
    def nbytes(self) -> int:
        """Bytes held, decoded masks and descriptions included."""
        arrays = (self.boxes_input, self.scores, self.coefficients, self.prototypes)
        seen = 0 if self.image_features is None else self.image_features.nbytes
        return seen + sum(a.nbytes for a in arrays) + sum(c.pixels.nbytes for c in tuple(self._crops.values()))

    @cached_property
    def boxes(self) -> NDArray[np.float32]:
        """(N, 4) ``y0, x0, y1, x1`` in pixels of the plane, clipped to it."""
        return self.letterbox.boxes_to_plane(self.boxes_input)

    @cached_property
    def overlaps(self) -> BoxOverlaps:
        """The pairs of proposals that overlap."""
        return BoxOverlaps.of(self.boxes_input)

    def ranks(self, conf: float, iou: float) -> NDArray[np.intp]:
        """Return the ranks of the proposals above `conf` that non-maximum suppression at `iou` keeps."""
        overlaps = self.overlaps if iou >= IOU_FLOOR else BoxOverlaps.of(self.boxes_input, floor=iou)
        return overlaps.survivors(iou, self.scores > conf)

    def rivals(self, ranks: NDArray[np.intp], iou: float) -> NDArray[np.float64]:
        """Return the score of the surest other outline that suppression at `iou` left out for each of some proposals.

        What overlaps by `SAME_OUTLINE` or more is the same outline, and no rival.

        Parameters
        ----------
        ranks
            (N,) of those that were kept; what is no rank has no rival.
        iou
            As in `ranks`.

        Returns
        -------
        numpy.ndarray
            (N,) float64; NaN = it has none.
        """
        pairs, kept = self.overlaps, np.zeros(len(self), bool)
        own = np.flatnonzero(ranks < len(self))
        kept[ranks[own]] = True
        other = (pairs.iou > iou) & (pairs.iou < SAME_OUTLINE) & kept[pairs.better] & ~kept[pairs.worse]
        best = np.full(len(self), -np.inf)
        np.maximum.at(best, pairs.better[other], self.scores[pairs.worse[other]])
        found = np.full(len(ranks), np.nan)
        found[own] = np.where(np.isfinite(best[ranks[own]]), best[ranks[own]], np.nan)
        return found

    def instances(
        self,
        conf: float = 0.25,
        iou: float = 0.7,
        min_area: float | None = None,
        max_area: float | None = None,
    ) -> Instances:
        """Return the instances at these thresholds, as the network and non-maximum suppression would give them.

        Parameters
        ----------
        conf, iou
            As in `Instances.filter`; equal to a new run of the network with these thresholds.
        min_area, max_area
            Pixels of the mask, both included.

        Raises
        ------
        ParameterError
            For a threshold outside its range.
        """
        check_thresholds(conf, iou, min_area, max_area)
        ranks = self.ranks(conf, iou)
        areas = np.fromiter((self.crop(int(rank)).area for rank in ranks), np.int64, len(ranks))
        # a mask may be empty where its box is not; ultralytics leaves those out too
        keep = areas >= max(1, min_area or 0)
        if max_area is not None:
            keep &= areas <= max_area
        return self.subset(ranks[keep])

    def subset(self, ranks: NDArray[np.intp]) -> Instances:
        """Return the proposals at `ranks` as instances whose masks are decoded when they are asked for."""
        masks = LazyMasks(self.crop, ranks)
        return Instances(self.boxes[ranks], self.scores[ranks], masks, self.shape, self, ranks, self.image_features)

    def crop(self, rank: int) -> CroppedMask:
        """Return the mask of one proposal."""
        crop = self._crops.get(rank)
        if crop is None:
            top, left, values = self.logits(rank)
            crop = self._crops[rank] = CroppedMask(top, left, values > 0)
        return crop

    def logits(self, rank: int) -> tuple[int, int, NDArray[np.float32]]:
        """Return the mask's values before the cut at 0.

        Returns
        -------
        top, left
            Where the values begin in the plane.
        values
            (h, w) float32, the sigmoid's argument; above 0 = object.
        """
        (y0, x0, y1, x1), (height, width) = self.boxes[rank].tolist(), self.shape
        half = 0.5 if self.by_centre else 0.0
        top, bottom = pixel_range(y0 - half, y1 - half, height)
        left, right = pixel_range(x0 - half, x1 - half, width)
        if top == bottom or left == right:
            return top, left, np.zeros((bottom - top, right - left), np.float32)
        rows, columns = self.letterbox.rows, self.letterbox.columns
        first_row, last_row = rows.lower[top], rows.upper[bottom - 1] + 1
        first_column, last_column = columns.lower[left], columns.upper[right - 1] + 1
        cells = self.prototypes[first_row:last_row, first_column:last_column] @ self.coefficients[rank]
        across = _blend(
            cells.T,
            columns.lower[left:right] - first_column,
            columns.upper[left:right] - first_column,
            columns.weight[left:right],
        )
        values = _blend(
            across.T,
            rows.lower[top:bottom] - first_row,
            rows.upper[top:bottom] - first_row,
            rows.weight[top:bottom],
        )
        return top, left, values


def _blend(
    values: NDArray[np.float32], lower: NDArray[np.intp], upper: NDArray[np.intp], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate linearly along the first axis."""
    low = values[lower]
    result: NDArray[np.float32] = values[upper]
    result -= low
    result *= weight[:, None]
    result += low
    return result
