"""The comparison follows what happens to the layers, and stacks are compared as the user chooses."""

from __future__ import annotations

import numpy as np
from napari.layers import Labels

from napari_fastsam.widgets.common.controls import PREVIEW_KEY
from napari_fastsam.widgets.compare import messages as compare_messages
from napari_fastsam.widgets.compare.output import RESULT_NAME

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
