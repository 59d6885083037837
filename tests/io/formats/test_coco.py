"""COCO JSON with run lengths, and what a dataset of it makes of the same file."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.io.formats.registry import read_labels, writer

LABELS = np.zeros((6, 9), np.int32)
LABELS[1:5, 1:6], LABELS[2:4, 2:4], LABELS[0, 8], LABELS[:, 7] = 4, 0, 4, 2


def test_keys_are_those_of_coco_and_a_dataset_reads_it(tmp_path: Path) -> None:
    objects = [ResultObject(2, 0.5), ResultObject(4, 0.75, "a cell")]
    result = SegmentationResult(ArrayLabels(LABELS), objects, image="a.png")
    writer("coco").write(result, tmp_path / "a_coco.json")
    content = json.loads((tmp_path / "a_coco.json").read_text())
    assert content["images"] == [{"id": 1, "file_name": "a.png", "width": 9, "height": 6}]
    assert [entry["name"] for entry in content["categories"]] == ["a cell", "object"]
    first, second = content["annotations"]
    assert (first["area"], first["bbox"], first["iscrowd"], first["score"]) == (6, [7, 0, 1, 6], 0, 0.5)
    assert (second["area"], second["bbox"], second["label"]) == (17, [1, 0, 8, 5], 4)
    iio.imwrite(tmp_path / "a.png", np.zeros((6, 9), np.uint8))
    (example,) = read_dataset(tmp_path / "a_coco.json").examples
    np.testing.assert_array_equal(example.labels(), np.select([LABELS == 2, LABELS == 4], [1, 2]))


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", {"images": [], "annotations": [], "categories": []},
        {"images": [{"height": 2, "width": 2}], "categories": [{"id": 1, "name": "a"}], "annotations": [
            {"category_id": 1, "segmentation": {"counts": [1, 2]}}]},
        {"images": [{"height": 2, "width": 2}], "categories": [{"id": 1, "name": "a"}], "annotations": [
            {"category_id": 1, "segmentation": [[0, 0, 1, 1]]}]},
    ],
)  # fmt: skip
def test_what_is_none_is_refused_by_name(tmp_path: Path, content: object) -> None:
    path = tmp_path / "a_coco.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(DatasetError, match=r"a_coco\.json"):
        read_labels(path)


def test_a_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="choose tiff or zarr"):
        writer("coco").write(SegmentationResult(ArrayLabels(np.zeros((2, 3, 4), int))), tmp_path / "a_coco.json")
