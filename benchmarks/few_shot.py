"""How much do a few annotated images help? Fine-tuning a model on 1, 3 and 10 planes of a kind that it does not know.

    python benchmarks/few_shot.py --data FOLDER [--base nuclei] [--seed 0] [--kinds c2c12 ovule]

FOLDER holds c2c12_timeseries (phase contrast, ten frames of a film) and ovule_3d (a stack of cells with stained
membranes and next to no background); neither is in the training data of the bundled model. Each model is trained by
the same code as `napari-fastsam train`, with what that chooses by itself, on planes of one part of the film or stack,
and judged on planes of another part. Prints a table for the documentation.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

import napari_fastsam as fs
from napari_fastsam.model.judging.validation import evaluate
from napari_fastsam.model.training.training import train


@dataclass(frozen=True)
class Plane:
    """An annotated plane; an `Example` for training and evaluation."""

    name: str
    pixels: np.ndarray
    truth: np.ndarray
    group: str = ""

    def image(self) -> np.ndarray:
        return self.pixels

    def labels(self) -> np.ndarray:
        return self.truth


@dataclass(frozen=True)
class Kind:
    """A film or stack, and which of its planes are learnt from and judged with."""

    title: str
    images: str
    labels: str
    learnt: dict[int, Sequence[int]]
    judged: Sequence[int]

    def planes(self, data: Path, which: Sequence[int]) -> list[Plane]:
        images, labels = tifffile.imread(data / self.images), tifffile.imread(data / self.labels)
        return [Plane(f"{i}", images[i], labels[i].astype(np.int32)) for i in which]


KINDS = {
    # cells that move: the frames judged come after all of those learnt from
    "c2c12": Kind(
        "phase contrast (C2C12 cells)", "c2c12_timeseries/images_tyx.tif", "c2c12_timeseries/labels_tyx.tif",
        {1: [0], 3: [0, 2, 4], 5: [0, 1, 2, 3, 4]}, [6, 7, 8, 9],
    ),
    # three planes, 0.7 µm, lie between what is learnt and what is judged
    "ovule": Kind(
        "membranes (plant ovule)", "ovule_3d/raw_zyx.tif", "ovule_3d/labels_zyx.tif",
        {1: [10], 3: [2, 10, 18], 10: list(range(0, 20, 2))}, range(22, 32),
    ),
}  # fmt: skip


def row(kind: Kind, what: str, model: fs.Model, judged: list[Plane], minutes: float | None) -> str:
    total = evaluate(model, judged).summary()
    took = "–" if minutes is None else f"{minutes:.1f}"
    figures = (total.pooled.ap50, total.pooled.ap, total.click_iou, total.box_iou)
    return f"| {kind.title} | {what} | " + " | ".join(f"{value:.2f}" for value in figures) + f" | {took} |"


def main() -> None:
    """Train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", default="nuclei")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    arguments = parser.parse_args()
    print("| images | learnt from | AP50 | mean AP | one click, IoU | one box, IoU | minutes |", flush=True)
    print("|---|---|---|---|---|---|---|", flush=True)
    for kind in (KINDS[name] for name in arguments.kinds):
        judged = kind.planes(arguments.data, kind.judged)
        print(row(kind, "nothing", fs.load_model(arguments.base, "cpu"), judged, None), flush=True)
        for count, which in kind.learnt.items():
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "tuned.pt"
                start = time.perf_counter()
                train(kind.planes(arguments.data, which), file, arguments.base, seed=arguments.seed, device="cpu")
                minutes = (time.perf_counter() - start) / 60
                planes = "1 plane" if count == 1 else f"{count} planes"
                print(row(kind, planes, fs.load_model(file, "cpu"), judged, minutes), flush=True)


if __name__ == "__main__":
    main()
