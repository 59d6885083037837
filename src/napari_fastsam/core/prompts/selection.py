"""Stage two: which of the objects does each prompt mean?

One object per prompt, never a union, never a guess. The candidates of a prompt are ranked, so that a user can step
from the chosen one to a larger or a smaller one. A search by words or examples is answered with all objects that are
like enough, each an answer of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.search import Matches, Search, search_by_examples, search_by_text, within_boxes
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.examples import exemplars_of
from napari_fastsam.core.prompts.prompts import Prompts, check_prompts
from napari_fastsam.core.prompts.queries import PromptRef, Query
from napari_fastsam.core.prompts.ranking import CORRECTED, SCORE_REACH, Candidate, Pool
from napari_fastsam.core.prompts.searches import SearchQuery
from napari_fastsam.errors import ParameterError


@dataclass(frozen=True, eq=False)
class Selection:
    """What one prompt means.

    Attributes
    ----------
    query
        The prompt, as a value of its kind.
    shape
        ``(H, W)`` of the plane.
    candidates
        The objects that it may mean, best first, each with a mask of its own. Empty if nothing fits.
    reason
        In a few words why the chosen one, or why none.
    chosen
        Position in `candidates`.
    refined
        Whether the chosen object's mask was changed, or drawn, as clicks say; the objects that were proposed, if any,
        are candidates beside it then.
    """

    query: Query | SearchQuery
    shape: tuple[int, int]
    candidates: tuple[Candidate, ...]
    reason: str
    chosen: int = 0
    refined: bool = False

    @property
    def prompt(self) -> PromptRef:
        """Which of the prompts it answers."""
        return self.query.ref

    @property
    def found(self) -> bool:
        """Whether the prompt has an object."""
        return len(self.candidates) > 0

    @property
    def candidate(self) -> Candidate | None:
        """The chosen object; None if nothing was found."""
        return self.candidates[self.chosen] if self.found else None

    @property
    def index(self) -> int | None:
        """Position of the chosen object in the instances given to `select`; None if it is none of them."""
        return None if self.candidate is None else self.candidate.index

    @property
    def crop(self) -> CroppedMask | None:
        """The chosen object's mask, cropped."""
        return None if self.candidate is None else self.candidate.crop

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """The chosen object's mask on the whole plane, (H, W) bool, or None if nothing was found."""
        return None if self.candidate is None else self.candidate.crop.full(self.shape)

    @property
    def score(self) -> float:
        """The chosen object's confidence; NaN if nothing was found."""
        return float("nan") if self.candidate is None else self.candidate.score

    @property
    def fits(self) -> NDArray[np.float64]:
        """(K,) how well each candidate fits the prompt; see `Candidate.fit`."""
        return np.array([candidate.fit for candidate in self.candidates], np.float64)

    def larger(self) -> Selection:
        """Choose the next larger candidate, if there is one."""
        return self._step(+1)

    def smaller(self) -> Selection:
        """Choose the next smaller candidate, if there is one."""
        return self._step(-1)

    def moved(self, rows: int, columns: int, shape: tuple[int, int]) -> Selection:
        """Return it on a plane of ``(H, W)`` in which its own begins at so many rows and columns."""
        return replace(self, shape=shape, candidates=tuple(c.moved(rows, columns) for c in self.candidates))

    @property
    def place(self) -> int:
        """Place of the chosen candidate when they are sorted by area, from 0: how many are smaller; -1 without any."""
        return self._by_area.index(self.chosen) if self.found else -1

    @property
    def _by_area(self) -> list[int]:
        """Positions in `candidates`, from the smallest to the largest."""
        return sorted(range(len(self.candidates)), key=lambda i: self.candidates[i].crop.area)

    def _step(self, direction: int) -> Selection:
        place = self.place + direction
        if not self.found or not 0 <= place < len(self.candidates):
            return self
        chosen = self._by_area[place]
        return replace(self, chosen=chosen, refined=self.candidates[chosen].source in CORRECTED)


@dataclass(frozen=True, eq=False)
class QueryResult(Matches):
    """What a search by one text, or by all examples together, comes to.

    Attributes
    ----------
    query
        The text, or the examples.
    """

    query: SearchQuery


def select(
    instances: Instances,
    prompts: Prompts,
    score_reach: float = SCORE_REACH,
    *,
    text_encoder: TextEncoder | None = None,
    text_threshold: float | None = None,
    text_best: bool = False,
    example_threshold: float | None = None,
) -> list[Selection]:
    """Choose an object for each prompt, and all objects that look like a text or the examples.

    Parameters
    ----------
    instances
        What the network found on the plane.
    prompts
        In pixels of the same plane.
    score_reach
        See `SCORE_REACH`.
    text_encoder
        What compares words and pictures, from `load_text_encoder`; needed where `prompts` has texts.
    text_threshold, text_best, example_threshold
        As `text_threshold`, `best_only` and `example_threshold` of `Search`.

    Returns
    -------
    list of Selection
        Objects of points (in the order of each object's first positive point), then of boxes, outlines, scribbles and
        masks. Negative points, and points that belong to a shape, speak about other prompts' objects and have none
        themselves. Then for each text all objects that are like it, most similar first, and so for the
        examples: a Selection each, or one without an object that says why there is none. Where a text or examples ask,
        boxes say where to search and have no object themselves.

    Raises
    ------
    ParameterError
        If there are texts and no encoder, or the instances do not know their image, which texts and examples need.
    """
    check_prompts(prompts)
    settings = Search(text_threshold, text_best, example_threshold)
    return select_objects(instances, prompts.queries, score_reach) + select_alike(
        instances, prompts, settings, text_encoder
    )


def select_objects(instances: Instances, queries: Sequence[Query], score_reach: float = SCORE_REACH) -> list[Selection]:
    """Choose an object for each query; the rest is as in `select`."""
    pool = Pool(instances, score_reach)
    rankings = [query.rank(pool) for query in queries]
    return [
        Selection(query, instances.shape, ranking.candidates, ranking.reason)
        for query, ranking in zip(queries, rankings, strict=True)
    ]


def select_alike(
    instances: Instances, prompts: Prompts, settings: Search, text_encoder: TextEncoder | None = None
) -> list[Selection]:
    """Choose all objects that look like a text or the examples; parameters and result are those of `select`."""
    results, unanswered = search(instances, prompts, settings, text_encoder)
    asked = prompts.search_queries[-1:]  # examples come last
    selections = [Selection(query, instances.shape, (), reason) for query in asked for reason in unanswered]
    pool = Pool(instances)
    for result in results:
        if not len(result.answers):
            selections.append(Selection(result.query, instances.shape, (), result.reason))
        candidates = pool.candidates(result.answers, result.similarities[result.answers].astype(np.float64))
        for i, candidate in zip(result.answers.tolist(), candidates, strict=True):
            selections.append(Selection(result.query, instances.shape, (candidate,), result.reason_for(i)))
    return selections


def search(
    instances: Instances, prompts: Prompts, settings: Search, text_encoder: TextEncoder | None = None
) -> tuple[list[QueryResult], list[str]]:
    """Compare each text, and then the examples together, with all objects.

    Parameters
    ----------
    instances, prompts, text_encoder
        As in `select`, which says what is raised.
    settings
        What counts as similar enough.

    Returns
    -------
    results
        What each came to, in the order of `Prompts.search_queries`.
    unanswered
        Sentences about the examples that lie on no object, or contradict each other.
    """
    if not prompts.searches:
        return [], []
    allowed = within_boxes(instances, prompts.boxes) & ~Pool(instances).holding_any(prompts.general_negative)
    found: list[Matches] = []
    unanswered: list[str] = []
    if prompts.texts:
        if text_encoder is None:
            raise ParameterError("there are texts and no text_encoder; expected one from load_text_encoder")
        found += search_by_text(instances, prompts.texts, text_encoder, allowed, settings)
    if prompts.has_examples:
        exemplars, unanswered = exemplars_of(instances, prompts)
        found.append(search_by_examples(instances, exemplars, allowed, settings))
    results = [QueryResult(**vars(m), query=q) for m, q in zip(found, prompts.search_queries, strict=True)]
    return results, unanswered
