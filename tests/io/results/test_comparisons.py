"""The numbers of a comparison as CSV."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from napari_fastsam.core.judging.comparison import compare
from napari_fastsam.io.results.comparisons import objects_beside, write_numbers, write_objects
from napari_fastsam.io.results.results import OutputError


@pytest.fixture
def comparison():
    truth, found = np.zeros((10, 12), int), np.zeros((10, 12), int)
    truth[2:6, 2:6], truth[8:10, 8:10] = 4, 9
    found[2:6, 2:5] = 1
    return compare(found, truth)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_a_threshold(comparison, tmp_path) -> None:
    write_numbers(tmp_path / "n.csv", [comparison.matching(t) for t in (0.5, 0.8)])
    first, second = rows_of(tmp_path / "n.csv")
    assert first == {
        "iou": "0.5",
        "hits": "1",
        "missed": "1",
        "false": "0",
        "ap": "0.5",
        "f1": "0.666667",
        "mean_matched_iou": "0.75",
    }
    assert (second["hits"], second["ap"], second["mean_matched_iou"]) == ("0", "0", "")


def test_a_row_an_object(comparison, tmp_path) -> None:
    write_objects(tmp_path / "o.csv", comparison.found(0.5), ("hit", "missed", "false"), ("y", "x"))
    hit, missed = rows_of(tmp_path / "o.csv")
    assert (hit["kind"], hit["true_label"], hit["predicted_label"], hit["iou"]) == ("hit", "4", "1", "0.75")
    assert (missed["kind"], missed["true_label"], missed["predicted_label"], missed["iou"]) == ("missed", "9", "0", "0")
    assert [missed[n] for n in ("area", "centroid_y", "centroid_x", "first_y", "stop_x")] == [
        "4", "8.5", "8.5", "8", "10",
    ]  # fmt: skip


def test_the_two_files_stand_beside_each_other() -> None:
    assert objects_beside(Path("a/b.c.csv")) == Path("a/b.c_objects.csv")


def test_a_folder_that_is_not_there_is_named(comparison, tmp_path) -> None:
    with pytest.raises(OutputError, match=r"nowhere.*cannot be written"):
        write_numbers(tmp_path / "nowhere" / "n.csv", [comparison.matching(0.5)])
