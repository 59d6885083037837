"""What a layer holds may become something else while the layer stays: what is kept goes by the content, not the layer.

A layer that is refilled is another one to whoever works with it, as if it had gone and a new one had come; they hear so
before and after.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari.utils.events import EmitterGroup

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel
    from napari.layers import Layer

    from napari_fastsam.layers.connections import Connections

IMAGE_KEY = "napari-fastsam project"
"""In the metadata of the layers of an image of a project, its labels too: its name."""

_CONTENTS: WeakKeyDictionary[Layer, Hashable] = WeakKeyDictionary()
_EMITTERS: WeakKeyDictionary[LayerList, EmitterGroup] = WeakKeyDictionary()


def content_of(layer: Layer) -> Hashable:
    """Return a key for what a layer holds: its own unique id, or that of the layer that it was refilled from last."""
    content: Hashable = _CONTENTS.get(layer, layer.unique_id)
    return content


def take_content(layer: Layer, other: Layer) -> None:
    """Remember that a layer holds what another one did, for good."""
    _CONTENTS[layer] = content_of(other)


def hear_refills(
    viewer: ViewerModel,
    connections: Connections,
    before: Callable[[tuple[Layer, ...]], object],
    after: Callable[[tuple[Layer, ...]], object],
) -> None:
    """Have functions called with the layers that are refilled at once.

    Parameters
    ----------
    viewer
        Holds the layers.
    connections
        Take what is connected.
    before
        Called while the layers hold what they held: whoever works with them lets go of them.
    after
        Called once they hold something else.
    """
    emitters = _emitters(viewer)
    connections.connect((emitters.refilling,), lambda event: before(event.value))
    connections.connect((emitters.refilled,), lambda event: after(event.value))


@contextmanager
def refilling(viewer: ViewerModel, layers: tuple[Layer, ...]) -> Iterator[None]:
    """Let everybody know that layers get other contents within."""
    emitters = _emitters(viewer)
    emitters.refilling(value=layers)
    try:
        yield
    finally:
        emitters.refilled(value=layers)


def _emitters(viewer: ViewerModel) -> EmitterGroup:
    layers = getattr(viewer.layers, "__wrapped__", viewer.layers)  # docks see it through a proxy, a new one each time
    if layers not in _EMITTERS:
        _EMITTERS[layers] = EmitterGroup(refilling=None, refilled=None)
    return _EMITTERS[layers]
