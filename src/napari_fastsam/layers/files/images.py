"""Image files as layers: axes, channels by name, sizes and units, of formats of which napari's reader loses some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_fastsam.io.images.images import every_index
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.images.vendors import READ_SUFFIXES

LayerData = tuple[Any, dict[str, Any], str]

SUFFIXES = (*READ_SUFFIXES, ".ome.tif", ".ome.tiff", ".ome.btf", ".lsm", ".stk", ".svs", ".ndpi", ".scn", ".qptiff")
"""Of files of which napari's own reader would lose channels, sizes or units, or that it does not read."""

_MOST_SCENES = 50


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return what reads a file, as npe2 asks; None = another reader is meant."""
    paths = [path] if isinstance(path, str) else list(path)
    return read_images if all(p.casefold().endswith(SUFFIXES) for p in paths) else None


def read_images(path: str | Sequence[str]) -> list[LayerData]:
    """Read files as image layers, a layer each channel and scene, plane by plane as they are shown.

    Raises
    ------
    ImageError
        If one cannot be read; the message says what to do.
    """
    paths = [path] if isinstance(path, str) else list(path)
    return [layer for one in paths for layer in _layers_of(Path(one))]


def _layers_of(path: Path) -> list[LayerData]:
    image = Input(path)
    with image.open() as opened:
        count = min(opened.alike, _MOST_SCENES)
    if count == 1:
        return [layer_of(image, path.name)]
    return [layer_of(replace(image, scene=scene), f"{path.name} [{scene}]") for scene in range(count)]


def layer_of(image: Input, name: str) -> LayerData:
    """Return an image as napari takes it: its planes are read as they are shown. Raises ImageError if it cannot be."""
    import dask
    import dask.array as da

    with image.open() as opened:
        lengths, plane, scale = opened.layout
        colours, channels = opened.colours, opened.channels
        first = opened.read((0,) * len(lengths))
    shape = (*plane, *first.shape[2:])
    planes = [
        da.from_delayed(dask.delayed(image.read)(index), shape, first.dtype)  # type: ignore[attr-defined]
        for index in every_index(lengths)
    ]
    data = da.stack(planes).reshape(*lengths, *shape) if lengths else planes[0]
    axis = scale.axes.index("c") if "c" in scale.axes[: len(lengths)] else None
    kept = [a for a in range(len(scale.axes)) if a != axis]
    own = scale.subset(kept)
    options: dict[str, Any] = {
        "scale": own.scale,
        "translate": own.translation,
        "units": tuple(unit or "pixel" for unit in own.units),
        "axis_labels": own.axes,
        "name": name,
    }
    if axis is not None:
        named = len(channels) == lengths[axis]
        options |= {"channel_axis": axis, "name": [f"{name}: {c}" for c in channels] if named else name}
    elif colours > 1:
        options["rgb"] = True
    return data, options, "image"
