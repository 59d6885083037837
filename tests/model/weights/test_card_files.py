"""A card belongs to one file, whatever happens while the two are replaced."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import napari_fastsam as fs
from napari_fastsam.errors import ModelError
from napari_fastsam.model.export.export import export_model
from napari_fastsam.model.weights import own_models
from napari_fastsam.model.weights.card import Card, card_text, read_card
from napari_fastsam.model.weights.card_files import card_beside, card_paths, settle, write_with_card
from napari_fastsam.model.weights.weights import card_for, find

OLD, NEW = b"old weights", b"new weights"


def card_of(content: bytes) -> Card:
    return Card(content.decode().split()[0], sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with its card."""
    path = tmp_path / "my.pt"
    path.write_bytes(OLD)
    path.with_suffix(".json").write_text(card_text(card_of(OLD)))
    return path


class TestACardOfAnotherFile:
    @pytest.fixture
    def swapped(self, tmp_path: Path) -> Path:
        """The bundled model beside a card that names the SHA-256 of another file."""
        path = tmp_path / "swapped.pt"
        shutil.copyfile(find("nuclei"), path)
        path.with_suffix(".json").write_text(card_text(card_of(OLD)))
        return path

    def test_is_refused_with_what_to_do(self, swapped: Path) -> None:
        with pytest.raises(ModelError, match=r"is not the card of swapped\.pt: .* move its old card away") as caught:
            card_for(swapped)
        assert card_of(OLD).sha256[:12] in str(caught.value)

    def test_is_not_loaded_exported_or_trained_from(self, swapped: Path, tmp_path: Path) -> None:
        for opened in (lambda: fs.load_model(swapped, "cpu"), lambda: export_model(swapped, "onnx", tmp_path)):
            with pytest.raises(ModelError, match="is not the card of"):
                opened()
        swapped.with_suffix(".json").unlink()
        assert fs.load_model(swapped, "cpu").card.origin == "unknown"

    def test_is_a_problem_in_the_list(self, swapped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(own_models.FOLDER_VARIABLE, str(swapped.parent))
        (listed,) = own_models.own_models()
        assert listed.name == "swapped"
        assert "is not the card of" in listed.problem

    def test_says_nothing_where_it_names_none(self, model: Path) -> None:
        model.with_suffix(".json").write_text(json.dumps({"name": "by hand", "task": "segment"}))
        assert card_for(model).name == "by hand"

    def test_case_does_not_matter(self, model: Path) -> None:
        content = {"name": "upper", "task": "segment", "sha256": hashlib.sha256(OLD).hexdigest().upper()}
        model.with_suffix(".json").write_text(json.dumps(content))
        assert card_for(model).name == "upper"


CRASH = """
import os, sys
from pathlib import Path
from napari_fastsam.model.weights.card import Card
from napari_fastsam.model.weights.card_files import write_with_card, written_beside
import hashlib, tempfile
model, last = Path(sys.argv[1]), int(sys.argv[2])
new = b"new weights"
count = 0
def hear(event, arguments):
    global count
    writes = event == "open" and (arguments[1] or "r") != "r"
    if writes or event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        count += 1
        if count > last:
            os._exit(9)
sys.addaudithook(hear)
card = Card("new", sha256=hashlib.sha256(new).hexdigest())
with written_beside(model, new) as beside:
    write_with_card(model, model.with_suffix(".json"), card, lambda: os.replace(beside, model))
"""


def test_a_crash_at_any_moment_leaves_weights_with_their_own_card(model: Path, tmp_path: Path) -> None:
    seen = set()
    for last in range(100):
        model.write_bytes(OLD)
        model.with_suffix(".json").write_text(card_text(card_of(OLD)))
        ended = subprocess.run([sys.executable, "-c", CRASH, str(model), str(last)], check=False).returncode
        assert ended in (0, 9)
        content = model.read_bytes()
        card = card_beside(model)
        assert card is not None
        assert card.name == content.decode().split()[0]
        # and again after what the next training does first
        settle(model, model.with_suffix(".json"))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["my.json", "my.pt"]
        assert read_card(model.with_suffix(".json")) == card
        seen.add((ended, content))
        if ended == 0:
            break
    assert seen >= {(9, OLD), (9, NEW), (0, NEW)}, "crashes before and after the weights were replaced, and none"


def test_a_card_by_hand_does_not_outlive_the_weights_it_was_written_for(model: Path) -> None:
    """A card without SHA-256 lies there, and the crash comes right after the weights."""
    model.with_suffix(".json").write_text(json.dumps({"name": "by hand", "task": "segment"}))

    class CrashError(BaseException):
        pass

    def put() -> None:
        model.write_bytes(NEW)

    with pytest.MonkeyPatch.context() as patch:

        def crash(*_: object) -> None:
            raise CrashError

        write_with_card(model, model.with_suffix(".json"), card_of(OLD), lambda: None)
        patch.setattr("os.replace", _after(1, crash))
        with pytest.raises(CrashError):
            write_with_card(model, model.with_suffix(".json"), card_of(NEW), put)
    assert card_for(model).name == "new"


def _after(count: int, then: object) -> object:
    import os

    real, done = os.replace, []

    def replace(*given: object) -> None:
        done.append(given)
        if len(done) > count:
            then(*given)
        real(*given)

    return replace


def test_weights_that_cannot_be_put_leave_the_old_ones_with_their_card(model: Path, tmp_path: Path) -> None:
    def full() -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_with_card(model, model.with_suffix(".json"), card_of(NEW), full)
    assert card_for(model).name == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my.json", "my.pt"]


def test_both_names_of_a_card_are_looked_at(tmp_path: Path) -> None:
    assert card_paths(tmp_path / "a.onnx") == (tmp_path / "a.onnx.json", tmp_path / "a.json")


@pytest.mark.parametrize(
    "text",
    ["[" * 900_000, '{"name": "x", "task": "segment", "notes": "' + "a" * 1_000_000 + '"}'],
    ids=["deep", "large"],
)
def test_a_card_that_is_too_much_is_refused(model: Path, text: str) -> None:
    model.with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match=r"the model card cannot be read: .*; correct it or move it"):
        card_for(model)
