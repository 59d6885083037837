"""The image layer that labels from a file belong to, and how they lie on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import napari
from napari.layers import Image

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.io.results.results import stem_of


def images() -> list[Image]:
    """Return the image layers of the viewer that is used; none if there is no viewer."""
    viewer = napari.current_viewer()
    return [] if viewer is None else [layer for layer in viewer.layers if isinstance(layer, Image)]


def shape_in_pixels(image: Image) -> tuple[int, ...]:
    """Return the lengths of an image's axes at full resolution, without that of its colours."""
    data = image.data[0] if image.multiscale else image.data
    return tuple(int(n) for n in data.shape[: image.ndim])


def image_called(names: Sequence[str]) -> Image | None:
    """Return the image layer of one of some names, else the only one; None if that says nothing."""
    there = images()
    stems = [name.casefold() for name in names if name]
    called = [image for image in there if _stem(image.name) in stems or image.name.casefold() in stems]
    if called:
        return called[-1]
    return there[0] if len(there) == 1 else None


def is_open(name: str) -> bool:
    """Whether an image layer is called as an image file, with or without its ending or its folders."""
    stem = _stem(name.replace("\\", "/"))
    return any(_stem(image.name) == stem for image in images())


def image_under(shape: Sequence[int], names: Sequence[str]) -> Image | None:
    """Return the image layer whose pixels labels of a shape are; of several the one of a name, else the last."""
    fitting = [image for image in images() if shape_in_pixels(image)[-len(shape) :] == tuple(shape)]
    named = image_called(names)
    if named is not None and any(image is named for image in fitting):
        return named
    return fitting[-1] if fitting else None


def placed_on(image: Image, ndim: int) -> dict[str, Any]:
    """Return the attributes with which a layer lies on an image: of as many axes, of the last of them, or of more."""
    more = max(0, ndim - image.ndim)
    kept: dict[str, Any] = {
        "scale": (*[1.0] * more, *image.scale[-ndim:]),
        "translate": (*[0.0] * more, *image.translate[-ndim:]),
        "units": (*["pixel"] * more, *tuple(image.units)[-ndim:]),
        "axis_labels": (*(f"axis{i}" for i in range(more)), *tuple(image.axis_labels)[-ndim:]),
    }
    if image.ndim == ndim:
        kept |= {"rotate": image.rotate, "shear": image.shear, "affine": image.affine}
    return kept


def placed_by(scale: Scale) -> dict[str, Any]:
    """Return the attributes with which a layer lies where its file says."""
    kept: dict[str, Any] = {"scale": scale.scale, "translate": scale.translation}
    if any(scale.units):
        kept["units"] = tuple(unit or "pixel" for unit in scale.units)
    if len(set(scale.axes)) == len(scale.axes):
        kept["axis_labels"] = scale.axes
    return kept


def _stem(name: str) -> str:
    return stem_of(Path(name)).casefold()
