"""Which confidence and overlap find everything best?

    python benchmarks/thresholds.py --data FOLDER [--model nuclei] [--images 50]

FOLDER holds images/ and labels/ with files of the same stem. Prints pooled AP = TP / (TP + FP + FN) at IoU 0.5 and
0.75, and its mean over 0.5 … 0.95, for a grid of both thresholds. The card of a model takes its best pair from here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from skimage.io import imread

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import match

CONFIDENCES = (0.25, 0.35, 0.45, 0.55)
OVERLAPS = (0.7, 0.5, 0.4, 0.3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--images", type=int, default=50)
    options = parser.parse_args()
    truths = {path.stem: path for path in (options.data / "labels").iterdir()}
    images = sorted(path for path in (options.data / "images").iterdir() if path.stem in truths)
    chosen = np.random.default_rng(1).permutation(len(images))[: options.images]
    model = fs.load_model(options.model)
    pairs = [(model.propose(model.rgb8(imread(images[i]))), imread(truths[images[i].stem])) for i in chosen]
    print(f"{len(pairs)} images\nconf  iou   AP50   AP75   mean AP")
    for conf in CONFIDENCES:
        for iou in OVERLAPS:
            per_image = [match(proposals.instances(conf, iou).to_labels(), truth) for proposals, truth in pairs]
            pooled = [sum(column[1:], start=column[0]).average_precision for column in zip(*per_image, strict=True)]
            print(f"{conf:.2f}  {iou:.2f}  {pooled[0]:.3f}  {pooled[5]:.3f}  {np.mean(pooled):.3f}", flush=True)


if __name__ == "__main__":
    main()
