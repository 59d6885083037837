"""What the dock *Compare* says, and what it says to do next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_fastsam.core.judging.comparison import Kind
from napari_fastsam.layers.comparison.compare import COLOURS
from napari_fastsam.widgets.common.text import counted

if TYPE_CHECKING:
    from napari_fastsam.core.judging.metrics import Matching
    from napari_fastsam.layers.comparison.compare import Compared

NO_LABELS = (
    "No Labels layer yet. Open a segmentation and its ground truth as label images (File ▸ Open), or segment an image "
    "with the dock FastSAM."
)
ONE_MISSING = (
    "Choose the segmentation and its ground truth above. There has to be a Labels layer for each: open the missing one "
    "(File ▸ Open; an image becomes labels with right-click ▸ Convert to Labels), or draw it."
)
SAME_TWICE = "The same layer is chosen twice: choose the ground truth that it is to be compared with."
CANCELLED = "Cancelled. “Compare again” starts it again."
NOTHING_TO_SAVE = "Nothing to save yet: there is no comparison."
UNKNOWN = "–"

DEFINITIONS = (
    "At an IoU threshold, true and predicted objects are matched one to one. AP = hits / (hits + missed + false); its "
    "mean is over IoU 0.5, 0.55 … 0.95. F1 = 2 hits / (2 hits + missed + false). Matched IoU is the mean IoU of the "
    "hits. The last two are at the threshold chosen."
)


def summary(compared: Compared, threshold: float) -> str:
    """Say what was compared, and what is remarkable about it."""
    matching = compared.matching(threshold)
    true = matching.true_positives + matching.false_negatives
    predicted = matching.true_positives + matching.false_positives
    count = len(compared.parts)
    where = f" on {count} planes" if count > 1 else ""
    if not true and not predicted:
        text = f"Neither layer has an object{where or ' here'}: nothing to compare."
    elif not true:
        text = f"The ground truth has no objects{where or ' here'}: {counted(predicted)}, all false."
    elif not predicted:
        text = f"The segmentation has no objects{where or ' here'}: {counted(true)}, all missed."
    else:
        text = f"{counted(true)} in the ground truth, {predicted} in the segmentation{where}."
    if compared.alignment.resampled:
        text += " The ground truth has pixels of another size: each pixel takes the value of the nearest."
    return text


def numbers(matchings: Sequence[Matching], chosen: Matching) -> str:
    """Return the numbers as rich text.

    Parameters
    ----------
    matchings
        At IoU 0.5, 0.55 … 0.95.
    chosen
        At the threshold that the person chose.
    """
    by_iou = {m.threshold: m.average_precision for m in matchings}
    mean = sum(by_iou.values()) / len(by_iou)
    at = f"{chosen.threshold:.2f}"
    cells = [
        ("AP 0.5", by_iou[0.5]),
        ("AP 0.75", by_iou[0.75]),
        ("AP 0.5…0.95", mean),
        (f"F1 at {at}", chosen.f1),
        (f"IoU at {at}", chosen.mean_matched_iou),
    ]
    names = "".join(f'<td style="font-size:small">{name}</td>' for name, _ in cells)
    values = "".join(f"<td><b>{_figure(value)}</b></td>" for _, value in cells)
    table = f'<table width="100%" cellspacing="0"><tr>{names}</tr><tr>{values}</tr></table>'
    return f"{table}<p style='margin-top:4px; margin-bottom:0px'>{_legend(chosen)}</p>"


def saved(numbers_file: str, objects_file: str) -> str:
    """Say which files were written."""
    return f"Saved {numbers_file} (a row a threshold) and {objects_file} (a row an object)."


def _legend(chosen: Matching) -> str:
    """Return the counts with the colours that the layer has."""
    counts = {
        Kind.HIT: (chosen.true_positives, "hits" if chosen.true_positives != 1 else "hit"),
        Kind.MISSED: (chosen.false_negatives, "missed"),
        Kind.FALSE: (chosen.false_positives, "false"),
    }
    return "&nbsp;&nbsp; ".join(
        f'<span style="color:{COLOURS[kind]}">■</span> {count}&nbsp;{name}' for kind, (count, name) in counts.items()
    )


def _figure(value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{value:.3f}"
