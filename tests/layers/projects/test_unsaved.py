"""Labels that nobody has saved yet: all that was done on them comes back."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_fastsam.layers.projects.unsaved import UnsavedWork, restorable

SQUARE = np.indices((5, 5)).reshape(2, -1)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_FASTSAM_DATA", str(tmp_path))


def paint(layer: Labels, at: int, label: int) -> None:
    layer.data_setitem(tuple(SQUARE + at), label)


def test_what_was_erased_while_another_layer_was_chosen_does_not_come_back():
    image = Image(np.arange(40_000, dtype=np.uint16).reshape(200, 200), name="cells")
    mine, other = (Labels(np.zeros((200, 200), np.int32), name=name) for name in ("mine", "other"))
    work = UnsavedWork(lambda: None)
    work.follow(image, mine)
    paint(mine, 10, 1)
    paint(mine, 150, 2)
    work.keep()
    work.follow(image, other)
    paint(mine, 10, 0)
    work.follow(image, mine)
    paint(mine, 170, 3)
    work.keep()
    work.end()
    left = restorable(image)
    np.testing.assert_array_equal(left.restore().data, mine.data)
    left.forget()
    assert restorable(image) is None
