"""Objects of a plane as GeoJSON, as QuPath has it: polygons along pixel edges, with holes, class and measurements.

QuPath's properties are described at https://qupath.readthedocs.io/en/stable/docs/advanced/exporting_annotations.html;
x and y count pixels, with pixel edges at whole numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import PLANE_SCALE
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.objects.tracing import Polygon, Ring, trace
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.files import read_json
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.outlines import mask_of_polygons, ring_of, shape_of
from napari_fastsam.io.formats.overlay import CONTOUR_COLOURS
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.results import write_whole

SHAPE_KEY = "napari-fastsam shape"
MAX_BYTES = 1_000_000_000
_JSON = json.JSONEncoder(allow_nan=False)


@register
class GeoJson(Format):
    """A feature an object; of single planes."""

    name = "geojson"
    ending = "_objects.geojson"
    suffixes = (".geojson",)
    description = "outlines, GeoJSON as QuPath has it"
    holds = frozenset(("labels", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write an annotation for each object, with its label, score and likeness as measurements."""
        if len(result.shape) != 2:
            raise ParameterError(f"a stack of {len(result.shape)} axes does not fit into GeoJSON; choose tiff or zarr")
        found = [(one, mask) for _, one, mask in result.masks()]
        names = sorted({one.class_name for one, _ in found} - {""})
        colours = {name: CONTOUR_COLOURS[i % len(CONTOUR_COLOURS)].tolist() for i, name in enumerate(names)}
        polygons = trace([mask for _, mask in found])
        # texts one at a time: hundreds of thousands of corners at once keep the garbage collector busy
        features = [
            _JSON.encode(_feature(one, own, colours)) for (one, _), own in zip(found, polygons, strict=True) if own
        ]
        said = _JSON.encode(
            {"type": "FeatureCollection", SHAPE_KEY: list(result.shape), **about(result, objects=False)}
        )
        text = said[:-1] + ', "features": [\n' + ",\n".join(features) + "\n]}\n"
        write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read the polygons of any program; where nobody says how large the image is, it ends where they do."""
        content = read_json(path, "a GeoJSON file", DatasetError, MAX_BYTES)
        try:
            features = list(_features(content))
            shapes = [_rings(feature["geometry"]) for feature in features]
            said = content if isinstance(content, Mapping) else {}
            rings = (ring for polygons in shapes for polygon in polygons for ring in polygon)
            shape = shape_of(said.get(SHAPE_KEY) or shape, rings)
            masks = [mask_of_polygons(polygons, shape) for polygons in shapes]
            objects = _objects(features)
            labels = paint(masks, shape, [one.number for one in objects])
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise DatasetError(f"{path} is not as GeoJSON has it: {type(error).__name__} {error}") from error
        own = result_from(ArrayLabels(labels), said, PLANE_SCALE, path)
        return SegmentationResult(own.labels, objects, own.scale, own.provenance, own.image)


def _feature(one: ResultObject, polygons: Sequence[Polygon], colours: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    rings = [[_closed(ring) for ring in polygon] for polygon in polygons]
    numbers = {"score": one.score, "similarity": one.similarity}
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "measurements": {"label": one.number, **{k: float(v) for k, v in numbers.items() if not math.isnan(v)}},
    }
    if one.class_name:
        properties["classification"] = {"name": one.class_name, "color": colours[one.class_name]}
    if told := {key: value for key, value in (("prompt", one.prompt), ("why", one.reason)) if value}:
        properties["metadata"] = told
    kind, coordinates = ("Polygon", rings[0]) if len(rings) == 1 else ("MultiPolygon", rings)
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def _closed(ring: Ring) -> list[tuple[int, int]]:
    points = [(x, y) for y, x in ring]
    return [*points, points[0]]


def _features(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the features of a collection, a list, or a single one."""
    if isinstance(content, Mapping):
        yield from content["features"] if content["type"] == "FeatureCollection" else [content]
    else:
        yield from content


def _rings(geometry: Mapping[str, Any]) -> list[list[NDArray[np.float64]]]:
    """Return the polygons of a geometry, each an outline and its holes as (V, 2) rows and columns at pixel edges."""
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"a {kind}; expected a Polygon or a MultiPolygon, which have pixels")
    found = [[ring_of(ring) for ring in polygon] for polygon in ([coordinates] if kind == "Polygon" else coordinates)]
    if not all(found):
        raise ValueError("a polygon without an outline")
    return found


def _objects(features: Sequence[Mapping[str, Any]]) -> list[ResultObject]:
    """Return what is told of each feature; their labels are numbers if all have one, else they are counted from 1."""
    told = [feature.get("properties") or {} for feature in features]
    measured = [_measurements(properties.get("measurements") or {}) for properties in told]
    labels = [values.get("label", math.nan) for values in measured]
    known = all(label >= 1 and label == np.floor(label) for label in labels)  # NaN is neither
    numbers = map(int, labels) if known else range(1, len(features) + 1)
    return [_object(number, *pair) for number, pair in zip(numbers, zip(told, measured, strict=True), strict=True)]


def _object(number: int, properties: Mapping[str, Any], measured: Mapping[str, float]) -> ResultObject:
    metadata = properties.get("metadata") or {}
    return ResultObject(
        number,
        measured.get("score", math.nan),
        str((properties.get("classification") or {}).get("name", "")),
        str(metadata.get("prompt", "")),
        str(metadata.get("why", "")),
        measured.get("similarity", math.nan),
    )


def _measurements(given: Any) -> dict[str, float]:
    """Return measurements by name; earlier versions of QuPath have a list of them."""
    pairs = given.items() if isinstance(given, Mapping) else ((entry["name"], entry["value"]) for entry in given)
    return {str(name): value for name, value in pairs if isinstance(value, int | float)}
