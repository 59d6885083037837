"""Which pixels annotate which: stacks, parts, pyramids, regions, and layers that do not fit each other."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.errors import DatasetError, ImageError
from napari_fastsam.layers.training.pairs import Counted, TrainingImage, find_pair, numbered

RNG = np.random.default_rng(0)


def scene(*shape: int) -> np.ndarray:
    """A labels array with two objects on every plane, 4 and 9 (and 6 more pixels each)."""
    labels = np.zeros(shape, np.int32)
    labels[..., 1:3, 1:4] = 4
    labels[..., 4:6, 2:5] = 9
    return labels


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def counted(pair) -> Counted:
    return list(pair.counts())[-1]


def images(pair) -> list[TrainingImage]:
    return [one for one in pair.read() if one is not None]


def pair_of(image: Image, labels: Labels, regions: Shapes | None = None, **dims):
    viewer = ViewerModel()
    for layer in (image, labels, regions):
        if layer is not None:
            viewer.add_layer(layer)
    if "order" in dims:
        viewer.dims.order = dims["order"]
    for axis, step in dims.get("steps", {}).items():
        viewer.dims.set_current_step(axis, step)
    return find_pair(viewer, image, labels, regions)


def test_a_plane_and_its_labels_are_one_image():
    image, labels = noise(8, 9), scene(8, 9)
    pair = pair_of(Image(image, name="cells"), Labels(labels))
    assert counted(pair) == Counted(1, 2)
    (only,) = images(pair)
    assert only.name == "cells"
    np.testing.assert_array_equal(only.picture, image)
    np.testing.assert_array_equal(only.labels, numbered(labels))
    assert set(np.unique(only.labels)) == {0, 1, 2}
    assert (only.picture.dtype, only.labels.dtype) == (np.uint8, np.int32)


def test_each_plane_of_a_stack_with_an_object_is_an_image():
    image, labels = noise(2, 5, 8, 9), scene(2, 5, 8, 9)
    labels[0, :3] = 0
    labels[1, 1:] = 0
    pair = pair_of(Image(image, name="stack"), Labels(labels))
    assert counted(pair) == Counted(3, 6)
    found = {one.name: one.picture for one in images(pair)}
    assert list(found) == ["stack_000_003", "stack_000_004", "stack_001_000"]
    np.testing.assert_array_equal(found["stack_001_000"], image[1, 0])


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1)])
def test_planes_are_those_that_are_shown(order):
    image = noise(6, 8, 9)
    labels = np.zeros((6, 8, 9), np.int32)
    labels[2:4, 3:5, 4:6] = 1
    pair = pair_of(Image(image, name="stack"), Labels(labels), order=order)
    axis = order[0]
    found = images(pair)
    assert [one.name for one in found] == [f"stack_{i:03d}" for i in ((2, 3), (3, 4), (4, 5))[axis]]
    for one in found:
        plane = int(one.name[-3:])
        np.testing.assert_array_equal(one.picture, np.take(image, plane, axis))
        np.testing.assert_array_equal(one.labels, np.take(labels, plane, axis))


def test_labels_of_one_plane_annotate_the_plane_shown():
    image, labels = noise(5, 8, 9), scene(8, 9)
    pair = pair_of(Image(image, name="stack"), Labels(labels), steps={0: 3})
    (only,) = images(pair)
    np.testing.assert_array_equal(only.picture, image[3])
    assert counted(pair) == Counted(1, 2)


def test_a_pair_goes_on_meaning_the_planes_that_were_shown_at_first():
    image, labels = noise(5, 8, 9), scene(8, 9)
    viewer = ViewerModel()
    layers = viewer.add_image(image, name="stack"), viewer.add_labels(labels)
    viewer.dims.set_current_step(0, 3)
    first = find_pair(viewer, *layers)
    viewer.dims.set_current_step(0, 1)
    (again,) = images(find_pair(viewer, *layers, before=first))
    np.testing.assert_array_equal(again.picture, image[3])
    (anew,) = images(find_pair(viewer, *layers))
    np.testing.assert_array_equal(anew.picture, image[1])

    solid = viewer.add_labels(np.broadcast_to(labels, image.shape).copy())
    whole = find_pair(viewer, layers[0], solid)
    viewer.dims.order = (1, 0, 2)
    turned = images(find_pair(viewer, layers[0], solid, before=whole))
    assert [one.picture.shape for one in turned] == [(8, 9)] * 5


def test_labels_with_an_axis_too_many_do_if_it_has_one_plane():
    pair = pair_of(Image(noise(8, 9)), Labels(scene(1, 8, 9)))
    assert counted(pair) == Counted(1, 2)
    with pytest.raises(DatasetError, match=r"has 3 axes, image .* 2"):
        pair_of(Image(noise(8, 9)), Labels(scene(2, 8, 9)))


def test_units_rotation_and_scale_that_both_share_change_nothing():
    image, labels = noise(8, 9), scene(8, 9)
    turned = {"rotate": 30, "shear": [0.2], "translate": (5, 7)}
    pair = pair_of(
        Image(image, scale=(200, 100), units="nm", **{**turned, "translate": (5000, 7000)}),
        Labels(labels, scale=(0.2, 0.1), units="um", **turned),
    )
    (only,) = images(pair)
    np.testing.assert_array_equal(only.labels, numbered(labels))
    np.testing.assert_array_equal(only.picture, image)


def test_labels_of_a_part_annotate_that_part():
    image, labels = noise(20, 30), scene(8, 9)
    pair = pair_of(Image(image, scale=(2, 2)), Labels(labels, scale=(2, 2), translate=(10, 12)))
    (only,) = images(pair)
    np.testing.assert_array_equal(only.picture, image[5:13, 6:15])
    np.testing.assert_array_equal(only.labels, numbered(labels))


def test_labels_that_reach_beyond_the_image_are_cut():
    image, labels = noise(6, 6), scene(8, 9)
    pair = pair_of(Image(image), Labels(labels, translate=(-2, -3)))
    (only,) = images(pair)
    np.testing.assert_array_equal(only.picture, image)
    np.testing.assert_array_equal(only.labels, numbered(labels[2:, 3:]))
    assert counted(pair) == Counted(1, 2)


@settings(max_examples=30)  # each makes a viewer
@given(st.integers(2, 12), st.floats(0.3, 4), st.floats(-6, 12))
def test_each_pixel_has_the_label_that_is_drawn_on_it(length, scale, start):
    """By the definition: the pixel of the labels whose square holds the image pixel's centre."""
    image = Image(np.zeros((16, 16), np.uint8))
    drawn = np.arange(1, length * length + 1).reshape(length, length)
    labels = Labels(drawn, scale=(scale, scale), translate=(start, start))
    centres = np.arange(16)
    under = np.floor((centres - start) / scale + 0.5)
    near_an_edge = np.abs((centres - start) / scale + 0.5 - np.round((centres - start) / scale + 0.5)) < 1e-3
    inside = (under >= 0) & (under < length)
    if near_an_edge.any():
        return
    if not inside.any():
        with pytest.raises(DatasetError, match="does not lie on"):
            pair_of(image, labels)
        return
    (only,) = images(pair_of(image, labels))
    index = under[inside].astype(int)
    np.testing.assert_array_equal(only.labels, numbered(drawn[np.ix_(index, index)]))


def test_of_a_pyramid_the_level_is_read_that_the_labels_were_drawn_at():
    full = noise(32, 40)
    pyramid = [full, full[::2, ::2], full[::4, ::4]]
    labels = scene(8, 9)
    coarse = Labels(labels, scale=(4, 4), translate=(1.5 + 4 * 0, 1.5 + 4 * 1))
    (only,) = images(pair_of(Image(pyramid, multiscale=True, contrast_limits=(0, 255)), coarse))
    np.testing.assert_array_equal(only.picture, pyramid[2][:8, 1:10])
    np.testing.assert_array_equal(only.labels, numbered(labels))
    (fine,) = images(pair_of(Image(pyramid, multiscale=True, contrast_limits=(0, 255)), Labels(scene(32, 40))))
    np.testing.assert_array_equal(fine.picture, full)


def test_of_coarser_planes_each_annotates_the_one_in_its_middle():
    image, labels = noise(9, 8, 9), scene(3, 8, 9)
    pair = pair_of(Image(image, name="z"), Labels(labels, scale=(3, 1, 1), translate=(1, 0, 0)))
    assert [one.name for one in images(pair)] == ["z_001", "z_004", "z_007"]


def test_dask_is_read_plane_by_plane():
    reads: list[tuple] = []

    def block(of: np.ndarray, block_info=None) -> np.ndarray:
        reads.append(of.shape)
        return of

    image = noise(4, 8, 9)
    lazy = da.from_array(image, chunks=(1, 8, 9)).map_blocks(block, dtype=np.uint8, meta=np.zeros((0, 0, 0), np.uint8))
    labels = scene(4, 8, 9)
    labels[1:] = 0
    pair = pair_of(Image(lazy, contrast_limits=(0, 255)), Labels(da.from_array(labels, chunks=(1, 8, 9))))
    reads.clear()
    (only,) = images(pair)
    assert len(reads) == 1, "planes without an object are not read"
    np.testing.assert_array_equal(only.picture, image[0])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int32])
def test_the_contrast_limits_are_the_window(dtype):
    image = (RNG.random((8, 9)) * 3000).astype(dtype)
    pair = pair_of(Image(image, contrast_limits=(500, 2000)), Labels(scene(8, 9)))
    (only,) = images(pair)
    np.testing.assert_array_equal(only.picture, to_rgb8(image, (500, 2000))[..., 0])


def test_where_each_plane_has_a_contrast_of_its_own_that_is_the_window(follow_contrast):
    image = np.stack([RNG.random((8, 9)), 100 * RNG.random((8, 9))]).astype(np.float32)
    layer = Image(image)
    follow_contrast(layer)
    found = images(pair_of(layer, Labels(scene(2, 8, 9))))
    for one, plane in zip(found, image, strict=True):
        assert (one.picture.min(), one.picture.max()) == (0, 255)
        np.testing.assert_array_equal(one.picture, to_rgb8(plane, (plane.min(), plane.max()))[..., 0])


def test_colours_are_kept_and_alpha_is_left_out():
    image = noise(3, 8, 9, 4)
    pair = pair_of(Image(image, rgb=True), Labels(scene(3, 8, 9)))
    assert counted(pair) == Counted(3, 6)
    np.testing.assert_array_equal(images(pair)[1].picture, image[1, ..., :3])


def box(y0: float, x0: float, y1: float, x1: float) -> np.ndarray:
    return np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]])


def test_regions_are_images_of_their_own_also_without_an_object():
    image, labels = noise(20, 20), scene(20, 20)
    regions = Shapes([box(-0.5, -0.5, 3.5, 5.5), box(9.6, 9.4, 14.4, 15.6)])
    pair = pair_of(Image(image, name="cells"), Labels(labels), regions)
    assert counted(pair) == Counted(2, 1)
    first, second = images(pair)
    assert (first.name, second.name) == ("cells_r1", "cells_r2")
    np.testing.assert_array_equal(first.picture, image[:4, :6])
    np.testing.assert_array_equal(first.labels, numbered(labels[:4, :6]))
    # a pixel is inside if its centre is: 10 to 14 and 10 to 15
    np.testing.assert_array_equal(second.picture, image[10:15, 10:16])
    assert not second.labels.any()


def test_a_region_beyond_the_image_is_cut_and_one_outside_is_no_region():
    image, labels = noise(20, 20), scene(20, 20)
    pair = pair_of(Image(image), Labels(labels), Shapes([box(-50, -50, 6, 60), box(30, 30, 40, 40)]))
    (only,) = images(pair)
    np.testing.assert_array_equal(only.picture, image[:7])
    with pytest.raises(DatasetError, match="None of the rectangles"):
        pair_of(Image(image), Labels(labels), Shapes([box(30, 30, 40, 40)]))


def test_a_region_on_a_plane_speaks_of_that_plane_alone():
    image, labels = noise(4, 20, 20), np.zeros((4, 20, 20), np.int32)
    labels[1, 2:4, 2:4] = 1
    on_plane = Shapes([np.insert(box(0, 0, 9, 9), 0, 1, axis=1), np.insert(box(0, 0, 9, 9), 0, 3, axis=1)])
    assert [one.name for one in images(pair_of(Image(image, name="s"), Labels(labels), on_plane))] == [
        "s_001_r1",
        "s_003_r2",
    ]
    flat = Shapes([box(0, 0, 9, 9)])
    assert [one.name for one in images(pair_of(Image(image, name="s"), Labels(labels), flat))] == ["s_001_r1"]


def test_regions_go_through_the_world():
    image, labels = noise(20, 20), scene(20, 20)
    pair = pair_of(Image(image, scale=(2, 3)), Labels(labels, scale=(2, 3)), Shapes([box(0, 0, 5, 6)], scale=(4, 3)))
    (only,) = images(pair)
    np.testing.assert_array_equal(only.picture, image[:11, :7])


@pytest.mark.parametrize(
    "shapes",
    [
        Shapes([box(0, 0, 9, 9), box(0, 0, 9, 9)], shape_type=["rectangle", "ellipse"]),
        Shapes([np.array([[0, 0], [3, 4], [9, 1.0]])], shape_type="polygon"),
        Shapes([box(0, 0, 9, 9)], rotate=20),
    ],
    ids=["ellipse", "polygon", "turned"],
)
def test_a_region_that_is_no_upright_rectangle_is_refused(shapes):
    with pytest.raises(DatasetError, match=r"Shape [12] in .* is no rectangle"):
        pair_of(Image(noise(20, 20)), Labels(scene(20, 20)), shapes)


def test_regions_without_a_rectangle_say_what_to_draw():
    with pytest.raises(DatasetError, match=r"no rectangle in .* yet"):
        pair_of(Image(noise(20, 20)), Labels(scene(20, 20)), Shapes(ndim=2))


@pytest.mark.parametrize(
    ("placed", "said"),
    [
        ({"rotate": 10}, "turned, sheared or mirrored"),
        ({"shear": [0.3]}, "turned, sheared or mirrored"),
        ({"scale": (-1, 1)}, "turned, sheared or mirrored"),
        ({"scale": (1000, 1000)}, r"1e\+03 pixels"),
        ({"translate": (100, 0)}, "does not lie on"),
    ],
)
def test_labels_that_do_not_fit_say_why(placed, said):
    with pytest.raises(DatasetError, match=said):
        pair_of(Image(noise(20, 20)), Labels(scene(20, 20), **placed))


def test_labels_without_the_rows_that_are_shown_say_so():
    with pytest.raises(DatasetError, match="along its last two axes"):
        pair_of(Image(noise(20, 20, 20)), Labels(scene(20, 20)), order=(1, 0, 2))


def test_labels_of_one_plane_beside_the_stack_say_that_no_plane_is_shown():
    image, labels = Image(noise(5, 8, 9)), Labels(scene(8, 9))
    viewer = ViewerModel()
    for layer in (image, labels, Image(noise(5, 8, 9), translate=(10, 0, 0))):
        viewer.add_layer(layer)
    viewer.dims.set_current_step(0, 12)
    with pytest.raises(ImageError, match="no plane here"):
        find_pair(viewer, image, labels)


def test_pixels_that_make_no_picture_name_the_image():
    nothing = np.full((8, 9), np.nan)
    (only,) = images(pair_of(Image(nothing, contrast_limits=(0, 1)), Labels(scene(8, 9))))
    assert not only.picture.any(), "the limits say what is black, and NaN is"
    colours = Image(np.full((2, 8, 9, 3), np.nan, np.float32), rgb=True, name="empty")
    with pytest.raises(DatasetError, match=r"“empty_000” cannot be trained on: .*no finite value"):
        images(pair_of(colours, Labels(scene(2, 8, 9))))


def test_one_number_for_all_objects_is_doubted():
    labels = np.zeros((20, 20), np.int32)
    for row in range(1, 20, 5):
        labels[row : row + 2, 3:6] = 7
    pair = pair_of(Image(noise(20, 20)), Labels(labels, name="mine"))
    (doubt,) = counted(pair).doubts
    assert "“mine” has 4 separate pieces that all have the number 7" in doubt
    labels[1:3] = 8 * (labels[1:3] > 0)
    assert counted(pair_of(Image(noise(20, 20)), Labels(labels))).doubts == ()


@given(st.lists(st.integers(-5, 300), min_size=1, max_size=40))
def test_numbers_are_made_dense_and_objects_stay_apart(values):
    labels = np.array(values)[None]
    new = numbered(labels)
    np.testing.assert_array_equal(new == 0, labels == 0)
    assert sorted(set(new[new > 0])) == list(range(1, len(set(labels[labels != 0])) + 1))
    assert len({*zip(labels[0].tolist(), new[0].tolist(), strict=True)}) == len(set(values))


def test_counting_needs_no_pixels_of_the_image():
    class NoPixels:
        shape, dtype, ndim, size = (8, 9), np.dtype(np.uint8), 2, 72

        def __getitem__(self, index):
            raise OSError("the disk is gone")

    pair = pair_of(Image(noise(8, 9)), Labels(scene(8, 9)))
    object.__setattr__(pair, "image", NoPixels())
    assert counted(pair) == Counted(1, 2)
