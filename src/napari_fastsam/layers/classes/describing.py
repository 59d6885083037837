"""The objects of a Labels layer on the plane shown, described once, and anew where they have changed."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.classes.learning import DescribedObjects
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.core.results.result import masks_in
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.contents import content_of
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import PlanePixels, plane_shown, read_pixels
from napari_fastsam.model.asking.describing import CONF, describe_labels, described
from napari_fastsam.model.asking.plane_scale import is_large

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_fastsam.model.network.segmenter import Model


@dataclass(frozen=True, eq=False)
class ObjectsToDescribe:
    """What is to be described, frozen on the main thread.

    Attributes
    ----------
    image, layer
        The image, and the layer whose objects it shows.
    plane
        The plane shown.
    labels
        (Y, X) its labels, a copy; those of all planes, with the image's axes, where all are meant.
    all_planes
        Whether the objects of all planes are meant, and not of the one that is shown.
    """

    image: Image
    layer: Labels
    plane: Plane
    labels: NDArray[np.integer]
    all_planes: bool = False

    @property
    def key(self) -> Hashable:
        """What is equal where image, layer and plane are the same."""
        plane = None if self.all_planes else self.plane.index
        return content_of(self.image), content_of(self.layer), self.plane.axes, plane

    def planes(self) -> Iterator[ObjectsToDescribe]:
        """Yield what is to be described plane by plane; an object through several only on that where it is largest."""
        others, best = self.plane.other_axes, dict[int, tuple[int, int]]()
        places = list(np.ndindex(*(self.plane.image_shape[axis] for axis in others)))
        for at, place in enumerate(places):
            numbers, counts = np.unique(self.labels[self._where(place)], return_counts=True)
            for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                if count > best.get(number, (0, 0))[0]:
                    best[number] = count, at
        for at, place in enumerate(places):
            mine = [number for number, (_, largest) in best.items() if largest == at and number]
            if mine:
                plane = self.plane
                for axis, position in zip(others, place, strict=True):
                    plane = plane.at(axis, position)
                labels = self.labels[self._where(place)]
                yield replace(self, plane=plane, labels=np.where(np.isin(labels, mine), labels, 0), all_planes=False)

    def _where(self, place: Sequence[int]) -> tuple[int | slice, ...]:
        where: list[int | slice] = [slice(None)] * self.plane.ndim
        for axis, position in zip(self.plane.other_axes, place, strict=True):
            where[axis] = int(position)
        return tuple(where)


@dataclass(eq=False)
class SeenObjects:
    """Objects that were described, and what the network has seen of their plane.

    Attributes
    ----------
    key
        Of what they are.
    objects
        As they were described last.
    proposals
        What the network said; None of a plane in tiles, whose objects are described anew all together.
    masks
        What each object was like then, by number.
    """

    key: Hashable
    objects: DescribedObjects
    proposals: Proposals | None = field(repr=False)
    masks: dict[int, Hashable] = field(repr=False)

    def updated(self, labels: NDArray[np.integer]) -> DescribedObjects:
        """Describe objects of the same plane that are new or have other pixels now; returns all that there are."""
        if self.proposals is None:  # of tiles, or of all planes
            there = set(np.unique(labels).tolist())
            return self._taking([number for number in self.objects.numbers.tolist() if number in there], {})
        masks = dict(masks_in(labels))
        keys = _keys(masks)
        fresh = {number: mask for number, mask in masks.items() if self.masks.get(number) != keys[number]}
        if fresh or len(masks) != len(self.masks):
            new = described(self.proposals, fresh)
            rows = dict(zip(new.numbers.tolist(), new.vectors, strict=True))
            self.objects, self.masks = self._taking(list(masks), rows), keys
        return self.objects

    def _taking(self, numbers: list[int], rows: dict[int, NDArray[np.float32]]) -> DescribedObjects:
        known = dict(zip(self.objects.numbers.tolist(), self.objects.vectors, strict=True)) | rows
        width = self.objects.vectors.shape[1] if len(self.objects) else next((len(v) for v in rows.values()), 0)
        vectors = np.array([known[number] for number in numbers], np.float32).reshape(len(numbers), width)
        return DescribedObjects(self.objects.kind, np.array(numbers, np.int64), vectors)


def to_describe(
    viewer: ViewerModel, image: Image | None, layer: Labels | None, all_planes: bool = False
) -> ObjectsToDescribe:
    """Freeze what is to be described: the objects of a layer on the plane of an image that is shown, or on all.

    Raises
    ------
    LabelsError
        If one of both is not chosen, or their pixels are not the same.
    ImageError
        If the viewer shows no plane of the image.
    """
    if image is None or layer is None:
        raise LabelsError("Choose the image and the Labels layer with its objects first.")
    plane = plane_shown(viewer, image)
    shape = tuple(pixels_of(layer).shape)
    if shape != plane.image_shape:
        raise LabelsError(
            f'Labels layer "{layer.name}" has shape {shape} and image "{image.name}" {plane.image_shape}; choose the '
            "image that the labels were made on."
        )
    if all_planes and plane.other_axes:
        return ObjectsToDescribe(image, layer, plane, np.array(pixels_of(layer)), all_planes=True)
    where: list[Any] = list(plane.index)
    where[plane.axes[0]] = where[plane.axes[1]] = slice(None)
    return ObjectsToDescribe(image, layer, plane, np.array(pixels_of(layer)[tuple(where)]))


def describe(model: Model, asked: ObjectsToDescribe) -> SeenObjects:
    """Show the plane, or each that is meant, to the network and describe its objects; takes as long as a run each."""
    if asked.all_planes:
        found = [describe(model, plane).objects for plane in asked.planes()]
        numbers = np.concatenate([np.zeros(0, np.int64), *(one.numbers for one in found)])
        order = np.argsort(numbers, kind="stable")
        vectors = np.concatenate([one.vectors for one in found])[order] if found else np.zeros((0, 0), np.float32)
        kind = found[0].kind if found else ""
        return SeenObjects(asked.key, DescribedObjects(kind, numbers[order], vectors), None, {})
    if is_large(asked.plane.shape):
        pixels = PlanePixels(asked.image, asked.plane)
        return SeenObjects(asked.key, describe_labels(model, pixels, asked.labels), None, {})
    proposals = model.propose(model.rgb8(read_pixels(asked.image, asked.plane)), None, CONF)
    masks = dict(masks_in(asked.labels))
    return SeenObjects(asked.key, described(proposals, masks), proposals, _keys(masks))


def _keys(masks: dict[int, CroppedMask]) -> dict[int, Hashable]:
    return {number: mask.key for number, mask in masks.items()}
