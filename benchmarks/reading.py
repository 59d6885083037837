"""Reading beside tifffile itself, and beside bioio where that is installed: seconds and most memory.

``python benchmarks/reading.py FOLDER`` writes a slide of 16,384² pixels in tiles and a stack there, and reads each in a
process of its own: whole, and tile by tile as `run` does.
"""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tifffile

SIDE, TILE, WINDOW, OVERLAP = 16_384, 512, 1024, 128
PLANES, PLANE = 60, 2048


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


def whole_by_tifffile(path: Path) -> int:
    with tifffile.TiffFile(path) as file:
        return int(file.series[0].pages[0].asarray()[0, 0])


def whole_by_ours(path: Path) -> int:
    from napari_fastsam.io.images.images import read_plane

    return int(read_plane(path)[0, 0])


def tiles_by_ours(path: Path) -> int:
    from napari_fastsam.io.images.images import lazy_plane

    plane = lazy_plane(path)
    return sum(int(plane[window][0, 0]) for window in windows())


def tiles_by_zarr(path: Path) -> int:
    import zarr

    with tifffile.TiffFile(path) as file:
        plane = zarr.open_array(file.series[0].aszarr(level=0), mode="r")
        return sum(int(plane[window][0, 0]) for window in windows())


def tiles_by_bioio(path: Path) -> int:
    from bioio import BioImage

    plane = BioImage(path).dask_data[0, 0, 0]
    return sum(int(plane[window][0, 0].compute()) for window in windows())


def stack_by_tifffile(path: Path) -> int:
    total = 0
    for plane in range(PLANES):
        with tifffile.TiffFile(path) as file:
            total += int(file.series[0].pages[plane].asarray()[0, 0])
    return total


def stack_by_ours(path: Path) -> int:
    from napari_fastsam.io.images.inputs import Input

    return sum(int(Input(path).read((plane,))[0, 0]) for plane in range(PLANES))


def stack_by_bioio(path: Path) -> int:
    from bioio import BioImage

    image = BioImage(path)
    return sum(int(image.dask_data[0, 0, plane].compute()[0, 0]) for plane in range(PLANES))


WAYS: dict[str, tuple[str, Callable[[Path], int]]] = {
    "whole slide, tifffile": ("slide", whole_by_tifffile),
    "whole slide, napari-fastsam": ("slide", whole_by_ours),
    "slide tile by tile, tifffile as zarr": ("slide", tiles_by_zarr),
    "slide tile by tile, napari-fastsam": ("slide", tiles_by_ours),
    "slide tile by tile, bioio": ("slide", tiles_by_bioio),
    "stack plane by plane, tifffile": ("stack", stack_by_tifffile),
    "stack plane by plane, napari-fastsam": ("stack", stack_by_ours),
    "stack plane by plane, bioio": ("stack", stack_by_bioio),
}


def measure(name: str, path: Path) -> None:
    """Read in this process, whose memory is that of reading; prints seconds, MB above what imports take, a check."""
    import napari_fastsam.io.images.inputs  # noqa: F401 - not part of reading

    if "bioio" in name:
        import bioio  # noqa: F401
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    check = WAYS[name][1](path)
    seconds = time.perf_counter() - start
    print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, check)


def main() -> None:
    """Measure all ways, three times each in turns, and print a table of medians."""
    folder = Path(sys.argv[1])
    files = make(folder)
    there = importlib.util.find_spec("bioio") is not None
    ways = [name for name in WAYS if there or "bioio" not in name]
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    for _ in range(3):
        for name in ways:
            command = [sys.executable, __file__, "--measure", name, str(files[WAYS[name][0]])]
            output = subprocess.run(command, check=False, capture_output=True, text=True)
            if output.returncode == 0:
                found[name].append([float(value) for value in output.stdout.split()])
            else:
                print(name, output.stderr.splitlines()[-1], file=sys.stderr)
    print("| | seconds | memory, MB |\n|---|---|---|")
    for name, runs in found.items():
        if runs:
            seconds, memory, _ = np.median(runs, axis=0)
            print(f"| {name} | {seconds:.2f} | {memory:.0f} |")


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
