"""Objects linked through stacks and films: 3-D average precision, numbers per true object, and time.

    python benchmarks/stacks.py --data FOLDER [--models nuclei FILE ...]

FOLDER holds nuclei_3d, ovule_3d and c2c12_timeseries. Prints three tables: how masks are said to overlap, on the true
planes; accuracy and time with each model; and what the largest gap makes of it. Linking is timed beside the bare passes
of the network on the same planes. Labels of the film are drawn frame by frame, so that numbers through time cannot be
judged there: its average precision is by frame.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import tifffile
import torch
from skimage.measure import regionprops

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import THRESHOLDS, match
from napari_fastsam.core.judging.scores import Figures
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.planes import linking
from napari_fastsam.core.planes.linking import Linking, PlaneOverlaps, link
from napari_fastsam.model.asking.stack import linked, start_stack
from napari_fastsam.model.asking.thresholds import Thresholds

STACKS = {
    "nuclei_3d": ("nuclei_3d/img3d.tif", "nuclei_3d/mask3d.tif"),
    "ovule_3d": ("ovule_3d/raw_zyx.tif", "ovule_3d/labels_zyx.tif"),
    "c2c12": ("c2c12_timeseries/images_tyx.tif", "c2c12_timeseries/labels_tyx.tif"),
}
WAYS = {
    "IoU": lambda area, other, shared: shared / (area + other - shared),
    "share of the smaller": lambda area, other, shared: shared / min(area, other),
    "their mean": linking.overlap,
}


def numbers(labels: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Return how many numbers a true object has on average, and how many true objects a number."""
    pairs: set[tuple[int, int]] = set()
    for found, true in zip(labels, truth, strict=True):
        for i in np.unique(true[true > 0]).tolist():
            under = found[(true == i) & (found > 0)]
            if len(under):
                pairs.add((i, int(np.bincount(under).argmax())))
    return len(pairs) / max(len({t for t, _ in pairs}), 1), len(pairs) / max(len({n for _, n in pairs}), 1)


def ways(data: Path) -> None:
    print("| overlap | at least | nuclei_3d: numbers an object / objects a number | ovule_3d |\n|---|---|---|---|")
    stacks = []
    for name in ("nuclei_3d", "ovule_3d"):
        truth = tifffile.imread(data / STACKS[name][1]).astype(np.int32)
        crops = [[CroppedMask(r.bbox[0], r.bbox[1], r.image) for r in regionprops(plane)] for plane in truth]
        names = [[r.label for r in regionprops(plane)] for plane in truth]
        stacks.append((PlaneOverlaps.of(crops, 1), names))
    usual = linking.overlap
    for way, measure in WAYS.items():
        linking.overlap = measure
        for least in (0.1, 0.3, 0.5, 0.7):
            said = []
            for known, names in stacks:
                links = link(known, Linking(0, least))
                pairs = {(t, n) for ts, ids in zip(names, links.ids, strict=True) for t, n in zip(ts, ids, strict=True)}
                said.append(f"{len(pairs) / len({t for t, _ in pairs}):.2f} / {len(pairs) / links.count:.2f}")
            print(f"| {way} | {least} | {said[0]} | {said[1]} |")
    linking.overlap = usual


def row(model: fs.Model, title: str, name: str, images: np.ndarray, truth: np.ndarray, parameters: Linking) -> None:
    run = start_stack(model, lambda plane: images[plane], len(images))
    shape = (1, 3, *(-(-n * run.imgsz // max(images.shape[1:]) // 32) * 32 for n in images.shape[1:]))
    picture = torch.rand(shape).contiguous(memory_format=torch.channels_last)
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in images:
            model.network(picture)
    bare = time.perf_counter() - start
    start = time.perf_counter()
    for plane in range(len(images)):
        run.predict(plane)
    looked = time.perf_counter() - start
    start = time.perf_counter()
    result = linked(run.planes(Thresholds(*model.thresholds())), parameters)
    took = time.perf_counter() - start
    in_time = name == "c2c12"
    if in_time:
        total = None
        for found, true in zip(result.labels, truth, strict=True):
            now = match(found, true, THRESHOLDS)
            total = now if total is None else [a + b for a, b in zip(total, now, strict=True)]
        figures, ids = Figures.of(total), "–"
    else:
        figures = Figures.of(match(result.labels, truth, THRESHOLDS))
        ids = "{:.2f} / {:.2f}".format(*numbers(result.labels, truth))
    times = f"{bare:.1f} | {looked:.1f} | {took:.2f}"
    print(
        f"| {name} | {title} | {parameters.max_gap} | {figures.ap50:.2f} | {figures.ap:.2f} | {ids} | {times} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["nuclei"])
    parser.add_argument("--stacks", nargs="+", default=list(STACKS), choices=list(STACKS))
    parser.add_argument("--planes", default="", help="FIRST:LAST planes of each stack that are judged")
    asked = parser.parse_args()
    ways(asked.data)
    first, last = (int(n) if n else None for n in (asked.planes or ":").split(":"))
    print("\n| stack | model | gap | AP50 | mean AP | numbers / objects | bare s | network s | linking s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in asked.stacks:
        images, labels = STACKS[name]
        pixels = tifffile.imread(asked.data / images)[first:last]
        truth = tifffile.imread(asked.data / labels)[first:last].astype(np.int32)
        for title in asked.models:
            model = fs.load_model(title, device="cpu")
            for gap in (0, 1, 2):
                row(model, Path(title).stem, name, pixels, truth, Linking(gap))


if __name__ == "__main__":
    main()
