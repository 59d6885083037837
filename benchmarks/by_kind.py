"""How good are models on images that they have not learnt from, kind by kind, known and unknown?

    python benchmarks/by_kind.py --data FOLDER nuclei microscopy [--held-out-of microscopy] [--degraded] [--csv FILE]

FOLDER holds dsb2018 and general, of which the images are judged that the training of a model held out (the card of
`--held-out-of` names them), and c2c12_timeseries and ovule_3d, which no model of this project learns from, plane by
plane. Prints a table for each model: AP50 and mean AP over all objects of a kind, the mean IoU of one click an object,
and in how many images the size that the first looks measure is within a fifth of the objects' own.

With `--degraded` the same images are judged after they were made worse in one way at a time, without clicks, and what
is printed is the share of AP50 that is kept.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tifffile
from degraded import WAYS, degrade
from skimage.measure import regionprops

import napari_fastsam as fs
from napari_fastsam.model.judging.validation import evaluate
from napari_fastsam.model.network.object_scale import diameter_of

_UNSEEN = {
    "phase contrast (C2C12), never seen": ("c2c12_timeseries/images_tyx.tif", "c2c12_timeseries/labels_tyx.tif"),
    "membranes (ovule), never seen": ("ovule_3d/raw_zyx.tif", "ovule_3d/labels_zyx.tif"),
}
_NUCLEI, _OTHERS = "nuclei: ", "general: "


@dataclass(frozen=True)
class Plane:
    """An annotated plane in memory."""

    name: str
    group: str
    pixels: np.ndarray
    truth: np.ndarray

    def image(self) -> np.ndarray:
        return self.pixels

    def labels(self) -> np.ndarray:
        return self.truth


def judged(data: Path, held_out: Sequence[str], every: int) -> list[Plane]:
    """Return what is judged: held-out images, and planes of kinds that were never seen."""
    planes = []
    for folder, prefix in (("dsb2018", _NUCLEI), ("general", _OTHERS)):
        examples = [e for e in fs.read_dataset(data / folder).examples if e.name in held_out]
        planes += [Plane(e.name, prefix + e.group, e.image(), e.labels()) for e in examples[::every]]
    for kind, files in _UNSEEN.items():
        images, labels = (tifffile.imread(data / file) for file in files)
        planes += [
            Plane(f"{kind} {i}", kind, images[i], labels[i].astype(np.int32)) for i in range(0, len(images), every)
        ]
    return planes


def size_ratio(model: fs.Model, plane: Plane) -> float:
    """Return the measured size of a plane's objects as a share of their own; NaN = none was measured."""
    found = diameter_of(model.propose(model.rgb8(plane.pixels)))
    sides = [np.array(region.bbox[2:]) - region.bbox[:2] for region in regionprops(plane.truth)]
    if found is None or not sides:
        return float("nan")
    return found / float(np.median([np.sqrt(np.prod(side)) for side in sides]))


def table(model: fs.Model, planes: Sequence[Plane], clicks: bool) -> list[dict[str, object]]:
    """Return a row for each kind, and one for all kinds of general together."""
    evaluation = evaluate(model, planes, prompts=clicks)
    ratios = {plane.name: size_ratio(model, plane) for plane in planes}
    rows: list[dict[str, object]] = []
    for kind in [*sorted(evaluation.groups), _NUCLEI]:
        chosen = replace(evaluation, images=tuple(i for i in evaluation.images if i.group.startswith(kind)))
        total = chosen.summary()
        sizes = np.array([ratios[image.name] for image in chosen.images])
        right = int((np.abs(np.log(sizes)) <= np.log(1.2)).sum())
        rows.append(
            {
                "kind": kind if kind != _NUCLEI else "nuclei, all", "images": len(chosen.images),
                "AP50": total.pooled.ap50, "mean AP": total.pooled.ap, "click": total.click_iou,
                "size right": f"{right}/{len(sizes)}",
            }
        )  # fmt: skip
    general = [row for row in rows if str(row["kind"]).startswith(_OTHERS)]
    means = {key: float(np.mean([float(str(row[key])) for row in general])) for key in ("AP50", "mean AP", "click")}
    images = sum(int(str(row["images"])) for row in general)
    return [*rows, {"kind": "general, mean over kinds", "images": images, **means, "size right": ""}]


def said(rows: Sequence[dict[str, object]]) -> str:
    """Return rows as a table of Markdown."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in rows:
        cells = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def kept(model: fs.Model, planes: Sequence[Plane]) -> list[dict[str, object]]:
    """Return AP50 of degraded planes as a share of that of the planes as they are, a row a way of degrading."""
    rows: list[dict[str, object]] = []
    for way in ("as it is", *WAYS):
        worse = [replace(plane, pixels=degrade(plane.pixels, way)) for plane in planes]
        rounds = [row for row in table(model, worse, clicks=False) if row["kind"] in _SUMS]
        row: dict[str, object] = {"degraded": way} | {str(r["kind"]): r["AP50"] for r in rounds}
        rows.append(row)
    return rows


_SUMS = ("nuclei, all", "general, mean over kinds", *_UNSEEN)


def main() -> None:
    """Judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--held-out-of", default="microscopy")
    parser.add_argument("--every", type=int, default=1, help="judge only every so many images")
    parser.add_argument("--degraded", action="store_true")
    parser.add_argument("--no-clicks", action="store_true")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    names = fs.load_model(arguments.held_out_of, "cpu").card.validation_images
    planes = judged(arguments.data, names, arguments.every)
    for name in arguments.models:
        model = fs.load_model(name, "cpu")
        rows = kept(model, planes) if arguments.degraded else table(model, planes, not arguments.no_clicks)
        print(f"\n{name}\n\n{said(rows)}", flush=True)
        if arguments.csv is not None:
            with arguments.csv.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([name, *row.values()] for row in rows)


if __name__ == "__main__":
    main()
