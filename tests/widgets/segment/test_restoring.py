"""What was annotated on a single image and not saved is offered when the image is opened again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QPushButton

from napari_fastsam.io.projects import journal
from napari_fastsam.io.projects.annotations import AnnotationFolder
from napari_fastsam.io.projects.places import unsaved_folder
from napari_fastsam.io.results.results import OutputError
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.preview import pyramid


def offered(bench: Any) -> list[str]:
    return [one.text for one in bench.dock._engine.restoring.offers]


def looked(bench: Any) -> None:
    restoring = bench.dock._engine.restoring
    bench.qtbot.waitUntil(lambda: not restoring._look_soon.isActive() and not restoring._keep_soon.isActive())


def paint(bench: Any, *more: int) -> np.ndarray:
    """Paint two objects into a Labels layer on the image, and others at these columns, and end without saving."""
    layer = bench.viewer.add_layer(Labels(np.zeros(bench.image.data.shape, np.int32), name="mine"))
    bench.dock.labels.value = layer
    looked(bench)
    layer.paint((50, 60), 3)
    looked(bench)
    layer.paint((150, 60), 4)
    looked(bench)
    for column in more:
        layer.paint((150, column), column)
        looked(bench)
    bench.dock.disconnect_all()
    return layer.data.copy()


def test_objects_that_were_not_saved_are_restored_by_a_button(bench):
    first = bench()
    looked(first)
    assert offered(first) == []
    expected = paint(first)

    again = bench()
    looked(again)
    assert offered(again)[0] == "Restore 2 objects"
    buttons = {b.text(): b for b in again.dock.headline.findChildren(QPushButton)}
    buttons["Restore 2 objects"].click()
    layer = again.dock.labels.value
    np.testing.assert_array_equal(layer.data, expected)
    assert offered(again) == []
    layer.paint((200, 200), 5)
    looked(again)
    again.dock.disconnect_all()

    third = bench()
    looked(third)
    assert offered(third)[0] == "Restore 3 objects"


def test_what_is_discarded_is_not_offered_again(bench):
    paint(bench())
    again = bench()
    looked(again)
    again.dock._engine.restoring.discard()
    again.dock.disconnect_all()
    third = bench()
    looked(third)
    assert offered(third) == []


def test_what_was_left_of_another_image_is_not_offered(bench, cells):
    paint(bench())
    other = bench(np.ascontiguousarray(cells[::-1]))
    looked(other)
    assert offered(other) == []


def test_what_can_be_restored_is_said_until_somebody_decides(bench):
    paint(bench())
    again = bench()
    looked(again)
    said = "2 objects of cells can be restored."
    assert again.dock.message.startswith(said)
    again.click((126, 94))
    assert again.dock.message.startswith(said)
    assert len(again.dock.message) > len(said), "and what was found"
    again.dock._engine.restoring.discard()
    again.click((147, 244))
    assert "restored" not in again.dock.message


def test_it_is_offered_with_its_image_and_not_with_another(bench, cells):
    paint(bench())
    again = bench()
    looked(again)
    other = again.viewer.add_image(np.ascontiguousarray(cells[::-1]), name="other")
    again.settle()
    assert again.dock.image.value is other
    assert "restored" not in again.dock.message
    looked(again)
    assert offered(again) == []
    again.dock.image.value = again.image
    again.settle()
    assert again.dock.message.startswith("2 objects of cells can be restored.")
    looked(again)
    assert offered(again)[0] == "Restore 2 objects"
    again.dock._engine.restoring.restore()
    assert offered(again) == []


def left_journals() -> list[Path]:
    return list(unsaved_folder().glob("*/*/journal.bin"))


def damage(step: int) -> None:
    """Change a byte of a step of the journal that was left."""
    (file,) = left_journals()
    content = bytearray(file.read_bytes())
    places = [i for i in range(len(content)) if content.startswith(journal.MARKER, i)]
    content[places[step] + 20] ^= 255  # the first record names the labels that the steps are put on
    file.write_bytes(bytes(content))


def test_it_is_offered_for_an_image_that_comes_when_the_dock_is_open(bench, cells):
    paint(bench())
    again = bench(None)
    looked(again)
    again.viewer.add_image(cells, name="cells", contrast_limits=(0, 80))
    again.settle()
    looked(again)
    assert offered(again)[0] == "Restore 2 objects"


def test_it_is_offered_once_more_when_its_image_was_closed_and_opened_again(bench, cells):
    paint(bench())
    again = bench()
    looked(again)
    again.viewer.layers.clear()
    again.viewer.add_image(cells, name="cells", contrast_limits=(0, 80))
    again.settle()
    looked(again)
    assert offered(again)[0] == "Restore 2 objects"


def test_it_is_offered_though_the_image_was_renamed(bench):
    first = bench()
    first.image.name = "DAPI"
    paint(first)
    again = bench()
    looked(again)
    assert offered(again)[0] == "Restore 2 objects"


def test_what_cannot_be_kept_anew_is_not_forgotten(bench, monkeypatch):
    paint(bench())
    again = bench()
    looked(again)

    def full(*_: Any) -> None:
        raise OutputError("journal.bin cannot be written: No space left on device; make room there")

    with monkeypatch.context() as patch:
        patch.setattr(AnnotationFolder, "append", full)
        again.dock._engine.restoring.restore()
        looked(again)
    assert left_journals()


def test_damage_is_said_and_what_was_before_it_is_restored(bench):
    paint(bench(), 160)
    damage(2)
    again = bench()
    looked(again)
    assert again.dock.message.startswith("1 object of cells can be restored. ")
    assert "1 later steps are not" in again.dock.message
    again.dock._engine.restoring.restore()
    assert np.unique(again.dock.labels.value.data).tolist() == [0, 3]


def test_a_journal_of_which_nothing_can_be_read_is_said_and_kept_until_it_is_discarded(bench):
    paint(bench())
    damage(1)
    again = bench()
    looked(again)
    assert "1 later steps are not" in again.dock.message
    assert offered(again) == ["Discard"]
    assert left_journals()
    again.dock._engine.restoring.discard()
    assert not left_journals()


def test_labels_of_more_axes_than_the_image_are_restored(bench):
    first = bench()
    layer = first.viewer.add_layer(Labels(np.zeros((3, *first.image.data.shape), np.int32), name="mine"))
    first.dock.labels.value = layer
    looked(first)
    layer.data_setitem((np.array([1]), np.array([50]), np.array([60])), 3)
    looked(first)
    first.dock.disconnect_all()
    again = bench()
    looked(again)
    again.dock._engine.restoring.restore()
    assert again.dock.labels.value.data[1, 50, 60] == 3


def test_a_large_layer_is_restored_as_the_pyramid_that_it_was(bench):
    image = np.zeros((8300, 8300), np.uint8)
    first = bench(image)
    layer = first.viewer.add_layer(Labels(pyramid(np.zeros(image.shape, np.int32), (0, 1)), name="mine"))
    first.dock.labels.value = layer
    looked(first)
    write_pixels(layer, [((np.arange(5), np.arange(5)), np.full(5, 3, np.int32))], "")
    looked(first)
    first.dock.disconnect_all()
    again = bench(image)
    looked(again)
    restored = again.dock._engine.restoring.restore()
    assert restored.multiscale
    assert restored.data[0][4, 4] == 3
