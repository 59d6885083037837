"""Recipes as files: what a recipe that somebody else wrote may have opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from napari_fastsam.core.recipe import ModelPart, OutputPart, Recipe, RecipeError, SearchPart, to_dict
from napari_fastsam.io.recipes import json_schema, load_recipe, save_recipe
from napari_fastsam.model.weights import own_models, registry
from napari_fastsam.runs import work


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe's folder, with a model in it, beside and in the current folder; another one is the current folder."""
    for name in ("recipes", "recipes/below", "elsewhere", "own"):
        (tmp_path / name).mkdir()
        shutil.copyfile(registry.REGISTRY[0].path, tmp_path / name / "my.pt")
    shutil.copyfile(registry.REGISTRY[0].path, tmp_path / "elsewhere" / "other.pt")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv(own_models.FOLDER_VARIABLE, str(tmp_path / "own"))
    return tmp_path / "recipes"


def loaded(folder: Path, name: str, **options: bool) -> str:
    save_recipe(Recipe(ModelPart(name)), folder / "r.json")
    return load_recipe(folder / "r.json", **options).model.name


def test_names_stay_names(folder: Path) -> None:
    for name in ("nuclei", "FastSAM-s", "nothing of that name"):
        assert loaded(folder, name) == name


def test_a_path_counts_from_the_recipes_folder(folder: Path) -> None:
    assert loaded(folder, "my.pt") == str(folder / "my.pt")
    assert loaded(folder, "below/my.pt") == str(folder / "below" / "my.pt")
    assert loaded(folder, str(folder / "my.pt")) == str(folder / "my.pt")


def test_the_current_folder_is_not_searched(folder: Path) -> None:
    assert loaded(folder, "other.pt") == str(folder / "other.pt")
    (Path.cwd() / "nuclei.pt").write_bytes(b"somebody else's")
    assert loaded(folder, "nuclei.pt") == "nuclei"


def test_an_own_model_is_named_by_name_or_file(folder: Path) -> None:
    (folder / "my.pt").unlink()
    assert loaded(folder, "my") == "my"
    assert loaded(folder, "my.pt") == str(own_models.folder() / "my.pt")
    assert loaded(folder, str(own_models.folder() / "my.pt")) == str(own_models.folder() / "my.pt")


@pytest.mark.parametrize("name", ["../elsewhere/my.pt", "below/../../elsewhere/my.pt", "ABSOLUTE", "LINK"])
@pytest.mark.parametrize("part", ["model", "text encoder"])
def test_a_path_out_of_the_folder_is_followed_only_where_the_user_says_so(folder: Path, name: str, part: str) -> None:
    target = folder.parent / "elsewhere" / "my.pt"
    if name == "LINK":
        name = "link.pt"
        (folder / name).symlink_to(target)
    elif name == "ABSOLUTE":
        name = str(target)
    recipe = (
        Recipe(ModelPart(name)) if part == "model" else Recipe(search=SearchPart(texts=("a cell",), text_encoder=name))
    )
    save_recipe(recipe, folder / "r.json")
    with pytest.raises(RecipeError, match=r"r\.json: it names the model .* outside of .* --trust-paths") as caught:
        load_recipe(folder / "r.json")
    assert str(target) in str(caught.value)
    trusted = load_recipe(folder / "r.json", trust_paths=True)
    assert (trusted.search.text_encoder if trusted.search else trusted.model.name) == str(target)


@pytest.mark.parametrize(
    "name", ["https://a.b/c.pt", "file:///c.pt", "s3://a/b.onnx", "//server/share/a.pt", "\\\\s\\a.pt"]
)
@pytest.mark.parametrize("trust", [False, True])
def test_an_address_is_never_followed(folder: Path, name: str, trust: bool) -> None:
    with pytest.raises(RecipeError, match="an address, and nothing is fetched"):
        loaded(folder, name, trust_paths=trust)


def test_another_model_than_the_one_that_was_meant_is_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "load_model", lambda name: pytest.fail("it opens the file"))
    (folder / "hostile.pt").write_bytes(b"something that must not be opened")
    save_recipe(Recipe(ModelPart("hostile.pt", "0" * 64)), folder / "r.json")
    with pytest.raises(RecipeError, match="the recipe was made with another"):
        work.model_of(load_recipe(folder / "r.json").model)


def test_the_right_model_is_opened(folder: Path) -> None:
    save_recipe(Recipe(ModelPart("my.pt", registry.REGISTRY[0].sha256.upper())), folder / "r.json")
    assert work.model_of(load_recipe(folder / "r.json").model).path == folder / "my.pt"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[" * 1_000_000, "not JSON"),
        ('{"a":' * 1_000_000, "not JSON"),
        ("1" * 10_000, "not JSON"),
        (" " * 21_000_000, "more than 20,000,000 bytes"),
        (b"\xff\xfe", "not UTF-8"),
    ],
    ids=["lists", "objects", "number", "size", "bytes"],
)
def test_files_that_are_too_much_are_refused(tmp_path: Path, content: str | bytes, says: str) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RecipeError, match=says):
        load_recipe(path)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "r.json")
    with pytest.raises(RecipeError, match="not a regular file"):
        load_recipe(tmp_path / "r.json")


def test_saving_and_loading_gives_the_same(tmp_path: Path) -> None:
    recipe = Recipe(search=SearchPart(texts=("a cell",)))
    save_recipe(recipe, tmp_path / "r.json")
    assert load_recipe(tmp_path / "r.json") == recipe
    assert json.loads((tmp_path / "r.json").read_text())["model"]["name"] == "nuclei"


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (OutputPart(format="jpeg"), "'jpeg'; expected one of .*'tiff', 'zarr'"),
        (OutputPart(format="csv"), "'csv'; expected one of .*'tiff', 'zarr'"),
        (OutputPart(also=("napkin",)), "'napkin'; expected one of .*'tiff', 'zarr', 'csv', 'overlay', 'parquet'"),
    ],
)
def test_a_format_that_is_not_known_is_named(tmp_path: Path, output: OutputPart, says: str) -> None:
    save_recipe(Recipe(output=output), tmp_path / "r.json")
    with pytest.raises(RecipeError, match=says):
        load_recipe(tmp_path / "r.json")


def test_formats_are_written_once_each_and_recipes_without_further_ones_are_what_they_were() -> None:
    output = OutputPart("zarr", overlay=True, measurements="csv", also=("csv", "tiff"))
    assert output.formats == ("zarr", "csv", "overlay", "tiff")
    assert to_dict(Recipe())["output"] == {"format": "tiff", "overlay": False, "measurements": None}
    assert to_dict(Recipe(output=output))["output"]["also"] == ["csv", "tiff"]


def test_the_schema_of_the_documentation_is_that_of_the_program() -> None:
    page = Path(__file__).parents[2] / "docs" / "recipe.schema.json"
    assert json.loads(page.read_text()) == json.loads(json.dumps(json_schema()))
