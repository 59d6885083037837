"""Which class has each object? The classifier beside others, from 1, 3 and 10 examples a class; and what asking saves.

    python benchmarks/classes.py --data FOLDER [--pairs 4] [--draws 6] [--seed 0] [--keep FILE.npz]

FOLDER holds dsb2018 and general. A scene has four quarters of 256 × 256 pixels with objects of two to four kinds, of
images that the bundled model never learnt from; its objects are those of the annotations. Each scene has a second one
of the same kinds from other images, on which nobody gives an example: nuclei of two to three kinds, as they are, 1.6
times as large, or drawn out to 1.8 times their height, where the second image is that with the most similar median
area; and objects of two, three and four kinds from other sources (cells in phase contrast, axons in SEM, nanoparticles
in TEM, metal powder in SEM), each brought to a median diameter of 28 pixels, so that size does not give them away.

Prints tables for docs/classes.md. Accuracy is the mean over classes. A random forest and a nearest mean take the same
descriptions, and a random forest takes region properties and brightness, where scikit-learn is installed. *asked* is
the share of right classes after so many answers beyond one example a class.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from exemplars import SIDE, quarter
from skimage.transform import resize

import napari_fastsam as fs
from napari_fastsam.core.classes.asking import gains
from napari_fastsam.core.classes.classifier import learn
from napari_fastsam.core.objects.measurements import measure
from napari_fastsam.model.asking.describing import describe_labels
from napari_fastsam.model.weights.weights import BUNDLED_FOLDER

COUNTS, ANSWERS = (1, 3, 10), (0, 5, 10, 20)
SETS = ("usiigaci", "axon_sem", "nanoshapes", "ampis")
DIAMETER = 28.0
ZOOMS = {"as they are": (1.0, 1.0), "large": (1.6, 1.6), "drawn out": (1.8, 1.0)}


@dataclass(frozen=True)
class Scene:
    """The objects of a scene: (N, D) descriptions, (N, P) region properties, (N,) kinds from 0."""

    name: str
    kind: str
    vectors: np.ndarray
    properties: np.ndarray
    kinds: np.ndarray


def colour(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., :3]


def nuclei(data: Path, column: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return held-out images of nuclei of one kind with their labels, in the order of their median areas."""
    held_out = set(json.loads((BUNDLED_FOLDER / "nuclei.json").read_text())["validation_images"])
    with (data / "dsb2018" / "index.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["id"] in held_out and row["kind"].startswith(column)]
    pool = []
    for row in rows:
        image = colour(iio.imread(data / "dsb2018" / "images" / f"{row['id']}.png"))
        labels = iio.imread(next((data / "dsb2018" / "labels").glob(f"{row['id']}.*"))).astype(np.int32)
        if min(labels.shape) >= SIDE and labels.max() >= 12:
            pool.append((image, labels))
    return sorted(pool, key=lambda pair: median_area(pair[1]))


def others(data: Path, prefix: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return images of a set of `general`, brought to one median diameter."""
    pool = []
    for path in sorted((data / "general" / "images").glob(f"{prefix}*")):
        image = colour(iio.imread(path))
        labels = iio.imread(data / "general" / "labels" / f"{path.stem}.png").astype(np.int32)
        if np.count_nonzero(np.unique(labels)) < 6:
            continue
        zoom = DIAMETER / np.sqrt(4 / np.pi * median_area(labels))
        shape = tuple(round(side * zoom) for side in labels.shape)
        if min(shape) >= SIDE and max(shape) < 4000:
            image = resize(image, (*shape, 3), preserve_range=True, anti_aliasing=zoom < 1).astype(np.uint8)
            pool.append((image, resize(labels, shape, order=0, preserve_range=True).astype(np.int32)))
        if len(pool) == 6:
            break
    return pool


def median_area(labels: np.ndarray) -> float:
    return float(np.median(np.unique(labels[labels > 0], return_counts=True)[1]))


def composed(model: fs.Model, name: str, parts: list, rng: np.random.Generator) -> Scene:
    """Put together a scene: `parts` has image, labels and zoom of each kind."""
    picture, truth = np.zeros((2 * SIDE, 2 * SIDE, 3), np.uint8), np.zeros((2 * SIDE, 2 * SIDE), np.int32)
    kinds = [-1]
    for place in range(4):
        kind = (0, 1, 1, 0)[place] if len(parts) == 2 else place % len(parts)
        image, labels, zoom = parts[kind]
        for _ in range(20):  # a corner of an image may be empty
            part, cut = quarter(image, labels, rng, zoom)
            if len(np.unique(cut)) > 4:
                break
        names, numbered = np.unique(cut, return_inverse=True)
        numbered = numbered.reshape(cut.shape) - int(names[0] == 0)
        y, x = SIDE * (place // 2), SIDE * (place % 2)
        picture[y : y + SIDE, x : x + SIDE] = part
        truth[y : y + SIDE, x : x + SIDE] = np.where(cut > 0, numbered + len(kinds), 0)
        kinds += [kind] * int((names > 0).sum())
    found = describe_labels(model, picture, truth)
    table = measure(truth, picture)
    place = [column for column in table if column.startswith("centroid") or column in ("label", "y0", "x0", "y1", "x1")]
    properties = table.drop(columns=[*place, "score"], errors="ignore").to_numpy(float)
    return Scene(name, found.kind, found.vectors, np.nan_to_num(properties), np.array(kinds)[found.numbers])


def pairs(model: fs.Model, data: Path, count: int, seed: int) -> Iterator[tuple[Scene, Scene]]:
    """Yield scenes with another of the same kinds from other images."""
    rng = np.random.default_rng(seed)
    for column, stain in (("gray_darkbg", "fluorescence"), ("color", "stained tissue")):
        pool = nuclei(data, column)
        for kinds in (("as they are", "large"), ("as they are", "drawn out"), tuple(ZOOMS)):
            for _ in range(count):
                first = int(rng.integers(len(pool) - 1))
                name = f"nuclei, {stain}: {len(kinds)} kinds, {', '.join(kinds)}"
                parts = [[(*pool[i], ZOOMS[kind]) for kind in kinds] for i in (first, first + 1)]
                yield composed(model, name, parts[0], rng), composed(model, name, parts[1], rng)
    pools = [others(data, prefix) for prefix in SETS]
    for kinds in (2, 3, 4):
        for turn in range(count):
            chosen = [pools[(turn + i) % len(pools)] for i in range(kinds)]
            picks = [rng.choice(len(pool), 2, replace=False) for pool in chosen]
            parts = [[(*pool[pick[i]], (1, 1)) for pool, pick in zip(chosen, picks, strict=True)] for i in (0, 1)]
            name = f"other sources: {kinds} kinds"
            yield composed(model, name, parts[0], rng), composed(model, name, parts[1], rng)


Method = Callable[[Scene, np.ndarray, Scene], tuple[np.ndarray, np.ndarray]]
"""From a scene, rows of examples and another scene to (N, K) probabilities of the objects of both."""


def ours(scene: Scene, examples: np.ndarray, other: Scene) -> tuple[np.ndarray, np.ndarray]:
    known = {int(i): str(scene.kinds[i]) for i in examples}
    learnt = learn(scene.kind, scene.vectors, known)
    return learnt.probabilities, learnt.classifier.probabilities(other.vectors)


def nearest_mean(scene: Scene, examples: np.ndarray, other: Scene) -> tuple[np.ndarray, np.ndarray]:
    mean, scale = scene.vectors.mean(axis=0), scene.vectors.std(axis=0) + 1e-6
    kinds = np.unique(scene.kinds[examples])
    middles = [(scene.vectors[examples[scene.kinds[examples] == k]].mean(axis=0) - mean) / scale for k in kinds]

    def likely(vectors: np.ndarray) -> np.ndarray:
        away = np.linalg.norm(((vectors - mean) / scale)[:, None] - np.array(middles)[None], axis=2)
        close = np.exp(-away / away.mean())
        return close / close.sum(axis=1, keepdims=True)

    return likely(scene.vectors), likely(other.vectors)


def forest(column: str) -> Method:
    def method(scene: Scene, examples: np.ndarray, other: Scene) -> tuple[np.ndarray, np.ndarray]:
        from sklearn.ensemble import RandomForestClassifier

        trees = RandomForestClassifier(100, random_state=0).fit(getattr(scene, column)[examples], scene.kinds[examples])
        return trees.predict_proba(getattr(scene, column)), trees.predict_proba(getattr(other, column))

    return method


def methods() -> dict[str, Method]:
    """Return the methods that can be run here."""
    found: dict[str, Method] = {"**used**": ours, "nearest mean of z-scores": nearest_mean}
    try:
        import sklearn  # noqa: F401
    except ImportError:
        print("scikit-learn is missing: no random forests")
        return found
    return found | {
        "random forest, the same descriptions": forest("vectors"),
        "random forest, region properties": forest("properties"),
    }


def accuracy(probabilities: np.ndarray, kinds: np.ndarray, rows: np.ndarray) -> float:
    """Mean over classes of the share of objects whose class is right."""
    right = probabilities[rows].argmax(axis=1) == kinds[rows]
    return float(np.mean([right[kinds[rows] == kind].mean() for kind in np.unique(kinds[rows])]))


def drawn(scene: Scene, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw examples of each kind; at most two thirds of those that there are."""
    own = [rng.permutation(np.flatnonzero(scene.kinds == kind)) for kind in np.unique(scene.kinds)]
    return np.concatenate([rows[: min(count, max(1, 2 * len(rows) // 3))] for rows in own])


def measured(scenes: list[tuple[Scene, Scene]], method: Method, count: int, options) -> list[tuple[str, float, float]]:
    """Return the name of the scene and the accuracy on the rest of it and on the other, for each draw."""
    found = []
    for number, (scene, other) in enumerate(scenes):
        rng = np.random.default_rng([options.seed, number, count])
        for _ in range(options.draws):
            examples = drawn(scene, count, rng)
            here, there = method(scene, examples, other)
            rest = np.setdiff1d(np.arange(len(scene.kinds)), examples)
            own = accuracy(here, scene.kinds, rest)
            found.append((scene.name, own, accuracy(there, other.kinds, np.arange(len(other.kinds)))))
    return found


def calibration(scenes: list[tuple[Scene, Scene]], method: Method, count: int, options, bins: int = 5) -> list[str]:
    """Return how often an answer is right by how sure it is, on the rest of the scene."""
    sure, right = [], []
    for number, (scene, other) in enumerate(scenes):
        rng = np.random.default_rng([options.seed, number, count])
        for _ in range(options.draws):
            examples = drawn(scene, count, rng)
            here, _ = method(scene, examples, other)
            rest = np.setdiff1d(np.arange(len(scene.kinds)), examples)
            sure.append(here[rest].max(axis=1))
            right.append(here[rest].argmax(axis=1) == scene.kinds[rest])
    sure, right = np.concatenate(sure), np.concatenate(right)
    cells, edges = [], np.array([0, 0.5, 0.7, 0.8, 0.9, 1.01])
    for low, high in pairwise(edges):
        inside = (sure >= low) & (sure < high)
        cells.append(f"{right[inside].mean():.2f} ({inside.mean():.0%})" if inside.any() else "–")
    return cells


def asking(scene: Scene, how: str, rng: np.random.Generator) -> list[float]:
    """Return the accuracy on all objects of a scene after each of `ANSWERS`, those that are known counted as right."""
    known = {int(i): str(scene.kinds[i]) for i in drawn(scene, 1, rng)}
    accuracies = []
    for answer in range(max(ANSWERS) + 1):
        learnt = learn(scene.kind, scene.vectors, known)
        if answer in ANSWERS:
            guessed = learnt.probabilities.argmax(axis=1)
            rest = np.setdiff1d(np.arange(len(scene.kinds)), list(known))
            right = guessed[rest] == scene.kinds[rest]
            accuracies.append(float((right.sum() + len(known)) / len(scene.kinds)))
        worth = {
            "random": lambda: rng.random(len(scene.kinds)),
            "least sure": lambda: 1 - learnt.probabilities.max(axis=1),  # noqa: B023
            "**most taught**": lambda: gains(learnt),  # noqa: B023
        }[how]()
        worth[list(known)] = -1
        best = int(worth.argmax())
        known[best] = str(scene.kinds[best])
    return accuracies


def kept(options: argparse.Namespace) -> list[tuple[Scene, Scene]]:
    """Compose the scenes, or take those that were kept."""
    if options.keep is not None and options.keep.exists():
        with np.load(options.keep) as file:
            parts = [
                Scene(str(file[f"name{i}"]), str(file[f"kind{i}"]), *(file[f"{c}{i}"] for c in ("v", "p", "k")))
                for i in range(int(file["count"]))
            ]
        return list(zip(parts[::2], parts[1::2], strict=True))
    scenes = list(pairs(fs.load_model("nuclei", "cpu"), options.data, options.pairs, options.seed))
    if options.keep is not None:
        flat = [scene for pair in scenes for scene in pair]
        tables = {
            f"{key}{i}": np.array(value)
            for i, s in enumerate(flat)
            for key, value in (
                ("name", s.name),
                ("kind", s.kind),
                ("v", s.vectors),
                ("p", s.properties),
                ("k", s.kinds),
            )
        }
        np.savez(options.keep, count=len(flat), **tables)
    return scenes


def print_table(first: str, columns: list[str], rows: Iterator[tuple[str, list[str]]]) -> None:
    print(f"\n| {first} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, cells in rows:
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Compose, learn, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="Where descriptions are kept for the next time.")
    options = parser.parse_args()
    scenes = kept(options)
    objects = sum(len(s.kinds) for pair in scenes for s in pair)
    print(f"{2 * len(scenes)} scenes, {objects:,} objects")
    heads = [f"{n} example{'s' * (n > 1)}" for n in COUNTS]
    results = {name: [measured(scenes, m, n, options) for n in COUNTS] for name, m in methods().items()}

    def by_method() -> Iterator[tuple[str, list[str]]]:
        for name, found in results.items():
            yield name, [f"{np.mean([r[1] for r in f]):.3f} · {np.mean([r[2] for r in f]):.3f}" for f in found]

    def by_scene() -> Iterator[tuple[str, list[str]]]:
        for scene in dict.fromkeys(pair[0].name for pair in scenes):
            own = [[r for r in f if r[0] == scene] for f in results["**used**"]]
            yield scene, [f"{np.mean([r[1] for r in f]):.3f} · {np.mean([r[2] for r in f]):.3f}" for f in own]

    def by_order() -> Iterator[tuple[str, list[str]]]:
        for how in ("random", "least sure", "**most taught**"):
            found = [
                asking(scene, how, np.random.default_rng([options.seed, number, draw]))
                for number, (scene, _) in enumerate(scenes)
                for draw in range(options.draws)
            ]
            yield how, [f"{value:.3f}" for value in np.mean(found, axis=0)]

    print_table("same image · another image", heads, by_method())
    print_table("used, by scene", heads, by_scene())
    print_table(
        "how sure", ["below 0.5", "to 0.7", "to 0.8", "to 0.9", "above"],
        ((head, calibration(scenes, ours, n, options)) for head, n in zip(heads, COUNTS, strict=True)),
    )  # fmt: skip
    print_table("asked", [f"{n} answers" for n in ANSWERS], by_order())
    vectors = np.random.default_rng(0).standard_normal((1000, scenes[0][0].vectors.shape[1]))
    start = time.perf_counter()
    for _ in range(20):
        learn("", vectors, {i: "abc"[i % 3] for i in range(30)})
    print(f"\n1,000 objects, 30 examples of 3 classes: {(time.perf_counter() - start) / 20 * 1000:.1f} ms")


if __name__ == "__main__":
    main()
