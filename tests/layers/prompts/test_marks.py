"""What prompts look like: which number, which sign, and whether something was found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from napari.layers import Image, Points, Shapes
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.recorder import Recorder
from napari_fastsam.layers.labels.colours import PALETTE
from napari_fastsam.layers.prompts.features import COUNTER_EXAMPLE, EXAMPLE, NEGATIVE, POSITIVE
from napari_fastsam.layers.prompts.marks import (
    COLOURS,
    EDGE_PIXELS,
    METADATA_KEY,
    SCREEN_PIXELS,
    SYMBOLS,
    fit_to_screen,
    mark,
    marks,
)
from napari_fastsam.layers.prompts.new import new_points, new_shapes, remove_rows, set_polarity

SIGNS = (POSITIVE, NEGATIVE, EXAMPLE, COUNTER_EXAMPLE)
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""Machado, Oliveira & Fernandes 2009, severity 1, for linear red, green and blue."""


@pytest.fixture
def image() -> Image:
    return Image(np.zeros((200, 100)), contrast_limits=(0, 1), scale=(0.5, 0.5))


def of_all_signs(image: Image) -> Points:
    points = new_points(image)
    for row, sign in enumerate(SIGNS):
        set_polarity(points, sign)
        points.add([[row, row]])
    return points


def numbers(layer):
    return [str(text).strip() for text in layer.text.values]


def hollow(layer):
    return [row for row, alpha in enumerate(layer.face_color[:, 3]) if alpha == 0]


def lab(colours, vision):
    """CIELAB of colours as someone sees them."""
    srgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(VISION[vision]).T, 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart_whatever_one_sees(vision):
    signs, preview = lab(COLOURS.values(), vision), lab(PALETTE, vision)
    assert min(deltaE_ciede2000(one, other) for one, other in itertools.combinations(signs, 2)) > 15
    assert min(deltaE_ciede2000(one, other) for one in signs for other in preview) > 6


def test_colours_are_seen_on_dark_and_on_light_images():
    lightness = lab(COLOURS.values(), "normal")[:, 0]
    assert lightness.min() >= 50
    assert lightness.max() <= 70


def test_each_sign_has_a_form_and_a_colour_of_its_own(image):
    points = of_all_signs(image)
    mark(points, {})
    assert len({str(symbol) for symbol in points.symbol}) == len({tuple(c) for c in points.face_color}) == 4
    assert [str(symbol) for symbol in points.symbol] == ["disc", "x", "star", "diamond"]


def test_the_numbers_are_those_of_messages_after_points_were_removed(image):
    points = of_all_signs(image)
    mark(points, {})
    assert numbers(points) == ["1", "2", "3", "4"]
    remove_rows(points, {1})
    mark(points, {})
    assert numbers(points) == ["1", "2", "3"]


def test_what_has_no_object_is_hollow_and_keeps_the_colour_of_its_sign(image):
    points = of_all_signs(image)
    mark(points, {0: False, 1: False, 2: True})
    assert hollow(points) == [0, 1]
    np.testing.assert_allclose(points.border_color[:2], marks(SIGNS[:2], [False] * 2, [1, 2]).colour)
    # of other planes nothing is said: they stay as they are
    mark(points, {1: True})
    assert hollow(points) == [0]


def test_a_row_that_is_gone_by_now_does_no_harm(image):
    points = of_all_signs(image)
    mark(points, {9: False})
    assert hollow(points) == []


def test_shapes_say_their_number_and_sign_in_words(image):
    shapes = new_shapes(image)
    for row, sign in enumerate((POSITIVE, NEGATIVE, EXAMPLE, COUNTER_EXAMPLE)):
        set_polarity(shapes, sign)
        shapes.add_paths([[[row, 0], [row, 50]]])
    mark(shapes, {0: True, 1: False, 2: True, 3: True})
    assert numbers(shapes) == ["1", "2 −", "3 example", "4 counter-example"]
    assert hollow(shapes) == [1]
    assert shapes.face_color[0, 3] < 0.2, "what lies in a box is seen"


def test_the_next_point_has_the_form_of_its_sign_at_once(image):
    points = of_all_signs(image)
    mark(points, {3: False})
    for sign in SIGNS:
        set_polarity(points, sign)
        points.add([[9, 9]])
        assert str(points.symbol[-1]) == SYMBOLS[sign]
        assert points.face_color[-1, 3] == 1
        np.testing.assert_allclose(points.face_color[-1], marks([sign], [True], [1]).face[0])


@pytest.mark.parametrize("kind", [Points, Shapes])
def test_layers_of_ones_own_are_left_alone(kind):
    layer = Points(np.ones((2, 2))) if kind is Points else Shapes([np.eye(4, 2), np.eye(4, 2)])
    before = layer.face_color.copy(), np.array(layer.text.values)
    mark(layer, {0: False})
    fit_to_screen(layer)
    np.testing.assert_array_equal(layer.face_color, before[0])
    np.testing.assert_array_equal(layer.text.values, before[1])


def test_a_layer_of_ones_own_may_ask_for_marks():
    points = Points(np.eye(3, 2), features={"label": [1, 0, 1]}, metadata={METADATA_KEY: "prompts"})
    mark(points, {2: False})
    assert [str(symbol) for symbol in points.symbol] == ["disc", "x", "disc"]
    assert numbers(points) == ["1", "2", "3"]
    assert hollow(points) == [2]


@pytest.mark.parametrize("make", [new_points, new_shapes])
def test_a_layer_without_prompts(image, make):
    mark(make(image), {})


def test_selection_mode_and_what_is_next_stay(image):
    points = of_all_signs(image)
    points.mode, points.selected_data = "select", {0}
    set_polarity(points, NEGATIVE)
    mark(points, {0: True, 2: False})
    assert (str(points.mode), set(points.selected_data)) == ("select", {0})
    assert points.feature_defaults["polarity"].iloc[0] == NEGATIVE
    assert hollow(points) == [2]
    assert [str(symbol) for symbol in points.symbol] == ["x", "x", "star", "diamond"]


def test_marks_are_no_steps(image):
    points, shapes = of_all_signs(image), new_shapes(image)
    shapes.add_rectangles([[[0, 0], [9, 9]]])
    recorder, told = Recorder(History()), []
    recorder.follow([points, shapes])
    for layer in (points, shapes):
        layer.events.data.connect(told.append)
        layer.events.features.connect(told.append)
    with recorder.step("a change"):
        for layer in (points, shapes):
            mark(layer, {0: False})
            layer.scale_factor = 7
            fit_to_screen(layer)
    assert recorder.history.done is None
    assert told == []


def test_what_is_so_already_is_not_drawn_again(image):
    points = of_all_signs(image)
    mark(points, {0: False})
    told = []
    for name in ("face_color", "border_color", "border_width", "symbol", "size"):
        getattr(points.events, name).connect(told.append)
    points.text.events.connect(told.append)
    mark(points, {0: False})
    assert told == []


@pytest.mark.parametrize("zoom", [0.05, 1, 40])
def test_marks_are_as_large_on_the_screen_at_every_zoom(image, zoom):
    points, shapes = of_all_signs(image), new_shapes(image)
    shapes.add_rectangles([[[0, 0], [9, 9]]])
    points.selected_data = {2}
    for layer in (points, shapes):
        layer.scale_factor = 1 / zoom
        fit_to_screen(layer)
    np.testing.assert_allclose(points.size * 0.5 * zoom, SCREEN_PIXELS, rtol=0.1)
    np.testing.assert_allclose(np.array(shapes.edge_width) * 0.5 * zoom, EDGE_PIXELS, rtol=0.31)
    points.add([[5, 5]])
    assert points.size[-1] == points.size[0]
