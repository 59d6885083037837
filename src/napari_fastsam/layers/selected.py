"""Which layers are selected, while layers of ours come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.components import LayerList


@contextmanager
def same_selection(layers: LayerList) -> Iterator[None]:
    """Leave those layers selected that are, while others come and go: napari selects what comes.

    Parameters
    ----------
    layers
        Of a viewer.
    """
    listed = getattr(layers, "__wrapped__", layers)  # docks see it through a proxy, and its layers through others
    before = set(listed.selection)
    yield
    kept = {layer for layer in before if layer in listed}
    if len(kept) == 1:
        listed.selection.active = kept.pop()  # at once; the selection would be empty in between
    elif kept != set(listed.selection):
        listed.selection = kept
