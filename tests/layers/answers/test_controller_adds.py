"""What was added does not come again by itself; larger and smaller."""

from __future__ import annotations

import pytest

from napari_fastsam.layers.answers.request import Controls
from napari_fastsam.layers.answers.screen import State

# ---------------------------------------------------------------- added, removed


def test_what_was_added_does_not_come_again_by_itself(desk):
    desk.set = Controls("cells", task="everything")
    desk.controller.update()
    desk.finish()
    result = desk.controller.to_add()
    desk.controller.was_added(result, "labels")
    assert desk.drawn is desk.controller.shown is None
    desk.controller.update()
    assert (desk.state, desk.drawn) == (State.ALREADY_ADDED, None)
    desk.controller.layer_removed("another layer", is_image=False)
    desk.controller.update()
    assert desk.drawn is None
    desk.controller.layer_removed("labels", is_image=False)
    desk.controller.update()
    assert desk.drawn is not None


def test_run_finds_again_what_was_added_when_it_is_pressed_twice(desk):
    desk.set = Controls("cells", task="everything")
    desk.controller.update()
    desk.finish()
    desk.controller.was_added(desk.controller.to_add(), "labels")
    desk.controller.run()
    assert (desk.state, desk.drawn) == (State.ALREADY_ADDED, None)
    desk.controller.run()
    assert desk.drawn is not None
    assert desk.answers.in_place, "pixels may have been painted over"


def test_words_that_were_added_do_not_come_again_with_the_next_prompt(desk):
    desk.set = Controls("cells", texts=("red cell",))
    desk.controller.update()
    desk.finish()
    desk.controller.was_added(desk.controller.to_add(), "labels")
    desk.answers.points.append((3, 3))
    desk.controller.update()
    assert desk.drawn.request.controls.texts == ()
    assert desk.controller.asking.peek(desk.set).controls.texts == ("red cell",)


@pytest.mark.parametrize(
    ("task", "working", "state"),
    [
        ("everything", False, State.STILL_LINKING),
        ("prompts", True, State.STILL_FOLLOWING),
        ("prompts", False, None),
    ],
)
def test_objects_of_a_stack_are_added_whole(clicked, task, working, state):
    clicked.set = Controls("cells", task=task)
    clicked.answers.partial["cells", "nuclei"] = {"waiting": True}
    clicked.controller.update()
    if not working:
        clicked.cancel()
        clicked.finish()
    result = clicked.controller.to_add()
    assert (result is None) == (state is not None)
    assert state is None or clicked.state is state


def test_nothing_to_add(desk):
    assert desk.controller.to_add() is None
    assert desk.state is State.NOTHING_TO_ADD


def test_other_pixels_take_what_is_shown_away(clicked):
    clicked.controller.image_changed("cells")
    assert clicked.drawn is clicked.controller.shown is None
    assert clicked.state is State.NOTHING_SHOWN
    assert clicked.answers.forgotten == ["cells"]


def test_larger_and_smaller_are_shown_and_said(clicked):
    clicked.controller.step(+1)
    assert clicked.told[-1] == (State.STEPPED, "point 1: candidate 3 of 3.")
    assert clicked.drawn is not None
