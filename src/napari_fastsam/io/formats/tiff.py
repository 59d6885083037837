"""Label images as TIFF: compressed, of any number of axes, with all that is known in the description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.planes import FilePlanes
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.images.images import TIFF_SUFFIXES, unreadable
from napari_fastsam.io.results.results import write_whole

_AXES = frozenset("tzcyx")


@register
class TiffLabels(Format):
    """A label image as TIFF; uint16, or int32 where the largest number needs it and in stacks."""

    name = "tiff"
    ending = "_labels.tif"
    suffixes = TIFF_SUFFIXES
    description = "label image, TIFF"
    holds = frozenset(("labels", "stacks", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a label image plane by plane, in one step."""
        write_whole(path, lambda file: _write(file, result))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read a label image lazily, of several planes one at a time."""
        found = FilePlanes(path)
        return result_from(found, _said(path), found.scale, path)


def _write(file: Path, result: SegmentationResult) -> None:
    import tifffile

    axes = result.scale.axes
    described = "".join(axes).upper() if all(len(a) == 1 and a in _AXES for a in axes) else None
    options: dict[str, Any] = {"compression": "zlib", "photometric": "minisblack"}
    options["metadata"] = {"axes": described} if described else {}
    if len(result.shape) == 2:
        ((_, labels),) = result.labels.planes()
        small = labels.size == 0 or labels.max() <= np.iinfo(np.uint16).max
        options["metadata"] |= about(result)
        tifffile.imwrite(file, np.asarray(labels).astype(np.uint16 if small else np.int32), **options)
        return
    if result.shape[-1] == 1:
        # tifffile takes planes of one column for samples of a pixel, unless it is given all of them at once
        tifffile.imwrite(file, result.label_image(), **options)
    else:
        pages = (np.asarray(labels).astype(np.int32) for _, labels in result.labels.planes())
        tifffile.imwrite(file, pages, shape=result.shape, dtype=np.int32, **options)
    _describe(file, about(result))  # what the planes hold is known only now


def _describe(file: Path, more: Mapping[str, Any]) -> None:
    """Add to the JSON that tifffile has for a description."""
    import tifffile

    if more:
        content = json.loads(tifffile.tiffcomment(file) or "{}") | more
        tifffile.tiffcomment(file, json.dumps(content))


def _said(path: Path) -> Mapping[str, Any]:
    """Return what we wrote into the description of a TIFF; empty for those of other programs."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return (file.shaped_metadata or ({},))[0] or {}
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise unreadable(path, error) from error
