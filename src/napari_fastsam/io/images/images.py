"""One image plane out of a file."""

from __future__ import annotations

import math
import stat
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import check_plane
from napari_fastsam.errors import FastSAMError, ImageError, ParameterError

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".lsm")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
"""Of files that Pillow reads."""

_COLOURS = (3, 4)

_LARGE = 4096 * 4096
"""Planes of fewer pixels are read as a whole."""


def read_plane(path: Path, plane: tuple[int, ...] | None = None) -> NDArray[np.generic]:
    """Read one plane of an image file.

    Parameters
    ----------
    path
        TIFF (through tifffile; of several series the first), or PNG, JPEG and what else Pillow reads.
    plane
        Which plane of a stack: one index for each axis before Y and X, or one number that counts all planes,
        the last of those axes fastest. None = the file has only one.

    Returns
    -------
    numpy.ndarray
        (Y, X) or (Y, X, 3 | 4), RGB(A), in the file's own dtype.

    Raises
    ------
    ImageError
        If the file is missing, unreadable or damaged, or is a stack and `plane` does not say which plane.
    ParameterError
        If there is no such plane.
    """
    _check_file(path)
    read = _read_tiff if path.suffix.casefold() in TIFF_SUFFIXES else _read_picture
    try:
        return check_plane(read(path, plane))
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    except FastSAMError:
        raise
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise unreadable(path, error) from error


def lazy_plane(path: Path, plane: tuple[int, ...] | None = None) -> Any:
    """Return one plane of an image file, to be read by rectangles.

    Of a TIFF only what a rectangle needs is read, if the file allows: a large plane that is stored as it is, in tiles
    or in strips. Anything else is read here and now.

    Parameters, errors
        As in `read_plane`.
    """
    _check_file(path)
    if path.suffix.casefold() in TIFF_SUFFIXES:
        try:
            found = _TiffPlane.of(path, plane)
        except Exception:  # noqa: BLE001 - read_plane says what is wrong with the file
            found = None
        if found is not None:
            return found
    return read_plane(path, plane)


class _TiffPlane:
    """A large plane of a TIFF."""

    def __init__(self, pixels: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self._pixels, self._index = pixels, index
        self.shape, self.dtype = shape, np.dtype(pixels.dtype).newbyteorder("=")

    @classmethod
    def of(cls, path: Path, plane: tuple[int, ...] | None) -> _TiffPlane | None:
        """Return the plane; None if it is small, or if any rectangle would take as long to read as all of it."""
        import tifffile
        import zarr

        with ExitStack() as stack:
            file = stack.enter_context(tifffile.TiffFile(path))
            series = file.series[0]
            shape, colour, page = tuple(series.shape), _colour_axis(series), series.keyframe
            rows, columns = _rows_and_columns(len(shape), colour)
            pixels_last = columns == len(shape) - (1 if colour is None else 2) and (
                colour is None or shape[colour] in _COLOURS
            )
            real = page.dtype is not None and page.dtype.kind in "biuf"
            if not (pixels_last and real and shape[rows] * shape[columns] > _LARGE):
                return None
            index = plane_index(plane, shape[:rows], series.axes[:rows])
            if series.dataoffset is not None:
                stored = np.dtype(page.dtype).newbyteorder(file.byteorder)
                return cls(np.memmap(path, stored, "r", series.dataoffset, shape), index, shape[rows:])
            if np.prod(page.chunks, dtype=np.int64) > _LARGE:
                return None
            found = cls(zarr.open_array(series.aszarr(level=0), mode="r"), index, shape[rows:])
            weakref.finalize(found, stack.pop_all().close)  # it stays open as long as someone may read
            return found

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.generic]:
        found = np.asarray(self._pixels[(*self._index, *window)])
        return found.astype(found.dtype.newbyteorder("="), copy=False)


def planes_of(path: Path) -> tuple[tuple[int, ...], str, tuple[int, int]]:
    """Return the lengths and the names of the axes before a plane's own, and height and width of a plane.

    Raises
    ------
    ImageError
        If the file is missing, unreadable or damaged.
    """
    _check_file(path)
    try:
        return _tiff_planes(path) if path.suffix.casefold() in TIFF_SUFFIXES else _picture_planes(path)
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise unreadable(path, error) from error


def _check_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise ImageError(f"there is no file {path}") from error
    except (OSError, ValueError) as error:  # no right to look, a name that is too long, a link to itself
        raise unreadable(path, error) from error
    if stat.S_ISDIR(mode):
        raise ImageError(f"{path} is a folder; name the images in it")
    if not stat.S_ISREG(mode):  # reading a pipe might never end
        raise ImageError(f"{path} is no file with an image in it; name one that is")


def unreadable(path: Path | str, error: BaseException) -> ImageError:
    """Return the error that says of an image why it cannot be read, whatever was raised."""
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    elif isinstance(error, MemoryError):
        reason = f"it does not fit into memory. {error}"
    else:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
    if "is not installed" in reason:  # what imageio says of files that Pillow does not know
        reason = "it is damaged, or of no known format"
    return ImageError(f"{path} cannot be read as an image: {reason}")


def every_index(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the indices of all planes in order, however many a file claims to have."""
    # numpy.ndindex makes a list of each axis first
    if not lengths:
        yield ()
        return
    for first in range(lengths[0]):
        for rest in every_index(lengths[1:]):
            yield first, *rest


def _tiff_planes(path: Path) -> tuple[tuple[int, ...], str, tuple[int, int]]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        ndim, colour = len(series.shape), _colour_axis(series)
        rows, columns = _rows_and_columns(ndim, colour)
        leading = [a for a in range(ndim) if a not in (colour, rows, columns)]
        lengths = tuple(int(series.shape[a]) for a in leading)
        names = "".join(series.axes[a] for a in leading)
        return lengths, names, (int(series.shape[rows]), int(series.shape[columns]))


_UNITS = {
    "µm": "micrometer",
    "μm": "micrometer",
    "um": "micrometer",
    "nm": "nanometer",
    "mm": "millimeter",
    "s": "second",
}


def pixel_sizes(path: Path) -> dict[str, tuple[float, str]]:
    """Return the size and unit of a pixel along "x", "y" and "z" as an OME-TIFF says them; empty elsewhere.

    Raises
    ------
    ImageError
        If its OME-XML is damaged: its axes cannot be trusted then.
    """
    import tifffile

    if path.suffix.casefold() not in TIFF_SUFFIXES:
        return {}
    with tifffile.TiffFile(path) as file:
        said = file.ome_metadata
    if not said:
        return {}
    try:
        found = tifffile.xml2dict(said).get("OME", {}).get("Image", {})
        pixels = dict((found[0] if isinstance(found, list) else found).get("Pixels", {}))
    except Exception as error:  # whatever its parser says
        raise ImageError(
            f"the OME-XML in {path} is damaged ({error}), so that its axes are not known; save the image again"
        ) from error
    sizes = {}
    for axis in "xyz":
        size = pixels.get(f"PhysicalSize{axis.upper()}")
        if isinstance(size, int | float) and 0 < size < math.inf:
            unit = str(pixels.get(f"PhysicalSize{axis.upper()}Unit", "µm"))
            sizes[axis] = float(size), _UNITS.get(unit, unit)
    return sizes


def _picture_planes(path: Path) -> tuple[tuple[int, ...], str, tuple[int, int]]:
    import imageio.v3 as iio

    count = int(iio.improps(path, plugin="pillow").n_images or 1)
    height, width = iio.improps(path, plugin="pillow", index=0).shape[:2]
    return ((count,), "t", (height, width)) if count > 1 else ((), "", (height, width))


def _read_tiff(path: Path, plane: tuple[int, ...] | None) -> NDArray[np.generic]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        shape, colour = tuple(series.shape), _colour_axis(series)
        # Where the colours come first (planar), they are moved behind the columns.
        leading = [a for a in range(len(shape)) if a not in (colour, *_rows_and_columns(len(shape), colour))]
        lengths = tuple(shape[a] for a in leading)
        names = "".join(series.axes[a] for a in leading)
        index = plane_index(plane, lengths, names)
        position = int(np.ravel_multi_index(index, lengths)) if index else 0
        own = series.pages[position] if 1 < len(series.pages) == np.prod(lengths) else None
        # A page of its own is read alone: a stack may be larger than the memory.
        data = series.asarray()[_at(index, leading, len(shape))] if own is None else own.asarray()
    if colour is not None and colour == len(shape) - 3:
        data = np.moveaxis(data, 0, -1)
    return data[..., 0] if data.ndim == 3 and data.shape[2] <= 2 else data  # grey with transparency


def _colour_axis(series: Any) -> int | None:
    """Return the axis of a TIFF series that holds red, green and blue (and alpha), or None."""
    import tifffile

    axes, shape = series.axes, series.shape
    if axes.endswith("S"):
        return len(shape) - 1
    # tifffile files any 3 or 4 planes that it is given under S: only RGB is colour.
    rgb = series.keyframe.photometric == tifffile.PHOTOMETRIC.RGB
    if rgb and axes[-3:-2] == "S" and shape[-3] in _COLOURS:
        return len(shape) - 3
    return None


def _rows_and_columns(ndim: int, colour: int | None) -> tuple[int, int]:
    return (ndim - 3, ndim - 2) if colour == ndim - 1 else (ndim - 2, ndim - 1)


def _at(index: tuple[int, ...], leading: list[int], ndim: int) -> tuple[int | slice, ...]:
    places: list[int | slice] = [slice(None)] * ndim
    for axis, i in zip(leading, index, strict=True):
        places[axis] = i
    return tuple(places)


def _read_picture(path: Path, plane: tuple[int, ...] | None) -> NDArray[np.generic]:
    import imageio.v3 as iio

    mode = iio.immeta(path, plugin="pillow", index=0).get("mode")
    # Four inks would be taken for RGBA.
    as_rgb: dict[str, Any] = {"mode": "RGB"} if mode in ("CMYK", "YCbCr", "LAB", "HSV") else {}
    data: NDArray[np.generic] = iio.imread(path, plugin="pillow", **as_rgb)
    if mode in ("LA", "La"):
        data = data[..., 0]
    pixels = data.ndim - (3 if data.ndim > 2 and data.shape[-1] in _COLOURS else 2)
    lengths = data.shape[:pixels]
    chosen: NDArray[np.generic] = data[plane_index(plane, lengths, "T" * len(lengths))]
    return chosen


def plane_index(plane: tuple[int, ...] | None, lengths: tuple[int, ...], names: str) -> tuple[int, ...]:
    """Return the index of the plane asked for, one number for each axis before the plane's own.

    Parameters
    ----------
    plane
        As in `read_plane`.
    lengths, names
        Of the axes before a plane's own.

    Raises
    ------
    ImageError
        If there are several planes and none is asked for.
    ParameterError
        If there is no such plane.
    """
    count = int(np.prod(lengths, dtype=np.int64))
    if plane is None:
        if count == 1:
            return (0,) * len(lengths)
        axes = " × ".join(f"{n} along {name}" for n, name in zip(lengths, names, strict=True))
        several = f", or {','.join(['0'] * len(lengths))} to {','.join(str(n - 1) for n in lengths)}"
        raise ImageError(
            f"a stack of {count} planes ({axes}), and one plane is segmented at a time: choose it with --plane 0 to "
            f"{count - 1}{several if len(lengths) > 1 else ''}"
        )
    if len(plane) == 1 and 0 <= plane[0] < count:
        return tuple(int(i) for i in np.unravel_index(plane[0], lengths)) if lengths else ()
    if len(plane) == len(lengths) and all(0 <= i < n for i, n in zip(plane, lengths, strict=True)):
        return plane
    raise ParameterError(
        f"plane is {','.join(map(str, plane))}; the file has {count}, counted from 0"
        + (f", as {' × '.join(map(str, lengths))} along {', '.join(names)}" if len(lengths) > 1 else "")
    )
