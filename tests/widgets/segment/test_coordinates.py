"""A click gives the label under the click, wherever image and prompt layers lie in the world."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Points, Shapes

from napari_fastsam.layers.napari_versions import camera

NUCLEI = np.array([[126, 94], [147, 244]], float)
TURNED = [[0.8, -0.6, 10], [0.6, 0.8, -5], [0, 0, 1]]

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


@pytest.mark.parametrize(
    "placing",
    [
        pytest.param({}, id="plain"),
        pytest.param({"scale": (0.5, 0.25)}, id="scaled"),
        pytest.param({"translate": (-300, 1e5)}, id="far away"),
        pytest.param({"rotate": 30}, id="rotated"),
        pytest.param({"shear": [0.3], "scale": (2, 3)}, id="sheared"),
        pytest.param({"affine": TURNED, "scale": (0.2, 0.2)}, id="affine"),
        pytest.param({"rotate": 200, "shear": [-0.2], "affine": TURNED, "translate": (7, 9)}, id="all at once"),
        pytest.param({"scale": (-1, 1)}, id="mirrored"),
    ],
)
@pytest.mark.parametrize("own_layer", [True, False], ids=["dock's layer", "plain Points layer"])
def test_a_click_in_a_transformed_viewer(bench, expected, placing, own_layer):
    b = bench(**placing)
    if not own_layer:
        b.viewer.add_layer(Points(ndim=2))
    else:
        b.dock.make_prompt_layers()
    points = b.dock.points.value
    for nucleus in NUCLEI:
        world = b.image.data_to_world(nucleus)
        points.add([points.world_to_data(world)])
    b.settle()

    for number, (nucleus, mask) in enumerate(zip(NUCLEI, expected(points=NUCLEI), strict=True), start=1):
        np.testing.assert_array_equal(b.shown == number, mask)
        assert b.preview.get_value(b.image.data_to_world(nucleus), world=True) == number
    for corner in ((0, 0), (255, 319)):
        np.testing.assert_allclose(b.preview.data_to_world(corner), b.image.data_to_world(corner), atol=1e-6)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [pytest.param("nm", 500, id="nm"), pytest.param("um", 0.5, id="µm"), pytest.param("pixel", 0.5, id="pixel")],
)
def test_prompts_in_another_unit_than_the_image(bench, expected, unit, factor):
    b = bench(scale=(0.5, 0.5), units=("um", "um"))
    b.viewer.add_layer(Points(ndim=2, units=(unit, unit)))
    b.click(*(NUCLEI * factor))

    for number, mask in enumerate(expected(points=NUCLEI), start=1):
        np.testing.assert_array_equal(b.shown == number, mask)
    b.dock.commit()
    np.testing.assert_array_equal(b.committed.data > 0, np.logical_or(*expected(points=NUCLEI)))
    assert b.committed.units == b.image.units


def test_the_first_click_on_an_image_in_another_unit_than_the_viewer(bench, cells):
    """The viewer's world is in the smaller of two units, and so is what it says of the mouse."""
    b = bench(np.zeros_like(cells), scale=(500, 500), units=("nm", "nm"), show=True)
    image = b.viewer.add_image(cells, scale=(0.5, 0.5), units=("um", "um"), contrast_limits=(0, 80))
    b.dock.image.value = b.viewer.layers.selection.active = image
    b.viewer.reset_view()
    b.settle()
    b.mouse_click(NUCLEI[0] * 500)
    np.testing.assert_allclose(b.dock.points.value.data, NUCLEI[:1], atol=2)
    assert "1 object" in b.status


def test_new_prompt_layers_and_labels_have_the_images_place_and_units(bench):
    b = bench(scale=(0.5, 0.25), rotate=10, units=("um", "um"), axis_labels=("row", "column"))
    points, shapes = b.prompts()
    b.click(NUCLEI[0])
    b.dock.commit()

    for layer in (points, shapes, b.preview, b.committed):
        np.testing.assert_allclose(layer.data_to_world((5, 9)), b.image.data_to_world((5, 9)))
        assert layer.units == b.image.units
        assert layer.axis_labels == ("row", "column")


def stack(cells, depth=4):
    """Four planes; on the third the nuclei are where `cells` has them, on the others mirrored."""
    return np.stack([cells if z == 2 else cells[::-1] for z in range(depth)])


def test_2d_prompts_on_a_stack_mean_the_plane_shown(bench, cells, expected):
    b = bench(stack(cells), contrast_limits=(0, 80), scale=(3, 0.5, 0.5))
    b.viewer.dims.set_current_step(0, 2)
    b.viewer.add_layer(Points(ndim=2, scale=(0.5, 0.5)))
    b.click(*NUCLEI)
    for number, mask in enumerate(expected(points=NUCLEI), start=1):
        np.testing.assert_array_equal(b.shown == number, mask)
    layer = b.dock.commit()

    assert layer.data.shape == (4, 256, 320)
    assert [int(plane.max()) for plane in layer.data] == [0, 0, 2, 0]


def test_3d_prompts_belong_to_their_plane(bench, cells, expected):
    b = bench(stack(cells), contrast_limits=(0, 80))
    b.viewer.dims.set_current_step(0, 2)
    b.click((2, *NUCLEI[0]))
    np.testing.assert_array_equal(b.shown > 0, expected(points=NUCLEI[:1])[0])
    assert b.preview.get_value((2, *NUCLEI[0]), world=True) == 1

    b.viewer.dims.set_current_step(0, 1)
    b.settle()
    assert not b.shown.any()
    assert "another slice" in b.dock.status.value

    b.viewer.dims.set_current_step(0, 2)
    b.settle()
    np.testing.assert_array_equal(b.shown > 0, expected(points=NUCLEI[:1])[0])


def test_a_transposed_display(bench, cells, expected):
    b = bench()
    b.viewer.dims.order = (1, 0)
    b.click(NUCLEI[0])

    np.testing.assert_array_equal(b.shown > 0, expected(points=NUCLEI[:1])[0])


def test_the_plane_seen_from_the_side(bench, cells, expected):
    b = bench(np.stack([cells, cells[::-1]], axis=2), contrast_limits=(0, 80))  # (Y, X, Z)
    b.viewer.dims.order = (2, 0, 1)
    b.settle()
    b.click((*NUCLEI[0], b.viewer.dims.point[2]))

    z = int(b.viewer.dims.point[2])
    mask = expected(image=(cells, cells[::-1])[z], points=NUCLEI[:1])[0]
    np.testing.assert_array_equal(b.shown > 0, mask)


@pytest.mark.parametrize("kind", ["uint16", "float with NaN", "RGB", "RGBA", "dask", "int8 and negative"])
def test_kinds_of_images(bench, cells, truth, kind):
    pixels, limits = np.clip(cells, 0, 80), (0, 80)
    options = {}
    if kind == "uint16":
        pixels, limits = pixels.astype(np.uint16) * 500, (0, 40_000)
    elif kind == "float with NaN":
        pixels, limits = pixels / 80, (0, 1)
        pixels[200:, :40] = np.nan
    elif kind.startswith("RGB"):
        scaled = (pixels * 3).astype(np.uint8)
        pixels = np.stack([scaled] * 3 + [np.full_like(scaled, 255)] * (kind == "RGBA"), axis=-1)
        options, limits = {"rgb": True}, (0, 255)
    elif kind == "dask":
        pixels = da.from_array(pixels, chunks=(100, 100))
    else:
        pixels, limits = pixels.astype(np.int16) - 60, (-60, 20)
        pixels = pixels.astype(np.int8)
    b = bench(pixels, contrast_limits=limits, **options)
    b.click(*NUCLEI)

    for number, nucleus in enumerate(NUCLEI.astype(int), start=1):
        drawn = truth == truth[tuple(nucleus)]
        found = b.shown == number
        assert (drawn & found).sum() > 0.6 * (drawn | found).sum()


def test_a_constant_image_has_nothing_and_says_so(bench):
    b = bench(np.full((64, 64), 7, np.uint8))
    b.click((30, 30))

    assert not b.shown.any()
    assert "Point 1" in b.dock.status.value
    b.dock.task.value = "everything"
    b.settle()
    assert "Nothing found" in b.status


def pyramid(cells):
    """Level 1 holds `cells` four times at the scale that the model knows."""
    full = np.repeat(np.repeat(np.tile(cells, (2, 2)), 2, axis=0), 2, axis=1)
    return [full, full[::2, ::2], full[::4, ::4]]


def test_a_pyramids_plane_is_its_full_level(bench, cells, expected):
    levels = pyramid(cells)
    b = bench(levels, multiscale=True, contrast_limits=(0, 80))
    b.click(*(NUCLEI * 2))

    (mask, _) = expected(image=levels[0], points=NUCLEI * 2)
    np.testing.assert_array_equal(b.shown == 1, mask)
    np.testing.assert_allclose(b.preview.data_to_world((8, 12)), b.image.data_to_world((8, 12)))


def test_the_view_of_a_pyramid_is_the_level_shown(bench, cells, qtbot):
    b = bench(pyramid(cells), multiscale=True, contrast_limits=(0, 80), show=True)
    b.viewer.window.resize(1300, 800)  # room for this level beside the docks
    qtbot.wait(200)
    b.viewer.reset_view()
    camera(b.viewer).zoom = 0.4  # where this level is the one shown, however wide napari makes the docks
    b.dock.region.value = "view"
    qtbot.waitUntil(lambda: b.image.data_level == 1)
    b.viewer.add_layer(Points(ndim=2))
    places = NUCLEI * 2 + 0.5
    b.click(*places)

    assert b.dock.controller.shown.request.plane.level == 1
    assert [b.preview.get_value(place, world=True) for place in places] == [1, 2]
    layer = b.dock.commit()
    assert layer.data.shape == tuple(b.image.level_shapes[1])
    assert [layer.get_value(place, world=True) for place in places] == [1, 2]


def test_a_zoomed_view_of_a_big_pyramid_reads_only_what_is_seen(bench, cells, qtbot):
    read = []

    def block(block_info=None):
        if not block_info:
            return np.zeros((1, 1), np.uint8)
        (y0, _), (x0, _) = block_info[None]["array-location"]
        read.append((y0, x0))
        return np.tile(cells, (4, 3))[:1000, :900]

    full = da.map_blocks(block, chunks=((1000,) * 16, (900,) * 16), dtype=np.uint8)
    b = bench([full, full[::8, ::8], full[::64, ::64]], multiscale=True, contrast_limits=(0, 80), show=True)
    b.viewer.add_layer(Points(ndim=2))
    b.dock.region.value = "view"
    place = np.array([8000, 9000]) + NUCLEI[0]
    camera(b.viewer).center = tuple(place)
    camera(b.viewer).zoom = 2
    qtbot.waitUntil(lambda: b.image.data_level == 0)
    read.clear()
    b.click(place)

    assert b.preview.get_value(place, world=True) == 1
    assert set(read) <= {(8000, 9000), (7000, 9000), (8000, 8100), (7000, 8100)}


def test_shapes_in_a_rotated_viewer(bench, truth):
    b = bench(rotate=20, scale=(0.5, 0.5))
    b.viewer.add_layer(Shapes(ndim=2))
    shapes = b.dock.shapes.value
    rows, columns = np.nonzero(truth == truth[126, 94])
    y0, x0, y1, x1 = rows.min() - 0.5, columns.min() - 0.5, rows.max() + 0.5, columns.max() + 0.5
    corners = [b.image.data_to_world(c) for c in ((y0, x0), (y0, x1), (y1, x1), (y1, x0))]
    shapes.add_rectangles([corners])
    b.settle()

    assert b.dock.controller.shown.request.read.prompts.boxes == pytest.approx(
        np.array([[y0 + 0.5, x0 + 0.5, y1 + 0.5, x1 + 0.5]]), abs=0.05
    )
    assert b.shown[126, 94] == 1


def test_the_image_need_not_be_uppermost_nor_alone(bench, cells, expected):
    b = bench()
    b.viewer.add_layer(Image(np.zeros((50, 50)), translate=(1000, 1000), scale=(3, 3)))
    assert b.dock.image.value == b.viewer.layers[-1], "the selected image is the one meant"
    b.dock.image.value = b.image
    b.viewer.add_layer(Points(ndim=2))
    b.click(NUCLEI[0])

    np.testing.assert_array_equal(b.shown > 0, expected(points=NUCLEI[:1])[0])
