"""The files of a run say how they came about, as those of `segment` do."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.core.recipe import LinkingPart, OutputPart, Parameters, Recipe, TilingPart
from napari_fastsam.io.formats import registry
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.model.weights import weights
from napari_fastsam.runs import work
from napari_fastsam.runs.tasks import RunTask
from napari_fastsam.samples import nuclei_3d


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    pixels = np.asarray(nuclei_3d()[0][0])[10:13]
    tifffile.imwrite(tmp_path / "stack.tif", pixels, photometric="minisblack", metadata={"axes": "ZYX"})
    return tmp_path / "stack.tif"


@pytest.mark.parametrize("name", ["tiff", "zarr"])
def test_provenance_has_the_schema_of_segment(tmp_path: Path, fluorescence: np.ndarray, name: str) -> None:
    iio.imwrite(tmp_path / "a.png", fluorescence[:160, :160])
    result = CliRunner().invoke(app, ["segment", str(tmp_path / "a.png"), "-o", str(tmp_path / "segment")])
    assert result.exit_code == 0, result.output
    (of_segment,) = registry.read_labels(tmp_path / "segment" / "a_labels.tif").provenance
    recipe = Recipe(parameters=Parameters(conf=0.4), tiling=TilingPart(diameter=20), output=OutputPart(name))
    target = tmp_path / f"a{registry.FORMATS[name].ending}"
    said = work.do_image(recipe, Input(tmp_path / "a.png"), target)
    read = registry.read_labels(target)
    (of_run,) = read.provenance
    assert of_run.to_json().keys() == of_segment.to_json().keys()
    assert (of_run.conf, of_run.diameter, of_run.image, of_run.task) == (0.4, 20, "a.png", "everything")
    assert of_run.model_sha256 == of_segment.model_sha256 == weights.sha256_of(weights.find("nuclei"))
    assert len(read.objects) == said["objects"] > 3
    assert all(0.4 < found.score <= 1 for found in read.objects)


def test_planes_that_were_kept_in_parts_are_told_of_alike(tmp_path: Path, stack: Path) -> None:
    recipe, image = Recipe(output=OutputPart(also=("zarr",))), Input(stack)
    parts = tmp_path / "parts"
    parts.mkdir()
    for z in range(3):
        work.do_part(recipe, image, RunTask("plane", (z,)), parts)
    work.do_image(recipe, image, tmp_path / "a_labels.tif", parts)
    work.do_image(recipe, image, tmp_path / "b_labels.tif")
    first, second, third = (
        registry.read_labels(tmp_path / name) for name in ("a_labels.tif", "b_labels.tif", "a_labels.zarr")
    )
    assert [o.to_json() for o in first.objects] == [o.to_json() for o in second.objects]
    assert [o.to_json() for o in first.objects] == [o.to_json() for o in third.objects]
    assert {o.place for o in first.objects} == {(0,), (1,), (2,)}
    for z, plane in enumerate(first.label_image()):
        assert {o.number for o in first.objects if o.place == (z,)} == set(np.unique(plane)) - {0}


def test_linked_objects_are_told_once_for_all_planes(tmp_path: Path, stack: Path) -> None:
    recipe = Recipe(linking=LinkingPart())
    said = work.do_image(recipe, Input(stack), tmp_path / "a_labels.tif")
    read = registry.read_labels(tmp_path / "a_labels.tif")
    assert len(read.objects) == said["objects"] == read.label_image().max()
    assert {o.place for o in read.objects} == {(None,)}
    assert (read.provenance[0].stack_axis, read.provenance[0].linking["min_overlap"]) == (0, LinkingPart().min_overlap)


def test_prompts_of_a_recipe_are_told_with_the_reason(tmp_path: Path, fluorescence: np.ndarray) -> None:
    iio.imwrite(tmp_path / "a.png", fluorescence)
    recipe = Recipe(prompts={"points_yx": [[126, 94], [147, 244]]})
    work.do_image(recipe, Input(tmp_path / "a.png"), tmp_path / "a_labels.tif")
    read = registry.read_labels(tmp_path / "a_labels.tif")
    assert [(o.number, o.prompt) for o in read.objects] == [(1, "point 1"), (2, "point 2")]
    assert all(o.reason for o in read.objects)
    assert read.provenance[0].prompts == recipe.prompts
