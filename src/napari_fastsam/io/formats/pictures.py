"""Label images as PNG, with what is known of them in its text; and other pictures, which are read only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.planes import FilePlanes
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.images.images import PICTURE_SUFFIXES, unreadable
from napari_fastsam.io.results.results import write_whole

_LOSSY = (".jpg", ".jpeg")
_TEXT_KEY = "napari-fastsam"
_MOST = (1 << 16) - 1


@register
class PictureLabels(Format):
    """A label image as PNG of 8 or 16 bits; or, to read, as what else Pillow reads."""

    name = "png"
    ending = "_labels.png"
    suffixes = (*PICTURE_SUFFIXES, ".jp2")
    description = "label image, PNG; up to 65535"
    holds = frozenset(("labels", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a plane with as few bits as its numbers need."""
        from PIL import Image, PngImagePlugin

        if len(result.shape) != 2:
            raise ParameterError(f"a stack of {len(result.shape)} axes does not fit into PNG; choose tiff or zarr")
        labels = result.label_image()
        if (highest := int(labels.max(initial=0))) > _MOST:
            raise ParameterError(f"the label {highest} does not fit into PNG, which counts to {_MOST}; choose tiff")
        told = PngImagePlugin.PngInfo()
        if content := about(result):
            told.add_itxt(_TEXT_KEY, json.dumps(content))
        picture = Image.fromarray(labels.astype(np.uint8 if highest <= np.iinfo(np.uint8).max else np.uint16))
        write_whole(path, lambda file: picture.save(file, "PNG", pnginfo=told))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read a label image; a JPEG is refused."""
        if path.suffix.casefold() in _LOSSY:
            raise DatasetError(f"{path} is a JPEG, which changes numbers; save label images as TIFF or PNG")
        found = FilePlanes(path)
        return result_from(found, _said(path), found.scale, path)


def _said(path: Path) -> Mapping[str, Any]:
    """Return what we wrote into the text of a PNG; empty for those of other programs."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            text = getattr(picture, "text", {}).get(_TEXT_KEY)
        content = {} if text is None else json.loads(text)
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise unreadable(path, error) from error
    return content if isinstance(content, Mapping) else {}
