"""Which objects does a text mean? Ways of splitting similarities in two, on rendered scenes with the small CLIP.

    python benchmarks/text_threshold.py [--scenes 40]

Prints the mean F1 of the objects above the threshold, for queries that name one to all of a scene's shapes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rendered
from skimage.filters import threshold_otsu

import napari_fastsam as fs
from napari_fastsam.core.likeness.search import split
from napari_fastsam.core.likeness.text import text_similarities

CLIP = Path(__file__).parent.parent / "tests" / "data" / "clip" / "small_clip.pt"


def otsu(values: np.ndarray) -> float:
    return float(threshold_otsu(values.astype(float)))


def largest_gap(values: np.ndarray) -> float:
    ordered = np.sort(values)
    return float(ordered[np.diff(ordered).argmax() + 1])


def mean(values: np.ndarray) -> float:
    return float(values.mean())


METHODS: dict[str, Callable[[np.ndarray], float]] = {
    "the mean": mean, "Otsu": otsu, "the largest gap": largest_gap, "least error (used)": split,
}  # fmt: skip


def main() -> None:
    """Render, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=40)
    count = parser.parse_args().scenes
    encoder = fs.load_text_encoder(CLIP, "cpu")
    found: dict[str, list[float]] = {name: [] for name in METHODS}
    for seed in range(count):
        scene = rendered.render(seed)
        texts = [*(f"{c} {f}" for c, f in rendered.KINDS), *rendered.COLOURS, *rendered.FORMS]
        similarities = text_similarities(scene.instances, texts, encoder)
        for text, values in zip(texts, similarities, strict=True):
            wanted = np.array([shape.fits(text) for shape in scene.shapes])
            if not wanted.any():
                continue
            for name, method in METHODS.items():
                above = values >= method(values)
                found[name].append(2 * (above & wanted).sum() / (above.sum() + wanted.sum()))
    print("| split by | mean F1 | F1 = 1 |\n|---|---|---|")
    for name, values in found.items():
        print(f"| {name} | {np.mean(values):.3f} | {np.mean(np.array(values) == 1):.2f} |")


if __name__ == "__main__":
    main()
