"""Accepted objects into a Labels layer: one undo step, nothing overwritten unless asked."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.plane import Plane
from napari_fastsam.layers.preview import labels_like, make_preview, update_preview
from napari_fastsam.layers.target import find_target

if TYPE_CHECKING:
    from napari.layers import Image, Labels

__all__ = ["METADATA_KEY", "Committed", "commit", "labels_like", "make_preview", "update_preview"]

METADATA_KEY = "napari-fastsam"
"""Where a Labels layer's metadata keep the list of what was written into it."""


@dataclass(frozen=True)
class Committed:
    """What was written.

    Attributes
    ----------
    ids
        From an object's number in the label image to its number in the Labels layer, in the order of the
        former.
    pixels
        How many pixels changed.
    covered
        Numbers of objects that got no pixel, because labels that were kept cover them.
    """

    ids: dict[int, int]
    pixels: int
    covered: tuple[int, ...] = ()


def commit(
    labels_layer: Labels,
    image: Image,
    plane: Plane,
    labels_yx: NDArray[np.integer],
    *,
    scores: Mapping[int, float],
    provenance: Mapping[str, Any],
    preserve: bool = True,
    use_units: bool = True,
    columns: Mapping[str, Mapping[int, Any]] | None = None,
    keep_numbers: bool = False,
) -> Committed:
    """Add the objects of a region to a Labels layer as one undo step.

    New numbers follow the largest that the layer holds. Its features get a row per object with `index`,
    `score`, `area` (pixels written) and the columns given; other rows and columns stay. Undo takes back the pixels,
    not features and metadata.

    Parameters
    ----------
    labels_layer
        Has the image's axes and the pixels of the plane's level, or those of full resolution: then the
        objects are enlarged, each pixel taking the value of the level's pixel that it lies in.
    image, plane
        The image and the plane that was segmented.
    labels_yx
        (Y, X) label image of the plane's region; 0 is background.
    scores
        Score of each object of `labels_yx`; one that is missing becomes NaN.
    provenance
        What a reader of the labels should know; appended, with the new numbers, to the list in
        ``labels_layer.metadata["napari-fastsam"]``.
    preserve
        Keep every pixel that has a label already.
    use_units
        False where the viewer leaves units out (see `transforms.units_apply`).
    columns
        Further features by name, each with a value for some objects of `labels_yx`.
    keep_numbers
        Write the numbers as they are, as for classes: what has one of them already is of the same class then.

    Raises
    ------
    LabelsError
        If the layer cannot take the objects: another shape or place, a type too small, multiscale or dask
        data, not editable. Nothing has been written then.
    """
    target = find_target(labels_layer, image, plane, use_units=use_units)
    objects = target.enlarge(_checked_labels(labels_yx, plane))
    current = np.asarray(labels_layer.data[target.slices])
    mask = (objects > 0) & (current == 0) if preserve else objects > 0
    written, inverse, areas = np.unique(objects[mask], return_inverse=True, return_counts=True)
    covered = tuple(int(i) for i in np.setdiff1d(labels_yx[labels_yx > 0], written))
    if not len(written):
        return Committed({}, 0, covered)
    if keep_numbers:
        new_ids = written.astype(np.int_)
    else:
        last = _largest(labels_layer.data)
        new_ids = np.arange(last + 1, last + 1 + len(written))
    _require_dtype(labels_layer, int(new_ids[-1]))
    indices, values = target.indices(mask), new_ids[inverse].astype(labels_layer.data.dtype)
    rows = {"score": scores, **(columns or {})}
    values_by_column = {name: [by_number.get(int(i)) for i in written] for name, by_number in rows.items()}
    features = _features_with(labels_layer, new_ids, areas, values_by_column)
    with _sliced(labels_layer):
        with labels_layer.block_history():
            labels_layer.data_setitem(indices, values)
        # data_setitem redraws the slice that it finds without units: where layers differ in units not the one
        # shown
        labels_layer.refresh(extent=False)
    labels_layer.features = features
    _append_provenance(labels_layer, provenance, new_ids)
    return Committed(dict(zip(written.tolist(), new_ids.tolist(), strict=True)), len(values), covered)


def _checked_labels(labels_yx: NDArray[np.integer], plane: Plane) -> NDArray[np.integer]:
    if labels_yx.shape != plane.shape or not np.issubdtype(labels_yx.dtype, np.integer):
        raise LabelsError(
            f"The label image has shape {labels_yx.shape} and type {labels_yx.dtype}; "
            f"expected whole numbers of shape {plane.shape}, the region's."
        )
    return labels_yx


def _largest(data: Any) -> int:
    """Return the largest label without a copy of the whole: a chunk along the first axis at a time."""
    if isinstance(data, np.ndarray):
        return max(int(data.max()), 0)
    return max(0, *(int(np.asarray(data[i]).max()) for i in range(data.shape[0])))


def _require_dtype(layer: Labels, largest: int) -> None:
    dtype = np.dtype(layer.data.dtype)
    limit = np.iinfo(dtype).max
    if largest > limit:
        wide_enough = next((t for t in ("uint16", "int32", "int64") if largest <= np.iinfo(t).max), "uint64")
        raise LabelsError(
            f'Labels layer "{layer.name}" has type {dtype}, whose largest number is {limit}; '
            f"the new objects need {largest}. Convert it to {wide_enough} (right-click the layer, "
            "Convert data type), or choose a new layer."
        )


@contextmanager
def _sliced(layer: Labels) -> Iterator[None]:
    """Show a hidden layer while it is written to: without a slice data_setitem fails half way."""
    if layer.visible:
        yield
        return
    layer.visible = True
    try:
        yield
    finally:
        layer.visible = False


def _features_with(
    layer: Labels, ids: NDArray[np.int_], areas: NDArray[np.int_], columns: Mapping[str, Sequence[Any]]
) -> pd.DataFrame:
    """Return the layer's features with a row per new object; a leftover row of the same number goes."""
    table = pd.DataFrame(layer.features)
    if "index" not in table:
        table = table.assign(index=np.arange(len(table)))
    table = table[~table["index"].isin(ids)]
    new = pd.DataFrame({"index": ids, "score": np.nan, "area": areas, **columns})
    new["score"] = new["score"].astype(np.float64)
    return (
        pd.concat([table, new], ignore_index=True)
        if len(table)
        else new.reindex(columns=[*table.columns, *new.columns.difference(table.columns, sort=False)])
    )


def _append_provenance(layer: Labels, provenance: Mapping[str, Any], ids: NDArray[np.int_]) -> None:
    earlier = layer.metadata.get(METADATA_KEY, [])
    entries = earlier if isinstance(earlier, list) else [earlier]
    entry = {**copy.deepcopy(dict(provenance)), "labels": ids.tolist()}
    layer.metadata = {**layer.metadata, METADATA_KEY: [*entries, entry]}
