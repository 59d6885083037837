"""The picture of one object, cut out of its plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.masks import Crop
from napari_fastsam.errors import ParameterError

Background = Literal["keep", "black", "white", "mean"]


@dataclass(frozen=True)
class Cutting:
    """How objects are cut out.

    Attributes
    ----------
    background
        What takes the place of the pixels outside of the mask: nothing, black, white, or CLIP's own mean colour, which
        becomes 0 in what the encoder sees.
    context
        Margin around the object on each side, as a share of the longer side of its box.
    square
        Whether the margin makes the picture square, so that nothing of a long object is cut off or squeezed.

    Raises
    ------
    ParameterError
        For an unknown background, or a context that is not from 0 to 4.
    """

    background: Background = "mean"
    context: float = 0.1
    square: bool = True

    def __post_init__(self) -> None:
        if self.background not in get_args(Background):
            raise ParameterError(
                f"background is {self.background!r}; expected one of {', '.join(get_args(Background))}"
            )
        if not 0 <= self.context <= 4:
            raise ParameterError(f"context is {self.context!r}; expected a share of the object's side, from 0 to 4")


CUTTING = Cutting()

_COLOURS = {"black": (0, 0, 0), "white": (255, 255, 255), "mean": (123, 117, 104)}


def cutout(rgb: NDArray[np.uint8], crop: Crop, cutting: Cutting = CUTTING) -> NDArray[np.uint8]:
    """Cut one object out of its plane.

    Parameters
    ----------
    rgb
        (H, W, 3).
    crop
        The object's mask.
    cutting
        How.

    Returns
    -------
    numpy.ndarray
        (h, w, 3) uint8, h and w at least 1. What would lie outside of the plane has the background's colour, or where
        that is kept the mean colour.
    """
    rows, columns = _tight(crop)
    sides = np.array([rows[1] - rows[0], columns[1] - columns[0]])
    margin = round(cutting.context * int(sides.max()))
    wanted = np.full(2, sides.max()) + 2 * margin if cutting.square else sides + 2 * margin
    top = rows[0] - (int(wanted[0]) - int(sides[0])) // 2
    left = columns[0] - (int(wanted[1]) - int(sides[1])) // 2
    height, width = int(wanted[0]), int(wanted[1])
    colour = _COLOURS["mean" if cutting.background == "keep" else cutting.background]
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + height, rgb.shape[0]), min(left + width, rgb.shape[1])
    seen = rgb[y0:y1, x0:x1]
    place = picture[y0 - top : y1 - top, x0 - left : x1 - left]
    if cutting.background == "keep":
        place[:] = seen
    else:
        inside = _mask_within(crop, y0, x0, seen.shape[0], seen.shape[1])
        place[inside] = seen[inside]
    return picture


def _tight(crop: Crop) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the rows and columns of the plane that the mask's pixels span; those of the crop if it has none."""
    down, across = np.flatnonzero(crop.pixels.any(axis=1)), np.flatnonzero(crop.pixels.any(axis=0))
    if not len(down):
        return (crop.top, crop.top + 1), (crop.left, crop.left + 1)
    rows = crop.top + int(down[0]), crop.top + int(down[-1]) + 1
    return rows, (crop.left + int(across[0]), crop.left + int(across[-1]) + 1)


def _mask_within(crop: Crop, top: int, left: int, height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask in a window of the plane, (height, width)."""
    mask = np.zeros((height, width), bool)
    y0, x0 = max(crop.top, top), max(crop.left, left)
    y1 = min(crop.window[0].stop, top + height)
    x1 = min(crop.window[1].stop, left + width)
    if y0 < y1 and x0 < x1:
        mask[y0 - top : y1 - top, x0 - left : x1 - left] = crop.pixels[
            y0 - crop.top : y1 - crop.top, x0 - crop.left : x1 - crop.left
        ]
    return mask
