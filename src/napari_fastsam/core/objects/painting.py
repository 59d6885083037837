"""Objects into a label image: who gets a pixel that several claim.

* Of a small object and a much larger one the small one gets it, so that nested objects stay visible.
* Of two objects of like size (two readings of one nucleus, or nuclei that touch) the one with the better score gets it;
  if no scores are given, the smaller.

`benchmarks/paint_rules.py` compares rules by average precision. With the bundled model at its defaults, on 60 images of
nuclei, mean AP at IoU 0.5 … 0.95 was 0.384 by these, 0.363 if the higher mask value wins among objects of like size,
0.362 with the smaller always on top and 0.381 with the better score always on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import ParameterError

LIKE_SIZE = 2.0
"""Objects whose areas differ by at most this factor contest pixels; beyond it the larger one contains the smaller."""

WHOLE_ENOUGH = 0.25
"""Of an object's pixels: what labels that are kept leave less of is a sliver beside them, and no object."""


def paint(
    masks: Sequence[CroppedMask | None],
    shape: tuple[int, int],
    ids: Sequence[int] | None = None,
    scores: Sequence[float] | NDArray[np.float32] | None = None,
    like_size: float = LIKE_SIZE,
    areas: Sequence[int] | None = None,
) -> NDArray[Any]:
    """Paint objects into a new label image.

    Parameters
    ----------
    masks
        N cropped masks within the plane; None where a prompt found nothing. Of equals the first is on top.
    shape
        ``(H, W)`` of the plane.
    ids
        N positive numbers; None means 1 … N.
    scores
        (N,) the higher, the surer; None means that the smaller object is always on top.
    like_size
        Factor between areas up to which the score decides.
    areas
        (N,) pixels of whole objects, where the masks are only what the plane shows of them; None = those of the masks.

    Returns
    -------
    numpy.ndarray
        (H, W) int32, or int64 where a number needs it, 0 = background.

    Raises
    ------
    ParameterError
        If `ids` are not N numbers from 1 on, there are not N `scores`, or a mask does not lie within the plane.
    """
    if len(shape) != 2:
        raise ParameterError(f"shape is {tuple(shape)}; expected (H, W), rows and columns of the plane")
    numbers = list(range(1, len(masks) + 1)) if ids is None else list(ids)
    if len(numbers) != len(masks) or min(numbers, default=1) < 1:
        raise ParameterError(f"ids is {numbers!r}; expected {len(masks)} numbers from 1 on, one a mask")
    if scores is not None and len(scores) != len(masks):
        raise ParameterError(f"{len(scores)} scores for {len(masks)} masks; expected as many of each")
    labels = np.zeros(shape, dtype_for(numbers))
    objects = [(crop, i, crop.area if areas is None else areas[i]) for i, crop in enumerate(masks) if crop is not None]
    painted: dict[int, tuple[int, float]] = {}
    for crop, i, own_area in sorted(objects, key=lambda item: (-item[2], -item[1])):
        rows, columns = crop.window
        if min(rows.start, columns.start) < 0 or rows.stop > shape[0] or columns.stop > shape[1]:
            raise ParameterError(
                f"an object lies on rows {rows.start} to {rows.stop} and columns {columns.start} to {columns.stop}, "
                f"beyond a plane of {tuple(shape)}; expected the shape of the plane that it was found on"
            )
        view, take = labels[crop.window], crop.pixels
        if scores is not None:
            beneath = view[crop.pixels]
            for number in np.unique(beneath[beneath > 0]).tolist() if beneath.any() else ():
                area, score = painted[number]
                if score > scores[i] and area <= like_size * own_area:
                    take = take & (view != number)
            painted[numbers[i]] = own_area, float(scores[i])
        view[take] = numbers[i]
    return labels


def require_room(labels: Any, highest: int) -> None:
    """Raise a ParameterError if a label image, as far as its type is known, cannot hold a number."""
    dtype = np.dtype(getattr(labels, "dtype", np.int64))
    if dtype.kind not in "iu" or np.iinfo(dtype).max < highest:
        raise ParameterError(f"labels is of type {dtype}, which cannot hold the number {highest}; expected int32")


def dtype_for(numbers: Iterable[int]) -> type[np.int32] | type[np.int64]:
    """Return the type of a label image that holds some numbers: int32 if they fit into it."""
    return np.int32 if max(numbers, default=0) <= np.iinfo(np.int32).max else np.int64
