"""The stages by which prompts are answered: propose, select, refine; the same for every kind of plane.

A prediction is what the network said about a plane so far. It answers queries from that, and says what the network has
yet to look at before a query without an object can be called unanswered. How it comes by its proposals (in one pass, in
tiles, from something else) is its own affair: a further kind is a class with these methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.likeness.text import TextEncoder
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.planes.tiling import LabelArray
from napari_fastsam.core.prompts.prompts import Prompts, check_prompts
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection, select_alike
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.descriptors import Descriptors, descriptors_of
from napari_fastsam.model.asking.fine_edges import polish_selections
from napari_fastsam.model.asking.plane_scale import PlaneLike
from napari_fastsam.model.asking.refining import Refiner, chosen_refiner, likely, refined
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import TiledResult
from napari_fastsam.model.correcting.weights import default_corrector

PendingInference: TypeAlias = Any
"""Something that the network has yet to look at, as a prediction names it; hashable."""


class Prediction(Protocol):
    """What the network said about a plane so far, and how queries are answered from it."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    @property
    def object_diameter(self) -> float | None:
        """What objects of the plane are usually across, in its pixels; None = nothing is known."""
        return None

    def defaults(self, conf: float | None, iou: float | None) -> tuple[float, float]:
        """Return the thresholds of confidence and overlap: those given, or else what suits the model."""

    def select_from_cache(
        self, queries: Sequence[Query], thresholds: Thresholds
    ) -> tuple[list[Selection], list[PendingInference]]:
        """Answer queries from what is kept, without the network.

        Returns
        -------
        selections
            One a query, in their order.
        pending
            What the network has yet to look at before the queries without an object can be called unanswered.
        """

    def predict_crops(self, pending: Sequence[PendingInference]) -> Iterator[int]:
        """Run the network on what is pending and keep what it says; yields how many are done."""

    def everything(self, thresholds: Thresholds, labels: LabelArray | None = None) -> Instances | TiledResult:
        """Return all objects that reach the thresholds.

        `labels` is where the label image goes, (Y, X) and all 0 at first; None = into memory.
        """

    def objects(self, thresholds: Thresholds, descriptors: Descriptors) -> Instances:
        """Return all objects of the plane that reach the thresholds, described for a search in some ways."""

    def release(self, queries: Sequence[Query], limit: int) -> None:
        """Let go of what these queries do not need; `limit` is how many bytes closer looks may take.

        What the queries need stays, also if it alone takes more: it would be looked at again at once.
        """

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return (h, w, 3) pixels of the plane at its full resolution, as the network sees them."""

    def is_current(self, image: PlaneLike) -> bool:
        """Whether the plane still has the pixels that the network saw."""

    def select(
        self,
        prompts: Prompts,
        *,
        conf: float | None = None,
        iou: float | None = None,
        min_area: float | None = None,
        max_area: float | None = None,
        text_encoder: TextEncoder | None = None,
        text_threshold: float | None = None,
        text_best: bool = False,
        example_threshold: float | None = None,
        refine: bool | Refiner = True,
        fine_edges: bool = False,
    ) -> list[Selection]:
        """Find the object of each prompt; the network looks again only where it has not, and a prompt needs it.

        Parameters
        ----------
        prompts
            In pixels of the plane.
        conf, iou, min_area, max_area
            As in `Instances.filter`; confidence and overlap are by default those that suit the model.
        text_encoder, text_threshold, text_best, example_threshold
            As in `core.prompts.selection.select`.
        refine
            Whether clicks correct the object that was found, and by what; False only chooses.
        fine_edges
            Whether the correcting network draws the edges of proposed objects anew, at the plane's full resolution.

        Returns
        -------
        list of Selection
            In the order of `core.prompts.selection.select`.

        Raises
        ------
        ParameterError
            If a threshold is out of range, or there are texts and no encoder.
        """
        thresholds = Thresholds(*self.defaults(conf, iou), min_area, max_area)
        search = Search(text_threshold, text_best, example_threshold)
        check_encoder(prompts, text_encoder)
        selections = resolve_prompts(self, prompts.queries, thresholds, chosen_refiner(refine))
        if prompts.searches:
            selections += self._select_alike(prompts, thresholds, search, text_encoder)
        return polish_selections(default_corrector(), self, selections) if fine_edges else selections

    def _select_alike(
        self, prompts: Prompts, thresholds: Thresholds, search: Search, text_encoder: TextEncoder | None
    ) -> list[Selection]:
        everything = self.objects(thresholds, partial(descriptors_of, prompts, text_encoder))
        return select_alike(everything, prompts, search, text_encoder)


def resolve_prompts(
    prediction: Prediction, queries: Sequence[Query], thresholds: Thresholds, refiner: Refiner | None = None
) -> list[Selection]:
    """Answer queries, having the network look at what is missing until nothing is; then refine the objects.

    Parameters
    ----------
    prediction
        Of the plane; keeps what the network says on the way.
    queries
        In pixels of the plane.
    thresholds
        What an object must reach.
    refiner
        Corrects the objects by clicks; None = they stay as they were proposed.
    """
    while True:
        started, pending = start_from_cache(prediction, queries, thresholds, refiner)
        if not pending:
            return refined(prediction, started, thresholds, refiner)
        for _ in prediction.predict_crops(pending):
            pass


def start_from_cache(
    prediction: Prediction, queries: Sequence[Query], thresholds: Thresholds, refiner: Refiner | None
) -> tuple[list[Selection], list[PendingInference]]:
    """Choose what queries start from, or mean where no refiner corrects it; see `Prediction.select_from_cache`.

    With a refiner no point forbids an object, since it will be corrected.
    """
    if refiner is None:
        return prediction.select_from_cache(queries, thresholds)
    starting = [query.start(prediction.shape) for query in queries]
    started, pending = prediction.select_from_cache(starting, thresholds)
    return [likely(query, s, thresholds) for query, s in zip(queries, started, strict=True)], pending


def check_encoder(prompts: Prompts, text_encoder: TextEncoder | None) -> None:
    """Raise a PromptError for what is not `Prompts`, a ParameterError for texts that nothing compares with pictures."""
    check_prompts(prompts)
    if prompts.texts and text_encoder is None:
        raise ParameterError("there are texts and no text_encoder; expected one from load_text_encoder")
    if isinstance(text_encoder, str | Path):
        raise ParameterError(
            f"text_encoder is {str(text_encoder)!r}; expected what load_text_encoder({str(text_encoder)!r}) returns"
        )
