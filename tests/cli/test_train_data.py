"""What ``napari-fastsam train`` is asked wrongly, and which images it learns from and measures with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import Result

from napari_fastsam.model.training import training
from napari_fastsam.model.weights.weights import card_for
from training_place import SMALL, Place, copy


@pytest.fixture
def invoke(machine: Place) -> Callable[..., Result]:
    """The command within this process."""
    return machine.train


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "-o", "a.pt"], "there is no nowhere; expected a folder with images/ and labels/"),
        (["../data", "-o", "a.pt", "--validation", "nowhere"], "there is no nowhere"),
        (["../data", "-o", "a.pt", "--base", "nothing"], "'nothing' is neither a file nor a model"),
        (["../data", "-o", "a.pt", "--base", "nothing-seg.yaml"], "nothing-seg.yaml is not there"),
        (["../data", "-o", "a.pt", "--base", "yolov8n.yaml"], "'Detect', which is not one of a segmentation network"),
        (["../data", "-o", "a.pt", "--base", "../data/images/wide.png"], "wide.png"),
        (["../data", "-o", "a.pt", "--epochs", "0"], "epochs is 0; expected a number above 0"),
        (["../data", "-o", "a.pt", "--learning-rate", "-1"], "learning_rate is -1.0; expected"),
        (["../data", "-o", "a.pt", "--hold-out", "1"], "the share of images to hold out is 1.0"),
        (["../data", "-o", "a.pt", "--device", "toaster"], "toaster"),
        (["../data", "-o", "a.pt", "--resume", "--base", "yolov8n-seg.yaml"], "there is none to resume"),
        (["../data", "-o", "a.pt", "--minutes", "0"], "minutes is 0.0; expected a number above 0"),
        (["../data", "-o", "a.pt", "--minutes", "1", "--resume"], "keeps nothing to resume"),
        (["../data", "-o", "a.pt", "--minutes", "1", "--epochs", "2"], "minutes is 1.0 and epochs is 2; leave one"),
        (["../data", "nowhere", "-o", "a.pt"], "there is no nowhere"),
        (["../data", "-o", "a.onnx"], "expected a file name that ends in .pt"),
        (["../data", "-o", "folder.pt"], "folder.pt is a folder; name a file in it"),
        (["../data", "-o", "file/a.pt"], "the folder file cannot be made: a file of that name is in the way"),
    ],
)
def test_what_is_asked_wrongly_is_one_line_and_status_2(
    invoke: Callable[..., Result], machine: Place, arguments: list[str], said: str
) -> None:
    (machine.here / "folder.pt").mkdir()
    (machine.here / "file").touch()
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert {p.name for p in machine.here.iterdir()} == {"folder.pt", "file"}
    assert machine.broken_off == []


def test_data_of_no_use_names_the_file(invoke: Callable[..., Result], machine: Place) -> None:
    labels = machine.data / "labels" / "wide.png"
    iio.imwrite(labels, np.zeros((3, 4), np.uint8))
    result = invoke("../data", "-o", "a.pt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{labels.name} is 3 × 4 pixels" in result.stderr
    for file in labels.parent.iterdir():
        iio.imwrite(file, np.zeros(iio.imread(machine.data / "images" / file.name).shape[:2], np.uint8))
    assert "there is no object in any of the images" in invoke("../data", "-o", "a.pt").stderr


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_too_little_memory_is_said(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(training, "train", fail)
    result = invoke("../data", "-o", "a.pt")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "out of memory; take a smaller --batch or --imgsz" in result.stderr


def test_several_folders_are_learnt_from_together(invoke: Callable[..., Result], machine: Place) -> None:
    other = copy(machine.root / "tissue", "tissue", "wide")
    (other / "index.csv").write_text("id,kind,complete\ntissue,stained,false\n", encoding="utf-8")
    result = invoke("../data", "../tissue", "-o", "a.pt", "--minutes", "0.02", *SMALL)
    assert result.exit_code == 0, result.output
    assert "- crops of 64 x 64 px from 4 images, for 0.02 minutes" in result.stdout
    card = card_for(machine.here / "a.pt")
    assert card.training_data.startswith("4 images (data, stained, tissue) with")
    assert machine.broken_off == []


def test_images_are_held_out_by_name(invoke: Callable[..., Result], machine: Place) -> None:
    names = machine.here / "names.txt"
    names.write_text("wide\n", encoding="utf-8")
    result = invoke("../data", "-o", "a.pt", "--held-out", names, "--epochs", "1", *SMALL)
    assert result.exit_code == 0, result.output
    assert card_for(machine.here / "a.pt").validation_images == ("wide",)
    assert "1 image is held out of training to measure it" in result.stdout


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        ("nowhere", [], "names nowhere, and no image is called so"),
        ("wide\nsparse", [], "expected some, and not all"),
        ("wide", ["--validation", "../tissue"], "leave one of them out"),
    ],
)
def test_names_that_hold_nothing_out_are_refused(
    invoke: Callable[..., Result], machine: Place, names: str, more: list[str], words: str
) -> None:
    file = machine.here / "names.txt"
    file.write_text(names, encoding="utf-8")
    copy(machine.root / "tissue", "tissue")
    result = invoke("../data", "-o", "a.pt", "--held-out", file, *more, *SMALL)
    assert result.exit_code == 2
    assert words in result.stderr


def test_partly_labelled_images_teach_no_background(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def remember(examples: Sequence[Any], *_: object, **__: object) -> None:
        seen.extend(example.complete for example in examples)

    monkeypatch.setattr(training, "train", remember)
    assert invoke("../data", "-o", "a.pt", "--partly").exit_code == 0
    assert seen == [False, False]


def with_parts(folder: Path, train: str, val: str) -> Path:
    """A data.yaml over the images of `folder`: lists of stems for train and val."""
    from napari_fastsam.model.network.ultralytics_ import imported

    with imported():
        import cv2
    for file in (folder / "labels").glob("*.png"):
        labels = iio.imread(file)
        lines = []
        for number in np.unique(labels[labels > 0]):
            found, _ = cv2.findContours((labels == number).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            contour = max(found, key=len)[:, 0] / labels.shape[::-1]
            lines += [f"0 {' '.join(f'{v:.6f}' for v in contour.ravel())}"] if len(contour) > 2 else []
        file.with_suffix(".txt").write_text("\n".join(lines))
        file.unlink()
    for name, stems in (("train", train), ("val", val)):
        (folder / f"{name}.txt").write_text("".join(f"./images/{stem}.png\n" for stem in stems.split()))
    yaml = folder / "data.yaml"
    yaml.write_text("train: train.txt\nval: val.txt\nnames: [nucleus]\n")
    return yaml


def test_data_with_parts_are_measured_on_val(invoke: Callable[..., Result], machine: Place) -> None:
    yaml = with_parts(machine.data, train="sparse", val="wide")
    description = machine.root / "yolov8n-seg.yaml"
    shutil.copy(Path(str(files("ultralytics"))) / "cfg" / "models" / "v8" / "yolov8-seg.yaml", description)
    result = invoke(yaml, "-o", "a.pt", "--epochs", 1, *SMALL, "--base", description)
    assert result.exit_code == 0, result.output
    assert "- 1 image is held out of training to measure it" in result.stdout
    card = card_for(machine.here / "a.pt")
    assert card.validation_images == ("wide",)
    assert card.training_data.startswith("1 image with")
    assert card.description == "trained on 1 image, starting from yolov8n-seg.yaml"
    assert card.notes == ""


@pytest.mark.parametrize(
    ("train", "val", "options", "learnt", "measured", "said"),
    [
        (
            "sparse wide",
            "wide",
            [],
            ["sparse"],
            ["wide"],
            "1 of the 1 validation images were listed for training too",
        ),
        ("sparse wide", "wide sparse", [], ["sparse", "wide"], None, "as if none had been named"),
        ("sparse", "wide", ["--validation", "../other"], ["sparse"], ["tissue"], None),
    ],
    ids=["some are in both", "all are in both", "other data to measure with"],
)
def test_what_measures_is_not_learnt_from(
    invoke: Callable[..., Result], machine: Place, monkeypatch: pytest.MonkeyPatch,
    train: str, val: str, options: list[str], learnt: list[str], measured: list[str] | None, said: str | None,
) -> None:  # fmt: skip
    asked: dict[str, Any] = {}

    def note(examples: Any, *_: object, validation: Any, on_event: Any, **__: object) -> None:
        asked.update(examples=examples, validation=validation)
        on_event({"event": "start", "messages": ["chosen"]})

    monkeypatch.setattr(training, "train", note)
    copy(machine.root / "other", "tissue")
    result = invoke(with_parts(machine.data, train, val), "-o", "a.pt", *options)
    assert result.exit_code == 0, result.output
    assert [e.name for e in asked["examples"]] == learnt
    assert (asked["validation"] and [e.name for e in asked["validation"]]) == measured
    lines = result.stdout.splitlines()
    assert lines[-1] == "- chosen"
    assert len(lines) == (1 if said is None else 2)
    assert said is None or said in lines[0]
