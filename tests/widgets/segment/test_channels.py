"""Channels that are ticked in the dock are seen together as colours: layers of one place, or along an axis."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_fastsam.core.image.channels import COLOURED, colour_plane
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.recipes import load_recipe
from napari_fastsam.layers.planes.channels import axes_of_channels, layers_at
from napari_fastsam.model.asking.segment import segment
from napari_fastsam.model.network import segmenter
from napari_fastsam.runs import work

LIMITS = (0.0, 80.0)


@pytest.fixture
def halves(cells):
    """The nuclei of the left half in one channel, those of the right half in the other, at a tenth of the intensity."""
    left, right = cells.astype(np.uint16) * 10, cells.astype(np.uint16)
    left[:, 160:], right[:, :160] = 0, 0
    return left, right


def ticks(panel):
    return {panel.list.item(row).text(): panel.list.item(row) for row in range(panel.list.count())}


def tick_by_mouse(b, panel, name):
    item = ticks(panel)[name]
    box = panel.list.visualItemRect(item)
    place = box.center()
    place.setX(box.left() + 9)
    b.qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QApplication.processEvents()
    b.settle()


def together(planes, limits):
    model = segmenter.load_model("nuclei", "auto")
    return segment(model, colour_plane(planes, limits=limits), contrast_limits=COLOURED)


def test_layers_are_ticked_by_mouse_and_seen_in_limits_of_their_own(bench, halves, tmp_path):
    left, right = halves
    b = bench(left, contrast_limits=(0, 800), show=True)
    b.viewer.add_image(right, name="right", contrast_limits=LIMITS)
    b.viewer.add_image(right[:100], name="smaller")
    b.viewer.layers.selection.active = b.image
    b.settle()
    panel = b.dock._panels.channels
    panel.expand()
    b.qtbot.wait(50)
    assert set(ticks(panel)) == {"cells", "right"}
    b.dock.task.value = "everything"
    b.settle()
    alone = b.dock.controller.shown.count
    tick_by_mouse(b, panel, "cells")
    tick_by_mouse(b, panel, "right")
    expected = together(halves, [(0, 800), LIMITS])
    assert b.dock.controller.shown.count == len(expected) > alone
    assert "magenta" in panel.hint.text()
    recipe = load_recipe(b.dock.save_recipe(tmp_path / "recipe.json"))
    assert recipe.parameters.channels == (0, 1)
    assert recipe.parameters.channel_limits == ((0, 800), LIMITS)
    assert recipe.parameters.contrast_limits is None
    b.viewer.layers["right"].contrast_limits = (0, 8000)
    b.settle()
    assert b.dock.controller.shown.count < len(expected)


def test_a_recipe_gives_the_same_on_the_file(bench, halves, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "load_model", lambda name: segmenter.load_model(name, "auto"))
    b = bench(halves[0], contrast_limits=(0, 800))
    right = b.viewer.add_image(halves[1], name="right", contrast_limits=LIMITS)
    b.settle()
    b.dock.task.value = "everything"
    b.dock._panels.channels.tick(b.image, right)
    b.settle()
    recipe = load_recipe(b.dock.save_recipe(tmp_path / "recipe.json"))
    tifffile.imwrite(tmp_path / "both.tif", np.stack(halves), metadata={"axes": "CYX"}, photometric="minisblack")
    asked = recipe.parameters
    both = Input(tmp_path / "both.tif", channels=asked.channels, channel_limits=asked.channel_limits)
    work.do_image(recipe, both, tmp_path / "labels.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "labels.tif"), b.shown)


def test_channels_along_an_axis_whichever_is_shown(bench, halves):
    b = bench(np.stack(halves), axis_labels=("c", "y", "x"))
    panel = b.dock._panels.channels
    panel.tick(0, 1, axis=0)
    b.dock.task.value = "everything"
    b.settle()
    expected = together(halves, None)
    assert b.dock.controller.shown.count == len(expected)
    key = b.dock.controller.shown.request.key
    b.viewer.dims.set_current_step(0, 1)
    b.settle()
    assert b.dock.controller.shown.request.key == key
    (entry,) = b.dock.commit().metadata["napari-fastsam"]
    assert (entry["channels"], entry["channel_limits"]) == ([0, 1], ())


def test_planes_along_the_axis_of_the_channels_are_refused(bench, halves):
    b = bench(np.stack(halves))
    b.dock._panels.channels.tick(0, 1, axis=0)
    b.dock.task.value, b.dock.region.value = "everything", "stack"
    b.settle()
    assert "holds the channels that are combined" in b.status


def test_no_more_than_three(bench, halves):
    b = bench(np.stack([*halves, *halves]))
    panel = b.dock._panels.channels
    panel.tick(0, 1, 3, axis=0)
    assert [bool(item.flags() & Qt.ItemFlag.ItemIsEnabled) for item in ticks(panel).values()] == [
        True, True, False, True,
    ]  # fmt: skip


def test_new_data_of_a_channel_are_seen(bench, halves):
    b = bench(halves[0], contrast_limits=(0, 800))
    right = b.viewer.add_image(np.zeros_like(halves[1]), name="right", contrast_limits=LIMITS)
    b.viewer.layers.selection.active = b.image
    b.dock._panels.channels.tick(b.image, right)
    b.dock.task.value = "everything"
    b.settle()
    before = b.dock.controller.shown.count
    right.data = halves[1]
    b.settle()
    assert b.dock.controller.shown.count == len(together(halves, [(0, 800), LIMITS])) > before


def test_a_layer_that_goes_is_no_channel_any_more(bench, halves):
    b = bench(halves[0], contrast_limits=(0, 800))
    right = b.viewer.add_image(halves[1], name="right", contrast_limits=LIMITS)
    panel = b.dock._panels.channels
    panel.tick(b.image, right)
    assert len(panel.value) == 2
    b.viewer.layers.remove(right)
    b.settle()
    assert panel.value == ()
    assert set(ticks(panel)) == {"cells"}


def test_layers_elsewhere_and_colours_are_no_channels(make_napari_viewer):
    viewer = make_napari_viewer()
    image = viewer.add_image(np.zeros((3, 20, 30)), name="a", scale=(1, 2, 2))
    viewer.add_image(np.zeros((3, 20, 30)), name="moved", scale=(1, 2, 2), translate=(0, 2, 0))
    viewer.add_image(np.zeros((3, 20, 30)), name="other scale", scale=(1, 1, 2))
    viewer.add_image(np.zeros((3, 20, 30, 3)), name="colours", rgb=True, scale=(1, 2, 2))
    same = viewer.add_image(np.ones((3, 20, 30)), name="same", scale=(1, 2, 2))
    assert layers_at(viewer, image) == [image, same]
    assert axes_of_channels(viewer, image) == [0]
