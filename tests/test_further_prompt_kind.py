"""A kind of prompt that the package does not have, in this one file: in Python, from a layer, in files, in a recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Shapes
from numpy.typing import NDArray
from typer.testing import CliRunner

import napari_fastsam as fs
from napari_fastsam.cli import app
from napari_fastsam.core.prompts.queries import KINDS, Query, register
from napari_fastsam.core.prompts.ranking import Pool, Ranking
from napari_fastsam.core.prompts.values import as_table
from napari_fastsam.core.recipe import Recipe, RecipeError, from_dict, to_dict
from napari_fastsam.io.formats.registry import read_labels
from napari_fastsam.layers.answers.request import Controls
from napari_fastsam.layers.answers.session import Session
from napari_fastsam.runs.work import segment_plane

CIRCLES = [[126.0, 94.0, 22.0], [147.0, 244.0, 20.0]]
"""Row, column and radius around two nuclei of the fluorescence sample."""


class CircleQuery(Query):
    """A circle around the object; `geometry` is row, column, radius."""

    kind = "circle"
    field = "circles"
    json_key = "circles_yxr"
    tells_size = True

    @classmethod
    def parse(cls, given: Any) -> NDArray[np.float64]:
        return as_table("circles", given, 3)

    @classmethod
    def from_vertices(cls, vertices: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
        centre = vertices.mean(axis=0)
        return np.array([*centre, np.hypot(*(vertices - centre).T).mean()])

    @classmethod
    def landmarks(cls, geometry: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([geometry[:2] - geometry[2], geometry[:2] + geometry[2]])

    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = self.landmarks(self.geometry)
        return low, high

    def shifted_geometry(self, offset: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([*(self.geometry[:2] + offset), self.geometry[2]])

    def rank(self, pool: Pool) -> Ranking:
        low, high = self.extent()
        fits = pool.box_iou(np.concatenate([low, high]) + 0.5)
        return pool.rank_by_overlap(fits, self.positive, self.negative, "the circle")


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    register(CircleQuery)
    yield
    del KINDS["circle"]


@pytest.fixture(scope="module")
def expected(fluorescence: np.ndarray) -> np.ndarray:
    """What boxes around the circles find: (Y, X) labels 1 and 2."""
    boxes = [[y - r + 0.5, x - r + 0.5, y + r + 0.5, x + r + 0.5] for y, x, r in CIRCLES]
    found = fs.segment(fs.load_model(device="cpu"), fluorescence, fs.Prompts(boxes=boxes))
    return fs.paint(found, fluorescence.shape)


def test_in_python(fluorescence: np.ndarray, expected: np.ndarray) -> None:
    prompts = fs.Prompts(
        circles=CIRCLES, points=[[126, 94]], point_labels=[0], point_objects=[5], circle_objects=[0, 5]
    )
    assert len(prompts) == 3
    first, second = prompts.queries
    assert (len(first.negative), second.negative.tolist()) == (0, [[126, 94]])
    found = fs.segment(fs.load_model(device="cpu"), fluorescence, fs.Prompts(circles=CIRCLES))
    assert [str(s.prompt) for s in found] == ["circle 1", "circle 2"]
    assert found[0].reason.startswith("overlaps the circle by 0.")
    np.testing.assert_array_equal(fs.paint(found, fluorescence.shape), expected)


def test_from_a_layer(fluorescence: np.ndarray) -> None:
    viewer = ViewerModel()
    image = viewer.add_layer(Image(fluorescence, contrast_limits=(0, 255)))
    drawn = [[[y - r, x - r], [y - r, x + r], [y + r, x + r], [y + r, x - r]] for y, x, r in CIRCLES]
    shapes = viewer.add_layer(Shapes(drawn, shape_type="ellipse", features={"prompt": ["circle"] * 2}))
    session = Session(viewer, 1 << 30)
    request = session.request(Controls(image, shapes=shapes))
    np.testing.assert_allclose(request.read.prompts.circles, CIRCLES, atol=1e-3)
    list(session.work(request))
    result = session.result(request)
    assert [found.prompt for found in result.objects] == ["circle 1", "circle 2"]
    assert session.answered_rows(result) == (set(), {0, 1})
    model = fs.load_model(device="cpu")
    expected = fs.segment(model, fluorescence, fs.Prompts(circles=CIRCLES), contrast_limits=(0, 255))
    np.testing.assert_array_equal(result.labels, fs.paint(expected, fluorescence.shape))

    shapes.features = {"prompt": ["circle", "spiral"]}
    (left_out,) = session.request(Controls(image, shapes=shapes)).read.left_out
    assert left_out.startswith("Ellipse 2 has the prompt 'spiral'; expected box, outline, scribble, mask, circle")


def test_in_a_file_and_on_the_command_line(tmp_path: Path, fluorescence: np.ndarray, expected: np.ndarray) -> None:
    iio.imwrite(tmp_path / "nuclei.png", fluorescence)
    (tmp_path / "prompts.json").write_text(json.dumps({"circles_yxr": CIRCLES}))
    arguments = ["segment", tmp_path / "nuclei.png", "-o", tmp_path, "--prompts", tmp_path / "prompts.json"]
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    read = read_labels(tmp_path / "nuclei_labels.tif")
    np.testing.assert_array_equal(read.label_image(), expected)
    assert read.provenance[0].prompts == {"circles_yxr": CIRCLES}


def test_in_a_recipe(fluorescence: np.ndarray, expected: np.ndarray) -> None:
    recipe = Recipe(prompts={"circles_yxr": CIRCLES})
    assert from_dict(json.loads(json.dumps(to_dict(recipe)))) == recipe
    found = segment_plane(recipe, fluorescence)
    np.testing.assert_array_equal(found.labels, expected)
    assert set(found.scores) == {1, 2}
    with pytest.raises(RecipeError, match="squares"):
        from_dict({**to_dict(recipe), "prompts": {"squares": []}})
