"""Labels of a real layer are corrected: pixels, one undo step, features and provenance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_fastsam.core.objects import editing
from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.editing import correct_labels, free_numbers, merge_labels, split_label
from napari_fastsam.layers.labels.layer_plane import LayerPlane, plane_at
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.preview import pyramid


def squares(dtype: Any = np.int32) -> np.ndarray:
    """(40, 60): label 1 and 2 touch, 4 is alone with a hole, 7 has two pieces."""
    data = np.zeros((40, 60), dtype)
    data[4:14, 4:14] = 1
    data[4:14, 14:24] = 2
    data[4:14, 30:40] = 4
    data[8:10, 34:36] = 0
    data[24:34, 4:14] = 7
    data[24:27, 50:53] = 7
    return data


def told(data: np.ndarray, **kwargs: Any) -> Labels:
    """A layer whose features and metadata tell of the labels."""
    table = pd.DataFrame(
        {
            "index": [1, 2, 4, 7],
            "class": ["a", "b", "c", "d"],
            "area": [100, 100, 96, 109],
            "centroid_y": [8.5, 8.5, 8.5, 28.0],
        }
    )
    metadata = {"napari-fastsam": [{"model": "nuclei", "labels": [1, 2]}, {"model": "mine", "labels": [4, 7]}]}
    return Labels(data, features=table, metadata=metadata, **kwargs)


def plane(layer: Labels) -> LayerPlane:
    return plane_at(layer, np.zeros(layer.ndim), (layer.ndim - 2, layer.ndim - 1))


def rows(layer: Labels) -> dict[int, str]:
    return dict(zip(layer.features["index"].tolist(), layer.features["class"].tolist(), strict=True))


def entries(layer: Labels) -> list[list[int]]:
    return [entry["labels"] for entry in layer.metadata["napari-fastsam"]]


def fill(labels: np.ndarray, label: int, _: Any) -> np.ndarray:
    return editing.fill_holes(labels, label)


def delete(labels: np.ndarray, label: int, _: Any) -> np.ndarray:
    return editing.delete(labels, label)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.uint64])
def test_any_integer_type_is_corrected_and_undone_by_napari(dtype: Any) -> None:
    layer = told(squares(dtype))
    did = correct_labels(plane(layer), {4: (5, 31)}, fill)
    assert (did.pixels, did.new, did.gone) == (4, (), ())
    assert layer.data[9, 35] == 4
    layer.undo()
    np.testing.assert_array_equal(layer.data, squares(dtype))
    layer.redo()
    assert layer.data[9, 35] == 4


def test_what_is_deleted_leaves_features_and_provenance() -> None:
    layer = told(squares())
    did = correct_labels(plane(layer), {1: (5, 5), 7: (30, 5)}, delete)
    assert did.gone == (1, 7)
    assert rows(layer) == {2: "b", 4: "c"}
    assert entries(layer) == [[2], [4]]
    assert set(np.unique(layer.data)) == {0, 2, 4}
    layer.undo()
    np.testing.assert_array_equal(layer.data, squares())


def test_the_first_of_merged_labels_keeps_number_and_class() -> None:
    layer = told(squares())
    did = merge_labels(plane(layer), {2: (5, 20), 1: (5, 5), 4: (5, 31)})
    assert did.gone == (1, 4)
    assert rows(layer) == {2: "b", 7: "d"}
    row = layer.features.set_index("index").loc[2]
    assert row["area"] == 296
    assert np.isnan(row["centroid_y"])  # where it was is not where it is
    assert layer.features.set_index("index").loc[7]["centroid_y"] == 28.0
    assert (layer.data == 2).sum() == 296


def test_parts_of_a_label_have_its_class_and_provenance() -> None:
    layer = told(squares())
    numbers = free_numbers(layer, 3)

    def halve(labels: np.ndarray, label: int, corner: tuple[int, int]) -> np.ndarray:
        line = np.array([[3, 7], [15, 7]]) - corner
        return editing.split_by_line(labels, label, line, numbers)

    did = split_label(plane(layer), 1, (5, 5), halve, numbers)
    assert did.new == (8,)
    assert rows(layer) == {1: "a", 2: "b", 4: "c", 7: "d", 8: "a"}
    areas = layer.features.set_index("index")["area"]
    assert (areas[1], areas[8]) == ((layer.data == 1).sum(), (layer.data == 8).sum())
    assert entries(layer) == [[1, 2, 8], [4, 7]]


def test_a_class_column_that_ends_in_a_digit_is_no_measurement() -> None:
    layer = told(squares())
    layer.features = layer.features.assign(class1=[1, 2, 3, 4])
    correct_labels(plane(layer), {4: (5, 31)}, fill)
    assert layer.features["class1"].tolist() == [1, 2, 3, 4]


def test_a_label_on_another_plane_keeps_its_row() -> None:
    stack = np.stack([squares(), np.where(squares() == 1, 1, 0)])
    layer = told(stack)
    did = correct_labels(plane(layer), {1: (5, 5), 2: (5, 20)}, delete)
    assert did.gone == (2,)
    assert rows(layer) == {1: "a", 4: "c", 7: "d"}
    np.testing.assert_array_equal(layer.data[1], stack[1])


def test_planes_along_any_axis_are_corrected() -> None:
    data = np.moveaxis(np.stack([squares(), 0 * squares()]), 0, 1)  # (40, 2, 60)
    layer = Labels(data.copy())
    correct_labels(plane_at(layer, (0, 0.4, 0), (2, 0)), {4: (5, 31)}, fill)
    assert layer.data[9, 0, 35] == 4
    assert not layer.data[:, 1].any()


def test_a_hidden_layer_is_corrected_and_stays_hidden() -> None:
    layer = told(squares(), visible=False)
    correct_labels(plane(layer), {4: (5, 31)}, fill)
    assert layer.data[9, 35] == 4
    assert not layer.visible


def test_a_pyramid_of_ours_is_corrected_on_all_levels() -> None:
    data = np.zeros((2048, 2300), np.int32)
    data[100:160, 100:160] = 3
    data[120:130, 120:130] = 0
    layer = Labels(pyramid(data, (0, 1)))
    heard: list[Any] = []
    layer.events.paint.connect(heard.append)
    correct_labels(plane(layer), {3: (101, 101)}, fill)
    assert layer.data[0][125, 125] == 3
    assert layer.data[1][62, 62] == 3
    assert len(heard) == 1


def test_what_cannot_be_corrected_is_left_as_it_was() -> None:
    layer = told(squares())
    with pytest.raises(LabelsError, match="Label 9 is not on this plane"):
        correct_labels(plane(layer), {9: (5, 5)}, fill)
    with pytest.raises(LabelsError, match="Two labels or more"):
        merge_labels(plane(layer), {1: (5, 5)})
    full = Labels(np.where(squares(np.uint8) == 7, 255, squares(np.uint8)).astype(np.uint8))
    with pytest.raises(LabelsError, match="largest number 255 is taken"):
        free_numbers(full, 1)
    layer.editable = False
    with pytest.raises(LabelsError, match="not editable"):
        plane(layer)
    np.testing.assert_array_equal(layer.data, squares())


def test_nothing_is_written_where_nothing_changes() -> None:
    layer = told(squares())
    assert correct_labels(plane(layer), {1: (5, 5)}, fill).pixels == 0
    layer.undo()
    np.testing.assert_array_equal(layer.data, squares())


def test_labels_half_in_a_region_are_found() -> None:
    layer = told(squares())
    outline = [[0, 0], [0, 20], [20, 20], [20, 0]]
    assert set(plane(layer).labels_in(outline)) == {1, 2}
    assert set(plane(layer).labels_in([[0, 0], [0, 16], [20, 16], [20, 0]])) == {1}
    assert not plane(layer).labels_in([[-9, -9], [-9, -5], [-5, -5]])


@pytest.mark.parametrize("planes", [(), (2,)])
def test_new_numbers_are_free_whoever_wrote_into_a_large_layer(planes: tuple[int, ...]) -> None:
    layer = Labels(np.zeros((*planes, 4096, 4096), np.int32))
    shown = (0,) * len(planes)

    def pixel(at: int) -> tuple[np.ndarray, ...]:
        return tuple(np.array([i]) for i in (*shown, at, at))

    assert free_numbers(layer, 2) == [1, 2]
    layer.paint((*shown, 50, 50), 12)
    assert free_numbers(layer, 1) == [13]
    layer.data_setitem(pixel(5), 40)
    assert free_numbers(layer, 1) == [41]
    write_pixels(layer, [(pixel(6), np.array([50], np.int32))], "")
    assert free_numbers(layer, 1) == [51]
    layer.data[(*shown, 7, 7)] = 60
    layer.refresh()
    assert free_numbers(layer, 1) == [61]


def test_labels_that_lie_in_each_others_windows_are_all_gone_once_they_are_merged():
    data = squares()
    data[4:14, 24:30] = 4
    layer = told(data)
    did = merge_labels(plane(layer), {1: (5.0, 5.0), 2: (5.0, 20.0), 4: (5.0, 32.0)})
    assert did.gone == (2, 4)
    assert rows(layer) == {1: "a", 7: "d"}
