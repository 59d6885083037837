"""Reading large files beside tifffile itself, and beside bioio where that is installed: seconds and most memory.

``python benchmarks/reading.py FOLDER`` writes a slide of 16,384² pixels in tiles and a stack there, and reads each in a
process of its own: whole, and tile by tile as `run` does. Who has not read all of it after `LIMIT` seconds is stopped.

bioio is no part of this project. ``--bioio PYTHON`` names the interpreter of an environment that has it, such as
``python -m venv e && e/bin/pip install bioio bioio-tifffile bioio-ome-tiff imagecodecs``.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

SIDE, TILE, WINDOW, OVERLAP = 16_384, 512, 1024, 128
PLANES, PLANE = 60, 2048
LIMIT = 60
"""Seconds."""


def make(folder: Path) -> dict[str, Path]:
    """Write what is read: a slide, deflated in tiles; and a stack of OME-TIFF."""
    rng = np.random.default_rng(0)
    slide, stack = folder / "slide.tif", folder / "stack.ome.tif"
    tile = rng.integers(0, 60, (TILE, TILE)).astype(np.uint8)

    def tiles() -> Iterator[np.ndarray]:
        for number in range((SIDE // TILE) ** 2):
            yield np.roll(tile, number, axis=1)

    if not slide.exists():
        tifffile.imwrite(
            slide, tiles(), shape=(SIDE, SIDE), dtype=np.uint8, tile=(TILE, TILE), compression="zlib", bigtiff=True
        )
    if not stack.exists():
        planes = (np.roll(np.tile(tile, (PLANE // TILE,) * 2), n).astype(np.uint16) for n in range(PLANES))
        tifffile.imwrite(
            stack, planes, shape=(PLANES, PLANE, PLANE), dtype=np.uint16, compression="zlib",
            photometric="minisblack", metadata={"axes": "ZYX"},
        )  # fmt: skip
    return {"slide": slide, "stack": stack}


def windows() -> Iterator[tuple[slice, slice]]:
    """Yield rectangles that overlap, as tiles of a large plane do."""
    starts = range(0, SIDE - OVERLAP, WINDOW - OVERLAP)
    yield from ((slice(y, y + WINDOW), slice(x, x + WINDOW)) for y in starts for x in starts)


def whole_by_tifffile(path: Path) -> Iterator[int]:
    with tifffile.TiffFile(path) as file:
        yield file.series[0].pages[0].asarray()[0, 0]


def whole_by_ours(path: Path) -> Iterator[int]:
    from napari_fastsam.io.images.images import read_plane

    yield read_plane(path)[0, 0]


def whole_by_bioio(path: Path) -> Iterator[int]:
    yield planes_of_bioio(path)[0].compute()[0, 0]


def tiles_by_ours(path: Path) -> Iterator[int]:
    from napari_fastsam.io.images.images import lazy_plane

    plane = lazy_plane(path)
    yield from (plane[window][0, 0] for window in windows())


def tiles_by_zarr(path: Path) -> Iterator[int]:
    import zarr

    with tifffile.TiffFile(path) as file:
        plane = zarr.open_array(file.series[0].aszarr(level=0), mode="r")
        yield from (plane[window][0, 0] for window in windows())


def tiles_by_bioio(path: Path) -> Iterator[int]:
    (plane,) = planes_of_bioio(path)
    yield from (plane[window].compute()[0, 0] for window in windows())


def stack_by_tifffile(path: Path) -> Iterator[int]:
    for plane in range(PLANES):
        with tifffile.TiffFile(path) as file:
            yield file.series[0].pages[plane].asarray()[0, 0]


def stack_by_ours(path: Path) -> Iterator[int]:
    from napari_fastsam.io.images.inputs import Input

    yield from (Input(path).read((plane,))[0, 0] for plane in range(PLANES))


def stack_by_bioio(path: Path) -> Iterator[int]:
    yield from (plane.compute()[0, 0] for plane in planes_of_bioio(path))


def planes_of_bioio(path: Path) -> Any:
    """Return the planes of an image, a chunk each: the least that bioio reads of a TIFF."""
    from bioio import BioImage

    return BioImage(path, chunk_dims=["Y", "X"]).dask_data[0, 0]


Way = Callable[[Path], Iterator[int]]
WAYS: dict[str, dict[str, Way]] = {
    "slide, whole": {"tifffile": whole_by_tifffile, "napari-fastsam": whole_by_ours, "bioio": whole_by_bioio},
    "slide, tile by tile": {
        "tifffile as zarr": tiles_by_zarr,
        "napari-fastsam": tiles_by_ours,
        "bioio": tiles_by_bioio,
    },
    "stack, plane by plane": {"tifffile": stack_by_tifffile, "napari-fastsam": stack_by_ours, "bioio": stack_by_bioio},
}
"""What is read, by whom."""


def measure(what: str, who: str, path: Path) -> None:
    """Read in this process, and print seconds, MB above what imports take, and how many parts were read."""
    if who == "bioio":
        import bioio  # noqa: F401 - not part of reading
    elif who == "napari-fastsam":
        import napari_fastsam.io.images.inputs  # noqa: F401
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    parts = 0
    for _ in WAYS[what][who](path):
        parts += 1
        if time.perf_counter() - start > LIMIT:
            break
    seconds = time.perf_counter() - start
    print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, parts)


def main() -> None:
    """Measure all ways in turns, and print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bioio", default=sys.executable, metavar="PYTHON", help="interpreter that has bioio")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    files = make(options.folder)
    there = subprocess.run([options.bioio, "-c", "import bioio"], check=False, capture_output=True).returncode == 0
    if not there:
        print("bioio is not installed, and left out.", file=sys.stderr)
    ways = [(what, who) for what, by in WAYS.items() for who in by if there or who != "bioio"]
    found: dict[tuple[str, str], list[list[float]]] = {way: [] for way in ways}
    for _ in range(options.repeat):
        for what, who in ways:
            python = options.bioio if who == "bioio" else sys.executable
            command = [python, __file__, "--measure", what, who, str(files[what.split(",")[0]])]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found[what, who].append([float(value) for value in output.split()[-3:]])
    print("| | | seconds | memory, MB |\n|---|---|---|---|")
    most = {what: max(runs[0][2] for way, runs in found.items() if way[0] == what) for what in WAYS}
    for (what, who), runs in found.items():
        seconds, memory, parts = np.median(runs, axis=0)
        part = "" if parts == most[what] else f", stopped after {parts:.0f} of {most[what]:.0f}"
        print(f"| {what} | {who} | {seconds:.1f}{part} | {memory:.0f} |")


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        main()
