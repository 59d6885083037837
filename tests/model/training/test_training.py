"""Training runs, small but real: from annotated images to a model that segments."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_fastsam.core.judging.metrics import match
from napari_fastsam.errors import FastSAMError, ModelError, ParameterError
from napari_fastsam.model.network.segmenter import load_model
from napari_fastsam.model.training.training import annotated, train
from napari_fastsam.model.weights import weights
from napari_fastsam.model.weights.card import read_card

SMALL: dict[str, Any] = {"imgsz": 64, "batch": 16, "device": "cpu"}
SCRATCH = "yolov8n-seg.yaml"


@dataclass
class Example:
    name: str
    pixels: np.ndarray
    truth: np.ndarray
    group: str = "fluorescence"

    def image(self) -> np.ndarray:
        return self.pixels

    def labels(self) -> np.ndarray:
        return self.truth


@pytest.fixture(scope="module")
def examples(picture) -> list[Example]:
    """Pieces with some nuclei each: a trained model is asked for every one."""
    piece = slice(64, 192), slice(112, 240)
    return [Example(name, picture(name)[piece], picture(f"{name}_labels")[piece]) for name in ("sparse", "wide")]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Work in a folder of one's own, in which nothing may be left behind."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


class Listener:
    """Keeps the events; stops the training after some batches."""

    def __init__(self, batches: int | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self._left = batches

    def __call__(self, event: dict[str, Any]) -> None:
        json.dumps(event, allow_nan=False)
        self.events.append(event)

    def stop(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left <= 0

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == kind]


@pytest.fixture(scope="module")
def trained(examples, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Listener]:
    folder = tmp_path_factory.mktemp("trained")
    listener = Listener()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_FASTSAM_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        train(examples, folder / "mine" / "cells.pt", SCRATCH, epochs=2, on_event=listener, **SMALL)
        # the folders of the run are gone, and nothing was left in the working directory
        assert not list((folder / "cache" / "training").iterdir())
        assert sorted(p.name for p in folder.iterdir()) == ["cache", "mine"]
    return folder / "mine" / "cells.pt", listener


class TestATraining:
    def test_writes_a_model_that_segments(self, trained, examples) -> None:
        model = load_model(trained[0], "cpu")
        assert model.segment(examples[0].pixels).shape == examples[0].pixels.shape[:2]
        assert trained[0].stat().st_size < 10e6
        assert sorted(p.name for p in trained[0].parent.iterdir()) == ["cells.json", "cells.pt"]

    def test_writes_a_card_that_says_what_it_is(self, trained) -> None:
        card = read_card(trained[0].with_suffix(".json"))
        assert card is not None
        assert (card.name, card.base, card.licence, card.window) == ("cells", "", "AGPL-3.0", "percentiles")
        assert "2 images (fluorescence)" in card.training_data
        assert "12 objects" in card.training_data
        assert card.validation_images == ()
        assert {"ap", "ap50", "ap75"} <= card.metrics.keys()
        assert card.conf is not None
        assert card.object_diameter == pytest.approx(15, abs=8)

    def test_tells_what_it_does(self, trained) -> None:
        _, listener = trained
        assert [e["event"] for e in listener.events if e["event"] != "batch"] == ["start", "epoch", "epoch", "done"]
        (start,), epochs, (done,) = listener.of("start"), listener.of("epoch"), listener.of("done")
        assert (start["images"], start["validation"], start["epochs"]) == (2, 0, 2)
        assert any("too few images" in line for line in start["messages"])
        assert [e["epoch"] for e in epochs] == [1, 2]
        assert set(epochs[0]["losses"]) == {"box", "mask", "class", "dfl"}
        assert epochs[1]["losses"]["mask"] < epochs[0]["losses"]["mask"]
        assert listener.of("batch")[-1]["batch"] == listener.of("batch")[-1]["batches"]
        assert done["file"] == str(trained[0])


def ap50(model: Any, examples: list[Example]) -> float:
    found = [match(model.segment(e.pixels).to_labels(), e.truth, [0.5])[0] for e in examples]
    return sum(found[1:], found[0]).average_precision


def test_fine_tuning_teaches_what_the_base_does_not_know(examples, tmp_path: Path) -> None:
    """Nuclei as dark holes in noise, in 16 bits, with a hundredth of the intensity range."""
    rng = np.random.default_rng(0)
    holes = [
        Example(e.name, np.where(e.truth > 0, 1000, 1600 + rng.normal(0, 60, e.truth.shape)).astype(np.uint16), e.truth)
        for e in examples
    ]
    before = ap50(load_model("nuclei", "cpu"), holes)
    listener = Listener()
    train(holes, tmp_path / "holes.pt", "nuclei", epochs=4, on_event=listener, imgsz=128, batch=8, device="cpu")
    tuned = load_model(tmp_path / "holes.pt", "cpu")
    assert ap50(tuned, holes) > before + 0.15
    assert tuned.card.base == "nuclei"


def test_a_network_of_two_heads_is_written_with_one_and_read_again(examples, tmp_path: Path) -> None:
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"
    for file, base in ((first, "yolo26n-seg.yaml"), (second, str(first))):
        train(examples, file, base, epochs=1, **SMALL)
        assert load_model(file, "cpu").segment(examples[0].pixels).shape == examples[0].pixels.shape[:2]


def test_by_the_clock_it_learns_until_the_time_is_up(examples, tmp_path: Path) -> None:
    """The same holes as above: a quarter of a minute of crops that are made on the device."""
    rng = np.random.default_rng(0)
    holes = [
        Example(e.name, np.where(e.truth > 0, 1000, 1600 + rng.normal(0, 60, e.truth.shape)).astype(np.uint16), e.truth)
        for e in examples
    ]
    listener = Listener()
    file = tmp_path / "holes.pt"
    card = train(holes, file, "nuclei", minutes=0.4, on_event=listener, imgsz=96, batch=8, device="cpu")
    assert ap50(load_model(file, "cpu"), holes) > ap50(load_model("nuclei", "cpu"), holes)
    assert card.base == "nuclei"
    (start,), (epoch,), (done,) = listener.of("start"), listener.of("epoch"), listener.of("done")
    assert any("for 0.4 minutes" in line for line in start["messages"])
    assert epoch["seconds"] >= 24
    assert set(epoch["losses"]) == {"box", "mask", "class", "dfl"}
    assert listener.of("batch")[-1]["batches"] == 24
    assert done["file"] == str(file)


def test_by_the_clock_it_ends_when_it_is_told_to(examples, tmp_path: Path) -> None:
    listener = Listener(batches=1)
    train(examples, tmp_path / "a.pt", SCRATCH, minutes=60, on_event=listener, stop=listener.stop, **SMALL)
    assert load_model(tmp_path / "a.pt", "cpu").card.name == "a"


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_minutes_that_are_no_time_are_refused(examples, tmp_path: Path, minutes: float) -> None:
    with pytest.raises(ParameterError, match="expected a number above 0"):
        train(examples, tmp_path / "a.pt", SCRATCH, minutes=minutes, **SMALL)


def test_what_ran_by_the_clock_cannot_be_resumed(examples, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="keeps nothing to resume"):
        train(examples, tmp_path / "a.pt", SCRATCH, minutes=1, resume=True, **SMALL)


def test_stopping_keeps_the_best_so_far(examples, tmp_path: Path) -> None:
    listener = Listener(batches=3)
    train(examples, tmp_path / "a.pt", SCRATCH, epochs=50, on_event=listener, stop=listener.stop, **SMALL)
    assert [e["epoch"] for e in listener.of("epoch")] == [1]
    assert "ap" in listener.of("epoch")[0]
    assert load_model(tmp_path / "a.pt", "cpu").card.name == "a"


class Killed(Exception):
    """Stands for kill -9: nothing of the trainer's own cleaning up is reached by it."""


def crash_after(epochs: int) -> Callable[[dict[str, Any]], None]:
    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "batch" and event["epoch"] > epochs:
            raise Killed

    return hear


def test_a_training_that_broke_off_goes_on(examples, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(examples, tmp_path / "a.pt", SCRATCH, epochs=3, on_event=crash_after(1), **SMALL)
    assert not (tmp_path / "a.pt").exists()
    listener = Listener()
    train(examples, tmp_path / "a.pt", SCRATCH, epochs=3, resume=True, on_event=listener, **SMALL)
    assert [e["epoch"] for e in listener.of("epoch")] == [2, 3]
    assert load_model(tmp_path / "a.pt", "cpu")


def test_another_training_is_not_resumed(examples, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(examples, tmp_path / "a.pt", SCRATCH, epochs=3, on_event=crash_after(1), **SMALL)
    with pytest.raises(ParameterError, match="settings"):
        train(examples, tmp_path / "a.pt", SCRATCH, epochs=4, resume=True, **SMALL)
    with pytest.raises(ParameterError, match="training"):
        train(examples[:1] * 2, tmp_path / "a.pt", SCRATCH, epochs=3, resume=True, **SMALL)


def test_nothing_to_resume_is_said(examples, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="none to resume"):
        train(examples, tmp_path / "a.pt", SCRATCH, resume=True, **SMALL)


def test_a_model_that_is_there_stays_until_the_new_one_is_whole(examples, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"precious")
    with pytest.raises(Killed):
        train(examples, tmp_path / "a.pt", SCRATCH, epochs=3, on_event=crash_after(1), **SMALL)
    assert (tmp_path / "a.pt").read_bytes() == b"precious"


def test_a_model_that_cannot_be_written_is_kept_until_it_can(examples, tmp_path: Path) -> None:
    """After the last epoch: resuming trains no more, and writes."""
    output, asked = tmp_path / "a.pt", {"epochs": 1, **SMALL}
    with pytest.raises(ModelError, match=r"cannot be written .* resume"):
        train(examples, output, SCRATCH, on_event=lambda e: e["event"] == "epoch" and output.mkdir(), **asked)
    output.rmdir()
    assert list(tmp_path.glob("*a.*")) == []
    listener = Listener()
    train(examples, output, SCRATCH, resume=True, on_event=listener, **asked)
    assert [e["event"] for e in listener.events] == ["start", "done"]
    assert load_model(output, "cpu").card.name == "a"


def test_two_trainings_of_one_file_do_not_share_a_folder(examples, tmp_path: Path) -> None:
    """The second is refused, and neither disturbs the first nor what it writes."""
    refused: list[str] = []

    def second(event: dict[str, Any]) -> None:
        if event["event"] == "epoch":
            for resume in (False, True):
                with pytest.raises(ModelError, match=r"another training of .* is running on this computer") as caught:
                    train(examples, tmp_path / "a.pt", SCRATCH, epochs=1, resume=resume, **SMALL)
                refused.append(str(caught.value))

    train(examples, tmp_path / "a.pt", SCRATCH, epochs=1, on_event=second, **SMALL)
    assert len(refused) == 2
    assert str(tmp_path / "a.pt") in refused[0]
    assert load_model(tmp_path / "a.pt", "cpu").card.name == "a"
    train(examples, tmp_path / "a.pt", SCRATCH, epochs=1, **SMALL)


def test_a_record_that_broke_off_is_told(examples, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(examples, tmp_path / "a.pt", SCRATCH, epochs=3, on_event=crash_after(1), **SMALL)
    (record,) = weights.cache_folder().glob("training/a-*/run.json")
    record.write_text("{")
    with pytest.raises(ModelError, match="not the record of a training"):
        train(examples, tmp_path / "a.pt", SCRATCH, epochs=3, resume=True, **SMALL)


def test_measuring_on_an_image_without_objects_gives_numbers(examples, tmp_path: Path) -> None:
    empty = Example("empty", np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8))
    listener = Listener()
    train(examples, tmp_path / "a.pt", SCRATCH, validation=[empty], epochs=1, on_event=listener, **SMALL)
    assert listener.of("epoch")[0]["ap50"] == listener.of("done")[0]["ap50"] == 0


def test_images_of_every_kind_go_through_the_intensity_code_of_prediction(examples) -> None:
    grey = examples[0].pixels if examples[0].pixels.ndim == 2 else examples[0].pixels[..., 0]
    deep = grey.astype(np.uint16) * 16 + 500
    truth = examples[0].truth
    shallow, wide = (annotated(Example("a", image, truth)) for image in (grey, deep))
    assert np.abs(shallow.rgb.astype(int) - wide.rgb).max() <= 1
    model = load_model("nuclei", "cpu")
    assert annotated(Example("a", np.dstack([deep] * 3), truth)).rgb.shape == model.rgb8(np.dstack([deep] * 3)).shape


@pytest.mark.parametrize(
    ("output", "base", "what"),
    [("a.onnx", "nuclei", r"ends in \.pt"), ("a.pt", "no-such-model", "no-such-model"), ("a.pt", "no.yaml", "no.yaml")],
)
def test_what_cannot_be_trained_is_said_at_once(examples, tmp_path: Path, output: str, base: str, what: str) -> None:
    with pytest.raises(FastSAMError, match=what):
        train(examples, tmp_path / output, base, **SMALL)


def test_no_images_are_said(tmp_path: Path) -> None:
    for base in ("auto", "nuclei"):
        with pytest.raises(ParameterError, match="no image to train on"):
            train([], tmp_path / "a.pt", base, **SMALL)
