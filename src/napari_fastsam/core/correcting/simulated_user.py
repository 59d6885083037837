"""The user that interactive segmentation is measured with: always clicks where the mask is most wrong.

The first click lies on the deepest point of the object, each further one on the deepest point of the largest error:
positive where something is missing, negative where there is too much (Xu et al., Deep interactive object selection,
CVPR 2016; Sofiiuk et al., RITM, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray


@dataclass(frozen=True)
class Click:
    """One click.

    Attributes
    ----------
    row, column
        The pixel.
    positive
        Whether the object is there.
    """

    row: int
    column: int
    positive: bool


def deepest(mask: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Return row, column and depth in pixels of the pixel farthest from a mask's outside, beyond the array too.

    The depth of an empty mask is 0.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0.0
    # the distance to the outside is known within the bounding box: outside it all is outside
    box = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    depth = scipy.ndimage.distance_transform_edt(np.pad(box, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), box.shape)
    return int(rows[0] + row), int(columns[0] + column), float(depth[row, column])


def first_click(truth: NDArray[np.bool_]) -> Click:
    """Return the click that a user starts an object with."""
    row, column, _ = deepest(truth)
    return Click(row, column, True)


def next_click(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Click | None:
    """Return the click that corrects the largest error of a mask, or None if it has none."""
    row, column, depth = deepest(truth & ~mask)
    other_row, other_column, other_depth = deepest(mask & ~truth)
    if max(depth, other_depth) == 0:
        return None
    return Click(row, column, True) if depth >= other_depth else Click(other_row, other_column, False)


def one_click_of_each(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> tuple[Click, ...]:
    """Return a positive click on what is missing and a negative one on what is too much, as micro-sam's rounds do.

    The deepest points, as in `next_click` (Archit et al., Segment Anything for Microscopy, 2025, draw them at random).
    """
    clicks = []
    for error, positive in ((truth & ~mask, True), (mask & ~truth, False)):
        row, column, depth = deepest(error)
        if depth:
            clicks.append(Click(row, column, positive))
    return tuple(clicks)
