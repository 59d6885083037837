"""How a model did, in files."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from napari_fastsam.core.judging.metrics import THRESHOLDS, Matching
from napari_fastsam.core.judging.scores import Evaluation, ImageScore
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.results.evaluations import as_json, write_json, write_plot, write_rows
from napari_fastsam.io.results.plots import check_picture
from napari_fastsam.io.results.results import OutputError


def row(name: str, group: str, hits: int, false: int, missed: int, iou: float = 0.8, **more: tuple) -> ImageScore:
    found = tuple(
        Matching(t, hits, false, missed, hits * iou) if t <= iou else Matching(t, 0, hits + false, hits + missed, 0.0)
        for t in THRESHOLDS
    )
    return ImageScore(name, group, found, 0.125, **more)


EVALUATION = Evaluation(
    "cells, mine",
    {"conf": 0.3, "iou": 0.5, "imgsz": None},
    (
        row("a", "tissue", 3, 1, 0, click_iou=(np.float64(0.5), 0.75, 1.0), box_iou=(1.0, 1.0, 0.25)),
        row("b, c", "", 0, 0, 0),
    ),
)


def test_json_holds_everything_and_null_for_what_is_not_known(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", EVALUATION, {"version": "1", "data": {"name": "cells"}})
    content = json.loads((tmp_path / "x.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert content == as_json(EVALUATION, {"version": "1", "data": {"name": "cells"}})
    assert (content["model"], content["version"], content["data"]) == ("cells, mine", "1", {"name": "cells"})
    assert content["settings"] == {"conf": 0.3, "iou": 0.5, "imgsz": None}
    assert content["thresholds"] == list(THRESHOLDS)
    everything = content["all"]
    assert (everything["images"], everything["objects"], everything["found"]) == (2, 3, 4)
    assert everything["pooled"]["ap50"] == everything["pooled"]["ap75"] == 0.75
    assert everything["pooled"]["curve"] == [0.75] * 7 + [0.0] * 3
    assert everything["pooled"]["ap"] == pytest.approx(0.525)
    assert everything["by_image"]["ap50"] == 0.75
    assert (everything["click_iou"], everything["box_iou"], everything["seconds"]) == (0.75, 0.75, 0.125)
    assert content["groups"].keys() == {"", "tissue"}
    assert content["groups"][""]["pooled"]["ap50"] is None
    assert content["groups"]["tissue"] == {**everything, "images": 1}
    first, second = content["images"]
    assert (first["name"], first["group"], first["matched"]) == ("a", "tissue", [3] * 7 + [0] * 3)
    assert (second["name"], second["objects"], second["ap50"], second["click_iou"]) == ("b, c", 0, None, None)


def test_csv_has_a_row_an_image(tmp_path: Path) -> None:
    write_rows(tmp_path / "x.csv", EVALUATION)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert list(first) == [
        "image", "group", "objects", "found",
        "ap50", "ap75", "ap", "f1", "matched_iou", "click_iou", "box_iou", "seconds",
    ]  # fmt: skip
    assert list(first.values()) == [
        "a", "tissue", "3", "4", "0.75", "0.75", "0.525", "0.857143", "0.8", "0.75", "0.75", "0.125",
    ]  # fmt: skip
    assert (second["image"], second["ap50"], second["click_iou"]) == ("b, c", "", "")


@pytest.mark.parametrize(("name", "begins"), [("x.png", b"\x89PNG"), ("x.SVG", b"<?xml"), ("x.pdf", b"%PDF")])
def test_the_plot_is_of_the_kind_that_its_name_says(tmp_path: Path, name: str, begins: bytes) -> None:
    write_plot(tmp_path / name, EVALUATION)
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_the_plot_shows_the_numbers_that_it_is_of(tmp_path: Path) -> None:
    better = Evaluation("cells, mine", {}, (row("a", "tissue", 4, 0, 0, iou=0.95), row("b", "dark", 1, 1, 1)))
    for name, evaluation in (("one.png", EVALUATION), ("two.png", better), ("again.png", EVALUATION)):
        write_plot(tmp_path / name, evaluation)
    one, two, again = (iio.imread(tmp_path / f"{n}.png") for n in ("one", "two", "again"))
    np.testing.assert_array_equal(one, again)
    assert (one != two).any()
    write_plot(tmp_path / "x.svg", better)
    text = (tmp_path / "x.svg").read_text("utf-8")
    for said in ("tissue (1 images): mean 1.000", "dark (1 images)", "all (2 images)", "IoU threshold", "cells, mine"):
        assert f"<!-- {said}" in text  # matplotlib writes text as glyphs, and what it says as a comment


@pytest.mark.parametrize("name", ["x.gif", "x", "x.png.txt"])
def test_another_kind_of_plot_is_refused(tmp_path: Path, name: str) -> None:
    for refused in (lambda: check_picture(tmp_path / name), lambda: write_plot(tmp_path / name, EVALUATION)):
        with pytest.raises(ParameterError, match=r"end its name in \.png, \.svg, \.pdf"):
            refused()
    assert not list(tmp_path.iterdir())


def test_plotting_opens_no_window_and_leaves_the_persons_matplotlib_alone(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    write_plot(tmp_path / "x.png", EVALUATION)
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("write", [write_json, write_rows, write_plot])
def test_a_file_that_cannot_be_written_is_named_and_what_was_there_stays(tmp_path: Path, write) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match=r"x\.png cannot be written"):
        write(tmp_path / "file" / "x.png", EVALUATION)
    assert (tmp_path / "file").read_text() == "not a folder"
