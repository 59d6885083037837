"""What is asked, worked on and shown, step by step: without Qt, a viewer or a network."""

from __future__ import annotations

from napari_fastsam.errors import ParameterError
from napari_fastsam.layers.answers.request import Controls
from napari_fastsam.layers.answers.screen import State

# ---------------------------------------------------------------- asked, in the cache, worked on, shown


def test_without_an_image_nothing_is_asked(desk):
    desk.set = None
    desk.controller.update()
    assert (desk.state, desk.removed, desk.running) == (State.NO_IMAGE, 1, None)


def test_without_a_prompt_nothing_is_worked_on(desk):
    desk.controller.update()
    assert (desk.state, desk.running) == (State.NOTHING_ASKED, None)


def test_what_cannot_be_asked_is_said_and_not_reported(desk):
    for wrong, said in ((ParameterError("min is above max"), "min is above max"), (None, "There are no pixels here.")):
        desk.wrong, desk.set = wrong, Controls("broken")
        desk.controller.update()
        assert desk.told[-1] == (State.FAILED, said)
    assert desk.reported == []


def test_a_click_is_worked_on_and_shown_and_the_next_is_in_the_cache(desk):
    desk.answers.points.append((3, 3))
    desk.controller.update()
    assert desk.drawn is None
    assert desk.controller.work.kind == "segment"
    desk.finish()
    assert desk.state is State.ANSWERED
    assert desk.controller.work is None
    assert desk.work_seen == ["segment", ""]
    desk.answers.points.append((5, 5))
    desk.controller.update()
    assert len(desk.drawn.request.read.prompts) == 2
    assert desk.running is None
    assert len(desk.answers.worked) == 1


def test_what_changes_while_work_runs_is_answered_after_it_and_no_stale_answer_is_shown(desk):
    desk.answers.points.append((3, 3))
    desk.controller.update()
    desk.set = Controls("cells", model="another")
    desk.controller.update()
    first = desk.running
    desk.finish()
    assert desk.drawn is None, "it is for the other model"
    assert desk.running not in (None, first)
    desk.finish()
    assert desk.drawn.request.controls.model == "another"
    assert [r.controls.model for r in desk.answers.worked] == ["nuclei", "another"]


def test_a_result_stays_while_the_same_plane_is_worked_on_again_and_goes_for_another_image(clicked):
    clicked.set = Controls("cells", model="another")
    clicked.controller.update()
    assert clicked.drawn is not None
    clicked.finish()
    clicked.set = Controls("other cells")
    clicked.controller.update()
    assert clicked.drawn is clicked.controller.shown is None


def test_a_part_of_an_answer_is_shown_and_the_rest_worked_on(clicked):
    key = clicked.drawn.request.key
    clicked.answers.partial[key] = {"missing": ("a crop",)}
    clicked.controller.update()
    assert clicked.drawn.missing
    assert clicked.running is not None
    clicked.finish()
    assert clicked.drawn.complete


def test_while_live_is_off_only_run_answers(desk):
    desk.is_live = False
    desk.answers.points.append((3, 3))
    desk.controller.update()
    assert (desk.state, desk.running) == (State.LIVE_IS_OFF, None)
    desk.controller.run()
    desk.finish()
    assert desk.drawn is not None


def test_at_once_only_what_takes_no_more_than_pixels(clicked):
    clicked.answers.count = 2
    assert clicked.controller.draw_at_once()
    assert clicked.drawn.count == 2
    clicked.has_preview = False
    assert not clicked.controller.draw_at_once(), "a new layer has to wait until napari's event is over"
    clicked.has_preview = True
    clicked.set = Controls("cells", model="another")
    assert not clicked.controller.draw_at_once()
    assert clicked.running is None
