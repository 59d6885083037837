"""The card of a checkpoint: known by name, beside the file, wrong or not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from downloading import BODY
from napari_fastsam.errors import ModelError
from napari_fastsam.model.weights import weights
from napari_fastsam.model.weights.weights import card_for, find


def test_card_of_fastsam_is_told_by_name_and_size(tiny: weights.Weights, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "tiny.pt").write_bytes(BODY)
    card = card_for(find("tiny"))
    assert (card.name, card.imgsz, card.origin, card.sha256) == ("Tiny", 1024, "registry", tiny.sha256)


@pytest.mark.parametrize("beside", [None, "[1, 2]", '{"epochs": 3}'], ids=["no json", "a list", "other json"])
def test_card_of_a_stranger_says_that_nothing_is_known(tmp_path: Path, beside: str | None) -> None:
    file = tmp_path / "FastSAM-s.pt"
    file.write_bytes(b"not of that size")
    if beside is not None:
        file.with_suffix(".json").write_text(beside)
    card = card_for(file)
    assert (card.name, card.origin, card.imgsz) == ("FastSAM-s", "unknown", None)


def test_card_beside_a_file_is_read(tmp_path: Path) -> None:
    card = {"name": "mine", "task": "segment", "imgsz": 512, "scale": 0.5, "metrics": {"AP": 0.4}, "new": 1}
    (tmp_path / "a.json").write_text(json.dumps(card))
    read = card_for(tmp_path / "a.pt")
    assert (read.name, read.imgsz, read.scale, dict(read.metrics)) == ("mine", 512, 0.5, {"AP": 0.4})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("imgsz", 0),
        ("imgsz", 512.5),
        ("imgsz", "512"),
        ("imgsz", True),
        ("scale", None),
        ("scale", -1),
        ("object_diameter", float("nan")),
        ("object_diameter_range", [1]),
        ("metrics", [0.4]),
        ("metrics", {"AP": "good"}),
        ("licence", 3),
    ],
)
def test_a_wrong_card_names_the_file_and_the_field(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"name": "mine", "task": "segment", key: value}))
    with pytest.raises(ModelError) as caught:
        card_for(tmp_path / "a.pt")
    assert str(file) in str(caught.value)
    assert key in str(caught.value)


def test_a_card_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ModelError, match=r"a\.json"):
        card_for(tmp_path / "a.pt")
