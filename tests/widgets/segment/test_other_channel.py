"""A click where the channel searched shows nothing: the channel is named, and the one that shows it is offered."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_fastsam.layers.answers.other_channels import contrast_at

NUCLEUS = (126, 94)


@pytest.fixture
def rfp(cells):
    """A channel with nothing but noise."""
    return np.random.default_rng(0).poisson(20, cells.shape).astype(np.uint16)


@pytest.fixture
def two(bench, cells, rfp):
    b = bench(cells, show=True)
    b.image.name = "DAPI"
    b.viewer.add_image(rfp, name="RFP", contrast_limits=(0, 200))
    b.settle()
    assert b.dock.image.value.name == "RFP"
    return b


def test_a_click_names_the_channel_and_searches_in_the_other_one(two):
    b = two
    b.prompts()
    b.mouse_click(NUCLEUS)
    button = b.dock._panels.channels.search_in
    assert button.visible
    assert button.text == "Search in “DAPI”"
    assert b.dock.message == "“RFP” shows nothing there, “DAPI” does."
    b.qtbot.mouseClick(button.native, Qt.MouseButton.LeftButton)
    b.settle()
    assert b.dock.image.value.name == "DAPI"
    assert b.dock.controller.shown.count == 1
    assert b.shown[NUCLEUS] > 0
    assert not button.visible


def test_along_an_axis_of_channels(bench, cells, rfp):
    b = bench(np.stack([rfp, cells.astype(np.uint16)]), axis_labels=("c", "y", "x"), contrast_limits=(0, 80))
    b.dock.make_prompt_layers()
    b.dock.points.value.add([[0, *NUCLEUS]])
    b.settle()
    button = b.dock._panels.channels.search_in
    assert button.text == "Search in “channel 1 of cells”"
    button.native.click()
    b.settle()
    assert b.viewer.dims.current_step[0] == 1


def test_beside_another_stack_the_channel_is_where_the_image_has_it(bench, cells, rfp):
    """The slider's steps count from where the first of all layers begins."""
    b = bench(np.stack([rfp, cells.astype(np.uint16)]), axis_labels=("c", "y", "x"), contrast_limits=(0, 80))
    image = b.image
    b.viewer.add_image(np.zeros((9, 16, 16), np.uint8), translate=(-5, 0, 0))
    b.dock.image.value = image
    b.dock.make_prompt_layers()
    b.viewer.dims.set_point(0, 0)
    b.dock.points.value.add([[0, *NUCLEUS]])
    b.settle()
    b.dock._panels.channels.search_in.native.click()
    b.settle()
    assert b.viewer.dims.point[0] == 1


def test_a_name_with_an_ampersand_is_read_on_the_button(two):
    b = two
    b.viewer.layers["DAPI"].name = "DAPI & GFP"
    b.prompts()
    b.mouse_click(NUCLEUS)
    assert b.dock._panels.channels.search_in.text == "Search in “DAPI && GFP”", "Qt shows one of two"


def test_nothing_is_offered_where_no_channel_shows_anything(two):
    b = two
    b.prompts()
    b.click((133, 159))
    assert not b.dock._panels.channels.search_in.visible


@pytest.mark.parametrize("diameter", [8, 30, 100, 200])
def test_objects_of_any_size_have_contrast_and_noise_has_none(diameter):
    rows, columns = np.mgrid[:600, :600]
    disk = np.hypot(rows - 300, columns - 300) < diameter / 2
    noise = np.random.default_rng(1).normal(0, 10, disk.shape)
    assert contrast_at(disk * 100 + noise, (300, 300)) > 0.3
    assert contrast_at(100 - disk * 100 + noise, (300, 300)) > 0.3
    assert contrast_at(noise, (300, 300)) < 0.1
    assert contrast_at(np.zeros((600, 600)), (300, 300)) == 0
    assert contrast_at(np.full((600, 600), np.nan), (300, 300)) == 0
