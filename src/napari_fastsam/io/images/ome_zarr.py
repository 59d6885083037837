"""OME-Zarr: images and plates to read, label images to write as they grow.

What the files mean is said by the OME-NGFF specification, https://ngff.openmicroscopy.org; 0.5 is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.layout import ImageFile, Layout, every_index
from napari_fastsam.io.images.ome_zarr_metadata import channel_names, metadata_of, multiscale_of, scale_of
from napari_fastsam.io.results.folders import folder_in_place_of
from napari_fastsam.io.results.results import OutputError, unwritable

CHUNK = 1024
"""Side of a chunk in pixels."""

_SMALLEST = 512
"""No coarser level is written once the longer side has no more pixels."""


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a zarr group or array."""
    return path.is_dir() and any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zarray", ".zattrs"))


def images_in(path: Path) -> list[str]:
    """Return where the images of an OME-Zarr lie in it.

    "" for an image, the fields of all wells for a plate, all series for the root that bioformats2raw writes, and all
    label images for a group of labels. A well of which nothing can be read stands for its fields: who opens it is told
    why.

    Raises
    ------
    ImageError
        If it is none of these.
    """
    group = _group(path)
    try:
        metadata = metadata_of(group)
        if "multiscales" in metadata:
            return [""]
        if "plate" in metadata:
            return [where for well in metadata["plate"]["wells"] for where in _fields(group, str(well["path"]))]
        if "bioformats2raw.layout" in metadata or "bioformats2raw.layout" in group.attrs:
            return _series(group)
        if isinstance(metadata.get("labels"), list):
            return [str(name) for name in metadata["labels"]]
    except Exception as error:  # whatever damaged metadata lead to
        raise ImageError(f"the metadata of {path} are damaged: {_missing(error)}") from error
    raise ImageError(f"{path} is a zarr group, but neither an OME-Zarr image nor a plate; name the image in it")


def labels_in(path: Path, where: str = "") -> list[str]:
    """Return where the label images of an OME-Zarr image, or of a group of them, lie in it; empty = none.

    Examples
    --------
    ``["labels/nuclei", "labels/cells"]``
    """
    group, place = _group(path), f"{where}/labels" if where else "labels"
    if not where and isinstance(named := metadata_of(group).get("labels"), list):
        return [str(name) for name in named]
    if place not in group:
        return []
    return [f"{place}/{name}" for name in metadata_of(group[place]).get("labels", ())]


def open_image(path: Path, where: str = "") -> tuple[Any, Scale]:
    """Open the full resolution of an OME-Zarr image.

    Returns
    -------
    array
        A zarr array, read by slices.
    scale
        Its axes, in the order of the array.

    Raises
    ------
    ImageError
        If it is no OME-Zarr image, or its metadata are damaged.
    """
    array, scale, _ = _opened(path, where)
    return array, scale


class ZarrImage(ImageFile):
    """An image within an OME-Zarr.

    Rows and columns may be any of its axes. A channel axis behind both, of 3 or 4 bytes, is the colours of a pixel.

    Parameters
    ----------
    path, where
        As in `open_image`.

    Raises
    ------
    ImageError
        As in `open_image`.
    """

    def __init__(self, path: Path, where: str = "") -> None:
        self._array, scale, self.channels = _opened(path, where)
        axes, shape = scale.axes, tuple(int(n) for n in self._array.shape)
        both = {"y", "x"} <= set(axes)
        rows, columns = (axes.index("y"), axes.index("x")) if both else (len(axes) - 2, len(axes) - 1)
        last = len(axes) - 1
        if axes[last] == "c" and shape[last] in (3, 4) and self._array.dtype == np.uint8:
            self.colours = shape[last]
        self._colour_axis = last if self.colours > 1 else None
        self._leading = [a for a in range(len(axes)) if a not in (rows, columns, self._colour_axis)]
        self._rows, self._columns = rows, columns
        lengths = tuple(shape[a] for a in self._leading)
        self.layout = Layout(lengths, (shape[rows], shape[columns]), scale.subset([*self._leading, rows, columns]))

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane."""
        found: NDArray[np.generic] = self.lazy(index)[:, :]
        return found

    def lazy(self, index: tuple[int, ...]) -> _ZarrPlane:
        """Return one plane, whose chunks are read as they are asked for."""
        places: list[Any] = [slice(None)] * self._array.ndim
        for axis, at in zip(self._leading, index, strict=True):
            places[axis] = at
        return _ZarrPlane(self._array, places, self._rows, self._columns, self.colours)


class _ZarrPlane:
    """One plane of a zarr array."""

    def __init__(self, array: Any, places: list[Any], rows: int, columns: int, colours: int) -> None:
        self._array, self._places, self._rows, self._columns = array, places, rows, columns
        shape = (int(array.shape[rows]), int(array.shape[columns]))
        self.shape: tuple[int, ...] = (*shape, colours) if colours > 1 else shape
        self.dtype = array.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[Any]:
        places = list(self._places)
        places[self._rows], places[self._columns] = window
        found = np.asarray(self._array[tuple(places)])
        return found if self._rows < self._columns else np.swapaxes(found, 0, 1)


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
        with folder_in_place_of(path) as folder:
            group = zarr.open_group(folder, mode="w")
            yield _level(group, 0, tuple(shape), scale)
            _finish(group, scale)
            group.attrs.update(attributes())
    except OSError as error:
        raise unwritable(path, error) from error


def _group(path: Path) -> Any:
    import zarr

    try:
        return zarr.open_group(path, mode="r")
    except Exception as error:  # whatever a damaged store makes zarr say
        raise ImageError(f"{path} cannot be read as an OME-Zarr: {error}") from error


def _opened(path: Path, where: str) -> tuple[Any, Scale, tuple[str, ...]]:
    """Return array, axes and names of channels of an image."""
    group, name = _group(path), f"{path}/{where}" if where else str(path)
    if where and where not in group:
        raise ImageError(
            f"{name} is no OME-Zarr image: it is not there, although {path.name} names it; copy the folder again, with "
            "all in it"
        )
    try:
        metadata = metadata_of(group[where] if where else group)
        multiscale = multiscale_of(metadata)
        level = multiscale["datasets"][0]["path"]
        array = group[f"{where}/{level}" if where else level]
        scale = scale_of(multiscale, 0, len(array.shape))
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error
    except Exception as error:  # whatever damaged metadata lead to
        raise ImageError(f"{name} is no OME-Zarr image: {_missing(error)}") from error
    if array.dtype.kind not in "biuf":
        raise ImageError(f"{name} holds {array.dtype}; expected real numbers")
    return array, scale, channel_names(metadata)


def _fields(group: Any, well: str) -> list[str]:
    """Return where the images of a well lie."""
    try:
        return [f"{well}/{image['path']}" for image in metadata_of(group[well])["well"]["images"]]
    except Exception:  # noqa: BLE001 - it is not there, or damaged; the other wells are none the worse for it
        return [well]


def _series(group: Any) -> list[str]:
    """Return where the images lie that bioformats2raw wrote: it says so, or calls them 0, 1, …"""
    series = metadata_of(group["OME"]).get("series") if "OME" in group else None
    if series is None:
        series = sorted((name for name in group.group_keys() if name.isdecimal()), key=int)
    return [str(name) for name in series]


def _missing(error: Exception) -> str:
    """Return what a person is told of what damaged metadata raised."""
    if isinstance(error, KeyError | StopIteration | IndexError):
        return f"{error!r} is missing in its metadata"
    return " ".join(str(error).split()) or type(error).__name__


def _level(group: Any, level: int, shape: tuple[int, ...], scale: Scale) -> Any:
    chunks = tuple(1 for _ in shape[:-2]) + tuple(min(CHUNK, n) for n in shape[-2:])
    return group.create_array(
        str(level), shape=shape, chunks=chunks, dtype=np.int32, fill_value=0, dimension_names=scale.axes
    )


def _transformations(scale: Scale, steps: Sequence[float]) -> list[dict[str, Any]]:
    """Return where the pixels of a level lie: its pixels are some of those of the first, which keep their place."""
    found: list[dict[str, Any]] = [{"type": "scale", "scale": list(steps)}]
    if any(scale.translation):
        found.append({"type": "translation", "translation": list(scale.translation)})
    return found


def _finish(group: Any, scale: Scale) -> None:
    """Write coarser levels, each every second pixel of the one before, and say what all of it is."""
    datasets: list[dict[str, Any]] = []
    level, factor = 0, 1.0
    while True:
        array = group[str(level)]
        steps = [*scale.scale[:-2], *(s * factor for s in scale.scale[-2:])]
        datasets.append({"path": str(level), "coordinateTransformations": _transformations(scale, steps)})
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
    metadata = {
        "version": "0.5",
        "image-label": {},
        "multiscales": [{"axes": axes, "datasets": datasets, "name": "labels"}],
    }
    group.attrs["ome"] = metadata
