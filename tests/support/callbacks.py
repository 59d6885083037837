"""What of this package listens to a viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_fastsam.layers.napari_versions import camera


def emitters_of(viewer: Any, without: str) -> dict[str, Any]:
    """Return every emitter of a viewer and of its layers but one, by name."""
    groups = {
        "viewer": viewer.events,
        "dims": viewer.dims.events,
        "layers": viewer.layers.events,
        "selection": viewer.layers.selection.events,
        "camera": camera(viewer).events,
        **{layer.name: layer.events for layer in viewer.layers if layer.name != without},
    }
    return {f"{name}.{event}": emitter for name, group in groups.items() for event, emitter in group.emitters.items()}


def of_this_package(emitters: Mapping[str, Any]) -> list[str]:
    """Return the names of emitters with a callback that belongs to this package, once for each."""
    found = []
    for name, emitter in emitters.items():
        for callback in emitter.callbacks:
            owner = callback[0]() if isinstance(callback, tuple) else callback
            module = getattr(owner, "__module__", None) or type(owner).__module__
            if module.startswith("napari_fastsam"):
                found.append(name)
    return found
