"""Where little was found there are buttons that do what would give more, and keep what they promise."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton


def offered(b) -> dict[str, QPushButton]:
    buttons = b.dock.headline._offers.findChildren(QPushButton)
    return {button.text(): button for button in buttons if not button.isHidden()}


def test_a_lower_confidence_is_offered_and_brings_as_many_as_it_says(bench):
    b = bench(show=True)
    b.dock.task.value = "everything"
    b.settle()
    assert b.dock.controller.shown.count > 5
    assert not offered(b), "enough was found"
    b.dock.conf.value = 0.95
    b.settle()
    few = b.dock.controller.shown.count
    assert few < 3
    (text,) = [text for text in offered(b) if text.startswith("Lower confidence to 0.3 · ")]
    more = int(text.split("· ")[1].split()[0])
    b.qtbot.mouseClick(offered(b)[text], Qt.MouseButton.LeftButton)
    b.settle()
    assert b.dock.conf.value == 0.3
    assert b.dock.controller.shown.count == few + more
    assert not offered(b)


def test_another_model_is_offered_where_this_one_is_unsure(bench, cells):
    b = bench(cells[:64, :64] * 0, show=True)
    b.dock.task.value = "everything"
    b.settle()
    assert "Use microscopy" in offered(b)
    b.qtbot.mouseClick(offered(b)["Use microscopy"], Qt.MouseButton.LeftButton)
    assert b.dock.model.value == "microscopy"
    b.settle()
    assert "Use microscopy" not in offered(b)


def test_a_size_that_was_tried_is_offered_and_brings_as_many_as_it_says(bench):
    b = bench(show=True)
    b.dock.task.value = "everything"
    b.settle()
    usual = b.dock.controller.shown.count
    b.dock.diameter.value = 400.0
    b.settle()
    few = b.dock.controller.shown.count
    assert few < 3
    b.qtbot.waitUntil(lambda: any("object" in text for text in offered(b)), timeout=60_000)
    (text,) = [text for text in offered(b) if "object" in text]
    more = int(text.split("· ")[1].split()[0])
    assert few + more > usual / 2
    b.qtbot.mouseClick(offered(b)[text], Qt.MouseButton.LeftButton)
    b.settle()
    assert b.dock.diameter.value != 400.0
    assert b.dock.controller.shown.count == few + more
    assert not any("object" in text for text in offered(b))


def test_no_size_is_tried_where_enough_was_found(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    assert not b.dock._engine.sizes.busy
    b.click((126, 94))
    assert not b.dock._engine.sizes.busy


def test_a_trial_gives_way_to_what_the_user_asks_for(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.dock.diameter.value = 400.0
    b.settle()
    sizes = b.dock._engine.sizes
    assert sizes.busy
    b.dock.diameter.value = 0.0
    b.settle()
    b.qtbot.waitUntil(lambda: not sizes.busy)
    assert not offered(b)
