"""Files of labels in napari: opened as layers that lie on their image, and saved from Labels layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes
from qtpy.QtWidgets import QFileDialog

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.formats import registry
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.layers.files import reading
from napari_fastsam.layers.files.reading import reader_of
from napari_fastsam.layers.files.writing import write_cellpose_masks

NAME = "napari-fastsam"
LABELS = np.zeros((12, 14), np.int32)
LABELS[1:7, 1:6], LABELS[3:5, 2:4], LABELS[0, 13], LABELS[8:12, 5:9] = 1, 0, 1, 2
OBJECTS = [ResultObject(1, 0.75, "a cell"), ResultObject(2, 0.5)]
KEEP = [f.name for f in registry.writers() if f.keeps_labels]


@pytest.fixture
def plugin(npe2pm):
    with npe2pm.tmp_plugin(package=NAME) as plugin:
        yield plugin


def write(name: str, folder: Path, labels: np.ndarray = LABELS, scale: Scale | None = None) -> Path:
    path = folder / f"cells{registry.FORMATS[name].ending}"
    axes = scale or Scale.unknown(("z", "y", "x")[-labels.ndim :])
    made = (Provenance(model="nuclei"),)
    registry.writer(name).write(SegmentationResult(ArrayLabels(labels), OBJECTS, axes, made, "cells.png"), path)
    return path


@pytest.mark.parametrize("name", KEEP)
def test_a_file_opens_as_labels_on_its_image(name: str, tmp_path: Path, make_napari_viewer, plugin) -> None:
    viewer = make_napari_viewer()
    image = viewer.add_image(
        np.zeros(LABELS.shape), name="cells", scale=(0.5, 0.25), translate=(3, 4), units=("um", "um")
    )
    viewer.add_image(np.zeros((5, 5)), name="another", units=("um", "um"))
    (layer,) = viewer.open(str(write(name, tmp_path)), plugin=NAME)
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(layer.data, LABELS)
    np.testing.assert_array_equal(layer.extent.world, image.extent.world)
    assert layer.units == image.units
    table = layer.features
    assert table["index"].tolist() == [1, 2]
    assert table["score"].tolist() == [0.75, 0.5]
    assert table["class"].tolist() == ["a cell", ""]
    assert layer.metadata[NAME][0]["model"] == "nuclei"


def test_without_an_image_it_lies_where_its_file_says(tmp_path: Path, make_napari_viewer, plugin) -> None:
    viewer = make_napari_viewer()
    stack = np.stack([LABELS, LABELS * 0])
    scale = Scale(("z", "y", "x"), (2.0, 0.5, 0.25), ("micrometer",) * 3, (4.0, 10.0, -20.0))
    (layer,) = viewer.open(str(write("imagej", tmp_path, stack, scale)), plugin=NAME)
    np.testing.assert_array_equal(layer.data, stack)
    assert (layer.scale.tolist(), layer.translate.tolist()) == ([2, 0.5, 0.25], [4, 10, -20])
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3


def test_outlines_that_do_not_say_their_size_have_that_of_the_image(tmp_path: Path, make_napari_viewer, plugin) -> None:
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((30, 40)), name="cells")
    feature = {"type": "Polygon", "coordinates": [[[1, 1], [6, 1], [6, 5], [1, 5]]]}
    (tmp_path / "cells.geojson").write_text(str([{"type": "Feature", "geometry": feature}]).replace("'", '"'))
    (layer,) = viewer.open(str(tmp_path / "cells.geojson"), plugin=NAME)
    assert layer.data.shape == (30, 40)


def test_each_image_of_a_coco_file_is_a_layer(tmp_path: Path, make_napari_viewer, plugin) -> None:
    results = [SegmentationResult(ArrayLabels(n), image=f"{i}.png") for i, n in enumerate((LABELS, LABELS.T))]
    registry.writer("coco").write_together(results, tmp_path / "all.json")
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "all.json"), plugin=NAME)
    assert [layer.name for layer in viewer.layers] == ["0", "1"]
    np.testing.assert_array_equal(viewer.layers["1"].data, LABELS.T)


def test_by_choice_outlines_open_as_shapes(tmp_path: Path, settings_of, make_napari_viewer, plugin) -> None:
    settings_of(NAME).files.open_as = "shapes"
    viewer = make_napari_viewer()
    (layer,) = viewer.open(str(write("geojson", tmp_path)), plugin=NAME)
    assert isinstance(layer, Shapes)
    assert layer.features["index"].tolist() == [1, 1, 2]
    drawn = layer.to_labels(labels_shape=LABELS.shape)
    assert set(drawn[LABELS == 2]) == {3}
    np.testing.assert_array_equal(drawn > 0, LABELS > 0)  # the hole, too
    shape = layer._data_view.shapes[1]
    vertices, triangles = shape._face_vertices, shape._face_triangles
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    drawn_area = abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).sum() / 2
    assert drawn_area == pytest.approx(6 * 5 - 2 * 2)
    corners = layer.data[2]
    assert corners.min(axis=0).tolist() == [7.5, 4.5]
    assert corners.max(axis=0).tolist() == [11.5, 8.5]


@pytest.mark.parametrize(
    "name", ["a.tif", "a.zarr", "a.png", "a.geojson", "a.zip", "a.json", "a_seg.npy", "a.csv", "a.parquet"]
)
def test_a_labels_layer_is_saved(name: str, tmp_path: Path, make_napari_viewer, plugin) -> None:
    viewer = make_napari_viewer()
    viewer.add_image(LABELS * 2.0, name="cells", scale=(0.5, 0.25), units=("um", "um"))
    features = {"index": [1, 2], "score": [0.75, 0.5]}
    layer = viewer.add_labels(LABELS, scale=(0.5, 0.25), units=("um", "um"), features=features)
    assert layer.save(str(tmp_path / name), plugin=NAME) == [str(tmp_path / name)]
    if name.endswith((".csv", ".parquet")):
        assert (tmp_path / name).is_file()
        return
    read = registry.read_labels(tmp_path / name)
    np.testing.assert_array_equal(read.label_image(), LABELS)
    assert [one.score for one in read.objects] == [0.75, 0.5]
    assert read.scale.scale == (0.5, 0.25)


def test_napari_offers_every_format_to_save_as(tmp_path: Path, make_napari_viewer, plugin, monkeypatch) -> None:
    viewer = make_napari_viewer()
    viewer.add_image(np.arange(LABELS.size).reshape(LABELS.shape), name="cells")
    features = {"index": [1, 2], "class": ["a cell", ""]}
    viewer.layers.selection = {viewer.add_labels(LABELS, name="of cells", features=features)}
    written = set()
    for entry in plugin.manifest.contributions.writers:
        suffix = entry.filename_extensions[0]
        chosen = str(tmp_path / f"x{suffix}"), f"{NAME} {entry.display_name} (*{suffix})"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, chosen=chosen, **__: chosen)
        before = set(tmp_path.iterdir())
        viewer.window._qt_viewer._save_layers_dialog(selected=True)
        (path,) = set(tmp_path.iterdir()) - before
        if suffix in (".csv", ".parquet"):
            written.add(suffix[1:])
            continue
        own = registry.reader_for(path)
        np.testing.assert_array_equal(own.read(path).label_image(), LABELS)
        assert [one.class_name for one in own.read(path).objects] == ["a cell", ""]
        written.add("coco-polygons" if path.name.endswith("_coco_polygons.json") else own.name)
    assert written == {f.name for f in registry.writers()} - {"overlay"}


def test_what_nobody_was_asked_about_is_not_replaced(tmp_path: Path, plugin) -> None:
    kept = tmp_path / "x_masks.tif"
    kept.write_text("mine")
    with pytest.raises(OutputError, match=r"x_masks\.tif is there already; name it itself to replace it"):
        write_cellpose_masks(str(tmp_path / "x.tif"), LABELS, {})
    assert kept.read_text() == "mine"
    assert write_cellpose_masks(str(kept), LABELS, {}) == [str(kept)]
    np.testing.assert_array_equal(registry.read_labels(kept).label_image(), LABELS)


def test_every_format_that_keeps_labels_is_opened(plugin) -> None:
    from fnmatch import fnmatch

    patterns = [p for reader in plugin.manifest.contributions.readers for p in reader.filename_patterns]
    for name in KEEP:
        assert any(fnmatch(f"cells{registry.FORMATS[name].ending}", pattern) for pattern in patterns), name


@pytest.mark.parametrize("opened", [".", "data.yaml"])
def test_a_folder_of_yolo_opens_with_the_images_that_are_not_open(
    opened: str, tmp_path: Path, make_napari_viewer, plugin
) -> None:
    write_yolo(tmp_path / "set", count=2)
    viewer = make_napari_viewer()
    viewer.open(str(tmp_path / "set" / opened), plugin=NAME)
    assert [(layer.name, type(layer)) for layer in viewer.layers] == [
        ("0.png", Image), ("0", Labels), ("1.png", Image), ("1", Labels),
    ]  # fmt: skip
    np.testing.assert_array_equal(viewer.layers["1"].data > 0, LABELS > 0)
    assert viewer.layers["1"].features["class"].tolist() == ["a cell", ""]


def test_of_many_images_those_that_are_open_are_meant(tmp_path: Path, make_napari_viewer, plugin) -> None:
    write_yolo(tmp_path / "set", count=3)
    viewer = make_napari_viewer()
    image = viewer.add_image(np.zeros(LABELS.shape), name="1", translate=(3, 4))
    (layer,) = viewer.open(str(tmp_path / "set"), plugin=NAME)
    assert (layer.name, layer.translate.tolist()) == ("1 [1]", [3, 4])
    np.testing.assert_array_equal(layer.extent.world, image.extent.world)


def test_more_images_than_anyone_looks_at_are_not_all_opened(
    tmp_path: Path, make_napari_viewer, plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_IMAGES", 1)
    results = [SegmentationResult(ArrayLabels(LABELS), image=f"{i}.png") for i in range(3)]
    registry.writer("coco").write_together(results, tmp_path / "all.json")
    told: list[str] = []
    monkeypatch.setattr(reading, "show_warning", told.append)
    assert len(reading.read(str(tmp_path / "all.json"))) == 1
    assert told == ["all.json holds 2 images more; open the image that you want first, and drop the file on it"]


def write_yolo(folder: Path, count: int) -> None:
    pixels = np.arange(LABELS.size, dtype=np.uint8).reshape(LABELS.shape)
    results = [
        SegmentationResult(ArrayLabels(LABELS), OBJECTS, image=f"{i}.png", pixels=lambda _: pixels)
        for i in range(count)
    ]  # fmt: skip
    registry.writer("yolo").write_together(results, folder)


def test_other_files_are_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("names: mine")
    assert reader_of(str(tmp_path / "settings.yaml")) is None
    assert reader_of(str(tmp_path)) is None
    assert reader_of(str(tmp_path / "a.docx")) is None
    assert reader_of([str(tmp_path / "a.geojson"), str(tmp_path / "b.geojson")]) is None
