"""What the dock *Classes* says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_fastsam.layers.classes.classing import Classing


def what_next(classing: Classing) -> str:
    """Return what to do next."""
    if not len(classing.classes):
        return "Add a class for each kind of object."
    if classing.layer is None:
        return "Add objects to a Labels layer: they get the class whose button is pressed."
    return "Point at an object and press the key of its class; 0 takes it away."


def removed(name: str, count: int) -> str:
    """Return that a class is gone, and what of its objects."""
    if not count:
        return f"Class “{name}” is deleted."
    objects = "1 object has" if count == 1 else f"{count} objects have"
    return f"Class “{name}” is deleted; {objects} no class now. Undo brings both back."
