"""What is written is read by the programs that it is for, and what they write is read here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import geojson
import numpy as np
import pandas as pd
import pytest
import roifile
import shapely
import tifffile
import yaml
import zarr
from numpy.typing import NDArray
from pycocotools.coco import COCO

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.io.formats.cellpose import read_plain
from napari_fastsam.io.formats.registry import FORMATS, read_labels, writer


def difficult() -> NDArray[np.int32]:
    """Holes, holes in a row, parts, parts within holes, touching, corners that touch, single pixels, the border."""
    labels = np.zeros((24, 31), np.int32)
    labels[0:9, 0:9], labels[2:4, 2:4], labels[5:8, 5:8], labels[6, 6] = 3, 0, 0, 3
    labels[0:9, 9:14] = 4
    labels[10:12, 3:5], labels[12:14, 5:7], labels[20, 20] = 5, 5, 5
    labels[23, 30], labels[15, 0], labels[16, 1] = 6, 7, 7
    labels[10:20, 12:29], labels[12:18, 14:27], labels[14:16, 16:25] = 8, 9, 10
    labels[22:24, 2:9:2] = 11
    return labels


def many() -> NDArray[np.int32]:
    """Ten thousand objects, all of which touch others."""
    rng = np.random.default_rng(0)
    cells = np.arange(1, 10_001, dtype=np.int32).reshape(100, 100).repeat(7, axis=0).repeat(6, axis=1)
    cells[rng.random(cells.shape) < 0.05] = 0
    return cells


IMAGES = {"difficult": difficult, "many": many}


@pytest.fixture(params=sorted(IMAGES))
def labels(request: pytest.FixtureRequest) -> NDArray[np.int32]:
    return IMAGES[request.param]()


def result_of(labels: NDArray[np.int32], **more: object) -> SegmentationResult:
    objects = [ResultObject(int(n), 0.5, "a cell" if n % 2 else "") for n in np.unique(labels) if n]
    return SegmentationResult(ArrayLabels(labels), objects, image="a.png", **more)  # type: ignore[arg-type]


def written(name: str, result: SegmentationResult, folder: Path) -> Path:
    path = folder / f"a{FORMATS[name].ending}"
    writer(name).write(result, path)
    return path


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools, with numpy 2
@pytest.mark.parametrize("name", ["coco", "coco-polygons"])
def test_coco_api_reads_every_pixel(
    name: str, labels: NDArray[np.int32], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api = COCO(str(written(name, result_of(labels), tmp_path)))
    found = np.zeros_like(labels)
    for annotation in api.loadAnns(api.getAnnIds()):
        mask = api.annToMask(annotation).astype(bool)
        assert mask.sum() == annotation["area"]
        found[mask] = annotation["label"]
    np.testing.assert_array_equal(found, labels)


def test_images_together_are_one_coco_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Provenance(model="nuclei", image="a.png")
    results = [result_of(difficult(), provenance=(made,)), result_of(difficult()[:, :20])]
    writer("coco").write_together(results, tmp_path / "instances.json")
    api = COCO(str(tmp_path / "instances.json"))
    assert len(api.getImgIds()) == 2
    assert len(set(api.getAnnIds())) == len(np.unique(difficult())) - 1 + len(np.unique(difficult()[:, :20])) - 1
    first, second = FORMATS["coco"].read_each(tmp_path / "instances.json")
    np.testing.assert_array_equal(first.label_image(), difficult())
    np.testing.assert_array_equal(second.label_image(), difficult()[:, :20])
    assert first.provenance[0].model == "nuclei"
    assert not second.provenance
    with pytest.raises(DatasetError, match="2 images"):
        read_labels(tmp_path / "instances.json")


def test_polygons_of_other_programs_are_read_from_coco(tmp_path: Path) -> None:
    content = {
        "images": [{"id": 7, "file_name": "b.png", "width": 9, "height": 6}],
        "categories": [{"id": 3, "name": "cell"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3,
             "segmentation": [[1, 1, 4, 1, 4, 3, 1, 3], [6.0, 4.0, 8, 4, 8, 5, 6, 5]]}
        ],
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(content))
    read = read_labels(tmp_path / "a.json")
    expected = np.zeros((6, 9), int)
    expected[1:3, 1:4], expected[4, 6:8] = 1, 1
    np.testing.assert_array_equal(read.label_image(), expected)
    assert (read.image, read.objects[0].class_name) == ("b.png", "cell")


def test_geojson_is_valid_in_shape_and_schema(labels: NDArray[np.int32], tmp_path: Path) -> None:
    content = geojson.loads(written("geojson", result_of(labels), tmp_path).read_text())
    assert content.is_valid
    for feature in content["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid, shapely.is_valid_reason(shape)
        assert shape.area == np.count_nonzero(labels == feature["properties"]["measurements"]["label"])


def test_roifile_reads_the_regions_where_they_are(labels: NDArray[np.int32], tmp_path: Path) -> None:
    path = written("imagej", result_of(labels), tmp_path)
    np.testing.assert_array_equal(read_labels(path).label_image(), labels)
    regions = roifile.roiread(path)
    assert len(regions) == len({region.name for region in regions}) == len(np.unique(labels)) - 1
    for region in regions:
        number = region.properties["label"]
        rings = region.coordinates(multi=True)
        area = sum(shapely.Polygon(ring).area * (1 if shapely.LinearRing(ring).is_ccw else -1) for ring in rings)
        assert abs(area) == np.count_nonzero(labels == number)
        rows, columns = np.nonzero(labels == number)
        bounds = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert (region.top, region.left, region.bottom, region.right) == bounds


def test_regions_drawn_in_imagej_are_read(tmp_path: Path) -> None:
    polygon = roifile.ImagejRoi.frompoints([[1, 1], [5, 1], [5, 4], [1, 4]], name="by hand")
    rectangle = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, left=6, top=0, right=8, bottom=3, name="box")
    oval = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, left=0, top=5, right=4, bottom=9, name="round")
    roifile.roiwrite(tmp_path / "RoiSet.zip", [polygon, rectangle, oval])
    found = read_labels(tmp_path / "RoiSet.zip", (10, 9)).label_image()
    expected = np.zeros((10, 9), int)
    expected[1:4, 1:5], expected[0:3, 6:8], expected[6:8, 0:4], expected[5:9, 1:3] = 1, 2, 3, 3
    np.testing.assert_array_equal(found, expected)
    assert read_labels(tmp_path / "RoiSet.zip").shape == (9, 8)


def test_a_region_without_pixels_is_refused_by_name(tmp_path: Path) -> None:
    line = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.LINE, name="a line")
    roifile.roiwrite(tmp_path / "RoiSet.zip", [line])
    with pytest.raises(DatasetError, match=r"RoiSet\.zip.*'a line' is of the kind line"):
        read_labels(tmp_path / "RoiSet.zip")


def test_regions_of_a_stack_lie_on_their_slices(tmp_path: Path) -> None:
    stack = np.zeros((2, 3, 8, 9), np.int32)
    stack[1, 2, 1:4, 2:5], stack[0, 1, 5, 5] = 4, 4
    scale = Scale(("t", "z", "y", "x"), (2.0, 1.0, 0.5, 0.5), ("second", *("micrometer",) * 3))
    path = written("imagej", SegmentationResult(ArrayLabels(stack), scale=scale), tmp_path)
    regions = roifile.roiread(path)
    assert sorted((r.t_position, r.z_position, r.position) for r in regions) == [(1, 2, 2), (2, 3, 6)]
    read = read_labels(path)
    np.testing.assert_array_equal(read.label_image(), stack)
    assert read.scale == scale


def test_a_damaged_zip_is_an_error_of_ours(tmp_path: Path) -> None:
    for content in (b"", b"PK\3\4 cut off", b"Iout"):
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(DatasetError, match=r"a\.zip"):
            read_labels(tmp_path / "a.zip")


def ultralytics_masks(folder: Path) -> tuple[NDArray[np.uint8], list[str]]:
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset, polygons2masks

    data = check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    dataset = YOLODataset(str(folder / "images"), data=data, task="segment", augment=False, imgsz=64)
    (entry,) = dataset.labels
    height, width = entry["shape"]
    scaled = [segment * (width, height) for segment in entry["segments"]]
    return polygons2masks((height, width), scaled, 1), [data["names"][int(c)] for c in entry["cls"].ravel()]


def test_ultralytics_reads_the_outlines(tmp_path: Path) -> None:
    whole = np.zeros((24, 31), np.int32)
    whole[0:9, 0:9], whole[0:9, 9:14], whole[23, 30], whole[12:20, 3:9] = 1, 2, 3, 4
    whole[12:14, 3:5] = 0
    picture = np.zeros((24, 31), np.uint16)
    folder = written("yolo", result_of(whole, pixels=lambda _: picture), tmp_path)
    masks, names = ultralytics_masks(folder)
    assert names == ["a cell", "object", "a cell", "object"]
    for mask, number in zip(masks, (1, 2, 3, 4), strict=True):
        np.testing.assert_array_equal(mask.astype(bool), whole == number)


def test_outlines_of_yolo_come_back_with_holes_and_parts(labels: NDArray[np.int32], tmp_path: Path) -> None:
    picture = np.zeros(labels.shape, np.uint8)
    folder = written("yolo", result_of(labels, pixels=lambda _: picture), tmp_path)
    (example,) = read_dataset(folder / "data.yaml").examples
    numbers = np.concatenate([[0], np.unique(labels[labels > 0])])
    np.testing.assert_array_equal(numbers[example.labels()], labels)
    said = yaml.safe_load((folder / "data.yaml").read_text())
    assert said["napari-fastsam"]["a"]["shape"] == list(labels.shape)


def test_a_folder_that_is_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a_yolo").mkdir()
    (tmp_path / "a_yolo" / "mine.txt").write_text("mine")
    with pytest.raises(Exception, match="is in the way"):
        written("yolo", result_of(difficult()), tmp_path)
    assert (tmp_path / "a_yolo" / "mine.txt").read_text() == "mine"


def test_cellpose_finds_its_keys_and_comes_back(labels: NDArray[np.int32], tmp_path: Path) -> None:
    path = written("cellpose", result_of(labels), tmp_path)
    content = np.load(path, allow_pickle=True).item()
    np.testing.assert_array_equal(content["masks"], labels)
    assert content["masks"].dtype == np.uint16
    assert set(content) >= {"outlines", "filename", "flows", "ismanual", "colors", "chan_choose", "manual_changes"}
    assert len(content["colors"]) == len(content["ismanual"]) == labels.max()
    read = read_labels(path)
    np.testing.assert_array_equal(read.label_image(), labels)
    assert read.image == "a.png"


@pytest.mark.parametrize("masks", [np.eye(4, dtype=">u2"), np.asfortranarray(np.triu(np.ones((3, 5), np.int64)))])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_cellpose_wrote_is_read(masks: NDArray[np.integer], protocol: int, tmp_path: Path) -> None:
    import io
    import pickle

    content = {
        "masks": masks,
        "filename": "C:\\data\\cells.tif",
        "flows": [np.zeros((2, 3), "f4"), None],
        "d": np.float64(3),
    }
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    path = tmp_path / "cells_seg.npy"
    path.write_bytes(file.getvalue() + pickle.dumps(np.array(content, object), protocol=protocol))
    read = read_labels(path)
    np.testing.assert_array_equal(read.label_image(), masks)
    assert read.image == "cells.tif"
    assert read_plain(path)["d"] == 3


class Evil:
    def __init__(self, run: Callable[..., object], *arguments: object) -> None:
        self.called = run, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.called


def test_nothing_that_a_seg_file_says_is_run(tmp_path: Path) -> None:
    there = tmp_path / "was run"
    content = {"masks": np.eye(3, dtype=np.uint16), "more": Evil(os.mkdir, str(there))}
    np.save(tmp_path / "a_seg.npy", content, allow_pickle=True)
    np.testing.assert_array_equal(read_labels(tmp_path / "a_seg.npy").label_image(), np.eye(3))
    np.save(tmp_path / "b_seg.npy", {"masks": Evil(os.mkdir, str(there))}, allow_pickle=True)
    with pytest.raises(DatasetError, match=r"b_seg\.npy holds no masks"):
        read_labels(tmp_path / "b_seg.npy")
    assert not there.exists()


def test_imagej_finds_the_size_of_a_pixel(tmp_path: Path) -> None:
    scale = Scale(("t", "z", "y", "x"), (2.0, 1.5, 0.25, 0.5), ("second", *("micrometer",) * 3))
    stack = np.zeros((2, 3, 8, 9), np.int64)
    stack[1, 2, 1:4, 2:5] = 300
    with tifffile.TiffFile(written("tiff", SegmentationResult(ArrayLabels(stack), scale=scale), tmp_path)) as file:
        assert file.is_imagej
        assert file.series[0].axes == "TZYX"
        assert file.series[0].dtype == np.uint16
        said = file.imagej_metadata
        assert (said["unit"], said["spacing"], said["finterval"]) == ("um", 1.5, 2.0)
        tags = file.pages.first.tags
        assert [np.divide(*tags[f"{axis}Resolution"].value) for axis in "XY"] == [2, 4]
        np.testing.assert_array_equal(file.asarray(), stack)


@pytest.mark.parametrize(("highest", "dtype"), [(255, np.uint8), (256, np.uint16), (70_000, np.int32)])
def test_a_label_tiff_has_the_smallest_type(highest: int, dtype: type, tmp_path: Path) -> None:
    labels = np.zeros((2, 8, 9), np.int32)
    labels[1, 3, 3] = highest
    scale = Scale(("z", "y", "x"), (1.5, 0.25, 0.5), ("micrometer",) * 3)
    with tifffile.TiffFile(written("tiff", SegmentationResult(ArrayLabels(labels), scale=scale), tmp_path)) as file:
        assert file.series[0].dtype == dtype
        if file.is_ome:
            pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
            assert [pixels[f"PhysicalSize{axis}"] for axis in "XYZ"] == [0.5, 0.25, 1.5]
        else:
            assert file.is_imagej


def test_a_png_says_when_numbers_are_too_large(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="70000 does not fit into PNG"):
        written("png", SegmentationResult(ArrayLabels(np.array([[70_000]]))), tmp_path)


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_a_table_has_micrometers_and_says_how_objects_came_about(name: str, tmp_path: Path) -> None:
    labels = np.zeros((8, 9), np.int32)
    labels[1:3, 1:5], labels[5, 5] = 1, 2
    made = (Provenance(model="nuclei", image="a.png", labels=[1]), Provenance(model="mine", image="a.png", labels=[2]))
    scale = Scale(("y", "x"), (500.0, 500.0), ("nanometer", "nanometer"))
    result = SegmentationResult(ArrayLabels(labels), [ResultObject(1, 0.5, "cell")], scale, made)
    path = written(name, result, tmp_path)
    table = pd.read_csv(path) if name == "csv" else pd.read_parquet(path)
    assert table["area_um2"].tolist() == [2.0, 0.25]
    assert table["centroid_x_um"].tolist() == [1.25, 2.5]
    assert table["model"].tolist() == ["nuclei", "mine"]
    assert table["image"].tolist() == ["a.png", "a.png"]
    if name == "parquet":
        assert json.loads(table.attrs["napari-fastsam"])["napari-fastsam"][1]["model"] == "mine"


def test_labels_within_an_ome_zarr_image_are_named_in_it(tmp_path: Path) -> None:
    from ome_zarr_models import open_ome_zarr
    from ome_zarr_models.v05.image_label import ImageLabel
    from ome_zarr_models.v05.labels import Labels

    labels = difficult()
    writer("zarr").write(SegmentationResult(ArrayLabels(labels)), tmp_path / "image.zarr")
    (tmp_path / "image.zarr" / "labels").mkdir()
    for name in ("nuclei", "cells"):
        writer("zarr").write(result_of(labels * (name == "nuclei")), tmp_path / "image.zarr" / "labels" / name)
    group = zarr.open_group(tmp_path / "image.zarr" / "labels", mode="r")
    assert isinstance(open_ome_zarr(group), Labels)
    assert isinstance(open_ome_zarr(group["nuclei"]), ImageLabel)
    assert group.attrs["ome"]["labels"] == ["cells", "nuclei"]
    cells, nuclei = FORMATS["zarr"].read_each(tmp_path / "image.zarr" / "labels")
    np.testing.assert_array_equal(nuclei.label_image(), labels)
    assert not cells.label_image().any()
    assert {one.class_name for one in nuclei.objects} == {"a cell", ""}


def test_the_labels_of_an_image_are_read_instead_of_the_image(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "image.zarr", mode="w", zarr_format=3)
    group.create_array("0", data=np.full((24, 31), 0.5, np.float32))
    scale = [{"type": "scale", "scale": [1.0, 1.0]}]
    axes = [{"name": name, "type": "space"} for name in "yx"]
    level = {"path": "0", "coordinateTransformations": scale}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [level]}]}
    (tmp_path / "image.zarr" / "labels").mkdir()
    writer("zarr").write(result_of(difficult()), tmp_path / "image.zarr" / "labels" / "nuclei")
    np.testing.assert_array_equal(read_labels(tmp_path / "image.zarr").label_image(), difficult())
    zarr.open_group(tmp_path / "old.zarr", mode="w", zarr_format=2)
    with pytest.raises(ParameterError, match=r"before 0\.5"):
        writer("zarr").write(result_of(difficult()), tmp_path / "old.zarr" / "labels" / "nuclei")


def test_a_damaged_piece_of_an_ome_zarr_is_an_error_of_ours(labels: NDArray[np.int32], tmp_path: Path) -> None:
    """Found by a campaign: a decoder raises what it likes."""
    path = tmp_path / "labels.zarr"
    result = SegmentationResult(ArrayLabels(labels), (), image="image")
    writer("zarr").write(result, path)
    pieces = [file for file in path.rglob("*") if file.is_file() and file.name != "zarr.json"]
    assert pieces
    for piece in pieces:
        piece.write_bytes(piece.read_bytes()[:-9] + b"\xff" * 9)
    with pytest.raises(DatasetError, match=r"labels\.zarr.*cannot be read"):
        read_labels(path).label_image()


def test_a_damaged_head_of_an_npy_file_is_an_error_of_ours(tmp_path: Path) -> None:
    """Found by a campaign: numpy reads the head as Python, which may end in the middle of a bracket."""
    path = tmp_path / "a_seg.npy"
    np.save(path, np.zeros((4, 4), np.int32))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"'shape': (4, 4), }", b"'shape': (4, 4    "))
    with pytest.raises(DatasetError, match=r"cannot be read as an \.npy file"):
        read_labels(path)
