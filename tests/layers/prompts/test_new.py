"""Prompt layers of our own, and how their next points are set, in layers of others too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Points, Shapes

from napari_fastsam.layers.prompts.new import (
    EXAMPLE,
    NEGATIVE,
    POSITIVE,
    largest_object_number,
    new_points,
    new_shapes,
    next_polarity,
    object_number,
    remove_rows,
    set_object_number,
    set_polarity,
)
from napari_fastsam.layers.prompts.objects import number_of, set_number


@pytest.fixture
def image() -> Image:
    return Image(
        np.zeros((3, 200, 100)),
        contrast_limits=(0, 1),
        scale=(2, 0.5, 0.25),
        translate=(1, 2, 3),
        rotate=15,
        units=("um", "um", "um"),
        axis_labels=("z", "y", "x"),
    )


@pytest.mark.parametrize("make", [new_points, new_shapes])
def test_they_lie_on_the_image(image, make):
    layer = make(image)
    assert layer.ndim == 3
    assert len(layer.data) == 0
    assert layer.units == image.units
    assert layer.axis_labels == image.axis_labels
    for place in ((0, 0, 0), (2, 10, 30)):
        np.testing.assert_allclose(layer.data_to_world(place), image.data_to_world(place))


def test_the_size_follows_the_image_within_what_can_be_seen():
    sizes = [new_points(Image(np.zeros(shape))).current_size for shape in ((20, 20), (1000, 700), (30_000, 10))]
    assert sizes == [3, 10, 16]


def test_points_are_positive_until_told_otherwise(image):
    points = new_points(image)
    points.add([[0, 1, 1]])
    set_polarity(points, NEGATIVE)
    points.add([[0, 2, 2]])
    set_polarity(points, POSITIVE)
    points.add([[0, 3, 3]])

    assert points.features["polarity"].tolist() == ["positive", "negative", "positive"]
    assert points.features["object"].tolist() == [0, 0, 0]
    green, red, again = points.face_color
    assert green[1] > green[0]
    assert red[0] > red[1]
    np.testing.assert_array_equal(green, again)


@pytest.mark.parametrize("features", [{}, {"polarity": ["positive", "positive"]}, {"label": [1, 1]}])
def test_polarity_of_points_that_others_made(features):
    points = Points(np.zeros((2, 2)), features=features)
    assert next_polarity(points) == POSITIVE
    set_polarity(points, NEGATIVE)
    assert next_polarity(points) == NEGATIVE
    points.add([[5, 5]])
    column = "label" if "label" in features else "polarity"
    assert list(points.features.columns) == [column], "a layer says it in one way only"
    assert points.features[column].tolist() == ([1, 1, 0] if column == "label" else ["positive"] * 2 + ["negative"])
    set_polarity(points, POSITIVE)
    assert next_polarity(points) == POSITIVE


def test_labels_that_are_negative_stay_so():
    points = Points(np.zeros((2, 2)), features={"label": [1, 0]})
    set_polarity(points, POSITIVE)
    assert points.features["label"].tolist() == [1, 0]


def test_categories_that_lack_the_other_sign():
    points = Points(np.zeros((2, 2)), features={"polarity": pd.Categorical(["positive", "positive"])})
    points.mode, points.selected_data = "select", {1}
    set_polarity(points, NEGATIVE)
    assert points.features["polarity"].tolist() == ["positive", "negative"]


def test_only_points_that_are_being_selected_change():
    points = Points(np.zeros((2, 2)), features={"polarity": ["positive", "positive"]})
    points.mode, points.selected_data = "add", {1}
    set_polarity(points, NEGATIVE)
    assert points.features["polarity"].tolist() == ["positive", "positive"]


def test_what_the_next_point_is_like_stays_but_for_what_is_set():
    points = Points(np.zeros((2, 2)), features={"polarity": ["positive", "positive"], "object": [1, 2]})
    points.mode, points.selected_data = "select", {0}
    points.feature_defaults = points.feature_defaults.assign(object=0)
    set_polarity(points, NEGATIVE)
    assert points.features["polarity"].tolist() == ["negative", "positive"]
    assert (next_polarity(points), object_number(points)) == (NEGATIVE, 0)

    without_numbers = Points(np.zeros((2, 2)), features={"polarity": ["positive", "positive"]})
    without_numbers.feature_defaults = without_numbers.feature_defaults.assign(polarity=NEGATIVE)
    set_object_number(without_numbers, 3)
    assert (next_polarity(without_numbers), object_number(without_numbers)) == (NEGATIVE, 3)


@pytest.mark.parametrize("selected", [set(), {0}], ids=["none selected", "one selected"])
@pytest.mark.parametrize("labels", [[True, True], [1, 1], [1.0, np.nan], ["1", "1"]], ids=str)
@pytest.mark.parametrize(("polarity", "said"), [(NEGATIVE, "0"), (EXAMPLE, EXAMPLE)])
def test_every_way_to_say_it_with_labels(labels, selected, polarity, said):
    points = Points(np.zeros((2, 2)), features={"label": labels})
    points.mode, points.selected_data = "select", selected
    set_polarity(points, polarity)
    assert next_polarity(points) == polarity
    points.selected_data = set()
    points.add([[5, 5]])
    told = [str(label) for label in points.features["label"]]
    assert [label.replace("False", "0").replace("0.0", "0") for label in told[2:] + told[: len(selected)]] == [said] * (
        1 + len(selected)
    )


def test_labels_of_shapes_are_no_signs():
    shapes = Shapes([np.zeros((2, 2))], shape_type="line", features={"label": ["nucleus"]})
    shapes.mode, shapes.selected_data = "select", {0}
    set_polarity(shapes, NEGATIVE)
    assert shapes.features["label"].tolist() == ["nucleus"]
    assert shapes.features["polarity"].tolist() == [NEGATIVE]


@pytest.mark.parametrize(
    "numbers",
    [np.array([1, 2], np.uint8), np.array([True, False]), pd.Categorical([1, 2]), ["one", "2"]],
    ids=["uint8", "bool", "category", "words"],
)
def test_object_numbers_find_room_in_every_column(numbers):
    points = Points(np.zeros((2, 2)), features={"object": numbers})
    set_number(points, [0], 300)
    set_object_number(points, 400)
    points.add([[5, 5]])
    assert [number_of(points, row) for row in (0, 2)] == [300, 400]


def test_object_numbers():
    points = Points(np.zeros((2, 2)))
    assert (object_number(points), largest_object_number(points)) == (0, 0)
    set_object_number(points, 3)
    points.add([[5, 5]])
    assert points.features["object"].tolist() == [0, 0, 3]
    assert (object_number(points), largest_object_number(points)) == (3, 3)


@pytest.mark.parametrize(
    ("numbers", "largest"),
    [(["two", "7"], 7), ([1e20, 3.0], 3), ([np.nan, 2.0], 2), ([np.inf, 1.0], 1), ([-4, -2], 0), ([None, None], 0)],
)
def test_object_numbers_that_are_none(numbers, largest):
    points = Points(np.zeros((2, 2)), features={"object": numbers})
    assert largest_object_number(points) == largest
    assert object_number(points) >= 0 or numbers == [-4, -2]


def test_removing_points_leaves_the_next_one_as_it_was(image):
    points = new_points(image)
    points.add([[0, 1, 1]])
    set_polarity(points, NEGATIVE)
    points.add([[0, 2, 2], [0, 3, 3]])
    set_polarity(points, POSITIVE)
    set_object_number(points, 4)
    points.current_size = 17
    remove_rows(points, {1, 2})

    np.testing.assert_array_equal(points.data, [[0, 1, 1]])
    assert next_polarity(points) == POSITIVE
    assert object_number(points) == 4
    assert points.current_size == 17
    assert not points.selected_data


def test_removing_shapes(image):
    shapes = Shapes(ndim=2)
    shapes.add_rectangles([[[0, 0], [9, 9]], [[20, 20], [29, 29]]])
    remove_rows(shapes, {0})
    assert len(shapes.data) == 1
    assert shapes.data[0].min() == 20
