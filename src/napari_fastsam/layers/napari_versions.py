"""What differs between the versions of napari, 0.7.1 to 0.9: nothing else may lean on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

FEATURES_TABLE = "napari.widgets.features_table"


def camera(viewer: ViewerModel) -> Any:
    """Return the viewer's camera; from napari 0.9 on it is part of the scene."""
    scene = getattr(viewer, "scene", None)
    return viewer.camera if scene is None else scene.camera


def canvas_size(viewer: ViewerModel) -> tuple[int, int]:
    """Return height and width of the canvas in screen pixels, which is public from napari 0.9 on."""
    canvas = getattr(viewer, "canvas", None)
    height, width = viewer._canvas_size if canvas is None else canvas.size  # noqa: SLF001 - there is no other way
    return int(height), int(width)


def follows_contrast(image: Image) -> bool:
    """Return whether the contrast limits are measured anew for each plane that is shown."""
    public = getattr(image, "auto_contrast", None)
    return bool(image._keep_auto_contrast if public is None else public)  # noqa: SLF001 - public from napari 0.9 on


def plugin_settings(plugin: str) -> Any | None:
    """Return what the user set for a plugin; None where napari keeps no such settings, as before 0.9, or not for it."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return None
    try:
        return get_plugin_settings(plugin)
    except KeyError:
        return None


def show_features(viewer: Any, layer: Layer) -> bool:
    """Show the features of a layer in napari's own table; returns False where there is no such table, or no window.

    Parameters
    ----------
    viewer
        Holds the layer, which becomes the active one: the table follows that.
    layer
        The layer.
    """
    from npe2 import PluginManager

    window = getattr(viewer, "window", None)
    tables = [w for w in PluginManager.instance().iter_widgets() if w.command == FEATURES_TABLE]
    if window is None or not tables:
        return False
    viewer.layers.selection.active = layer
    window.add_plugin_dock_widget("napari", tables[0].display_name)
    return True
