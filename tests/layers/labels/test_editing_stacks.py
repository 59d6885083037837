"""Labels that span planes are corrected on all of them: pixels, one undo step, features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.label_edit import recorded_edit
from napari_fastsam.layers.labels import label_planes
from napari_fastsam.layers.labels.editing import correct_labels, keep_largest_everywhere, merge_labels, split_label
from napari_fastsam.layers.labels.label_planes import planes_with
from napari_fastsam.layers.labels.layer_plane import LayerPlane, plane_at

ROWS, COLUMNS = np.mgrid[:40, :60]


def stack() -> np.ndarray:
    """(5, 40, 60): 1 moves by a column a plane on planes 0 to 3; 2 on 1 to 4; 3, two balls that overlap, on all."""
    data = np.zeros((5, 40, 60), np.int32)
    for z in range(4):
        data[z, 3:12, 3 + z : 14 + z] = 1
        data[z, 6:8, 8 + z : 10 + z] = 0
    data[1:, 3:12, 30:40] = 2
    for z in range(5):
        data[z, np.hypot(ROWS - 28, COLUMNS - 16 - z) < 8] = 3
        data[z, np.hypot(ROWS - 28, COLUMNS - 29 - z) < 8] = 3
    return data


def layer_of(data: np.ndarray, **kwargs: Any) -> Labels:
    numbers, counts = np.unique(data[data > 0], return_counts=True)
    return Labels(data, features=pd.DataFrame({"index": numbers, "area": counts, "class": "c"}), **kwargs)


def plane(layer: Labels, *position: int) -> LayerPlane:
    return plane_at(layer, (*position, 0, 0), (layer.ndim - 2, layer.ndim - 1))


def simple(function: Any) -> Any:
    return lambda window, label, _: function(window, label)


@pytest.fixture(params=["looked through", "followed"])
def layer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Labels:
    if request.param == "followed":  # as in a layer that is too large to look through
        monkeypatch.setattr(label_planes, "MOST_SEARCHED", 10)
    return layer_of(stack())


def test_the_planes_of_a_label_are_found_wherever_one_begins(layer):
    found = planes_with(plane(layer, 2), 1, (5.0, 6.0))
    assert found[0][0].index[0] == 2
    assert sorted(one.index[0] for one, _ in found) == [0, 1, 2, 3]


def test_delete_takes_a_label_out_of_all_planes_and_its_row_too(layer):
    before = layer.data.copy()
    did = correct_labels(plane(layer, 1), {1: (5.0, 5.0), 2: (5.0, 35.0)}, simple(editing.delete), everywhere=True)
    assert did.gone == (1, 2)
    assert did.pixels == np.isin(before, (1, 2)).sum()
    np.testing.assert_array_equal(layer.data, np.where(before == 3, 3, 0))
    assert layer.features["index"].tolist() == [3]
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_fill_fills_on_all_planes_and_counts_anew(layer):
    correct_labels(plane(layer, 3), {1: (5.0, 8.0)}, simple(editing.fill_holes), everywhere=True)
    assert [np.count_nonzero(one == 1) for one in layer.data] == [99, 99, 99, 99, 0]
    assert dict(zip(layer.features["index"], layer.features["area"], strict=True))[1] == 4 * 99


def test_a_label_too_small_to_shrink_on_one_plane_stays_there(layer):
    layer.data[3][layer.data[3] == 1] = 0
    layer.data[3, 5, 9] = 1
    correct_labels(plane(layer, 1), {1: (5.0, 5.0)}, simple(editing.shrink), everywhere=True)
    assert layer.data[3, 5, 9] == 1
    assert np.count_nonzero(layer.data[0] == 1) < 95
    layer.data[:, 20, 50], before = 7, layer.data.copy()
    before[:, 20, 50] = 7
    with pytest.raises(LabelsError, match="Nothing would be left"):
        correct_labels(plane(layer, 0), {7: (20.0, 50.0)}, simple(editing.shrink), everywhere=True)
    np.testing.assert_array_equal(layer.data, before)


def test_merge_joins_on_planes_where_the_other_is_not(layer):
    merge_labels(plane(layer, 2), {2: (5.0, 35.0), 1: (5.0, 6.0), 3: (28.0, 16.0)}, everywhere=True)
    assert np.unique(layer.data).tolist() == [0, 2]
    assert layer.features["index"].tolist() == [2]
    assert layer.features["area"].tolist() == [np.count_nonzero(layer.data)]


def test_split_goes_on_to_the_other_planes_as_it_began(layer):
    points = np.array([[28.0, 18.0], [28.0, 31.0]])
    before = layer.data.copy()

    def correction(window: np.ndarray, label: int, corner: tuple[int, int]) -> np.ndarray:
        return editing.split_between(window, label, points - corner, [4])

    did = split_label(plane(layer, 2), 3, (28.0, 18.0), correction, [4], everywhere=True)
    assert did.new == (4,)
    for z in range(5):
        ends = layer.data[z, 28, 12 + z], layer.data[z, 28, 33 + z]
        assert set(ends) == {3, 4}, z
        assert ends == (layer.data[0, 28, 12], layer.data[0, 28, 33]), "the same side on all planes"
        assert 150 < np.count_nonzero(layer.data[z] == 4) < 230
    np.testing.assert_array_equal(layer.data > 0, before > 0)
    assert layer.features["index"].tolist() == [1, 2, 3, 4]
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def test_the_largest_piece_hangs_together_through_planes():
    data = np.zeros((4, 30, 30), np.uint16)
    data[:, 4:8, 4:8] = 1  # 64 pixels on four planes
    data[1, 20:27, 20:27] = 1  # 49 on one
    layer = layer_of(data)
    keep_largest_everywhere(plane(layer, 1), {1: (22.0, 22.0)})
    assert not layer.data[1, 20:27, 20:27].any()
    assert np.count_nonzero(layer.data) == 64


def test_four_axes_are_all_corrected():
    layer = layer_of(np.stack([stack(), stack()]))
    correct_labels(plane(layer, 1, 2), {3: (28.0, 18.0)}, simple(editing.delete), everywhere=True)
    assert not (layer.data == 3).any()


def test_it_is_one_step_of_the_docks_history(layer):
    history, before = History(), layer.data.copy()
    with recorded_edit("delete", layer, history):
        correct_labels(plane(layer, 1), {3: (28.0, 17.0)}, simple(editing.delete), everywhere=True)
    history.undo()
    np.testing.assert_array_equal(layer.data, before)
    assert layer.features["index"].tolist() == [1, 2, 3]
