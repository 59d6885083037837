"""Runs, failures and downloads, step by step: without Qt, a viewer or a network."""

from __future__ import annotations

import pytest

from napari_fastsam.errors import ImageError, ModelError
from napari_fastsam.layers.answers.request import Controls
from napari_fastsam.layers.answers.screen import State
from napari_fastsam.model.weights.weights import DownloadCancelled

# ---------------------------------------------------------------- run, cancel, wait


def test_run_while_it_runs_cancels(desk):
    desk.answers.points.append((3, 3))
    desk.controller.update()
    desk.controller.run()
    assert desk.cancelled
    desk.finish()
    assert (desk.state, desk.drawn, desk.controller.work) == (State.CANCELLED, None, None)


def test_what_is_asked_after_cancelling_is_answered(desk):
    desk.answers.points.append((3, 3))
    desk.controller.update()
    desk.controller.run()
    desk.answers.points.append((5, 5))
    desk.controller.update()
    desk.finish()
    assert desk.controller.work.kind == "segment"
    desk.finish()
    assert (desk.state, desk.drawn) == (State.ANSWERED, desk.controller.shown)


def test_run_while_the_model_is_loaded_runs_afterwards(desk):
    desk.is_live = False
    desk.controller.warm_up("nuclei", "cpu")
    desk.answers.points.append((3, 3))
    desk.controller.run()
    assert (desk.state, desk.cancelled) == (State.LOADING_FIRST, False)
    desk.finish()
    assert desk.controller.work.kind == "segment"
    desk.finish()
    assert desk.drawn is not None


def test_run_here_says_what_was_done(desk):
    assert desk.controller.run_here().found == 0
    desk.answers.points.append((3, 3))
    summary = desk.controller.run_here()
    assert (summary.found, desk.state, desk.running) == (1, State.ANSWERED, None)
    assert set(summary.seconds) == {"network", "selection", "drawing"}
    desk.answers.failing = ImageError("The disk was pulled out.")
    assert desk.controller.run_here().found == 0
    assert desk.told[-1] == (State.FAILED, "The disk was pulled out.")
    assert desk.reported == [desk.answers.failing]


def test_what_takes_minutes_waits_for_run(desk):
    desk.answers.slow = True
    desk.set = Controls("cells", task="everything")
    desk.controller.update()
    assert (desk.state, desk.running) == (State.WAITS_FOR_RUN, None)
    desk.controller.run()
    desk.finish()
    assert desk.drawn is not None


def test_what_a_long_run_has_found_so_far_is_drawn(desk, monkeypatch):
    desk.answers.slow = True
    desk.set = Controls("cells", task="everything")
    desk.controller.run()
    key = desk.controller.work.request.key
    desk.answers.kept.add(key)
    desk.answers.partial[key] = {"waiting": True}
    desk.on_step("tile 1 of 9")
    assert desk.drawn.waiting
    drawn = desk.drawn
    desk.on_step("tile 2 of 9")
    assert desk.drawn is drawn, "not more often than once in a while"
    assert desk.told[-1] == (State.WORKING, "tile 2 of 9")


# ---------------------------------------------------------------- what fails


def test_what_failed_is_not_tried_again_by_itself_but_by_run(desk):
    desk.answers.points.append((3, 3))
    desk.answers.failing = ModelError("mine.pt is damaged.")
    desk.controller.update()
    desk.finish()
    assert desk.reported == [desk.answers.failing]
    for _ in range(3):
        desk.answers.points.append((4, 4))
        desk.controller.update()
        assert desk.running is None
        assert desk.told[-1] == (State.FAILED, "mine.pt is damaged.")
    desk.answers.failing = None
    desk.controller.run()
    desk.finish()
    assert desk.drawn is not None
    assert desk.controller.failure is None


def test_a_model_that_cannot_be_loaded_is_not_tried_on_other_images_and_another_model_is(desk):
    desk.answers.failing = ModelError("mine.pt is damaged.")
    desk.controller.warm_up("mine.pt", "auto")
    desk.finish()
    desk.answers.points.append((3, 3))
    desk.set = Controls("other cells", model="mine.pt")
    desk.controller.update()
    assert desk.running is None
    desk.set = Controls("other cells", model="nuclei")
    desk.controller.update()
    assert desk.running is not None


def test_an_error_of_somebody_else_is_said_with_its_name(desk):
    desk.answers.points.append((3, 3))
    desk.answers.failing = KeyError("<b>x</b>")
    desk.controller.update()
    desk.finish()
    assert desk.reported == [desk.answers.failing]
    assert "KeyError" in desk.told[-1][1]
    assert "Run tries again" in desk.told[-1][1]


def test_the_failure_of_what_is_not_wanted_any_more_is_not_told(desk):
    desk.answers.points.append((3, 3))
    desk.answers.failing = ImageError("The pixels are gone.")
    desk.controller.update()
    desk.answers.stale = True
    desk.set = None
    desk.finish()
    assert desk.reported == []
    assert desk.state is State.NO_IMAGE


# ---------------------------------------------------------------- downloads


def test_a_download_is_said_and_followed_by_what_is_wanted(desk):
    desk.answers.points.append((3, 3))
    desk.controller.download(lambda: iter(["1 of 7 MB"]))
    assert desk.work_seen == ["download"]
    desk.controller.download(lambda: iter([]))
    assert desk.state is State.BUSY
    desk.finish()
    assert desk.controller.work.kind == "segment"


@pytest.mark.parametrize("error", [None, DownloadCancelled("cancelled")])
def test_a_download_that_is_cancelled(desk, error):
    desk.controller.download(lambda: iter([]))
    desk.running = None
    desk.on_done(error, True)
    assert (desk.state, desk.reported) == (State.DOWNLOAD_CANCELLED, [])
