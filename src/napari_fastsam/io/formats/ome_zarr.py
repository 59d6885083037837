"""Label images as OME-Zarr: with coarser levels, for planes that do not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.planes import CheckedLabels
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.images.ome_zarr import attributes_of, is_zarr, labels_in, new_labels, open_image


@register
class ZarrLabels(Format):
    """A label image as OME-Zarr 0.5, int32."""

    name = "zarr"
    ending = "_labels.zarr"
    suffixes = (".zarr",)
    description = "label image, OME-Zarr with coarser levels"
    holds = frozenset(("labels", "stacks", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a label image plane by plane; a large plane may be painted where it is kept.

        Within the group ``labels`` of an image it is named among the labels of that image.
        """
        group = _group_around(path)
        with new_labels(path, result.shape, result.scale, lambda: about(result)) as array:
            for index, labels in result.labels.planes(array):
                if labels is not array:
                    array[(*index, slice(None), slice(None))] = _fitting(np.asarray(labels))
        if group is not None:
            _name_in(group, path.name)

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read the full resolution lazily; of an image or a group that has labels, the first of them."""
        return next(self.read_each(path, shape))

    def read_each(self, path: Path, shape: tuple[int, int] | None = None) -> Iterator[SegmentationResult]:
        """Yield a label image, or each of those that an image or a group of labels has."""
        for where in _places(path):
            array, scale = open_image(path, where)
            if {"y", "x"} <= set(scale.axes) and scale.axes[-2:] != ("y", "x"):
                raise DatasetError(
                    f"{path / where} has the axes {', '.join(scale.axes)}; expected a label image, y and x last"
                )
            labels = CheckedLabels(path / where, array)
            yield result_from(labels, attributes_of(path / where), scale, path / where)


def _fitting(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return a plane if its numbers fit into the 32 bits that are written. Raises ParameterError if they do not."""
    highest = int(labels.max(initial=0))
    if highest > np.iinfo(np.int32).max:
        raise ParameterError(
            f"the label {highest} does not fit into an OME-Zarr of labels, which counts to {np.iinfo(np.int32).max} "
            "here; choose tiff"
        )
    return labels


def _places(path: Path) -> list[str]:
    """Return where the label images of an OME-Zarr lie in it; "" for itself."""
    attributes = attributes_of(path)
    own = attributes.get("ome", attributes)
    return [""] if "image-label" in own else labels_in(path) or [""]


def _group_around(path: Path) -> Path | None:
    """Return the group of labels that a path is in; None if it stands alone.

    Raises
    ------
    ParameterError
        If its image is of an earlier version, with which ours does not mix.
    """
    image = path.parent.parent
    if path.parent.name != "labels" or not is_zarr(image):
        return None
    if not (image / "zarr.json").is_file():
        raise ParameterError(f"{image} is OME-Zarr of before 0.5, and labels are written as 0.5; write them beside it")
    return path.parent


def _name_in(group: Path, name: str) -> None:
    import zarr

    opened = zarr.open_group(group, mode="a", zarr_format=3)
    ome: Any = opened.attrs.get("ome", {})
    opened.attrs["ome"] = {"version": "0.5", **ome, "labels": sorted({*ome.get("labels", ()), name})}
