"""What is measured of objects, held to shapes that are measured by hand."""

import numpy as np
import pytest

from napari_fastsam.core.objects.measurements import measure
from napari_fastsam.errors import LabelsError


def test_a_rectangle_measured_by_hand():
    labels = np.zeros((20, 30), np.int32)
    labels[2:6, 10:20] = 7
    labels[15, 3] = 9_000_000
    image = np.arange(600, dtype=np.uint16).reshape(20, 30)
    table = measure(labels, image, {7: 0.5})
    assert table["label"].tolist() == [7, 9_000_000]
    first = table.iloc[0]
    assert [first[c] for c in ("area", "centroid_y", "centroid_x")] == [40, 3.5, 14.5]
    assert [first[c] for c in ("y0", "x0", "y1", "x1")] == [2, 10, 6, 20]
    inside = image[2:6, 10:20]
    assert first["intensity_mean"] == inside.mean()
    assert (first["intensity_min"], first["intensity_max"]) == (inside.min(), inside.max())
    assert first["intensity_std"] == pytest.approx(inside.std())
    assert first["solidity"] == 1
    assert table["score"].tolist()[0] == 0.5
    assert np.isnan(table["score"].tolist()[1])


def test_channels_stacks_and_no_image():
    labels = np.zeros((4, 5), int)
    labels[1:3, 1:3] = 1
    table = measure(labels, np.ones((4, 5, 3)))
    assert [f"intensity_mean_{c}" in table for c in range(3)] == [True] * 3
    assert "intensity_mean" not in measure(labels)
    volume = measure(np.stack([labels, labels]), axes=("z", "y", "x"))
    assert (volume["area"][0], volume["centroid_z"][0], volume["z1"][0]) == (8, 0.5, 2)


def test_background_is_no_object_beside_negative_numbers():
    assert measure(np.array([[-1, 0], [0, 5]]))["label"].tolist() == [-1, 5]


def test_nothing_and_what_does_not_fit():
    assert len(measure(np.zeros((4, 5), int))) == 0
    with pytest.raises(LabelsError, match="same pixels"):
        measure(np.zeros((4, 5), int), np.zeros((5, 4)))
