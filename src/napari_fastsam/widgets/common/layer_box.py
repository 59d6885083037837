"""What a box that offers layers chooses once layers came or went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from magicgui.widgets import ComboBox
    from napari.layers import Layer


def offered_layers(box: ComboBox) -> list[Any]:
    """Return the layers that a box offers, the lowest first."""
    return [layer for layer in box.choices if layer is not None]


def uppermost(layers: Sequence[Layer]) -> Layer | None:
    """Return the last of layers; None if there are none."""
    return layers[-1] if layers else None


def offer_layers(box: ComboBox, otherwise: Callable[[Sequence[Any]], Any] = uppermost) -> bool:
    """Offer the layers that there are now, without an event; a choice stays as long as its layer does.

    Parameters
    ----------
    box
        Whose choices are layers of the viewer.
    otherwise
        Chooses among the layers, the lowest first, where nothing was chosen or its layer is gone.

    Returns
    -------
    bool
        Whether another layer is chosen now.
    """
    before = box.value
    with box.changed.blocked():
        box.reset_choices()
        there = offered_layers(box)
        chosen = before if before in there else otherwise(there)
        if chosen is not box.value:  # None is no choice of a box without any
            box.value = chosen
    return is_another(before, box.value)


def is_another(before: Layer | None, now: Layer | None) -> bool:
    """Tell whether a choice is another layer: a proxy of a layer equals it without being it."""
    return not (before is now or before == now)
