"""OME-Zarr: images and plates to read, label images to write as they grow.

What the files mean is said by the OME-NGFF specification, https://ngff.openmicroscopy.org; versions 0.4 and 0.5 are
read, 0.5 is written.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.images import every_index
from napari_fastsam.io.results.folders import mend, put_in_place
from napari_fastsam.io.results.names import temporary_prefix
from napari_fastsam.io.results.results import OutputError, unwritable

CHUNK = 1024
"""Side of a chunk in pixels."""

_SMALLEST = 512
"""No coarser level is written once the longer side has no more pixels."""


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a zarr group or array."""
    return path.is_dir() and any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zarray", ".zattrs"))


def images_in(path: Path) -> list[str]:
    """Return where the images of an OME-Zarr lie in it: "" for an image, the fields of all wells for a plate.

    A well of which nothing can be read stands for its fields: who opens it is told why.

    Raises
    ------
    ImageError
        If it is neither.
    """
    group = _group(path)
    try:
        said = _said(group)
        if "multiscales" in said:
            return [""]
        if "plate" in said:
            return [where for well in said["plate"]["wells"] for where in _fields(group, str(well["path"]))]
    except Exception as error:  # whatever damaged metadata lead to
        raise ImageError(f"the metadata of {path} are damaged: {_missing(error)}") from error
    raise ImageError(f"{path} is a zarr group, but neither an OME-Zarr image nor a plate; name the image in it")


def open_image(path: Path, where: str = "") -> tuple[Any, Scale]:
    """Open the full resolution of an OME-Zarr image.

    Returns
    -------
    array
        A zarr array, read by slices.
    scale
        Its axes.

    Raises
    ------
    ImageError
        If it is no OME-Zarr image, or its metadata are damaged.
    """
    group, name = _group(path), f"{path}/{where}" if where else str(path)
    try:
        said = _said(group[where] if where else group)["multiscales"][0]
        data = said["datasets"][0]
        array = group[f"{where}/{data['path']}" if where else data["path"]]
        axes = [a if isinstance(a, dict) else {"name": a} for a in said["axes"]]
        steps = next(t["scale"] for t in data["coordinateTransformations"] if t["type"] == "scale")
        names, units = (tuple(str(a.get(key, "")) for a in axes) for key in ("name", "unit"))
        scale = Scale(names, tuple(float(s) for s in steps), units)
        shape, kind = array.shape, array.dtype.kind
    except Exception as error:  # whatever damaged metadata lead to
        raise ImageError(f"{name} is no OME-Zarr image: {_missing(error)}") from error
    if len(shape) < 2 or not len(shape) == len(scale.axes) == len(scale.scale) or kind not in "biuf":
        raise ImageError(
            f"{name} is damaged: an array of {array.dtype} with {len(shape)} axes, of which {len(scale.axes)} have a "
            f"name and {len(scale.scale)} a scale; expected numbers, and rows and columns at least"
        )
    if not all(0 < s < math.inf for s in scale.scale):
        raise ImageError(f"{name} is damaged: its scale is {scale.scale}; expected sizes of a pixel, above 0")
    return array, scale


def attributes_of(path: Path) -> dict[str, Any]:
    """Return all that an OME-Zarr says, beside the OME metadata too.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    return dict(_group(path).attrs)


@contextmanager
def new_labels(
    path: Path, shape: Sequence[int], scale: Scale, attributes: Callable[[], Mapping[str, Any]] = dict
) -> Iterator[Any]:
    """Give an int32 zarr array to fill; it appears under `path`, with coarser levels, once the block ends well.

    Parameters
    ----------
    path
        Replaced if it is an OME-Zarr.
    shape
        Of the labels; rows and columns last.
    scale
        Their axes.
    attributes
        Gives what the group says beside the OME metadata; asked once all is filled.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    import zarr

    if path.exists() and not is_zarr(path):
        raise OutputError(f"{path} is in the way and no zarr; choose another folder with -o")
    try:
        mend(path)
        temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(path), suffix=".part", dir=path.parent))
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        group = zarr.open_group(temporary, mode="w")
        yield _level(group, 0, tuple(shape), scale)
        _finish(group, scale)
        group.attrs.update(attributes())
        temporary.chmod(0o755)
        put_in_place(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _group(path: Path) -> Any:
    import zarr

    try:
        return zarr.open_group(path, mode="r")
    except Exception as error:  # whatever a damaged store makes zarr say
        raise ImageError(f"{path} cannot be read as an OME-Zarr: {error}") from error


def _fields(group: Any, well: str) -> list[str]:
    """Return where the images of a well lie."""
    try:
        return [f"{well}/{image['path']}" for image in _said(group[well])["well"]["images"]]
    except Exception:  # noqa: BLE001 - it is not there, or damaged; the other wells are none the worse for it
        return [well]


def _missing(error: Exception) -> str:
    """Return what a person is told of what damaged metadata raised."""
    if isinstance(error, KeyError | StopIteration | IndexError):
        return f"{error!r} is missing in its metadata"
    return " ".join(str(error).split()) or type(error).__name__


def _said(group: Any) -> dict[str, Any]:
    """Return the OME metadata of a group: version 0.5 has them under "ome"."""
    attributes = dict(group.attrs)
    return dict(attributes.get("ome", attributes))


def _level(group: Any, level: int, shape: tuple[int, ...], scale: Scale) -> Any:
    chunks = tuple(1 for _ in shape[:-2]) + tuple(min(CHUNK, n) for n in shape[-2:])
    return group.create_array(
        str(level), shape=shape, chunks=chunks, dtype=np.int32, fill_value=0, dimension_names=scale.axes
    )


def _finish(group: Any, scale: Scale) -> None:
    """Write coarser levels, each every second pixel of the one before, and say what all of it is."""
    datasets: list[dict[str, Any]] = []
    level, factor = 0, 1.0
    while True:
        array = group[str(level)]
        steps = [*scale.scale[:-2], *(s * factor for s in scale.scale[-2:])]
        datasets.append({"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": steps}]})
        if max(array.shape[-2:]) <= _SMALLEST:
            break
        smaller = _level(group, level + 1, (*array.shape[:-2], *(-(-n // 2) for n in array.shape[-2:])), scale)
        for index in every_index(array.shape[:-2]):
            for y in range(0, array.shape[-2], 2 * CHUNK):
                rows = array[(*index, slice(y, y + 2 * CHUNK))]
                smaller[(*index, slice(y // 2, y // 2 + CHUNK))] = rows[::2, ::2]
        level, factor = level + 1, factor * 2
    kinds = {"t": "time", "c": "channel"}
    axes = [
        {"name": name, "type": kinds.get(name, "space"), **({"unit": unit} if unit else {})}
        for name, unit in zip(scale.axes, scale.units, strict=True)
    ]
    said = {
        "version": "0.5",
        "image-label": {},
        "multiscales": [{"axes": axes, "datasets": datasets, "name": "labels"}],
    }
    group.attrs["ome"] = said
