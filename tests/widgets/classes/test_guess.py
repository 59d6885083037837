"""Guesses and questions in a real window, with the bundled model."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from skimage.measure import regionprops

from napari_fastsam.layers.classes.column import GUESS, classes_of
from napari_fastsam.widgets.classes import ClassesWidget

LARGE, SMALL = "large", "small"


def test_a_few_classes_teach_the_others_and_ten_answers_more(bench, truth, tmp_path):
    b = bench(show=True)
    labels = b.viewer.add_labels(truth.copy(), name="nuclei")
    dock = ClassesWidget(b.viewer)
    b.viewer.window.add_dock_widget(dock, name="Classes")
    b.viewer.window.activate()
    areas = {one.label: one.area for one in regionprops(truth)}
    order, middle = sorted(areas, key=areas.__getitem__), np.median(list(areas.values()))
    dock.add_class(LARGE)
    dock.add_class(SMALL)

    dock.ask_me()
    assert "press Guess" in dock.message
    dock.classing.give({order[-1]: LARGE, order[-2]: LARGE, order[0]: SMALL, order[1]: SMALL})
    b.qtbot.mouseClick(dock.guess.guess_button.native, Qt.MouseButton.LeftButton)
    b.qtbot.waitUntil(lambda: not dock.guess._runner.busy)
    assert dock.message.startswith("Guessed: ")
    assert set(labels.features[GUESS]) >= {LARGE, SMALL}

    b.qtbot.mouseClick(dock.guess.ask_button.native, Qt.MouseButton.LeftButton)
    first = dock.guess.interview.label
    assert dock.message.startswith(f"1 of 10: is label {first}")
    native = b.canvas.native
    for _ in range(4):
        label = dock.guess.interview.label
        right = LARGE if areas[label] > middle else SMALL
        b.qtbot.keyClick(native, Qt.Key.Key_Y if dock.guess.interview.suggestion == right else Qt.Key.Key_N)
        assert classes_of(labels)[label] == right
    label = dock.guess.interview.label
    b.qtbot.keyClick(native, Qt.Key.Key_2)
    assert classes_of(labels)[label] == SMALL
    b.qtbot.mouseClick(dock.guess.ask_button.native, Qt.MouseButton.LeftButton)
    assert dock.message.startswith("5 answers")

    before = len(classes_of(labels))
    dock.guess.sure.value = 0.6
    b.qtbot.mouseClick(dock.guess.accept_button.native, Qt.MouseButton.LeftButton)
    assert len(classes_of(labels)) > before
    path = dock.save_classifier(tmp_path / "kinds.json")
    dock.load_classifier(path)
    assert dock.guess.guessing.loaded.names == (LARGE, SMALL)
    dock.disconnect_all()
    assert "unsure classes" not in b.viewer.layers


def test_a_second_press_cancels(bench, truth):
    b = bench(show=True)
    b.viewer.add_labels(truth.copy(), name="nuclei")
    dock = ClassesWidget(b.viewer)
    b.viewer.window.add_dock_widget(dock, name="Classes")
    button = dock.guess.guess_button
    for text, message in (("Cancel", ""), ("Guess the others", "Cancelled.")):
        b.qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)
        b.qtbot.waitUntil(lambda text=text: button.text == text)
        assert message in dock.message
    assert dock.guess.guessing.seen is None
    dock.disconnect_all()


@pytest.mark.parametrize("layer", ["image", "labels"])
def test_without_an_image_or_labels_there_is_nothing_to_describe(bench, truth, layer):
    b = bench(show=True)
    if layer == "labels":
        b.viewer.layers.clear()
        b.viewer.add_labels(truth.copy())
    dock = ClassesWidget(b.viewer)
    dock.guess_others()
    assert "Choose the image and the Labels layer" in dock.message
    dock.save_classifier("nowhere.json")
    assert "Nothing is learnt yet" in dock.message
    dock.disconnect_all()
