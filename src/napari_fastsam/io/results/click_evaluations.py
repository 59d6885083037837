"""How many clicks objects take, into files: all as JSON, a row an object as CSV, IoU over clicks as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.core.judging.click_scores import ROUNDS, ClickEvaluation, ClickSummary
from napari_fastsam.io.results.plots import ALL, GROUP, write_curves
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.io.results.tables import number, write_csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def clicks_as_json(evaluation: ClickEvaluation, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an evaluation as values that JSON knows.

    Parameters
    ----------
    evaluation
        What was measured.
    about
        More that is known, by names of its own.

    Returns
    -------
    dict
        ``all``, ``mean_over_kinds`` and each of ``kinds`` hold ``iou`` (by number of clicks), ``noc`` and ``never`` (by
        IoU to reach), ``msa`` (by rounds) and counts; ``objects`` a row for each. What is not known is None.
    """
    return {
        "model": evaluation.model,
        "corrector": evaluation.corrector,
        "start": evaluation.start,
        "clicks": evaluation.limit,
        **(about or {}),
        "seconds_a_click": _known(evaluation.seconds),
        "all": _summary(evaluation.summary(), evaluation),
        "mean_over_kinds": _summary(evaluation.by_group(), evaluation),
        "kinds": {group: _summary(evaluation.summary(group), evaluation) for group in evaluation.groups},
        "objects": [
            {
                "image": row.image, "kind": row.group, "label": row.label, "area": row.area, "proposed": row.proposed,
                "iou": [round(value, 4) for value in row.ious], "rounds": [_known(value) for value in row.rounds],
            }
            for row in evaluation.objects
        ],
    }  # fmt: skip


def write_clicks_json(path: Path, evaluation: ClickEvaluation, about: Mapping[str, Any] | None = None) -> None:
    """Write `clicks_as_json` into a file, which is replaced if it exists. Raises OutputError if that fails."""
    text = json.dumps(clicks_as_json(evaluation, about), indent=2, allow_nan=False) + "\n"
    write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_clicks_csv(path: Path, evaluation: ClickEvaluation) -> None:
    """Write a CSV with a row an object: where it is, and its IoU after each click. Raises OutputError if that fails."""
    steps = [f"iou_{k}" for k in range(1, evaluation.limit + 1)]
    rounds = [f"rounds_{k}" for k in ROUNDS]
    rows = [
        [row.image, row.group, row.label, row.area, int(row.proposed), *map(number, row.ious), *map(number, row.rounds)]
        for row in evaluation.objects
    ]
    write_csv(path, ["image", "kind", "label", "area", "proposed", *steps, *rounds], rows)


def write_clicks_plot(path: Path, evaluation: ClickEvaluation) -> None:
    """Draw the mean IoU over the number of clicks: all objects, and each kind.

    Raises
    ------
    ParameterError
        If the name does not end in one of `plots.PICTURES`.
    OutputError
        If the file cannot be written.
    """

    def draw(axes: Axes) -> None:
        clicks = range(1, evaluation.limit + 1)
        for group in (*evaluation.groups, None):
            summary = evaluation.summary(group)
            name = "all" if group is None else group or "no kind"
            style = ALL if group is None else GROUP
            noc = summary.clicks_to[0.90]
            axes.plot(clicks, summary.curve, marker="o", markersize=3, label=f"{name}: NoC@90 {noc:.1f}", **style)
        axes.set(
            xlabel="clicks", ylabel="mean IoU", ylim=(0, 1), title=f"{evaluation.corrector}, from {evaluation.start}"
        )
        axes.set_xticks(evaluation.counts)

    write_curves(path, draw)


def _summary(summary: ClickSummary, evaluation: ClickEvaluation) -> dict[str, Any]:
    return {
        "objects": summary.objects,
        "proposed": summary.proposed,
        "iou": {str(k): _known(summary.after(k)) for k in evaluation.counts},
        "curve": [_known(value) for value in summary.curve],
        "noc": {f"{round(100 * target)}": _known(value) for target, value in summary.clicks_to.items()},
        "never": {f"{round(100 * target)}": _known(value) for target, value in summary.never.items()},
        "msa": {str(k): _known(value) for k, value in zip(ROUNDS, summary.accuracy, strict=True)},
    }


def _known(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
