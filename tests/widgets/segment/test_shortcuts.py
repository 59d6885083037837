"""Every key, pressed for real, whatever layer is active; and a tooltip on every control."""

from __future__ import annotations

import re

import numpy as np
import pytest
from magicgui.widgets import Container, Label
from napari.layers import Shapes
from napari.settings import get_settings
from napari.utils.action_manager import action_manager
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QSlider, QWidget

from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.segments import Segments
from napari_fastsam.widgets.segment.output import LABELS_NAME, PREVIEW_NAME
from napari_fastsam.widgets.segment.parts.correct import VERBS
from napari_fastsam.widgets.segment.shortcuts import KEYS, SHORTCUTS
from napari_fastsam.widgets.segment.tools import MODES

NUCLEI = np.array([[126, 94], [147, 244]], float)


def set_out(b, active):
    """Begin anew in the same viewer: prompts, a preview, and one kind of layer active."""
    for layer in [layer for layer in b.viewer.layers if layer not in (b.image, b.mine)]:
        b.viewer.layers.remove(layer)
    b.dock.task.value, b.dock.live.value = "prompts", True
    points, shapes = b.prompts()
    b.click(NUCLEI[0])
    assert b.shown[126, 94] == 1
    layer = {"points": points, "shapes": shapes, "image": b.image, "labels": b.mine, "none": None}[active]
    b.viewer.layers.selection.active = layer
    if layer is None:
        b.viewer.layers.selection.clear()
    points.selected_data = set()  # or the sign of what is selected is changed too
    b.points, b.active = points, layer


def make_active(b):
    """Go on with the prompts that are there."""
    if b.active is None:
        b.viewer.layers.selection.clear()
    b.viewer.layers.selection.active = b.active
    b.dock.shapes.value.mode, b.points.mode = "add_rectangle", "add"


def press(b, name):
    """Press a key of the table with the keyboard on the canvas."""
    combination = QKeySequence(name.replace("-", "+").replace("Enter", "Return").replace("Delete", "Del"))[0]
    b.canvas.native.setFocus()
    b.key(combination.key(), combination.keyboardModifiers())
    b.settle()


def makes_layers(b):
    before = {layer.name for layer in b.viewer.layers}
    yield
    new = [layer for layer in b.viewer.layers if layer.name not in before]
    assert {type(layer).__name__ for layer in new} == {"Points", "Shapes"}
    assert b.dock.points.value in new
    assert any(isinstance(layer, Shapes) for layer in new)


def turns_the_sign(b):
    assert b.dock.next_point.polarity.text == "+"
    yield
    assert b.dock.next_point.polarity.text == "−"
    b.points.add([NUCLEI[1]])
    assert b.points.features["polarity"].tolist() == ["positive", "negative"]


def keeps_to_this_object(b):
    assert b.dock.next_point.object.text == "new object"
    yield
    assert b.dock.next_point.object.text == "this object (1)"
    b.points.add([NUCLEI[1]])
    assert b.points.features["object"].tolist() == [1, 1]


def joins_points(b):
    b.points.add([NUCLEI[1]])
    b.settle()
    b.points.mode, b.points.selected_data = "select", {0}
    yield
    assert b.points.features["object"].tolist() == [1, 1]
    assert b.dock.next_point.object.text == "new object"
    b.dock.clear_prompts()  # or the next click goes on with the second object's number


def marks_examples(b):
    assert b.dock.example.text == "example"
    yield
    assert b.dock.example.text == "★ example"
    b.points.add([NUCLEI[1]])
    assert b.points.features["polarity"].tolist()[-1] == "example"


def asks_for_words(b):
    b.dock.search.collapse(animate=False)
    yield
    assert b.dock.search.isExpanded()


def changes_the_task(b):
    assert b.dock.task.value == "prompts"
    yield
    assert b.dock.task.value == "everything"
    assert len(b.dock.controller.shown.objects) > 5


def runs(b):
    b.dock.live.value = False
    b.points.add([NUCLEI[1]])
    b.settle()
    assert b.shown[147, 244] == 0
    yield
    assert b.shown[147, 244] == 2


def takes_a_larger_one(b):
    yield
    assert b.status.startswith("point 1: "), b.status
    told = re.search(r"candidate ([2-9] of [2-9]),", b.status)
    assert told or "there is no larger candidate" in b.status
    assert told is None or b.dock.alternatives.which.value == told[1].replace(" of ", "/")


def takes_a_smaller_one(b):
    b.dock.larger()
    b.settle()
    yield
    assert b.status.startswith("point 1: "), b.status
    told = re.search(r"candidate ([1-8] of [2-9]),", b.status)
    assert told or "there is no smaller candidate" in b.status
    assert told is None or b.dock.alternatives.which.value == told[1].replace(" of ", "/")


def adds_to_labels(b):
    shown = b.shown.copy()
    yield
    np.testing.assert_array_equal(b.committed.data, shown)
    assert len(b.points.data) == 0
    assert [layer.name for layer in b.viewer.layers].count(LABELS_NAME) == 1


def clears_prompts(b):
    yield
    assert len(b.points.data) == 0
    assert not b.shown.any()
    assert LABELS_NAME not in b.viewer.layers
    assert b.active is None or b.active in b.viewer.layers, "no layer is deleted"


def points_at_nothing(b):
    """What is under the cursor is taken and rejected in test_hover."""
    b.dock._hover.hide()
    yield
    assert "No object under the cursor" in b.status
    assert len(b.points.data) == 1


def takes_back(b):
    if b.active is b.mine:
        b.mine.paint((5, 5), 3)
    yield
    assert not b.mine.data.any()
    assert len(b.points.data) == (1 if b.active is b.mine else 0)


def does_again(b):
    if b.active is b.mine:
        b.mine.paint((5, 5), 3)
        b.mine.undo()
    else:
        b.dock.undo()
    b.settle()
    yield
    assert b.mine.data.any() == (b.active is b.mine)
    assert len(b.points.data) == 1
    b.mine.undo()


def takes_a_tool(name):
    def check(b):
        yield
        assert b.dock.tool.value == name
        drawn = b.points if name == "point" else b.dock.shapes.value
        assert b.viewer.layers.selection.active == drawn
        assert drawn.mode == MODES[name]

    return check


def corrects(b):
    """A label with a hole, a speck and a neighbour, under the mouse: no key leaves it as it was, or says nothing."""
    before, data = b.dock.labels.value, b.mine.data
    data[100:150, 100:150], data[100:150, 150:160] = 1, 2
    data[120:124, 120:124], data[180:184, 100:104] = 0, 1
    b.mine.refresh()
    b.dock.labels.value, was = b.mine, data.copy()
    b.settle()
    b.qtbot.mouseMove(b.canvas.native, b.at((60, 60)))  # where it is already it would not move
    b.qtbot.mouseMove(b.canvas.native, b.at((140, 110)))
    b.qtbot.wait(20)
    yield
    begun = b.status.startswith(("Merge: point", "Split: point"))
    assert begun or (data != was).any(), b.status
    assert ((data == 2) == (was == 2)).all()
    data[...] = 0
    b.mine.refresh()
    b.dock.labels.value = before


DOES = {
    **dict.fromkeys(VERBS, corrects),
    "take_point": takes_a_tool("point"),
    "take_box": takes_a_tool("box"),
    "take_outline": takes_a_tool("outline"),
    "take_scribble": takes_a_tool("scribble"),
    "make_prompt_layers": makes_layers,
    "toggle_polarity": turns_the_sign,
    "toggle_object": keeps_to_this_object,
    "join": joins_points,
    "toggle_example": marks_examples,
    "focus_words": asks_for_words,
    "toggle_task": changes_the_task,
    "run": runs,
    "larger": takes_a_larger_one,
    "smaller": takes_a_smaller_one,
    "commit": adds_to_labels,
    "clear_prompts": clears_prompts,
    "take_hovered": points_at_nothing,
    "reject_hovered": points_at_nothing,
    "undo": takes_back,
    "redo": does_again,
}


LEAVES_PROMPTS = {*VERBS, "take_point", "take_box", "take_outline", "take_scribble", "take_hovered", "reject_hovered"}
"""Methods after which the next one finds the prompts as they were."""


@pytest.mark.parametrize("active", ["points", "shapes", "image", "labels", "none"])
def test_every_key_does_its_thing(bench, cells, active):
    b = bench(show=True)
    b.mine = b.viewer.add_labels(np.zeros(cells.shape, np.int32), name="mine")
    before = None
    for name, (method, _) in sorted(SHORTCUTS.items(), key=lambda key: key[1][0] not in LEAVES_PROMPTS):
        if before in LEAVES_PROMPTS:
            make_active(b)
        else:
            set_out(b, active)
        before = method
        there = len(b.viewer.layers)
        steps = DOES[method](b)
        next(steps)
        press(b, name)
        assert next(steps, "done") == "done", name
        assert len(b.viewer.layers) >= there, name


def test_enter_of_the_number_block_too(bench):
    b = bench(show=True)
    b.click(NUCLEI[0])
    b.key(Qt.Key.Key_Enter, Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
    b.settle()
    assert LABELS_NAME in b.viewer.layers


def test_run_while_it_runs_cancels(bench, monkeypatch):
    b = bench(show=True)
    cancelled = []
    monkeypatch.setattr(b.dock._engine.runner, "cancel", lambda: cancelled.append(True))
    b.dock.task.value = "everything"
    b.qtbot.waitUntil(lambda: b.dock.controller.work is not None)
    b.key(Qt.Key.Key_R)
    assert cancelled == [True]
    b.settle()


def test_the_dock_lists_every_key_and_buttons_name_theirs(bench):
    b = bench()
    listed = KEYS.as_html()
    for folded in b.dock.native.findChildren(Folded):
        folded.expand(animate=False)  # what is folded is made when it unfolds
    tips = " ".join(widget.toolTip() for widget in b.dock.native.findChildren(QWidget))
    for key, (_, text) in SHORTCUTS.items():
        assert f"<b>{key}</b>" in listed
        assert text in listed
        assert f"({key})" in tips or key == "Shift-Delete", f"{key} is on no control"


def everything_in(container):
    for widget in container:
        if isinstance(widget, Container):
            yield from everything_in(widget)
        elif isinstance(widget, Segments):
            yield from widget.buttons.values()
        else:
            yield widget


def test_every_control_has_a_tooltip(bench):
    b = bench()
    controls = [
        w
        for w in [*everything_in(b.dock), *everything_in(b.dock.search.controls), *everything_in(b.dock.actions)]
        if not isinstance(w, Label)
    ]
    assert len(controls) >= 22
    # a slider is a slider and a number box: magicgui puts the tooltip on the former
    without = [w.name for w in controls if not any(q.toolTip() for q in [w.native, *w.native.findChildren(QSlider)])]
    assert without == []


def test_no_key_is_one_of_napari_or_its_layers(bench, cells):
    b = bench()
    b.prompts()
    b.viewer.add_labels(np.zeros(cells.shape, np.int32))
    # but undo and redo, which mean on a Labels layer what they always do
    wanted = {coerce_keybinding(key) for key in SHORTCUTS if not key.startswith("Ctrl")}
    for layer in b.viewer.layers:
        if layer.name != PREVIEW_NAME:
            assert not wanted & set(layer.keymap) | wanted & set(type(layer).class_keymap), layer
    ours = {KEYS.action(method) for method, _ in SHORTCUTS.values()}
    napari_s = [k for name, keys in default_shortcuts.items() if name not in ours for k in keys]
    assert not wanted & set(map(coerce_keybinding, napari_s))


@pytest.fixture
def other_keys(tmp_path, monkeypatch):
    """Changes a key as napari's preferences do, and puts it back; what is kept of it goes with the folder."""
    monkeypatch.setattr(get_settings(), "config_path", tmp_path / "settings.yaml")
    changed = {}

    def change(method, key):
        changed[KEYS.action(method)] = action_manager.unbind_shortcut(KEYS.action(method))
        action_manager.bind_shortcut(KEYS.action(method), coerce_keybinding(key))
        get_settings().shortcuts.shortcuts[KEYS.action(method)] = [coerce_keybinding(key)]

    yield change
    for name, before in changed.items():
        action_manager.unbind_shortcut(name)
        get_settings().shortcuts.shortcuts.pop(name, None)  # a moment after it was changed it is not there any more
        for key in before:
            action_manager.bind_shortcut(name, key)


def test_a_key_that_is_changed_in_the_preferences_works_on_the_canvas_and_in_the_dock(bench, other_keys):
    b = bench(show=True)
    other_keys("toggle_task", "Shift-L")
    b.qtbot.wait(50)
    b.canvas.native.setFocus()
    b.key(Qt.Key.Key_E)
    assert b.dock.task.value == "prompts", "the old key is free"
    b.key(Qt.Key.Key_L)
    assert b.dock.task.value == "everything"
    press_in_dock(b, b.dock.task.buttons["prompts"].native, Qt.Key.Key_L)
    assert b.dock.task.value == "prompts"
    assert "<b>Shift-L</b>" in KEYS.as_html()


def press_in_dock(b, widget, key):
    widget.window().activateWindow()
    widget.setFocus()
    b.qtbot.waitUntil(widget.hasFocus)
    b.qtbot.keyClick(widget, key, Qt.KeyboardModifier.ShiftModifier)
    b.qtbot.keyRelease(widget, Qt.Key.Key_Shift)


def test_keys_work_in_the_dock_but_not_in_a_text_field(bench):
    b = bench(show=True)
    press_in_dock(b, b.dock.tool.buttons["point"].native, Qt.Key.Key_B)
    assert b.dock.tool.value == "box"
    press_in_dock(b, b.dock.tool.buttons["box"].native, Qt.Key.Key_D)
    assert b.dock.tool.value == "point"
    b.dock.focus_words()
    press_in_dock(b, b.dock.search.words.native, Qt.Key.Key_B)
    assert b.dock.tool.value == "point"
    assert b.dock.search.words.value.upper() == "B"


@pytest.mark.parametrize("where", ["canvas", "dock"])
def test_the_list_of_keys_is_one_key_away(bench, where):
    b = bench(show=True)
    widget = b.canvas.native if where == "canvas" else b.dock.tool.buttons["point"].native
    widget.window().activateWindow()
    widget.setFocus()
    b.qtbot.waitUntil(widget.hasFocus)
    for unfolded in (True, False):
        b.qtbot.keyClick(widget, "?")
        assert b.dock._keys.isExpanded() == unfolded
