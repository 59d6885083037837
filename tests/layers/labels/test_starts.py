"""A label as what an object starts from, and what becomes of it when it is written back."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.answers.correcting import Corrections
from napari_fastsam.layers.labels.starts import LabelStart, Replacement, label_under, read_label
from napari_fastsam.layers.labels.write import commit, labels_like
from napari_fastsam.layers.planes.read import plane_shown


def scene(labels, image=None, **kwargs):
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros(labels.shape, np.uint8) if image is None else image, **kwargs))
    layer = viewer.add_layer(Labels(labels, **kwargs))
    return viewer, image, layer, plane_shown(viewer, image)


def two_squares(shape=(40, 50)):
    labels = np.zeros(shape, np.int32)
    labels[..., 5:15, 5:15] = 3
    labels[..., 5:15, 15:25] = 7
    return labels


def start(image, layer, plane, label, yx):
    return LabelStart(image, layer, label, 1, plane, yx, read_label(layer, image, plane, label, np.array(yx)))


def write(layer, image, plane, objects, replacing, **kwargs):
    return commit(layer, image, plane, objects, scores={}, provenance={}, replacing=replacing, **kwargs)


def test_all_pieces_of_a_label_are_its_start():
    labels = two_squares()
    labels[30:33, 40:43] = 3
    _, image, layer, plane = scene(labels)
    assert label_under(layer, image, plane, (10, 10)) == 3
    np.testing.assert_array_equal(read_label(layer, image, plane, 3, np.array([10, 10])).full(plane.shape), labels == 3)
    assert read_label(layer, image, plane, 9, np.array([10, 10])) is None


def test_on_a_large_plane_it_is_read_as_far_as_it_goes():
    labels = np.zeros((3000, 3000), np.uint8)
    labels[1000:1700, 1200:1900] = 5
    _, image, layer, plane = scene(labels)
    mask = read_label(layer, image, plane, 5, np.array([1001.0, 1890.0]))
    assert (mask.top, mask.left, mask.area) == (1000, 1200, 700 * 700)


def test_a_layer_that_cannot_be_written_to_is_refused_at_once():
    _, image, layer, plane = scene(two_squares())
    layer.editable = False
    with pytest.raises(LabelsError, match="not editable"):
        label_under(layer, image, plane, (10, 10))


@pytest.mark.parametrize("preserve", [True, False])
def test_only_that_label_is_replaced(preserve):
    labels = two_squares()
    _, image, layer, plane = scene(labels.copy())
    layer.features = {"index": [3, 7], "class": ["a", "b"], "area": [100, 100]}
    objects = np.zeros_like(labels)
    objects[3:15, 5:18] = 1  # larger above, and over its neighbour
    objects[12:15, 5:8] = 0
    replacing = {1: Replacement(start(image, layer, plane, 3, (10.0, 10.0)))}
    committed = write(layer, image, plane, objects, replacing, preserve=preserve)

    expected = labels.copy()
    expected[12:15, 5:8] = 0
    expected[3:5, 5:18] = 3
    if not preserve:
        expected[5:15, 15:18] = 3
    np.testing.assert_array_equal(layer.data, expected)
    assert committed.ids == {1: 3}
    assert layer.features["class"].tolist() == ["a", "b"]
    assert layer.features["area"].tolist()[0] == (expected == 3).sum()
    layer.undo()
    np.testing.assert_array_equal(layer.data, labels)


def test_what_a_label_gives_up_is_free_for_another_object():
    labels = two_squares()
    _, image, layer, plane = scene(labels.copy())
    objects = np.zeros_like(labels)
    objects[5:15, 5:10] = 1
    objects[5:15, 10:15] = 2
    write(layer, image, plane, objects, {1: Replacement(start(image, layer, plane, 3, (10.0, 10.0)))})
    assert (layer.data[10, 7], layer.data[10, 12], layer.data[10, 20]) == (3, 8, 7)


def test_an_area_that_was_no_count_of_pixels_stays():
    labels = two_squares()
    _, image, layer, plane = scene(labels.copy())
    layer.features = {"index": [3, 7], "area": [12.5, 13.5]}
    objects = (labels == 3).astype(np.int32)
    objects[5] = 0
    write(layer, image, plane, objects, {1: Replacement(start(image, layer, plane, 3, (10.0, 10.0)))})
    assert layer.features["area"].tolist() == [12.5, 13.5]
    assert (layer.data == 3).sum() == 90


def test_a_label_of_a_slide_is_replaced_in_its_pyramid():
    image = np.zeros((9000, 9000), np.uint8)
    viewer = ViewerModel()
    image = viewer.add_layer(Image(image))
    plane = plane_shown(viewer, image)
    layer = viewer.add_layer(labels_like(image, plane, name="slide"))
    layer.data[0][4000:4100, 4000:4100] = 2
    begun = start(image, layer, plane, 2, (4050.0, 4050.0))
    objects = np.zeros((9000, 9000), np.int32)
    objects[4000:4100, 4000:4050] = 1
    windows = [(slice(3990, 4110), slice(3990, 4110))]
    write(layer, image, plane, objects, {1: Replacement(begun)}, windows=windows)
    assert (layer.data[0] == 2).sum() == 5000


class TestChangesByHand:
    def begun(self):
        viewer, image, layer, plane = scene(two_squares())
        heard = []
        corrections = Corrections(viewer, lambda: heard.append(True))
        corrections.begin(image, plane, layer, 3, (10.0, 10.0), 1)
        return viewer, image, layer, plane, corrections, heard

    def test_what_is_painted_counts(self):
        _, image, layer, _, corrections, heard = self.begun()
        layer.data_setitem((np.array([5]), np.array([5])), 0)
        assert heard
        (now,) = corrections.starts(image)
        assert now.mask.area == 99

    @pytest.mark.parametrize("how", ["erased", "layer removed", "other data"])
    def test_what_is_gone_keeps_the_pixels_it_had(self, how):
        viewer, image, layer, _, corrections, _ = self.begun()
        if how == "erased":
            layer.data_setitem(np.nonzero(layer.data == 3), 0)
        elif how == "layer removed":
            viewer.layers.remove(layer)
        else:
            layer.data = np.zeros((7, 7), np.int32)
        (now,) = corrections.starts(image)
        assert now.gone
        assert now.mask.area == 100

    def test_another_image_has_its_own(self):
        viewer, image, _, plane, corrections, _ = self.begun()
        other = viewer.add_layer(Image(np.zeros(image.data.shape)))
        assert corrections.starts(other) == ()
        assert not corrections.corrects(other, plane_shown(viewer, other))
        assert not corrections.forget(other, [plane_shown(viewer, other)])
        assert corrections.corrects(image, plane)

    def test_a_plane_that_was_added_is_forgotten(self):
        _, image, _, plane, corrections, _ = self.begun()
        assert corrections.forget(image, [plane])
        assert corrections.starts(image) == ()
        assert not corrections.forget(image, [plane])
