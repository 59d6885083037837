"""How often do the first looks measure the size of objects right, kind by kind?

    python benchmarks/sizes.py --data FOLDER [microscopy nuclei] [--most 5] [--resized]

FOLDER is that of `by_kind.py`; of each kind the first few images are taken that the training of `microscopy` held out.
The size is right within 20 %: measured over true, the median of roots of width times height of the boxes, is between
1 / 1.2 and 1.2. With `--resized` each image is measured at a third, its own and three times its size too, so that
objects from 8 to 300 pixels are met. Prints a table: how often, the median of the ratio, and how long an image took.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from by_kind import Plane, judged, size_ratio
from skimage.transform import resize

import napari_fastsam as fs

_FACTORS = (1 / 3, 1.0, 3.0)
_MOST_PIXELS = 2000 * 2000


def resized(plane: Plane, factor: float) -> Plane | None:
    """Return a plane enlarged or reduced; None if it would be too small to see, or large enough for tiles."""
    height, width = (round(n * factor) for n in plane.pixels.shape[:2])
    if min(height, width) < 64 or height * width > _MOST_PIXELS:
        return None
    pixels = resize(plane.pixels, (height, width), preserve_range=True, anti_aliasing=factor < 1)
    truth = resize(plane.truth, (height, width), order=0, preserve_range=True, anti_aliasing=False)
    return replace(plane, pixels=pixels.astype(plane.pixels.dtype), truth=truth.astype(np.int32))


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["microscopy"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=5, help="images of each kind")
    parser.add_argument("--resized", action="store_true")
    arguments = parser.parse_args()
    names = fs.load_model("microscopy", "cpu").card.validation_images
    by_kind: dict[str, list[Plane]] = defaultdict(list)
    for plane in judged(arguments.data, names, 1):
        if len(by_kind[plane.group]) < arguments.most:
            by_kind[plane.group].append(plane)
    factors = _FACTORS if arguments.resized else (1.0,)
    for name in arguments.models:
        model = fs.load_model(name, "cpu")
        print(f"\n{name}\n\n| kind | right | measured / true, median | seconds an image |", flush=True)
        print("|---|---|---|---|", flush=True)
        right = measured = 0
        for kind in sorted(by_kind):
            shown = [one for plane in by_kind[kind] for f in factors if (one := resized(plane, f)) is not None]
            start = time.perf_counter()
            ratios = np.array([size_ratio(model, plane) for plane in shown])
            seconds = (time.perf_counter() - start) / len(shown)
            good = int((np.abs(np.log(ratios)) <= np.log(1.2)).sum())
            right, measured = right + good, measured + len(ratios)
            middle = float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else float("nan")
            print(f"| {kind} | {good}/{len(ratios)} | {middle:.2f} | {seconds:.2f} |", flush=True)
        print(f"| all | {right}/{measured} | | |", flush=True)


if __name__ == "__main__":
    main()
