"""TIFF and the formats made of it, through tifffile: what a pixel means, and planes whole or by rectangles."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images import layout
from napari_fastsam.io.images.layout import ImageFile, Layout, absent, chosen_scene, every_index, unique_axes
from napari_fastsam.io.images.tiff_metadata import Sizes, described, promised_pixels
from napari_fastsam.io.images.tiff_pages import check_page, opened, windows_of

TIFF_SUFFIXES = (
    ".tif", ".tiff", ".btf", ".tf2", ".tf8", ".lsm", ".stk", ".svs", ".ndpi", ".scn", ".qptiff", ".bif",
)  # fmt: skip
"""Of files that tifffile reads."""

_REFUSED = {
    "SEPARATED": "inks (CMYK)",
    "CIELAB": "CIE L*a*b* colours",
    "ICCLAB": "ICC L*a*b* colours",
    "ITULAB": "ITU L*a*b* colours",
    "LOGL": "logarithms of luminance",
    "LOGLUV": "logarithms of luminance and colour",
    "CFA": "a camera's raw mosaic of colours",
    "LINEAR_RAW": "a camera's raw colours",
}
_MOST_MISSING = 1000
_SMALL = 1 << 20
"""Bytes of a page that one thread decodes."""

_JPEG = (6, 7, 33007, 34892)
"""Compressions whose decoder turns YCbCr into RGB."""


class TiffImage(ImageFile):
    """An image of a TIFF that is open.

    Samples of a pixel are colours only where the file says that they are red, green and blue. One more is transparency
    where it says so; all others are channels. Palettes become colours, and where white is stored as 0 it is turned
    round; of a label image, numbers stay what they are.

    Parameters
    ----------
    path
        The file.
    scene
        Which of its series; None = the first.
    as_labels
        Whether its pixels are numbers of objects.

    Raises
    ------
    ImageError
        If its pixels are something else than intensities or RGB.
    ParameterError
        If there is no such series.
    """

    def __init__(self, path: Path, scene: int | None = None, as_labels: bool = False) -> None:
        import tifffile

        self._path, self._as_labels = path, as_labels
        self._file = tifffile.TiffFile(path)
        try:
            chosen = self._scene = chosen_scene(scene, len(self._file.series), path)
            self._series = self._file.series[chosen]
            self._check_promise(chosen)
            self._look()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _check_promise(self, scene: int) -> None:
        """Say so if the chain of pages broke off, so that tifffile takes what is left for all of it."""
        promised, found = promised_pixels(self._file, scene), math.prod(self._series.shape)
        if promised > found:
            planes = promised // math.prod(self._series.keyframe.shape)
            raise ImageError(
                f"it is cut off: its description lists {planes} planes, of which {len(self._series.pages)} can be "
                "found; copy the file again"
            )

    def _look(self) -> None:
        """Find out which axes are rows, columns and samples, and what samples are."""
        axes, page = self._series.axes, self._series.keyframe
        shape = tuple(map(int, self._series.shape))
        self._sample_axis = len(axes) - 1 if axes.endswith("S") else axes.rfind("S") if "S" in axes[-3:] else None
        others = [a for a in range(len(axes)) if a != self._sample_axis]
        if len(others) < 2:
            raise ImageError(f"it has the axes {axes}; expected rows and columns")
        *self._leading, self._rows, self._columns = others
        self._photometric = getattr(page.photometric, "name", "") or str(page.photometric)
        self._check_meaning(page)
        self.colours = 3 if self._photometric == "PALETTE" and not self._as_labels else 1
        self._samples: tuple[int, ...] = (0,)
        if self._sample_axis is not None:
            self._look_at_samples(page, shape[self._sample_axis])
        before = len(self._leading)  # the first axes
        self._page_lengths, self._page_shape = shape[:before], shape[before:]
        self._plane = (shape[self._rows], shape[self._columns])
        self._samples_first = self._sample_axis is not None and self._sample_axis < self._rows

    def _look_at_samples(self, page: Any, samples: int) -> None:
        """Find out which of a pixel's samples are colours, channels and transparency."""
        alpha = {i for i, kind in enumerate(reversed(page.extrasamples)) if int(kind) in (1, 2)}
        opaque = [i for i in range(samples) if samples - 1 - i not in alpha]
        rgb = self._photometric in ("RGB", "YCBCR") or (self._photometric == "PALETTE" and samples == 3)
        if rgb and samples in (3, 4) and len(opaque) == 3:
            self.colours, self._samples = samples, ()
        else:
            self._samples = tuple(opaque)

    def _check_meaning(self, page: Any) -> None:
        what = _REFUSED.get(self._photometric)
        if self._photometric == "YCBCR" and int(page.compression) not in _JPEG:
            what = "YCbCr colours that are not those of a JPEG"
        if what is not None:
            raise ImageError(
                f"its pixels are {what}, and intensities or RGB are expected; convert it to RGB, for instance in Fiji"
            )

    @cached_property
    def _sizes_and_channels(self) -> tuple[Sizes, tuple[str, ...]]:
        return described(self._file, self._scene, self._path)

    @cached_property
    def alike(self) -> int:  # type: ignore[override]  # found when it is asked for
        """How many images of about this size the file holds."""
        # slides have small pictures beside them: of the label, of all of it
        least = math.prod(self._series.shape) / 4
        return sum(math.prod(series.shape) >= least for series in self._file.series)

    @cached_property
    def channels(self) -> tuple[str, ...]:  # type: ignore[override]  # found when it is asked for
        """Names of the channels, in order; empty = the file does not say them."""
        return self._sizes_and_channels[1]

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # likewise: reading a plane does not need it
        """Its axes."""
        names = [self._series.axes[a] for a in self._leading]
        lengths = self._page_lengths
        if len(self._samples) > 1:
            names.append("C" if "C" not in names else "S")
            lengths = (*lengths, len(self._samples))
        sizes, _ = self._sizes_and_channels
        axes = (*unique_axes(names), "y", "x")
        steps, units = zip(*(sizes.get(axis, (1.0, "")) for axis in axes), strict=True)
        return Layout(lengths, self._plane, Scale(axes, steps, units))

    @cached_property
    def missing(self) -> tuple[tuple[int, ...], ...]:  # type: ignore[override]  # found when it is asked for
        """Indices of the planes that are promised, in the order of the axes, and not in the file; the first of many."""
        pages, lengths = self._series.pages, self._page_lengths
        each = max(1, len(pages) // max(1, math.prod(lengths)))
        mapped = None if len(pages) == 1 else self._mapped()
        if len(pages) == 1 or mapped is not None:
            return ()
        indices = (
            index for n, index in enumerate(every_index(lengths))
            if any(self._page_at(n * each + part) is None for part in range(each))
        )  # fmt: skip
        last = self._page_at(len(pages) - 1)
        if last is not None and len(self._series.pages) == len(self._file.pages):
            return ()
        return tuple(islice(indices, _MOST_MISSING))

    def _page_at(self, position: int) -> Any:
        """Return a page of the series by position, or None if the file does not hold it."""
        import tifffile

        try:
            return self._series.pages[position]
        except (IndexError, tifffile.TiffFileError):
            return None

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane; a page of its own is read alone, as a stack may be larger than the memory."""
        at, samples = self._split(index)
        page = self._page(at)
        if page is not None:
            with opened(page.parent.filehandle):
                # threads of their own take longer to begin than a small page to decode
                workers = 1 if page.nbytes < _SMALL else None
                return self._meant(page.asarray(maxworkers=workers), page.axes.startswith("S"), samples)
        mapped = self._mapped()
        if mapped is None and at in self.missing:
            raise ImageError(absent([at], self.layout.scale.axes, math.prod(self._page_lengths)))
        data = (self._series.asarray() if mapped is None else mapped)[self._at(at)]
        return self._meant(np.asarray(data), self._samples_first, samples)

    def lazy(self, index: tuple[int, ...]) -> Any:
        """Return one plane: by rectangles if it is large and stored so that only a part need be read."""
        height, width = self._plane
        if height * width <= layout.LARGE:
            return self.read(index)
        at, samples = self._split(index)
        mapped, page = self._mapped(), self._page(at)
        if mapped is not None:
            stored, first = mapped[self._at(at)], self._samples_first
        elif page is not None and (windows := windows_of(page)) is not None:
            stored, first = windows, False
        else:
            return self.read(index)
        return _Window(stored, first, partial(self._meant, samples=samples))

    def _split(self, index: tuple[int, ...]) -> tuple[tuple[int, ...], int | slice]:
        """Return which page is meant, and which of its samples."""
        if len(self._samples) > 1:
            return index[:-1], self._samples[index[-1]]
        return index, self._samples[0] if self._samples else slice(self.colours)

    def _page(self, index: tuple[int, ...]) -> Any:
        """Return the page that holds this plane and nothing else; None = there is none of its own."""
        count = math.prod(self._page_lengths)
        if len(self._series.pages) != count:
            return None
        page = self._page_at(int(np.ravel_multi_index(index, self._page_lengths)) if index else 0)
        if page is None:
            if self._mapped() is not None:  # behind the first, without a directory
                return None
            raise ImageError(absent([index], self.layout.scale.axes, count))
        if tuple(page.shape) != self._page_shape:
            return None
        check_page(page)
        return page

    def _mapped(self) -> Any:
        """Return all of a series that is stored as it is, without reading it."""
        offset = self._series.dataoffset
        dtype, page = self._series.dtype, self._series.keyframe
        if offset is None or page.fillorder == 2 or page.predictor != 1 or dtype.kind not in "biuf":
            return None
        if page.bitspersample != dtype.itemsize * 8:
            return None
        shape = tuple(self._series.shape)
        if offset + np.prod(shape, dtype=np.int64) * dtype.itemsize > self._file.filehandle.size:
            return None  # it ends too early: pages are read one at a time, as far as they go
        stored = dtype.newbyteorder(self._file.byteorder)
        return np.memmap(self._path, stored, "r", offset, shape)

    def _at(self, index: tuple[int, ...]) -> tuple[int | slice, ...]:
        places: list[int | slice] = [slice(None)] * len(self._series.shape)
        for axis, i in zip(self._leading, index, strict=True):
            places[axis] = i
        return tuple(places)

    def _meant(self, data: NDArray[np.generic], first: bool, samples: int | slice) -> NDArray[np.generic]:
        """Return what stored pixels mean; their samples, if they have several, come first or last."""
        if data.ndim == 3:
            data = (np.moveaxis(data, 0, -1) if first else data)[..., samples]
        data = data.astype(data.dtype.newbyteorder("="), copy=False)
        page = self._series.keyframe
        if self._photometric == "PALETTE" and self.colours == 3 and data.ndim == 2:
            return _coloured(data, page.colormap)
        if self._photometric == "MINISWHITE" and not self._keeps_white_as_0(page, data.dtype):
            return _turned_round(data, page.bitspersample)
        return data

    def _keeps_white_as_0(self, page: Any, dtype: np.dtype[Any]) -> bool:
        """Whether numbers are meant and not intensities: of labels, and where tifffile says so of truth values."""
        return page.software.startswith("tifffile") if dtype.kind == "b" else self._as_labels


class _Window:
    """A large plane of a TIFF; may be read once its file was closed."""

    def __init__(self, stored: Any, samples_first: bool, meant: Callable[..., NDArray[np.generic]]) -> None:
        self._stored, self._first, self._meant = stored, samples_first, meant
        corner = self[0:1, 0:1]
        rows, columns = stored.shape[1:] if samples_first else stored.shape[:2]
        self.shape, self.dtype = (rows, columns, *corner.shape[2:]), corner.dtype

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.generic]:
        stored = self._stored[(slice(None), *window) if self._first else window]
        return self._meant(np.asarray(stored), self._first)


def _coloured(data: NDArray[np.generic], colormap: Any) -> NDArray[np.uint8]:
    """Return the colours of a palette, (3, N), for numbers (Y, X)."""
    table = np.asarray(colormap)
    # 16 bits by the specification; some programs write eight
    shades = (table >> 8 if table.max(initial=0) > np.iinfo(np.uint8).max else table).astype(np.uint8)
    colours: NDArray[np.uint8] = shades.T[data.astype(np.intp)]
    return colours


def _turned_round(data: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return intensities of which 0 was white."""
    if data.dtype.kind == "u":
        highest: NDArray[Any] = data.dtype.type(2**bits - 1) - data
        return highest
    turned: NDArray[Any] = np.negative(data) if data.dtype.kind == "f" else np.invert(data)
    return turned
