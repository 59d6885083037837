"""How often do the first looks measure the size of objects right, kind by kind?

    python benchmarks/sizes.py --data FOLDER [microscopy nuclei] [--most 5] [--resized] [--worth]

FOLDER is that of `by_kind.py`; of each kind the first few images are taken that the training of `microscopy` held out.
The size is right within 20 %: measured over true, the median of roots of width times height of the boxes, is between
1 / 1.2 and 1.2. With `--resized` each image is measured at a third, its own and three times its size too, so that
objects from 8 to 300 pixels are met. Prints a table: how often, the median of the ratio, and how long an image took;
with `--worth` also AP50 with the size that was measured, and with the true one.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from by_kind import Plane, judged, size_ratio
from skimage.measure import regionprops
from skimage.transform import resize

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import Matching, match
from napari_fastsam.model.asking.plane_scale import shown_size
from napari_fastsam.model.network.object_scale import LARGEST, SMALLEST

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


def true_scale(model: fs.Model, plane: Plane) -> float:
    """Return the scale at which a plane's objects have the size that the model knows; 1 where there is none."""
    sides = [np.array(region.bbox[2:]) - region.bbox[:2] for region in regionprops(plane.truth)]
    if not sides or model.card.shown_diameter is None:
        return 1.0
    true = float(np.median([np.sqrt(np.prod(side)) for side in sides]))
    return float(np.clip(model.card.shown_diameter / true, SMALLEST, LARGEST))


def worth(model: fs.Model, planes: Sequence[Plane]) -> tuple[float, float]:
    """Return AP50 of some planes with the sizes that are measured, and with the true ones."""
    conf, iou = model.thresholds()
    totals: list[Matching | None] = [None, None]
    for plane in planes:
        rgb = model.rgb8(plane.pixels)
        for i, imgsz in enumerate((None, shown_size(rgb.shape, true_scale(model, plane)))):
            found = match(model.propose(rgb, imgsz).instances(conf, iou).to_labels(), plane.truth, [0.5])[0]
            total = totals[i]
            totals[i] = found if total is None else total + found
    first, second = (float("nan") if total is None else total.average_precision for total in totals)
    return first, second


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["microscopy"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=5, help="images of each kind")
    parser.add_argument("--resized", action="store_true")
    parser.add_argument("--worth", action="store_true", help="AP50 with the measured and with the true size too")
    arguments = parser.parse_args()
    names = fs.load_model("microscopy", "cpu").card.validation_images
    by_kind: dict[str, list[Plane]] = defaultdict(list)
    for plane in judged(arguments.data, names, 1):
        if len(by_kind[plane.group]) < arguments.most:
            by_kind[plane.group].append(plane)
    factors = _FACTORS if arguments.resized else (1.0,)
    for name in arguments.models:
        model = fs.load_model(name, "cpu")
        more = " AP50 | with the true size |" if arguments.worth else ""
        print(f"\n{name}\n\n| kind | right | measured / true, median | seconds an image |{more}", flush=True)
        print("|---|---|---|---|" + 2 * "---|" * arguments.worth, flush=True)
        right = measured = 0
        for kind in sorted(by_kind):
            shown = [one for plane in by_kind[kind] for f in factors if (one := resized(plane, f)) is not None]
            start = time.perf_counter()
            ratios = np.array([size_ratio(model, plane) for plane in shown])
            seconds = (time.perf_counter() - start) / len(shown)
            good = int((np.abs(np.log(ratios)) <= np.log(1.2)).sum())
            right, measured = right + good, measured + len(ratios)
            middle = float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else float("nan")
            more = "".join(f" {value:.3f} |" for value in worth(model, shown)) if arguments.worth else ""
            print(f"| {kind} | {good}/{len(ratios)} | {middle:.2f} | {seconds:.2f} |{more}", flush=True)
        print(f"| all | {right}/{measured} | | |", flush=True)


if __name__ == "__main__":
    main()
