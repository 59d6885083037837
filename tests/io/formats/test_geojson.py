"""GeoJSON as QuPath has it, from here and from other programs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.formats.registry import read_labels, writer

RING = [[1, 1], [6, 1], [6, 5], [1, 5], [1, 1]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]


def feature(kind: str, coordinates: object, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_what_qupath_reads_is_where_it_looks_for_it(tmp_path: Path) -> None:
    labels = np.zeros((6, 9), np.int32)
    labels[1:5, 1:6], labels[2:4, 2:4], labels[0, 8] = 4, 0, 4
    found = ResultObject(4, 0.75, "a cell", "point 1", "the best", 0.3)
    writer("geojson").write(SegmentationResult(ArrayLabels(labels), [found]), tmp_path / "a.geojson")
    content = json.loads((tmp_path / "a.geojson").read_text())
    assert content["type"] == "FeatureCollection"
    (one,) = content["features"]
    assert one["geometry"]["type"] == "MultiPolygon"
    corner, (outline, hole) = one["geometry"]["coordinates"]
    assert corner == [[[8, 0], [9, 0], [9, 1], [8, 1], [8, 0]]]
    assert outline == [[1, 1], [6, 1], [6, 5], [1, 5], [1, 1]]
    assert sorted(map(tuple, hole[:-1])) == [(2, 2), (2, 4), (4, 2), (4, 4)]
    said = one["properties"]
    assert said["objectType"] == "annotation"
    assert said["classification"]["name"] == "a cell"
    assert all(0 <= value <= 255 for value in said["classification"]["color"])
    assert said["measurements"] == {"label": 4, "score": 0.75, "similarity": 0.3}
    assert said["metadata"] == {"prompt": "point 1", "why": "the best"}


def check_ring(ring: list[list[float]]) -> None:
    assert len(ring) >= 4
    assert ring[0] == ring[-1]
    assert len(set(map(tuple, ring[:-1]))) == len(ring) - 1
    assert all(len(corner) == 2 and all(isinstance(value, int | float) for value in corner) for corner in ring)


def check_feature(one: dict[str, Any]) -> None:
    """Hold a feature against RFC 7946 and what QuPath's reader looks for.

    A feature of QuPath says its kind as ``objectType``; a class has a name and red, green and blue from 0 to 255;
    measurements are numbers by name, and metadata texts by name.
    """
    assert one["type"] == "Feature"
    geometry, properties = one["geometry"], one["properties"]
    assert geometry["type"] in ("Polygon", "MultiPolygon")
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    for rings in polygons:
        assert rings
        for ring in rings:
            check_ring(ring)
    assert set(properties) <= {"objectType", "classification", "measurements", "metadata", "name", "isLocked"}
    assert properties["objectType"] in ("annotation", "detection")
    if "classification" in properties:
        assert set(properties["classification"]) == {"name", "color"}
        assert properties["classification"]["name"]
        red_green_blue = properties["classification"]["color"]
        assert len(red_green_blue) == 3
        assert all(isinstance(value, int) and 0 <= value <= 255 for value in red_green_blue)
    assert all(isinstance(value, int | float) for value in properties["measurements"].values())
    assert all(isinstance(value, str) for value in properties.get("metadata", {}).values())


def test_every_feature_is_as_qupath_documents_it(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 6, (12, 13)).astype(np.int32)
    objects = [
        ResultObject(1, 0.75, "a cell", "point 1", "the best", 0.3), ResultObject(2, 0.5),
        ResultObject(3, math.nan, "b"), ResultObject(4, prompt="box 1"), ResultObject(5, 1.0, "Ärger: \"x\""),
    ]  # fmt: skip
    writer("geojson").write(SegmentationResult(ArrayLabels(labels), objects), tmp_path / "a.geojson")
    text = (tmp_path / "a.geojson").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert content["type"] == "FeatureCollection"
    assert len(content["features"]) == 5
    for one in content["features"]:
        check_feature(one)
    height, width = labels.shape
    corners = [c for f in content["features"] for polygon in f["geometry"]["coordinates"] for r in polygon for c in r]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in corners)


@pytest.mark.parametrize("form", ["collection", "list"])
def test_polygons_of_other_programs(tmp_path: Path, form: str) -> None:
    features = [
        feature("Polygon", [RING, HOLE], classification={"name": "Tumor"}),
        feature("MultiPolygon", [[[[7.2, 0.1], [8.9, 0.2], [8.8, 0.9]]], [[[7, 3], [8, 3], [8, 4], [7, 4]]]]),
        feature("Polygon", [[[8.1, 6.1], [8.2, 6.1], [8.2, 6.2]]], measurements=[{"name": "score", "value": 0.5}]),
    ]
    content = {"type": "FeatureCollection", "features": features} if form == "collection" else features
    read = read_labels(write(tmp_path / "a.geojson", content))
    expected = np.zeros((7, 9), np.int32)
    expected[1:5, 1:6], expected[2:4, 2:4], expected[0, 8], expected[3, 7], expected[6, 8] = 1, 0, 2, 2, 3
    np.testing.assert_array_equal(read.label_image(), expected)
    assert [one.class_name for one in read.objects] == ["Tumor", "", ""]
    assert read.objects[2].score == 0.5
    whole = read_labels(tmp_path / "a.geojson", (10, 12)).label_image()
    np.testing.assert_array_equal(whole, np.pad(expected, ((0, 3), (0, 3))))


@pytest.mark.parametrize(
    "content",
    [
        "{", "3", {"type": "Topology"}, {"type": "FeatureCollection", "features": 3},
        [feature("Point", [1, 2])], [feature("Polygon", [[[1, 2], [3, 4]]])], [feature("Polygon", [])],
        [feature("Polygon", [[[0, 0], [1e300, 0], [0, 1e300]]])], [feature("Polygon", [[["a", 0], [1, 0], [0, 1]]])],
        [feature("Polygon", [[[float("nan"), 0], [1, 0], [0, 1]]])],
    ],
)  # fmt: skip
def test_what_is_none_is_refused_by_name(tmp_path: Path, content: object) -> None:
    with pytest.raises(DatasetError, match=r"a\.geojson"):
        read_labels(write(tmp_path / "a.geojson", content))


def test_a_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="choose tiff or zarr"):
        writer("geojson").write(SegmentationResult(ArrayLabels(np.zeros((2, 3, 4), int))), tmp_path / "a.geojson")


def test_thousands_of_objects_come_back(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:1500, :1500]
    inside = np.hypot(rows % 15 - 7, columns % 15 - 7) < 6.5
    labels = np.where(inside, rows // 15 * 100 + columns // 15 + 1, 0).astype(np.int32)
    writer("geojson").write(SegmentationResult(ArrayLabels(labels)), tmp_path / "a.geojson")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.geojson").label_image(), labels)
