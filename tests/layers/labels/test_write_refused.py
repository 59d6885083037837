"""Labels layers that cannot take objects are refused before anything is written."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels

from label_writing import blank, coarse, two_objects, whole, write
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.planes.plane import Plane

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing is being requested")


def assert_refused(labels: Labels, image: Image, plane: Plane, objects: np.ndarray, match: str, **kwargs) -> None:
    data = labels.data[0] if labels.multiscale else labels.data
    before = np.array(data)
    features, metadata = labels.features.copy(), dict(labels.metadata)
    events = []
    labels.events.paint.connect(events.append)
    with pytest.raises(LabelsError, match=match):
        write(labels, image, plane, objects, **kwargs)
    np.testing.assert_array_equal(np.array(data), before)
    assert labels.features.equals(features)
    assert labels.metadata == metadata
    assert not events


@pytest.mark.parametrize("shape", [(8, 9), (10, 8), (1, 8, 10), (80,) * 2])
def test_another_shape(shape):
    labels = Labels(np.zeros(shape, int), name="mine")
    match = rf'"mine" has shape \({shape[0]}, .* image "cells" \(8, 10\)\. Choose'
    assert_refused(labels, blank((8, 10), name="cells"), whole((8, 10)), two_objects(), match)


def test_another_shape_than_either_level():
    labels = Labels(np.zeros((5, 5), int))
    match = r"\(4, 4\) or \(8, 8\)"
    assert_refused(labels, blank((8, 8)), coarse((8, 8), (4, 4), (0, 0, 4, 4)), np.ones((4, 4), int), match)


def test_a_coarse_labels_layer_for_a_full_plane():
    labels = Labels(np.zeros((4, 4), int), scale=(2, 2), translate=(0.5, 0.5))
    assert_refused(labels, blank((8, 8)), whole((8, 8)), np.ones((8, 8), int), r"shape \(4, 4\), .* \(8, 8\)")


@pytest.mark.parametrize(
    ("dtype", "largest", "advice"), [("u1", 254, "uint16"), ("i1", 127, "uint16"), ("u2", 65_535, "int32")]
)
def test_a_type_too_small(dtype, largest, advice):
    labels = Labels(np.zeros((8, 10), dtype))
    labels.data[0, 0] = largest
    match = rf"type {np.dtype(dtype)}, whose largest number is .* need {largest + 2}\. Convert it to {advice}"
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), match)


def test_a_type_just_large_enough():
    labels = Labels(np.zeros((8, 10), np.uint8))
    labels.data[0, 0] = 253
    assert write(labels, blank((8, 10)), whole((8, 10)), two_objects()).ids == {1: 254, 5: 255}


@pytest.mark.parametrize("highest", [2**63 - 2, 2**63 + 5, 2**64 - 1])
def test_numbers_beyond_63_bits(highest):
    labels = Labels(np.zeros((8, 10), np.uint64), name="mine")
    labels.data[-1, -1] = highest
    with pytest.raises(LabelsError, match=r'layer "mine" has numbers so large.*9223372036854775807 is the highest'):
        write(labels, blank((8, 10)), whole((8, 10)), two_objects())
    assert (labels.data > 0).sum() == 1


def test_more_than_255_objects_into_uint8():
    objects = 1 + np.arange(400).reshape(20, 20)
    labels = Labels(np.zeros((20, 20), np.uint8))
    assert_refused(labels, blank((20, 20)), whole((20, 20)), objects, "largest number is 255; the new objects need 400")


def test_numbers_at_the_end_of_int64():
    labels = Labels(np.zeros((8, 10), np.int64))
    labels.data[0, 0] = np.iinfo(np.int64).max
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "largest number is 9223372036854775807")


def test_dask_labels():
    labels = Labels(da.zeros((8, 10), dtype=int))
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "computed by dask")


def test_multiscale_labels():
    labels = Labels([np.zeros((8, 10), int), np.zeros((4, 5), int)])
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "multiscale")


def test_labels_that_are_not_editable():
    labels = Labels(np.zeros((8, 10), int))
    labels.editable = False
    assert_refused(labels, blank((8, 10)), whole((8, 10)), two_objects(), "not editable")


def test_read_only_labels():
    data = np.zeros((8, 10), int)
    data.setflags(write=False)
    assert_refused(Labels(data), blank((8, 10)), whole((8, 10)), two_objects(), "read-only")


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"translate": (0, 0.6)},
        {"scale": (1, 1.1)},
        {"rotate": 10},
        {"shear": [0.2]},
        {"scale": (-1, 1)},
        {"affine": [[1, 0, 3], [0, 1, 0], [0, 0, 1]]},
        {"units": ["nm", "nm"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_labels_that_lie_elsewhere(elsewhere):
    image = blank((8, 10), units=["um", "um"])
    labels = Labels(np.zeros((8, 10), int), **{"units": ["um", "um"], **elsewhere})
    assert_refused(labels, image, whole((8, 10)), two_objects(), "lies elsewhere: a corner is .* pixels off")


def test_labels_in_other_units_at_the_same_place():
    image = blank((8, 10), units=["um", "um"])
    labels = Labels(np.zeros((8, 10), int), scale=(1000, 1000), units=["nm", "nm"])
    assert write(labels, image, whole((8, 10)), two_objects()).pixels == 18
    match = "lies elsewhere"  # where the viewer leaves units out they are a thousand times larger
    assert_refused(labels, image, whole((8, 10)), two_objects(), match, use_units=False)


def test_less_than_half_a_pixel_off_is_the_same_place():
    labels = Labels(np.zeros((8, 10), int), translate=(0.4, -0.4))
    assert write(labels, blank((8, 10)), whole((8, 10)), two_objects()).pixels == 18


@pytest.mark.parametrize("objects", [np.zeros((8, 9), int), np.zeros((8, 10), float), np.zeros(80, int)])
def test_a_label_image_that_is_none(objects):
    labels = Labels(np.zeros((8, 10), int))
    assert_refused(labels, blank((8, 10)), whole((8, 10)), objects, r"expected whole numbers of shape \(8, 10\)")
