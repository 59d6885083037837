"""Annotated images as people keep them: label images, YOLO's outlines, COCO."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from hypothesis import given
from skimage.draw import disk

from napari_fastsam.core.objects.run_lengths import decompressed
from napari_fastsam.errors import DatasetError, FastSAMError
from napari_fastsam.io.annotations.datasets import Example, read_dataset
from napari_fastsam.io.formats.outlines import fill, fill_edges
from napari_fastsam.model.network.ultralytics_ import imported

SHAPE = (40, 60)


def nuclei(seed: int = 0) -> np.ndarray:
    """A label image with a large disk, a small one within it, and some beside them."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[disk((20, 20), 14, shape=SHAPE)] = 1
    labels[disk((17, 22), 4, shape=SHAPE)] = 2
    labels[disk((10 + seed, 46), 6, shape=SHAPE)] = 7
    labels[36:40, 50:60] = 300
    return labels


def image_of(labels: np.ndarray) -> np.ndarray:
    return np.where(labels > 0, 200, 20).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """images/ and labels/ with a PNG and a TIFF."""
    root = tmp_path / "cells"
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for i, suffix in enumerate((".png", ".tif")):
        iio.imwrite(root / "images" / f"n{i}.png", image_of(nuclei(i)))
        iio.imwrite(root / "labels" / f"n{i}{suffix}", nuclei(i))
    return root


def test_a_folder_pairs_images_and_label_images_by_name(folder: Path) -> None:
    (folder / "images" / ".hidden.png").write_bytes(b"left by some program")
    (folder / "labels" / "notes.txt").write_text("not a label image")
    data = read_dataset(folder)
    assert (data.name, data.yaml, data.splits) == ("cells", None, ())
    assert [(e.name, e.group) for e in data.examples] == [("n0", ""), ("n1", "")]
    for i, example in enumerate(data.examples):
        np.testing.assert_array_equal(example.labels(), nuclei(i))
        assert example.labels().dtype == np.int32
        np.testing.assert_array_equal(example.image(), image_of(nuclei(i)))


def test_an_index_names_the_kinds(folder: Path) -> None:
    (folder / "index.csv").write_text("id,h,kind\nn1,40,tissue\nelsewhere,40,fluorescence\n")
    assert [e.group for e in read_dataset(folder).examples] == ["", "tissue"]
    (folder / "index.csv").write_text("name,kind\nn1,tissue\n")
    with pytest.raises(DatasetError, match=r"index\.csv has the columns name, kind; expected id"):
        read_dataset(folder)


def test_a_folder_may_have_parts(folder: Path) -> None:
    for name in ("images", "labels"):
        for i, part in enumerate(("train", "val")):
            (folder / name / part).mkdir()
            for file in (folder / name).glob(f"n{i}.*"):
                file.rename(folder / name / part / file.name)
    data = read_dataset(folder)
    assert (data.splits, data.split, [e.name for e in data.examples]) == (("train", "val"), "val", ["n1"])
    assert [e.name for e in read_dataset(folder, "train").examples] == ["n0"]
    with pytest.raises(DatasetError, match="no split 'test'; its parts are train, val"):
        read_dataset(folder, "test")


def test_no_objects_are_legal(folder: Path) -> None:
    iio.imwrite(folder / "labels" / "n0.png", np.zeros(SHAPE, np.uint8))
    assert not read_dataset(folder).examples[0].labels().any()


def test_one_object_of_255_is_a_label_image(folder: Path) -> None:
    one = (nuclei() == 300).astype(np.uint8) * 255
    iio.imwrite(folder / "labels" / "n0.png", one)
    np.testing.assert_array_equal(read_dataset(folder).examples[0].labels(), one)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "labels" / "n1.tif").unlink(), r"images.n1\.png is without a label image in .*labels"),
        (lambda f: (f / "images" / "n1.png").unlink(), r"labels.n1\.tif is without an image of that name"),
        (lambda f: iio.imwrite(f / "labels" / "n1.png", nuclei()), r"n1\.png and .*n1\.tif have the same name"),
        (lambda f: [p.unlink() for p in (f / "images").iterdir()], r"no image in .*images"),
        (lambda f: (f / "labels").rename(f / "masks"), r"no images/ and labels/"),
    ],
    ids=["no labels", "no image", "two of a name", "empty", "no folder"],
)
def test_what_does_not_pair_up_is_named_at_once(folder: Path, spoil: Callable[[Path], Any], said: str) -> None:
    spoil(folder)
    with pytest.raises(DatasetError, match=said):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("n0.png", nuclei()[:-1].astype(np.uint8), r"n0\.png is 39 × 60 pixels and its image 40 × 60"),
        ("n0.png", np.zeros((*SHAPE, 3), np.uint8), r"n0\.png is a picture in colour"),
        ("n1.tif", nuclei().astype(np.float32), r"n1\.tif holds float32"),
        ("n1.tif", nuclei().astype(np.int16) - 1, r"n1\.tif holds numbers from -1"),
        ("n0.png", (nuclei() > 2).astype(np.uint8) * 255, r"n0\.png is a mask: 2 separate pieces"),
        ("n1.tif", np.stack([nuclei(), nuclei()]), r"n1\.tif: a stack of 2 planes"),
        ("n1.tif", b"", r"n1\.tif cannot be read"),
        ("n0.png", b"\x89PNG\r\n\x1a\n cut off", r"n0\.png cannot be read"),
    ],
    ids=["other shape", "RGB", "float", "negative", "mask", "stack", "empty file", "damaged"],
)
def test_labels_that_are_none_are_named(folder: Path, name: str, content: Any, said: str) -> None:
    if isinstance(content, bytes):
        (folder / "labels" / name).write_bytes(content)
    else:
        iio.imwrite(folder / "labels" / name, content)
    data = read_dataset(folder)
    with pytest.raises(DatasetError, match=said):
        data.examples[name == "n1.tif"].labels()


def test_a_jpeg_is_no_label_image(folder: Path) -> None:
    (folder / "labels" / "n0.png").unlink()
    iio.imwrite(folder / "labels" / "n0.jpg", nuclei().astype(np.uint8))
    with pytest.raises(DatasetError, match=r"n0\.jpg is a JPEG"):
        read_dataset(folder).examples[0].labels()


def test_an_image_that_is_a_stack_is_named(folder: Path) -> None:
    (folder / "images" / "n0.png").unlink()
    tifffile.imwrite(folder / "images" / "n0.tif", np.zeros((5, *SHAPE), np.uint16), photometric="minisblack")
    with pytest.raises(DatasetError, match=r"n0\.tif is a stack, and an annotated image is one plane"):
        read_dataset(folder).examples[0].labels()


def test_a_damaged_image_is_named(folder: Path) -> None:
    (folder / "images" / "n0.png").write_bytes(b"")
    with pytest.raises(FastSAMError, match=r"images.n0\.png cannot be read"):
        read_dataset(folder).examples[0].image()


@pytest.mark.parametrize("name", ["nowhere", "notes.txt"])
def test_what_is_no_dataset_is_said_with_what_would_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DatasetError, match=rf"{name}.*expected a folder with images/ and labels/"):
        read_dataset(tmp_path / name)


# YOLO


def contours(labels: np.ndarray) -> list[np.ndarray]:
    """The outer border of each object as OpenCV finds it: (V, 2) x, y of pixels."""
    with imported():
        import cv2
    found = []
    for number in np.unique(labels[labels > 0]):
        outlines, _ = cv2.findContours((labels == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        found.append(max(outlines, key=len)[:, 0])
    return found


def lines(labels: np.ndarray) -> str:
    size = np.array(labels.shape[::-1])
    return "".join(f"0 {' '.join(f'{v:.6f}' for v in (c / size).ravel())}\n" for c in contours(labels))


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """A data.yaml with two images to validate and one to train."""
    root = tmp_path / "cells"
    for i, part in enumerate(("train", "val", "val")):
        for name in ("images", "labels"):
            (root / name / part).mkdir(parents=True, exist_ok=True)
        iio.imwrite(root / "images" / part / f"n{i}.png", image_of(nuclei(i)))
        (root / "labels" / part / f"n{i}.txt").write_text(lines(nuclei(i)))
    (root / "data.yaml").write_text("train: images/train\nval: images/val\nnames:\n  0: nucleus\n")
    return root / "data.yaml"


def without_holes(labels: np.ndarray) -> np.ndarray:
    """Numbers as in the order of the lines; an outline has no hole, so the small disk lies on the large one."""
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def test_a_yolo_dataset_has_the_same_objects_as_the_label_images_it_was_made_of(yolo: Path) -> None:
    data = read_dataset(yolo)
    assert (data.name, data.yaml, data.split, data.splits) == ("cells", yolo, "val", ("train", "val"))
    assert [e.name for e in data.examples] == ["n1", "n2"]
    for i, example in enumerate(data.examples, start=1):
        np.testing.assert_array_equal(example.labels(), without_holes(nuclei(i)))
    assert [e.name for e in read_dataset(yolo, "train").examples] == ["n0"]


def test_an_empty_text_file_is_an_image_without_objects(yolo: Path) -> None:
    (yolo.parent / "labels" / "val" / "n1.txt").write_text("\n")
    assert not read_dataset(yolo).examples[0].labels().any()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("0 0.1 0.1 0.2 0.2\n", "line 1 is a box, and outlines are needed"),
        ("\n0 .1 .1 .2 .1 .2\n", "line 2 has 5 numbers after the class"),
        ("0 .1 .1 .2 .1 .2 x\n", "line 1 is '0 .1 .1 .2 .1 .2 x'; expected a class and x y pairs"),
        ("0 10 10 20 10 20 20\n", "line 1 holds values outside 0 to 1"),
        ("0 nan .1 .2 .1 .2 .2\n", "line 1 holds values outside 0 to 1"),
    ],
    ids=["box", "odd", "text", "pixels", "NaN"],
)
def test_a_line_that_is_no_outline_is_named(yolo: Path, content: str, said: str) -> None:
    file = yolo.parent / "labels" / "val" / "n1.txt"
    file.write_text(content)
    with pytest.raises(DatasetError) as caught:
        read_dataset(yolo).examples[0].labels()
    assert str(file) in str(caught.value)
    assert said in str(caught.value)


def test_a_missing_text_file_is_named(yolo: Path) -> None:
    (yolo.parent / "labels" / "val" / "n2.txt").unlink()
    with pytest.raises(DatasetError, match=r"no .*labels.val.n2\.txt with the outlines of .*n2\.png"):
        read_dataset(yolo, strict=True)


@pytest.mark.parametrize(
    "content",
    [
        "path: .\nval: images/val\n",
        "path: {root}\nval: [images/val]\n",
        "path: elsewhere\nval: images/val\n",
        "val: ../images/val\n",
        "val: list.txt\n",
    ],
    ids=["path", "absolute", "path that is not there", "services", "list"],
)
def test_where_the_images_are(yolo: Path, content: str) -> None:
    (yolo.parent / "list.txt").write_text("./images/val/n1.png\n\n./images/val/n2.png\n")
    yolo.write_text(content.format(root=yolo.parent))
    assert [e.name for e in read_dataset(yolo).examples] == ["n1", "n2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("names: [a]\n", "names no images"),
        ("val: images/nowhere\n", "are not there: .*nowhere"),
        ("val: images/x\ndownload: http://127.0.0.1/x.zip\n", "nothing is downloaded here"),
        ("- a\n", "holds no settings"),
        ("a: [\n", "cannot be read as YAML"),
    ],
)
def test_a_yaml_that_leads_nowhere_is_named(yolo: Path, content: str, said: str) -> None:
    yolo.write_text(content)
    with pytest.raises(DatasetError, match=rf"data\.yaml.*{said}|{said}.*data\.yaml"):
        read_dataset(yolo)


blobs = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 29), st.integers(1, 8), st.integers(1, 8)), min_size=1)


@given(blobs)
def test_a_contour_gives_back_the_object_it_was_made_of(rectangles: list[tuple[int, int, int, int]]) -> None:
    from scipy.ndimage import binary_fill_holes, label

    mask = np.zeros((24, 33), bool)
    for top, left, height, width in rectangles:
        mask[top : top + height, left : left + width] = True
    pieces, count = label(binary_fill_holes(mask))
    for number in range(1, count + 1):
        (contour,) = contours(pieces == number)
        crop = fill(contour[:, ::-1].astype(float), mask.shape)
        assert crop is not None
        np.testing.assert_array_equal(crop.full(mask.shape), pieces == number)


def test_an_outline_between_pixels_has_its_area() -> None:
    square = np.array([[2.0, 3.0], [2, 13], [12, 13], [12, 3]])
    inside = fill_edges(square, SHAPE)
    assert inside is not None
    expected = np.zeros(SHAPE, bool)
    expected[2:12, 3:13] = True
    np.testing.assert_array_equal(inside.full(SHAPE), expected)
    shifted = fill(square + 0.3, SHAPE)  # no whole numbers, so drawn between pixels
    assert shifted is not None
    assert shifted.area == 100


def test_an_object_smaller_than_a_pixel_stays_and_one_outside_goes() -> None:
    speck = np.array([[5.1, 5.1], [5.1, 5.3], [5.3, 5.2]])
    crop = fill(speck, SHAPE)
    assert crop is not None
    assert (crop.top, crop.left, crop.area) == (5, 5, 1)
    assert fill(speck + 100, SHAPE) is None


# COCO


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A JSON with two images in images/, polygons and run lengths."""
    (tmp_path / "images").mkdir()
    for i in range(2):
        iio.imwrite(tmp_path / "images" / f"n{i}.png", image_of(nuclei(i)))
    (tmp_path / "cells.json").write_text(
        json.dumps(
            {
                "images": [{"id": i + 5, "file_name": f"n{i}.png", "height": 40, "width": 60} for i in range(2)],
                "annotations": [
                    {"id": 1, "image_id": 5, "segmentation": [[10, 5, 20, 5, 20, 25, 10, 25]], "iscrowd": 0},
                    {"id": 2, "image_id": 5, "segmentation": [[12, 7, 15, 7, 15, 10, 12, 10], [30, 0, 34, 0, 34, 2]]},
                    {"id": 3, "image_id": 6, "segmentation": {"size": [40, 60], "counts": run_lengths(nuclei() == 7)}},
                    {"id": 4, "image_id": 6, "segmentation": [[0, 0, 9, 0, 9, 9]], "iscrowd": 1},
                ],
            }
        )
    )  # fmt: skip
    return tmp_path / "cells.json"


def run_lengths(mask: np.ndarray) -> list[int]:
    """COCO's run lengths, column by column, background first."""
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *ends, flat.size]).tolist()
    return [0, *counts] if flat[0] else counts


def change(path: Path, what: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text())
    what(content)
    path.write_text(json.dumps(content))


def test_a_coco_file_has_polygons_and_run_lengths(coco: Path) -> None:
    data = read_dataset(coco)
    assert [e.name for e in data.examples] == ["n0", "n1"]
    first, second = (e.labels() for e in data.examples)
    expected = np.zeros(SHAPE, int)
    expected[5:25, 10:20] = 1
    expected[7:10, 12:15] = expected[0, 31:34] = expected[1, 33] = (
        2  # two parts of one object, one within the other object
    )
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(second, nuclei() == 7)  # the crowd is no object


def test_compressed_run_lengths_as_the_coco_api_writes_them() -> None:
    # pycocotools 2.0.11, encode(np.asfortranarray(mask))["counts"]
    assert decompressed(COMPRESSED_DISK) == run_lengths(nuclei() == 7)
    assert decompressed(COMPRESSED_CORNER) == run_lengths(nuclei() == 300)
    for broken in ("0\n", "`"):
        with pytest.raises(ValueError, match="compressed run lengths"):
            decompressed(broken)


COMPRESSED_DISK = "_c17P12N2O000000000001N2Nj9"
COMPRESSED_CORNER = "do14T100000000000000000"


def test_compressed_run_lengths_in_a_file(coco: Path) -> None:
    change(coco, lambda c: c["annotations"][2]["segmentation"].update(counts=COMPRESSED_DISK))
    np.testing.assert_array_equal(read_dataset(coco).examples[1].labels(), nuclei() == 7)


def test_an_image_without_annotations_has_no_objects(coco: Path) -> None:
    change(coco, lambda c: c["annotations"].pop(2))
    assert not read_dataset(coco).examples[1].labels().any()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda c: c["images"][0].update(height=41), r"an image of 41 × 60 pixels whose file has 40 × 60"),
        (lambda c: c["images"][0].update(file_name="away.png"), r"names the image away\.png, which is neither"),
        (lambda c: c["images"].pop(0), r"annotation 1: there is no image 5"),
        (lambda c: c["images"].clear(), r"names no images"),
        (lambda c: c.pop("annotations"), r"is not a COCO file"),
        (lambda c: c["images"][0].pop("id"), r"is not as COCO has it: KeyError 'id'"),
        (lambda c: c["annotations"][0].update(segmentation=[]), r"annotation 1 has no segmentation"),
        (lambda c: c["annotations"][0].update(segmentation=[[1, 2, 3, 4]]), r"annotation 1 cannot be drawn: a polygon"),
        (lambda c: c["annotations"][0].update(segmentation={"size": [40, 60], "counts": [5, 5]}), r"add up to 10"),
        (lambda c: c["annotations"][0].update(segmentation={"size": [4, 6], "counts": [24]}), r"for \(4, 6\) pixels"),
    ],
    ids=["size", "file", "no such image", "none", "not COCO", "no id", "box only", "points", "too short", "other size"],
)  # fmt: skip
def test_a_coco_file_that_does_not_fit_is_named(coco: Path, what: Callable[[dict[str, Any]], Any], said: str) -> None:
    change(coco, what)
    with pytest.raises(DatasetError, match=rf"cells\.json.*{said}"):
        read_dataset(coco, strict=True).examples[0].labels()


def test_a_coco_file_has_no_parts(coco: Path) -> None:
    with pytest.raises(DatasetError, match="it has no parts"):
        read_dataset(coco, "val")


def test_images_of_one_name_in_two_folders_keep_apart(coco: Path) -> None:
    for part in ("a", "b"):
        (coco.parent / part).mkdir()
        iio.imwrite(coco.parent / part / "x.png", image_of(nuclei()))
    change(coco, lambda c: [e.update(file_name=f"{part}/x.png") for e, part in zip(c["images"], "ab", strict=True)])
    assert [e.name for e in read_dataset(coco).examples] == ["a_x", "b_x"]


@pytest.mark.parametrize("kind", ["folder", "yolo", "coco"])
def test_an_example_goes_to_another_process(kind: str, request: pytest.FixtureRequest) -> None:
    """Training loads images in workers."""
    import pickle

    example: Example = read_dataset(request.getfixturevalue(kind)).examples[0]
    copy = pickle.loads(pickle.dumps(example))
    assert copy == example
    assert example.labels().any()
    np.testing.assert_array_equal(copy.labels(), example.labels())
