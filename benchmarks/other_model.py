"""Is the right model offered? What the dock decides by, on images that the training of `microscopy` held out.

    python benchmarks/other_model.py --data FOLDER [--every 1]

FOLDER is as in `by_kind.py`. For each image: the mean score of what `nuclei` and `microscopy` find with their own
thresholds, whether the dock would offer `microscopy` (`napari_fastsam.layers.answers.other_models`), and AP50 of both.
At the end how often, by whether the images show nuclei.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from by_kind import Plane, judged

import napari_fastsam as fs
from napari_fastsam.layers.answers.other_models import FIRST_MODEL, OTHER_MODEL, mean_score_of, offers_other
from napari_fastsam.model.judging.validation import evaluate


def seen(model: fs.Model, plane: Plane) -> tuple[float, float]:
    """Return the mean score of what a model finds on a plane, and its AP50."""
    score = mean_score_of(fs.predict(model, plane.image()), model)
    return score, evaluate(model, [plane], prompts=False).summary().pooled.ap50


def main() -> None:
    """Look, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="look only at every so many images")
    arguments = parser.parse_args()
    models = [fs.load_model(name, "cpu") for name in (FIRST_MODEL, OTHER_MODEL)]
    planes = judged(arguments.data, models[1].card.validation_images, arguments.every)
    print(
        f"| image of | {FIRST_MODEL}: score | AP50 | {OTHER_MODEL}: score | AP50 | offered |\n|---|---|---|---|---|---|"
    )
    tally: dict[bool, list[tuple[bool, float]]] = {True: [], False: []}
    for plane in planes:
        (first, ap), (other, other_ap) = (seen(model, plane) for model in models)
        offered = offers_other(first, other)
        tally[plane.group.startswith("nuclei")].append((offered, other_ap - ap))
        row = (plane.group, f"{first:.3f}", f"{ap:.3f}", f"{other:.3f}", f"{other_ap:.3f}", "yes" if offered else "")
        print(f"| {' | '.join(row)} |", flush=True)
    for are_nuclei, rows in tally.items():
        gains = [gain for offered, gain in rows if offered]
        better = sum(gain > 0 for gain in gains)
        what = "nuclei" if are_nuclei else "something else"
        print(f"\n{what}: {len(rows)} images, offered on {len(gains)}, which was right on {better}", end="")
        print(f" (AP50 {sum(gains) / len(gains):+.3f})" if gains else "")


if __name__ == "__main__":
    main()
