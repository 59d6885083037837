"""An image of a project with its annotations: read in a thread, made into layers where layers are touched."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from napari.layers.utils.stack_utils import split_channels

from napari_fastsam.errors import LabelsError
from napari_fastsam.io.projects.annotations import Loaded
from napari_fastsam.io.projects.project import ProjectImage
from napari_fastsam.io.projects.state import Fingerprint
from napari_fastsam.layers.contents import IMAGE_KEY
from napari_fastsam.layers.files.beside import placed_on, shape_in_pixels
from napari_fastsam.layers.files.images import LayerData, layer_of
from napari_fastsam.layers.labels.outlined import Labels
from napari_fastsam.layers.labels.preview import as_drawn
from napari_fastsam.layers.projects.prompt_rows import prompts_from_json
from napari_fastsam.layers.projects.tiles import Corner, Digest, digests_of

if TYPE_CHECKING:
    from napari.layers import Points, Shapes

MOST_IN_MEMORY = 1 << 30
"""Bytes of an image that are read at once; of a larger one, planes are read as they are shown."""


@dataclass(frozen=True, eq=False)
class ReadImage:
    """An image of a project, read.

    Attributes
    ----------
    image
        Which.
    layers
        The image as napari takes it, a layer or one for each channel.
    loaded
        Its annotations.
    digests
        Of the tiles of its labels.
    remark
        What became of its file since; "" = nothing.
    fingerprint
        What its file was; None = that cannot be told.
    """

    image: ProjectImage
    layers: tuple[LayerData, ...]
    loaded: Loaded
    digests: Mapping[Corner, Digest]
    remark: str
    fingerprint: Fingerprint | None


def read_image(image: ProjectImage, writable: bool = True) -> ReadImage:
    """Read an image and its annotations. For any thread.

    Parameters
    ----------
    image
        Which.
    writable
        As in `AnnotationFolder.load`.

    Raises
    ------
    ImageError
        If the image cannot be read; its annotations stay as they are.
    """
    fingerprint = None
    with suppress(OSError):
        fingerprint = image.fingerprint()  # first: the file may be replaced while the image is annotated
    layers = _image_layers(image)
    loaded = image.annotations().load(writable)
    labels = loaded.annotation.labels
    digests = {} if labels is None else digests_of(labels)
    return ReadImage(image, layers, loaded, digests, image.remark(loaded.state), fingerprint)


def _image_layers(image: ProjectImage) -> tuple[LayerData, ...]:
    data, options, kind = layer_of(image.input, image.name) if image.plane is None else _plane_layer(image)
    if getattr(data, "nbytes", 0) <= MOST_IN_MEMORY and hasattr(data, "compute"):
        data = data.compute(scheduler="synchronous")
    options = {**options, "metadata": {IMAGE_KEY: image.name}}
    axis = options.pop("channel_axis", None)
    if axis is None:
        return ((data, options, kind),)
    channels = tuple(split_channels(data, axis, **options))
    names = [one["name"] for _, one, _ in channels]
    for i, (_, one, _) in enumerate(channels):  # as a viewer does: labels say which layer they are of
        one["name"] += f" [{names[:i].count(names[i])}]" if names[i] in names[:i] else ""
    return channels


def _plane_layer(image: ProjectImage) -> LayerData:
    scale = image.input.describe().scale.subset([-2, -1])
    options: dict[str, Any] = {
        "scale": scale.scale,
        "translate": scale.translation,
        "units": tuple(unit or "pixel" for unit in scale.units),
        "axis_labels": scale.axes,
        "name": image.name,
    }
    return image.input.read(image.plane or ()), options, "image"


def make_images(read: ReadImage) -> list[Image]:
    """Make the layers of an image, the last of them the one that is looked at first."""
    return [Image(data, **options) for data, options, _ in read.layers]


def make_labels(read: ReadImage, image: Image) -> Labels:
    """Make the layer of its labels, on the image; without any label if there are none."""
    found = read.loaded.annotation
    labels = np.zeros(shape_in_pixels(image), np.int32) if found.labels is None else found.labels
    data = as_drawn(labels, (labels.ndim - 2, labels.ndim - 1))
    layer = Labels(data, name="labels", **placed_on(image, labels.ndim))
    layer.metadata = {**found.metadata, IMAGE_KEY: read.image.name}
    if found.features is not None:
        layer.features = found.features
    return layer


def make_prompts(read: ReadImage, image: Image) -> tuple[list[Points | Shapes], str]:
    """Make the layers of its prompts; returns them, and why they could not be made."""
    try:
        return prompts_from_json(read.loaded.annotation.prompts, image), ""
    except LabelsError as error:
        return [], f"{read.image.name}: {error}."
