"""How a model did, into files: everything as JSON, a row an image as CSV, the AP over IoU as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.core.judging.metrics import THRESHOLDS
from napari_fastsam.core.judging.scores import NAMES, Evaluation, Figures, ImageScore, Summary
from napari_fastsam.io.results.plots import ALL, GROUP, write_curves
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.io.results.tables import number, write_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def as_json(evaluation: Evaluation, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an evaluation as values that JSON knows.

    Parameters
    ----------
    evaluation
        What was measured.
    about
        More that is known, by names of its own: the data, the version, ….

    Returns
    -------
    dict
        ``all`` and each of ``groups`` hold counts, ``pooled`` and ``by_image`` figures (`core.judging.scores`),
        ``click_iou``, ``box_iou`` and ``seconds``; ``images`` a row for each. What is not known is None.
    """
    content = {
        "model": evaluation.model,
        "settings": dict(evaluation.settings),
        **(about or {}),
        "thresholds": list(THRESHOLDS),
        "all": _summary(evaluation.summary()),
        "groups": {group: _summary(evaluation.summary(group)) for group in evaluation.groups},
        "images": [_image(row) for row in evaluation.images],
    }
    known: dict[str, Any] = _known(content)
    return known


def write_json(path: Path, evaluation: Evaluation, about: Mapping[str, Any] | None = None) -> None:
    """Write `as_json` into a file, which is replaced if it exists. Raises OutputError if that cannot be done."""
    text = json.dumps(as_json(evaluation, about), indent=2, allow_nan=False) + "\n"
    write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_rows(path: Path, evaluation: Evaluation) -> None:
    """Write a CSV with a row an image, in their order; a cell is empty where there is no value.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    header = ["image", "group", "objects", "found", *NAMES, "click_iou", "box_iou", "seconds"]
    rows = []
    for row in evaluation.images:
        values = [*row.figures.named().values(), row.mean_click_iou, row.mean_box_iou, row.seconds]
        rows.append([row.name, row.group, row.objects, row.found, *(number(v) for v in values)])
    write_csv(path, header, rows)


def write_plot(path: Path, evaluation: Evaluation) -> None:
    """Draw average precision over IoU, pooled: all images, and each group.

    Parameters
    ----------
    path
        A name that ends in one of `plots.PICTURES`; replaced if it exists.
    evaluation
        What was measured.

    Errors are those of `plots.write_curves`.
    """

    def draw(axes: Axes) -> None:
        for group in (*evaluation.groups, None):
            summary = evaluation.summary(group)
            name = "all" if group is None else group or "no group"
            style = ALL if group is None else GROUP
            label = f"{name} ({summary.images} images): mean {summary.pooled.ap:.3f}"
            axes.plot(THRESHOLDS, summary.pooled.curve, marker="o", markersize=3, label=label, **style)
        axes.set(xlabel="IoU threshold", ylabel="TP / (TP + FP + FN)", ylim=(0, 1), title=evaluation.model)
        axes.set_xticks(THRESHOLDS)

    write_curves(path, draw)


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "images": summary.images,
        "objects": summary.objects,
        "found": summary.found,
        "pooled": _figures(summary.pooled),
        "by_image": _figures(summary.by_image),
        "click_iou": summary.click_iou,
        "box_iou": summary.box_iou,
        "seconds": summary.seconds,
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {**figures.named(), "curve": list(figures.curve)}


def _image(row: ImageScore) -> dict[str, Any]:
    return {
        "name": row.name,
        "group": row.group,
        "objects": row.objects,
        "found": row.found,
        **row.figures.named(),
        "matched": [m.true_positives for m in row.matchings],
        "click_iou": row.mean_click_iou,
        "box_iou": row.mean_box_iou,
        "seconds": row.seconds,
    }


def _known(value: Any) -> Any:
    """Replace what is not a number by None, which JSON has; numpy's numbers by Python's."""
    if isinstance(value, Mapping):
        return {key: _known(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_known(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
