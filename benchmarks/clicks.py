"""How many clicks do objects take, on images from which neither the model nor the correcting network has learnt?

    python benchmarks/clicks.py --data FOLDER [--rows nuclei box others ovule c2c12] [--gaussian-process]

FOLDER holds dsb2018 and general, of which the images are taken that both trainings held out, and ovule_3d and
c2c12_timeseries, of which no network of this project learns. The simulated user of `napari-fastsam evaluate --clicks`
clicks ten times on at least 200 objects of each; the ten frames of c2c12_timeseries hold 99 of 40 pixels or more.
Prints a table for the documentation.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from by_kind import Plane

import napari_fastsam as fs
from napari_fastsam.cli.evaluate_clicks import held_out_of_both
from napari_fastsam.model.correcting.corrector import GaussianProcess, WindowPredictor
from napari_fastsam.model.correcting.weights import default_corrector
from napari_fastsam.model.judging.click_validation import Start, evaluate_clicks
from napari_fastsam.model.judging.validation import AnnotatedImage

CLICKS = 10


@dataclass(frozen=True)
class Row:
    """Images on whose objects are clicked.

    Attributes
    ----------
    title
        What they show.
    model
        What proposes.
    folder, files
        An annotated folder; or a stack and its labels in it, of which every so many planes are taken.
    per_image
        At most so many objects of an image, drawn at random; None = all.
    """

    title: str
    model: str
    folder: str
    files: tuple[str, str] | None = None
    every: int = 1
    per_image: int | None = None
    start: Start = "point"

    def images(self, data: Path, model: fs.Model, corrector: WindowPredictor) -> Sequence[AnnotatedImage]:
        """Return the images, read or to be read."""
        if self.files is None:
            return held_out_of_both(fs.read_dataset(data / self.folder), model, corrector)
        pixels, labels = (tifffile.imread(data / self.folder / file) for file in self.files)
        numbers = range(0, len(pixels), self.every)
        return [Plane(f"{i:02d}", "", pixels[i], labels[i].astype(np.int32)) for i in numbers]


ROWS = {
    "nuclei": Row("nuclei, the 54 of the card", "nuclei", "dsb2018", per_image=4),
    "box": Row("the same", "nuclei", "dsb2018", per_image=4, start="box"),
    "others": Row("nine images of five other kinds, mean over kinds", "microscopy", "general", per_image=40),
    "ovule": Row(
        "membranes of a plant ovule, a kind never seen", "microscopy", "ovule_3d",
        ("raw_zyx.tif", "labels_zyx.tif"), every=2, per_image=15,
    ),
    "c2c12": Row(
        "cells in phase contrast (C2C12), a kind never seen", "microscopy", "c2c12_timeseries",
        ("images_tyx.tif", "labels_tyx.tif"),
    ),
}  # fmt: skip


def measured(row: Row, data: Path, corrector: WindowPredictor) -> str:
    """Click on the objects of a row, and return it as a line of the table."""
    model = fs.load_model(row.model, "cpu")
    images = row.images(data, model, corrector)
    evaluation = evaluate_clicks(model, corrector, images, clicks=CLICKS, start=row.start, per_image=row.per_image)
    mean = evaluation.by_group() if row.folder == "general" else evaluation.summary()
    figures = [f"{mean.after(k):.3f}" for k in (1, 2, 3, 5, 10)] + [f"{mean.clicks_to[t]:.1f}" for t in (0.85, 0.90)]
    rounds = " ".join(f"{value:.3f}" for value in mean.accuracy)
    return f"| {row.title} | a {row.start} | {mean.objects} | " + " | ".join([*figures, rounds]) + " |"


def main() -> None:
    """Click and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--gaussian-process", action="store_true", help="instead of the correcting network")
    arguments = parser.parse_args()
    corrector = GaussianProcess() if arguments.gaussian_process else default_corrector()
    print("| images | start | objects | IoU@1 | IoU@2 | IoU@3 | IoU@5 | IoU@10 | NoC85 | NoC90 | mSA@0, 1, 3, 7 |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.rows:
        print(measured(ROWS[name], arguments.data, corrector), flush=True)


if __name__ == "__main__":
    main()
