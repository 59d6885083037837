"""Which design learns most from the same crops? Networks of ultralytics, trained from nothing and judged alike.

    python benchmarks/networks.py --data FOLDER [--epochs 6] [--imgsz 192] [--every 2] [yolov8n-seg yolo11n-seg …]

FOLDER holds dsb2018 and general. Each network sees the same crops in the same order, by the code and the settings of
`napari-fastsam train`, and is judged on images that the training of `microscopy` held out. Prints a table: parameters,
the time of a pass beside the first network's, AP50 and mean AP of nuclei and of the mean over the other kinds, and the
minutes of one processor core that training took.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from by_kind import Plane, judged, table
from timing import in_turns

import napari_fastsam as fs
from napari_fastsam.model.network.checkpoint import read_network
from napari_fastsam.model.training.training import train

NETWORKS = ("yolov8n-seg", "yolo11n-seg", "yolo26n-seg")
SUMS = ("nuclei, all", "general, mean over kinds")

_WATCHED = 4
"""Held-out images that are looked at while training, to choose the best epoch and the thresholds by."""


def trained(name: str, file: Path, data: Path, names: list[str], arguments: argparse.Namespace) -> float:
    """Train a network from nothing, and return the minutes that took of one core."""
    examples = [e for folder in ("dsb2018", "general") for e in fs.read_dataset(data / folder).examples]
    learnt = [example for example in examples if example.name not in names]
    held_out = [example for example in examples if example.name in names]
    watched = [held_out[i] for i in np.linspace(0, len(held_out) - 1, _WATCHED).round().astype(int)]
    start = time.process_time()
    settings = {"epochs": arguments.epochs, "imgsz": arguments.imgsz}
    train(learnt, file, f"{name}.yaml", validation=watched, seed=arguments.seed, device="cpu", **settings)
    return (time.process_time() - start) / 60


def main() -> None:
    """Train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=6, help="of 2,000 crops each")
    parser.add_argument("--imgsz", type=int, default=192)
    parser.add_argument("--every", type=int, default=2, help="judge only every so many images")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = list(fs.load_model("microscopy", "cpu").card.validation_images)
    planes = [p for p in judged(arguments.data, names, arguments.every) if "never seen" not in p.group]
    judgements = " | ".join(f"{kind}: AP50 | mean AP" for kind in SUMS)
    print(
        f"| network | parameters | a pass | {judgements} | core minutes |\n{'|---' * (4 + 2 * len(SUMS))}|", flush=True
    )
    with tempfile.TemporaryDirectory() as folder:
        models: list[fs.Model] = []
        for name in arguments.networks:
            file = Path(folder) / f"{name}.pt"
            took = trained(name, file, arguments.data, names, arguments)
            models.append(fs.load_model(file, "cpu"))
            print(row(name, file, models, planes, took), flush=True)


def row(name: str, file: Path, models: list[fs.Model], planes: list[Plane], took: float) -> str:
    """Return a row of the table, with the time of a pass beside the first model's."""
    picture = np.random.default_rng(0).integers(0, 255, (512, 704, 3), np.uint8)
    first, last = in_turns([lambda model=model: model.propose(picture) for model in (models[0], models[-1])], rounds=10)
    millions = sum(p.numel() for p in read_network(file)[0].parameters()) / 1e6
    rows = {str(row["kind"]): row for row in table(models[-1], planes, clicks=False)}
    figures = [f"{rows[kind][key]:.3f}" for kind in SUMS for key in ("AP50", "mean AP")]
    cells = [name, f"{millions:.2f} M", f"{last / first:.2f} ×", *figures, f"{took:.0f}"]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
