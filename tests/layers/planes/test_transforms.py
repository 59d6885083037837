"""Points go from one layer to another as napari draws them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from napari_fastsam.layers.planes.transforms import (
    layer_affine,
    pixel_area,
    placed_on,
    points_between,
    unit_factors,
    units_apply,
    world_to_data,
)

# Rotations and shears out of the slice: napari warns that it draws those without their part out of the slice.
pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")

LENGTHS = st.sampled_from(["pixel", "nm", "um", "mm"])


@st.composite
def transforms(draw: st.DrawFn, ndim: int) -> dict:
    """Any transform that a napari layer can carry, of layers of like size in one kind of unit."""
    number = st.floats(-1, 1, allow_subnormal=False)
    signs = st.sampled_from([1, -1])
    angle = number.map(lambda x: 180 * x)
    affine = np.eye(ndim + 1)
    affine[:ndim] += 0.2 * np.array([[draw(number) for _ in range(ndim + 1)] for _ in range(ndim)])
    return {
        "scale": [draw(signs) * 10 ** draw(number) for _ in range(ndim)],
        "translate": [1000 * draw(number) for _ in range(ndim)],
        "rotate": draw(angle) if ndim == 2 else [draw(angle) for _ in range(3)],
        "shear": [draw(number) for _ in range(ndim * (ndim - 1) // 2)],
        "affine": affine,
    }


def image(ndim: int = 2, **kwargs) -> Image:
    return Image(np.zeros((4,) * ndim), contrast_limits=(0, 1), **kwargs)


def points(ndim: int = 2, **kwargs) -> Points:
    return Points(ndim=ndim, **kwargs)


some_points = st.lists(st.tuples(*[st.floats(-500, 500)] * 3), min_size=1, max_size=5).map(np.array)


@given(transforms(3), some_points)
def test_the_affine_is_that_of_napari_point_by_point(transform, coordinates):
    layer = image(3, **transform)
    linear, translate = layer_affine(layer)
    expected = np.array([layer.data_to_world(p) for p in coordinates])
    np.testing.assert_allclose(coordinates @ linear.T + translate, expected, rtol=1e-12, atol=1e-9)


def test_the_affine_is_exact_far_from_the_origin():
    linear, translate = layer_affine(image(2, scale=(1e-3, 1e-3), translate=(1e6, -3e6)))
    np.testing.assert_allclose(linear, np.diag([1e-3, 1e-3]), rtol=1e-14, atol=0)
    np.testing.assert_array_equal(translate, (1e6, -3e6))


@given(transforms(3), transforms(3), some_points, st.tuples(*[st.sampled_from(["nm", "um", "mm"])] * 2))
def test_there_and_back_is_where_it_began(one, other, coordinates, units):
    source, target = points(3, **one, units=[units[0]] * 3), image(3, **other, units=[units[1]] * 3)
    back = points_between(target, source, points_between(source, target, coordinates))
    np.testing.assert_allclose(back, coordinates, atol=1e-5)


@given(transforms(2), transforms(2), some_points)
def test_without_units_it_is_what_napari_says_of_single_points(one, other, coordinates):
    source, target = points(**one), image(**other)
    coordinates = coordinates[:, :2]
    expected = np.array([target.world_to_data(source.data_to_world(p)) for p in coordinates])
    np.testing.assert_allclose(points_between(source, target, coordinates), expected, rtol=1e-9, atol=1e-6)


def test_units_are_converted_axis_by_axis():
    source = points(2, scale=(1, 2), units=["um", "mm"])
    target = image(2, scale=(10, 100), units=["nm", "um"])
    np.testing.assert_allclose(points_between(source, target, [[3, 4]]), [[300, 80]])
    np.testing.assert_allclose(points_between(source, target, [[3, 4]], use_units=False), [[0.3, 0.08]])


def test_one_axis_of_another_kind_turns_all_units_off_as_napari_does():
    viewer = ViewerModel()
    target = viewer.add_image(np.zeros((4, 4)), units=["nm", "nm"], contrast_limits=(0, 1))
    source = viewer.add_points(ndim=2, units=["um", "um"])
    assert units_apply(viewer)
    np.testing.assert_allclose(points_between(source, target, [[1, 2]]), [[1000, 2000]])

    source.units = ["um", "pixel"]
    assert not units_apply(viewer)
    np.testing.assert_allclose(points_between(source, target, [[1, 2]]), [[1, 2]])

    source.units = ["um", "um"]
    viewer.add_points(ndim=2)  # in pixels: napari now leaves units out for every layer
    np.testing.assert_allclose(points_between(source, target, [[1, 2]], use_units=units_apply(viewer)), [[1, 2]])


def test_axes_that_the_source_lacks_are_nan():
    target = image(3, scale=(5, 0.5, 0.5), translate=(7, 1, 0))
    found = points_between(points(2), target, [[2, 3], [4, 5]])
    np.testing.assert_array_equal(found, [[np.nan, 2, 6], [np.nan, 6, 10]])


def test_axes_that_the_target_lacks_are_dropped():
    source = points(4, scale=(9, 9, 2, 3))
    np.testing.assert_array_equal(points_between(source, image(2), [[7, 8, 1, 2]]), [[2, 6]])


def test_units_align_on_the_last_axes_too():
    source, target = points(2, units=["um", "um"]), image(3, units=["s", "nm", "nm"])
    np.testing.assert_allclose(points_between(source, target, [[1, 2]])[:, 1:], [[1000, 2000]])


def test_no_points_are_no_points():
    assert points_between(points(2), image(3), np.zeros((0, 2))).shape == (0, 3)


@given(LENGTHS, LENGTHS)
def test_factors_undo_each_other(one, other):
    first, second = image(units=[one] * 2).units, image(units=[other] * 2).units
    np.testing.assert_allclose(unit_factors(first, second) * unit_factors(second, first), 1)


def test_sliders_are_in_the_viewers_units():
    viewer = ViewerModel()
    layer = viewer.add_image(
        np.zeros((6, 4, 4)), scale=(2, 1, 1), units=["um"] * 3, translate=(10, 0, 0), contrast_limits=(0, 1)
    )
    viewer.add_points(ndim=2, units=["nm", "nm"])
    viewer.dims.set_point(0, 16_000)
    found = world_to_data(layer, viewer.dims.point, world_units=viewer.layers.units)
    assert found[0] == pytest.approx(3)
    without = world_to_data(layer, viewer.dims.point, world_units=None)
    assert without[0] == pytest.approx((16_000 - 10) / 2)


def test_a_world_of_more_or_fewer_axes_than_the_layer():
    layer = image(2, scale=(2, 4))
    np.testing.assert_array_equal(world_to_data(layer, (9, 4, 4), world_units=None), (2, 1))
    np.testing.assert_array_equal(world_to_data(image(3), [(4, 5)], world_units=None), [(np.nan, 4, 5)])


@given(
    transforms(3),
    st.tuples(*[st.floats(-50, 50)] * 3),
    st.tuples(*[st.floats(1, 8)] * 3),
    st.sampled_from([["um"] * 3, ["s", "nm", "nm"], ["pixel"] * 3]),
)
def test_a_layer_placed_on_an_image_lies_on_it(transform, origin, step, units):
    under = image(3, **transform, units=units, axis_labels=("z", "y", "x"))
    over = Labels(np.zeros((2, 2, 2), dtype=int), **placed_on(under, origin, step))
    pixels = np.array([(0, 0, 0), (1, 2, 3), (30, -20, 10)])
    np.testing.assert_allclose(points_between(over, under, pixels), origin + pixels * np.array(step), atol=1e-6)
    assert over.units == under.units
    assert over.axis_labels == under.axis_labels


def test_a_layer_placed_on_an_image_whose_shear_is_a_lower_triangle():
    under = image(3, shear=np.array([[1, 0, 0], [0.3, 1, 0], [0.2, 0.1, 1]]), rotate=(10, 20, 30))
    over = Labels(np.zeros((2, 2, 2), dtype=int), **placed_on(under, (1, 2, 3), (1, 2, 2)))
    np.testing.assert_allclose(points_between(over, under, [[1, 1, 1]]), [[2, 4, 5]], atol=1e-9)


@pytest.mark.parametrize(
    ("placed", "axes", "area"),
    [
        pytest.param({"scale": (1, 0.5, 0.25), "units": ("um",) * 3}, (1, 2), 0.125, id="scale"),
        pytest.param({"scale": (1, 0.5, 0.25), "units": ("um",) * 3}, (0, 2), 0.25, id="other axes"),
        pytest.param({"scale": (1, 500, 0.25), "units": ("um", "nm", "um")}, (1, 2), 0.125, id="units"),
        pytest.param({"affine": np.diag([1, 2, 3, 1]), "units": ("um",) * 3}, (1, 2), 6, id="affine"),
        pytest.param({"scale": (1, 2, 3), "rotate": 30, "units": ("um",) * 3}, (1, 2), 6, id="rotated"),
        pytest.param({"scale": (1, 2, 3), "shear": (0, 0, 1), "units": ("um",) * 3}, (1, 2), 6, id="sheared"),
        pytest.param({"units": ("second", "um", "um")}, (1, 2), 1, id="a plane of a series"),
        pytest.param({"units": ("second", "um", "um")}, (0, 2), None, id="along time"),
        pytest.param({}, (1, 2), None, id="pixels"),
    ],
)
def test_the_area_of_a_pixel(placed, axes, area):
    found = pixel_area(Image(np.zeros((4, 5, 6)), **placed), axes)
    assert found == (None if area is None else pytest.approx(area))
