"""What was accepted is in the layer, all of it and once, whatever happens meanwhile; or the dock says what is not."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from gate import Gate, finish, run_of
from napari_fastsam.errors import ImageError
from napari_fastsam.layers.labels import write
from napari_fastsam.model.asking.stack import StackRun
from napari_fastsam.widgets.common.text import plain
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.train.pairs_table import PairRows, PairsView


def is_whole(layer, count):
    """Whether the numbers 1 … count are in the pixels and in the features, each once."""
    numbers = list(range(1, count + 1))
    return layer.features["index"].tolist() == numbers == np.unique(layer.data)[1:].tolist()


def test_what_comes_after_add_is_offered_and_at_the_end_all_is_in_once(searched):
    b, gate = searched
    layer = b.dock.commit()
    early = len(run_of(b).canvas)
    assert 10 < early == len(layer.features)
    assert f"Added {early} objects" in b.status
    assert f"2 of {len(run_of(b))} tiles were seen" in b.status
    assert not b.shown.any(), "what is in the layer is not shown once more"

    finish(b, gate)
    total = len(run_of(b).canvas)
    assert total > 2 * early
    assert f"{early} of {total} were added; Add to labels adds the other {total - early}" in b.status
    assert b.dock.controller.shown.count == total - early
    assert b.viewer.layers["FastSAM preview"].visible
    assert set(np.unique(b.shown)) - {0} <= set(range(early + 1, total + 1))
    assert b.preview.features["index"].tolist() == list(range(early + 1, total + 1))
    np.testing.assert_array_equal(b.preview.features["score"], run_of(b).canvas.scores[early:])

    assert b.dock.commit() is layer
    missing = total - len(layer.features)
    assert missing < 0.01 * total
    assert is_whole(layer, total - missing)
    assert not missing or f"{missing} object" in b.status, "what lies wholly under others is said"
    b.dock._engine.updates.soon()
    b.settle()
    assert b.status == messages.ALREADY_ADDED
    layer.undo()
    assert is_whole_pixels(layer, early), "each Add is a step"
    layer.undo()
    assert not layer.data.any()


def is_whole_pixels(layer, count):
    return np.unique(layer.data).tolist() == list(range(count + 1))


def test_add_while_the_worker_paints(searched, monkeypatch):
    b, gate = searched
    count = write._counted

    def counted(*args):
        done = run_of(b).done
        gate.let(1)  # another tile is painted after the objects were counted and before they are written
        b.qtbot.waitUntil(lambda: run_of(b).done > done, timeout=20_000)
        return count(*args)

    def counted_before(*args):
        found = count(*args)
        done = run_of(b).done
        gate.let(1)
        b.qtbot.waitUntil(lambda: run_of(b).done > done, timeout=20_000)
        return found

    early = len(run_of(b).canvas)
    monkeypatch.setattr(write, "_counted", counted_before)
    layer = b.dock.commit()
    assert len(run_of(b).canvas) > early
    assert is_whole(layer, early)
    monkeypatch.setattr(write, "_counted", counted)
    b.dock.controller.update()
    middle = len(run_of(b).canvas)
    b.dock.commit()
    assert is_whole(layer, middle)
    monkeypatch.setattr(write, "_counted", count)
    finish(b, gate)
    b.dock.commit()
    assert len(layer.features) == len(np.unique(layer.data)) - 1 >= 0.99 * len(run_of(b).canvas)
    for _ in range(3):
        layer.undo()
    assert not layer.data.any()


def test_what_went_into_a_layer_that_is_removed_is_offered_again(searched):
    b, gate = searched
    first = b.dock.commit()
    early = len(run_of(b).canvas)
    gate.let(2)
    b.qtbot.waitUntil(lambda: len(run_of(b).canvas) > early and run_of(b).done == 4, timeout=20_000)
    b.dock.labels.value = None
    b.dock.controller.update()
    second = b.dock.commit()
    kept = len(second.features)
    b.viewer.layers.remove(first)
    finish(b, gate)
    total = len(run_of(b).canvas)
    assert b.dock.controller.shown.count == total - kept
    assert f"{kept} of {total} were added" in b.status
    assert set(range(1, early + 1)) <= set(np.unique(b.shown)), "those of the layer that is gone"


def test_after_a_failure_in_the_middle_nothing_is_lost(searched):
    b, gate = searched
    gate.failing = ImageError("The disk was pulled out.")
    gate.let(1)
    b.qtbot.waitUntil(lambda: b.dock.controller.work is None, timeout=20_000)
    assert "pulled out" in b.status
    layer = b.dock.commit()
    early = len(layer.features)
    assert early == len(run_of(b).canvas)
    assert "tiles were seen" in b.status
    gate.failing = None
    b.dock.run()
    finish(b, gate)
    total = len(run_of(b).canvas)
    assert b.dock.controller.shown.count == total - early > 0
    b.dock.commit()
    assert len(layer.features) >= 0.99 * total


def test_objects_at_prompts_of_a_stack_are_added_whole(bench, cells, monkeypatch):
    gate = Gate(monkeypatch, StackRun, "predict")
    b = bench(np.stack([cells] * 4), contrast_limits=(0, 80))
    b.dock.region.value = "stack"
    points, _ = b.dock.make_prompt_layers()
    gate.let(1)
    points.add([(0, 126, 94)])
    runs = b.dock._engine.session.kept.runs
    b.qtbot.waitUntil(lambda: runs._planes is not None and len(runs._planes[1].kept) == 1, timeout=20_000)
    b.dock.controller.update()  # as a slider does
    assert b.dock.controller.shown.count == 1
    assert b.dock.commit() is None
    assert b.status == messages.STILL_FOLLOWING
    assert "FastSAM labels" not in b.viewer.layers
    assert len(points.data) == 1
    gate.let()
    b.settle()
    layer = b.dock.commit()
    assert layer.features["index"].tolist() == [1]
    assert [int(plane[126, 94]) for plane in layer.data] == [1, 1, 1, 1]
    assert len(points.data) == 0


def test_a_search_that_is_not_done_is_not_called_added(bench, slide):
    b = bench(slide, contrast_limits=(0, 80))
    b.click((147, 244))
    b.dock.toggle_example()
    points = b.click((126 + 256 * 9, 94 + 320 * 6))
    assert b.dock.controller.shown.missing_embeddings
    layer = b.dock.commit()
    assert len(layer.features) == 1
    assert "was not found yet" in b.status
    np.testing.assert_array_equal(points.data, [(126 + 256 * 9, 94 + 320 * 6)])
    b.dock._engine.updates.soon()
    b.settle()
    assert b.status == messages.LARGE_SEARCH


def test_another_image_of_the_same_shape_gets_a_layer_of_its_own(bench, cells):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    first = b.dock.commit()
    b.settle()
    written = first.data.copy()
    other = b.viewer.add_image(np.rot90(cells, 2).copy(), name="other <b>cells</b>", contrast_limits=(0, 80))
    b.settle()
    assert b.dock.image.value == other
    assert b.dock.labels.value is None
    assert "“FastSAM labels” was chosen for “cells”" in b.dock.status.value
    b.viewer.layers.selection.active = b.image
    b.settle()
    assert b.dock.labels.value == first, "back at the first image, its labels"
    assert "was chosen for" not in b.dock.status.value
    b.viewer.layers.selection.active = other
    b.settle()
    second = b.dock.commit()
    assert second is not first
    np.testing.assert_array_equal(first.data, written)
    b.viewer.layers.selection.active = b.image
    b.dock.labels.value = second  # for this image too, as the person says
    b.viewer.layers.selection.active = other
    b.viewer.layers.selection.active = b.image
    assert b.dock.labels.value == second


def test_after_the_layer_was_removed_its_objects_are_offered_again(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    count = b.dock.controller.shown.count
    layer = b.dock.commit()
    b.dock._engine.updates.soon()
    b.settle()
    assert b.status == messages.ALREADY_ADDED
    b.viewer.layers.remove(layer)
    b.settle()
    assert b.dock.controller.shown.count == count


def test_measure_keeps_the_columns_of_a_layer_without_an_index(bench, cells):
    b = bench()
    labels = np.zeros(cells.shape, np.int32)
    labels[10:20, 10:20], labels[30:35, 30:40] = 1, 3
    layer = b.viewer.add_labels(labels, features={"kind": ["background", "a", "b", "c"], "checked": [1, 2, 3, 4]})
    b.dock.labels.value = layer
    b.dock.measure()
    table = layer.features.set_index("index")
    assert table["kind"].to_dict() == {0: "background", 1: "a", 2: "b", 3: "c"}
    assert table["checked"].tolist() == [1, 2, 3, 4]
    assert table["area"].to_dict() == pytest.approx({0: np.nan, 1: 100, 2: np.nan, 3: 50}, nan_ok=True)


def test_closer_looks_are_bounded_and_give_the_same(bench):
    b = bench()
    places = [(y, x) for y in range(8, 250, 60) for x in range(8, 316, 60)]
    b.dock._engine.session.cache.limit = 4  # nothing but what is needed now
    found = {}
    for repeat in range(2):
        for place in places[:8]:
            points = b.click(place)
            shown = b.shown.copy()
            assert np.array_equal(found.setdefault(place, shown), shown), repeat
            seen = b.dock._engine.session.cache.get(b.dock.controller.shown.request.key)
            assert len(seen.crops) <= 2, "those of the prompt that is there"
            points.data = np.zeros((0, 2))
            b.settle()
    assert len(found) == 8


def test_names_are_shown_as_they_are(bench, cells):
    name = '<img src="/etc/hostname"><b>cells</b>'
    b = bench()
    b.viewer.add_labels(np.zeros((4, 4), np.int32), name=name)
    b.dock.labels.value = b.viewer.layers[name]
    b.click((126, 94))
    b.dock.commit()
    assert name in b.status
    assert "<img" not in b.dock.status.value
    assert not Qt.mightBeRichText(plain("cells & nuclei"))
    assert plain(name) == '&lt;img src="/etc/hostname"&gt;&lt;b&gt;cells&lt;/b&gt;'
    assert plain("a.tif") == "a.tif"
    table = PairsView(lambda: None)
    table.show_rows(PairRows([(name, name, "1 object")], [name]))
    first = table.rows.index(0, 0)
    assert table.rows.data(first) == name
    assert table.rows.data(first, Qt.ItemDataRole.ToolTipRole) == plain(name)
