"""``napari-fastsam train`` as a person, or a program, runs it: small trainings, processes where signals reach them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from napari_fastsam.cli import app
from napari_fastsam.model.training import training
from napari_fastsam.model.weights.weights import card_for

PICTURES = Path(__file__).parent / "data" / "dsb2018"
PROGRAM = [sys.executable, "-m", "napari_fastsam.cli"]
PIECE = slice(64, 192), slice(112, 240)
"""With some nuclei of each picture: a trained model is asked for every one."""
SMALL = ["--base", "yolov8n-seg.yaml", "--imgsz", "64", "--batch", "16", "--device", "cpu"]
LONG = ["--epochs", "300"]
"""More than any test waits for."""


def copy(folder: Path, *stems: str) -> Path:
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for stem in stems:
        iio.imwrite(folder / "images" / f"{stem}.png", iio.imread(PICTURES / f"{stem}.png")[PIECE])
        iio.imwrite(folder / "labels" / f"{stem}.png", iio.imread(PICTURES / f"{stem}_labels.png")[PIECE])
    return folder


@dataclass(frozen=True)
class Place:
    """A machine as somebody has it: a working directory, a cache, and data elsewhere."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def here(self) -> Path:
        return self.root / "here"

    @property
    def broken_off(self) -> list[Path]:
        """Folders of trainings that did not end."""
        folder = self.root / "cache" / "training"
        return list(folder.iterdir()) if folder.is_dir() else []

    def arguments(self, *arguments: object) -> dict[str, Any]:
        return {
            "args": [*PROGRAM, "train", str(self.data), *map(str, arguments)],
            "cwd": self.here,
            "text": True,
            "env": {
                **os.environ,
                "NAPARI_FASTSAM_CACHE": str(self.root / "cache"),
                "OMP_NUM_THREADS": "1",
                "COLUMNS": "200",
                "PYTHONUNBUFFERED": "1",
            },
        }

    def train(self, *arguments: object) -> Result:
        """The command within this process."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.here)
            patch.setenv("NAPARI_FASTSAM_CACHE", str(self.root / "cache"))
            return CliRunner().invoke(app, ["train", *map(str, arguments)], env={"COLUMNS": "200"})

    @contextmanager
    def training(self, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with subprocess.Popen(**self.arguments(*arguments), **pipes) as process:
            try:
                yield process
            finally:
                process.kill()


def place(root: Path) -> Place:
    made = Place(root)
    made.here.mkdir(parents=True)
    copy(made.data, "sparse", "wide")
    return made


@pytest.fixture
def machine(tmp_path: Path) -> Place:
    return place(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Result]:
    """One whole training, for all tests that only look at it."""
    made = place(tmp_path_factory.mktemp("trained"))
    return made, made.train(made.data, "-o", "models/mine.pt", "--epochs", 2, *SMALL)


def lines_until(process: subprocess.Popen[str], found: Callable[[str], bool]) -> list[str]:
    """What the process prints, up to the line that is looked for."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line.rstrip("\n"))
        if found(line):
            return seen
    raise AssertionError(f"it ended before: {seen}, {process.stderr.read() if process.stderr else ''}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Status, and what was still printed on stdout and stderr."""
    out, errors = process.communicate(timeout=600)
    return process.returncode, out, errors


def epochs_of(lines: Sequence[str]) -> list[str]:
    return re.findall(r"^epoch (\d+)/", "\n".join(lines), re.M)


class TestForAPerson:
    def test_says_what_was_chosen_each_epoch_and_what_came_out(self, trained) -> None:
        done = trained[1]
        assert (done.exit_code, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert lines[0].startswith("- objects are ")
        assert lines[1] == "- crops of 64 x 64 px, 128 an epoch from 2 images, 2 epochs"
        assert "too few images to hold some out" in lines[2]
        measured = r"loss box \d+\.\d{3}, mask [\d.]+, class [\d.]+, dfl [\d.]+; AP50 [\d.]+, mean AP [\d.]+"
        assert re.fullmatch(rf"epoch 1/2: {measured} \(best so far\), \d+ s", lines[3])
        assert re.fullmatch(rf"epoch 2/2: {measured}( \(best so far\))?, \d+ s", lines[4])
        assert re.fullmatch(r"models/mine\.pt: AP50 [\d.]+, mean AP [\d.]+; its card is mine\.json", lines[5])
        assert len(lines) == 6

    def test_leaves_the_model_and_nothing_else(self, trained) -> None:
        machine, _ = trained
        files = {p.relative_to(machine.here).as_posix() for p in machine.here.rglob("*") if p.is_file()}
        assert files == {"models/mine.pt", "models/mine.json"}
        assert machine.broken_off == []
        assert not [p for p in (machine.root / "cache").rglob("*") if p.suffix in (".pt", ".part", ".csv", ".yaml")]

    def test_segment_uses_the_model(self, trained, tmp_path: Path) -> None:
        machine, _ = trained
        image = machine.data / "images" / "wide.png"
        options = ["-o", str(tmp_path), "--model", str(machine.here / "models" / "mine.pt"), "--device", "cpu"]
        result = CliRunner().invoke(app, ["segment", str(image), *options])
        assert result.exit_code == 0, result.output
        assert iio.imread(tmp_path / "wide_labels.tif").shape == iio.imread(image).shape[:2]

    def test_the_help_says_every_default(self) -> None:
        said = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"}).stdout
        for default in ("by the number of images", "by the object size", "the base's", "16", "some of DATA"):
            assert f"[default: {default}]" in said


class TestForAProgram:
    def test_a_line_an_event(self, machine: Place) -> None:
        """And an open stdin does not keep the process from ending. From the bundled model, as it is mostly done."""
        small = ["--imgsz", "64", "--batch", "16", "--device", "cpu"]
        with machine.training("-o", "a.pt", "--epochs", 2, "--progress", "json", *small) as process:
            events = [json.loads(line) for line in lines_until(process, lambda line: '"done"' in line)]
            assert process.wait(600) == 0
        start, *_, done = events
        assert (start["event"], start["images"], start["validation"], start["epochs"]) == ("start", 2, 0, 2)
        assert (start["settings"]["imgsz"], start["settings"]["batch"]) == (64, 16)
        assert all(isinstance(line, str) for line in start["messages"])
        assert start["said"] == start["messages"]  # its name before
        kinds = [e["event"] for e in events]
        assert [k for k in kinds if k != "batch"] == ["start", "epoch", "epoch", "done"]
        batches = [(e["epoch"], e["batch"]) for e in events if e["event"] == "batch"]
        assert batches == sorted(batches)
        assert {(1, 8), (2, 8)} <= set(batches)
        for number, epoch in enumerate((e for e in events if e["event"] == "epoch"), start=1):
            assert (epoch["epoch"], epoch["epochs"]) == (number, 2)
            assert epoch["losses"].keys() == {"box", "mask", "class", "dfl"}
            assert 0 <= epoch["ap"] <= epoch["ap50"] <= 1
        assert (done["file"], done["ap"]) == ("a.pt", card_for(machine.here / "a.pt").metrics["ap"])

    @pytest.mark.parametrize("word", ["stop\n", None], ids=["the word stop", "stdin ends"])
    def test_stops_when_it_is_told_to_or_nobody_is_there(self, machine: Place, word: str | None) -> None:
        with machine.training("-o", "a.pt", "--progress", "json", *LONG, *SMALL) as process:
            lines_until(process, lambda line: '"batch"' in line)
            assert process.stdin is not None
            if word is None:
                process.stdin.close()
            else:
                process.stdin.write(word)
                process.stdin.flush()
            events = [json.loads(line) for line in lines_until(process, lambda line: '"done"' in line)]
            assert process.wait(600) == 0
        (epoch,) = (e for e in events if e["event"] == "epoch")
        assert "ap" in epoch
        assert card_for(machine.here / "a.pt").name == "a"

    def test_an_error_is_an_event_and_status_2(self, machine: Place) -> None:
        with machine.training("-o", "a.pt", "--progress", "json", "--imgsz", 65) as process:
            status, out, errors = ended(process)
        assert (status, errors) == (2, "")
        (event,) = map(json.loads, out.splitlines())
        assert event == {"event": "error", "message": "imgsz is 65; expected a multiple of 32 from 64 to 2048"}
        assert machine.broken_off == []


class TestCtrlC:
    def test_keeps_the_best_so_far(self, machine: Place) -> None:
        with machine.training("-o", "a.pt", *LONG, *SMALL) as process:
            lines_until(process, lambda line: line.startswith("- crops"))
            process.send_signal(signal.SIGINT)
            status, out, errors = ended(process)
        assert status == 0, errors
        assert errors == "Stopping after this batch, to keep the best so far; once more: at once.\n"
        assert epochs_of(out.splitlines()) == ["1"]
        assert card_for(machine.here / "a.pt").name == "a"
        assert machine.broken_off == []

    def test_twice_ends_at_once_and_says_that_nothing_was_written(self, machine: Place) -> None:
        with machine.training("-o", "a.pt", *LONG, *SMALL) as process:
            lines_until(process, lambda line: line.startswith("- crops"))
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            process.stderr.readline()
            process.send_signal(signal.SIGINT)
            status, _, errors = ended(process)
        assert status == 130
        assert errors.startswith("Stopped before anything was written")
        assert list(machine.here.iterdir()) == []


class TestKilled:
    def test_goes_on_where_it_broke_off(self, machine: Place) -> None:
        arguments = ["-o", "a.pt", "--epochs", 3, *SMALL]
        with machine.training(*arguments) as process:
            lines_until(process, lambda line: line.startswith("epoch 1/"))
            process.kill()
            process.wait(600)
        assert not (machine.here / "a.pt").exists()
        assert len(machine.broken_off) == 1

        other = machine.train(machine.data, *arguments, "--resume", "--seed", 7)
        assert (other.exit_code, other.stderr.count("\n")) == (2, 1)
        assert "that broke off had other settings" in other.stderr

        resumed = machine.train(machine.data, *arguments, "--resume")
        assert (resumed.exit_code, resumed.stderr) == (0, "")
        # what was done of the second epoch is done again; it may have been done with when the kill came
        assert epochs_of(resumed.stdout.splitlines())[-2:] in (["2", "3"], ["3"])
        assert "measured on the images that it learnt from" in card_for(machine.here / "a.pt").notes
        assert machine.broken_off == []


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
