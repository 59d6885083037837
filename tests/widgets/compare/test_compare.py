"""The dock *Compare* in a real viewer: what it says, shows and follows, and that it leaves nothing behind."""

from __future__ import annotations

import csv
import threading
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QFileDialog, QSlider, QWidget

from napari_fastsam.core.judging.comparison import Kind
from napari_fastsam.core.judging.metrics import THRESHOLDS, match
from napari_fastsam.layers.napari_versions import camera
from napari_fastsam.widgets.common import errors
from napari_fastsam.widgets.common.controls import PREVIEW_KEY, layers_of
from napari_fastsam.widgets.compare import messages as compare_messages
from napari_fastsam.widgets.compare import work as compare_work
from napari_fastsam.widgets.compare.dock import CompareWidget
from napari_fastsam.widgets.compare.output import RESULT_NAME
from napari_fastsam.widgets.compare.table import COLUMNS


@pytest.fixture
def found(truth: np.ndarray) -> np.ndarray:
    """What somebody's segmentation of `cells` could be: every fifth nucleus lost, all moved, one made up."""
    labels = np.roll(truth, 2, axis=0)
    labels[labels % 5 == 0] = 0
    labels[120:135, 150:165] = 999
    return labels


class Open:
    """A viewer with the dock and layers."""

    def __init__(self, viewer: Any, qtbot: Any, **layers: Any) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        for name, data in layers.items():
            viewer.add_labels(data, name=name)
        self.dock = CompareWidget(viewer)
        viewer.window.add_dock_widget(self.dock, name="Compare")
        self.settle()

    def settle(self) -> None:
        dock = self.dock
        self.qtbot.waitUntil(
            lambda: (
                not dock._soon._hasPendingEmission and not dock._recolour._hasPendingEmission and not dock._work.busy
            ),
        )

    @property
    def status(self) -> str:
        return self.dock.message

    @property
    def result(self) -> Labels:
        return self.viewer.layers[RESULT_NAME]

    @property
    def counts(self) -> tuple[int, int, int]:
        m = self.dock.compared.matching(self.dock.threshold.value)
        return m.true_positives, m.false_negatives, m.false_positives

    def cells(self, row: int) -> dict[str, str]:
        model = self.dock.view.table.rows
        return {name: model.data(model.index(row, c)) for c, name in enumerate(COLUMNS)}

    def click(self, row: int) -> None:
        table = self.dock.view.table
        index = table.rows.index(row, 2)
        table.scrollTo(index)
        place = table.visualRect(index).center()
        self.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        self.settle()


@pytest.fixture
def opened(make_napari_viewer, plugin_settings, qtbot):
    made: list[Open] = []

    def make(show: bool = False, **layers: Any) -> Open:
        made.append(Open(make_napari_viewer(show=show), qtbot, **layers))
        return made[-1]

    yield make
    for one in made:
        one.dock.disconnect_all()
    made.clear()


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


# -------------------------------------------------------------------- live


def test_it_follows_paint_undo_new_data_and_changes_in_place(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth.copy())
    bench.dock.solo.value = False
    layer, data = bench.viewer.layers["truth"], bench.viewer.layers["truth"].data
    _, missed, _ = bench.counts

    def has(count: int) -> None:
        bench.qtbot.waitUntil(lambda: bench.counts[1] == count)

    layer.data_setitem(tuple(np.indices((4, 4)).reshape(2, -1)), 5000)
    has(missed + 1)
    layer.undo()
    has(missed)
    data[:4, :4] = 5000
    layer.refresh()
    has(missed + 1)
    layer.data = np.where(data == 5000, 0, data)
    has(missed)
    layer.translate = (40, 0)
    bench.qtbot.waitUntil(lambda: "lies 40 pixels off along axis 0" in bench.status)
    layer.translate = (0, 0)
    bench.qtbot.waitUntil(lambda: bench.dock.compared is not None)
    has(missed)


def test_a_preview_is_followed_while_it_is_hidden(opened, found, truth) -> None:
    bench = opened(truth=truth)
    preview = Labels(found.copy(), name="preview", metadata={PREVIEW_KEY: True})
    bench.viewer.add_layer(preview)
    bench.settle()
    assert bench.dock.predicted.value is None, "it is not taken unasked"
    bench.dock.predicted.value = preview
    bench.settle()
    assert not preview.visible
    hits = bench.counts[0]
    preview.data[...] = truth
    preview.refresh()
    preview.features = {"index": [1], "score": [0.5]}  # what a preview does at its end
    bench.qtbot.waitUntil(lambda: bench.counts[0] > hits)
    assert bench.counts[1:] == (0, 0)


def test_compare_again_sees_what_nobody_told(opened, found, truth) -> None:
    bench = opened(found=found.copy(), truth=truth)
    bench.viewer.layers["found"].data[...] = truth
    bench.qtbot.wait(200)
    assert bench.counts[1:] != (0, 0)
    bench.dock.actions.again.changed.emit(True)
    bench.settle()
    assert bench.counts[1:] == (0, 0)


def test_layers_that_go_and_come(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    layer = bench.viewer.layers["found"]
    bench.viewer.layers.remove(layer)
    bench.settle()
    assert bench.status == compare_messages.ONE_MISSING
    assert RESULT_NAME not in bench.viewer.layers
    assert bench.viewer.layers["truth"].visible
    bench.viewer.layers.append(layer)
    bench.settle()
    assert bench.dock.predicted.value == layer
    assert bench.dock.compared is not None
    bench.viewer.layers.remove(bench.result)
    bench.dock.threshold.value = 0.6
    bench.settle()
    assert bench.result.data.any()
    bench.viewer.layers.clear()
    bench.settle()
    assert bench.status == compare_messages.NO_LABELS


def test_both_layers_are_hidden_and_shown_again_unless_the_person_hid_them(opened, found, truth) -> None:
    bench = opened(found=found, truth=truth)
    one, other = bench.viewer.layers["found"], bench.viewer.layers["truth"]
    assert not one.visible
    assert not other.visible
    bench.dock.solo.value = False
    assert one.visible
    assert other.visible
    one.visible = False
    bench.dock.solo.value = True
    bench.dock.solo.value = False
    assert not one.visible
    assert other.visible


# -------------------------------------------------------------------- stacks


@pytest.fixture
def stacks() -> dict[str, np.ndarray]:
    """A rod that is lost on the last two of five planes, and a false object on the last."""
    truth, found = np.zeros((5, 20, 24), np.int32), np.zeros((5, 20, 24), np.int32)
    truth[:, 4:10, 4:10] = 7
    found[:3, 4:10, 4:10] = 3
    found[4, 15:18, 18:22] = 8
    return {"found": found, "truth": truth}


def test_a_stack_by_plane_by_planes_and_by_whole_objects(opened, stacks) -> None:
    bench = opened(show=True, **stacks)
    bench.viewer.dims.set_current_step(0, 0)
    bench.settle()
    assert bench.counts == (1, 0, 0)
    bench.viewer.dims.set_current_step(0, 4)
    bench.settle()
    assert bench.counts == (0, 1, 1)
    assert bench.result.data.shape == (1, 20, 24)
    assert bench.dock.view.table.isColumnHidden(1)
    bench.dock.scope.value = "planes"
    bench.settle()
    assert bench.counts == (3, 2, 1)
    assert "on 5 planes" in bench.status
    assert not bench.dock.view.table.isColumnHidden(1)
    bench.viewer.dims.set_current_step(0, 0)
    compared = bench.dock.compared
    bench.qtbot.wait(200)
    assert bench.dock.compared is compared, "a slider changes nothing here"
    assert (bench.cells(1)["kind"], bench.cells(1)["plane"]) == ("missed", "4")
    bench.click(1)
    assert bench.viewer.dims.current_step[0] == 4
    bench.dock.scope.value = "volume"
    bench.settle()
    assert bench.counts == (1, 0, 1)


def test_the_choice_of_planes_is_there_for_stacks_only(opened, stacks, found, truth) -> None:
    bench = opened(show=True, **stacks)
    bench.qtbot.waitUntil(lambda: bench.dock.scope.visible)
    for name, data in (("flat", found), ("flat truth", truth)):
        bench.viewer.add_labels(data, name=name)
    bench.dock.predicted.value, bench.dock.truth.value = bench.viewer.layers["flat"], bench.viewer.layers["flat truth"]
    bench.settle()
    assert not bench.dock.scope.visible
    assert bench.result.ndim == 2
    assert bench.counts[0] > 0


def test_a_volume_on_display_asks_for_a_plane_or_whole_objects(opened, stacks) -> None:
    bench = opened(**stacks)
    bench.viewer.dims.ndisplay = 3
    bench.settle()
    assert "switch to 2D display" in bench.status
    bench.dock.scope.value = "volume"
    bench.settle()
    assert bench.counts == (1, 0, 1)


# -------------------------------------------------------------------- in a thread


@pytest.fixture
def in_a_thread(monkeypatch) -> None:
    monkeypatch.setattr(compare_work, "AT_ONCE_PIXELS", 0)


def test_large_layers_are_compared_in_a_thread(opened, found, truth, in_a_thread, monkeypatch) -> None:
    threads = []
    whole = compare_work.comparing

    def watched(*args: Any) -> Any:
        for part in whole(*args):
            threads.append(threading.current_thread())
            yield part

    monkeypatch.setattr(compare_work, "comparing", watched)
    bench = opened(found=found, truth=truth)
    (expected,) = match(found, truth, (0.5,))
    assert bench.counts[0] == expected.true_positives
    assert threading.main_thread() not in threads
    assert threads


class Held:
    """Lets a thread compare a plane only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._whole = compare_work.comparing
        monkeypatch.setattr(compare_work, "comparing", self._slow)

    def _slow(self, *args: Any) -> Any:
        for part in self._whole(*args):
            self.reached.set()
            self.go_on.wait(120)
            yield part


def test_what_changes_meanwhile_is_compared_next(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    layer = bench.viewer.layers["truth"]
    layer.data = np.zeros_like(layer.data)
    bench.qtbot.wait(200)
    held.go_on.set()
    bench.settle()
    assert bench.counts == (0, 0, 4)


def test_what_cannot_be_compared_any_more_is_not_shown(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    bench.viewer.layers["truth"].translate = (0, 9, 0)
    bench.qtbot.wait(200)
    held.go_on.set()
    bench.settle()
    assert "9 pixels off" in bench.status
    assert bench.dock.compared is None


def test_cancelled(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    bench.dock._work._runner.cancel()  # what the button in the activity dock leads to
    held.go_on.set()
    bench.settle()
    assert bench.status == compare_messages.CANCELLED
    bench.dock.actions.again.changed.emit(True)
    bench.settle()
    assert bench.counts == (3, 2, 1)


def test_closed_while_a_thread_compares(opened, stacks, in_a_thread, monkeypatch) -> None:
    bench, held = opened(**stacks), Held(monkeypatch)
    bench.dock.scope.value = "planes"
    bench.qtbot.waitUntil(held.reached.is_set)
    threading.Timer(0.2, held.go_on.set).start()
    bench.dock.close()
    bench.qtbot.wait(300)
    assert RESULT_NAME not in bench.viewer.layers


def test_what_fails_in_a_thread_is_said(opened, found, truth, in_a_thread, monkeypatch) -> None:
    def broken(*args: Any) -> Any:
        raise OSError("the drive is gone")
        yield

    monkeypatch.setattr(compare_work, "comparing", broken)
    shown = []
    monkeypatch.setattr(errors.notification_manager, "dispatch", shown.append)
    bench = opened(found=found, truth=truth)
    assert bench.status == "the drive is gone"
    assert len(shown) == 1
    assert bench.dock.compared is None


# -------------------------------------------------------------------- saving


def test_the_numbers_are_saved(opened, found, truth, tmp_path, monkeypatch) -> None:
    bench = opened(found=found, truth=truth)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "cells"), ""))
    bench.dock.actions.save_button.changed.emit(True)
    with (tmp_path / "cells.csv").open(newline="") as file:
        numbers = list(csv.DictReader(file))
    assert [float(row["iou"]) for row in numbers] == list(THRESHOLDS)
    assert int(numbers[0]["hits"]) == bench.counts[0]
    with (tmp_path / "cells_objects.csv").open(newline="") as file:
        objects = list(csv.DictReader(file))
    assert [row["kind"] for row in objects].count("missed") == bench.counts[1]
    assert "cells.csv" in bench.status


def test_saving_nothing_nowhere_or_not_at_all(opened, found, truth, tmp_path, monkeypatch) -> None:
    empty = opened()
    assert empty.dock.save(tmp_path / "x.csv") is None
    assert empty.status == compare_messages.NOTHING_TO_SAVE
    bench = opened(found=found, truth=truth)
    assert bench.dock.save(tmp_path / "nowhere" / "x.csv") is None
    assert "cannot be written" in bench.status
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    assert bench.dock.save() is None
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------- opening and closing


def emitters(viewer: Any) -> dict[str, Any]:
    groups = {
        "viewer": viewer.events,
        "dims": viewer.dims.events,
        "layers": viewer.layers.events,
        "selection": viewer.layers.selection.events,
        "camera": camera(viewer).events,
        **{layer.name: layer.events for layer in viewer.layers if layer.name != RESULT_NAME},
    }
    return {f"{name}.{event}": emitter for name, group in groups.items() for event, emitter in group.emitters.items()}


def ours(viewer: Any) -> list[str]:
    found = []
    for name, emitter in emitters(viewer).items():
        for callback in emitter.callbacks:
            owner = callback[0]() if isinstance(callback, tuple) else callback
            module = getattr(owner, "__module__", None) or type(owner).__module__
            if module.startswith("napari_fastsam"):
                found.append(name)
    return found


def by_close(viewer: Any, dock: CompareWidget) -> None:
    dock.close()


def by_napari(viewer: Any, dock: CompareWidget) -> None:
    viewer.window.remove_dock_widget(dock.native)


def by_the_cross(viewer: Any, dock: CompareWidget) -> None:
    native = dock.native
    while not isinstance(native, QDockWidget):
        native = native.parent()
    native.destroyOnClose()


@pytest.mark.parametrize("way", [by_close, by_napari, by_the_cross], ids=lambda way: way.__name__)
def test_a_dock_that_is_closed_leaves_nothing_behind(opened, found, truth, way) -> None:
    bench = opened(found=found, truth=truth)
    viewer = bench.viewer
    assert len(ours(viewer)) > 10, "or nothing is tested here"
    way(viewer, bench.dock)
    bench.qtbot.wait(50)
    assert ours(viewer) == []
    assert [layer.name for layer in viewer.layers] == ["found", "truth"]
    assert all(layer.visible for layer in viewer.layers)
    viewer.layers["truth"].data = viewer.layers["truth"].data + 1
    viewer.layers.remove("found")
    bench.qtbot.wait(200)
    assert RESULT_NAME not in viewer.layers
    bench.dock.disconnect_all()  # twice does no harm


def test_napari_opens_it_from_the_manifest(make_napari_viewer, npe2pm, plugin_settings) -> None:
    viewer = make_napari_viewer()
    with npe2pm.tmp_plugin(package="napari-fastsam"):
        _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "Compare")
        assert isinstance(dock, CompareWidget)
        dock.disconnect_all()


def test_every_control_has_a_tooltip(opened) -> None:
    dock = opened().dock
    widgets: list[QWidget] = [*(control.native for control in dock), *(control.native for control in dock.actions)]
    widgets += [dock.view.table, dock.view.curve, dock.view.numbers.native]
    for widget in widgets:
        # a slider is a slider and a number box: magicgui puts the tooltip on the former
        assert any(part.toolTip() for part in [widget, *widget.findChildren(QSlider)]), widget
    assert set(COLUMNS.values()) == {
        dock.view.table.rows.headerData(c, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        for c in range(len(COLUMNS))
    }
