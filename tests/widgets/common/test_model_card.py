"""The model list offers the person's own models, and the dock shows the card of the one that is chosen."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from napari_fastsam.model.weights import own_models, weights
from napari_fastsam.model.weights.card import FASTSAM, Card
from napari_fastsam.widgets.common.model_box import FROM_FILE, ModelBox
from napari_fastsam.widgets.common.model_card import about, card_as_html, rows_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(own_models.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def put(folder: Path, name: str, **card: object) -> Path:
    """The bundled network under another name, with a card if any of it is given."""
    file = folder / f"{name}.pt"
    shutil.copy(weights.find("nuclei"), file)
    if card:
        file.with_suffix(".json").write_text(json.dumps({"name": name, "task": "segment", **card}), encoding="utf-8")
    return file


def test_a_card_is_shown_whole():
    card = Card(
        name="my cells",
        description="HeLa",
        base="nuclei",
        version="0.1.0",
        created="2026-01-31",
        training_data="3 images with 120 objects",
        validation_images=("a", "b"),
        object_diameter=19.4,
        object_diameter_range=(7.2, 48.5),
        intensity="as it is <shown>",
        metrics={"ap50": 0.8123, "ap": 0.5, "click_iou": 0.7, "ap50, tissue": 0.6, "dice": 0.9},
        licence="CC0-1.0",
        conf=0.35,
        iou=0.4,
    )
    said = dict(rows_of(card, Path("x.pt")))
    assert said["name"] == "my cells: HeLa"
    assert said["base"] == "nuclei"
    assert said["trained on"] == "3 images with 120 objects; 2 images held out to measure it"
    assert said["objects"] == "19.4 pixels across (median), most from 7.2 to 48.5"
    assert said["measured"] == "AP50 0.812, mean AP 0.5, IoU of a click 0.7, dice 0.9; tissue: AP50 0.6"
    assert said["licence"] == "CC0-1.0"
    assert said["version"] == "0.1.0; made 2026-01-31"
    assert said["everything"] == "confidence 0.35, overlap 0.4"
    assert "as it is &lt;shown&gt;" in card_as_html(card, Path("x.pt"))


@pytest.mark.parametrize(
    ("card", "shown"),
    [
        (FASTSAM, "1024 pixels along the longer side"),
        (Card("a", scale=0.5), "its own size times 0.5"),
        (Card("a"), "its own size"),
        (Card("a", shown_diameter=28.0), "the scale at which its objects are 28 pixels across"),
        (Card("a", origin="unknown"), "the size that its file says it was trained at"),
    ],
)
def test_at_which_size_a_model_sees_an_image(card: Card, shown: str):
    assert dict(rows_of(card, Path("x.pt")))["network input size"] == shown


def test_of_a_file_without_a_card_what_is_known_is_shown(folder: Path):
    file = put(folder, "foreign")
    text = about("foreign")
    assert "a checkpoint without a card" in text
    assert str(file) in text
    assert "not measured" in text


def test_what_is_wrong_with_a_card_or_a_name_is_shown(folder: Path):
    put(folder, "bad").with_suffix(".json").write_text('{"name": "bad", "task": "segment", "conf": 7}')
    assert "conf is 7" in about("bad")
    assert "neither a file nor" in about("nothing of that name")
    assert "Not on this computer yet" in about("FastSAM-x")


def test_the_list_offers_own_models_and_follows_the_folder(qtbot, folder: Path):
    put(folder, "yeast")
    box = ModelBox("nuclei")
    qtbot.addWidget(box.native)
    changes: list[object] = []
    box.changed.connect(changes.append)
    assert box.choices == ("nuclei", "microscopy", "FastSAM-s", "FastSAM-x", "yeast", FROM_FILE)

    put(folder, "algae")
    box.refresh()
    assert box.choices[4:] == ("algae", "yeast", FROM_FILE)
    assert (box.value, changes) == ("nuclei", [])

    box.value = "yeast"
    (folder / "yeast.pt").unlink()
    box.refresh()
    assert (box.value, changes) == ("yeast", ["yeast"]), "a choice is not changed behind a person's back"


@pytest.mark.parametrize("with_mouse", [True, False])
def test_a_list_that_is_opened_has_the_models_of_other_windows_too(qtbot, folder: Path, with_mouse: bool):
    box = ModelBox("nuclei")
    qtbot.addWidget(box.native)
    box.native.show()
    put(folder, "algae")
    if with_mouse:
        qtbot.mouseClick(box.native, Qt.MouseButton.LeftButton)
    else:
        qtbot.keyClick(box.native, Qt.Key.Key_Down)
    assert "algae" in [box.native.itemText(i) for i in range(box.native.count())]
    box.native.hidePopup()


def test_the_dock_shows_the_card_and_segments_with_an_own_model(bench, folder: Path):
    put(folder, "yeast", licence="CC0-1.0", description="budding yeast", conf=0.6, iou=0.3)
    there = bench()
    dock = there.dock
    assert "bright field" in dock.about.card.text()

    dock.offer_models("yeast")
    there.settle()
    text = re.sub(r"<[^>]+>", " ", dock.about.card.text())
    assert "budding yeast" in text
    assert "CC0-1.0" in text
    assert (dock.conf.value, dock.iou.value) == (0.6, 0.3)
    dock.task.value = "everything"
    summary = dock.run(wait=True)
    assert summary is not None
    assert summary.found > 3


def test_the_card_stands_below_the_model(bench):
    there = bench(show=True)
    dock = there.dock
    dock.about.setVisible(True)
    there.qtbot.waitUntil(dock.about.isVisible)
    tops = [w.mapTo(dock.native, w.rect().topLeft()).y() for w in (dock.model.native, dock.about, dock.task.native)]
    assert tops == sorted(tops)
    assert len(set(tops)) == 3
