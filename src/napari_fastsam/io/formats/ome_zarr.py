"""Label images as OME-Zarr: with coarser levels, for planes that do not fit into memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_fastsam.core.results.result import ArrayLabels, SegmentationResult
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.images.ome_zarr import attributes_of, labels_in, new_labels, open_image


@register
class ZarrLabels(Format):
    """A label image as OME-Zarr 0.5, int32."""

    name = "zarr"
    ending = "_labels.zarr"
    suffixes = (".zarr",)
    description = "label image, OME-Zarr with coarser levels"
    holds = frozenset(("labels", "stacks", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a label image plane by plane; a large plane may be painted where it is kept."""
        with new_labels(path, result.shape, result.scale, lambda: about(result)) as array:
            for index, labels in result.labels.planes(array):
                if labels is not array:
                    array[(*index, slice(None), slice(None))] = np.asarray(labels)

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read the full resolution lazily; of an image or a group that has labels, the first of them."""
        array, scale = open_image(path, next(iter(labels_in(path)), ""))
        return result_from(ArrayLabels(array), attributes_of(path), scale, path)
