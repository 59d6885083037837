"""Recipes as JSON files, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from napari_fastsam.core.recipe import Recipe, RecipeError, from_dict, to_dict
from napari_fastsam.io.json_files import read_json
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.version import __version__


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe; a file of that name is replaced once the new one is whole.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    content = {**to_dict(recipe), "written_by": __version__}
    write_whole(Path(path), lambda file: file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8"))


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    RecipeError
        If the file is missing, damaged, or no recipe that this version knows.
    """
    path = Path(path)
    content = read_json(path, "a recipe", RecipeError)
    try:
        return from_dict(content)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error
