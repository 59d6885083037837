"""Annotated images described by a COCO file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from annotated import SHAPE, image_of, nuclei, run_lengths
from napari_fastsam.core.objects.run_lengths import decompressed
from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.datasets import read_dataset

# COCO


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
