"""How much do a few annotated images help? Training a model on with 1 to 10 images of a kind that it knows badly.

    python benchmarks/few_shot.py --data FOLDER [--base microscopy] [--seed 0] [--kinds c2c12 ovule] [--most 1]

FOLDER holds c2c12_timeseries (phase contrast, ten frames of a film) and ovule_3d (a stack of cells with stained
membranes and next to no background), of which no bundled model has learnt, and general, of which those images are taken
that the training of `microscopy` held out. Each model is trained by the same code as `napari-fastsam train`, with what
that chooses by itself, on one part of a film, stack or kind, and judged on another part. Prints a table for the
documentation; minutes are those of one processor core.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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


class Kind(Protocol):
    """A kind of image, and which of its images are learnt from and judged with, by number."""

    title: str
    learnt: dict[int, Sequence[int]]
    judged: Sequence[int]

    def planes(self, data: Path, which: Sequence[int]) -> list[Plane]:
        """Return some of the images."""


@dataclass
class Film:
    """A film or stack in two files."""

    title: str
    images: str
    labels: str
    learnt: dict[int, Sequence[int]]
    judged: Sequence[int]

    def planes(self, data: Path, which: Sequence[int]) -> list[Plane]:
        images, labels = tifffile.imread(data / self.images), tifffile.imread(data / self.labels)
        return [Plane(f"{i}", images[i], labels[i].astype(np.int32)) for i in which]


@dataclass
class HeldOut:
    """Images of a kind that the training of `microscopy` held out."""

    title: str
    learnt: dict[int, Sequence[int]]
    judged: Sequence[int]

    def planes(self, data: Path, which: Sequence[int]) -> list[Plane]:
        names = fs.load_model("microscopy", "cpu").card.validation_images
        found = [e for e in fs.read_dataset(data / "general").examples if e.group == self.title and e.name in names]
        return [Plane(e.name, e.image(), e.labels()) for e in (found[i] for i in which)]


KINDS: dict[str, Kind] = {
    # cells that move: the frames judged come after all of those learnt from
    "c2c12": Film(
        "phase contrast (C2C12 cells)", "c2c12_timeseries/images_tyx.tif", "c2c12_timeseries/labels_tyx.tif",
        {1: [0], 3: [0, 2, 4], 5: [0, 1, 2, 3, 4]}, [6, 7, 8, 9],
    ),
    # three planes, 0.7 µm, lie between what is learnt and what is judged
    "ovule": Film(
        "membranes (plant ovule)", "ovule_3d/raw_zyx.tif", "ovule_3d/labels_zyx.tif",
        {1: [10], 3: [2, 10, 18], 10: list(range(0, 20, 2))}, range(22, 32),
    ),
    "cells": HeldOut("cells, phase contrast", {1: [0]}, [1, 2]),
    "axons": HeldOut("axons, SEM", {1: [1]}, [0]),
    "chloroplasts": HeldOut("chloroplasts, EM", {1: [0]}, [1]),
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
    parser.add_argument("--base", default="microscopy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--most", type=int, default=10, help="images learnt from, at most")
    arguments = parser.parse_args()
    print("| images | learnt from | AP50 | mean AP | one click, IoU | one box, IoU | core minutes |", flush=True)
    print("|---|---|---|---|---|---|---|", flush=True)
    for kind in (KINDS[name] for name in arguments.kinds):
        judged = kind.planes(arguments.data, kind.judged)
        print(row(kind, "nothing", fs.load_model(arguments.base, "cpu"), judged, None), flush=True)
        for count in [count for count in kind.learnt if count <= arguments.most]:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "tuned.pt"
                learnt = kind.planes(arguments.data, kind.learnt[count])
                start = time.process_time()
                train(learnt, file, arguments.base, seed=arguments.seed, device="cpu")
                minutes = (time.process_time() - start) / 60
                planes = "1 image" if count == 1 else f"{count} images"
                print(row(kind, planes, fs.load_model(file, "cpu"), judged, minutes), flush=True)


if __name__ == "__main__":
    main()
