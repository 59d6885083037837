"""Files of labels as Labels or Shapes layers, on the image that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.core.objects.tracing import trace
from napari_fastsam.core.results.result import ResultObject, SegmentationResult
from napari_fastsam.io.formats import registry
from napari_fastsam.io.results.results import stem_of
from napari_fastsam.layers.files.beside import image_called, image_under, placed_by, placed_on, shape_in_pixels
from napari_fastsam.layers.labels.records import METADATA_KEY
from napari_fastsam.layers.napari_versions import plugin_settings

if TYPE_CHECKING:
    import pandas as pd

PLUGIN = "napari-fastsam"

LayerData = tuple[Any, dict[str, Any], str]


def reader_of(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return what reads a file of labels; None for several files at once, and for those of no format of ours."""
    if not isinstance(path, str):
        return None
    return read if Path(path).name.casefold().endswith(tuple(registry.suffixes())) else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Read a file of labels: a layer for each image in it, with what is known of each object in its features.

    Labels lie on the image layer whose pixels they are, where there is one, and else as the file says. Whether outlines
    become Labels or Shapes is a setting of the plugin.

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
    found = list(own.read_each(file, None if shape is None else (shape[0], shape[1])))
    several = len(found) > 1
    return [_layer(one, stem_of(Path(one.image)) if several and one.image else stem_of(file), name) for one in found]


def _name_of(file: Path, own: registry.Format) -> str:
    """Return what a file's image is called, as far as its own name says that."""
    for ending in sorted((own.ending, *own.suffixes), key=len, reverse=True):
        if file.name.casefold().endswith(ending.casefold()):
            return file.name[: -len(ending)]
    return file.stem


def _layer(result: SegmentationResult, layer_name: str, image_name: str) -> LayerData:
    ndim = len(result.shape)
    names = [image_name, stem_of(Path(result.image.replace("\\", "/"))) if result.image else ""]
    image = image_under(result.shape, names)
    attributes = placed_by(result.scale) if image is None else placed_on(image, ndim)
    attributes["name"] = layer_name
    if result.provenance:
        attributes["metadata"] = {METADATA_KEY: [entry.to_json() for entry in result.provenance]}
    if as_shapes() and ndim == 2:
        outlines, rows = _outlines(result)
        return outlines, attributes | {"shape_type": "polygon", "features": _features(rows)}, "shapes"
    labels = result.label_image()
    if result.objects:
        attributes["features"] = _features(result.objects)
    return labels, attributes, "labels"


def as_shapes() -> bool:
    """Whether the person wants outlines as Shapes."""
    stored = plugin_settings(PLUGIN)
    return getattr(getattr(stored, "files", None), "open_as", "labels") == "shapes"


def _outlines(result: SegmentationResult) -> tuple[list[Any], list[ResultObject]]:
    """Return a polygon for each part of each object, pixel centres at whole numbers, and whose it is.

    Without holes: napari does not draw polygons that come back to where they were.
    """
    found = [(one, mask) for _, one, mask in result.masks()]
    outlines, rows = [], []
    for (one, _), polygons in zip(found, trace([mask for _, mask in found]), strict=True):
        for outline, *_ in polygons:
            outlines.append(np.array(outline) - 0.5)
            rows.append(one)
    return outlines, rows


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
