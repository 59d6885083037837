"""Where little was found there are buttons that do what would give more, and keep what they promise."""

from __future__ import annotations

import numpy as np
import pytest
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
    b.qtbot.waitUntil(lambda: "Use microscopy" in offered(b))
    b.qtbot.mouseClick(offered(b)["Use microscopy"], Qt.MouseButton.LeftButton)
    assert b.dock.model.value == "microscopy"
    b.settle()
    assert "Use microscopy" not in offered(b)


def membranes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells of which only the edges are bright, (256, 256) uint8, and their middles; `nuclei` knows none such."""
    rng = np.random.default_rng(2)
    middles = rng.uniform(0, 256, (count, 2))
    places = np.indices((256, 256))[..., None] - middles.T[:, None, None]
    nearest = np.sort(np.hypot(*places), axis=-1)
    edges = np.exp(-(((nearest[..., 1] - nearest[..., 0]) / 3) ** 2))
    return (40 + 170 * edges + rng.normal(0, 8, edges.shape)).clip(0, 255).astype(np.uint8), middles


@pytest.mark.parametrize("task", ["prompts", "everything"])
def test_the_model_that_is_surer_of_an_image_is_offered_once_it_was_tried(bench, task):
    image, middles = membranes(120)
    y, x = middles[np.abs(middles - 128).max(axis=1).argmin()].round().astype(int)
    b = bench(image, show=True)
    b.dock.task.value = task
    b.click((y, x))
    b.qtbot.waitUntil(lambda: "Use microscopy" in offered(b))
    passes = len(b.dock._engine.session.cache)
    b.qtbot.mouseClick(offered(b)["Use microscopy"], Qt.MouseButton.LeftButton)
    b.settle()
    assert b.dock.model.value == "microscopy"
    assert b.shown[y, x]
    assert len(b.dock._engine.session.cache) == passes, "it was looked at when it was tried"


def test_no_other_model_is_offered_where_this_one_is_sure_whatever_the_confidence(bench):
    b = bench(show=True)
    b.dock.task.value = "everything"
    b.settle()
    assert not b.dock._engine.models.busy
    b.dock.conf.value = 0.95
    b.settle()
    assert b.dock.controller.shown.count < 3
    assert not b.dock._engine.models.busy
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
