"""Parts of a page of a TIFF: only the tiles or strips that a rectangle needs are read and decoded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ImageError
from napari_fastsam.io.images import layout

_KEPT_BYTES = 64_000_000
"""Of decoded tiles that are kept: neighbouring rectangles overlap."""

_JPEG = (6, 7, 33007, 34892)


class opened:
    """Open tifffile's handle of a file for a block, if it is closed: of several files all but the first are."""

    def __init__(self, handle: Any) -> None:
        self._handle, self._was_closed = handle, handle.closed

    def __enter__(self) -> None:
        if self._was_closed:
            self._handle.open()

    def __exit__(self, *_: object) -> None:
        if self._was_closed:
            self._handle.close()


def check_page(page: Any) -> None:
    """Make sure that a page is all there.

    Raises
    ------
    ImageError
        If it has no pixels, or they lie behind the end of the file.
    """
    size = page.parent.filehandle.size
    counts, offsets = page.databytecounts, page.dataoffsets
    if not any(counts):
        raise ImageError("a page of it has no pixels; copy the file again, or choose another plane")
    lost = sum(end > size for end in map(add, offsets, counts))
    if lost:
        raise ImageError(
            f"it is cut off: {lost} of the {len(counts)} parts of a page lie behind its end; copy the file again, or "
            "choose another plane"
        )
    _check_size(page.keyframe, sum(counts))


def _check_size(page: Any, stored: int) -> None:
    """Make sure that pixels that are stored as they are have as many bytes as they should."""
    if page.compression != 1 or page.is_tiled or page.is_subsampled:
        return
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    row = -(-page.imagewidth * samples * page.bitspersample // 8)
    expected = row * page.imagelength * page.imagedepth * (page.samplesperpixel // samples)
    if stored < expected or (page.bitspersample % 8 and stored != expected):
        raise ImageError(
            f"it is damaged: pixels of {page.bitspersample} bits that should have {expected} bytes have {stored}; save "
            "it again"
        )


def windows_of(page: Any) -> PageWindows | None:
    """Return a page to be read by rectangles; None if any would take as long as all of it."""
    frame = page.keyframe
    single = frame.imagedepth == 1 and (frame.samplesperpixel == 1 or frame.planarconfig == 1)
    if not single or frame.is_subsampled or np.prod(frame.chunks, dtype=np.int64) > layout.LARGE:
        return None
    return PageWindows(page)


class PageWindows:
    """A page that is read by rectangles.

    Parameters
    ----------
    page
        Of a TIFF that may be closed meanwhile: its file is opened again where it has to be.

    Attributes
    ----------
    shape, dtype
        (Y, X) or (Y, X, S), and as it is stored.
    """

    def __init__(self, page: Any) -> None:
        frame = page.keyframe
        self._page, self._frame = page, frame
        self.shape = (frame.imagelength, frame.imagewidth, *((frame.samplesperpixel,) * (frame.samplesperpixel > 1)))
        self.dtype = np.dtype(frame.dtype)
        self._rows, self._columns = (
            (frame.tilelength, frame.tilewidth) if frame.is_tiled else (frame.rowsperstrip, frame.imagewidth)
        )
        self._across = -(-frame.imagewidth // self._columns)
        self._kept: OrderedDict[int, NDArray[np.generic] | None] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.generic]:
        (y0, y1, step_y), (x0, x1, step_x) = (s.indices(n) for s, n in zip(window, self.shape[:2], strict=True))
        found = np.zeros((max(0, y1 - y0), max(0, x1 - x0), *self.shape[2:]), self.dtype)
        if found.size:
            rows = range(y0 // self._rows, -(-y1 // self._rows))
            columns = range(x0 // self._columns, -(-x1 // self._columns))
            for number, part in self._parts([r * self._across + c for r in rows for c in columns]):
                top, left = number // self._across * self._rows, number % self._across * self._columns
                _paste(found, part, top - y0, left - x0)
        return found[::step_y, ::step_x]

    def _parts(self, numbers: list[int]) -> Iterator[tuple[int, NDArray[np.generic]]]:
        """Yield tiles or strips, (Y, X) or (Y, X, S); those that are empty in the file are left out."""
        with self._lock:
            wanted = [n for n in numbers if n not in self._kept]
            for number, part in self._decoded(wanted):
                self._kept[number] = part
            for number in numbers:
                self._kept.move_to_end(number)
            parts = [(number, self._kept[number]) for number in numbers]
            each = max(1, self._rows * self._columns * self.dtype.itemsize * int(np.prod(self.shape[2:])))
            while len(self._kept) * each > _KEPT_BYTES:
                self._kept.popitem(last=False)
        yield from ((number, part) for number, part in parts if part is not None)

    def _decoded(self, numbers: list[int]) -> Iterator[tuple[int, NDArray[np.generic] | None]]:
        if not numbers:
            return
        page, frame = self._page, self._frame
        handle = page.parent.filehandle
        tables = {"jpegtables": page.jpegtables, "jpegheader": frame.jpegheader} if frame.compression in _JPEG else {}

        def decode(stored: tuple[bytes | None, int]) -> tuple[int, NDArray[np.generic] | None]:
            part, _, shape = frame.decode(*stored, **tables)
            return stored[1], None if part is None else part.reshape(part.shape[-3:])[: shape[1], : shape[2]]

        with opened(handle):
            getattr(frame, "init_decode", lambda: None)()  # from tifffile 2026.2.24 on
            offsets, counts = ([places[n] for n in numbers] for places in (page.dataoffsets, page.databytecounts))
            parts = handle.read_segments(offsets, counts, indices=numbers, sort=True)
            if frame.maxworkers > 1 and len(numbers) > 1:
                with ThreadPoolExecutor(frame.maxworkers) as threads:
                    yield from threads.map(decode, list(parts))
            else:
                yield from map(decode, parts)


def _paste(onto: NDArray[np.generic], part: NDArray[np.generic], top: int, left: int) -> None:
    """Put a tile, (Y, X, S), on an image, as far as it lies on it."""
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(onto.shape[0], top + part.shape[0]), min(onto.shape[1], left + part.shape[1])
    if y1 > y0 and x1 > x0:
        piece = part[y0 - top : y1 - top, x0 - left : x1 - left]
        onto[y0:y1, x0:x1] = piece if onto.ndim == 3 else piece[..., 0]
