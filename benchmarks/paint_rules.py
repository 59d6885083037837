"""Who gets a pixel that several objects claim? The average precision of label images painted by each rule.

    python benchmarks/paint_rules.py --data FOLDER [--images 60] [--seed 0]

FOLDER holds images/ and labels/ with files of the same names, label images with 0 as the background. Prints a table;
the rule that does best is the one in `napari_fastsam.core.objects.painting`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import THRESHOLDS, Matching, match
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.painting import LIKE_SIZE, paint


def score_on_top(found: Instances) -> np.ndarray:
    labels = np.zeros(found.shape, np.int32)
    for i in range(len(found))[::-1]:
        crop = found.masks[i]
        labels[crop.window][crop.pixels] = i + 1
    return labels


def mask_value(found: Instances) -> np.ndarray:
    """Of like size the object whose mask value is higher at the pixel, else the smaller."""
    labels = np.zeros(found.shape, np.int32)
    values = np.zeros(found.shape, np.float32)
    areas = np.append(0, found.areas)
    for i in np.argsort(-found.areas, kind="stable").tolist():
        crop = found.masks[i]
        assert found.proposals is not None
        assert found.ranks is not None
        mine = found.proposals.logits(int(found.ranks[i]))[2]
        view, there = labels[crop.window], values[crop.window]
        like = areas[view] <= LIKE_SIZE * crop.area
        take = crop.pixels & ~((view > 0) & like & (there >= mine))
        view[take] = i + 1
        there[take] = mine[take]
    return labels


RULES: dict[str, Callable[[Instances], np.ndarray]] = {
    "of like size: score (as is)": Instances.to_labels,
    "of like size: mask value": mask_value,
    "smaller on top": lambda found: paint(found.masks, found.shape),
    "better score on top": score_on_top,
}


def pairs(data: Path, count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and their labels, a fixed random choice."""
    names = sorted(path.name for path in (data / "images").iterdir())
    chosen = np.random.default_rng(seed).permutation(len(names))[:count]
    for i in sorted(chosen.tolist()):
        yield iio.imread(data / "images" / names[i]), iio.imread(data / "labels" / names[i])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--conf", type=float, default=0.25)
    parser.add_argument("--iou", type=float, default=0.7)
    options = parser.parse_args()

    model = fs.load_model(options.model, "cpu")
    totals: dict[str, list[Matching]] = {}
    for image, truth in pairs(options.data, options.images, options.seed):
        found = model.segment(image, conf=options.conf, iou=options.iou)
        for name, rule in RULES.items():
            measured = match(rule(found), truth)
            totals[name] = [a + b for a, b in zip(totals[name], measured, strict=True)] if name in totals else measured
    print(f"{'who gets the pixel':28}  AP@0.50  AP@0.75  AP@0.50…0.95  mean matched IoU")
    for name, matchings in totals.items():
        ap = [m.average_precision for m in matchings]
        print(
            f"{name:28}  {ap[0]:7.4f}  {ap[THRESHOLDS.index(0.75)]:7.4f}  {np.mean(ap):12.4f}"
            f"  {matchings[0].mean_matched_iou:16.4f}"
        )


if __name__ == "__main__":
    main()
