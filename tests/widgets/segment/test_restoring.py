"""What was annotated on a single image and not saved is offered when the image is opened again."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QPushButton


def offered(bench: Any) -> list[str]:
    return [one.text for one in bench.dock._engine.restoring.offers]


def looked(bench: Any) -> None:
    restoring = bench.dock._engine.restoring
    bench.qtbot.waitUntil(lambda: not restoring._look_soon.isActive() and not restoring._keep_soon.isActive())


def paint(bench: Any) -> np.ndarray:
    """Paint two objects into a Labels layer on the image, and end without saving."""
    layer = bench.viewer.add_layer(Labels(np.zeros(bench.image.data.shape, np.int32), name="mine"))
    bench.dock.labels.value = layer
    looked(bench)
    layer.paint((50, 60), 3)
    looked(bench)
    layer.paint((150, 60), 4)
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
