"""Writing where the plane is part of a stack, or a coarse level of a pyramid, and into files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels

from label_writing import blank, coarse, two_objects, whole, write
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels import preview
from napari_fastsam.layers.labels.write import labels_like
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import plane_shown

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


def test_the_region_of_a_plane_of_a_stack():
    image = blank((3, 8, 10), scale=(4, 0.5, 0.5), translate=(1, 2, 3), units=["um"] * 3)
    plane = Plane((3, 8, 10), (3, 8, 10), (1, 2), (2, 0, 0), (2, 0, 0), 0, (2, 3, 5, 6))
    labels = labels_like(image, plane, name="cells")
    write(labels, image, plane, np.ones((3, 3), int))
    expected = np.zeros((3, 8, 10), int)
    expected[2, 2:5, 3:6] = 1
    np.testing.assert_array_equal(labels.data, expected)


def test_a_coarse_level_into_full_resolution():
    image, plane = blank((8, 12)), coarse((8, 12), (4, 4), (1, 1, 3, 4))
    labels = Labels(np.zeros((8, 12), np.int32))
    objects = np.array([[1, 0, 0], [0, 2, 2]])
    done = write(labels, image, plane, objects)
    expected = np.zeros((8, 12), int)
    expected[2:6, 3:12] = np.kron(objects, np.ones((2, 3), int))
    np.testing.assert_array_equal(labels.data, expected)
    assert done.pixels == 18


@given(
    st.tuples(st.integers(4, 40), st.integers(4, 40)).flatmap(
        lambda shape: st.tuples(st.just(shape), *[st.integers(1, n) for n in shape])
    )
)
def test_every_full_pixel_takes_the_level_pixel_under_its_centre(case):
    shape, *level = case
    image, plane = blank(shape), coarse(shape, tuple(level), (0, 0, *level))
    labels = Labels(np.zeros(shape, np.int32))
    objects = 1 + np.arange(np.prod(level)).reshape(level)
    write(labels, image, plane, objects)
    centres = plane.data_to_region(np.argwhere(np.ones(shape)))
    under = objects[tuple(np.floor(centres + 0.5 + 1e-9).astype(int).T)].reshape(shape)
    np.testing.assert_array_equal(labels.data, under)


def test_a_coarse_level_into_its_own_layer():
    image = blank((8, 8), scale=(0.5, 0.5), rotate=30)
    plane = coarse((8, 8), (4, 4), (1, 1, 3, 3))
    labels = labels_like(image, plane, name="cells")
    write(labels, image, plane, np.ones((2, 2), int))
    assert labels.data.shape == (4, 4)
    np.testing.assert_array_equal(np.argwhere(labels.data), [[1, 1], [1, 2], [2, 1], [2, 2]])


@pytest.mark.parametrize("z", range(8))
def test_a_level_with_fewer_slices_is_written_where_it_is_seen(z, stay_at_level):
    viewer = ViewerModel()
    full = np.zeros((8, 16, 12))
    image = viewer.add_image([full, full[::2, ::2, ::2]], multiscale=True, contrast_limits=(0, 1))
    stay_at_level(image, 1)
    viewer.dims.set_point(0, z)
    plane = plane_shown(viewer, image, "view")
    labels = viewer.add_layer(labels_like(image, plane, name="cells"))
    write(labels, image, plane, np.ones(plane.shape, int))
    assert labels.get_value(viewer.dims.point, world=True) == 1


def test_a_hidden_layer_is_written_and_stays_hidden():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((5, 8, 10)), contrast_limits=(0, 1))
    labels = viewer.add_labels(np.zeros((5, 8, 10), np.int32), visible=False)
    viewer.dims.set_point(0, 3)
    labels.data[0] = 70_000
    done = write(labels, image, plane_shown(viewer, image), two_objects())
    assert done.ids == {1: 70_001, 5: 70_002}
    np.testing.assert_array_equal(labels.data[3] > 0, two_objects() > 0)
    assert not labels.visible


def test_what_is_written_is_drawn_where_units_differ():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((5, 8, 10)), contrast_limits=(0, 1), units=["um"] * 3)
    labels = viewer.add_labels(np.zeros((5, 8, 10), np.int32), units=["um"] * 3)
    viewer.add_points(ndim=3, units=["nm"] * 3)
    viewer.dims.set_point(0, 3000)
    plane = plane_shown(viewer, image)
    assert plane.index[0] == 3
    write(labels, image, plane, two_objects())
    np.testing.assert_array_equal(labels._slice.image.view > 0, two_objects() > 0)


def test_zarr_labels(tmp_path):
    zarr = pytest.importorskip("zarr")
    stored = zarr.open_array(str(tmp_path / "labels.zarr"), mode="w", shape=(3, 8, 10), chunks=(1, 4, 5), dtype="i4")
    stored[0] = 6
    image, plane = blank((3, 8, 10)), whole((3, 8, 10), (1, 0, 0))
    labels = Labels(stored)
    assert write(labels, image, plane, two_objects()).ids == {1: 7, 5: 8}
    np.testing.assert_array_equal(stored[1], np.choose(np.searchsorted([0, 1, 5], two_objects()), [0, 7, 8]))
    labels.undo()
    assert not stored[1].any()


def test_a_pyramid_of_ours_takes_objects_and_keeps_what_it_has(monkeypatch):
    monkeypatch.setattr(preview, "MOST_DRAWN", 2_000_000)
    image = Image(np.broadcast_to(np.uint8(0), (1500, 1500)), contrast_limits=(0, 1))
    plane = whole((1500, 1500))
    labels = labels_like(image, plane, name="cells")
    assert labels.multiscale
    assert preview.is_pyramid_of_ours(labels)
    objects = np.zeros((1500, 1500), np.int32)
    objects[:20, :20] = 3
    assert write(labels, image, plane, objects).ids == {3: 1}
    objects[10:30, :20] = 3
    done = write(labels, image, plane, objects)
    assert done.ids == {3: 2}
    assert not done.undoable
    assert [labels.data[0][5, 5], labels.data[0][25, 5], labels.data[1][2, 2]] == [1, 2, 1]


def test_a_pyramid_of_others_is_refused():
    image, plane = blank((8, 10)), whole((8, 10))
    labels = Labels([np.zeros((8, 10), int), np.zeros((4, 5), int)], multiscale=True)
    with pytest.raises(LabelsError, match="multiscale"):
        write(labels, image, plane, two_objects())
