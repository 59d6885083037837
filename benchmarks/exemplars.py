"""Which objects look like the examples? Ways of comparing, on scenes composed of two kinds of nuclei.

    python benchmarks/exemplars.py --data FOLDER [--scenes 6] [--draws 8] [--seed 0] [--share 0.15]

FOLDER is dsb2018 with images/, labels/ and index.csv. Only images that the bundled model held out of training are
used. In each scene two kinds of nuclei lie side by side in the four quarters, of one kind of image: nuclei of another
image, the same nuclei 1.6 times as large, or drawn out to 1.8 times their height. What the network finds, matched to
the labels, is ranked by likeness to 1, 3 and 10 examples drawn at random; a false object is of neither kind. Average
precision is that of the ranking without the examples; chance is about the share of the kind, printed below. With
--share the kind that is looked for is thinned to that share of its scene: a few among many. Prints tables for the
documentation: the methods; the scenes; what is found at the threshold that is used if nobody sets one, with 0, 1 and 3
counter-examples. They are what a person would mark: the wrong objects that are most like the examples. To take them out
of the ranking is no merit of the regression, so the same is printed where it does not hear of them.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from skimage.transform import resize

import napari_fastsam as fs
from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.likeness.likeness import FEATURES, RIDGE, Population, usual_threshold
from napari_fastsam.core.objects.embeddings import embeddings_of
from napari_fastsam.model.weights.weights import BUNDLED_FOLDER

SIDE = 256
COUNTS = (1, 3, 10)


@dataclass(frozen=True)
class Objects:
    """The objects of a scene: (N, D) descriptions, (N,) kinds 0 and 1, -1 = false."""

    scene: str
    vectors: np.ndarray
    kinds: np.ndarray


def quarter(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator, zoom: tuple[float, float]):
    """Cut a quarter of a scene out of an image, enlarged along both axes by `zoom`."""
    shape = tuple(round(side * factor) for side, factor in zip(labels.shape, zoom, strict=True))
    image = resize(image, (*shape, 3), preserve_range=True).astype(np.uint8)
    labels = resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False).astype(np.int32)
    top, left = (int(rng.integers(0, side - SIDE + 1)) for side in shape)
    return image[top : top + SIDE, left : left + SIDE], labels[top : top + SIDE, left : left + SIDE]


def scenes(data: Path, count: int, seed: int) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield name, (Y, X, 3) image, label image and the kind of each label."""
    held_out = set(json.loads((BUNDLED_FOLDER / "nuclei.json").read_text())["validation_images"])
    with (data / "index.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["id"] in held_out]
    rng = np.random.default_rng(seed)
    for kind, column in (("fluorescence", "gray_darkbg"), ("stained tissue", "color")):
        pool = []
        for row in rows:
            if not row["kind"].startswith(column):
                continue
            image = iio.imread(data / "images" / f"{row['id']}.png")[..., :3]
            image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
            labels = iio.imread(next((data / "labels").glob(f"{row['id']}.*"))).astype(np.int32)
            if min(labels.shape) >= SIDE and labels.max() >= 12:
                pool.append((image, labels))
        for which, zoom in (("another image", (1, 1)), ("1.6 x as large", (1.6, 1.6)), ("drawn out", (1.8, 1))):
            for _ in range(count):
                first, other = rng.choice(len(pool), 2, replace=False)
                one = pool[first]
                two = pool[other] if which == "another image" else one
                picture, truth = np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8), np.zeros((2 * SIDE, 2 * SIDE), np.int32)
                kinds = [-1]
                for place in range(4):
                    own = place in (1, 2)
                    part, labels = quarter(*(two if own else one), rng, zoom if own else (1, 1))
                    y, x = SIDE * (place // 2), SIDE * (place % 2)
                    names, numbered = np.unique(labels, return_inverse=True)
                    numbered = numbered.reshape(labels.shape) - int(names[0] == 0)
                    picture[y : y + SIDE, x : x + SIDE] = part
                    truth[y : y + SIDE, x : x + SIDE] = np.where(labels > 0, numbered + len(kinds), 0)
                    kinds += [int(own)] * int((names > 0).sum())
                yield f"{kind}, {which}", picture, truth, np.array(kinds)


def objects(model: fs.Model, data: Path, count: int, seed: int) -> list[Objects]:
    """Return the objects that the network finds in the scenes."""
    found = []
    for scene, picture, truth, kinds in scenes(data, count, seed):
        instances = model.segment(picture)
        vectors = embeddings_of(instances, descriptor_kind(instances), describe_instances)
        own = np.full(len(instances), -1)
        for i in range(len(instances)):
            inside = truth[instances.masks[i].window][instances.masks[i].pixels]
            names, counts = np.unique(inside[inside > 0], return_counts=True)
            if len(names):
                best = names[counts.argmax()]
                union = (truth == best).sum() + instances.masks[i].area - counts.max()
                own[i] = kinds[best] if counts.max() / union > 0.5 else -1
        found.append(Objects(scene, vectors, own))
    return found


def average_precision(relevant: np.ndarray, scores: np.ndarray) -> float:
    """Mean of the precision at each relevant object of the ranking."""
    hits = relevant[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


Method = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def z_scored(vectors: np.ndarray) -> np.ndarray:
    return (vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) + 1e-6)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)


def nearest_cosine(vectors: np.ndarray, examples: np.ndarray, _: np.ndarray) -> np.ndarray:
    return (unit(vectors) @ unit(vectors[examples]).T).max(axis=1)


def nearest_z_cosine(vectors: np.ndarray, examples: np.ndarray, _: np.ndarray) -> np.ndarray:
    return nearest_cosine(z_scored(vectors), examples, _)


def mean_z_cosine(vectors: np.ndarray, examples: np.ndarray, _: np.ndarray) -> np.ndarray:
    scored = z_scored(vectors)
    return unit(scored) @ scored[examples].mean(axis=0)


def nearest_z_distance(vectors: np.ndarray, examples: np.ndarray, _: np.ndarray) -> np.ndarray:
    scored = z_scored(vectors)
    return -np.linalg.norm(scored[:, None] - scored[examples][None], axis=2).min(axis=1)


def lda(shrinkage: float) -> Method:
    def method(vectors: np.ndarray, examples: np.ndarray, _: np.ndarray) -> np.ndarray:
        scored = z_scored(vectors)
        covariance = (1 - shrinkage) * scored.T @ scored / len(scored) + shrinkage * np.eye(scored.shape[1])
        return scored @ np.linalg.solve(covariance, scored[examples].mean(axis=0))

    return method


def used(features: float = FEATURES, ridge: float | None = None) -> Method:
    def method(vectors: np.ndarray, examples: np.ndarray, counter_examples: np.ndarray) -> np.ndarray:
        return Population.of(vectors, features).likeness(vectors[examples], vectors[counter_examples], ridge)

    return method


METHODS: dict[str, Method] = {
    "nearest example, cosine": nearest_cosine,
    "nearest example, cosine of z-scores": nearest_z_cosine,
    "nearest example, distance of z-scores": nearest_z_distance,
    "mean of examples, cosine of z-scores": mean_z_cosine,
    "linear discriminant, shrinkage 0.3": lda(0.3),
    "linear discriminant, shrinkage 0.9": lda(0.9),
    "ridge 0.03, features 0.85": used(0.85, 0.03),
    "ridge 0.3, features 0.85": used(0.85, RIDGE),
    "ridge 3, features 0.85": used(0.85, 3.0),
    "**ridge 3 / examples, at least 0.3, features 0.85**": used(),
    "the same, features 0.5": used(0.5),
    "the same, features 0": used(0.0),
    "the same, features 1": used(1.0),
}


@dataclass(frozen=True)
class Draw:
    """One question: which of (N,) objects are of the kind, and how like the examples. Marked objects are left out."""

    scene: str
    relevant: np.ndarray
    scores: np.ndarray


def measure(
    found: list[Objects], method: Method, count: int, options: argparse.Namespace, against: int = 0, heard: bool = True
):
    """Return what was asked with `count` examples and `against` counter-examples, of which the method may not hear."""
    asked = []
    for number, scene in enumerate(found):
        rng = np.random.default_rng([options.seed, number, count])
        for draw in range(options.draws):
            own, others = np.flatnonzero(scene.kinds == draw % 2), np.flatnonzero(scene.kinds != draw % 2)
            if options.share is not None:
                least = round(options.share / (1 - options.share) * len(others))
                own = rng.permutation(own)[: max(count + 3, least)]
            if len(own) < count + 3 or len(others) < against + 3:
                continue
            there = np.sort(np.concatenate([own, others]))
            vectors, relevant = scene.vectors[there], np.isin(there, own)
            examples, none = np.searchsorted(there, rng.choice(own, count, replace=False)), np.zeros(0, int)
            scores = method(vectors, examples, none)
            wrong = np.flatnonzero(~relevant)
            counter_examples = wrong[np.argsort(-scores[wrong], kind="stable")[:against]]
            if against and heard:
                scores = method(vectors, examples, counter_examples)
            rest = np.setdiff1d(np.arange(len(there)), np.concatenate([examples, counter_examples]))
            asked.append(Draw(scene.scene, relevant[rest], scores[rest]))
    return asked


def mean_precision(asked: list[Draw]) -> str:
    return f"{np.mean([average_precision(a.relevant, a.scores) for a in asked]):.3f}" if asked else "–"


def print_table(first: str, rows: Iterator[tuple[str, list[str]]]) -> None:
    print(f"\n| {first} | 1 example | 3 examples | 10 examples |\n|---|---|---|---|")
    for name, cells in rows:
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Compose, find, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float)
    options = parser.parse_args()
    found = objects(fs.load_model("nuclei", "cpu"), options.data, options.scenes, options.seed)
    share = np.mean([np.mean(o.kinds == kind) for o in found for kind in (0, 1)])
    chance = share if options.share is None else options.share
    print(f"{len(found)} scenes, {sum(len(o.kinds) for o in found)} objects; chance is about {chance:.2f}")

    def methods() -> Iterator[tuple[str, list[str]]]:
        for name, method in METHODS.items():
            yield name, [mean_precision(measure(found, method, count, options)) for count in COUNTS]

    def by_scene() -> Iterator[tuple[str, list[str]]]:
        asked = [measure(found, used(), count, options) for count in COUNTS]
        for scene in dict.fromkeys(o.scene for o in found):
            yield scene, [mean_precision([a for a in some if a.scene == scene]) for some in asked]

    def at_threshold() -> Iterator[tuple[str, list[str]]]:
        for against, heard in ((0, True), (1, False), (1, True), (3, False), (3, True)):
            asked = [measure(found, used(), count, options, against, heard) for count in COUNTS]
            name = f"{against}{'' if heard else ', taken out alone'}"
            yield f"{name}: average precision", [mean_precision(some) for some in asked]
            cells = []
            for count, some in zip(COUNTS, asked, strict=True):
                taken = [a.scores >= usual_threshold(count) for a in some]
                hits = np.array([np.count_nonzero(t & a.relevant) for t, a in zip(taken, some, strict=True)])
                precision = np.mean(hits / np.maximum([t.sum() for t in taken], 1))
                cells.append(f"{precision:.2f} / {np.mean(hits / [a.relevant.sum() for a in some]):.2f}")
            yield f"{name}: precision / recall", cells

    print_table("compared by", methods())
    print_table("scenes", by_scene())
    print_table("counter-examples", at_threshold())


if __name__ == "__main__":
    main()
