"""The table of objects that were searched for, the most similar first; choosing a row says so."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.prompts.selection import QueryResult
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.prompts.places import named
from napari_fastsam.widgets.common.table import Cell, Rows

COLUMNS: Mapping[str, str] = {
    "like": "What the object was compared with.",
    "score": "0 to 1. To a text: from the least to the most similar object here. To examples: 0 is the average object.",
    "label": "The object's number in the preview; – if it is not similar enough, or another question has it.",
    "confidence": "How sure the network is that this is an object.",
    "area": "Pixels of the object.",
}


@dataclass(frozen=True, eq=False)
class RankedObjects(Rows):
    """Objects by question and similarity, (R,) each.

    Attributes
    ----------
    like
        Names of the questions.
    positions
        Of the objects in `Result.searched`.
    similarity
        To a text the cosine; to examples 1 is like them, 0 like the plane's average object.
    scores, labels, confidence, areas
        What the columns show; label 0 = none.
    identities
        What tells the objects apart while sliders move.
    """

    like: tuple[str, ...]
    positions: NDArray[np.intp]
    similarity: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    confidence: NDArray[np.float32]
    areas: NDArray[np.int64]
    identities: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.like)

    def cell(self, row: int, column: str) -> Cell:
        """Return what stands in a cell."""
        grey = not self.labels[row]
        if column == "like":
            return Cell(self.like[row], grey)
        if column == "label":
            return Cell("–" if grey else str(self.labels[row]), grey)
        if column == "area":
            return Cell(str(self.areas[row]), grey)
        return Cell(f"{(self.scores if column == 'score' else self.confidence)[row]:.2f}", grey)

    def identity(self, row: int) -> Hashable:
        """Return the question and the object."""
        return self.like[row], int(self.identities[row])


def ranking_of(result: Result | None) -> RankedObjects | None:
    """Return what a result's table shows; None if nothing was searched for."""
    if result is None or result.searched is None or not result.questions:
        return None
    searched, read = result.searched, result.request.read
    numbers = {(o.prompt, o.identity): o.number for o in result.objects if o.text}
    names = [named(question.query, read) for question in result.questions]
    orders = [np.argsort(-question.similarities, kind="stable") for question in result.questions]
    positions = np.concatenate(orders)
    like = tuple(name for name, order in zip(names, orders, strict=True) for _ in order)
    identities = searched.identities[positions]
    labels = [numbers.get((name, int(identity)), 0) for name, identity in zip(like, identities, strict=True)]
    similarity = [question.similarities[order] for question, order in zip(result.questions, orders, strict=True)]
    return RankedObjects(
        like,
        positions,
        np.concatenate(similarity),
        np.concatenate(_scores(result.questions, orders)),
        np.array(labels, np.int64),
        searched.scores[positions],
        searched.areas[positions],
        identities,
    )


def _scores(questions: Sequence[QueryResult], orders: Sequence[NDArray[np.intp]]) -> list[NDArray[np.float32]]:
    """Return similarities as numbers from 0 to 1: those to texts by the least and the most similar object of all."""
    texts = [question.similarities for question in questions if question.query.field == "texts"]
    low, high = (min(map(np.min, texts)), max(map(np.max, texts))) if texts and len(texts[0]) else (0.0, 1.0)
    scores = []
    for question, order in zip(questions, orders, strict=True):
        values = question.similarities[order]
        if question.query.field == "texts":
            values = (values - low) / ((high - low) or 1.0)
        scores.append(np.clip(values, 0.0, 1.0).astype(np.float32))
    return scores
