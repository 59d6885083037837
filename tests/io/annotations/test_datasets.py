"""Annotated images as people keep them: folders of images and label images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from annotated import SHAPE, image_of, nuclei
from napari_fastsam.errors import DatasetError, FastSAMError
from napari_fastsam.io.annotations.datasets import Example, read_dataset


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
    assert (list(data), len(data)) == (list(data.examples), 2)
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


@pytest.mark.parametrize("kind", ["folder", "yolo", "coco"])
def test_an_example_goes_to_another_process(kind: str, request: pytest.FixtureRequest) -> None:
    """Training loads images in workers."""
    import pickle

    example: Example = read_dataset(request.getfixturevalue(kind)).examples[0]
    copy = pickle.loads(pickle.dumps(example))
    assert copy == example
    assert example.labels().any()
    np.testing.assert_array_equal(copy.labels(), example.labels())
