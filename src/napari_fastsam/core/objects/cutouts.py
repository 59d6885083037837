"""The picture of one object, cut out of its plane: what an encoder of pictures is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import ParameterError

Background = Literal["keep", "black", "white", "grey", "blur"]
"""What becomes of the pixels around an object. Grey is the mean of the pictures CLIP learned from, zeros for it."""

_COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (123, 117, 104)}
_BLUR = 0.1  # of the picture's longer side: shapes around the object are gone, light and colour are left

Span = tuple[int, int]


@dataclass(frozen=True)
class Cutting:
    """How an object is cut out.

    Attributes
    ----------
    background
        What becomes of the pixels around it.
    context
        How much of the plane is shown on each side of the object's box, as a share of the box's longer side.
    square
        Whether the shorter side of the box is given more of the plane until both are equally long. CLIP looks at the
        middle square of a picture: without this, the ends of a long object go unseen.

    Raises
    ------
    ParameterError
        For an unknown background, or a context that is not from 0 to 4.
    """

    background: Background = "keep"
    context: float = 0.0
    square: bool = True

    def __post_init__(self) -> None:
        if self.background not in get_args(Background):
            raise ParameterError(
                f"background is {self.background!r}; expected one of {', '.join(get_args(Background))}"
            )
        if not 0 <= self.context <= 4:
            raise ParameterError(f"context is {self.context!r}; expected a share of the object's side from 0 to 4")


DEFAULT = Cutting("black", 0.25)
"""What told shapes apart best with the small CLIP of the tests (benchmarks/text_crops.py), by little. Black is also
what ultralytics shows; what the real CLIP would prefer could not be measured here."""


def cutout(rgb: NDArray[np.uint8], crop: CroppedMask, cutting: Cutting = DEFAULT) -> NDArray[np.uint8]:
    """Return the picture of one object.

    Parameters
    ----------
    rgb
        (H, W, 3) uint8, the plane.
    crop
        The object's mask on it.
    cutting
        How.

    Returns
    -------
    numpy.ndarray
        (h, w, 3) uint8, at least one pixel each way. Where it reaches beyond the plane, the plane's edge goes on.
    """
    from scipy.ndimage import gaussian_filter  # here, and the dock opens without it

    rows, columns = _window(crop, rgb.shape[:2], cutting)
    height, width = rgb.shape[:2]
    picture = rgb[np.ix_(np.clip(np.arange(*rows), 0, height - 1), np.clip(np.arange(*columns), 0, width - 1))]
    if cutting.background == "keep":
        return picture
    if cutting.background == "blur":
        sigma = _BLUR * max(picture.shape)
        around = gaussian_filter(picture, (sigma, sigma, 0), mode="nearest")
    else:
        around = np.array(_COLOURS[cutting.background], np.uint8)
    return np.where(_within(crop, rows, columns)[..., None], picture, around)


def _window(crop: CroppedMask, shape: tuple[int, ...], cutting: Cutting) -> tuple[Span, Span]:
    """Return the rows and the columns to show; those of a square may lie beyond the plane."""
    spans = _extent(crop)
    longer = max(stop - start for start, stop in spans)
    margin = round(cutting.context * longer)
    if cutting.square:
        side = longer + 2 * margin
        middles = [(start + stop - side) // 2 for start, stop in spans]
        return (middles[0], middles[0] + side), (middles[1], middles[1] + side)
    (top, bottom), (left, right) = spans
    return (max(top - margin, 0), min(bottom + margin, shape[0])), (
        max(left - margin, 0),
        min(right + margin, shape[1]),
    )


def _extent(crop: CroppedMask) -> tuple[Span, Span]:
    """Return the first row and column of the object and those behind its last; an empty one has its window's middle."""
    if not crop.area:
        row, column = (window.start + (window.stop - window.start) // 2 for window in crop.window)
        return (row, row + 1), (column, column + 1)
    rows, columns = (np.flatnonzero(crop.pixels.any(axis=1 - axis)) for axis in (0, 1))
    return (
        (crop.top + int(rows[0]), crop.top + int(rows[-1]) + 1),
        (crop.left + int(columns[0]), crop.left + int(columns[-1]) + 1),
    )


def _within(crop: CroppedMask, rows: Span, columns: Span) -> NDArray[np.bool_]:
    """Return the part of a mask that lies in a window around the object, which holds all of it."""
    inside = np.zeros((rows[1] - rows[0], columns[1] - columns[0]), bool)
    hits = np.argwhere(crop.pixels) + np.array([crop.top - rows[0], crop.left - columns[0]])
    inside[tuple(hits.T)] = True
    return inside
