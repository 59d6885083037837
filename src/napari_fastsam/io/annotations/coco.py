"""COCO's way to keep objects: one JSON file for all images, with polygons or run lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.run_lengths import decompressed, mask_of
from napari_fastsam.errors import DatasetError
from napari_fastsam.files import read_json, slashed
from napari_fastsam.io.annotations.examples import Dataset, Example, unique_names
from napari_fastsam.io.annotations.kinds import DatasetKind, register
from napari_fastsam.io.annotations.splits import no_such_split
from napari_fastsam.io.formats.outlines import fill_edges, painted, union
from napari_fastsam.io.formats.remarks import (
    ALL_CROWDS,
    BEYOND,
    CROWD,
    NO_IMAGE,
    NO_OUTLINE,
    NO_SEGMENTATION,
    Remark,
)

MAX_BYTES = 1_000_000_000
"""The largest annotations of COCO itself have half of it."""


@dataclass(frozen=True)
class CocoObjects:
    """The objects of one image of a COCO file.

    Attributes
    ----------
    file
        The JSON file.
    size
        ``(H, W)`` that it says the image has; None = it does not say.
    annotations
        Its annotations of that image that are objects.
    left_out
        What became of the others.
    strict
        Whether what is slightly off is refused.
    """

    file: Path
    size: tuple[int, int] | None
    annotations: tuple[dict[str, Any], ...] = field(repr=False)
    left_out: tuple[Remark, ...] = field(default=(), repr=False)
    strict: bool = False

    def labels(self, shape: tuple[int, int]) -> NDArray[np.int32]:
        """Return (H, W) of `shape`; i + 1 is the i-th annotation's object. Raises DatasetError if they do not fit."""
        if self.size is not None and self.size != shape:
            raise DatasetError(
                f"{self.file} has an image of {self.size[0]} × {self.size[1]} pixels whose file has "
                f"{shape[0]} × {shape[1]}; both must have the same rows and columns"
            )
        return painted([self._crop(annotation, shape) for annotation in self.annotations], shape)

    def remarks(self) -> list[Remark]:
        """Return what is slightly off."""
        named = [(one, f"{self.file}, annotation {one.get('id', '?')}") for one in self.annotations]
        short = [Remark(NO_OUTLINE, where) for one, where in named if any(map(_is_short, _polygons(one)))]
        beyond = [Remark(BEYOND, where) for one, where in named if self._reaches_beyond(one)]
        return [*self.left_out, *short, *beyond]

    def _reaches_beyond(self, annotation: dict[str, Any]) -> bool:
        if self.size is None:
            return False
        height, width = self.size
        return any(
            float(at) < -1 or float(at) > length + 1
            for polygon in _polygons(annotation)
            for values, length in ((polygon[0::2], width), (polygon[1::2], height))
            for at in values
        )

    def _crop(self, annotation: dict[str, Any], shape: tuple[int, int]) -> CroppedMask | None:
        where = f"{self.file}, annotation {annotation.get('id', '?')}"
        drawn = annotation.get("segmentation")
        if not drawn:
            raise DatasetError(f"{where} has no segmentation; expected polygons or run lengths, boxes are not enough")
        try:
            if isinstance(drawn, dict):
                return _from_rle(drawn, shape)
            return _from_polygons([p for p in drawn if self.strict or not _is_short(p)], shape)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{where} cannot be drawn: {error}") from error


def _polygons(annotation: dict[str, Any]) -> list[Any]:
    drawn = annotation.get("segmentation")
    return drawn if isinstance(drawn, list) else []


def _is_short(polygon: Any) -> bool:
    """Whether a polygon has whole points, but not three of them."""
    return isinstance(polygon, list) and len(polygon) in (0, 2, 4)


@register
class CocoJson(DatasetKind):
    """Images that a file names and annotates."""

    name = "coco"
    description = "a COCO .json"

    def takes(self, path: Path) -> bool:
        """Whether it is a JSON file."""
        return path.is_file() and path.suffix.casefold() == ".json"

    def read(self, path: Path, split: str | None, strict: bool) -> Dataset:
        """Find the images of the file, which has no parts."""
        if split is not None:
            raise no_such_split(path, split, ())
        return read_coco(path, strict)


def read_coco(path: Path, strict: bool = False) -> Dataset:
    """Find the images of a COCO file; as `datasets.read_dataset`."""
    content = read_json(path, "a COCO file", DatasetError, MAX_BYTES)
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise DatasetError(f"{path} is not a COCO file: it has no images and annotations")
    try:
        return _dataset(path, content["images"], content["annotations"], strict)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} is not as COCO has it: {type(error).__name__} {error}") from error


def _dataset(path: Path, images: list[dict[str, Any]], annotations: list[dict[str, Any]], strict: bool) -> Dataset:
    if not images:
        raise DatasetError(f"{path} names no images")
    of: dict[Any, list[dict[str, Any]]] = {entry["id"]: [] for entry in images}
    left: dict[Any, list[Remark]] = {entry["id"]: [] for entry in images}
    # a crowd is a region with many objects, but some programs call all that they keep as run lengths so
    all_crowds = bool(annotations) and not strict and all(one.get("iscrowd") for one in annotations)
    drawn = any(one.get("segmentation") for one in annotations)
    first = images[0]["id"]
    for one in annotations:
        where, image = f"{path}, annotation {one.get('id', '?')}", one["image_id"]
        if image not in of:
            if strict:
                raise DatasetError(f"{where}: there is no image {image!r}")
            left[first].append(Remark(NO_IMAGE, where))
        elif one.get("iscrowd") and not all_crowds:
            left[image].append(Remark(CROWD, where))
        elif drawn and not strict and not one.get("segmentation"):
            left[image].append(Remark(NO_SEGMENTATION, where))
        else:
            of[image].append(one)
            left[image] += [Remark(ALL_CROWDS, where)] if all_crowds else []
    files = [_file_of(path, str(entry["file_name"])) for entry in images]
    truths = [
        CocoObjects(path, _size_of(entry), tuple(of[entry["id"]]), tuple(left[entry["id"]]), strict) for entry in images
    ]
    examples = tuple(
        Example(name, "", file, truth) for name, file, truth in zip(unique_names(files), files, truths, strict=True)
    )
    return Dataset(path.stem, path, examples)


def _file_of(path: Path, name: str) -> Path:
    # as it is; as Windows writes it; and where it lay in a folder of another computer, by its name alone
    for called in (name, slashed(name), slashed(name).rpartition("/")[2]):
        for folder in (path.parent, path.parent / "images", path.parent.parent / "images"):
            if (folder / called).is_file():
                return folder / called
    raise DatasetError(f"{path} names the image {name}, which is neither beside it nor in images/")


def _size_of(entry: dict[str, Any]) -> tuple[int, int] | None:
    return (int(entry["height"]), int(entry["width"])) if {"height", "width"} <= entry.keys() else None


def _from_polygons(polygons: Sequence[Sequence[float]], shape: tuple[int, int]) -> CroppedMask | None:
    """Return the union of polygons, each ``x, y, x, y, …`` with pixel edges at integers."""
    parts = []
    for polygon in polygons:
        values = np.asarray(polygon, np.float64)
        if values.ndim != 1 or values.size < 6 or values.size % 2 or not np.isfinite(values).all():
            raise ValueError(f"a polygon of {values.size} numbers; expected x, y of three points or more")
        crop = fill_edges(values.reshape(-1, 2)[:, ::-1], shape)
        parts += [crop] if crop is not None else []
    return union(parts) if parts else None


def _from_rle(rle: dict[str, Any], shape: tuple[int, int]) -> CroppedMask | None:
    """Return a mask from run lengths: column by column, background first."""
    size = tuple(int(n) for n in rle["size"])
    if size != shape:
        raise ValueError(f"run lengths for {size} pixels; the image has {shape}")
    counts = rle["counts"]
    return mask_of(decompressed(counts) if isinstance(counts, str) else counts, shape)
