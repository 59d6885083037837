"""Labels of another program beside images: on the command line and in recipes."""

from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.core.recipe import LinkingPart, Recipe, RecipeError
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.runs.proposals import read_proposals

NOTHING = (40, 300)
"""Where the network finds nothing, and the other program something."""


@pytest.fixture
def place(tmp_path, fluorescence):
    theirs = np.zeros((256, 320), np.uint16)
    theirs[30:50, 290:310] = 9
    for folder in ("images", "cellpose", "out"):
        (tmp_path / folder).mkdir()
    iio.imwrite(tmp_path / "images" / "field.png", fluorescence[:256, :320])
    iio.imwrite(tmp_path / "cellpose" / "field_cp_masks.png", theirs)
    return tmp_path


def test_a_click_on_the_command_line_chooses_among_them(place):
    click = ["--points", f"[[{NOTHING[1]}, {NOTHING[0]}]]", "--no-refine", "--device", "cpu", "-o", str(place / "out")]
    for given in ("cellpose", "cellpose/field_cp_masks.png"):
        image = str(place / "images" / "field.png")
        done = CliRunner().invoke(app, ["segment", image, *click, "--proposals", str(place / given)])
        assert done.exit_code == 0, done.output
        found = tifffile.imread(place / "out" / "field_labels.tif")
        assert np.count_nonzero(found) == 400
        assert found[NOTHING] == 1


def test_a_recipe_names_their_folder(place):
    save_recipe(Recipe(proposals=str(place / "cellpose")), place / "recipe.json")
    arguments = ["run", str(place / "recipe.json"), str(place / "images"), "-o", str(place / "out")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    (labels,) = (place / "out").glob("*_labels.tif")
    found = tifffile.imread(labels)
    assert found[NOTHING] > 0
    assert np.count_nonzero(found == found[NOTHING]) == 400
    assert len(np.unique(found)) > 20


def test_what_is_missing_twice_or_of_another_image_is_named(place):
    image, folder = place / "images" / "field.png", place / "cellpose"
    with pytest.raises(ParameterError, match=r"other\.png"):
        read_proposals(folder, place / "images" / "other.png", (256, 320))
    with pytest.raises(ParameterError, match=r"256, 321"):
        read_proposals(folder, image, (256, 321))
    iio.imwrite(folder / "field.png", np.ones((256, 320), np.uint8))
    with pytest.raises(ParameterError, match="one file of labels"):
        read_proposals(folder, image, (256, 320))
    with pytest.raises(RecipeError, match="linking"):
        Recipe(proposals="a", linking=LinkingPart())


def test_of_a_stack_the_plane_that_is_segmented_has_them(place, fluorescence):
    stack, theirs = (np.zeros((5, 256, 320), np.uint8) for _ in range(2))
    stack[2], theirs[2, 30:50, 290:310] = fluorescence[:256, :320], 9
    tifffile.imwrite(place / "stack.tif", stack)
    tifffile.imwrite(place / "stack_cp_masks.tif", theirs)
    options = ["--plane", "2", "--proposals", str(place / "stack_cp_masks.tif"), "-o", str(place / "out")]
    done = CliRunner().invoke(app, ["segment", str(place / "stack.tif"), *options])
    assert done.exit_code == 0, done.output
    assert tifffile.imread(place / "out" / "stack_labels.tif")[NOTHING] > 0


@pytest.mark.parametrize(
    ("image", "labels", "others"),
    [
        ("field.png", "field_cp_masks.png", ["field_2_cp_masks.png"]),
        ("field.png", "field.ome.tif", []),
        ("field.ome.tif", "field_labels.tif", []),
        ("field.ome.tif", "field.ome_cp_masks.tif", []),
    ],
)
def test_they_are_found_by_the_name_of_the_image(tmp_path, image, labels, others):
    images, folder = tmp_path / "images", tmp_path / "theirs"
    for one in (images, folder):
        one.mkdir()
    for name in (image, "field_2.png"):
        (images / name).touch()
    for name, number in ((labels, 1), *((other, 2) for other in others)):
        iio.imwrite(folder / name, np.full((20, 30), number, np.uint8))
    assert read_proposals(folder, images / image, (20, 30)).name == labels
