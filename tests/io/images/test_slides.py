"""Slides of Aperio and Hamamatsu, as far as they can be made here: files with the structure and the tags of theirs."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_fastsam.io.images.inputs import Input

COLOURS = np.random.default_rng(0).integers(0, 255, (300, 420, 3)).astype(np.uint8)
APERIO = "Aperio Image Library v12.0.15\r\n420x300"


def write_svs(path: Path) -> Path:
    """Write a tiled slide, its thumbnail, a coarser level, and a picture of its label."""
    told = {"photometric": "rgb", "compression": "zlib", "metadata": None, "software": False}
    with tifffile.TiffWriter(path) as file:
        file.write(
            COLOURS, tile=(64, 64), description=f"{APERIO} [0,0 420x300] (64x64) |AppMag = 20|MPP = 0.4990", **told
        )
        file.write(COLOURS[::4, ::4].copy(), description=f"{APERIO} -> 105x75 - |AppMag = 20|MPP = 0.4990", **told)
        coarser = COLOURS[::2, ::2].copy()
        file.write(coarser, tile=(64, 64), description=f"{APERIO} (64x64) -> 210x150|AppMag = 20", **told)
        file.write(COLOURS[:40, :50].copy(), subfiletype=1, description=f"{APERIO}\r\nlabel 50x40", **told)
    return path


def write_ndpi(path: Path) -> Path:
    """Write a page as Hamamatsu does: a TIFF whose places of pages have 64 bits, with tags of its own.

    Behind the entries of a page stand the upper halves of their values.
    """
    height, width, samples = COLOURS.shape
    pixels = 16
    place = pixels + COLOURS.nbytes + COLOURS.nbytes % 2
    later = place + 2 + 16 * 16 + 8  # behind the page: 16 entries
    bits, across, maker = later, later + 8, later + 16
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 3, 1, 1), (262, 3, 1, 2),
        (271, 2, 10, maker), (273, 4, 1, pixels), (277, 3, 1, samples), (278, 4, 1, height),
        (279, 4, 1, COLOURS.nbytes), (282, 5, 1, across), (283, 5, 1, across), (296, 3, 1, 3),
        (65420, 4, 1, 1), (65421, 11, 1, struct.unpack("<I", struct.pack("<f", 20.0))[0]), (65422, 9, 1, 0),
    ]  # fmt: skip
    page = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    page += struct.pack("<Q", 0) + bytes(4 * len(entries))
    values = struct.pack("<3H2x", 8, 8, 8) + struct.pack("<2I", 20000, 1) + b"Hamamatsu\0"
    start = struct.pack("<2sHQ", b"II", 42, place).ljust(pixels, b"\0")
    path.write_bytes(start + COLOURS.tobytes().ljust(place - pixels, b"\0") + page + values)
    return path


@pytest.mark.parametrize(("write", "size"), [(write_svs, 0.499), (write_ndpi, 0.5)], ids=["svs", "ndpi"])
def test_the_slide_itself_is_read_with_its_size(write, size: float, tmp_path: Path) -> None:
    image = Input(write(tmp_path / f"a.{write.__name__.removeprefix('write_')}"))
    lengths, plane, scale = image.describe()
    assert (lengths, plane, scale.units) == ((), (300, 420), ("micrometer", "micrometer"))
    assert scale.scale == pytest.approx((size, size))
    np.testing.assert_array_equal(image.read(()), COLOURS)
    np.testing.assert_array_equal(image.lazy(())[60:150, 30:200], COLOURS[60:150, 30:200])
    assert image.remarks() == []  # thumbnail, levels and the picture of the label are no images of their own
