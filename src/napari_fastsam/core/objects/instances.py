"""The objects of one plane: boxes, scores and cropped masks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.image.geometry import Letterbox
from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.core.objects.features import ImageFeatures
from napari_fastsam.core.objects.masks import CroppedMask, LazyMasks
from napari_fastsam.core.objects.suppression import suppress
from napari_fastsam.deprecation import renamed
from napari_fastsam.errors import ParameterError

__all__ = ["CroppedMask", "Instances", "check_thresholds"]

__getattr__ = renamed(__name__, {"Crop": "CroppedMask"})


class ProposalSource(Protocol):
    """What a pass of the network proposed, as far as its instances know of it (`core.objects.proposals.Proposals`)."""

    @property
    def letterbox(self) -> Letterbox:
        """How the plane lies in the network's input."""

    def logits(self, rank: int) -> tuple[int, int, NDArray[np.float32]]:
        """Return where a mask's values begin, row and column, and the values before the cut at 0."""


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
    image_features
        The image that they are seen in, with what is kept of their looks; None = not known.

    Raises
    ------
    ParameterError
        If boxes, scores and masks disagree about N.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: Sequence[CroppedMask]
    shape: tuple[int, int]
    proposals: ProposalSource | None = field(default=None, repr=False)
    ranks: NDArray[np.intp] | None = field(default=None, repr=False)
    image_features: ImageFeatures | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", np.asarray(self.boxes, np.float32).reshape(-1, 4))
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float32).reshape(-1))
        if not len(self.boxes) == len(self.scores) == len(self.masks):
            raise ParameterError(
                f"{len(self.boxes)} boxes, {len(self.scores)} scores and {len(self.masks)} masks; "
                f"expected as many of each"
            )

    @classmethod
    def from_masks(cls, masks: ArrayLike, scores: ArrayLike | None = None, image: ArrayLike | None = None) -> Instances:
        """Make instances of full masks, for instance of another program's.

        Parameters
        ----------
        masks
            (N, H, W), not 0 = object. Empty ones are left out.
        scores
            (N,); None means 1 for each.
        image
            (H, W) or (H, W, 3 | 4), which texts and examples need; its percentiles are shown as black and white.

        Raises
        ------
        ParameterError
            If one of them has another shape.
        ImageError
            If the image cannot be shown.
        """
        try:
            stack = np.asarray(masks) != 0
        except ValueError as error:  # planes of unlike size
            raise ParameterError(f"masks is no array ({error}); expected (N, H, W), one plane an object") from error
        if stack.ndim != 3:
            raise ParameterError(f"masks has shape {stack.shape}; expected (N, H, W), one plane an object")
        given = np.ones(len(stack)) if scores is None else np.asarray(scores, np.float64)
        if given.shape != (len(stack),):
            raise ParameterError(f"scores has shape {given.shape}; expected ({len(stack)},), one a mask")
        image_features = None if image is None else _seen(image, (int(stack.shape[1]), int(stack.shape[2])))
        crops, kept = [], []
        for i, mask in enumerate(stack):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            if len(rows):
                window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
                crops.append(CroppedMask(int(rows[0]), int(columns[0]), mask[window].copy()))
                kept.append(i)
        boxes = [[c.top, c.left, c.window[0].stop, c.window[1].stop] for c in crops]
        order = np.argsort(-given[kept], kind="stable")
        return cls(
            np.array(boxes, np.float32).reshape(-1, 4)[order],
            given[kept][order].astype(np.float32),
            tuple(crops[i] for i in order),
            (int(stack.shape[1]), int(stack.shape[2])),
            image_features=image_features,
        )

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.boxes)

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """(N,) number of pixels of each object."""
        return np.fromiter((crop.area for crop in self.masks), np.int64, len(self))

    @property
    def appearance(self) -> ImageFeatures | None:
        """Deprecated name of `image_features`."""
        warnings.warn("appearance is deprecated; use image_features", DeprecationWarning, stacklevel=2)
        return self.image_features

    @property
    def identities(self) -> NDArray[np.intp]:
        """(N,) what tells an object from the others of its plane, whatever subset it is in."""
        return np.arange(len(self)) if self.ranks is None else self.ranks

    def mask(self, i: int) -> NDArray[np.bool_]:
        """Return the `i`-th object on the whole plane, (H, W) bool."""
        return self.masks[i].full(self.shape)

    def subset(self, indices: ArrayLike) -> Instances:
        """Return the objects at `indices` (integers or a boolean mask), in that order."""
        chosen = np.asarray(indices)
        index = np.arange(len(self))[chosen if chosen.size else np.zeros(0, np.intp)]
        masks = self.masks
        return Instances(
            self.boxes[index],
            self.scores[index],
            masks.take(index) if isinstance(masks, LazyMasks) else tuple(masks[i] for i in index.tolist()),
            self.shape,
            self.proposals,
            self.identities[index],
            self.image_features,
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
            (H, W) int32; 0 = background, i + 1 = the i-th object. See `core.objects.painting` for who gets a pixel that
            several objects claim.
        """
        from napari_fastsam.core.objects.painting import paint

        return paint(self.masks, self.shape, scores=self.scores.tolist())


def _seen(image: ArrayLike, shape: tuple[int, int]) -> ImageFeatures:
    rgb = to_rgb8(image)
    if rgb.shape[:2] != shape:
        raise ParameterError(f"image has {rgb.shape[:2]} pixels and the masks {shape}; expected the same")
    return ImageFeatures(rgb)


def check_thresholds(
    conf: float | None, iou: float | None, min_area: float | None = None, max_area: float | None = None
) -> None:
    """Raise ParameterError for a threshold that cannot be meant."""
    for name, value in (("conf", conf), ("iou", iou)):
        if value is not None and not _lies_within(value, 1):
            raise ParameterError(f"{name} is {value!r}; expected a number from 0 to 1")
    for name, value in (("min_area", min_area), ("max_area", max_area)):
        if value is not None and not _lies_within(value, math.inf):
            raise ParameterError(f"{name} is {value!r}; expected a number of pixels, 0 or more")
    if min_area is not None and max_area is not None and min_area > max_area:
        raise ParameterError(f"min_area {min_area:g} is above max_area {max_area:g}; nothing could pass")


def _lies_within(value: float, highest: float) -> bool:
    """Whether a value is a number from 0 to the highest."""
    try:
        return bool(0 <= value <= highest)
    except TypeError:  # a text, for instance
        return False
