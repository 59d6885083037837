"""Label images as PNG and other pictures, which many programs export: read only."""

from __future__ import annotations

from pathlib import Path

from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.errors import DatasetError
from napari_fastsam.io.formats.planes import FilePlanes
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.images.images import PICTURE_SUFFIXES

_LOSSY = (".jpg", ".jpeg")


@register
class PictureLabels(Format):
    """A label image as PNG, or what else Pillow reads."""

    name = "png"
    ending = "_labels.png"
    suffixes = (*PICTURE_SUFFIXES, ".jp2")
    description = "label image, PNG and other pictures"
    holds = frozenset(("labels", "stacks"))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read a label image; a JPEG is refused."""
        if path.suffix.casefold() in _LOSSY:
            raise DatasetError(f"{path} is a JPEG, which changes numbers; save label images as TIFF or PNG")
        found = FilePlanes(path)
        return SegmentationResult(found, scale=found.scale)
