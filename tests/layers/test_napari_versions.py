"""What differs between versions of napari: viewers as 0.8 had them, and as this one has them."""

from __future__ import annotations

import sys
from types import SimpleNamespace

from napari.components import ViewerModel

from napari_fastsam.layers import napari_versions


def test_camera_and_canvas_of_this_napari():
    viewer = ViewerModel()
    napari_versions.camera(viewer).zoom = 3.0
    assert napari_versions.camera(viewer).zoom == 3.0
    assert len(napari_versions.canvas_size(viewer)) == 2


def test_camera_and_canvas_of_an_earlier_napari():
    viewer = SimpleNamespace(camera="its camera", _canvas_size=(600, 800))
    assert napari_versions.camera(viewer) == "its camera"
    assert napari_versions.canvas_size(viewer) == (600, 800)


def test_an_earlier_napari_keeps_no_settings_of_plugins(monkeypatch):
    monkeypatch.setitem(sys.modules, "napari.settings", SimpleNamespace())
    assert napari_versions.plugin_settings("napari-fastsam") is None


def test_a_plugin_that_napari_does_not_know_has_no_settings(monkeypatch):
    def unknown(plugin):
        raise KeyError(plugin)

    monkeypatch.setitem(sys.modules, "napari.settings", SimpleNamespace(get_plugin_settings=unknown))
    assert napari_versions.plugin_settings("nobody's") is None
