"""How good is the answer to one click, or one box, for an object that a person drew?

    python benchmarks/prompt_accuracy.py --data FOLDER [--images 60] [--seed 0]

FOLDER holds images/ and labels/ with files of the same names, label images with 0 as the background. Every object is
asked for once with its innermost point and once with its true box, all of an image together. Prints the mean IoU of the
answers with the object drawn (no answer = 0), the share that was answered, and from where.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.measure import regionprops

import napari_fastsam as fs
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.model.network.segmenter import Model


def pairs(data: Path, count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and their labels, a fixed random choice."""
    names = sorted(path.name for path in (data / "images").iterdir())
    chosen = np.random.default_rng(seed).permutation(len(names))[:count]
    for i in sorted(chosen.tolist()):
        yield iio.imread(data / "images" / names[i]), iio.imread(data / "labels" / names[i])


def truth_of(labels: np.ndarray) -> tuple[list[CroppedMask], fs.Prompts, fs.Prompts]:
    """The objects drawn, and a point and a box for each."""
    crops, points, boxes = [], [], []
    for region in regionprops(labels):
        crops.append(CroppedMask(region.bbox[0], region.bbox[1], region.image))
        depth = distance_transform_edt(np.pad(region.image, 1))[1:-1, 1:-1]
        points.append(np.add(np.unravel_index(depth.argmax(), depth.shape), region.bbox[:2]))
        boxes.append(region.bbox)
    return crops, fs.Prompts(points=points), fs.Prompts(boxes=boxes)


def where(selection: Selection) -> str:
    if not selection.found:
        return "not answered"
    for words, name in (("closer look", "closer look"), ("below the confidence", "below the threshold")):
        if words in selection.reason:
            return name
    return "first look"


def measure(model: Model, data: list[tuple[np.ndarray, np.ndarray]]) -> None:
    print(f"{'prompt':6}  objects  mean IoU  IoU ≥ 0.5  answered  seconds  from (with their mean IoU)")
    for kind in ("point", "box"):
        overlaps: list[float] = []
        places: list[str] = []
        start = time.perf_counter()
        for image, labels in data:
            crops, points, boxes = truth_of(labels)
            # an index for every prompt: points inside another's box would refine it, so the two are asked apart
            for truth, answer in zip(
                crops, fs.segment(model, image, points if kind == "point" else boxes), strict=True
            ):
                overlaps.append(answer.crop.iou(truth) if answer.crop is not None else 0.0)
                places.append(where(answer))
        spent = time.perf_counter() - start
        values, names = np.array(overlaps), np.array(places)
        parts = ", ".join(f"{n} {k} ({values[names == k].mean():.2f})" for k, n in Counter(places).most_common())
        print(
            f"{kind:6}  {len(values):7}  {values.mean():8.4f}  {(values >= 0.5).mean():9.3f}"
            f"  {(names != 'not answered').mean():8.3f}  {spent:7.1f}  {parts}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="nuclei")
    options = parser.parse_args()
    measure(fs.load_model(options.model, "cpu"), list(pairs(options.data, options.images, options.seed)))


if __name__ == "__main__":
    main()
