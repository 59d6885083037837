"""Files of labels as Labels or Shapes layers, on the image that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_warning
from numpy.typing import NDArray

from napari_fastsam.core.objects.tracing import Polygon, trace
from napari_fastsam.core.results.result import ResultObject, SegmentationResult
from napari_fastsam.io.formats import registry
from napari_fastsam.io.results.results import stem_of
from napari_fastsam.layers.files.beside import (
    image_called,
    image_under,
    is_open,
    placed_by,
    placed_on,
    shape_in_pixels,
)
from napari_fastsam.layers.labels.records import METADATA_KEY
from napari_fastsam.layers.napari_versions import plugin_settings

if TYPE_CHECKING:
    import pandas as pd

PLUGIN = "napari-fastsam"

MOST_IMAGES = 50
"""Of a file with many images of which none is open."""

LayerData = tuple[Any, dict[str, Any], str]


def reader_of(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return what reads a file of labels; None for several files at once, and for those of no format of ours."""
    if not isinstance(path, str):
        return None
    return read if registry.can_read(Path(path)) else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Read a file of labels, or a folder: a layer for each image in it, what is known of each object in its features.

    Labels lie on the image layer whose pixels they are, where there is one, and else as the file says. Of a file with
    many images those that are open are meant; if none of them is, all, up to `MOST_IMAGES`, with the images themselves
    where they lie beside the file. Whether outlines become Labels or Shapes is a setting of the plugin.

    Raises
    ------
    ImageError, DatasetError
        If the file cannot be read.
    """
    file = Path(path if isinstance(path, str) else path[0])
    own = registry.reader_for(file)
    name = _name_of(file, own)
    beside = image_called([name])
    shape = None if beside is None else shape_in_pixels(beside)[-2:]
    found = own.read_each(file, None if shape is None else (shape[0], shape[1]))
    chosen, count, left = _chosen(found)
    if left:
        show_warning(
            f"{file.name} holds {left} images more; open the image that you want first, and drop the file on it"
        )
    return [
        layer
        for one in chosen
        for layer in _layers(one, stem_of(Path(one.image)) if count > 1 and one.image else stem_of(file), name)
    ]


def _chosen(results: Iterable[SegmentationResult]) -> tuple[list[SegmentationResult], int, int]:
    """Return those whose image is open, else the first ones; how many there are; how many are left out unasked."""
    first: list[SegmentationResult] = []
    opened: list[SegmentationResult] = []
    count = 0
    for count, result in enumerate(results, start=1):  # noqa: B007 - how many there were
        if result.image and is_open(result.image):
            opened.append(result)
        elif not opened and len(first) < MOST_IMAGES:
            first.append(result)
    return (opened, count, 0) if opened else (first, count, count - len(first))


def _name_of(file: Path, own: registry.Format) -> str:
    """Return what a file's image is called, as far as its own name says that."""
    for ending in sorted((own.ending, *own.suffixes), key=len, reverse=True):
        if file.name.casefold().endswith(ending.casefold()):
            return file.name[: -len(ending)]
    return file.stem


def _layers(result: SegmentationResult, layer_name: str, image_name: str) -> list[LayerData]:
    """Return the layer of labels, and below it the image itself where it is known and not open."""
    ndim = len(result.shape)
    names = [image_name, stem_of(Path(result.image.replace("\\", "/"))) if result.image else ""]
    image = image_under(result.shape, names)
    attributes = placed_by(result.scale) if image is None else placed_on(image, ndim)
    below: list[LayerData] = []
    if image is None and result.pixels is not None:
        pixels = result.pixels(())
        below = [(pixels, attributes | {"name": result.image, "rgb": pixels.ndim > ndim}, "image")]
    attributes["name"] = layer_name
    if result.provenance:
        attributes["metadata"] = {METADATA_KEY: [entry.to_json() for entry in result.provenance]}
    if as_shapes() and ndim == 2:
        outlines, rows = _outlines(result)
        return [*below, (outlines, attributes | {"shape_type": "polygon", "features": _features(rows)}, "shapes")]
    labels = result.label_image()
    if result.objects:
        attributes["features"] = _features(result.objects)
    return [*below, (labels, attributes, "labels")]


def as_shapes() -> bool:
    """Whether the person wants outlines as Shapes."""
    stored = plugin_settings(PLUGIN)
    return getattr(getattr(stored, "files", None), "open_as", "labels") == "shapes"


def _outlines(result: SegmentationResult) -> tuple[list[Any], list[ResultObject]]:
    """Return a polygon for each part of each object, pixel centres at whole numbers, and whose it is."""
    found = [(one, mask) for _, one, mask in result.masks()]
    outlines, rows = [], []
    for (one, _), polygons in zip(found, trace([mask for _, mask in found]), strict=True):
        for polygon in polygons:
            outlines.append(_with_holes(polygon) - 0.5)
            rows.append(one)
    return outlines, rows


def _with_holes(polygon: Polygon) -> NDArray[np.float64]:
    """Return an outline and its holes as one polygon, each hole reached by one way there and back.

    An edge that is walked twice is none for napari, where it fills and draws a polygon and where it makes labels of it.
    """
    outline, *holes = (np.array(ring, np.float64) for ring in polygon)
    start = outline[:1]
    return np.concatenate(
        [outline, *(part for hole in holes for part in (start, hole, hole[:1])), *[start] * bool(holes)]
    )


def _features(objects: Sequence[ResultObject]) -> pd.DataFrame:
    """Return a row for each object, once, with the columns that are known of any."""
    import pandas as pd

    columns: dict[str, Any] = {
        "index": [one.number for one in objects],
        "score": np.array([one.score for one in objects], float),
        "class": [one.class_name for one in objects],
        "prompt": [one.prompt for one in objects],
        "why": [one.reason for one in objects],
        "similarity": np.array([one.similarity for one in objects], float),
    }
    table = pd.DataFrame(columns)
    return table.loc[:, [name for name in table if (table[name].notna() & (table[name] != "")).any()]]
