"""The layers of one image filled with another image: what napari does for new ones takes several times as long."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels

from napari_fastsam.layers.contents import refilling, take_content
from napari_fastsam.layers.history.prompt_rows import PromptRows
from napari_fastsam.layers.projects.prompt_rows import prompts_on
from napari_fastsam.layers.prompts.new import remove_rows, set_object_number

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer, Points, Shapes

_PLACE = ("scale", "translate", "rotate", "shear", "units", "axis_labels")


def show(
    viewer: ViewerModel,
    images: Sequence[Image],
    labels: Labels,
    prompts: Sequence[Points | Shapes],
    before: Sequence[Image | Labels] | None,
) -> tuple[list[Image], Labels]:
    """Show the layers of an image in place of those of the image before.

    Those before are filled with it where they can be: how they are drawn and which tool is in hand stays, and empty
    prompt layers stay too. Contrast limits are those of the image; napari's own undo forgets what was done before.

    Parameters
    ----------
    viewer
        Shows them, the layers below all that stays in it.
    images, labels, prompts
        The image's, not in the viewer.
    before
        Images and labels of the image before; None = there was none.

    Returns
    -------
    images, labels
        Those that are in the viewer now: those given, or those before.
    """
    layers = (*images, labels)
    there = [layer for layer in before or () if layer in viewer.layers]
    if len(there) == len(layers) and all(map(_can_refill, there, layers)):
        _refill(viewer, list(zip(there, layers, strict=True)), prompts)
        *shown, target = there
        return shown, target
    if before is not None:
        remove(viewer, before)
    for place, layer in enumerate(layers):
        viewer.layers.insert(place, layer)
    viewer.layers.extend(prompts)
    viewer.layers.selection.active = prompts[-1] if prompts else labels
    return list(images), labels


def remove(viewer: ViewerModel, layers: Sequence[Image | Labels]) -> None:
    """Take the layers of an image and its prompt layers out of a viewer; what was done on them is not undone then."""
    gone = tuple(layer for layer in (*layers, *prompts_on(viewer, layers[0])) if layer in viewer.layers)
    with refilling(viewer, gone), _without_collecting():
        for layer in gone:
            viewer.layers.remove(layer)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let napari collect next to nothing: it collects all garbage for every layer that goes, of torch and Qt too.

    What is garbage now is collected later, by Python itself.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _can_refill(layer: Image | Labels, other: Image | Labels) -> bool:
    if type(layer) is not type(other) or layer.ndim != other.ndim or layer.multiscale or other.multiscale:
        return False
    return bool(layer.data.dtype == other.data.dtype and getattr(layer, "rgb", False) == getattr(other, "rgb", False))


def _refill(
    viewer: ViewerModel, pairs: Sequence[tuple[Image | Labels, Image | Labels]], prompts: Sequence[Points | Shapes]
) -> None:
    (image, _), *_, (labels, _) = pairs
    asked, wanted = prompts_on(viewer, image), list(prompts)
    with refilling(viewer, (*(layer for layer, _ in pairs), *asked)):
        for layer, other in pairs:
            _fill(layer, other)
        for layer in asked:
            _empty(layer)
            _place(layer, image)
            alike = next((one for one in wanted if type(one) is type(layer)), None)
            if alike is not None:
                wanted.remove(alike)
                PromptRows.of(alike).put_into(layer)
    viewer.layers.extend(wanted)
    if viewer.layers.selection.active not in (labels, *asked):
        viewer.layers.selection.active = labels
    viewer.reset_view()
    for axis in range(viewer.dims.ndim - image.ndim, viewer.dims.ndim - 2):  # as for the first layer of a viewer
        viewer.dims.set_current_step(axis, (viewer.dims.nsteps[axis] - 1) // 2)


def _empty(layer: Points | Shapes) -> None:
    """Remove all prompts of a layer; the next one is an object of its own."""
    if len(layer.data):
        remove_rows(layer, set(range(len(layer.data))))
    if "object" in layer.feature_defaults:
        set_object_number(layer, 0)


def _fill(layer: Image | Labels, other: Image | Labels) -> None:
    visible = layer.visible
    layer.visible = True  # first: napari does not measure data that a hidden layer gets
    layer.data = other.data
    _place(layer, other)
    if layer.name != other.name:
        layer.name = other.name
    layer.metadata = dict(other.metadata)
    if isinstance(layer, Labels):
        layer.features = other.features
        _forget_strokes(layer)
        layer.selected_label = other.selected_label
    elif not layer.rgb:
        layer.contrast_limits_range = other.contrast_limits_range
        layer.contrast_limits = other.contrast_limits
    take_content(layer, other)
    layer.visible = visible


def _place(layer: Layer, other: Layer) -> None:
    for name in _PLACE:
        wanted = getattr(other, name)
        if not np.array_equal(getattr(layer, name), wanted):
            setattr(layer, name, wanted)
    if not np.array_equal(layer.affine.affine_matrix, other.affine.affine_matrix):
        layer.affine = other.affine


def _forget_strokes(layer: Labels) -> None:
    """Have napari's own undo forget everything: it does where a layer is no longer edited."""
    mode = layer.mode
    layer.editable = False
    layer.editable = True
    layer.mode = mode
