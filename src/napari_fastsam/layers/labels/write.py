"""Accepted objects into a Labels layer: one undo step, nothing overwritten unless asked."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.preview import labels_like, make_preview, update_preview
from napari_fastsam.layers.labels.target import Target, find_target, pixels_of
from napari_fastsam.layers.planes.plane import Plane

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
    undoable
        Whether napari can take it back: not in a pyramid, which it does not edit.
    """

    ids: dict[int, int]
    pixels: int
    covered: tuple[int, ...] = ()
    undoable: bool = True


@dataclass(frozen=True, eq=False)
class _Piece:
    """A part of the region, and where it belongs in the layer."""

    target: Target
    labels: NDArray[np.integer]

    def new(self, layer: Labels, preserve: bool) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
        """Return the objects in the layer's pixels, and which of these pixels they get."""
        objects = self.target.enlarge(self.labels)
        current = np.asarray(pixels_of(layer)[self.target.slices])
        return objects, (objects > 0) & (current == 0) if preserve else objects > 0


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
    windows: Sequence[tuple[slice, slice]] | None = None,
    axis: int | None = None,
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
    windows
        Rows and columns of the region, apart from each other, that hold all objects; None = all of it.
    axis
        Along which the planes of a stack lie: `labels_yx` is (N, Y, X) then.

    Raises
    ------
    LabelsError
        If the layer cannot take the objects: another shape or place, a type too small, multiscale or dask
        data, not editable. Nothing has been written then.
    """
    planes = [(plane, labels_yx)]
    if axis is not None:
        planes = [(plane.at(axis, position), labels) for position, labels in enumerate(labels_yx) if labels.any()]
    pieces = [
        piece
        for there, labels in planes
        for piece in _pieces(labels_layer, image, there, _checked_labels(labels, there), windows, use_units)
    ]
    written, areas, covered = _counted(labels_layer, pieces, preserve)
    if not len(written):
        return Committed({}, 0, covered)
    if keep_numbers:
        new_ids = written.astype(np.int_)
    else:
        last = _largest(labels_layer)
        new_ids = np.arange(last + 1, last + 1 + len(written))
    _require_dtype(labels_layer, int(new_ids[-1]))
    rows = {"score": scores, **(columns or {})}
    values_by_column = {name: [by_number.get(int(i)) for i in written] for name, by_number in rows.items()}
    features = _features_with(labels_layer, new_ids, areas, values_by_column)
    _write(labels_layer, pieces, preserve, written, new_ids)
    labels_layer.features = features
    _append_provenance(labels_layer, provenance, new_ids)
    ids = dict(zip(written.tolist(), new_ids.tolist(), strict=True))
    return Committed(ids, int(areas.sum()), covered, undoable=not labels_layer.multiscale)


def _pieces(
    layer: Labels,
    image: Image,
    plane: Plane,
    labels_yx: NDArray[np.integer],
    windows: Sequence[tuple[slice, slice]] | None,
    use_units: bool,
) -> list[_Piece]:
    top, left = plane.region[:2]
    if windows is None:
        windows = [(slice(0, plane.shape[0]), slice(0, plane.shape[1]))]
    pieces = []
    for rows, columns in windows:
        part = replace(plane, region=(top + rows.start, left + columns.start, top + rows.stop, left + columns.stop))
        pieces.append(_Piece(find_target(layer, image, part, use_units=use_units), labels_yx[rows, columns]))
    return pieces


def _counted(
    layer: Labels, pieces: Sequence[_Piece], preserve: bool
) -> tuple[NDArray[np.int_], NDArray[np.int_], tuple[int, ...]]:
    """Return the numbers of the objects that get pixels, how many each, and the numbers of the others."""
    written: Counter[int] = Counter()
    there: set[int] = set()
    for piece in pieces:
        objects, mask = piece.new(layer, preserve)
        numbers, counts = np.unique(objects[mask], return_counts=True)
        written.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
        there.update(np.unique(piece.labels[piece.labels > 0]).tolist())
    numbers = np.array(sorted(written), np.int_)
    return numbers, np.array([written[i] for i in numbers.tolist()], np.int_), tuple(sorted(there - written.keys()))


def _write(
    layer: Labels, pieces: Sequence[_Piece], preserve: bool, written: NDArray[np.int_], new_ids: NDArray[np.int_]
) -> None:
    """Write the objects under their new numbers: as one undo step, or piece by piece into a pyramid."""
    data = pixels_of(layer)
    parts = []
    for piece in pieces:
        objects, mask = piece.new(layer, preserve)
        values = new_ids[np.searchsorted(written, objects[mask])].astype(data.dtype)
        if layer.multiscale:
            data[piece.target.indices(mask)] = values
        else:
            parts.append((piece.target.indices(mask), values))
    with _sliced(layer):
        if parts:
            indices = tuple(np.concatenate(axis) for axis in zip(*(where for where, _ in parts), strict=True))
            with layer.block_history():
                layer.data_setitem(indices, np.concatenate([values for _, values in parts]))
        # data_setitem redraws the slice that it finds without units: where layers differ in units not the one
        # shown
        layer.refresh(extent=False)


def _checked_labels(labels_yx: NDArray[np.integer], plane: Plane) -> NDArray[np.integer]:
    if labels_yx.shape != plane.shape or not np.issubdtype(labels_yx.dtype, np.integer):
        raise LabelsError(
            f"The label image has shape {labels_yx.shape} and type {labels_yx.dtype}; "
            f"expected whole numbers of shape {plane.shape}, the region's."
        )
    return labels_yx


def _largest(layer: Labels) -> int:
    """Return the largest label without a copy of the whole: a chunk along the first axis at a time."""
    if layer.multiscale and "index" in layer.features:  # too large to look at all of it, and nobody paints there
        return max(0, *map(int, layer.features["index"]), 0)
    data = pixels_of(layer)
    if isinstance(data, np.ndarray):
        return max(int(data.max()), 0)
    return max(0, *(int(np.asarray(data[i]).max()) for i in range(data.shape[0])))


def _require_dtype(layer: Labels, largest: int) -> None:
    dtype = np.dtype(pixels_of(layer).dtype)
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
