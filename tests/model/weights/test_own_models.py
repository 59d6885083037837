"""The folder of the person's own models: what is in it, by which names, and what a new one may be called."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_fastsam.cli import app
from napari_fastsam.errors import ModelError, ParameterError
from napari_fastsam.model.network.segmenter import load_model
from napari_fastsam.model.weights import own_models, weights
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.card_files import write_whole, write_with_card
from napari_fastsam.model.weights.hashes import sha256_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of own models."""
    there = tmp_path / "models of mine"
    there.mkdir()
    monkeypatch.setenv(own_models.FOLDER_VARIABLE, str(there))
    return there


def put(folder: Path, name: str, **card: object) -> Path:
    """A file of a model, with a card if any of it is given."""
    file = folder / f"{name}.pt"
    file.write_bytes(b"not opened here")
    if card:
        file.with_suffix(".json").write_text(json.dumps({"name": name, "task": "segment", **card}), encoding="utf-8")
    return file


def test_without_the_variable_the_folder_is_the_systems_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(own_models.FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert own_models.folder().parts[-2:] == ("napari-fastsam", "models")
    assert own_models.own_models() == []


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(own_models.FOLDER_VARIABLE, "~/nets")
    assert own_models.folder() == Path(os.path.expanduser("~")) / "nets"


def test_models_come_in_the_order_of_the_alphabet_with_their_cards(folder: Path) -> None:
    put(folder, "yeast", licence="CC0-1.0", description="budding yeast")
    put(folder, "Algae")
    (folder / "notes.txt").write_text("x")
    (folder / "a folder.pt").mkdir()
    (folder / ".yeast.pt.part.pt").write_bytes(b"half")

    algae, yeast = own_models.own_models()
    assert (algae.name, algae.path, algae.problem) == ("Algae", folder / "Algae.pt", "")
    assert algae.card.origin == "unknown", "foreign files have no card and work without"
    assert (yeast.card.licence, yeast.card.description, yeast.card.origin) == ("CC0-1.0", "budding yeast", "file")


def test_a_card_of_a_later_version_is_read_and_a_damaged_one_is_said(folder: Path) -> None:
    put(folder, "later", colour_of_the_future="blue")
    put(folder, "damaged").with_suffix(".json").write_text("{", encoding="utf-8")

    damaged, later = own_models.own_models()
    assert later.problem == ""
    assert "damaged.json" in damaged.problem
    assert damaged.card.name == "damaged"


def test_exported_models_go_by_their_whole_name(folder: Path) -> None:
    put(folder, "yeast")
    (folder / "yeast.onnx").write_bytes(b"x" * 2_000_000)
    (folder / "yeast_openvino_model").mkdir()
    (folder / "yeast_openvino_model" / "yeast.bin").write_bytes(b"x" * 3_000_000)
    (folder / "a folder.onnx").mkdir()
    assert list(own_models.files()) == ["yeast.onnx", "yeast", "yeast_openvino_model"]
    assert weights.find("yeast.onnx") == folder / "yeast.onnx"
    assert weights.find("yeast_openvino_model") == folder / "yeast_openvino_model"
    assert own_models.size_of(folder / "yeast_openvino_model") == 3_000_000
    assert CliRunner().invoke(app, ["models", "list"]).output.count("yours") == 3
    with pytest.raises(ParameterError, match="'yeast-2'"):
        own_models.path_for("yeast")


def test_names_of_the_registry_stay_those_of_the_registry(folder: Path) -> None:
    put(folder, "nuclei")
    assert own_models.own_models() == []
    assert weights.find("nuclei").parent == weights.BUNDLED_FOLDER


@pytest.mark.parametrize("typed", ["Yeast v1.2", "yeast V1.2", "Yeast v1.2.pt", " Yeast v1.2 "])
def test_a_model_is_found_by_its_name(folder: Path, typed: str) -> None:
    file = put(folder, "Yeast v1.2")
    assert weights.find(typed) == file
    assert weights.is_available(typed)


def test_of_two_that_differ_in_case_the_exact_one_is_meant(folder: Path) -> None:
    files = {name: put(folder, name) for name in ("cells", "Cells")}
    if len(list(folder.iterdir())) < 2:
        pytest.skip("this file system does not tell them apart")
    assert {name: weights.find(name) for name in files} == files


def test_a_name_that_is_not_there_is_answered_with_those_that_are(folder: Path) -> None:
    put(folder, "yeast")
    with pytest.raises(ModelError, match=r"did you mean yeast\?.*nuclei, microscopy, FastSAM-s, FastSAM-x, yeast"):
        weights.find("yeats")


def test_a_folder_that_may_not_be_read_has_no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_text("x")
    monkeypatch.setenv(own_models.FOLDER_VARIABLE, str(file))
    assert own_models.files() == {}


def test_a_new_name_leads_to_a_file_in_the_folder(folder: Path) -> None:
    assert own_models.path_for(" my cells ") == folder / "my cells.pt"
    assert own_models.path_for("my cells.pt") == folder / "my cells.pt"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no name"),
        (" .pt", "no name"),
        ("x" * 81, "81 characters"),
        ("細胞" * 40, "240 bytes"),
        ("a/b", "cannot be the name of a file"),
        ("a\\b", "cannot be the name of a file"),
        ("..", "cannot be the name of a file"),
        ("-x", "cannot be the name of a file"),
        ("NUL", "cannot be the name of a file"),
        ("Nuclei", "'Nuclei-2'"),
        ("yeast", "'yeast-3'"),
    ],
)
def test_a_name_that_will_not_do_says_why_and_what_would(folder: Path, name: str, said: str) -> None:
    put(folder, "Yeast")
    put(folder, "yeast-2")
    with pytest.raises(ParameterError, match=said):
        own_models.path_for(name)


@pytest.mark.parametrize(
    "name",
    ["cells", "a/b: c?", "...", "", "x" * 200, "細胞" * 40, "😀" * 75, "nuclei", "taken", "taken-2", "COM1"],
    ids=range(11),
)
def test_a_free_name_is_one_that_is_taken_by_path_for(folder: Path, name: str) -> None:
    put(folder, "taken")
    put(folder, "taken-2")
    free = own_models.free_name(name)
    assert own_models.path_for(free).stem == free
    assert (free == name) == (name == "cells")


@pytest.mark.parametrize("name", ["x" * 80, "細胞" * 40, "😀" * 75], ids=range(3))
def test_a_model_of_the_longest_name_can_be_written_with_its_card(folder: Path, name: str) -> None:
    file = own_models.path_for(own_models.free_name(name))
    put(folder, file.stem)
    card_path = file.with_suffix(".json")
    card = Card(name=file.stem, description="of a long name", origin="file", sha256=sha256_of(file))
    write_with_card(file, card_path, card, lambda: write_whole(file, file.read_bytes()))
    assert own_models.own_models()[0].card == card


def test_the_command_line_lists_them_and_prints_their_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    file = put(folder, "yeast", description="budding [yeast]", licence="CC0-1.0")
    listed = CliRunner().invoke(app, ["models", "list"])
    (row,) = [line for line in listed.output.splitlines() if "CC0-1.0" in line]
    assert "yours" in row
    assert "budding [yeast]" in row
    assert CliRunner().invoke(app, ["models", "path", "yeast"]).output.strip().replace("\n", "") == str(file)


def test_a_model_that_was_put_there_runs_by_its_name(folder: Path) -> None:
    shutil.copy(weights.find("nuclei"), folder / "copied.pt")
    model = load_model("copied", "cpu")
    assert (model.name, model.path) == ("copied", folder / "copied.pt")
    assert model.card.origin == "unknown"


def test_a_network_that_corrects_objects_is_no_model_that_finds_them(folder: Path) -> None:
    put(folder, "yeast", licence="CC0-1.0")
    put(folder, "my corrections", task="correct")
    assert [model.name for model in own_models.own_models()] == ["yeast"]
    assert own_models.locate("my corrections") is None
