"""What differs between the versions of napari, 0.7 to 0.9: nothing else may lean on one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel


def camera(viewer: ViewerModel) -> Any:
    """Return the viewer's camera; from napari 0.9 on it is part of the scene."""
    scene = getattr(viewer, "scene", None)
    return viewer.camera if scene is None else scene.camera


def canvas_size(viewer: ViewerModel) -> tuple[int, int]:
    """Return height and width of the canvas in screen pixels, which is public from napari 0.9 on."""
    canvas = getattr(viewer, "canvas", None)
    height, width = viewer._canvas_size if canvas is None else canvas.size  # noqa: SLF001 - there is no other way
    return int(height), int(width)


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
