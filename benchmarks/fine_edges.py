"""What fine edges gain, and cost: average precision with and without them, on images that no training saw.

    python benchmarks/fine_edges.py --data FOLDER [--model nuclei] [--images 20]

FOLDER holds images/ and labels/; only images that the cards of both networks, the model's and the correcting one's,
name as held out are taken.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

import napari_fastsam as fs
from napari_fastsam.core.judging.metrics import Matching, match
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.model.correcting.weights import load_corrector


def precision(rows: Sequence[Sequence[Matching]]) -> list[float]:
    """AP50, AP75 and the mean over IoU 0.5 to 0.95, all images together."""
    pooled = [
        sum(m.true_positives for m in level)
        / max(sum(m.true_positives + m.false_positives + m.false_negatives for m in level), 1)
        for level in zip(*rows, strict=True)
    ]
    return [pooled[0], pooled[5], float(np.mean(pooled))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="nuclei")
    parser.add_argument("--images", type=int, default=20)
    asked = parser.parse_args()
    model, corrector = fs.load_model(asked.model, device="cpu"), load_corrector()
    held_out = set(model.card.validation_images)
    if corrector.card is not None:
        held_out &= set(corrector.card.validation_images)
    examples = [e for e in read_dataset(asked.data).examples if e.name.rsplit(".", 1)[0] in held_out]
    examples = examples[:: max(1, len(examples) // asked.images)][: asked.images]
    rows: dict[bool, list[Sequence[Matching]]] = {False: [], True: []}
    seconds = {False: 0.0, True: 0.0}
    for example in examples:
        image, truth = example.image(), example.labels()
        for fine in (False, True):
            start = time.perf_counter()
            labels = np.asarray(fs.segment(model, image, fine_edges=fine).to_labels())
            seconds[fine] += time.perf_counter() - start
            rows[fine].append(match(labels, truth))
    print(f"{len(examples)} images  AP50   AP75   AP     seconds")
    for fine, name in ((False, "proposed"), (True, "fine edges")):
        print(f"{name:10}", *(f"{v:.3f}" for v in precision(rows[fine])), f"{seconds[fine]:.1f}", sep="  ")
    print(f"with fine edges in {seconds[True] / seconds[False]:.1f} times the time")


if __name__ == "__main__":
    main()
