"""Objects into a label image: who gets a pixel that several claim.

* Of a small object and a much larger one the small one gets it, so that nested objects stay visible.
* Of two objects of like size (touching nuclei) the one whose mask value is higher there gets it; without mask values,
  the smaller.

`benchmarks/paint_rules.py` compares the rules by average precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.masks import Crop
from napari_fastsam.errors import ParameterError

LIKE_SIZE = 2.0
"""Objects whose areas differ by less than this factor contest pixels; beyond it the larger one contains the smaller."""


def paint(
    masks: Sequence[Crop | None],
    shape: tuple[int, int],
    ids: Sequence[int] | None = None,
    like_size: float = LIKE_SIZE,
) -> NDArray[np.int32]:
    """Paint objects into a new label image.

    Parameters
    ----------
    masks
        N cropped masks within the plane; None where a prompt found nothing.
    shape
        ``(H, W)`` of the plane.
    ids
        N positive numbers; None means 1 … N.
    like_size
        Factor between areas up to which the mask's value decides; 1 or less turns that rule off.

    Returns
    -------
    numpy.ndarray
        (H, W) int32, 0 = background.

    Raises
    ------
    ParameterError
        If `ids` are not N numbers from 1 on.
    """
    numbers = range(1, len(masks) + 1) if ids is None else ids
    if len(numbers) != len(masks) or any(number < 1 for number in numbers):
        raise ParameterError(f"ids is {list(numbers)!r}; expected {len(masks)} numbers from 1 on, one a mask")
    labels = np.zeros(shape, np.int32)
    objects = [(crop, number) for crop, number in zip(masks, numbers, strict=True) if crop is not None]
    objects.sort(key=lambda item: -item[0].area)  # stable: of equals, the better score is painted first
    painted: dict[int, Crop] = {}
    for crop, number in objects:
        view = labels[crop.window]
        take = _won(crop, view, painted, like_size) if like_size > 1 else crop.pixels
        view[take] = number
        painted[number] = crop
    return labels


def _won(crop: Crop, view: NDArray[np.int32], painted: Mapping[int, Crop], like_size: float) -> NDArray[np.bool_]:
    """Return the pixels of a new object that it need not leave to one of like size that holds them already."""
    claimed = view[crop.pixels]
    won = crop.pixels
    for number in np.unique(claimed[claimed > 0]).tolist():
        rival = painted[number]
        if crop.decode is None or rival.decode is None or rival.area > like_size * crop.area:
            continue
        if won is crop.pixels:
            won, values = won.copy(), crop.decode()
        top, left = max(crop.top, rival.top), max(crop.left, rival.left)
        bottom = min(crop.window[0].stop, rival.window[0].stop)
        right = min(crop.window[1].stop, rival.window[1].stop)
        mine = slice(top - crop.top, bottom - crop.top), slice(left - crop.left, right - crop.left)
        theirs = slice(top - rival.top, bottom - rival.top), slice(left - rival.left, right - rival.left)
        won[mine] &= (view[mine] != number) | (rival.decode()[theirs] < values[mine])
    return won
