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
from napari_fastsam.files import read_json
from napari_fastsam.io.annotations.examples import Dataset, Example, unique_names
from napari_fastsam.io.annotations.outlines import fill_edges, painted, union

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
        Its annotations of that image, crowds left out.
    """

    file: Path
    size: tuple[int, int] | None
    annotations: tuple[dict[str, Any], ...] = field(repr=False)

    def labels(self, shape: tuple[int, int]) -> NDArray[np.int32]:
        """Return (H, W) of `shape`; i + 1 is the i-th annotation's object. Raises DatasetError if they do not fit."""
        if self.size is not None and self.size != shape:
            raise DatasetError(
                f"{self.file} has an image of {self.size[0]} × {self.size[1]} pixels whose file has "
                f"{shape[0]} × {shape[1]}; both must have the same rows and columns"
            )
        return painted([self._crop(annotation, shape) for annotation in self.annotations], shape)

    def _crop(self, annotation: dict[str, Any], shape: tuple[int, int]) -> CroppedMask | None:
        where = f"{self.file}, annotation {annotation.get('id', '?')}"
        drawn = annotation.get("segmentation")
        if not drawn:
            raise DatasetError(f"{where} has no segmentation; expected polygons or run lengths, boxes are not enough")
        try:
            return _from_rle(drawn, shape) if isinstance(drawn, dict) else _from_polygons(drawn, shape)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{where} cannot be drawn: {error}") from error


def read_coco(path: Path) -> Dataset:
    """Find the images of a COCO file; as `datasets.read_dataset`."""
    content = read_json(path, "a COCO file", DatasetError, MAX_BYTES)
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise DatasetError(f"{path} is not a COCO file: it has no images and annotations")
    try:
        return _dataset(path, content["images"], content["annotations"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} is not as COCO has it: {type(error).__name__} {error}") from error


def _dataset(path: Path, images: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> Dataset:
    if not images:
        raise DatasetError(f"{path} names no images")
    of: dict[Any, list[dict[str, Any]]] = {entry["id"]: [] for entry in images}
    for annotation in annotations:
        if annotation["image_id"] not in of:
            raise DatasetError(
                f"{path}, annotation {annotation.get('id', '?')}: there is no image {annotation['image_id']!r}"
            )
        # a crowd is a region with many objects, not an object
        if not annotation.get("iscrowd"):
            of[annotation["image_id"]].append(annotation)
    files = [_file_of(path, str(entry["file_name"])) for entry in images]
    truths = [CocoObjects(path, _size_of(entry), tuple(of[entry["id"]])) for entry in images]
    examples = tuple(
        Example(name, "", file, truth) for name, file, truth in zip(unique_names(files), files, truths, strict=True)
    )
    return Dataset(path.stem, path, examples)


def _file_of(path: Path, name: str) -> Path:
    for folder in (path.parent, path.parent / "images", path.parent.parent / "images"):
        if (folder / name).is_file():
            return folder / name
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
