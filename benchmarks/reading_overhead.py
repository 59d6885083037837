"""What reading adds to tifffile's own time for the same pixels: small and large files, plain, compressed, tiled.

``python benchmarks/reading_overhead.py FOLDER`` writes the files there and reads each by turns, a few times in a row,
tifffile first and then napari-fastsam first, in one process, for a second or longer. It prints the least processor time
of each: what other programs on the machine change least.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile

from napari_fastsam.io.images.inputs import Input

SECONDS, LEAST_TURNS = 1.0, 4
IN_A_ROW = 4
"""Memory that a reader has let go of it gets again at once; that of the other has to be asked for anew."""

SIDES = (256, 1024, 4096)
HIGHEST = {"uint8": 200, "uint16": 4000}
LAYOUTS = {
    "strips": {},
    "strips, deflated": {"compression": "zlib"},
    "tiles": {"tile": (256, 256)},
    "tiles, deflated": {"tile": (256, 256), "compression": "zlib"},
}


def make(folder: Path) -> dict[str, tuple[Path, tuple[int, ...]]]:
    """Write what is read; returns paths and planes by what they are."""
    rng = np.random.default_rng(0)
    found = {}

    def add(name: str, data: np.ndarray, plane: tuple[int, ...] = (), ending: str = "tif", **options: object) -> None:
        path = folder / f"{name.replace(', ', '_').replace(' ', '_')}.{ending}"
        tifffile.imwrite(path, data, **options)
        found[name] = path, plane

    for dtype, high in HIGHEST.items():
        piece = rng.integers(0, high, (256, 256)).astype(dtype)
        for side in SIDES:
            for layout, options in LAYOUTS.items():
                add(f"{side}² {dtype}, {layout}", np.tile(piece, (side // 256,) * 2), **options)
    stack = rng.integers(0, 4000, (5, 1024, 1024)).astype(np.uint16)
    axes = {"metadata": {"axes": "ZYX"}}
    add("a plane of an OME-TIFF, deflated", stack, (3,), "ome.tif", compression="zlib", **axes)
    add("a plane of an ImageJ stack", stack, (3,), imagej=True, **axes)
    add("1024² RGB", np.tile(piece.astype(np.uint8), (4, 4))[..., None].repeat(3, axis=-1), photometric="rgb")
    return found


def by_tifffile(path: Path, plane: tuple[int, ...]) -> np.ndarray:
    with tifffile.TiffFile(path) as file:
        return file.series[0].pages[plane[0] if plane else 0].asarray()


def by_ours(path: Path, plane: tuple[int, ...]) -> np.ndarray:
    return Input(path).read(plane)


def least_times(path: Path, plane: tuple[int, ...]) -> tuple[float, float]:
    """Return the least seconds of processor time of tifffile and of napari-fastsam, read by turns."""
    ways: list[Callable[..., np.ndarray]] = [by_tifffile, by_ours]
    assert np.array_equal(*(way(path, plane) for way in ways))
    found = dict.fromkeys(ways, np.inf)
    end, turns = time.perf_counter() + SECONDS, 0
    while turns < LEAST_TURNS or time.perf_counter() < end:
        for way in ways if turns % 2 else ways[::-1]:
            for _ in range(IN_A_ROW):
                start = time.process_time()
                way(path, plane)
                found[way] = min(found[way], time.process_time() - start)
        turns += 1
    return found[by_tifffile], found[by_ours]


def main() -> None:
    """Print a table."""
    folder = Path(sys.argv[1])
    print("| | tifffile, ms | napari-fastsam, ms | more |\n|---|---|---|---|")
    for name, (path, plane) in make(folder).items():
        theirs, ours = (1e3 * seconds for seconds in least_times(path, plane))
        more = f"{ours - theirs:+.2f} ms, {100 * (ours / theirs - 1):+.0f} %"
        print(f"| {name} | {theirs:.2f} | {ours:.2f} | {more} |", flush=True)


if __name__ == "__main__":
    main()
