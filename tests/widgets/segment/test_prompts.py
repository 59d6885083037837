"""Prompts of every kind, in layers of one's own and of the dock, give one object each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Points, Shapes

from napari_fastsam.layers.napari_versions import camera

NUCLEI = np.array([[126, 94], [147, 244]], float)
EMPTY = (133.0, 159.0)


def outline(truth, nucleus, margin=0.0):
    """The corners of a nucleus' bounding box, on the scale of pixel centres."""
    rows, columns = np.nonzero(truth == truth[tuple(nucleus.astype(int))])
    y0, x0, y1, x1 = rows.min() - margin, columns.min() - margin, rows.max() + margin, columns.max() + margin
    return np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]])


def iou(mask, other):
    return (mask & other).sum() / (mask | other).sum()


@pytest.mark.parametrize("kind", ["int", "bool", "float", "text", "category"])
def test_a_label_column_of_1_and_0_is_polarity(bench, kind):
    b = bench()
    labels = pd.Series([1, 0, 1])
    labels = {
        "int": labels,
        "bool": labels.astype(bool),
        "float": labels.astype(float),
        "text": labels.astype(str),
        "category": labels.astype("category"),
    }[kind]
    b.viewer.add_layer(Points([*NUCLEI, EMPTY], features={"label": labels}))
    b.settle()

    assert b.shown[126, 94] == 1
    assert b.shown[147, 244] == 0
    # a toggle goes on in the layer's own way, and leaves what is there
    b.dock.toggle_polarity()
    b.viewer.layers.selection.active.add([NUCLEI[1] + 2])
    b.settle()
    assert b.shown[126, 94] == 1
    assert b.shown[147, 244] == 0
    read = b.dock.controller.shown.request.read.prompts
    assert read.point_labels.tolist() == [1, 0, 1, 0]


def test_points_without_any_feature_are_positive(bench):
    b = bench()
    b.viewer.add_layer(Points(NUCLEI))
    b.settle()
    assert b.dock.controller.shown.request.read.prompts.point_labels.tolist() == [1, 1]


def test_a_negative_point_takes_the_object_away(bench):
    b = bench()
    points = b.click(*NUCLEI)
    b.dock.toggle_polarity()
    assert b.dock.next_point.polarity.text == "−"
    # in the same pixel: no object can hold the one and not the other
    points.add([NUCLEI[0] + 0.25])
    b.settle()

    assert b.shown[126, 94] == 0
    assert b.shown[147, 244] == 2
    np.testing.assert_array_equal(points.face_color[:, 0] > 0.5, [False, False, True], "red is negative")


def test_negative_points_alone_say_what_is_missing(bench):
    b = bench()
    b.prompts()
    b.dock.toggle_polarity()
    b.click(NUCLEI[0])
    assert "Only negative" in b.status
    assert not b.shown.any()


def test_selected_points_change_their_sign_by_the_key(bench):
    b = bench()
    points = b.click(*NUCLEI)
    points.mode = "select"
    points.selected_data = {0}
    b.dock.toggle_polarity()
    b.settle()

    assert points.features["polarity"].tolist() == ["negative", "positive"]
    assert b.shown[126, 94] == 0
    assert b.shown[147, 244] > 0


def test_points_of_one_object_number_are_one_object(bench):
    b = bench()
    b.prompts()
    b.dock.toggle_object()
    assert b.dock.next_point.object.text == "this object (1)"
    points = b.click(NUCLEI[0], NUCLEI[0] + 3)
    b.dock.toggle_object()
    assert b.dock.next_point.object.text == "new object"
    b.click(NUCLEI[1])
    b.dock.toggle_object()

    assert b.dock.next_point.object.text == "this object (2)"
    assert points.features["object"].tolist() == [1, 1, 2]
    assert len(b.dock.controller.shown.objects) == 2
    assert b.dock.controller.shown.objects[0].prompt == "points 1, 2"


def test_two_points_on_one_pixel_are_not_two_objects(bench):
    b = bench()
    b.click(NUCLEI[0], NUCLEI[0] + 0.25)

    assert len(b.dock.controller.shown.objects) == 1
    assert "Point 2 is on the same object as point 1." in b.dock.status.value


@pytest.mark.parametrize("kind", ["rectangle", "polygon", "ellipse", "line", "path"])
def test_shapes(bench, truth, kind):
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    corners = outline(truth, NUCLEI[0])
    across = corners[[0, 2]] + [[4, 4], [-4, -4]]
    shape = across if kind in ("line", "path") else corners
    b.dock.shapes.value.add(shape, shape_type=kind)
    b.settle()

    drawn = truth == truth[126, 94]
    assert iou(b.shown == 1, drawn) > 0.7, b.dock.status.value
    assert len(b.dock.controller.shown.objects) == 1


def test_points_inside_a_box_refine_it(bench, truth):
    b = bench()
    _, shapes = b.prompts()
    corners = outline(truth, NUCLEI[0])
    shapes.add_rectangles([corners])
    b.settle()
    alone = b.shown.copy()
    b.click(NUCLEI[0])

    assert len(b.dock.controller.shown.objects) == 1, "the point says which object of the box, and has none of its own"
    assert iou(b.shown > 0, alone > 0) > 0.9
    b.dock.toggle_polarity()
    b.click(NUCLEI[0] + 2)
    assert b.shown[128, 96] == 0


def test_larger_and_smaller(bench):
    b = bench()
    b.dock.conf.value, b.dock.iou.value = 0.05, 0.9
    # of the second the network proposes several sizes
    b.click(NUCLEI[0], np.array([231.0, 47.0]))
    areas = [(b.shown == 1).sum(), (b.shown == 2).sum()]
    b.dock.larger()
    assert "point 2" in b.status
    while "no larger" not in b.status:
        b.dock.larger()
        b.settle()
    largest = (b.shown == 2).sum()
    while "no smaller" not in b.status:
        b.dock.smaller()
        b.settle()
    smallest = (b.shown == 2).sum()

    assert smallest <= areas[1] <= largest
    assert smallest < largest, "no alternatives: the test shows nothing"
    assert (b.shown == 1).sum() == areas[0], "the other prompt's object stays"


def test_larger_without_a_prompt_says_so(bench):
    b = bench()
    b.dock.larger()
    assert "place one first" in b.status
    b.click(EMPTY)
    b.dock.larger()
    assert "No prompt has an object" in b.status


def test_numbers_stay_while_prompts_come_move_and_go(bench):
    b = bench()
    third = np.array([242, 121.0])
    points = b.click(NUCLEI[0], NUCLEI[1], third)
    masks = [b.shown == n for n in (1, 2, 3)]
    points.selected_data = {0}
    points.remove_selected()
    b.settle()
    np.testing.assert_array_equal(b.shown == 2, masks[1])
    np.testing.assert_array_equal(b.shown == 3, masks[2])

    moved = points.data.copy()
    moved[1] += 2  # still on the third nucleus
    points.data = moved
    b.settle()
    np.testing.assert_array_equal(b.shown == 3, masks[2])

    points.add([NUCLEI[0]])
    b.settle()
    np.testing.assert_array_equal(b.shown == 1, masks[0])
    np.testing.assert_array_equal(b.shown == 2, masks[1])
    np.testing.assert_array_equal(b.shown == 3, masks[2])


def test_a_point_on_nothing_is_said_by_its_number(bench, cells):
    image = cells.copy()
    image[:, 110:210] = 5  # where a single click has nothing to draw along
    b = bench(image, contrast_limits=(0, 80))
    b.click(NUCLEI[0], EMPTY)
    assert b.status.startswith("1 object ")
    assert "• Point 2: " in b.dock.status.value
    assert "closer look" in b.dock.status.value


@pytest.mark.parametrize(
    ("corners", "said"),
    [
        pytest.param([[-90, -90], [-90, -60], [-60, -60], [-60, -90]], "outside the image", id="outside"),
        pytest.param([[50, 50], [50, 50], [50, 50], [50, 50]], "no area", id="zero area"),
    ],
)
def test_a_box_that_cannot_be_used(bench, corners, said):
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    b.dock.shapes.value.add_rectangles([corners])
    b.settle()
    assert said in b.dock.status.value
    assert not b.shown.any()


def test_a_box_drawn_backwards_is_a_box(bench, truth):
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    b.dock.shapes.value.add_rectangles([outline(truth, NUCLEI[0])[[2, 3, 0, 1]]])
    b.settle()
    assert b.shown[126, 94] == 1


def test_a_point_outside_is_said(bench):
    b = bench()
    b.click((-50, 20), NUCLEI[0])
    assert "Point 1 is outside the image." in b.dock.status.value
    assert b.shown[126, 94] == 1


@pytest.mark.parametrize(
    "features",
    [
        pytest.param({"polarity": ["perhaps", "positive"]}, id="polarity"),
        pytest.param({"object": ["all of them", "0"]}, id="object"),
        pytest.param({"object": [-3.5, 0]}, id="number"),
    ],
)
def test_features_that_make_no_sense_are_named(bench, features):
    b = bench()
    b.viewer.add_layer(Points(NUCLEI, features=features))
    b.settle()

    assert "Point 1 has the" in b.dock.status.value
    assert b.shown[147, 244] > 0
    b.dock.toggle_object()
    b.dock.toggle_polarity()
    b.settle()


def test_clearing_takes_the_prompts_of_this_plane_only(bench, cells):
    b = bench(np.stack([cells, cells]), contrast_limits=(0, 80))
    b.viewer.dims.set_current_step(0, 0)
    points = b.click((0, *NUCLEI[0]), (1, *NUCLEI[1]))
    b.dock.clear_prompts()
    b.settle()

    np.testing.assert_array_equal(points.data, [[1, *NUCLEI[1]]])
    assert not b.shown.any()
    b.dock.clear_prompts()
    assert "no prompts on this plane" in b.status


def test_prompts_outside_the_view_stay_answered_after_a_pan(bench, fluorescence, qtbot):
    b = bench(fluorescence, contrast_limits=(0, 80), show=True)
    shown = camera(b.viewer)
    b.dock.region.value = "view"
    b.viewer.add_layer(Points(ndim=2))
    shown.center, shown.zoom = (126, 94), 4
    qtbot.waitUntil(lambda: b.image.corner_pixels[1, 0] < 300)
    b.click((126, 94))
    region = b.dock.controller.shown.request.plane.region
    assert b.preview.get_value((126, 94), world=True) == 1

    shown.center = (456, 287)
    qtbot.waitUntil(lambda: b.image.corner_pixels[0, 0] > 300)
    b.dock.conf.value = 0.3
    b.settle()
    assert b.dock.controller.shown.request.plane.region == region, "a view that was moved changes nothing"

    b.click((456, 287))
    assert b.preview.get_value((126, 94), world=True) == 1
    assert b.preview.get_value((456, 287), world=True) == 2

    b.dock.clear_prompts()
    b.click((456, 287))
    y0, *_ = b.dock.controller.shown.request.plane.region
    assert y0 > 300, "with the old prompt gone the view alone is enough"
