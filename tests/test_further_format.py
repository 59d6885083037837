"""A format that the package does not have, in this one file: on the command line, in recipes, in the dock, to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

import napari_fastsam as fs
from napari_fastsam.cli import app
from napari_fastsam.core.recipe import OutputPart, Recipe
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.io.formats import registry
from napari_fastsam.io.formats.registry import FORMATS, Format, register
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.recipes import json_schema, load_recipe, save_recipe
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.runs.outputs import targets_of
from napari_fastsam.runs.work import do_image
from napari_fastsam.widgets import FastSAMWidget


class ListedPixels(Format):
    """The pixels of each object as a list of rows and columns."""

    name = "pixels"
    ending = "_pixels.txt"
    suffixes = (".txt",)
    description = "a line an object: its score, then all its pixels"
    holds = frozenset(("labels", "scores"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        lines = [json.dumps(list(result.shape))]
        for _, found, mask in result.masks():
            pixels = np.argwhere(mask.full(result.shape[-2:]))
            lines.append(json.dumps([found.number, found.score, pixels.tolist()]))
        write_whole(path, lambda file: file.write_text("\n".join(lines)))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        try:
            shape, *rows = map(json.loads, path.read_text().splitlines())
        except ValueError as error:
            raise DatasetError(f"{path} is no list of pixels: {error}") from error
        labels = np.zeros(shape, np.int32)
        for number, _, pixels in rows:
            labels[tuple(np.array(pixels).T)] = number
        return SegmentationResult(ArrayLabels(labels), [ResultObject(n, score) for n, score, _ in rows])


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    register(ListedPixels)
    yield
    del FORMATS["pixels"]


@pytest.fixture
def picture(tmp_path: Path, fluorescence: np.ndarray) -> Path:
    iio.imwrite(tmp_path / "nuclei.png", fluorescence[:200, :200])
    return tmp_path / "nuclei.png"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def test_on_the_command_line(tmp_path: Path, picture: Path) -> None:
    assert "a line an object" in run("formats")
    said = run("segment", picture, "-o", tmp_path / "out", "--format", "pixels", "--format", "tiff", "--overlay")
    assert f"{tmp_path / 'out' / 'nuclei_pixels.txt'}" in said
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "nuclei_labels.tif", "nuclei_overlay.png", "nuclei_pixels.txt",
    ]  # fmt: skip
    read = FORMATS["pixels"].read(tmp_path / "out" / "nuclei_pixels.txt")
    np.testing.assert_array_equal(read.label_image(), tifffile.imread(tmp_path / "out" / "nuclei_labels.tif"))
    assert {found.score for found in read.objects} == {
        found.score for found in FORMATS["tiff"].read(tmp_path / "out" / "nuclei_labels.tif").objects
    }


def test_a_name_that_is_not_known_is_told_with_those_that_are(tmp_path: Path, picture: Path) -> None:
    result = CliRunner().invoke(app, ["segment", str(picture), "-o", str(tmp_path / "out"), "--format", "pixel"])
    assert result.exit_code == 2
    assert "the format is 'pixel'; expected one of 'cellpose', 'cellpose-masks', 'coco', " in result.stderr
    assert "'imagej', 'pixels', 'png', 'tiff', 'zarr', " in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("labels", ["pixels", "zarr"])
def test_in_a_recipe(tmp_path: Path, picture: Path, labels: str) -> None:
    output = OutputPart(labels, measurements="csv", also=("pixels", "tiff"))
    save_recipe(Recipe(output=output), tmp_path / "r.json")
    recipe = load_recipe(tmp_path / "r.json")
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(json.loads((tmp_path / "r.json").read_text()), json_schema())
    image = Input(picture)
    (target,) = targets_of([image], recipe, tmp_path)
    said = do_image(recipe, image, target)
    assert set(said["results"]) == {
        f"nuclei{FORMATS[name].ending}" for name in (labels, "csv", "pixels", "tiff")
    }  # fmt: skip
    expected = fs.load_model("nuclei").segment(iio.imread(picture)).to_labels()
    for name in {labels, "pixels", "tiff"}:
        read = FORMATS[name].read(tmp_path / f"nuclei{FORMATS[name].ending}")
        np.testing.assert_array_equal(read.label_image(), expected)
        assert len(read.objects) == said["objects"] == expected.max()
    assert (tmp_path / "nuclei_measurements.csv").read_text().count("\n") == expected.max() + 1


def test_where_labels_are_taken_from_files(tmp_path: Path, fluorescence: np.ndarray) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    plane = fluorescence[:120, :150]
    iio.imwrite(tmp_path / "images" / "a.png", plane)
    labels = fs.load_model("nuclei").segment(plane).to_labels()
    FORMATS["pixels"].write(SegmentationResult(ArrayLabels(labels)), tmp_path / "labels" / "a.txt")
    (example,) = read_dataset(tmp_path).examples
    np.testing.assert_array_equal(example.labels(), labels)


def test_in_the_dock(tmp_path: Path, picture: Path, make_napari_viewer_proxy: Callable[..., Any]) -> None:
    viewer = make_napari_viewer_proxy()
    viewer.add_image(iio.imread(picture), name="a / nuclei")
    labels = np.zeros((200, 200), np.int32)
    labels[20:40, 30:50], labels[25:30, 35:40], labels[100, 100] = 3, 0, 7
    viewer.add_labels(labels, features={"index": [3, 7], "score": [0.5, 0.75]})
    dock = FastSAMWidget(viewer)
    try:
        assert {f.name for f in registry.writers()} == set(dock.written.format.choices)
        shown = dock.written.format.native
        assert "a line an object: its score, then all its pixels" in [shown.itemText(i) for i in range(shown.count())]
        dock.labels.value = viewer.layers[-1]
        dock.written.format.value = "pixels"
        assert dock.export(tmp_path / "a.txt") == tmp_path / "a.txt"
        assert "a.txt" in dock.message
        recipe = load_recipe(dock_recipe(dock, tmp_path / "r.json"))
    finally:
        dock.close()
    read = FORMATS["pixels"].read(tmp_path / "a.txt")
    np.testing.assert_array_equal(read.label_image(), labels)
    assert {o.number: o.score for o in read.objects} == {3: 0.5, 7: 0.75}
    assert recipe.output == OutputPart("pixels")


def dock_recipe(dock: FastSAMWidget, path: Path) -> Path:
    dock.task.value = "everything"
    saved = dock.save_recipe(path)
    assert saved is not None
    return saved
