"""Recipes, cards, examples, annotations and kept arrays that reach for other files, hold programs or have no end."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hostile import making
from hostile.case import hostile

_DEEP = {"lists": "[" * 10**6, "objects": '{"a":' * 10**6}


def recipe(folder: Path, **parts: Any) -> Path:
    content = {"schema": "napari-fastsam recipe", "version": 1, **parts}
    (folder / "recipe.json").write_text(json.dumps(content))
    return folder / "recipe.json"


def _bait(folder: Path) -> Path:
    """A model that must not be opened."""
    return making.saved(folder, {"model": making.Call(os.system, making.SHELL)}).rename(folder / "bait.pt")


@hostile("recipe", refused="outside of the recipe's folder")
def _a_recipe_that_names_a_model_above_it(folder: Path) -> Path:
    _bait(folder)
    (folder / "in").mkdir()
    return recipe(folder / "in", model={"name": "../bait.pt"})


@hostile("recipe", refused="outside of the recipe's folder")
def _a_recipe_that_names_a_model_by_an_absolute_path(folder: Path) -> Path:
    (folder / "in").mkdir()
    return recipe(folder / "in", model={"name": str(_bait(folder))})


@hostile("recipe", refused="outside of the recipe's folder")
def _a_recipe_that_names_a_model_through_a_link(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "model.pt").symlink_to(_bait(folder))
    return recipe(folder / "in", model={"name": "model.pt"})


@hostile("recipe", refused="outside of the recipe's folder")
def _a_recipe_that_names_a_text_encoder_elsewhere(folder: Path) -> Path:
    (folder / "in").mkdir()
    return recipe(folder / "in", search={"texts": ["a"], "text_encoder": str(_bait(folder))})


@hostile("recipe", refused="an address")
def _a_recipe_that_names_a_model_by_address(folder: Path) -> Path:
    return recipe(folder, model={"name": "http://127.0.0.1:9/model.pt"})


@hostile("recipe", refused="an address")
def _a_recipe_that_names_a_text_encoder_on_another_machine(folder: Path) -> Path:
    return recipe(folder, search={"texts": ["a"], "text_encoder": "\\\\127.0.0.1\\share\\clip.pt"})


@hostile("recipe", refused="the recipe was made with another")
def _a_recipe_beside_another_model_than_it_means(folder: Path) -> Path:
    _bait(folder).rename(folder / "model.pt")
    return recipe(folder, model={"name": "model.pt", "sha256": "0" * 64})


@hostile("recipe", refused="not loaded|refused")
def _a_recipe_beside_a_hostile_model(folder: Path) -> Path:
    path = _bait(folder).rename(folder / "model.pt")
    return recipe(folder, model={"name": "model.pt", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})


@hostile("recipe", "examples", "dataset", refused="JSON")
def _lists_in_json_without_end(folder: Path) -> Path:
    (folder / "x.json").write_text(_DEEP["lists"])
    return folder / "x.json"


@hostile("recipe", "examples", "dataset", refused="JSON")
def _objects_in_json_without_end(folder: Path) -> Path:
    (folder / "x.json").write_text(_DEEP["objects"])
    return folder / "x.json"


@hostile("recipe", "examples", refused="more than 20,000,000 bytes")
def _json_of_a_hundred_megabytes(folder: Path) -> Path:
    (folder / "x.json").write_text(f"[{'[],' * 33_000_000}0]")
    return folder / "x.json"


@hostile("recipe", "examples", refused="not a regular file")
def _a_pipe_by_the_name_of_json(folder: Path) -> Path:
    os.mkfifo(folder / "x.json")
    return folder / "x.json"


@hostile("dataset", refused="cannot be read as YAML")
def _annotations_in_yaml_with_a_call(folder: Path) -> Path:
    (folder / "data.yaml").write_text("train: !!python/object/apply:os.system ['touch ran']\n")
    return folder / "data.yaml"


@hostile("dataset", refused="cannot be read as YAML")
def _annotations_in_yaml_that_multiply(folder: Path) -> Path:
    lines = ["a0: &a0 {x: 1}"] + [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 20)}]}}" for i in range(1, 12)]
    (folder / "data.yaml").write_text("\n".join(lines))
    return folder / "data.yaml"


def _carded(folder: Path, card: str) -> Path:
    path = making.innocent(folder)
    path.with_suffix(".json").write_text(card)
    return path


@hostile("model", "card", refused="is not the card of")
def _a_card_of_another_file(folder: Path) -> Path:
    return _carded(folder, json.dumps({"name": "good", "task": "segment", "sha256": "0" * 64}))


@hostile("model", "card", refused="model card cannot be read")
def _a_card_without_end(folder: Path) -> Path:
    return _carded(folder, _DEEP["lists"])


@hostile("model", "card", refused="model card")
def _a_card_of_numbers_without_end(folder: Path) -> Path:
    return _carded(folder, '{"name": "x", "task": "segment", "conf": 1e999, "imgsz": ' + "9" * 100_000 + "}")


def _arrays(path: Path, **arrays: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return path


def _header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    header = {"descr": "<i8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


@hostile("part")
def _arrays_that_are_pickles(folder: Path) -> Path:
    buffer = io.BytesIO()
    objects = np.empty(1, object)
    objects[0] = making.Call(os.system, making.SHELL)
    np.save(buffer, objects, allow_pickle=True)
    return _arrays(folder / "plane.npz", labels=buffer.getvalue(), numbers=buffer.getvalue(), scores=buffer.getvalue())


@hostile("part")
def _an_array_file_that_is_a_pickle(folder: Path) -> Path:
    (folder / "plane.npz").write_bytes(pickle.dumps(making.Call(os.system, making.SHELL)))
    return folder / "plane.npz"


@hostile("part")
def _arrays_that_claim_terabytes(folder: Path) -> Path:
    return _arrays(folder / "plane.npz", labels=_header((10**6, 10**6)), numbers=b"", scores=b"")
