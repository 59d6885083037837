"""Annotated images with YOLO's outlines in text files."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from annotated import SHAPE, contours, nuclei
from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.io.formats.outlines import fill, fill_edges

# YOLO


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
