"""Other ways to the same objects, beside each other on the same images in one run.

    python benchmarks/peers.py [--data FOLDER] [--images 12] [--side 512] [--prompts 10] [--plot FILE]

Each runs in a process of its own, one after the other, with as many threads as OMP_NUM_THREADS says. FOLDER holds
annotated images as `napari-fastsam train` takes them; only those that the bundled model's training held out are used,
scaled up to `--side` so that all see the same pixels. Without it the images of tests/data are used, which the model may
have learnt from: no AP is printed then.

Each of some objects is clicked on by the simulated user (`napari_fastsam.core.correcting.simulated_user`): first in its
middle, then where the mask is most wrong. With `--plot`, the IoU after each click becomes a picture.

SAM and MobileSAM have random weights here: their times are real, their masks are not. Prints tables for the
documentation.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import skimage
from numpy.typing import NDArray
from peers_measured import PEERS, Labels, Mask, Peer

from napari_fastsam.core.correcting.simulated_user import Click, first_click, next_click
from napari_fastsam.io.results.plots import write_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests" / "data" / "dsb2018"

CLICKS = 5
"""At most on one object."""

TOLD = (1, 3, 5)
"""Clicks after which the table has the IoU."""


MISSING = (
    ("AP and clicks of SAM, SAM 2 and MobileSAM", "their weights are not in a package registry"),
    ("micro-sam, Cellpose, StarDist, nnInteractive", "without their weights nothing is found, and they are fetched"),
)
"""What is not measured, and why."""


# ---------------------------------------------------------------- images


def images(data: Path | None, count: int, side: int) -> tuple[list[tuple[NDArray[np.uint8], Labels]], bool]:
    """Return pictures with what was drawn on them, and whether the bundled model has not learnt from any."""
    import napari_fastsam as fs
    from napari_fastsam.core.image.intensity import to_rgb8, window_of
    from napari_fastsam.model.weights.weights import card_for, find

    if data is None:
        import imageio.v3 as iio

        names = ("sparse", "dense", "wide")
        found = [(iio.imread(TESTS / f"{n}.png"), iio.imread(TESTS / f"{n}_labels.png")) for n in names]
    else:
        kept = set(card_for(find("nuclei")).validation_images)
        examples = [e for e in fs.read_dataset(data).examples if e.name in kept and "stain" not in e.group][:count]
        found = [(example.image(), example.labels()) for example in examples]
    made = []
    for image, labels in found[:count]:
        grey = to_rgb8(image, window_of(np.asarray(image), "percentiles")).mean(axis=2)
        factor = side / max(grey.shape)
        shape = tuple(round(n * factor) for n in grey.shape)
        scaled = skimage.transform.resize(grey, shape, preserve_range=True).astype(np.uint8)
        made.append((scaled, skimage.transform.resize(labels, shape, order=0, preserve_range=True).astype(np.int32)))
    return made, data is not None


def some_objects(labels: Labels, count: int) -> list[Mask]:
    """Return the masks of some objects."""
    numbers = np.unique(labels[labels > 0])
    return [labels == number for number in numbers[:: max(1, len(numbers) // count)][:count]]


def clicked(peer: Peer, drawn: Mask, count: int) -> tuple[list[float], list[float]]:
    """Return the IoU after each of some clicks, and the seconds that each answer took."""
    clicks = [first_click(drawn)]
    overlaps: list[float] = []
    seconds: list[float] = []
    while len(overlaps) < count:
        begin = time.perf_counter()
        mask = peer.prompt(clicks)
        seconds.append(time.perf_counter() - begin)
        overlaps.append(float(np.count_nonzero(mask & drawn) / np.count_nonzero(mask | drawn)))
        correction = next_click(mask, drawn)
        if correction is None:
            overlaps += overlaps[-1:] * (count - len(overlaps))
        else:
            clicks.append(correction)
    return overlaps, seconds


# ---------------------------------------------------------------- measuring


def measure(name: str, data: Path | None, count: int, side: int, prompts: int) -> dict[str, Any]:
    """Measure one peer in this process."""
    from napari_fastsam.core.judging.metrics import match

    pictures, fair = images(data, count, side)
    begin = time.perf_counter()
    peer = PEERS[name]()
    loading = time.perf_counter() - begin
    peer.everything(pictures[0][0])  # what is imported and prepared once is there
    peer.prompt([Click(5, 5, True)])
    rest = psutil.Process().memory_info().rss
    peak = _Peak()
    all_seconds, one_seconds, overlaps = [], [], []
    matching = None
    for grey, truth in pictures:
        begin = time.perf_counter()
        labels = peer.everything(grey)
        all_seconds.append(time.perf_counter() - begin)
        found = match(labels, truth, [0.5])[0]
        matching = found if matching is None else matching + found
        for drawn in some_objects(truth, prompts):
            ious, seconds = clicked(peer, drawn, CLICKS if peer.knows else 1)
            one_seconds += seconds[:1]
            overlaps.append(ious)
    assert matching is not None
    curve = np.mean(overlaps, axis=0).tolist() if peer.knows and fair else None
    return {
        "name": peer.name, "loading": loading, "all": float(np.median(all_seconds)),
        "one": float(np.median(one_seconds)), "memory": (peak.end() - rest) / 1e6, "process": peak.most / 1e6,
        "ap": matching.average_precision if peer.knows and fair else None,
        "curve": curve, "images": len(pictures), "objects": sum(len(np.unique(t)) - 1 for _, t in pictures),
        "clicked": len(overlaps),
    }  # fmt: skip


class _Peak(threading.Thread):
    """The most memory that this process has."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._over = 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.is_set():
            self.most = max(self.most, psutil.Process().memory_info().rss)
            time.sleep(0.01)

    def end(self) -> int:
        """Return it."""
        self._over.set()
        self.join()
        return self.most


def main() -> None:
    """Measure all, one process each, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--prompts", type=int, default=10)
    parser.add_argument("--only", choices=PEERS, nargs="+", default=list(PEERS))
    parser.add_argument("--plot", type=Path, help="a picture of the IoU after each click")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.in_this_process:
        print(json.dumps(measure(asked.only[0], asked.data, asked.images, asked.side, asked.prompts)))
        return
    heads = ["what", "all objects", "one more click", "memory for it", "AP₅₀", f"IoU after {_listed(TOLD)} clicks"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    rows = [row for name in asked.only if (row := measured(name, asked)) is not None]
    if rows:
        counts = "{images} images with {objects} objects, {clicked} clicked".format_map(rows[-1])
        print(f"\n{counts}, side {asked.side}.\n")
    for what, why in MISSING:
        print(f"- not measured: {what} ({why})")
    if asked.plot is not None:
        write_curves(asked.plot, lambda axes: draw_curves(axes, [row for row in rows if row["curve"]]))


def measured(name: str, asked: argparse.Namespace) -> dict[str, Any] | None:
    """Measure one peer in a process of its own and print its row; None if it failed."""
    options = ["--images", str(asked.images), "--side", str(asked.side), "--prompts", str(asked.prompts)]
    command = [sys.executable, __file__, "--only", name, "--in-this-process", *options]
    command += [] if asked.data is None else ["--data", str(asked.data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        print(f"| {name} | failed: {done.stderr.strip().splitlines()[-1][:200]} | | | | |", flush=True)
        return None
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    ap = "–" if row["ap"] is None else f"{row['ap']:.3f}"
    curve = "–" if row["curve"] is None else _listed([f"{row['curve'][k - 1]:.3f}" for k in TOLD])
    times = f"{1e3 * row['all']:,.0f} ms | {1e3 * row['one']:,.1f} ms | {row['memory']:,.0f} MB"
    print(f"| {row['name']} | {times} | {ap} | {curve} |", flush=True)
    return row


def draw_curves(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    """Draw the IoU after each click, a curve a peer."""
    for row in rows:
        axes.plot(range(1, CLICKS + 1), row["curve"], marker="o", label=row["name"].replace(", bundled model", ""))
    axes.set(xlabel="clicks on an object", ylabel="mean IoU", xticks=range(1, CLICKS + 1), ylim=(0, 1))


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))


if __name__ == "__main__":
    main()
