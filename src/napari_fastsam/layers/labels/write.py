"""Accepted objects into a Labels layer: one undo step, nothing overwritten unless asked."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.painting import WHOLE_ENOUGH
from napari_fastsam.core.objects.pixel_sums import PixelSums, sums_at, sums_to_json
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.features import features_with, pixels_of_classes, with_classes
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.preview import labels_like, make_preview, update_preview
from napari_fastsam.layers.labels.records import METADATA_KEY
from napari_fastsam.layers.labels.replacing import Replaced, areas_after
from napari_fastsam.layers.labels.starts import Replacement
from napari_fastsam.layers.labels.target import Target, find_target, pixels_of
from napari_fastsam.layers.planes.plane import Plane

if TYPE_CHECKING:
    from napari.layers import Image, Labels

__all__ = ["METADATA_KEY", "Committed", "commit", "labels_like", "make_preview", "update_preview"]


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
    slivers
        Numbers of those that got none because these labels would leave less than `WHOLE_ENOUGH` of them.
    undoable
        Whether napari can take it back: not in a pyramid, which it does not edit.
    """

    ids: dict[int, int]
    pixels: int
    covered: tuple[int, ...] = ()
    slivers: tuple[int, ...] = ()
    undoable: bool = True


@dataclass(frozen=True, eq=False)
class _Piece:
    """A part of the region, and where it belongs in the layer."""

    target: Target
    labels: NDArray[np.integer]
    replaced: Replaced
    starts: Mapping[int, NDArray[np.bool_]]

    def new(self, layer: Labels, preserve: bool) -> tuple[NDArray[np.integer], NDArray[np.bool_], NDArray[np.integer]]:
        """Return the objects in the layer's pixels, which of these pixels they get, and what the layer has there.

        What a label that is replaced loses counts as free.
        """
        objects = self.target.enlarge(self.labels)
        current = np.asarray(pixels_of(layer)[self.target.slices])
        if not preserve:
            return objects, objects > 0, current
        free = current == 0
        if self.replaced.labels:
            free |= (current == self.replaced.kept(objects)) | self._lost(objects, current)
        return objects, (objects > 0) & free, current

    def cleared(self, layer: Labels, preserve: bool) -> NDArray[np.bool_]:
        """Return which of the layer's pixels become background."""
        objects, mask, current = self.new(layer, preserve)
        return self._lost(objects, current) & ~mask

    def without(self, numbers: Sequence[int]) -> _Piece:
        """Return it without some objects."""
        return replace(self, labels=np.where(np.isin(self.labels, numbers), 0, self.labels))

    def _lost(self, objects: NDArray[np.integer], current: NDArray[np.integer]) -> NDArray[np.bool_]:
        starts = {
            number: np.asarray(self.target.enlarge(start.astype(np.uint8)), bool)
            for number, start in self.starts.items()
        }
        return self.replaced.cleared(objects, starts, current)


@dataclass(frozen=True)
class _Counted:
    """What will be written.

    Attributes
    ----------
    numbers, areas
        (N,) of the objects that get pixels, in ascending order, and how many each.
    covered
        Numbers of the others.
    slivers
        Numbers of those that get less than `WHOLE_ENOUGH` of their pixels.
    same
        Of these pixels, how many have the object's number in the layer already, by number.
    """

    numbers: NDArray[np.int_]
    areas: NDArray[np.int_]
    covered: tuple[int, ...]
    slivers: tuple[int, ...]
    same: Mapping[int, int]


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
    classes: int = 0,
    windows: Sequence[tuple[slice, slice]] | None = None,
    axis: int | None = None,
    replacing: Mapping[int, Replacement] | None = None,
) -> Committed:
    """Add the objects of a region to a Labels layer as one undo step.

    New numbers follow the largest that the layer holds; an object that replaces a label keeps its number and row. The
    layer's features get a row per new object with `index`, `score`, `area` (pixels written) and the columns given;
    other rows and columns stay, but the `area` of labels that are written over, and rows of those that go. Undo takes
    back the pixels, not features and metadata. Nobody may change `labels_yx` meanwhile.

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
    classes
        Numbers of `labels_yx` up to this one are classes, and are written as they are: what has one of them in the
        layer already is of the same class. Its row tells of all of it: `area` is the sum, the rest that of the surer.
    windows
        Rows and columns of the region, apart from each other, that hold all objects; None = all of it.
    axis
        Along which the planes of a stack lie: `labels_yx` is (N, Y, X) then.
    replacing
        The labels of this layer that objects of `labels_yx` replace, by their number there.

    Raises
    ------
    LabelsError
        If the layer cannot take the objects: another shape or place, a type too small, multiscale or dask
        data, not editable, a class that is another one there. Nothing has been written then. Also if writing fails, as
        on a full disk: what was there is put back then, or the message says that it could not be.
    """
    import pandas as pd  # here, and the dock opens without it

    planes: list[tuple[Plane, NDArray[np.integer], Replaced]] = [(plane, labels_yx, _replaced(replacing or {}))]
    if axis is not None:
        planes = [
            (plane.at(axis, position), labels, _replaced(replacing or {}, position))
            for position, labels in enumerate(labels_yx)
            if labels.any()
        ]
    pieces = [
        piece
        for there, labels, replaced in planes
        for piece in _pieces(labels_layer, image, there, _checked_labels(labels, there), windows, use_units, replaced)
    ]
    counted = _counted(labels_layer, pieces, preserve)
    slivers = tuple(n for n in counted.slivers if n > classes and n not in (replacing or {}))
    if slivers:
        pieces = [piece.without(slivers) for piece in pieces]
        counted = _counted(labels_layer, pieces, preserve)
    written, areas = counted.numbers, counted.areas
    if not len(written):
        return Committed({}, 0, counted.covered, slivers)
    new_ids = _new_numbers(labels_layer, written, classes, {n: r.label for n, r in (replacing or {}).items()})
    rows = {"score": scores, **(columns or {})}
    new = pd.DataFrame({name: [by_number.get(int(i)) for i in written] for name, by_number in rows.items()})
    new.insert(0, "index", new_ids)
    new.insert(2, "area", areas)
    new["score"] = new["score"].astype(np.float64)
    new = new[~np.isin(written, list(replacing or {}))]
    there = pixels_of_classes(labels_layer, [int(i) for i in written if i <= classes])
    features = features_with(labels_layer, with_classes(labels_layer, new, there, counted.same))
    features = areas_after(labels_layer, features, _changed_areas(labels_layer, pieces, preserve, classes))
    sums = _write(labels_layer, pieces, preserve, written, new_ids)
    metadata = _with_provenance(labels_layer, provenance, new_ids, sums)
    labels_layer.features = features
    labels_layer.metadata = metadata
    ids = dict(zip(written.tolist(), new_ids.tolist(), strict=True))
    return Committed(ids, int(areas.sum()), counted.covered, slivers, undoable=not labels_layer.multiscale)


def _pieces(
    layer: Labels,
    image: Image,
    plane: Plane,
    labels_yx: NDArray[np.integer],
    windows: Sequence[tuple[slice, slice]] | None,
    use_units: bool,
    replaced: Replaced,
) -> list[_Piece]:
    top, left = plane.region[:2]
    if windows is None:
        windows = [(slice(0, plane.shape[0]), slice(0, plane.shape[1]))]
    pieces = []
    for rows, columns in windows:
        part = replace(plane, region=(top + rows.start, left + columns.start, top + rows.stop, left + columns.stop))
        target = find_target(layer, image, part, use_units=use_units)
        pieces.append(_Piece(target, labels_yx[rows, columns], replaced, replaced.parts(rows, columns)))
    return pieces


def _replaced(replacing: Mapping[int, Replacement], position: int | None = None) -> Replaced:
    """Return the labels that objects replace on one plane, of a stack that at a position."""
    here = {number: r.start.mask for number, r in replacing.items() if r.position == position}
    return Replaced({number: r.label for number, r in replacing.items()}, here)


def _changed_areas(layer: Labels, pieces: Sequence[_Piece], preserve: bool, classes: int) -> dict[int, int]:
    """Return how many pixels more, or fewer, labels will have that are replaced or written over.

    Rows of `classes` tell of all of them already.
    """
    changed = Counter[int]()
    for piece in pieces:
        replaced = piece.replaced.labels
        if preserve and not replaced:
            continue
        objects, mask, current = piece.new(layer, preserve)
        cleared = piece.cleared(layer, preserve)
        for number, label in replaced.items():
            own = current == label
            changed[label] += int(np.count_nonzero(mask & (objects == number) & ~own))
            changed[label] -= int(np.count_nonzero(own & (cleared | (mask & (objects != number)))))
        lost = current[mask & (current > classes) & ~np.isin(current, list(replaced.values()))]
        changed.subtract(_numbered(lost))
    return dict(changed)


def _counted(layer: Labels, pieces: Sequence[_Piece], preserve: bool) -> _Counted:
    """Count the pixels that each object gets."""
    written, same, whole = Counter[int](), Counter[int](), Counter[int]()
    there: set[int] = set()
    for piece in pieces:
        objects, mask, current = piece.new(layer, preserve)
        written.update(_numbered(objects[mask]))
        whole.update(_numbered(objects[objects > 0]))
        same.update(_numbered(objects[mask & (current == objects)]))
        there.update(_numbered(piece.labels[piece.labels > 0]))
    numbers = np.array(sorted(written), np.int_)
    areas = np.array([written[i] for i in numbers.tolist()], np.int_)
    slivers = tuple(i for i in numbers.tolist() if written[i] < WHOLE_ENOUGH * whole[i])
    return _Counted(numbers, areas, tuple(sorted(there - written.keys())), slivers, same)


def _numbered(values: NDArray[np.integer]) -> dict[int, int]:
    """Return how often each number occurs."""
    numbers, counts = np.unique(values, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _new_numbers(layer: Labels, written: NDArray[np.int_], classes: int, kept: Mapping[int, int]) -> NDArray[np.int_]:
    """Return the numbers in the layer: those of classes stay, the others follow the largest that there is.

    `kept` are the labels that objects replace, by their number.
    """
    new, objects = written.copy(), (written > classes) & ~np.isin(written, list(kept))
    for i, number in enumerate(written.tolist()):
        new[i] = kept.get(number, number)
    count = int(np.count_nonzero(objects))
    last = max(_largest(layer), classes) if count else classes
    _require_dtype(layer, last + count)
    new[objects] = np.arange(last + 1, last + 1 + count)
    return new


def _write(
    layer: Labels, pieces: Sequence[_Piece], preserve: bool, written: NDArray[np.int_], new_ids: NDArray[np.int_]
) -> dict[int, PixelSums]:
    """Write the objects under their new numbers: as one undo step, or piece by piece into a pyramid.

    Returns what tells whether they keep their pixels.
    """
    data = pixels_of(layer)
    parts = []
    for piece in pieces:
        objects, mask, _ = piece.new(layer, preserve)
        values = new_ids[np.searchsorted(written, objects[mask])].astype(data.dtype)
        parts.append((piece.target.indices(mask), values))
        if piece.starts:
            where = piece.target.indices(piece.cleared(layer, preserve))
            parts.append((where, np.zeros(len(where[0]), data.dtype)))
    write_pixels(layer, parts, "The objects are still in the preview: make room, or choose a new layer, and add again.")
    indices = [np.concatenate([np.asarray(where[axis]) for where, _ in parts]) for axis in range(data.ndim)]
    return sums_at(indices, np.concatenate([values for _, values in parts]))


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
    if largest > (most := np.iinfo(np.int64).max):
        raise LabelsError(
            f'Labels layer "{layer.name}" has numbers so large that the new objects need {largest}, and {most} is the '
            "highest that is kept. Number its labels anew, or choose a new layer."
        )
    limit = np.iinfo(dtype).max
    if largest > limit:
        wide_enough = next((t for t in ("uint16", "int32", "int64") if largest <= np.iinfo(t).max), "uint64")
        raise LabelsError(
            f'Labels layer "{layer.name}" has type {dtype}, whose largest number is {limit}; '
            f"the new objects need {largest}. Convert it to {wide_enough} (right-click the layer, "
            "Convert data type), or choose a new layer."
        )


def _with_provenance(
    layer: Labels, provenance: Mapping[str, Any], ids: NDArray[np.int_], sums: Mapping[int, PixelSums]
) -> dict[str, Any]:
    """Return the layer's metadata with another entry in the list of what was written."""
    earlier = layer.metadata.get(METADATA_KEY, [])
    entries = earlier if isinstance(earlier, list) else [earlier]
    entry = {**copy.deepcopy(dict(provenance)), "labels": ids.tolist(), "pixels": sums_to_json(sums)}
    return {**layer.metadata, METADATA_KEY: [*entries, entry]}
