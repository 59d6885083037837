"""The numbers of a comparison into CSV files: one of thresholds, one of objects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fastsam.io.results.tables import number, write_csv

if TYPE_CHECKING:
    from napari_fastsam.core.judging.comparison import MatchTable
    from napari_fastsam.core.judging.metrics import Matching


def write_numbers(path: Path, matchings: Sequence[Matching]) -> None:
    """Write a row a threshold: counts, average precision, F1 and mean IoU of what matched.

    Parameters
    ----------
    path
        Replaced if it exists.
    matchings
        In the order of the rows.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    header = ("iou", "hits", "missed", "false", "ap", "f1", "mean_matched_iou")
    counts = [(m.threshold, m.true_positives, m.false_negatives, m.false_positives) for m in matchings]
    figures = [[number(v) for v in (m.average_precision, m.f1, m.mean_matched_iou)] for m in matchings]
    write_csv(path, header, [[*c, *f] for c, f in zip(counts, figures, strict=True)])


def write_objects(path: Path, found: MatchTable, names: Sequence[str], axis_labels: Sequence[str]) -> None:
    """Write a row an object, with what it is, its labels, IoU, area, centroid and box.

    Parameters
    ----------
    path
        Replaced if it exists.
    found
        The objects.
    names
        What the kinds are called, from `Kind.HIT` on.
    axis_labels
        The axes that centroids and boxes have, for the header.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    header = ["kind", "true_label", "predicted_label", "iou", "area"]
    header += [f"{what}_{axis}" for what in ("centroid", "first", "stop") for axis in axis_labels]
    columns = zip(
        found.kind, found.truth, found.predicted, found.iou, found.area, found.centroid, found.box, strict=True
    )
    rows = (
        [names[kind - 1], truth, predicted, number(iou), area, *(number(c) for c in centroid), *box]
        for kind, truth, predicted, iou, area, centroid, box in columns
    )
    write_csv(path, header, rows)


def objects_beside(path: Path) -> Path:
    """Return the file of objects that goes with a file of numbers: ``x.csv`` and ``x_objects.csv``."""
    return path.with_name(f"{path.stem}_objects{path.suffix}")
