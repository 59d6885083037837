"""How are objects best cut out for questions in words?

    python benchmarks/text_crops.py [--clip tests/data/clip/small_clip.pt] [--scenes 40]

Renders scenes that the small CLIP has not seen (`rendered`), with masks that are slightly wrong, as a network's are.
Cuts every shape out in each way, and asks for each kind that is there ("a red circle"), each colour and each form.
Prints the mean average precision of the ranking, and how often a shape is told from the other fourteen kinds.

What this can tell: how much is lost with the pixels around an object, with its context and with its ends. What it
cannot: what the real CLIP, which learned from photographs, thinks of black, white or blurred surroundings.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rendered import BACKGROUNDS, COLOURS, FORMS, KINDS, Scene, Shape, render, roughened

import napari_fastsam as fs
from napari_fastsam.core.likeness.text import TextEncoder, text_similarities
from napari_fastsam.core.objects.cutouts import Cutting
from napari_fastsam.core.objects.instances import Instances

BACKGROUND_OPTIONS = ("keep", "black", "white", "grey", "blur")
CONTEXTS = (0.0, 0.1, 0.25, 0.5)
NAMES = [f"a {colour} {form}" for colour, form in KINDS]
TEXTS = [*NAMES, *COLOURS, *FORMS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parent.parent / "tests" / "data" / "clip" / "small_clip.pt"
    parser.add_argument("--clip", type=Path, default=default)
    parser.add_argument("--scenes", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = fs.load_text_encoder(options.clip, device="cpu")
    cases = list(scenes(options.scenes))
    print(f"{options.scenes} scenes, {sum(len(shapes) for _, shapes in cases)} shapes\n")
    print("| background | context | square: precision | told right | as the box is: precision | told right |")
    print("|---|---|---|---|---|---|")
    for background in BACKGROUND_OPTIONS:
        for context in CONTEXTS:
            figures = [score(cases, encoder, Cutting(background, context, square)) for square in (True, False)]
            cells = [f"{value:.3f}" for pair in figures for value in pair]
            print(f"| {background} | {context:g} | {' | '.join(cells)} |", flush=True)


def scenes(count: int) -> Iterator[tuple[Instances, tuple[Shape, ...]]]:
    """Scenes on every background, half of them crowded; their shapes with masks that are slightly wrong."""
    for number in range(count):
        scene: Scene = render(
            5_000 + number,
            sizes=(14, 26) if number % 4 < 2 else (28, 44),
            background=list(BACKGROUNDS)[number % len(BACKGROUNDS)],
            gap=(0.0, 0.5)[number % 2],
        )
        shape = scene.picture.shape[0], scene.picture.shape[1]
        masks = [roughened(s.crop, 1000 * number + i, shape) for i, s in enumerate(scene.shapes)]
        yield scene.instances_of(masks), scene.shapes


def score(
    cases: list[tuple[Instances, tuple[Shape, ...]]], encoder: TextEncoder, cutting: Cutting
) -> tuple[float, float]:
    """Return mean average precision over queries, and the share of shapes whose own name is the likest of fifteen."""
    precisions, right = [], []
    for instances, shapes in cases:
        similarities = text_similarities(instances, TEXTS, encoder, cutting)
        for text, row in zip(TEXTS, similarities, strict=True):
            fits = np.array([shape.fits(text) for shape in shapes])
            if fits.any():
                precisions.append(average_precision(row, fits))
        best = similarities[: len(NAMES)].argmax(axis=0)
        right += [NAMES[i] == f"a {shape.name}" for i, shape in zip(best, shapes, strict=True)]
    return float(np.mean(precisions)), float(np.mean(right))


def average_precision(scores: NDArray[np.float32], fits: NDArray[np.bool_]) -> float:
    """Precision at the place of each object that fits, averaged."""
    ranked = fits[np.argsort(-scores, kind="stable")]
    places = np.flatnonzero(ranked)
    return float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))


if __name__ == "__main__":
    main()
