"""Two Labels layers compared in a real viewer: the numbers, the table, the result on the image."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt

from napari_fastsam.core.judging.comparison import Kind
from napari_fastsam.core.judging.metrics import match
from napari_fastsam.layers.napari_versions import camera
from napari_fastsam.widgets.common.controls import layers_of
from napari_fastsam.widgets.compare import messages as compare_messages
from napari_fastsam.widgets.compare.output import RESULT_NAME
from napari_fastsam.widgets.compare.table import COLUMNS

# -------------------------------------------------------------------- choosing


def test_it_says_what_to_do_until_there_is_something_to_compare(opened, found, truth) -> None:
    bench = opened()
    assert bench.status == compare_messages.NO_LABELS
    bench.viewer.add_labels(truth, name="nuclei gt")
    bench.settle()
    assert bench.status == compare_messages.ONE_MISSING
    assert bench.dock.truth.value.name == "nuclei gt"
    bench.viewer.add_labels(found, name="found")
    bench.settle()
    assert bench.dock.predicted.value.name == "found"
    assert bench.status.startswith(f"{len(np.unique(truth)) - 1} objects in the ground truth")
    assert RESULT_NAME in bench.viewer.layers


def test_without_a_telling_name_the_upper_layer_is_judged(opened, found, truth) -> None:
    bench = opened(a=truth, b=found)
    assert (bench.dock.predicted.value.name, bench.dock.truth.value.name) == ("b", "a")
    bench.viewer.layers.clear()
    bench.settle()
    bench.viewer.add_labels(found, name="first")
    bench.viewer.add_labels(truth, name="second")
    bench.settle()
    assert (bench.dock.predicted.value.name, bench.dock.truth.value.name) == ("first", "second")


def test_the_comparison_is_none_to_choose_here_or_in_the_other_dock(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    assert bench.result in bench.viewer.layers
    assert bench.result not in bench.dock.predicted.choices
    assert bench.result not in layers_of(bench.viewer, Labels)(None)


def test_the_same_layer_twice(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    bench.dock.truth.value = bench.dock.predicted.value
    bench.settle()
    assert bench.status == compare_messages.SAME_TWICE
    assert RESULT_NAME not in bench.viewer.layers
    assert bench.dock.view.table.rows.rowCount() == 0
    assert bench.dock.view.numbers.value == ""


def test_layers_of_other_fields_are_named(opened, found, truth) -> None:
    bench = opened(found=found[:100], truth=truth)
    assert "“found” and “truth” do not cover the same field" in bench.status
    assert bench.dock.compared is None


@pytest.mark.parametrize(
    ("empty", "said"),
    [
        ("truth", "The ground truth has no objects here: 17 objects, all false."),
        ("found", "The segmentation has no objects here: 17 objects, all missed."),
        ("both", "Neither layer has an object here: nothing to compare."),
    ],
)
def test_empty_labels_are_said(opened, empty, said) -> None:
    some = np.kron(np.arange(18).reshape(3, 6), np.ones((6, 6), int))
    layers = {name: some * (empty not in (name, "both")) for name in ("found", "truth")}
    bench = opened(**layers)
    assert bench.status == said


# -------------------------------------------------------------------- numbers, layer, table


def test_the_numbers_are_those_of_metrics(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    expected = match(found, truth)
    assert [s.points for s in bench.dock.view.curve.series] == [
        tuple((m.threshold, m.average_precision) for m in expected)
    ]
    at_half = expected[0]
    assert 0 < at_half.false_positives < at_half.true_positives, "or nothing is tested here"
    assert bench.counts == (at_half.true_positives, at_half.false_negatives, at_half.false_positives)
    said = bench.dock.view.numbers.value
    mean = np.mean([m.average_precision for m in expected])
    for value in (at_half.average_precision, expected[5].average_precision, mean, at_half.f1, at_half.mean_matched_iou):
        assert f"<b>{value:.3f}</b>" in said


def test_a_row_for_each_object_and_a_colour_for_each_kind(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    assert bench.dock.view.table.rows.rowCount() == sum(bench.counts)
    kinds = [bench.cells(row)["kind"] for row in range(sum(bench.counts))]
    hits, missed, false = bench.counts
    assert kinds == ["missed"] * missed + ["false"] * false + ["hit"] * hits
    shown = bench.result.data
    for row in range(sum(bench.counts)):
        cells = bench.cells(row)
        pixels = found == int(cells["found"]) if cells["kind"] != "missed" else truth == int(cells["true"])
        kind = {"hit": Kind.HIT, "missed": Kind.MISSED, "false": Kind.FALSE}[cells["kind"]]
        assert (shown[pixels] == kind).mean() > (0.9 if kind == Kind.HIT else 0.1)


def test_the_threshold_acts_at_once_and_in_place(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    data, before = bench.result.data, bench.counts
    bench.dock.threshold.value = 0.8
    bench.settle()
    (strict,) = match(found, truth, (0.8,))
    assert bench.counts == (strict.true_positives, strict.false_negatives, strict.false_positives) != before
    assert bench.result.data is data
    assert bench.dock.view.table.rows.rowCount() == sum(bench.counts)
    np.testing.assert_array_equal(data, bench.dock.compared.painted(0.8))


def test_columns_sort(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    table = bench.dock.view.table
    table.sortByColumn(list(COLUMNS).index("area"), Qt.SortOrder.DescendingOrder)
    areas = [int(bench.cells(row)["area"]) for row in range(table.rows.rowCount())]
    assert areas == sorted(areas, reverse=True)
    bench.dock.threshold.value = 0.7  # the order stays when the rows change
    bench.settle()
    areas = [int(bench.cells(row)["area"]) for row in range(table.rows.rowCount())]
    assert areas == sorted(areas, reverse=True)


def test_a_click_on_a_row_goes_to_the_object(opened, found, truth) -> None:
    bench = opened(show=True, found=found, truth=truth)
    bench.dock.view.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    bench.click(1)
    cells = bench.cells(1)
    assert cells["kind"] == "missed"
    centre = np.argwhere(truth == int(cells["true"])).mean(axis=0)
    np.testing.assert_allclose(camera(bench.viewer).center[-2:], centre, atol=2)
    assert bench.viewer.layers["truth"].selected_label == int(cells["true"])
    assert bench.viewer.layers.selection.active.name == "truth"
    row = next(r for r in range(99) if bench.cells(r)["kind"] == "false")
    bench.click(row)
    assert bench.viewer.layers.selection.active.name == "found"
    assert bench.viewer.layers["found"].selected_label == int(bench.cells(row)["found"])
    assert truth[tuple(np.round(camera(bench.viewer).center[-2:]).astype(int))] == 0
    camera(bench.viewer).center = (0, 0)
    bench.click(row)  # once more, though it is chosen
    assert camera(bench.viewer).center[-2:] != (0, 0)


def test_only_who_chooses_a_row_moves_the_view(opened, found, truth) -> None:
    bench = opened(show=True, found=found, truth=truth)
    shown = camera(bench.viewer)
    shown.center = (7, 8)
    bench.dock.view.table.setFocus()
    bench.dock.view.table.sortByColumn(4, Qt.SortOrder.AscendingOrder)
    bench.settle()
    assert shown.center[-2:] == (7, 8)
    bench.click(3)
    chosen = bench.cells(3)
    bench.qtbot.keyClick(bench.dock.view.table, Qt.Key.Key_Down)
    assert bench.viewer.layers["truth"].selected_label == int(bench.cells(4)["true"])
    bench.qtbot.keyClick(bench.dock.view.table, Qt.Key.Key_Up)
    shown.center = (7, 8)
    bench.dock.threshold.value = 0.9
    bench.settle()
    assert shown.center[-2:] == (7, 8)
    (index,) = bench.dock.view.table.selectionModel().selectedRows()
    assert bench.cells(index.row())["true"] == chosen["true"], "the object stays chosen when the rows change"
