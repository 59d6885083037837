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
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import psutil
import skimage
from numpy.typing import NDArray
from scipy import ndimage

from napari_fastsam.core.correcting.simulated_user import Click, first_click, next_click
from napari_fastsam.io.results.plots import write_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests" / "data" / "dsb2018"

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]

CLICKS = 5
"""At most on one object."""

TOLD = (1, 3, 5)
"""Clicks after which the table has the IoU."""


class Peer(ABC):
    """A way from an image to its objects.

    Attributes
    ----------
    name
        For the table.
    knows
        Whether it has weights, or needs none: then its objects count.
    """

    name: ClassVar[str]
    knows: ClassVar[bool] = True

    @abstractmethod
    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        """Return all objects of an image that it has not seen."""

    @abstractmethod
    def prompt(self, clicks: Sequence[Click]) -> Mask:
        """Return the object of some clicks on that image; the first is a positive one."""


class Ours(Peer):
    """This program."""

    name = "napari-fastsam, bundled model"

    def __init__(self) -> None:
        import napari_fastsam as fs

        self.fs, self.model = fs, fs.load_model("nuclei", device="cpu")

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        self.prediction = self.fs.predict(self.model, grey)
        from napari_fastsam.model.asking.thresholds import Thresholds

        return self.prediction.everything(Thresholds(*self.model.thresholds())).to_labels()

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        points, labels = [(c.row, c.column) for c in clicks], [int(c.positive) for c in clicks]
        prompts = self.fs.Prompts(points=points, point_labels=labels, point_objects=[1] * len(clicks))
        (selection,) = self.prediction.select(prompts)
        return np.zeros(self.prediction.shape, bool) if selection.mask is None else selection.mask


class _Ultralytics(Peer):
    retina: ClassVar[bool]

    def __init__(self) -> None:
        from ultralytics.models.fastsam import FastSAMPredictor

        from napari_fastsam.model.weights.weights import card_for, find

        path, card = find("nuclei"), card_for(find("nuclei"))
        self.predictor = FastSAMPredictor(
            overrides={
                "model": str(path), "conf": card.conf or 0.4, "iou": card.iou or 0.7, "max_det": 3000,
                "retina_masks": self.retina, "device": "cpu", "verbose": False, "save": False, "mode": "predict",
                "task": "segment",
            }
        )  # fmt: skip

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        self.shape = grey.shape
        self.predictor.args.imgsz = max(grey.shape)
        self.results = self.predictor(np.repeat(grey[..., None], 3, axis=2))
        return _painted(self._masks(self.results[0]), self.shape)

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        points, labels = [[c.column, c.row] for c in clicks], [int(c.positive) for c in clicks]
        masks = self._masks(self.predictor.prompt(self.results, points=points, labels=labels)[0])
        # of several masks at one click the surest; several clicks mean all that is left, as in FastSAM's own program
        chosen = masks[:1] if len(clicks) == 1 else masks
        return np.any(chosen, axis=0) if chosen else np.zeros(self.shape, bool)

    def _masks(self, result: Any) -> list[Mask]:
        if result.masks is None:
            return []
        masks = [np.asarray(mask, np.uint8) for mask in result.masks.data.numpy()]
        return [_scaled(mask, self.shape) for mask in masks]


class Retina(_Ultralytics):
    """ultralytics, masks at full size."""

    name, retina = "ultralytics FastSAM, retina masks, bundled weights", True


class NotRetina(_Ultralytics):
    """ultralytics, masks at the network's size."""

    name, retina = "ultralytics FastSAM, no retina masks, bundled weights", False


class _Sam(Peer):
    """64 points of the 32 × 32 grid of SAM's automatic masks, three masks each; all of them take minutes here."""

    knows = False
    build: ClassVar[str]

    def __init__(self) -> None:
        import torch
        from ultralytics.models.sam import build

        self.torch, self.network = torch, getattr(build, self.build)().eval()

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        torch = self.torch
        self.shape = grey.shape
        picture = skimage.transform.resize(grey, (1024, 1024), preserve_range=True).astype(np.float32)
        with torch.inference_mode():
            batch = torch.from_numpy(np.repeat(picture[None, None], 3, axis=1))
            self.embedding = self.network.image_encoder(batch)
            self._decode((np.stack(np.meshgrid(*[np.arange(8)] * 2), -1).reshape(-1, 2) + 0.5) * 128)
        return np.zeros(self.shape, np.int32)

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        with self.torch.inference_mode():
            logits = self._decode(np.array([[clicks[0].column, clicks[0].row]]) * 1024 / max(self.shape))
            mask = self.torch.nn.functional.interpolate(logits[:, :1], self.shape)[0, 0] > 0
        return np.asarray(mask, bool)

    def _decode(self, points_xy: NDArray[np.float64]) -> Any:
        torch = self.torch
        points = torch.from_numpy(points_xy.astype(np.float32))[:, None]
        sparse, dense = self.network.prompt_encoder(
            points=(points, torch.ones(points.shape[:2], dtype=torch.int32)), boxes=None, masks=None
        )
        logits, _ = self.network.mask_decoder(
            image_embeddings=self.embedding, image_pe=self.network.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=True,
        )  # fmt: skip
        return logits


class Sam(_Sam):
    """SAM with its smallest encoder."""

    name, build = "SAM ViT-B (ultralytics), random weights, 64 of 1024 points", "build_sam_vit_b"


class MobileSam(_Sam):
    """MobileSAM."""

    name, build = "MobileSAM (ultralytics), random weights, 64 of 1024 points", "build_mobile_sam"


class Watershed(Peer):
    """Otsu's threshold, and watershed of the distance to the edge."""

    name = "Otsu + watershed (scikit-image)"

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        smooth = skimage.filters.gaussian(grey, 1, preserve_range=True)
        self.inside = smooth > skimage.filters.threshold_otsu(smooth)
        self.depth = depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(self.inside), 1)
        pieces, _ = ndimage.label(self.inside)
        peaks = skimage.feature.peak_local_max(depth, min_distance=7, labels=pieces)
        self.seeds = np.zeros(grey.shape, np.int32)
        self.seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        self.labels = skimage.segmentation.watershed(-depth, self.seeds, mask=self.inside).astype(np.int32)
        return self.labels

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        asked = {int(self.labels[c.row, c.column]) for c in clicks if c.positive}  # of a segment nothing can be cut
        return np.isin(self.labels, list(asked - {0}))


class RandomWalker(Peer):
    """Random walks from the same seeds, one object each, and from background."""

    name = "random walker (scikit-image), seeds by Otsu and distance"

    def everything(self, grey: NDArray[np.uint8]) -> Labels:
        watershed = Watershed()
        watershed.everything(grey)
        self.grey, self.outside = grey, ~ndimage.binary_dilation(watershed.inside, iterations=3)
        deepest = np.append(
            0.0, ndimage.maximum(watershed.depth, watershed.labels, range(1, watershed.labels.max() + 1))
        )
        seeds = np.where(
            watershed.depth > deepest[watershed.labels] / 2, watershed.labels, 0
        )  # one pixel is outweighed
        count = int(seeds.max())
        seeds[self.outside] = count + 1
        if count == 0 or not self.outside.any():
            return np.zeros(grey.shape, np.int32)
        walked = skimage.segmentation.random_walker(grey / 255, seeds, beta=300, mode="cg_j", tol=1e-2)
        return np.where(walked == count + 1, 0, walked).astype(np.int32)

    def prompt(self, clicks: Sequence[Click]) -> Mask:
        seeds = np.where(self.outside, 2, 0)
        for c in clicks:
            reach = 3 if c.positive else 1
            around = [slice(max(at - reach, 0), at + reach + 1) for at in (c.row, c.column)]
            seeds[tuple(around)] = 1 if c.positive else 2
        return skimage.segmentation.random_walker(self.grey / 255, seeds, beta=300, mode="cg_j", tol=1e-2) == 1


PEERS: dict[str, type[Peer]] = {
    peer.__name__: peer for peer in (Ours, Retina, NotRetina, Watershed, RandomWalker, MobileSam, Sam)
}

MISSING = (
    ("AP and clicks of SAM, SAM 2 and MobileSAM", "their weights are not in a package registry"),
    ("micro-sam, Cellpose, StarDist, nnInteractive", "without their weights nothing is found, and they are fetched"),
)
"""What is not measured, and why."""


def _painted(masks: list[Mask], shape: tuple[int, ...]) -> Labels:
    """Paint the best last, as they come best first."""
    labels = np.zeros(shape, np.int32)
    for number in range(len(masks), 0, -1):
        labels[masks[number - 1]] = number
    return labels


def _scaled(mask: NDArray[np.uint8], shape: tuple[int, ...]) -> Mask:
    """Bring a mask of the network's size to that of the image."""
    if mask.shape == shape:
        return mask.astype(bool)
    return skimage.transform.resize(mask, shape, order=0, preserve_range=True).astype(bool)


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
