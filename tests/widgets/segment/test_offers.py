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
