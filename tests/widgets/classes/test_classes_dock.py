"""The dock *Classes* in a real window: keys on the canvas, the list, colours, what goes into new objects."""

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QLineEdit

from napari_fastsam.layers.classes.column import classes_of
from napari_fastsam.widgets.classes import ClassesWidget

NUCLEI = ((126, 94), (147, 244))
BESIDE = (133.0, 159.0)


class ClassesBench:
    """A window with both docks, and what a test does with them."""

    def __init__(self, bench, labels) -> None:
        self.bench, self.viewer, self.qtbot = bench, bench.viewer, bench.qtbot
        self.labels = None if labels is None else self.viewer.add_labels(labels.copy(), name="nuclei")
        self.dock = ClassesWidget(self.viewer)
        self.viewer.window.add_dock_widget(self.dock, name="Classes")
        self.viewer.window.activate()
        self.qtbot.wait(50)

    def press(self, yx, key) -> None:
        """Press a key with the cursor at a place."""
        native, at, none = self.bench.canvas.native, self.bench.at(yx), Qt.MouseButton.NoButton
        where = QPointF(at), QPointF(native.mapToGlobal(at))
        # straight to the canvas: where a real pointer is, and who has it, does not matter then
        event = QMouseEvent(QEvent.Type.MouseMove, *where, none, none, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(native, event)
        QApplication.processEvents()
        self.qtbot.keyClick(native, key)

    def click(self, button) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def classes(bench, truth):
    made = []

    def make(labels=truth, two=True):
        one = ClassesBench(bench(show=True), labels)
        made.append(one)
        if two:
            one.click(one.dock.add_button.native)
            one.click(one.dock.add_button.native)
        return one

    yield make
    for one in made:
        one.dock.disconnect_all()


def test_digits_on_the_image_give_objects_classes_whichever_layer_is_active(classes, truth):
    b = classes()
    one, other = (int(truth[place]) for place in NUCLEI)
    b.press(NUCLEI[0], Qt.Key.Key_1)
    b.viewer.layers.selection.active = b.bench.image
    b.press(NUCLEI[1], Qt.Key.Key_2)

    assert classes_of(b.labels) == {one: "class 1", other: "class 2"}
    assert b.labels.mode == "pan_zoom"
    assert b.dock.rows.counts["class 1"].text() == "1"
    assert b.dock.message == f"Label {other} is “class 2” now."
    b.press(NUCLEI[1], Qt.Key.Key_0)
    assert classes_of(b.labels) == {one: "class 1"}


def test_a_class_is_one_step_of_the_docks_history(classes, truth):
    b = classes()
    b.press(NUCLEI[0], Qt.Key.Key_1)
    b.bench.dock.undo()
    assert classes_of(b.labels) == {}
    b.bench.dock.redo()
    assert classes_of(b.labels) == {int(truth[NUCLEI[0]]): "class 1"}
    b.click(b.dock.actions.undo_button.native)
    assert classes_of(b.labels) == {}


def test_ctrl_z_on_the_labels_takes_back_what_came_last(classes, truth):
    b = classes()
    b.viewer.layers.selection.active = b.labels
    native, ctrl = b.bench.canvas.native, Qt.KeyboardModifier.ControlModifier
    b.labels.data_setitem((np.array([5]), np.array([5])), np.array([77]))
    b.press(NUCLEI[0], Qt.Key.Key_1)
    b.qtbot.keyClick(native, Qt.Key.Key_Z, ctrl)
    assert (classes_of(b.labels), b.labels.data[5, 5]) == ({}, 77)
    b.qtbot.keyClick(native, Qt.Key.Key_Z, ctrl)
    assert b.labels.data[5, 5] == truth[5, 5]


def test_objects_that_are_added_get_the_class_that_is_chosen(classes):
    b = classes(labels=None)
    b.press(BESIDE, Qt.Key.Key_2)
    assert b.dock.message == "New objects are “class 2”."
    b.bench.click(NUCLEI[0])
    b.bench.dock.commit()
    assert b.bench.committed.features["class"].tolist() == ["class 2"]
    b.click(b.dock.rows.buttons["class 1"])
    b.bench.click(NUCLEI[1])
    b.bench.dock.commit()
    assert b.bench.committed.features["class"].tolist() == ["class 2", "class 1"]
    b.bench.dock.undo()
    assert b.bench.committed.features["class"].tolist() == ["class 2"]


def test_colours_are_those_of_the_classes_until_they_are_not_wanted(classes, truth):
    b = classes()
    label = int(truth[NUCLEI[0]])
    before = b.labels.colormap
    b.press(NUCLEI[0], Qt.Key.Key_1)
    assert np.allclose(b.labels.get_color(label)[:3], [0xE6 / 255, 0x9F / 255, 0], atol=0.01)
    b.click(b.dock.coloured.native)
    assert b.labels.colormap is not before or b.labels.colormap.name == before.name
    assert not np.allclose(b.labels.get_color(label)[:3], [0xE6 / 255, 0x9F / 255, 0], atol=0.01)


def test_the_layers_own_keys_and_colours_come_back_when_the_dock_goes(classes):
    b = classes()
    own = b.viewer.layers["cells"].keymap.copy()
    b.press(NUCLEI[0], Qt.Key.Key_1)
    b.dock.disconnect_all()
    assert type(b.labels.colormap).__name__ == "CyclicLabelColormap"
    b.viewer.layers.selection.active = b.labels
    b.press(NUCLEI[0], Qt.Key.Key_2)
    assert b.labels.mode == "paint"
    assert len(own) == len(b.viewer.layers["cells"].keymap) + 3


def test_without_the_tick_digits_are_naparis_tools(classes):
    b = classes()
    b.viewer.layers.selection.active = b.labels
    b.click(b.dock.on_image.native)
    b.press(NUCLEI[0], Qt.Key.Key_2)
    assert (b.labels.mode, classes_of(b.labels)) == ("paint", {})


def test_a_name_is_typed_and_one_that_is_taken_is_refused(classes, truth):
    b = classes()
    b.press(NUCLEI[0], Qt.Key.Key_1)
    field: QLineEdit = b.dock.rows.names["class 1"]
    field.selectAll()
    b.qtbot.keyClicks(field, "mitotic 1")
    b.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert classes_of(b.labels) == {int(truth[NUCLEI[0]]): "mitotic 1"}

    field = b.dock.rows.names["class 2"]
    field.selectAll()
    b.qtbot.keyClicks(field, "mitotic 1")
    b.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "two classes of the name" in b.dock.message
    assert b.dock.rows.names["class 2"].text() == "class 2"


def test_a_class_with_objects_is_deleted_from_its_menu_and_undo_brings_it_back(classes, truth):
    b = classes()
    b.press(NUCLEI[0], Qt.Key.Key_1)
    next(a for a in b.dock.rows.menus["class 1"].actions() if a.text() == "Delete").trigger()
    assert "1 object has no class now" in b.dock.message
    assert list(b.dock.rows.names) == ["class 2"]
    b.click(b.dock.actions.undo_button.native)
    assert classes_of(b.labels) == {int(truth[NUCLEI[0]]): "class 1"}
    assert list(b.dock.rows.names) == ["class 1", "class 2"]


def test_another_labels_layer_takes_the_list_and_a_layer_that_goes_is_let_go_of(classes, truth):
    b = classes()
    b.press(NUCLEI[0], Qt.Key.Key_1)
    other = b.viewer.add_labels(truth.copy(), name="other")
    b.dock.layer.value = other
    b.press(NUCLEI[0], Qt.Key.Key_2)
    assert classes_of(other) == {int(truth[NUCLEI[0]]): "class 2"}
    b.viewer.layers.remove(other)
    assert b.dock.layer.value == b.labels
    b.viewer.layers.remove(b.labels)
    assert b.dock.layer.value is None
    assert list(b.dock.rows.names) == ["class 1", "class 2"]


def test_what_is_painted_or_written_by_others_is_counted_soon(classes, truth):
    b = classes()
    number = int(truth.max()) + 1
    b.labels.data_setitem((np.array([5]), np.array([5])), np.array([number]))
    b.labels.features = {"index": [number], "class": ["speck"]}
    b.qtbot.waitUntil(lambda: "speck" in b.dock.rows.counts and b.dock.rows.counts["speck"].text() == "1")


def test_the_dock_is_no_wider_than_320_pixels(classes):
    b = classes()
    assert b.dock.native.width() <= 320


def test_of_a_long_name_the_beginning_is_seen(classes):
    name = "a class whose name is much longer than the field that shows it"
    one = classes()
    one.dock.add_class(name)
    field = one.dock.rows.names[name]
    assert field.cursorPosition() == 0
    assert field.toolTip().startswith(name)


def test_what_is_empty_takes_no_room(classes, truth):
    """Neither the list before there is a class, nor *on all planes* beside a plane."""
    b = classes(two=False)
    dock, guess, rows = b.dock, b.dock.guess, b.dock.rows
    b.viewer.layers.clear()
    b.qtbot.waitUntil(lambda: not rows.isVisible())

    def gap(upper, lower):
        top = upper.mapTo(dock.native, upper.rect().bottomLeft()).y()
        return lower.mapTo(dock.native, lower.rect().topLeft()).y() - top

    b.qtbot.waitUntil(lambda: gap(dock.layer.native, dock.add_button.native) < 10)
    b.qtbot.waitUntil(lambda: gap(guess.sure.native, guess.accept_button.native) < 10)
