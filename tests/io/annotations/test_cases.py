"""Annotations as people have them: from Windows, slightly off, and called as cellpose calls them."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.run_lengths import runs_of
from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.datasets import read_dataset

SHAPE = (40, 60)
SQUARE = "0 .25 .25 .5 .25 .5 .5 .25 .5\n"


def image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 200, SHAPE).astype(np.uint8)).save(path)


def yolo(folder: Path, *lines: str | None) -> Path:
    """Write a data.yaml of images a, b, … with these outlines; None = no text file."""
    for name, text in zip("abcd", lines, strict=False):
        image(folder / "images" / f"{name}.png")
        (folder / "labels").mkdir(exist_ok=True)
        if text is not None:
            (folder / "labels" / f"{name}.txt").write_text(text)
    (folder / "data.yaml").write_text("val: images\nnames: [cell]\n")
    return folder / "data.yaml"


def coco(folder: Path, annotations: list[dict[str, Any]], name: str = "a.png", **more: Any) -> Path:
    image(folder / "images" / "a.png")
    content = {"images": [{"id": 1, "file_name": name, "height": 40, "width": 60} | more]}
    numbered = [{"id": i, "image_id": 1} | one for i, one in enumerate(annotations, start=1)]
    (folder / "coco.json").write_text(json.dumps(content | {"annotations": numbered, "categories": []}))
    return folder / "coco.json"


POLYGON = {"segmentation": [[10, 10, 30, 10, 30, 30, 10, 30]]}


class TestFilesFromWindows:
    @pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")])
    def test_coco_with_a_byte_order_mark(self, tmp_path: Path, mark: bytes, encoding: str) -> None:
        file = coco(tmp_path, [POLYGON])
        file.write_bytes(mark + file.read_text().encode(encoding))
        assert read_dataset(file).examples[0].labels().max() == 1

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_yolo_with_byte_order_marks(self, tmp_path: Path, end: str) -> None:
        data = yolo(tmp_path, SQUARE)
        (tmp_path / "list.txt").write_bytes(codecs.BOM_UTF8 + f"images\\a.png{end}".encode())
        (tmp_path / "labels" / "a.txt").write_bytes(codecs.BOM_UTF8 + SQUARE.replace("\n", end).encode())
        data.write_bytes(codecs.BOM_UTF8 + f"val: list.txt{end}".encode())
        assert read_dataset(data).examples[0].labels().max() == 1

    @pytest.mark.parametrize("name", ["images\\a.png", "a.png", "C:\\Users\\me\\images\\a.png", "..\\x\\a.png"])
    def test_coco_with_backslashes(self, tmp_path: Path, name: str) -> None:
        (example,) = read_dataset(coco(tmp_path, [POLYGON], name)).examples
        assert example.path == tmp_path / "images" / "a.png"

    @pytest.mark.parametrize("content", ["val: images\\\n", "path: .\\\nval: .\\images\n", "val: ..\\images\n"])
    def test_a_yaml_with_backslashes(self, tmp_path: Path, content: str) -> None:
        data = yolo(tmp_path, SQUARE)
        data.write_text(content)
        assert len(read_dataset(data).examples) == 1


class TestSlightlyOff:
    @pytest.mark.parametrize("reach", ["1.037", "-0.05", "1.4"])
    def test_an_outline_beyond_the_image_is_clipped(self, tmp_path: Path, reach: str) -> None:
        off = f"0 {reach} .25 .5 .25 .5 .5 {reach} .5\n"
        data = read_dataset(yolo(tmp_path, SQUARE + off, SQUARE))
        labels = data.examples[0].labels()
        assert set(np.unique(labels)) == {0, 1, 2}
        assert (labels == 2)[:, -1 if float(reach) > 1 else 0].any()
        (remark,) = data.remarks()
        assert remark.startswith("outlines that reach beyond their image, clipped: 1 (")
        assert remark.endswith("a.txt, line 2)")
        strict = read_dataset(data.path, strict=True)
        with pytest.raises(DatasetError, match="line 2 holds values outside 0 to 1"):
            strict.examples[0].labels()

    @pytest.mark.parametrize("line", ["0\n", "0 .5 .5\n"])
    def test_a_line_of_no_outline_is_left_out(self, tmp_path: Path, line: str) -> None:
        data = read_dataset(yolo(tmp_path, line + SQUARE + line))
        assert data.examples[0].labels().max() == 1
        assert "outlines of fewer than three points, left out: 2 (the first is" in data.remarks()[0]
        with pytest.raises(DatasetError, match="line 1 has"):
            read_dataset(data.path, strict=True).examples[0].labels()

    def test_an_image_without_a_text_file_has_no_objects(self, tmp_path: Path) -> None:
        data = read_dataset(yolo(tmp_path, SQUARE, None, None))
        assert [e.labels().max() for e in data.examples] == [1, 0, 0]
        assert "images without a text file, taken as without objects: 2" in data.remarks()[0]
        with pytest.raises(DatasetError, match=r"there is no .*b\.txt"):
            read_dataset(data.path, strict=True)

    def test_images_that_all_have_none_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"there is no .*a\.txt with the outlines"):
            read_dataset(yolo(tmp_path, None, None))

    def test_what_is_far_off_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="expected shares"):
            read_dataset(yolo(tmp_path, "0 15 10 30 10 30 20\n")).examples[0].labels()

    def test_annotations_that_are_all_crowds_are_objects(self, tmp_path: Path) -> None:
        mask = np.zeros(SHAPE, bool)
        mask[5:20, 7:30] = True
        (runs,) = runs_of([CroppedMask(0, 0, mask)], SHAPE)
        crowd = {"segmentation": {"size": list(SHAPE), "counts": runs.tolist()}, "iscrowd": 1}
        data = read_dataset(coco(tmp_path, [crowd]))
        np.testing.assert_array_equal(data.examples[0].labels() == 1, mask)
        assert "annotations that are all crowds, taken as objects: 1" in data.remarks()[0]
        assert not read_dataset(data.path, strict=True).examples[0].labels().any()

    def test_some_crowds_are_left_out(self, tmp_path: Path) -> None:
        data = read_dataset(coco(tmp_path, [POLYGON, POLYGON | {"iscrowd": 1}]))
        assert data.examples[0].labels().max() == 1
        assert "crowds, left out: 1" in data.remarks()[0]

    @pytest.mark.parametrize(
        ("annotation", "what"),
        [
            ({"segmentation": [[5, 5, 6, 6]]}, "fewer than three points"),
            ({"segmentation": []}, "without a segmentation"),
            ({"segmentation": [[1, 2, 9, 2, 9, 9]], "image_id": 7}, "of images that are not listed"),
        ],
    )
    def test_an_annotation_of_no_use_is_left_out(self, tmp_path: Path, annotation: dict[str, Any], what: str) -> None:
        data = read_dataset(coco(tmp_path, [annotation, POLYGON]))
        assert (data.examples[0].labels() > 0).sum() == 400
        assert what in data.remarks()[0]
        assert "annotation 1)" in data.remarks()[0]
        with pytest.raises(DatasetError, match="annotation 1"):
            read_dataset(data.path, strict=True).examples[0].labels()

    def test_a_polygon_beyond_the_image_is_clipped(self, tmp_path: Path) -> None:
        data = read_dataset(coco(tmp_path, [{"segmentation": [[50, 30, 75, 30, 75, 60, 50, 60]]}]))
        assert (data.examples[0].labels() > 0).sum() == 100
        assert "beyond their image, clipped: 1" in data.remarks()[0]

    def test_nothing_is_told_of_what_is_right(self, tmp_path: Path) -> None:
        assert read_dataset(coco(tmp_path / "c", [POLYGON])).remarks() == []
        assert read_dataset(yolo(tmp_path, SQUARE)).remarks() == []


class TestLabelImages:
    @pytest.mark.parametrize("ending", ["_masks.tif", "_cp_masks.png", "_labels.tif", "_mask.tif"])
    @pytest.mark.parametrize("folder", ["labels", ""])
    def test_names_of_cellpose(self, tmp_path: Path, ending: str, folder: str) -> None:
        drawn = np.zeros(SHAPE, np.uint16)
        drawn[5:20, 7:30] = 3
        image(tmp_path / ("images" if folder else "") / "a.png")
        label = tmp_path / folder / f"a{ending}"
        label.parent.mkdir(exist_ok=True)
        tifffile.imwrite(label, drawn) if ending.endswith("tif") else Image.fromarray(drawn).save(label)
        (example,) = read_dataset(tmp_path).examples
        assert example.name == "a"
        np.testing.assert_array_equal(example.labels(), drawn)

    def test_an_image_beside_labels_of_others_has_to_have_some(self, tmp_path: Path) -> None:
        for name in ("a.png", "b.png", "a_masks.png", "a_flows.png"):
            image(tmp_path / name)
        with pytest.raises(DatasetError, match=r"b\.png is without labels beside it"):
            read_dataset(tmp_path)

    @pytest.mark.parametrize("dtype", [">u2", ">i4", "<u4", "uint64", "int64", "int8"])
    def test_numbers_of_every_type(self, tmp_path: Path, dtype: str) -> None:
        drawn = np.zeros(SHAPE, dtype)
        drawn[5:20, 7:30], drawn[25:30, 7:30] = 3, 7
        image(tmp_path / "images" / "a.png")
        (tmp_path / "labels").mkdir()
        tifffile.imwrite(tmp_path / "labels" / "a.tif", drawn, byteorder=">" if dtype.startswith(">") else "<")
        np.testing.assert_array_equal(read_dataset(tmp_path).examples[0].labels(), drawn.astype(int))

    @pytest.mark.parametrize(("dtype", "high"), [("uint32", 2**31 + 5), ("uint64", 2**63 + 5), ("int64", 2**40)])
    def test_numbers_that_need_more_than_32_bits_are_counted_anew(self, tmp_path: Path, dtype: str, high: int) -> None:
        drawn = np.zeros(SHAPE, dtype)
        drawn[5:20, 7:30], drawn[25:30, 7:30] = 3, high
        image(tmp_path / "images" / "a.png")
        (tmp_path / "labels").mkdir()
        tifffile.imwrite(tmp_path / "labels" / "a.tif", drawn)
        labels = read_dataset(tmp_path).examples[0].labels()
        np.testing.assert_array_equal(labels, np.select([drawn == 3, drawn == high], [1, 2]))
