"""The words of the training process become values; what cannot be understood is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_fastsam.widgets.train import messages
from napari_fastsam.widgets.train.events import Batch, Done, Epoch, Failed, Pace, Started, parse
from napari_fastsam.widgets.train.process import TrainingOutcome


def line(event: str, **said: object) -> str:
    return json.dumps({"event": event, **said})


def test_every_event_becomes_its_value():
    started = parse(line("start", epochs=5, images=3, validation=1, settings={"imgsz": 256}, messages=["because"]))
    assert isinstance(started, Started)
    assert (started.epochs, started.images, started.validation) == (5, 3, 1)
    assert (dict(started.settings), started.messages) == ({"imgsz": 256}, ("because",))
    assert parse(line("batch", epoch=1, epochs=5, batch=2, batches=8)) == Batch(1, 5, 2, 8)
    epoch = parse(line("epoch", epoch=2, epochs=5, losses={"box": 1}, ap50=0.5, ap=0.25, seconds=3, best=True))
    assert epoch == Epoch(2, 5, {"box": 1.0}, 0.5, 0.25, 3.0, True)
    assert parse(line("done", file="a b.pt", ap50=0.5, ap=0.25)) == Done(Path("a b.pt"), 0.5, 0.25)
    assert parse(line("error", message="no")) == Failed("no")


@pytest.mark.parametrize("measured", [{}, {"ap50": None, "ap": None}, {"ap50": float("nan"), "ap": "?"}])
def test_an_epoch_that_was_not_measured_has_no_measure(measured: dict):
    epoch = parse(line("epoch", epoch=1, epochs=2, losses={}, **measured, seconds=1, best=False))
    assert isinstance(epoch, Epoch)
    assert (epoch.ap50, epoch.ap) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Epoch 1/5 box_loss",
        "{",
        "[1, 2]",
        "3",
        '{"event": "of a later version"}',
        '{"event": "batch", "epoch": 1}',
        '{"event": "epoch", "epoch": "x", "epochs": 3}',
        '{"event": "epoch", "epoch": 1, "epochs": 3, "losses": [1]}',
        '{"event": "start", "epochs": "many"}',
        '{"event": "done"}',
    ],
)
def test_lines_that_are_no_event_are_passed_over(text: str):
    assert parse(text) is None


def test_the_time_left_follows_the_last_epochs():
    pace = Pace()
    pace.heard(Started(epochs=10), 0.0)
    assert pace.seconds_left(1.0) is None
    pace.heard(Batch(1, 10, 1, 10), 100.0)
    assert pace.seconds_left(100.0) is None, "one batch says nothing yet"
    pace.heard(Batch(1, 10, 5, 10), 110.0)
    assert pace.fraction == pytest.approx(0.05)
    assert pace.seconds_left(110.0) == pytest.approx(10 * 0.95 / 0.05)
    pace.heard(Epoch(1, 10, seconds=60.0), 160.0)
    assert pace.seconds_left(160.0) == pytest.approx(9 * 60)
    for epoch in range(2, 8):
        pace.heard(Epoch(epoch, 10, seconds=20.0), 200.0 + 20 * epoch)
    assert pace.seconds_left(400.0) == pytest.approx(3 * 20), "the slow first epoch is forgotten"
    pace.heard(Epoch(10, 10, seconds=20.0), 500.0)
    assert (pace.fraction, pace.seconds_left(500.0)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "about 5 s"), (31, "about 30 s"), (50, "about 1 min"), (3600, "about 60 min"), (7200, "about 2.0 h")],
)
def test_lengths_of_time_as_a_person_says_them(seconds: float, said: str):
    assert messages.duration(seconds) == said


@pytest.mark.parametrize(
    ("outcome", "held_out", "said"),
    [
        (
            TrainingOutcome(Done(Path("x.pt"), 0.812, 0.5)),
            2,
            "“x” is trained: AP50 0.81, mean AP 0.50 on 2 images held out",
        ),
        (TrainingOutcome(Done(Path("x.pt"), 0.8, 0.5)), 0, "on its own training images, so too good"),
        (TrainingOutcome(Done(Path("x.pt")), stopped=True), 2, "Stopped; the best so far is “x”: not measured"),
        (TrainingOutcome(failure="no room"), 2, "no room"),
        (TrainingOutcome(stopped=True, killed=True), 2, "ended by force; no model was kept"),
    ],
)
def test_how_it_ended_is_said(outcome: TrainingOutcome, held_out: int, said: str):
    assert said in messages.finished("x", outcome, held_out)
