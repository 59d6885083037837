"""Prompts drawn in Points and Shapes layers arrive in the image's pixels, or are named with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel

from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import plane_shown
from napari_fastsam.layers.prompts.layers import read_prompts
from napari_fastsam.layers.prompts.shapes import ELLIPSE_VERTICES

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


def stage(shape=(100, 200), **kwargs):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros(shape), contrast_limits=(0, 1), **kwargs)
    return viewer, image, plane_shown(viewer, image)


def read(viewer, image, plane, **layers):
    return read_prompts(viewer, image, plane, **layers)


def test_no_layers_no_prompts():
    found = read(*stage())
    assert len(found.prompts) == 0
    assert found.left_out == ()


def test_empty_layers_no_prompts():
    viewer, image, plane = stage()
    found = read(viewer, image, plane, points=viewer.add_points(ndim=2), shapes=viewer.add_shapes(ndim=2))
    assert len(found.prompts) == 0
    assert found.left_out == ()


def test_points_without_features_are_positive_objects_of_their_own():
    viewer, image, plane = stage()
    found = read(viewer, image, plane, points=viewer.add_points([[3, 4], [5.25, 6.5]]))
    np.testing.assert_array_equal(found.prompts.points, [[3, 4], [5.25, 6.5]])
    np.testing.assert_array_equal(found.prompts.point_labels, [1, 1])
    np.testing.assert_array_equal(found.prompts.point_objects, [0, 0])
    assert found.rows["points"] == (0, 1)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("polarity", ["positive", "negative", "positive"]),
        ("label", [1, 0, 1]),
        ("label", ["1", "0", "1"]),
        ("label", [True, False, True]),
        ("label", [1.0, 0.0, np.nan]),
        ("label", ["True", "False", ""]),
        ("polarity", ["Positive", " negative ", None]),
    ],
)
def test_what_counts_as_a_polarity(name, values):
    viewer, image, plane = stage()
    layer = viewer.add_points([[1, 1], [2, 2], [3, 3]], features={name: values})
    found = read(viewer, image, plane, points=layer)
    np.testing.assert_array_equal(found.prompts.point_labels, [1, 0, 1])
    assert found.left_out == ()


def test_polarity_goes_before_label():
    viewer, image, plane = stage()
    layer = viewer.add_points([[1, 1]], features={"label": [1], "polarity": ["negative"]})
    np.testing.assert_array_equal(read(viewer, image, plane, points=layer).prompts.point_labels, [0])


def test_a_polarity_that_is_none_is_named_and_the_rest_used():
    viewer, image, plane = stage()
    layer = viewer.add_points([[1, 1], [2, 2]], features={"polarity": ["maybe", "negative"]})
    found = read(viewer, image, plane, points=layer)
    assert found.rows["points"] == (1,)
    assert found.left_out == (
        "Point 1 has the polarity 'maybe'; expected positive, negative, example or counter-example.",
    )


def test_object_numbers():
    viewer, image, plane = stage()
    layer = viewer.add_points([[i, i] for i in range(6)], features={"object": [0, 2, 2, np.nan, -1, 1.5]})
    found = read(viewer, image, plane, points=layer)
    np.testing.assert_array_equal(found.prompts.point_objects, [0, 2, 2, 0])
    assert found.left_out == (
        "Point 5 has the object -1.0; expected a whole number from 0.",
        "Point 6 has the object 1.5; expected a whole number from 0.",
    )


# napari itself stumbles over NaN when it draws the layer's thumbnail
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_points_outside_hidden_or_not_finite_are_named():
    viewer, image, plane = stage()
    layer = viewer.add_points([[-0.6, 5], [5, 199.6], [99.4, 199.4], [-0.5, -0.5], [50, 50], [np.nan, 3]])
    layer.shown = [True, True, True, True, False, True]
    found = read(viewer, image, plane, points=layer)
    assert found.rows["points"] == (2, 3)
    assert found.left_out == (
        "Points 1, 2 are outside the image.",
        "Point 5 is hidden.",
        "Point 6 has a coordinate that is not finite.",
    )


def test_many_left_out_make_a_short_sentence():
    viewer, image, plane = stage()
    found = read(viewer, image, plane, points=viewer.add_points(np.full((40, 2), -9.0)))
    assert found.left_out == ("Points 1, 2, 3, 4, 5 and 35 more are outside the image.",)


def test_points_on_another_slice_stay_there():
    viewer, image, plane = stage((9, 50, 50))
    assert plane.index[0] == 4
    layer = viewer.add_points([[4, 1, 1], [4.5, 2, 2], [4.6, 3, 3], [3, 4, 4]])
    found = read(viewer, image, plane, points=layer)
    np.testing.assert_array_equal(found.prompts.points, [[1, 1], [2, 2]])
    assert found.left_out == ("Points 3, 4 are on another slice.",)


def test_points_without_z_mean_the_slice_shown():
    viewer, image, plane = stage((9, 50, 50))
    found = read(viewer, image, plane, points=viewer.add_points([[7, 8]]))
    np.testing.assert_array_equal(found.prompts.points, [[7, 8]])


def test_points_of_more_axes_than_the_image():
    viewer, image, plane = stage((50, 50))
    found = read(viewer, image, plane, points=viewer.add_points([[3, 7, 8]]))
    np.testing.assert_array_equal(found.prompts.points, [[7, 8]])


def test_shown_the_other_way_round_rows_stay_rows():
    viewer, image, _ = stage((9, 50, 60))
    viewer.dims.order = (1, 2, 0)
    viewer.dims.set_point(1, 20)
    plane = plane_shown(viewer, image)
    found = read(viewer, image, plane, points=viewer.add_points([[3, 20, 40]]))
    np.testing.assert_array_equal(found.prompts.points, [[3, 40]])


def test_units_scale_and_rotation_between_the_layers():
    viewer, image, plane = stage(scale=(200, 200), units=["nm", "nm"], translate=(1000, 2000), rotate=90)
    world_nm = np.array([image.data_to_world(p) for p in [(10, 20), (30, 150)]])
    layer = viewer.add_points(world_nm / 1000 / 0.5, scale=(0.5, 0.5), units=["um", "um"])
    np.testing.assert_allclose(read(viewer, image, plane, points=layer).prompts.points, [[10, 20], [30, 150]])
    layer.units = ["pixel", "pixel"]  # mixed: napari leaves out all units
    layer.data = world_nm
    layer.scale = (1, 1)
    np.testing.assert_allclose(read(viewer, image, plane, points=layer).prompts.points, [[10, 20], [30, 150]])


def test_a_region_and_a_coarser_level():
    viewer, image, _ = stage((64, 64))
    plane = Plane((64, 64), (32, 32), (0, 1), (0, 0), (0, 0), 1, (4, 8, 20, 30))
    points = viewer.add_points([[8.5, 16.5], [0, 0]])
    shapes = viewer.add_shapes([[[9.5, 19.5], [29.5, 39.5]]])
    found = read(viewer, image, plane, points=points, shapes=shapes)
    np.testing.assert_array_equal(found.prompts.points, [[0, 0]])
    np.testing.assert_allclose(found.prompts.boxes, [[1, 2, 11, 12]])
    assert found.left_out == ("Point 2 is outside the part of the image that is used.",)


def test_a_rectangle_is_a_box_between_pixel_edges():
    viewer, image, plane = stage()
    layer = viewer.add_shapes([[[9.5, 19.5], [29.5, 59.5]]], shape_type="rectangle")
    found = read(viewer, image, plane, shapes=layer)
    np.testing.assert_allclose(found.prompts.boxes, [[10, 20, 30, 60]])  # pixels 10 … 29 and 20 … 59
    assert found.rows["boxes"] == (0,)


def test_a_box_is_clipped_to_the_image():
    viewer, image, plane = stage()
    layer = viewer.add_shapes([[[-50, 150], [40.5, 900]]], shape_type="rectangle")
    np.testing.assert_allclose(read(viewer, image, plane, shapes=layer).prompts.boxes, [[0, 150.5, 41, 200]])


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_rectangle_turned_by_right_angles_is_still_a_box(angle):
    viewer, image, plane = stage(rotate=angle, translate=(3, 4))
    corners = [(10, 20), (10, 60), (30, 60), (30, 20)]
    layer = viewer.add_shapes([np.array([image.data_to_world(c) for c in corners])], shape_type="rectangle")
    np.testing.assert_allclose(
        read(viewer, image, plane, shapes=layer).prompts.boxes, [[10.5, 20.5, 30.5, 60.5]], atol=1e-3
    )


def test_a_rectangle_oblique_to_the_image_is_an_outline():
    viewer, image, plane = stage(rotate=30)
    corners = [(10, 20), (10, 60), (30, 60), (30, 20)]
    layer = viewer.add_shapes([np.array(corners)], shape_type="rectangle")
    found = read(viewer, image, plane, shapes=layer)
    assert len(found.prompts.boxes) == 0
    expected = [image.world_to_data(c) for c in corners]
    np.testing.assert_allclose(found.prompts.outlines[0], expected, atol=1e-4)


def test_shapes_of_every_sort_keep_their_rows():
    viewer, image, plane = stage()
    kinds = ["path", "rectangle", "polygon", "line", "ellipse"]
    triangle = np.array([[10, 10], [20, 40], [40, 20]])
    square = np.array([[10, 10], [10, 30], [30, 30], [30, 10]])
    layer = viewer.add_shapes([triangle, square, triangle, triangle[:2], square], shape_type=kinds)
    found = read(viewer, image, plane, shapes=layer)
    assert (found.rows["boxes"], found.rows["outlines"], found.rows["scribbles"]) == ((1,), (2, 4), (0, 3))
    np.testing.assert_allclose(found.prompts.outlines[0], triangle)
    np.testing.assert_allclose(found.prompts.scribbles[0], triangle)
    np.testing.assert_allclose(found.prompts.scribbles[1], triangle[:2])
    assert found.left_out == ()


def test_an_ellipse_is_traced_in_image_pixels():
    viewer, image, plane = stage(scale=(0.5, 0.25), rotate=20, shear=[0.3])
    centre, radii = np.array([50.0, 90.0]), np.array([20.0, 40.0])
    corners = centre + radii * np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)])
    layer = viewer.add_shapes([np.array([image.data_to_world(c) for c in corners])], shape_type="ellipse")
    (outline,) = read(viewer, image, plane, shapes=layer).prompts.outlines
    assert outline.shape == (ELLIPSE_VERTICES, 2)
    np.testing.assert_allclose((((outline - centre) / radii) ** 2).sum(axis=1), 1, atol=1e-4)


def test_shapes_that_cannot_be_used_are_named():
    viewer, image, plane = stage()
    shapes = [
        np.array([[10, 10], [10, 10], [10, 10], [10, 10]]),
        np.array([[300, 300], [300, 330], [330, 330], [330, 300]]),
        np.array([[10, 10], [20, 20], [30, 30]]),
        np.array([[-10, -10], [-30, -10]]),
    ]
    layer = viewer.add_shapes(shapes, shape_type=["rectangle", "rectangle", "polygon", "line"])
    found = read(viewer, image, plane, shapes=layer)
    assert len(found.prompts) == 0
    assert found.left_out == (
        "Rectangle 1 has no area; drag to draw it.",
        "Rectangle 2 is outside the image.",
        "Polygon 3 has no area; drag to draw it.",
        "Line 4 is outside the image.",
    )


def test_what_a_shape_is_not_is_told():
    viewer, image, plane = stage()
    line, beside = np.array([[10, 10], [20, 20]]), np.array([[-40, 5], [5, -40]])
    layer = viewer.add_shapes([line, line, line, line, beside], shape_type="path")
    layer.features = {"polarity": [0, "maybe", "example", np.nan, "negative"]}
    found = read(viewer, image, plane, shapes=layer)
    assert found.rows["scribbles"] == (3,)
    assert not found.prompts.point_labels.any()
    assert {row.row for row in found.rows["points"]} == {0}
    assert found.left_out == (
        "Path 2 has the polarity 'maybe'; expected positive, negative, example or counter-example.",
        "Path 3 is a line; what is an example or a counter-example is shown by a point or a closed shape.",
        "Path 5 is outside the image.",
    )


def test_an_object_number_that_is_too_large_is_told():
    viewer, image, plane = stage()
    layer = viewer.add_points([[3, 4], [5, 6]], features={"object": [1e20, 3]})
    found = read(viewer, image, plane, points=layer)
    assert found.prompts.point_objects.tolist() == [3]
    assert found.left_out == ("Point 1 has the object 1e+20; expected a whole number from 0.",)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_a_shape_that_is_not_finite_is_named():
    viewer, image, plane = stage()
    layer = viewer.add_shapes([np.array([[10, 10], [np.nan, 20], [30, 10]])], shape_type="path")
    assert read(viewer, image, plane, shapes=layer).left_out == ("Path 1 has a coordinate that is not finite.",)


def test_shapes_on_another_slice_stay_there():
    viewer, image, plane = stage((9, 50, 50))
    square = np.array([[10, 10], [10, 30], [30, 30], [30, 10]])
    here, there = (np.insert(square, 0, z, axis=1) for z in (4, 5))
    layer = viewer.add_shapes([there, here], shape_type="polygon")
    found = read(viewer, image, plane, shapes=layer)
    assert found.rows["outlines"] == (1,)
    assert found.left_out == ("Polygon 1 is on another slice.",)


@given(
    scale=st.tuples(*[st.sampled_from([1, -1]).flatmap(lambda s: st.floats(0.01, 100).map(lambda x: s * x))] * 2),
    translate=st.tuples(*[st.floats(-1000, 1000)] * 2),
    rotate=st.floats(-180, 180),
    shear=st.floats(-1, 1),
    units=st.sampled_from([("um", "um"), ("nm", "um"), ("mm", "nm"), ("pixel", "um")]),
    places=st.lists(st.tuples(st.floats(0, 99), st.floats(0, 199)), min_size=1, max_size=4).map(np.array),
)
def test_a_click_lands_on_the_pixel_under_it(scale, translate, rotate, shear, units, places):
    viewer, image, plane = stage(scale=scale, translate=translate, rotate=rotate, shear=[shear], units=[units[0]] * 2)
    layer = viewer.add_points(ndim=2, scale=(3, 0.2), rotate=15, translate=(5, 6), units=[units[1]] * 2)
    per_metre = {"mm": 1e3, "um": 1e6, "nm": 1e9}
    factor = 1 if "pixel" in units else per_metre[units[1]] / per_metre[units[0]]
    clicks = [layer.world_to_data(np.array(image.data_to_world(p)) * factor) for p in places]
    layer.data = np.array(clicks)
    np.testing.assert_allclose(read(viewer, image, plane, points=layer).prompts.points, places, atol=1e-6)
