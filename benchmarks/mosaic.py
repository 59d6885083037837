"""Do time, memory and accuracy stay as they are when a plane gets larger? A mosaic of dsb2018 images, tile by tile.

    python benchmarks/mosaic.py --data FOLDER [--sides 2048 4096 8192 16384] [--scale 1]

FOLDER is dsb2018 with its index.csv. Fluorescence images of 256 × 256 pixels, each in its own intensity window, are
put side by side, the same over and over in an order by chance where there are more places than images. Both are
zarr arrays of chunks of 1024 × 1024 pixels; each side runs in a process of its own, on one core, whose peak memory is
measured. CPU seconds are what busy machines change little. The single images are segmented at the same scale, and both
are judged alike: what touches the border of an image, in truth or prediction, is left out, since a neighbour in the
mosaic may cut it or go on from it. Prints a table for the documentation.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import torch
import zarr

import napari_fastsam as fs
from napari_fastsam.core.image.intensity import to_rgb8, window_of
from napari_fastsam.core.judging.metrics import THRESHOLDS, Matching, match
from napari_fastsam.core.judging.scores import Figures
from napari_fastsam.model.asking.segment import segment

SIDE, CHUNK, BORDER = 256, 1024, 3


def pictures(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return all images of one kind and size, (N, 256, 256) uint8, and their labels."""
    with (data / "index.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if (r["h"], r["w"], r["kind"]) == ("256", "256", "gray_darkbg")]
    images, labels = [], []
    for row in rows:
        image = next((data / "images").glob(f"{row['id']}.*"))
        pixels = iio.imread(image)
        grey = pixels[..., 0] if pixels.ndim == 3 else pixels
        images.append(to_rgb8(grey, window_of(grey, "percentiles"))[..., 0])
        labels.append(iio.imread(next((data / "labels").glob(f"{row['id']}.*"))).astype(np.int32))
    return np.stack(images), np.stack(labels)


def places(side: int, count: int) -> np.ndarray:
    """Return which image lies where, (rows, columns)."""
    across = side // SIDE
    rng = np.random.default_rng(0)
    order = np.concatenate([rng.permutation(count) for _ in range(-(-(across**2) // count))])
    return order[: across**2].reshape(across, across)


def compose(path: Path, side: int, images: np.ndarray) -> None:
    mosaic = zarr.create_array(path, shape=(side, side), chunks=(CHUNK, CHUNK), dtype=np.uint8)
    which = places(side, len(images))
    for r in range(0, which.shape[0], 4):
        rows = [np.concatenate(images[which[k]], axis=1) for k in range(r, min(r + 4, which.shape[0]))]
        mosaic[r * SIDE : (r + len(rows)) * SIDE] = np.concatenate(rows)


def inner(labels: np.ndarray) -> np.ndarray:
    """Leave out what comes close to the border of an image."""
    frame = np.ones(labels.shape, bool)
    frame[BORDER:-BORDER, BORDER:-BORDER] = False
    return np.where(np.isin(labels, np.unique(labels[frame])), 0, labels)


def judge(predictions, which, truths) -> Figures:
    total: list[Matching] | None = None
    for (r, c), i in np.ndenumerate(which):
        found = match(inner(np.asarray(predictions(r, c, i))), inner(truths[i]), THRESHOLDS)
        total = found if total is None else [a + b for a, b in zip(total, found, strict=True)]
    return Figures.of(total)


def run(mosaic: Path, labels: Path, scale: float) -> dict:
    """Segment one mosaic, in this process."""
    torch.set_num_threads(1)
    model = fs.load_model(device="cpu")
    image = zarr.open_array(mosaic, mode="r")
    side = image.shape[0]
    out = zarr.create_array(labels, shape=image.shape, chunks=(CHUNK, CHUNK), dtype=np.int32, overwrite=True)
    model.segment(np.zeros((256, 256), np.uint8), imgsz=1024)  # what is only done once
    start, cpu = time.perf_counter(), time.process_time()
    result = segment(model, image, tiled=True, scale=scale, labels=out)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"side": side, "seconds": seconds, "cpu": cpu, "peak": peak, "objects": len(result), "tiles": result.tiles}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sides", type=int, nargs="+", default=[2048, 4096, 8192, 16384])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--run", type=Path, nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        print(json.dumps(run(*asked.run, asked.scale)))
        return
    images, truths = pictures(asked.data)
    model = fs.load_model(device="cpu")
    size = max(32, round(SIDE * asked.scale / 32) * 32)
    singles = [model.segment(image, imgsz=size, contrast_limits=(0, 255)).to_labels() for image in images]
    first = None
    print(
        "| side | tiles | objects | seconds | CPU s | × per area | peak MB | × | AP50 | singles | mean AP | singles |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for side in asked.sides:
            mosaic, labels = Path(folder) / f"{side}.zarr", Path(folder) / f"{side}_labels.zarr"
            compose(mosaic, side, images)
            command = [sys.executable, __file__, "--data", str(asked.data), "--scale", str(asked.scale), "--run"]
            said = subprocess.run([*command, str(mosaic), str(labels)], capture_output=True, text=True, check=True)
            row = json.loads(said.stdout)
            first = first or row
            out, which = zarr.open_array(labels, mode="r"), places(side, len(images))
            tiled = judge(
                lambda r, c, i, out=out: out[r * SIDE : (r + 1) * SIDE, c * SIDE : (c + 1) * SIDE], which, truths
            )
            single = judge(lambda r, c, i: singles[i], which, truths)
            per_area = row["cpu"] / side**2 / (first["cpu"] / first["side"] ** 2)
            figures = [
                side,
                row["tiles"],
                row["objects"],
                f"{row['seconds']:.1f}",
                f"{row['cpu']:.1f}",
                f"{per_area:.2f}",
            ]
            figures += [f"{row['peak'] / 1e6:.0f}", f"{row['peak'] / first['peak']:.2f}"]
            figures += [f"{value:.3f}" for value in (tiled.ap50, single.ap50, tiled.ap, single.ap)]
            print(line(figures), flush=True)


def line(values) -> str:
    return "| " + " | ".join(str(value) for value in values) + " |"


if __name__ == "__main__":
    main()
