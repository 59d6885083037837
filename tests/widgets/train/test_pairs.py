"""Which layers a training learns from, as the dock lists them."""

from __future__ import annotations

import numpy as np
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint

from napari_fastsam.io.annotations.datasets import read_dataset
from train_dock import wait

# -------------------------------------------------------------------- pairs


def test_an_empty_viewer_is_told_what_to_do(open_dock):
    dock = open_dock(layers=False)
    assert "Open an image" in dock.message
    dock.train()
    assert "Open an image" in dock.message
    dock._viewer.add_image(np.zeros((8, 8)))
    dock.add_pair()
    assert "no Labels layer yet" in dock.message
    dock.save_data()
    assert "No pairs yet" in dock.message
    assert "No pairs yet" in dock.pairs.summary.text()


def test_every_control_says_what_it_is_for(open_dock):
    dock = open_dock()
    controls = [*dock, *dock.pair_buttons, *dock.advanced, *dock.actions]
    without = [c.name for c in controls if not c.tooltip and c.name != "pair_buttons"]
    assert without == []
    for widget in (dock.pairs.table, dock.run_view.loss, dock.run_view.ap, dock.run_view.bar):
        assert widget.toolTip()


def test_a_pair_is_counted_and_gives_the_model_its_name(ready, truth):
    dock = ready()
    table = dock.pairs.table
    texts = [table.rows.data(table.rows.index(0, column)) for column in range(3)]
    objects = len(np.unique(truth)) - 1
    assert texts == ["cells", "nuclei by hand", f"1 image · {objects} objects"]
    assert dock.model_name.value == "cells"
    dock.add_pair()
    assert table.rows.rowCount() == 1
    assert "in the list already" in dock.message


def test_numbers_follow_what_is_painted(ready, qtbot):
    dock = ready()
    layer = dock._viewer.layers["nuclei by hand"]
    before = dock.pairs.rows[0].counted.objects
    layer.data_setitem((np.array([0, 0]), np.array([0, 1])), 9999)
    qtbot.waitUntil(lambda: [row.counted and row.counted.objects for row in dock.pairs.rows] == [before + 1])
    layer.translate = (1000, 1000)
    qtbot.waitUntil(lambda: "does not lie on" in dock.pairs.summary.text())
    layer.translate = (0, 0)
    qtbot.waitUntil(lambda: "In all: 1 image" in dock.pairs.summary.text())


def test_pairs_go_when_they_are_removed_or_their_layer_is(ready, qtbot):
    dock = ready()
    dock.pairs.table.selectRow(0)
    dock.pair_buttons.remove_button.native.click()
    assert dock.pairs.rows == []
    dock.add_pair()
    dock._viewer.layers.remove("nuclei by hand")
    assert dock.pairs.rows == []
    assert dock.truth.value is None
    assert [layer.name for layer in dock._viewer.layers] == ["cells"]


def test_the_pair_that_is_selected_stays_so_when_one_above_it_goes(ready, cells, truth, qtbot):
    dock = ready()
    for name in ("second", "third"):
        dock._viewer.add_image(cells, name=name)
        dock._viewer.add_labels(truth.copy(), name=f"labels of {name}")
        dock.add_pair()
    dock.pairs.table.selectRow(1)
    dock._viewer.layers.remove("cells")
    dock.pair_buttons.remove_button.native.click()
    assert [row.image.name for row in dock.pairs.rows] == ["third"]


def test_the_layers_that_are_selected_are_chosen(open_dock):
    dock = open_dock()
    viewer = dock._viewer
    viewer.add_image(np.zeros((8, 8)), name="other")
    assert dock.image.value.name == "other"
    assert dock.truth.value.name == "nuclei by hand"
    viewer.layers.selection.active = viewer.layers["cells"]
    assert dock.image.value.name == "cells"
    viewer.layers.selection.active = viewer.add_shapes(name="shapes")
    assert (dock.image.value.name, dock.regions.value) == ("cells", None)


def test_layers_that_do_not_fit_are_not_added(open_dock):
    dock = open_dock()
    dock._viewer.add_labels(np.ones((5, 5), int), name="elsewhere", translate=(900, 900))
    dock.truth.value = dock._viewer.layers["elsewhere"]
    with notification_manager:
        dock.add_pair()
    assert "does not lie on" in dock.message
    assert dock.pairs.rows == []


def test_regions_are_part_of_a_pair(ready, qtbot):
    dock = ready()
    shapes = dock._viewer.add_shapes([np.array([[0, 0], [0, 99], [99, 99], [99, 0]])], name="done")
    dock.regions.value = shapes
    whole = dock.pairs.rows[0].counted.objects
    dock.add_pair()
    assert "there once, as you chose now" in dock.message, "one that is learnt twice would be measured by itself"
    qtbot.waitUntil(lambda: not dock.pairs.busy)
    assert dock.pairs.table.rows.data(dock.pairs.table.rows.index(0, 1)) == "nuclei by hand in done"
    (row,) = dock.pairs.rows
    assert 0 < row.counted.objects < whole
    shapes.add_rectangles(np.array([[100, 100], [100, 199], [199, 199], [199, 100]]))
    qtbot.waitUntil(lambda: dock.pairs.rows[0].counted is not None and dock.pairs.rows[0].counted.images == 2)
    dock.add_pair()
    assert "in the list already." in dock.message


def test_the_data_can_be_saved_for_another_computer(ready, qtbot, tmp_path, cells, truth):
    dock = ready()
    dock.save_data(tmp_path / "for the cluster")
    wait(qtbot, dock)
    (example,) = read_dataset(tmp_path / "for the cluster").examples
    assert len(np.unique(example.labels())) == len(np.unique(truth))
    np.testing.assert_array_equal(example.image() > 0, np.asarray(cells) * (255 / 80) > 0.5)
    assert "for the cluster" in dock.message
    with notification_manager:
        dock.save_data(tmp_path / "for the cluster")
        wait(qtbot, dock)
    assert "not empty" in dock.message


def test_what_the_data_decide_says_auto_and_fields_begin_at_one_place(open_dock):
    dock = open_dock(show=True)
    assert [dock.advanced[name].native.text() for name in ("epochs", "imgsz")] == ["auto", "auto"]
    boxes = (dock.image, dock.truth, dock.regions, dock.left_out, dock.base)
    assert len({box.native.mapTo(dock.native, QPoint(0, 0)).x() for box in boxes}) == 1
