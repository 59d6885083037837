"""What a Labels layer keeps of its review: the answers as a column, and what the estimate needs as plain values."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.review.order import Progress
from napari_fastsam.layers.labels.features import indexed

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels

COLUMN = "review"
"""What was answered about an object: "right", "wrong", "corrected", or "" for nothing yet."""

RIGHT, WRONG, CORRECTED = "right", "wrong", "corrected"

RECORD_KEY = "napari-fastsam review"
"""Where a Labels layer's metadata keep the record, as `ReviewRecord.to_json` has it."""

_VERSION = 1
_STEPS = 255
"""A doubt is kept as a byte."""


@dataclass(frozen=True, eq=False)
class ReviewRecord:
    """What was fixed when a review began, and how far it has come.

    Attributes
    ----------
    seed
        Of the random order.
    labels, doubts
        (N,) the objects that there were, in ascending order, and how doubtful each was, 0 … 1 in steps of a 255th.
    progress
        How far it has come.
    gone
        What was answered about objects that are no more.
    """

    seed: int
    labels: NDArray[np.int64]
    doubts: NDArray[np.float64]
    progress: Progress = field(default_factory=Progress)
    gone: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, labels: NDArray[np.integer], doubts: NDArray[np.float64], seed: int) -> ReviewRecord:
        """Begin a review of all objects that there are."""
        return cls(seed, labels.astype(np.int64), np.rint(doubts * _STEPS) / _STEPS)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values that JSON holds: labels as first and last of each row of numbers."""
        breaks = np.flatnonzero(np.diff(self.labels) != 1)
        firsts = self.labels[np.concatenate([[0], breaks + 1])] if len(self.labels) else self.labels
        lasts = self.labels[np.concatenate([breaks, [len(self.labels) - 1]])] if len(self.labels) else self.labels
        doubts = np.rint(self.doubts * _STEPS).astype(np.uint8)
        return {
            "version": _VERSION,
            "seed": self.seed,
            "labels": np.stack([firsts, lasts], axis=1).tolist(),
            "doubts": base64.b64encode(doubts.tobytes()).decode("ascii"),
            "by_doubt": self.progress.by_doubt,
            "at_random": self.progress.at_random,
            "answers": self.progress.answers,
            "gone": {str(label): answer for label, answer in self.gone.items()},
        }

    @classmethod
    def from_json(cls, values: Any) -> ReviewRecord | None:
        """Return a record from `to_json`; None if it is damaged, or from a later version."""
        try:
            if values["version"] != _VERSION:
                return None
            ranges = [np.arange(int(first), int(last) + 1) for first, last in values["labels"]]
            labels = np.concatenate([np.empty(0, np.int64), *ranges]).astype(np.int64)
            doubts = np.frombuffer(base64.b64decode(values["doubts"], validate=True), np.uint8) / _STEPS
            progress = Progress(*(int(values[name]) for name in ("by_doubt", "at_random", "answers")))
            gone = {int(label): str(answer) for label, answer in values["gone"].items()}
            record = cls(int(values["seed"]), labels, doubts, progress, gone)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            return None
        return record if len(doubts) == len(labels) else None


def record_of(layer: Labels) -> ReviewRecord | None:
    """Return the record that a layer keeps; None if it keeps none that can be read."""
    values = layer.metadata.get(RECORD_KEY)
    return None if values is None else ReviewRecord.from_json(values)


def keep_record(layer: Labels, record: ReviewRecord | None) -> None:
    """Keep a record with a layer; None = keep none."""
    metadata = {key: value for key, value in layer.metadata.items() if key != RECORD_KEY}
    layer.metadata = metadata if record is None else {**metadata, RECORD_KEY: record.to_json()}


def answers_of(layer: Labels) -> dict[int, str]:
    """Return what was answered about each label that has an answer."""
    if COLUMN not in layer.features:
        return {}
    table = indexed(layer)
    rows = zip(table["index"].tolist(), table[COLUMN].tolist(), strict=True)
    return {int(label): str(answer) for label, answer in rows if answer in (RIGHT, WRONG, CORRECTED)}


def keep_answer(layer: Labels, label: int, answer: str) -> None:
    """Write an answer about a label into the features; other rows and columns stay."""
    import pandas as pd  # here, and the dock opens without it

    table = indexed(layer).reset_index(drop=True)
    if COLUMN not in table:
        table[COLUMN] = ""
    rows = np.flatnonzero(table["index"].to_numpy() == label)
    if len(rows):
        column = table[COLUMN].astype(object)
        column = column.where(column.notna(), "")
        column.iloc[rows] = answer
        table[COLUMN] = column
    else:
        row = pd.DataFrame({"index": [label], COLUMN: [answer]})
        table = row if not len(table) else _appended(table, row)
    layer.features = table


def forget_answers(layer: Labels) -> None:
    """Keep no answer and no record any more."""
    if COLUMN in layer.features:
        layer.features = indexed(layer).drop(columns=COLUMN)
    keep_record(layer, None)


def with_gone(record: ReviewRecord, label: int, answer: str) -> ReviewRecord:
    """Return a record that knows what was answered about an object that is no more."""
    return replace(record, gone={**record.gone, label: answer})


def _appended(table: pd.DataFrame, row: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a row more; where the row says nothing, texts stay texts."""
    import pandas as pd  # here, and the dock opens without it

    new = {
        name: row[name].to_list() if name in row else ["" if table[name].dtype == object else np.nan]
        for name in table.columns
    }
    return pd.concat([table, pd.DataFrame(new)], ignore_index=True)
