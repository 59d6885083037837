"""The last stage: clicks correct the objects that were selected. The seam where a correcting network is plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.choosing import of_size
from napari_fastsam.model.asking.pixels import NetworkPixels
from napari_fastsam.model.asking.thresholds import Thresholds


class Refiner(Protocol):
    """Makes of objects and the points that speak of them the objects that are meant."""

    def refine(self, plane: NetworkPixels, selections: Sequence[Selection]) -> list[Selection]:
        """Return selections whose objects honour the points of their queries, with `refined` set if they changed.

        Parameters
        ----------
        plane
            Gives the pixels around the objects.
        selections
            What all prompts of the plane meant so far, with or without an object; their queries have the positive and
            negative points.
        """


@lru_cache(maxsize=1)
def default_refiner() -> Refiner:
    """Return what corrects objects where nobody says otherwise: the bundled network, or else a Gaussian process."""
    from napari_fastsam.model.asking.click_refiner import ClickRefiner
    from napari_fastsam.model.correcting.weights import default_corrector

    return ClickRefiner(default_corrector())


def chosen_refiner(refine: bool | Refiner | None) -> Refiner | None:
    """Return the refiner that an argument ``refine`` means: the default for True, none for False, or itself.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if isinstance(refine, bool | np.bool_):
        return default_refiner() if refine else None
    if refine is not None and not hasattr(refine, "refine"):
        raise ParameterError(f"refine is {refine!r}; expected True, False or an object with a method `refine`")
    return refine


def likely(query: Query, started: Selection, thresholds: Thresholds) -> Selection:
    """Return what a query starts from, with all points that speak of its object.

    An object that a point or a scribble chose below the confidence threshold is none to start from: what a model
    proposes of kinds that it does not know is worth less than a click.
    """
    unsure = query.from_proposals and not query.tells_size and started.found and started.score <= thresholds.conf
    if unsure:
        started = replace(started, candidates=(), chosen=0, reason=f"nothing likely there: {started.score:.2f} at most")
    return replace(started, query=query)


def refined(
    plane: NetworkPixels,
    started: Sequence[Selection],
    thresholds: Thresholds,
    refiner: Refiner | None,
    waiting: bool = False,
) -> list[Selection]:
    """Return selections whose objects were corrected by a refiner; as they are where there is none.

    Parameters
    ----------
    plane
        Gives the pixels around the objects.
    started
        What the prompts chose, each with all points of its query.
    thresholds
        What an object must reach; what is too small or too large after its correction is none.
    refiner
        Corrects them.
    waiting
        Whether the network has yet to look where nothing was found: nothing is drawn there then.
    """
    if refiner is None:
        return list(started)
    corrected = refiner.refine(plane, started)
    return [
        before if waiting and not before.found else of_size(after, thresholds) if after.refined else after
        for before, after in zip(started, corrected, strict=True)
    ]
