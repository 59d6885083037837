"""The plane and region that are read are what the viewer shows."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image

from napari_fastsam.errors import ImageError
from napari_fastsam.layers.napari_versions import camera
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import plane_shown, read_pixels


def numbered(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def pyramid(*shape: int, levels: int = 3) -> list[np.ndarray]:
    data = [numbered(*shape)]
    for _ in range(levels - 1):
        data.append(data[-1][..., ::2, ::2])
    return data


def shown_by_napari(image: Image, plane: Plane) -> np.ndarray:
    """What napari itself took from the image, turned into the image's own axis order."""
    order = list(image._slice_input.displayed)
    raw = image._slice.image.raw
    return raw if order == sorted(order) else np.swapaxes(raw, 0, 1)


def test_a_plane_image_is_its_own_plane():
    viewer = ViewerModel()
    image = viewer.add_image(numbered(5, 7))
    plane = plane_shown(viewer, image)
    assert plane == Plane((5, 7), (5, 7), (0, 1), (0, 0), (0, 0), 0, (0, 0, 5, 7))
    assert plane.shape == (5, 7)
    np.testing.assert_array_equal(read_pixels(image, plane), image.data)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1), (1, 2, 0), (2, 1, 0)])
def test_rows_and_columns_keep_the_images_order_however_they_are_shown(order):
    viewer = ViewerModel()
    image = viewer.add_image(numbered(3, 5, 7), scale=(4, 2, 0.5))
    viewer.dims.order = order
    viewer.dims.set_point(order[0], (3, 5, 7)[order[0]] // 2 * image.scale[order[0]])
    plane = plane_shown(viewer, image)
    assert plane.axes == tuple(sorted(order[1:]))
    pixels = read_pixels(image, plane)
    assert pixels.shape == plane.shape
    np.testing.assert_array_equal(pixels, np.take(image.data, image.data.shape[order[0]] // 2, axis=order[0]))
    np.testing.assert_array_equal(pixels, shown_by_napari(image, plane))


@given(
    steps=st.tuples(*[st.floats(0, 1)] * 4),
    order=st.permutations(range(4)),
    scale=st.tuples(*[st.floats(0.1, 10)] * 4),
    translate=st.tuples(*[st.floats(-100, 100)] * 4),
    unit=st.sampled_from(["nm", "mm", "pixel"]),
)
def test_wherever_the_sliders_stand_it_is_what_napari_shows(steps, order, scale, translate, unit):
    viewer = ViewerModel()
    image = viewer.add_image(numbered(2, 3, 4, 5), scale=scale, translate=translate, units=["s", "um", "um", "um"])
    viewer.add_points(ndim=2, units=[unit] * 2)  # nm: all in nm now; pixel: no units at all
    viewer.dims.order = order
    for axis, (low, high, _) in enumerate(viewer.dims.range):
        viewer.dims.set_point(axis, low + steps[axis] * (high - low))
    plane = plane_shown(viewer, image)
    np.testing.assert_array_equal(read_pixels(image, plane), shown_by_napari(image, plane))


def test_a_plane_image_in_a_world_of_more_axes_is_shown_everywhere():
    viewer = ViewerModel()
    viewer.add_image(numbered(2, 3, 4, 5))
    image = viewer.add_image(numbered(4, 5))
    for order in [(0, 1, 2, 3), (2, 3, 0, 1), (1, 3, 0, 2)]:
        viewer.dims.order = order
        assert plane_shown(viewer, image).axes == (0, 1)


def test_an_axis_shown_that_the_image_lacks():
    viewer = ViewerModel()
    viewer.add_image(numbered(2, 3, 4, 5))
    image = viewer.add_image(numbered(3, 4, 5))
    viewer.dims.order = (2, 3, 0, 1)
    plane = plane_shown(viewer, image)
    assert plane.axes == (0, 2)
    np.testing.assert_array_equal(read_pixels(image, plane), shown_by_napari(image, plane))


@pytest.mark.parametrize("channels", [3, 4])
def test_rgb_keeps_its_channels(channels):
    viewer = ViewerModel()
    image = viewer.add_image(np.arange(2 * 4 * 6 * channels, dtype=np.uint8).reshape(2, 4, 6, channels), rgb=True)
    viewer.dims.set_point(0, 1)
    pixels = read_pixels(image, plane_shown(viewer, image))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, image.data[1])


def test_dask_reads_the_plane_alone():
    read: list[tuple] = []

    def block(block_info=None):
        place = block_info[None]["chunk-location"]
        read.append(place)
        return np.full((1, 4, 5), place[0], dtype=np.uint16)

    data = da.map_blocks(block, chunks=((1,) * 6, (4,), (5,)), dtype=np.uint16, meta=np.zeros((0, 0, 0), np.uint16))
    viewer = ViewerModel()
    image = viewer.add_image(data, contrast_limits=(0, 6), cache=False)
    viewer.dims.set_point(0, 4)
    plane = plane_shown(viewer, image)
    read.clear()
    pixels = read_pixels(image, plane)
    assert isinstance(pixels, np.ndarray)
    np.testing.assert_array_equal(pixels, np.full((4, 5), 4))
    assert set(read) == {(4, 0, 0)}


def test_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    stored = zarr.open_array(str(tmp_path / "image.zarr"), mode="w", shape=(3, 4, 5), chunks=(1, 4, 5), dtype="u2")
    stored[:] = numbered(3, 4, 5).astype("u2")
    viewer = ViewerModel()
    image = viewer.add_image(stored, contrast_limits=(0, 60))
    viewer.dims.order = (2, 0, 1)
    viewer.dims.set_point(2, 3)
    np.testing.assert_array_equal(read_pixels(image, plane_shown(viewer, image)), stored[:, :, 3])


def test_multiscale_whole_plane_is_full_resolution():
    viewer = ViewerModel()
    image = viewer.add_image(pyramid(3, 64, 48), multiscale=True)
    viewer.dims.set_point(0, 2)
    plane = plane_shown(viewer, image)
    assert (plane.level, plane.shape) == (0, (64, 48))
    np.testing.assert_array_equal(read_pixels(image, plane), image.data[0][2])


def test_view_of_a_coarser_level(stay_at_level):
    viewer = ViewerModel()
    image = viewer.add_image(pyramid(3, 64, 48), multiscale=True)
    stay_at_level(image, 1)
    image.corner_pixels = np.array([[0, 4, 2], [0, 20, 11]])
    viewer.dims.set_point(0, 1)
    plane = plane_shown(viewer, image, "view")
    assert (plane.level, plane.level_shape, plane.region) == (1, (3, 32, 24), (4, 2, 21, 12))
    np.testing.assert_array_equal(plane.factors, (1, 2, 2))
    np.testing.assert_array_equal(read_pixels(image, plane), image.data[1][1, 4:21, 2:12])


@pytest.mark.parametrize("z", range(8))
def test_a_level_with_fewer_slices_is_read_where_napari_shows_it(z, stay_at_level):
    full = numbered(8, 16, 12)
    viewer = ViewerModel()
    image = viewer.add_image([full, full[::2, ::2, ::2]], multiscale=True)
    stay_at_level(image, 1)
    viewer.dims.set_point(0, z)
    plane = plane_shown(viewer, image, "view")
    assert plane.index[0] == z
    np.testing.assert_array_equal(read_pixels(image, plane), shown_by_napari(image, plane))


@pytest.mark.parametrize(
    ("corners", "region"),
    [
        ([[2, 3], [4, 5]], (2, 3, 5, 6)),
        ([[0, 0], [8, 9]], (0, 0, 9, 10)),
        ([[-5, 7], [40, 90]], (0, 7, 9, 10)),
        ([[8, 9], [8, 9]], (8, 9, 9, 10)),
        ([[50, 50], [60, 60]], (8, 9, 9, 10)),
    ],
)
def test_the_view_is_clipped_and_holds_a_pixel(corners, region):
    viewer = ViewerModel()
    image = viewer.add_image(numbered(9, 10))
    image.corner_pixels = np.array(corners)
    plane = plane_shown(viewer, image, "view")
    assert plane.region == region
    y0, x0, y1, x1 = region
    np.testing.assert_array_equal(read_pixels(image, plane), image.data[y0:y1, x0:x1])


def test_before_the_canvas_draws_the_view_is_all():
    viewer = ViewerModel()
    image = viewer.add_image(numbered(9, 10))
    assert plane_shown(viewer, image, "view") == plane_shown(viewer, image)


def test_one_pixel_and_a_long_strip():
    viewer = ViewerModel()
    for shape in [(1, 1), (20, 20_000)]:
        image = viewer.add_image(np.zeros(shape, np.uint8))
        assert read_pixels(image, plane_shown(viewer, image)).shape == shape


def test_planes_are_keys():
    viewer = ViewerModel()
    image = viewer.add_image(numbered(3, 4, 5))
    viewer.dims.set_point(0, 0)
    first = plane_shown(viewer, image)
    viewer.dims.set_point(0, 2)
    second = plane_shown(viewer, image)
    viewer.dims.set_point(0, 0)
    assert first != second
    assert {first: "kept"}[plane_shown(viewer, image)] == "kept"


@given(
    st.tuples(st.integers(1, 9), st.integers(4, 99), st.integers(4, 99)),
    st.tuples(*[st.integers(1, 4)] * 3),
    st.lists(st.tuples(st.floats(-20, 120), st.floats(-20, 120)), min_size=1, max_size=5),
)
def test_region_and_data_coordinates_undo_each_other(shape, shrink, places):
    level_shape = tuple(max(n // f, 1) for n, f in zip(shape, shrink, strict=True))
    plane = Plane(shape, level_shape, (0, 2), (0, 3, 0), (0, 1, 0), 1, (0, 1, level_shape[0], level_shape[2]))
    data = plane.region_to_data(places)
    assert (data[:, 1] == 3).all()
    assert plane.on_plane(data).all()
    np.testing.assert_allclose(plane.data_to_region(data), places, atol=1e-9)


def test_a_levels_pixel_covers_the_full_pixels_it_was_made_of():
    plane = Plane((12, 12), (4, 6), (0, 1), (0, 0), (0, 0), 1, (1, 2, 4, 6))
    # rows 3, 4, 5 and columns 4, 5 became pixel (1, 2) of the level, which is the region's first
    np.testing.assert_allclose(plane.region_to_data([[0, 0]]), [[4, 4.5]])
    np.testing.assert_allclose(plane.data_to_region([[2.5, 3.5], [5.5, 5.5]]), [[-0.5, -0.5], [0.5, 0.5]])
    assert plane.inside([[-0.5, 0], [2.49, 3.49]]).all()
    assert not plane.inside([[-0.51, 0], [2.5, 0], [0, 3.5], [np.nan, 0]]).any()


def test_a_volume_has_no_plane():
    viewer = ViewerModel(ndisplay=3)
    image = viewer.add_image(numbered(3, 4, 5))
    with pytest.raises(ImageError, match="2D display"):
        plane_shown(viewer, image)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 0, 4)])
def test_an_axis_without_pixels(shape):
    with pytest.raises(ImageError, match=rf"axis {shape.index(0)} has no pixels"):
        plane_shown(ViewerModel(), Stub(shape))


def test_a_profile_has_no_plane():
    with pytest.raises(ImageError, match="has 1 axis; expected rows and columns"):
        plane_shown(ViewerModel(), Stub((5,)))


class Stub:
    """An image that napari 0.9 itself refuses to make, but might not always."""

    def __init__(self, shape: tuple[int, ...]):
        self.name, self.ndim, self.multiscale, self.level_shapes = "stub", len(shape), False, np.array([shape])


def test_the_slider_beside_the_image():
    viewer = ViewerModel()
    image = viewer.add_image(numbered(3, 4, 5), name="cells")
    viewer.add_image(numbered(9, 4, 5))
    viewer.dims.set_point(0, 7)
    with pytest.raises(ImageError, match=r'"cells" has no plane here: the slider stands at 7 on axis 0, .* 0 to 2'):
        plane_shown(viewer, image)
    viewer.dims.set_point(0, 2.4)
    assert plane_shown(viewer, image).index[0] == 2


def test_an_image_that_is_not_in_the_viewer():
    with pytest.raises(ImageError, match="not in this viewer"):
        plane_shown(ViewerModel(), Image(numbered(3, 4, 5)))


def test_an_image_replaced_since():
    viewer = ViewerModel()
    image = viewer.add_image(numbered(4, 5), name="cells")
    plane = plane_shown(viewer, image)
    image.data = numbered(4, 6)
    with pytest.raises(ImageError, match=r"now has shape \(4, 6\)"):
        read_pixels(image, plane)


def test_the_view_on_a_real_canvas(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    data = numbered(900, 1200)
    image = viewer.add_image(data, scale=(0.5, 0.5), translate=(10, 20))
    camera(viewer).center = (10 + 150, 20 + 200)
    camera(viewer).zoom = 16
    viewer.screenshot(canvas_only=True, flash=False)  # draws the canvas
    plane = plane_shown(viewer, image, "view")
    y0, x0, y1, x1 = plane.region
    assert 0 < y0 < 300 < y1 < 900
    assert 0 < x0 < 400 < x1 < 1200
    np.testing.assert_allclose([(y0 + y1 - 1) / 2, (x0 + x1 - 1) / 2], [300, 400], atol=2)
    np.testing.assert_array_equal(read_pixels(image, plane), data[y0:y1, x0:x1])


def test_a_coarse_level_on_a_real_canvas_lies_where_we_say(make_napari_viewer_proxy, stay_at_level):
    viewer = make_napari_viewer_proxy(show=True)
    levels = [np.zeros((n, n), np.uint8) for n in (1024, 256, 64)]
    levels[2][20, 40] = 255
    image = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255), interpolation2d="nearest")
    stay_at_level(image, 2)
    camera(viewer).center = (335, 640)
    camera(viewer).zoom = 8
    viewer.screenshot(canvas_only=True, flash=False)
    plane = plane_shown(viewer, image, "view")
    assert plane.level == 2
    ((row, column),) = np.argwhere(read_pixels(image, plane))
    ((y, x),) = plane.region_to_data([(row, column)])
    assert (y, x) == (20 * 16 + 7.5, 40 * 16 + 7.5)

    def centre_of_light() -> np.ndarray:
        canvas = viewer.screenshot(canvas_only=True, flash=False)[..., 0]
        return np.argwhere(canvas > 128).mean(axis=0)

    where_the_pixel_is = centre_of_light()
    image.visible = False
    viewer.add_points([(y, x)], size=6, face_color="white", border_width=0)
    np.testing.assert_allclose(centre_of_light(), where_the_pixel_is, atol=1)
