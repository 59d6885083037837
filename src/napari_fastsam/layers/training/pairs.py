"""Image and Labels layers → annotated planes to train on.

What needs the layers themselves (where they lie, what is shown) is found out at once, on the main thread; what needs
pixels is done later, plane by plane, and may be done in another thread.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.errors import DatasetError, FastSAMError
from napari_fastsam.layers.napari_versions import follows_contrast
from napari_fastsam.layers.planes.read import displayed_axes
from napari_fastsam.layers.planes.transforms import corners_apart, units_apply
from napari_fastsam.layers.training.decisions import Rejected
from napari_fastsam.layers.training.grids import Axis, Region, axes_between, regions_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Shapes


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """One annotated plane, or a fully annotated part of one.

    Attributes
    ----------
    name
        Of the layer, with the plane's index and the region's number where there are several.
    picture
        (Y, X) or (Y, X, 3) uint8: as the network would see it under the layer's contrast limits.
    labels
        (Y, X) int32, 0 = background, objects from 1 on without gaps.
    ignored
        (Y, X) bool, where nothing is known; None = all is decided.
    """

    name: str
    picture: NDArray[np.uint8]
    labels: NDArray[np.int32]
    ignored: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class AnnotatedRegion:
    """A plane, or a region of one, that may be annotated.

    Attributes
    ----------
    name
        What tells it from the others of its pair; empty where there is no other.
    image_index, labels_index
        Position on the axes that are neither rows nor columns.
    bounds
        ``y0, x0, y1, x1``, half-open, in pixels of the image's level.
    region
        Whether a person marked this very part as fully annotated: then it counts without an object too.
    """

    name: str
    image_index: tuple[int, ...]
    labels_index: tuple[int, ...]
    bounds: tuple[int, int, int, int]
    region: bool = False


@dataclass(frozen=True)
class Counted:
    """What a pair has to learn from.

    Attributes
    ----------
    images
        Planes with at least one object, or regions.
    objects
        In all of them.
    doubts
        Sentences about what looks like a mistake.
    """

    images: int
    objects: int
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Known:
    """What is decided of an image.

    Attributes
    ----------
    partly
        Whether the labelled objects are decided and nothing else is, but for the proposals `rejected`.
    rejected
        Proposals that are no objects.
    left_out
        A Labels layer that is painted where nothing is known; None = nowhere.
    """

    partly: bool = False
    rejected: tuple[Rejected, ...] = ()
    left_out: Labels | None = None


@dataclass(frozen=True, eq=False)
class TrainingPair:
    """An image and its labels, found to lie on each other.

    Attributes
    ----------
    image_name, labels_name
        The layers' names.
    image, labels
        Their arrays, at the resolution that fits; numpy, dask or zarr.
    rgb
        Whether the image's last axis is colour.
    contrast_limits
        Of the image layer; None = those that `core.image.intensity` finds.
    limits_per_plane
        Whether napari stretches the contrast of every plane to its darkest and brightest pixel.
    axes
        For each axis of the image its place in the labels.
    shown
        Which two of them are rows and columns.
    parts
        What may be annotated.
    meant
        Position of the plane that labels with fewer axes than the image annotate; empty for others.
    partly
        Whether the labelled objects are decided and nothing else is.
    rejected
        What is decided too, where the labels are partly drawn: proposals that are no objects.
    left_out
        Of the shape of the labels, other than 0 where nothing is known; None = nowhere.
    """

    image_name: str
    labels_name: str
    image: Any
    labels: Any
    rgb: bool
    contrast_limits: tuple[float, float] | None
    limits_per_plane: bool
    axes: tuple[Axis, ...]
    shown: tuple[int, int]
    parts: tuple[AnnotatedRegion, ...]
    meant: tuple[int, ...] = ()
    partly: bool = False
    rejected: tuple[Rejected, ...] = ()
    left_out: Any = None

    def counts(self) -> Iterator[Counted]:
        """Count what is annotated, part by part; the last value is that of all of them."""
        images = objects = 0
        doubts: list[str] = []
        for part in self.parts:
            labels = self._labels_of(part)
            numbers = np.unique(labels)
            count = len(numbers) - int((numbers == 0).any())
            if count or part.region:
                images, objects = images + 1, objects + count
            if count == 1 and (pieces := _pieces(labels)) > 2:
                where = f" on plane {part.name}" if part.name else ""
                doubts.append(
                    f"“{self.labels_name}” has {pieces} separate pieces{where} that all have the number "
                    f"{numbers[numbers != 0][0]}: give each object a number of its own (M in the Labels layer)."
                )
            yield Counted(images, objects, tuple(doubts))

    def read(self) -> Iterator[TrainingImage | None]:
        """Read what is annotated, part by part; None for a part without an object.

        Raises
        ------
        DatasetError
            If the pixels cannot be read or make no picture.
        """
        for part in self.parts:
            labels = numbered(self._labels_of(part))
            if not part.region and not labels.any():
                yield None
                continue
            try:
                yield TrainingImage(self._name_of(part), self._picture_of(part), labels, self._ignored_of(part, labels))
            except FastSAMError as error:
                raise DatasetError(f"Image “{self._name_of(part)}” cannot be trained on: {error}") from error

    def _name_of(self, part: AnnotatedRegion) -> str:
        return f"{self.image_name}_{part.name}" if part.name else self.image_name

    def _picture_of(self, part: AnnotatedRegion) -> NDArray[np.uint8]:
        index: list[int | slice] = list(part.image_index)
        whole = list(index)
        y0, x0, y1, x1 = part.bounds
        for axis, first, last in zip(self.shown, (y0, x0), (y1, x1), strict=True):
            index[axis], whole[axis] = slice(first, last), slice(None)
        limits = self.contrast_limits
        if self.limits_per_plane and not self.rgb:
            limits = _extremes(np.asarray(self.image[tuple(whole)]))
        picture = to_rgb8(np.asarray(self.image[tuple(index)]), limits)
        return picture if self.rgb else np.ascontiguousarray(picture[..., 0])

    def _ignored_of(self, part: AnnotatedRegion, labels: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Return where nothing is known; None if all is decided."""
        ignored = np.zeros(labels.shape, np.bool_)
        if self.partly:
            decided = labels != 0
            for one in self.rejected:
                one.draw(part.image_index, part.bounds, decided)
            ignored |= ~decided
        if self.left_out is not None:
            ignored |= self._read(self.left_out, part) != 0
        return ignored if ignored.any() else None

    def _labels_of(self, part: AnnotatedRegion) -> NDArray[Any]:
        return self._read(self.labels, part)

    def _read(self, array: Any, part: AnnotatedRegion) -> NDArray[Any]:
        """Read a part of the labels, or of an array of their shape, at the pixels of the image."""
        rows, columns = (self.axes[axis] for axis in self.shown)
        y0, x0, y1, x1 = part.bounds
        inside = (rows.labels_at(y0, y1), columns.labels_at(x0, x1))
        starts = [int(s.min()) for s in inside]
        index: list[int | slice] = list(part.labels_index)
        for axis, start, source in zip((rows.labels_axis, columns.labels_axis), starts, inside, strict=True):
            index[axis] = slice(start, int(source.max()) + 1)
        # only the part is read: the whole may be larger than memory
        read = np.asarray(array[tuple(index)])
        return read[np.ix_(inside[0] - starts[0], inside[1] - starts[1])]


def find_pair(
    viewer: ViewerModel,
    image: Image,
    labels: Labels,
    regions: Shapes | None = None,
    before: TrainingPair | None = None,
    known: Known | None = None,
) -> TrainingPair:
    """Find out which pixels of a Labels layer annotate which pixels of an image.

    The layers are laid on each other through the world. Each plane of the labels belongs to the plane of the image that
    lies nearest; planes are those that the viewer shows, along whichever axes. Labels with fewer axes than the image
    annotate the plane shown. Labels that cover only a part of the image, or are coarser (as those of a zoomed-out view
    of a pyramid are), annotate that part, at the resolution of the pyramid that is nearest to theirs.

    Parameters
    ----------
    viewer
        The viewer that holds the layers.
    image, labels
        Of any dimensions; numpy, dask, zarr or multiscale.
    regions
        Rectangles around what is fully annotated; everything else is left out then. A rectangle on a plane of a stack
        speaks of that plane, with or without an object in it; one in 2D of all planes that have objects in it.
    before
        The same pair, found earlier: its planes are meant, whatever the viewer shows now.
    known
        What of them is decided; None = all.

    Raises
    ------
    DatasetError
        If the layers do not overlap, are turned against each other, or a region is not a rectangle; or what is left
        out is drawn in a layer of another shape or place than the labels, or in the labels.
    ImageError
        If the labels speak of the plane shown and none is shown.
    """
    shown = displayed_axes(viewer, image) if before is None else before.shown
    grid = axes_between(viewer, image, labels, shown, () if before is None else before.meant)
    marked = None if regions is None else regions_of(viewer, image, regions, grid.level, shown)
    parts = tuple(_parts(grid.axes, shown, marked))
    if not parts:
        raise DatasetError(
            f"None of the rectangles in “{regions.name}” lies on a plane that Labels layer “{labels.name}” covers. "
            "Draw them around what is fully annotated."
            if regions is not None
            else f"Labels layer “{labels.name}” and image “{image.name}” have no plane in common."
        )
    known = known or Known()
    limits = (float(image.contrast_limits[0]), float(image.contrast_limits[1]))
    return TrainingPair(
        image_name=image.name,
        labels_name=labels.name,
        image=image.data[grid.level] if image.multiscale else image.data,
        labels=labels.data[0] if labels.multiscale else labels.data,
        rgb=bool(image.rgb),
        contrast_limits=None if image.rgb or not np.isfinite(limits).all() else limits,
        limits_per_plane=follows_contrast(image),
        axes=grid.axes,
        shown=shown,
        parts=parts,
        meant=grid.meant,
        partly=known.partly,
        rejected=known.rejected if grid.level == 0 else (),
        left_out=_left_out(known.left_out, labels, units_apply(viewer)),
    )


def numbered(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Return labels with the numbers 1, 2, … in the order of theirs; 0 stays background."""
    numbers, inverse = np.unique(labels, return_inverse=True)
    new = np.cumsum(numbers != 0, dtype=np.int32) * (numbers != 0)
    return np.asarray(new[inverse].reshape(labels.shape), dtype=np.int32)


def _parts(axes: tuple[Axis, ...], shown: tuple[int, int], regions: list[Region] | None) -> Iterator[AnnotatedRegion]:
    """Yield the planes that image and labels share, or the regions on them."""
    rows, columns = axes[shown[0]], axes[shown[1]]
    whole = (rows.first, columns.first, rows.stop, columns.stop)
    others = [a for a in range(len(axes)) if a not in shown]
    several = [a for a in others if len(axes[a].planes) > 1]
    for chosen in itertools.product(*(axes[a].planes for a in others)):
        image_index, labels_index = [0] * len(axes), [0] * (axes[-1].labels_axis + 1)
        for a, (of_image, of_labels) in zip(others, chosen, strict=True):
            image_index[a] = of_image
            if axes[a].labels_axis >= 0:
                labels_index[axes[a].labels_axis] = of_labels
        plane = "_".join(f"{image_index[a]:03d}" for a in several)
        if regions is None:
            yield AnnotatedRegion(plane, tuple(image_index), tuple(labels_index), whole)
            continue
        for number, region in enumerate(regions, start=1):
            bounds = region.within(whole)
            if bounds is not None and region.is_on(image_index, others):
                name = "_".join(part for part in (plane, f"r{number}") if part)
                yield AnnotatedRegion(
                    name, tuple(image_index), tuple(labels_index), bounds, region.names_plane(several)
                )


_SAME_PLACE = 0.5
"""Pixels that the corners of labels and of what is left out may be apart."""


def _left_out(layer: Labels | None, labels: Labels, use_units: bool) -> Any:
    """Return the data of a layer that is painted where nothing is known."""
    if layer is None:
        return None
    if layer == labels:
        raise DatasetError(
            f"“{labels.name}” is the labels and also what is left out, so that nothing would be learnt: choose another "
            "layer, or none, to leave out."
        )
    shapes = [tuple(int(n) for n in (one.data[0] if one.multiscale else one.data).shape) for one in (layer, labels)]
    if shapes[0] != shapes[1]:
        raise DatasetError(
            f"“{layer.name}”, which says what is left out, has shape {shapes[0]} and “{labels.name}” {shapes[1]}. "
            "Paint it in a layer of the same shape and place as the labels."
        )
    if corners_apart(layer, labels, shapes[0], use_units=use_units) > _SAME_PLACE:
        raise DatasetError(
            f"“{layer.name}”, which says what is left out, lies elsewhere than “{labels.name}”: give both the same "
            "scale, translate and units."
        )
    return layer.data[0] if layer.multiscale else layer.data


def _pieces(labels: NDArray[Any]) -> int:
    from scipy import ndimage

    return int(ndimage.label(labels != 0)[1])


def _extremes(plane: NDArray[Any]) -> tuple[float, float] | None:
    """Return the limits that napari takes where it stretches each plane's contrast."""
    if plane.dtype == np.uint8:
        return 0.0, 255.0
    finite = plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane
    return (float(finite.min()), float(finite.max())) if finite.size else None
