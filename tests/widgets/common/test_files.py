"""Names of files that are chosen in a dialog, which is faked here: the real one waits for a person."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_fastsam.widgets.common.files import file_to_save, table_to_save


@pytest.fixture
def choose(monkeypatch, tmp_path):
    def named(name: str) -> None:
        chosen = str(tmp_path / name) if name else ""
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (chosen, ""))

    return named


@pytest.mark.parametrize(
    ("name", "saved"), [("kinds", "kinds.json"), ("kinds.json", "kinds.json"), ("kinds.txt", "kinds.txt")]
)
def test_a_name_without_an_ending_gets_the_one_by_which_it_is_found_again(choose, tmp_path, name, saved):
    choose(name)
    assert file_to_save(None, "Save", "classifier.json", None) == tmp_path / saved


def test_a_folder_has_none(choose, tmp_path):
    choose("data")
    assert file_to_save(None, "Save", "plate.7_yolo", None, ending="") == tmp_path / "data"


def test_a_path_that_is_given_is_taken_as_it_is(tmp_path):
    assert file_to_save(None, "Save", "classifier.json", tmp_path / "kinds") == tmp_path / "kinds"


def test_nothing_chosen_is_nothing(choose):
    choose("")
    assert file_to_save(None, "Save", "classifier.json", None) is None
    assert table_to_save(None, "Save", "numbers.csv", None) is None


@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_a_file_that_the_dialog_did_not_ask_about_is_asked_about(choose, tmp_path, monkeypatch, answer):
    (tmp_path / "numbers.csv").write_text("of last week")
    asked = []
    monkeypatch.setattr(
        QMessageBox,
        "question",
        lambda *parts: asked.append(parts[-1]) or getattr(QMessageBox.StandardButton, answer),
    )
    choose("numbers")
    assert table_to_save(None, "Save", "comparison.csv", None) == (
        tmp_path / "numbers.csv" if answer == "Yes" else None
    )
    assert asked == ["numbers.csv is there already. Replace it?"]
