"""Opened, closed, opened again: nothing of a dock stays behind, and nothing of it crashes."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
from npe2 import PluginManifest
from qtpy.QtWidgets import QDockWidget

from callbacks import emitters_of, of_this_package
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.compare import CompareWidget
from napari_fastsam.widgets.segment.output import PREVIEW_NAME
from napari_fastsam.widgets.segment.restoring import LOOK_MS
from napari_fastsam.widgets.train import TrainWidget

NUCLEI = np.array([[126, 94], [147, 244]], float)


def emitters(viewer):
    return emitters_of(viewer, without=PREVIEW_NAME)


def counts(viewer):
    """How many callbacks there are."""
    return {name: len(emitter.callbacks) for name, emitter in emitters(viewer).items()}


def ours(viewer):
    """Callbacks that belong to this package."""
    return of_this_package(emitters(viewer))


def press(viewer, key):
    """Press a key as napari does on the canvas."""
    viewer.window._qt_viewer._key_map_handler.press_key(key)


def filled(make_napari_viewer, cells, show=False):
    """A viewer with all that a dock listens to, and no dock."""
    viewer = make_napari_viewer(show=show)
    viewer.add_image(cells, name="cells", contrast_limits=(0, 80))
    viewer.add_shapes(ndim=2, name="shapes")
    viewer.add_points(NUCLEI, name="points")
    viewer.add_labels(np.zeros(cells.shape, np.int32), name="labels")
    return viewer


def settle(qtbot, dock):
    qtbot.waitUntil(lambda: dock.controller.work is None and PREVIEW_NAME in dock._viewer.layers)


def wait_until_gone(qtbot, alive):
    """Wait until nothing keeps these: Qt deletes widgets when its event loop finds the time."""

    def gone():
        gc.collect()
        return not any(ref() is not None for ref in alive)

    qtbot.waitUntil(gone)


def by_close(viewer, dock):
    dock.close()


def by_napari(viewer, dock):
    viewer.window.remove_dock_widget(dock.native)


def by_all(viewer, dock):
    viewer.window.remove_dock_widget("all")


def by_the_cross(viewer, dock):
    """The title bar's button that removes a dock for good."""
    native = dock.native
    while not isinstance(native, QDockWidget):
        native = native.parent()
    native.destroyOnClose()


WAYS = [by_close, by_napari, by_all, by_the_cross]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_dock_that_is_closed_leaves_nothing_behind(make_napari_viewer, plugin_settings, qtbot, cells, way):
    viewer = filled(make_napari_viewer, cells)
    before, names = counts(viewer), [layer.name for layer in viewer.layers]
    assert ours(viewer) == []

    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")
    settle(qtbot, dock)
    assert len(ours(viewer)) > 10, "or nothing is tested here"
    assert viewer.layers[PREVIEW_NAME].data.any()

    way(viewer, dock)
    qtbot.wait(50)
    assert ours(viewer) == []
    assert {name: n for name, n in counts(viewer).items() if n > before.get(name, 0)} == {}
    assert [layer.name for layer in viewer.layers] == names
    # what it listened to goes on without it
    viewer.layers["points"].add([(50, 50)])
    viewer.layers["cells"].contrast_limits = (0, 100)
    viewer.layers.remove("points")
    viewer.dims.events.current_step()
    qtbot.wait(50)
    assert PREVIEW_NAME not in viewer.layers
    dock.disconnect_all()  # twice does no harm


@pytest.mark.parametrize("way", [by_napari, by_all, by_the_cross], ids=lambda way: way.__name__)
def test_docks_that_are_closed_are_gone_with_their_models(make_napari_viewer, plugin_settings, qtbot, cells, way):
    viewer = filled(make_napari_viewer, cells)
    alive = []
    for _ in range(4):
        dock = FastSAMWidget(viewer)
        viewer.window.add_dock_widget(dock, name="FastSAM")
        settle(qtbot, dock)
        assert dock._engine.session.kept.networks._models
        alive += [weakref.ref(dock), weakref.ref(dock._engine.session), weakref.ref(dock.native)]
        way(viewer, dock)
        del dock
    wait_until_gone(qtbot, alive)


@pytest.mark.parametrize("dock_type", [CompareWidget, TrainWidget])
def test_other_docks_that_are_closed_are_gone(make_napari_viewer, plugin_settings, qtbot, cells, dock_type):
    viewer = filled(make_napari_viewer, cells)
    viewer.add_labels(np.ones(cells.shape, np.int32), name="truth")
    alive = []
    for _ in range(2):
        dock = dock_type(viewer)
        viewer.window.add_dock_widget(dock, name="dock")
        qtbot.wait(300)
        alive += [weakref.ref(dock), weakref.ref(dock.native)]
        viewer.window.remove_dock_widget(dock.native)
        del dock
    wait_until_gone(qtbot, alive)


def test_a_dock_that_is_closed_by_code_keeps_no_model(make_napari_viewer, plugin_settings, qtbot, cells):
    viewer = filled(make_napari_viewer, cells)
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")
    settle(qtbot, dock)
    dock.close()
    assert not dock._engine.session.kept.networks._models
    assert len(dock._engine.session.cache) == 0


def test_a_dock_that_is_hidden_stays_alive(make_napari_viewer, plugin_settings, qtbot, cells):
    viewer = filled(make_napari_viewer, cells, show=True)
    dock = FastSAMWidget(viewer)
    docked = viewer.window.add_dock_widget(dock, name="FastSAM")
    settle(qtbot, dock)
    docked.hide()
    qtbot.wait(20)
    viewer.layers["points"].data = NUCLEI[:1]
    qtbot.waitUntil(lambda: viewer.layers[PREVIEW_NAME].data.max() == 1)
    docked.show()
    dock.disconnect_all()


def test_a_closed_dock_keeps_no_results(make_napari_viewer, plugin_settings, qtbot, cells):
    viewer = filled(make_napari_viewer, cells)
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")
    settle(qtbot, dock)
    assert len(dock._engine.session.cache) == 1
    viewer.window.remove_dock_widget(dock.native)
    assert len(dock._engine.session.cache) == 0


def test_closed_while_work_runs(make_napari_viewer, plugin_settings, qtbot, cells, monkeypatch):
    viewer = filled(make_napari_viewer, cells)
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")
    settle(qtbot, dock)
    gate, reached = threading.Event(), threading.Event()
    real = Kept.prediction

    def prediction(self, request, predict):
        reached.set()
        gate.wait(120)
        return real(self, request, predict)

    monkeypatch.setattr(Kept, "prediction", prediction)
    dock.imgsz.value = 320
    qtbot.waitUntil(reached.is_set)
    threading.Timer(0.3, gate.set).start()
    viewer.window.remove_dock_widget(dock.native)
    qtbot.wait(100)
    assert PREVIEW_NAME not in viewer.layers
    assert ours(viewer) == []


def test_two_docks_on_one_viewer(make_napari_viewer, plugin_settings, qtbot, cells):
    viewer = filled(make_napari_viewer, cells)
    first = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(first, name="FastSAM")
    settle(qtbot, first)
    second = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(second, name="FastSAM 2")
    qtbot.waitUntil(lambda: second.controller.shown is not None and second.controller.work is None)

    previews = [layer for layer in viewer.layers if layer.name.startswith(PREVIEW_NAME)]
    assert len(previews) == 2
    for dock in (first, second):
        assert not set(previews) & set(dock.labels.choices), "a preview is no place to add to"
        assert dock.image.value == viewer.layers["cells"]
    viewer.layers["points"].data = NUCLEI[:1]
    qtbot.waitUntil(lambda: all(p.data.max() == 1 for p in previews))

    second.labels.value = viewer.layers["labels"]
    assert second.commit() is viewer.layers["labels"]
    assert viewer.layers["labels"].data[126, 94] == 1
    qtbot.waitUntil(lambda: not any(p.data.any() for p in previews))

    task = first.task.value
    press(viewer, "Shift-E")
    assert first.task.value == task
    assert second.task.value != task, "the dock opened last has the keys"
    viewer.window.remove_dock_widget(second.native)
    press(viewer, "Shift-E")
    assert first.task.value != task, "and the one before has them again"
    viewer.window.remove_dock_widget(first.native)
    task = first.task.value
    press(viewer, "Shift-E")
    assert first.task.value == task, "a closed dock has no keys"
    assert ours(viewer) == []
    assert not [layer for layer in viewer.layers if layer.name.startswith(PREVIEW_NAME)]


def test_two_docks_closed_in_the_order_of_opening(make_napari_viewer, plugin_settings, qtbot, cells):
    viewer = filled(make_napari_viewer, cells)
    docks = [FastSAMWidget(viewer) for _ in range(2)]
    for i, dock in enumerate(docks):
        viewer.window.add_dock_widget(dock, name=f"FastSAM {i}")
    viewer.window.remove_dock_widget(docks[0].native)
    task = docks[1].task.value
    press(viewer, "Shift-E")
    assert docks[1].task.value != task
    viewer.window.remove_dock_widget(docks[1].native)
    tasks = [dock.task.value for dock in docks]
    press(viewer, "Shift-E")
    assert [dock.task.value for dock in docks] == tasks, "closed docks have no keys"


def test_opened_again_after_closing(bench, cells):
    b = bench()
    b.click(NUCLEI[0])
    b.viewer.window.remove_dock_widget(b.dock.native)
    b.dock = FastSAMWidget(b.viewer)
    b.viewer.window.add_dock_widget(b.dock, name="FastSAM")
    b.settle()
    b.click(NUCLEI[1])
    assert b.shown[126, 94] == 1
    assert b.shown[147, 244] == 2
    b.dock.disconnect_all()


def test_opened_again_it_adds_to_the_labels_that_it_left(bench):
    b = bench()
    b.click(NUCLEI[0])
    layer = b.dock.commit()
    b.viewer.window.remove_dock_widget(b.dock.native)
    b.dock = FastSAMWidget(b.viewer)
    b.viewer.window.add_dock_widget(b.dock, name="FastSAM")
    b.settle()
    assert b.dock.labels.value is layer
    b.click(NUCLEI[1])
    assert b.dock.commit() is layer
    b.qtbot.wait(2 * LOOK_MS)
    assert not b.dock._engine.restoring.offers
    b.viewer.layers.remove(layer)
    b.dock.disconnect_all()
    b.dock = FastSAMWidget(b.viewer)
    b.qtbot.waitUntil(lambda: bool(b.dock._engine.restoring.offers))
    assert b.dock._engine.restoring.told == "2 objects of cells can be restored."
    b.dock.disconnect_all()


def test_settings_from_preferences(settings_of, make_napari_viewer, npe2pm, qtbot, cells):
    with npe2pm.tmp_plugin(manifest=PluginManifest.from_distribution("napari-fastsam")):
        settings = settings_of("napari-fastsam")
        settings.model.device = "cpu"
        settings.model.cache_mb = 64
        settings.thresholds.from_card = False
        settings.thresholds.conf = 0.4
        settings.thresholds.iou = 0.55
        settings.behaviour.live = False
        settings.behaviour.preserve_labels = False
        viewer = filled(make_napari_viewer, cells)
        dock = FastSAMWidget(viewer)
        try:
            assert dock.device.value == "cpu"
            assert dock.conf.value == pytest.approx(0.4)
            assert dock.iou.value == pytest.approx(0.55)
            assert dock.live.value is False
            assert dock.preserve.value is False
            assert dock._engine.session.cache.limit == 64 * 2**20
        finally:
            dock.disconnect_all()


@pytest.mark.parametrize("model", ["FastSAM-s", "/nowhere/mine.pt"])
def test_a_model_from_preferences_that_is_not_here(settings_of, make_napari_viewer, npe2pm, qtbot, cells, model):
    with npe2pm.tmp_plugin(manifest=PluginManifest.from_distribution("napari-fastsam")):
        settings_of("napari-fastsam").model.name = model
        viewer = filled(make_napari_viewer, cells)
        dock = FastSAMWidget(viewer)
        try:
            assert dock.model.value == model
            said = "not on this computer" if model == "FastSAM-s" else "there is no file"
            qtbot.waitUntil(lambda: said in dock.message)
        finally:
            dock.disconnect_all()
