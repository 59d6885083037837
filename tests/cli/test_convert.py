"""``napari-fastsam convert``: every format that is read into every one that is written, files and folders."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

from napari_fastsam.cli import app
from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.provenance import Provenance
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.io.formats import registry

LABELS = np.zeros((12, 14), np.int32)
LABELS[1:7, 1:6], LABELS[3:5, 2:4], LABELS[0, 13], LABELS[8:12, 5:9] = 1, 0, 1, 2
OBJECTS = [ResultObject(1, 0.75, "a cell"), ResultObject(2, 0.5, "a cell")]
KEEP = [f.name for f in registry.writers() if f.keeps_labels]
WRITTEN = [f.name for f in registry.writers()]


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def done(*arguments: object) -> list[Path]:
    result = convert(*arguments)
    assert result.exit_code == 0, result.output
    return [Path(line) for line in result.stdout.splitlines()]


def write(name: str, folder: Path, stem: str = "cells", labels: np.ndarray = LABELS) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}{registry.FORMATS[name].ending}"
    made = Provenance(model="nuclei", image=f"{stem}.png")
    found = [one for one in OBJECTS if (labels == one.number).any()]
    result = SegmentationResult(ArrayLabels(labels), found, provenance=(made,), image=f"{stem}.png")
    registry.writer(name).write(result, path)
    return path


def picture(folder: Path, stem: str = "cells") -> Path:
    folder.mkdir(exist_ok=True)
    iio.imwrite(folder / f"{stem}.png", (LABELS * 90).astype(np.uint8))
    return folder / f"{stem}.png"


@pytest.mark.parametrize("out", WRITTEN)
@pytest.mark.parametrize("name", KEEP)
def test_any_into_any(name: str, out: str, tmp_path: Path) -> None:
    source, image = write(name, tmp_path / "in"), picture(tmp_path)
    target = tmp_path / f"cells{registry.FORMATS[out].ending}"
    assert done(source, target, "--format", out, "--image", image) == [target]
    if out in KEEP:
        read = registry.read_labels(target)
        np.testing.assert_array_equal(read.label_image(), LABELS)
        assert [(one.number, one.score, one.class_name) for one in read.objects] == [
            (one.number, one.score, one.class_name) for one in OBJECTS
        ]
        assert read.provenance[0].model == "nuclei"
    if out == "yolo":
        (example,) = read_dataset(target / "data.yaml").examples
        np.testing.assert_array_equal(example.labels(), LABELS)
        np.testing.assert_array_equal(example.image(), LABELS * 90)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.json", "coco"), ("a_rois.zip", "imagej"), ("a_seg.npy", "cellpose"), ("a.png", "png"), ("a.tif", "tiff"),
        ("a_masks.tif", "cellpose-masks"), ("a.geojson", "geojson"), ("a.zarr", "zarr"), ("a.csv", "csv"),
        ("a.parquet", "parquet"), ("a_coco_polygons.json", "coco-polygons"), ("a_yolo", "yolo"),
    ],
)  # fmt: skip
def test_the_name_says_the_format(name: str, format: str) -> None:
    assert registry.writer_for(Path(name)).name == format


@pytest.mark.parametrize("out", ["coco", "yolo", "geojson", "tiff"])
def test_a_folder_of_files(out: str, tmp_path: Path) -> None:
    write("geojson", tmp_path / "in", "a")
    write("imagej", tmp_path / "in", "b", LABELS.T.copy())
    for stem in "a":
        picture(tmp_path / "images", stem)
    target = tmp_path / ("all.json" if out == "coco" else "out")
    written = done(tmp_path / "in", target, "--format", out, "--image", tmp_path / "images")
    if out == "coco":
        assert written == [target]
        first, second = registry.FORMATS["coco"].read_each(target)
        np.testing.assert_array_equal(first.label_image(), LABELS)
        np.testing.assert_array_equal(second.label_image(), LABELS.T)
        assert (first.image, second.image) == ("a.png", "b.png")
        back = done(target, tmp_path / "back", "--format", "tiff")
        assert [path.name for path in back] == ["a_labels.tif", "b_labels.tif"]
        np.testing.assert_array_equal(tifffile.imread(back[1]), LABELS.T)
    elif out == "yolo":
        assert written == [target]
        assert sorted(p.name for p in (target / "labels").iterdir()) == ["a.txt", "b.txt"]
        assert [p.name for p in (target / "images").iterdir()] == ["a.png"]
    else:
        assert [path.name for path in written] == [f"{stem}{registry.FORMATS[out].ending}" for stem in "ab"]
        np.testing.assert_array_equal(registry.read_labels(written[1]).label_image(), LABELS.T)


@pytest.mark.parametrize(("out", "file"), [("tiff", "cells_labels.tif"), ("coco", "cells_coco.json"), ("yolo", "")])
def test_a_name_without_ending_is_a_folder_for_one_image_too(out: str, file: str, tmp_path: Path) -> None:
    source = write("coco", tmp_path)
    (written,) = done(source, tmp_path / "labels", "--format", out)
    assert written == tmp_path / "labels" / file
    assert [one.image for one in registry.reader_for(written).read_each(written)] == ["cells.png"]


def test_overlays_and_tables_beside_labels_are_none(tmp_path: Path) -> None:
    """What `segment --overlay` leaves is converted as a whole."""
    labels = write("tiff", tmp_path / "labels").parent
    iio.imwrite(labels / "cells_overlay.png", np.zeros((12, 14, 3), np.uint8))
    (labels / "cells_measurements.csv").write_text("label\n")
    (path,) = done(labels, tmp_path / "out.json", "--format", "coco", "--image", picture(tmp_path / "images").parent)
    assert len(json.loads(path.read_text("utf-8"))["images"]) == 1


def test_a_dataset_of_yolo_into_label_images(tmp_path: Path) -> None:
    image = picture(tmp_path)
    source = done(write("tiff", tmp_path / "in"), tmp_path / "d_yolo", "--image", image)[0]
    for given in (source, source / "data.yaml"):
        (written,) = done(given, tmp_path / "out.tif")
        np.testing.assert_array_equal(tifffile.imread(written), LABELS)


@pytest.mark.parametrize("name", ["tiff", "png", "geojson", "coco"])
def test_a_dataset_of_folders_keeps_what_is_known_of_objects(name: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    picture(tmp_path / "d" / "images")
    file = write(name, tmp_path / "d" / "labels")
    file.rename(file.with_name(f"cells{file.suffix}"))
    (written,) = done(tmp_path / "d", tmp_path / "cells_coco.json")
    read = registry.read_labels(written)
    np.testing.assert_array_equal(read.label_image(), LABELS)
    assert [(one.number, one.score, one.class_name) for one in read.objects] == [
        (one.number, one.score, one.class_name) for one in OBJECTS
    ]
    assert (read.image, read.provenance[0].model) == ("cells.png", "nuclei")


def test_where_nothing_says_the_size_the_image_does(tmp_path: Path) -> None:
    ring = [[1, 1], [6, 1], [6, 5], [1, 5], [1, 1]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {}}
    (tmp_path / "a.geojson").write_text(json.dumps([feature]))
    (written,) = done(tmp_path / "a.geojson", tmp_path / "a.tif", "--image", picture(tmp_path))
    assert tifffile.imread(written).shape == LABELS.shape


def test_labels_that_know_no_place_lie_where_their_image_does(tmp_path: Path) -> None:
    scale = Scale(("y", "x"), (0.5, 0.25), ("micrometer",) * 2, (10.0, -20.0))
    registry.writer("zarr").write(SegmentationResult(ArrayLabels(LABELS), scale=scale), tmp_path / "cells.zarr")
    (written,) = done(write("tiff", tmp_path), tmp_path / "out.zarr", "--image", tmp_path / "cells.zarr")
    assert registry.read_labels(written).scale == scale


@pytest.mark.parametrize(
    ("source", "target", "options", "said"),
    [
        ("missing.tif", "a.png", [], "missing.tif"),
        ("cells_labels.tif", "a.xyz", [], "a.xyz is of no format"),
        ("cells_labels.tif", "a.png", ["--format", "bmp"], "the format is 'bmp'"),
        ("cells_labels.tif", "cells_labels.tif", [], "would overwrite"),
        ("cells_labels.tif", "a.png", ["--image", "none.png"], "none.png"),
        ("notes.docx", "a.png", [], "notes.docx is of no format"),
        ("empty", "a.png", [], "holds no labels"),
        ("cells_labels.tif", "a_overlay.png", ["--format", "overlay"], "overlay"),
        ("stack_labels.tif", "a.json", [], "coco cannot hold"),
        ("cells_labels.tif", "a.tif", ["--image", "small.png"], "3 × 3"),
    ],
)
def test_what_cannot_be_converted_is_told_in_one_line(
    source: str, target: str, options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("tiff", tmp_path)
    write("tiff", tmp_path, "stack", np.stack([LABELS, LABELS]))
    Path("notes.docx").write_text("")
    Path("empty").mkdir()
    iio.imwrite("small.png", np.zeros((3, 3), np.uint8))
    before = sorted(Path().iterdir())
    result = convert(source, target, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(Path().iterdir()) == before
