"""New Labels layers and previews lie exactly on the image and follow it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.preview import labels_like, make_preview, update_preview
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import plane_shown
from napari_fastsam.layers.planes.transforms import points_between

# Rotations out of the slice: napari warns that it draws those without their part out of the slice.
pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


def disc(shape: tuple[int, int], value: int = 1) -> np.ndarray:
    y, x = np.indices(shape)
    inside = (y - shape[0] / 2) ** 2 + (x - shape[1] / 3) ** 2 < (min(shape) / 4) ** 2
    return inside.astype(np.int32) * value


@st.composite
def images_and_planes(draw: st.DrawFn) -> tuple[Image, Plane]:
    """An image of 2 to 4 axes with any transform, and any region of any of its planes at level 0 or 1."""
    ndim = draw(st.integers(2, 4))
    number = st.floats(-1, 1, allow_subnormal=False)
    shape = tuple(draw(st.integers(4, 12)) for _ in range(ndim))
    rotation = np.linalg.qr(np.eye(ndim) + np.array([[draw(number) for _ in range(ndim)] for _ in range(ndim)]) / 5)[0]
    affine = np.eye(ndim + 1)
    affine[:ndim] += 0.1 * np.array([[draw(number) for _ in range(ndim + 1)] for _ in range(ndim)])
    image = Image(
        np.zeros(shape),
        contrast_limits=(0, 1),
        scale=[10 ** draw(number) for _ in range(ndim)],
        translate=[1000 * draw(number) for _ in range(ndim)],
        rotate=rotation,
        shear=[draw(number) for _ in range(ndim * (ndim - 1) // 2)],
        affine=affine,
        units=["s", "um", "um", "um"][-ndim:],
        axis_labels=["t", "z", "y", "x"][-ndim:],
    )
    level_shape = tuple(draw(st.sampled_from([n, max(n // 2, 1), max(n // 3, 1)])) for n in shape)
    first, second = sorted(draw(st.permutations(range(ndim)))[:2])
    index = tuple(0 if axis in (first, second) else draw(st.integers(0, n - 1)) for axis, n in enumerate(shape))
    y0, x0 = (draw(st.integers(0, level_shape[axis] - 1)) for axis in (first, second))
    y1, x1 = draw(st.integers(y0 + 1, level_shape[first])), draw(st.integers(x0 + 1, level_shape[second]))
    level_index = tuple(int(i * n / m) for i, n, m in zip(index, level_shape, shape, strict=True))
    return image, Plane(shape, level_shape, (first, second), index, level_index, 1, (y0, x0, y1, x1))


def region_corners(plane: Plane) -> np.ndarray:
    height, width = plane.shape
    return np.array([(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)])


@given(images_and_planes())
def test_a_preview_lies_on_the_region(case):
    image, plane = case
    preview = make_preview(image, plane, np.zeros(plane.shape, int))
    corners = np.zeros((4, plane.ndim))
    corners[:, list(plane.axes)] = region_corners(plane)
    expected = plane.region_to_data(region_corners(plane))
    np.testing.assert_allclose(points_between(preview, image, corners), expected, atol=1e-6)
    assert preview.data.size == np.prod(plane.shape)
    assert preview.units == image.units


@given(images_and_planes())
def test_new_labels_lie_on_all_of_the_image(case):
    image, plane = case
    labels = labels_like(image, plane, name="cells")
    assert labels.data.shape == plane.level_shape
    assert labels.data.dtype == np.int32
    # outer corners of the pixels: the image's and the level's are the same
    corners = np.array([np.full(plane.ndim, -0.5), np.asarray(plane.level_shape) - 0.5])
    expected = np.array([np.full(plane.ndim, -0.5), np.asarray(plane.image_shape) - 0.5])
    np.testing.assert_allclose(points_between(labels, image, corners), expected, atol=1e-6)
    assert (labels.name, labels.units, labels.axis_labels) == ("cells", image.units, image.axis_labels)


@given(images_and_planes(), images_and_planes())
def test_a_moved_preview_is_a_new_one(case, other):
    image, plane = case
    _, after = other
    if after.ndim != plane.ndim:
        after = Plane(plane.image_shape, plane.image_shape, plane.axes, plane.index, plane.index, 0, (0, 0, 1, 2))
    preview = make_preview(image, plane, np.zeros(plane.shape, int))
    moved_image = Image(
        np.zeros(after.image_shape), contrast_limits=(0, 1), scale=np.arange(plane.ndim) + 1, rotate=image.rotate
    )
    update_preview(preview, moved_image, after, np.ones(after.shape, int))
    fresh = make_preview(moved_image, after, np.ones(after.shape, int))
    np.testing.assert_array_equal(preview.data, fresh.data)
    probe = np.eye(plane.ndim) * 7
    np.testing.assert_allclose(points_between(preview, fresh, probe), probe, atol=1e-9)
    assert preview.units == fresh.units
    assert not preview.editable


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)])
def test_the_preview_is_seen_where_the_image_is(order):
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((6, 20, 30)), scale=(2, 0.5, 0.5), units=["um"] * 3, translate=(9, 1, 2))
    viewer.dims.order = order
    plane = plane_shown(viewer, image)
    objects = disc(plane.shape, 3)
    preview = viewer.add_layer(make_preview(image, plane, objects))
    before = viewer.dims.range
    for place in [(3, 4), (plane.shape[0] // 2, plane.shape[1] // 3)]:
        (data,) = plane.region_to_data([place])
        world = image.data_to_world(data)
        assert (preview.get_value(world, world=True) or 0) == objects[place]
    assert viewer.dims.range == before
    viewer.dims.set_point(order[0], viewer.dims.range[order[0]].start)
    moved = plane_shown(viewer, image)
    update_preview(preview, image, moved, objects)
    centre = moved.region_to_data([(plane.shape[0] // 2, plane.shape[1] // 3)])[0]
    assert preview.get_value(image.data_to_world(centre), world=True) == 3


def test_a_hidden_preview_of_a_smaller_image_leaves_the_view_no_larger():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((60, 90)), contrast_limits=(0, 1))
    plane = plane_shown(viewer, image)
    preview = viewer.add_layer(make_preview(image, plane, disc(plane.shape)))
    assert preview.extent.data[1].tolist() == [59, 89]
    preview.visible = False
    image.data = np.zeros((30, 40))
    smaller = plane_shown(viewer, image)
    update_preview(preview, image, smaller, disc(smaller.shape))
    assert viewer.layers.extent.world[1].tolist() == [29, 39]


def test_a_preview_holds_a_copy():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((8, 9)), contrast_limits=(0, 1))
    plane = plane_shown(viewer, image)
    objects = disc(plane.shape)
    preview = make_preview(image, plane, objects)
    update_preview(preview, image, plane, objects * 2)
    np.testing.assert_array_equal(objects, disc(plane.shape))
    np.testing.assert_array_equal(preview.data, objects * 2)


def test_an_update_in_place_is_drawn():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((30, 40)), contrast_limits=(0, 1))
    plane = plane_shown(viewer, image)
    preview = viewer.add_layer(make_preview(image, plane, np.zeros(plane.shape, int)))
    drawn = []
    preview.events.set_data.connect(lambda: drawn.append(preview._slice.image.view.copy()))
    update_preview(preview, image, plane, disc(plane.shape, 5))
    assert ((drawn[-1] > 0) == (disc(plane.shape) > 0)).all()


def test_a_preview_cannot_be_painted_on():
    image = Image(np.zeros((8, 9)), contrast_limits=(0, 1))
    plane = Plane((8, 9), (8, 9), (0, 1), (0, 0), (0, 0), 0, (0, 0, 8, 9))
    assert not make_preview(image, plane, np.zeros((8, 9), int)).editable


def test_labels_of_another_shape_are_refused():
    image = Image(np.zeros((8, 9)), contrast_limits=(0, 1))
    plane = Plane((8, 9), (8, 9), (0, 1), (0, 0), (0, 0), 0, (0, 0, 4, 4))
    with pytest.raises(LabelsError, match=r"shape \(8, 9\); expected \(4, 4\)"):
        make_preview(image, plane, np.zeros((8, 9), int))
    preview = make_preview(image, plane, np.zeros((4, 4), int))
    with pytest.raises(LabelsError, match=r"expected \(4, 4\)"):
        update_preview(preview, image, plane, np.zeros((8, 9), int))


def test_a_preview_of_an_image_with_other_axes():
    image = Image(np.zeros((8, 9)), contrast_limits=(0, 1))
    plane = Plane((8, 9), (8, 9), (0, 1), (0, 0), (0, 0), 0, (0, 0, 8, 9))
    preview = make_preview(image, plane, np.zeros((8, 9), int))
    stack = Image(np.zeros((3, 8, 9)), contrast_limits=(0, 1))
    stacked = Plane((3, 8, 9), (3, 8, 9), (1, 2), (1, 0, 0), (1, 0, 0), 0, (0, 0, 8, 9))
    with pytest.raises(LabelsError, match=r"has 2 axes, .* has 3"):
        update_preview(preview, stack, stacked, np.zeros((8, 9), int))


@pytest.mark.parametrize("contour", [0, 2])
def test_what_an_update_changes_is_drawn_as_a_new_picture_would_be(make_napari_viewer, contour):
    """Of a small change napari draws its surroundings only: outlines reach beyond what changed."""
    viewer = make_napari_viewer()
    image = viewer.add_image(np.zeros((3, 60, 80)), contrast_limits=(0, 1))
    plane = plane_shown(viewer, image)
    labels = disc(plane.shape, 2)
    preview = viewer.add_layer(make_preview(image, plane, labels))
    preview.contour = contour
    for rows, number in ((slice(30, 36), 3), (slice(32, 40), 0), (slice(0, 2), 4)):
        labels = labels.copy()
        labels[rows, 20:30] = number
        update_preview(preview, image, plane, labels)
        drawn = preview._slice.image.view.copy()
        preview.refresh()
        np.testing.assert_array_equal(preview.data.reshape(labels.shape), labels)
        np.testing.assert_array_equal(drawn, preview._slice.image.view)
