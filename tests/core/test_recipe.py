"""Recipes as values and as files."""

import json

import pytest

from napari_fastsam.core.recipe import (
    LinkingPart,
    ModelPart,
    OutputPart,
    Parameters,
    Recipe,
    RecipeError,
    SearchPart,
    TilingPart,
    from_dict,
    json_schema,
    to_dict,
)

FULL = Recipe(
    ModelPart("nuclei", "ab" * 32),
    Parameters(640, 0.4, 0.5, 10, None, (0, 80.5)),
    None,
    TilingPart(diameter=20, first=(3, 4)),
    LinkingPart(0, 1, 0.4, True),
    OutputPart("zarr", True, "parquet"),
)
WORDS = Recipe(search=SearchPart(texts=("a cell",), classes=True))


@pytest.mark.parametrize("recipe", [Recipe(), FULL, WORDS, Recipe(parameters=Parameters(channels=(0, 2)))])
def test_what_was_saved_comes_back(recipe):
    assert from_dict(json.loads(json.dumps(to_dict(recipe)))) == recipe


def test_the_hash_says_what_results_depend_on():
    assert Recipe().hash == Recipe().hash
    assert len({r.hash for r in (Recipe(), FULL, WORDS, Recipe(parameters=Parameters(conf=0.3)))}) == 4
    assert Recipe().hash != Recipe(parameters=Parameters(channels=(0, 2))).hash
    assert "channels" not in to_dict(Recipe())["parameters"], "older recipes keep their hash"


def changed(**parts):
    return {**to_dict(Recipe()), **parts}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "no recipe"),
        ({}, "no recipe"),
        (changed(version=2), "version 2"),
        (changed(colour="red"), "key 'colour'"),
        (changed(model={"name": 3}), r"model.name is 3; expected text"),
        (changed(model=[]), "expected an object"),
        (changed(parameters={"channels": [0, 0]}), "channels is 0, 0; expected each once"),
        (changed(parameters={"channels": [0, 1], "contrast_limits": [0, 9]}), "each of which has limits of its own"),
        (changed(parameters={"conf": "high"}), r"parameters.conf is 'high'; expected a finite number"),
        (changed(parameters={"conf": 10**400}), "too large|expected a finite number"),
        (changed(parameters={"conf": float("nan")}), "expected a finite number"),
        (changed(parameters={"conf": True}), "expected a finite number"),
        (changed(parameters={"imgsz": 12.5}), "expected a whole number"),
        (changed(parameters={"conf": 2}), "conf is 2.0; expected a number from 0 to 1"),
        (changed(parameters={"min_area": 9, "max_area": 3}), "min_area 9 is above max_area 3"),
        (changed(parameters={"imgsz": 7}), "imgsz is 7; expected a whole number of pixels"),
        (changed(parameters={"contrast_limits": [1]}), "expected a list of 2"),
        (changed(output={"format": 3}), "output.format is 3; expected text"),
        (changed(output={"also": "csv"}), "output.also is 'csv'; expected a list"),
        (changed(linking={"min_overlap": 7}), "min_overlap is 7"),
        (changed(tiling={"diameter": -1}), "diameter is -1"),
        (changed(search={}), "neither texts nor exemplars"),
        (changed(search={"texts": ["a"]}, linking={}), "both search and linking"),
        (changed(search={"texts": "a"}), "expected a list"),
    ],
)
def test_what_is_wrong_is_named(content, says):
    with pytest.raises(RecipeError, match=says):
        from_dict(content)


def test_the_schema_describes_recipes():
    jsonschema = pytest.importorskip("jsonschema")
    for recipe in (Recipe(), FULL, WORDS):
        jsonschema.validate(to_dict(recipe), json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(model={"name": 3}), json_schema())
