"""Recipes as JSON files, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_fastsam.core import recipe as values
from napari_fastsam.core.recipe import OutputPart, Recipe, RecipeError, from_dict, to_dict
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.formats import registry
from napari_fastsam.io.formats.registry import Format
from napari_fastsam.io.json_files import read_json
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.model.weights import formats, own_models, weights
from napari_fastsam.model.weights.registry import Purpose
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


def load_recipe(path: str | Path, trust_paths: bool = False) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path
        The file.
    trust_paths
        Whether models that it names by path may lie anywhere. Otherwise they have to lie in the recipe's own folder or
        below it, or in the folders of downloaded and of own models: whoever wrote the recipe does not choose which
        other files of this computer are opened.

    Returns
    -------
    The recipe, in which models are named by name or by absolute path. Relative paths count from the recipe's folder.

    Raises
    ------
    RecipeError
        If the file is missing, damaged, or no recipe that this version knows; if it names an address, or a model
        somewhere else without `trust_paths`.
    """
    path = Path(path)
    content = read_json(path, "a recipe", RecipeError)
    try:
        recipe = from_dict(_by_names_of_recipes(content))
        formats_of(recipe.output)
        places = _Places(path.absolute().parent, trust_paths)
        model = replace(recipe.model, name=places.find(recipe.model.name, "segmentation"))
        search = recipe.search
        if search is not None:
            search = replace(search, text_encoder=places.find(search.text_encoder, "text"))
        return replace(recipe, model=model, search=search)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from error


def formats_of(output: OutputPart) -> list[Format]:
    """Return the formats in which a recipe has results written; the first keeps the labels.

    Raises
    ------
    RecipeError
        If one of that name is not known, or the first keeps no labels.
    """
    named = output.formats
    try:
        return [registry.label_writer(named[0]), *map(registry.writer, named[1:])]
    except ParameterError as error:
        raise RecipeError(f"the recipe's output cannot be written: {error}") from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of recipes, with the formats that there are."""
    schema = values.json_schema()
    output = schema["properties"]["output"]["properties"]
    formats = registry.writers()
    output["format"] = {"enum": [f.name for f in formats if f.keeps_labels]}
    output["also"]["items"] = {"enum": [f.name for f in formats]}
    parameters = schema["properties"]["parameters"]["properties"]
    several = parameters["channels"]
    parameters["channel"] = {"anyOf": [several["items"], several]}
    parameters["contrast"] = {"anyOf": [parameters["contrast"], parameters["contrast_limits"]]}
    return schema


def _by_names_of_recipes(content: Any) -> Any:
    """Return a recipe's content with what stands under the names of the command line's options under its own.

    Raises
    ------
    RecipeError
        If it stands under both.
    """
    parameters = content.get("parameters") if isinstance(content, Mapping) else None
    if not isinstance(parameters, Mapping):
        return content
    own = dict(parameters)
    if "channel" in own:
        channel = own.pop("channel")
        if own.get("channels"):
            raise RecipeError("the recipe has both channels and channel; leave one of them out")
        own["channels"] = channel if isinstance(channel, list) else [channel]
    if isinstance(own.get("contrast"), list):
        if own.get("contrast_limits") is not None:
            raise RecipeError("the recipe has both contrast_limits and contrast; leave one of them out")
        own["contrast_limits"] = own.pop("contrast")
    return {**content, "parameters": own}


@dataclass(frozen=True)
class _Places:
    """Where the models that a recipe names may lie."""

    folder: Path
    anywhere: bool

    def find(self, name: str, purpose: Purpose) -> str:
        """Return a model's name, or its absolute path if it is named by path."""
        if "://" in name or name.startswith(("//", "\\\\")):
            raise RecipeError(
                f"it names the model {name!r}, an address, and nothing is fetched for a recipe; get the file yourself "
                f"and put its path into the recipe"
            )
        path = Path(os.path.expanduser(name))
        beside = self.folder / path
        known = weights.known(name, purpose)
        if known is not None and not beside.exists():
            return known.name  # also where it looks like a path: ViT-B/32
        if path.name == name and not beside.exists():
            own = own_models.locate(name) if purpose == "segmentation" else None
            # a suffix would have the current folder searched for a file of that name
            return str(own or beside) if path.suffix else name
        if path.name == name and not path.suffix and not formats.format_of(path):
            return name
        return self._allowed(name, beside)

    def _allowed(self, name: str, path: Path) -> str:
        """Return a path if it leads, also through links, to where models may lie."""
        target = path.resolve()
        folders = (self.folder, own_models.folder(), weights.cache_folder())
        if not self.anywhere and not any(target.is_relative_to(folder.resolve()) for folder in folders):
            raise RecipeError(
                f"it names the model {name!r}, which is {target} and lies outside of the recipe's folder; if it is the "
                f"file that you want to be opened, run with --trust-paths (in Python trust_paths=True), or put it "
                f"beside the recipe and name it by its file name"
            )
        return str(target)
