"""What of this package listens to a viewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
