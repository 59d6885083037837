"""A run gives its objects the classes of a classifier, in its tables."""

from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest

import napari_fastsam as fs
from napari_fastsam.core.recipe import LinkingPart, OutputPart, Recipe, RecipeError, from_dict, to_dict
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.classifiers import classifier_content
from napari_fastsam.io.images.finding import find_inputs
from napari_fastsam.runs.work import do_image


@pytest.fixture(scope="module")
def picture(fluorescence):
    return fluorescence[:256, :320]


@pytest.fixture(scope="module")
def classifier(picture):
    model = fs.load_model("nuclei", "cpu")
    labels = np.asarray(model.segment(picture).to_labels())
    objects = fs.describe_labels(model, picture, labels)
    areas = np.bincount(labels.ravel())
    order = sorted(objects.numbers.tolist(), key=lambda number: areas[number])
    return fs.learn_classes(objects, dict.fromkeys(order[:3], "small") | dict.fromkeys(order[-3:], "large"))


def test_a_recipe_with_a_classifier_writes_classes(picture, classifier, tmp_path):
    iio.imwrite(tmp_path / "cells.png", picture)
    recipe = Recipe(output=OutputPart(measurements="csv"), classifier=classifier_content(classifier))
    again = from_dict(to_dict(recipe))
    (image,) = find_inputs([str(tmp_path / "cells.png")])
    done = do_image(again, image, tmp_path / "cells_labels.tif")
    (table,) = (pd.read_csv(tmp_path / name) for name in done["results"] if name.endswith(".csv"))

    assert set(table["class"]) == {"small", "large"}
    assert table.groupby("class")["area"].median()["large"] > table.groupby("class")["area"].median()["small"]
    assert again.hash == recipe.hash != replace(recipe, classifier=None).hash


def test_recipes_without_one_are_as_they_were():
    assert "classifier" not in to_dict(Recipe())


def test_what_cannot_be_asked_together_is_refused(classifier):
    with pytest.raises(RecipeError, match="linking"):
        Recipe(classifier=classifier_content(classifier), linking=LinkingPart())
    with pytest.raises(RecipeError, match="no classifier"):
        from_dict({**to_dict(Recipe()), "classifier": {"schema": "other"}})


def test_labels_of_another_shape_are_refused(picture):
    with pytest.raises(fs.FastSAMError, match="shape"):
        fs.describe_labels(fs.load_model("nuclei", "cpu"), picture, np.zeros((3, 3), int))
    with pytest.raises(ParameterError, match="two classes"):
        fs.learn_classes(fs.describe_labels(fs.load_model("nuclei", "cpu"), picture, np.zeros((256, 320), int)), {})


def test_labels_that_64_bits_with_a_sign_do_not_hold_are_refused(picture):
    labels = np.zeros(picture.shape, np.uint64)
    labels[100:130, 60:110] = 2**63
    with pytest.raises(ParameterError, match=r"9223372036854775808 is above .* number the objects anew"):
        fs.describe_labels(fs.load_model("nuclei", "cpu"), picture, labels)


def test_objects_of_a_plane_in_tiles_are_described_as_in_one_pass(picture, monkeypatch):
    from napari_fastsam.core.planes.tiling import Tiling
    from napari_fastsam.model.asking import describing

    model = fs.load_model("nuclei", "cpu")
    slide = np.tile(picture, (2, 3))
    labels = np.zeros(slide.shape, np.int32)
    labels[:, 5:900] = 3  # larger than any fine tile
    labels[100:130, 60:110], labels[300:330, 500:540] = 1, 2
    monkeypatch.setattr(describing, "is_large", lambda shape, imgsz=None: True)
    found = fs.describe_labels(model, slide, labels, tiling=Tiling(scale=1.0, size=320, halo=48))

    assert found.numbers.tolist() == [1, 2, 3]
    assert np.isfinite(found.vectors).all()
    assert len(np.unique(found.vectors[:, 0])) == 3
