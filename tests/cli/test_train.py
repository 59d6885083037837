"""``napari-fastsam train`` as a person, or a program, runs it: small trainings, processes where signals reach them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import imageio.v3 as iio
import pytest
from typer.testing import CliRunner, Result

from napari_fastsam.cli import app
from napari_fastsam.model.weights.weights import card_for
from training_place import SMALL, Place, place

LONG = ["--epochs", "300"]
"""More than any test waits for."""


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
        assert "had other settings" in other.stderr

        resumed = machine.train(machine.data, *arguments, "--resume")
        assert (resumed.exit_code, resumed.stderr) == (0, "")
        # what was done of the second epoch is done again; it may have been done with when the kill came
        assert epochs_of(resumed.stdout.splitlines())[-2:] in (["2", "3"], ["3"])
        assert "measured on the images that it learnt from" in card_for(machine.here / "a.pt").notes
        assert machine.broken_off == []
