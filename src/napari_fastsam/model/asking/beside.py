"""Objects of other programs as proposals beside the network's: every question chooses among all of them.

Cellpose, StarDist, a colleague: whatever has found objects gives label images. A prediction that has some is asked like
any other. Prompts choose by the same rules, *larger* and *smaller* step through both, words and examples compare
both, and of everything the surer of two that overlap stays.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.objects.suppression import suppress
from napari_fastsam.core.planes.tiling import LabelArray
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection, select_objects
from napari_fastsam.core.results.result import masks_in
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.choosing import of_size
from napari_fastsam.model.asking.descriptors import Descriptors
from napari_fastsam.model.asking.plane_scale import PlaneLike, write_labels
from napari_fastsam.model.asking.prediction import PendingInference, Prediction
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import TiledResult

SAME = 0.9
"""IoU from which on an object of both is one, and the surer is taken."""

_FIRST_IDENTITY = 1 << 40
"""Of objects of others: above the rank of any proposal."""


@dataclass(frozen=True, eq=False)
class OtherProposals:
    """What another program found on a plane.

    Attributes
    ----------
    instances
        Its objects, in pixels of the plane.
    name
        What it is called, for reasons: ``"cellpose"``.
    """

    instances: Instances
    name: str

    @classmethod
    def of_labels(
        cls, labels: NDArray[np.integer], name: str, scores: dict[int, float] | None = None
    ) -> OtherProposals:
        """Return the objects of a label image.

        Parameters
        ----------
        labels
            (Y, X) whole numbers, 0 = background.
        name
            What made it.
        scores
            How sure each is, by number; what is not known counts as sure.

        Raises
        ------
        ParameterError
            If it is no plane of whole numbers.
        """
        if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
            raise ParameterError(
                f"the proposals of {name} have shape {labels.shape} and type {labels.dtype}; expected a label image, "
                "(Y, X) whole numbers"
            )
        known = scores or {}
        found = list(masks_in(labels))
        sure = np.array([min(max(float(known.get(number, 1.0)), 0.0), 1.0) for number, _ in found], np.float32)
        sure = np.where(np.isnan(sure), np.float32(1), sure)
        order = np.argsort(-sure, kind="stable")
        masks = tuple(found[i][1] for i in order.tolist())
        boxes = [(m.top, m.left, m.window[0].stop, m.window[1].stop) for m in masks]
        height, width = labels.shape
        identities = np.array([_FIRST_IDENTITY + zlib.crc32(repr(mask.key).encode()) for mask in masks], np.intp)
        at = np.array(boxes, np.float32).reshape(-1, 4)
        return cls(Instances(at, sure[order], masks, (height, width), ranks=identities), name)


@dataclass(frozen=True, eq=False)
class BesideOthers(Prediction):
    """What the network said of a plane, and what another program found on it.

    Attributes
    ----------
    network
        What the network said; looks where prompts need it.
    others
        What the other program found.
    """

    network: Prediction
    others: OtherProposals

    def __post_init__(self) -> None:
        if self.others.instances.shape != self.network.shape:
            raise ParameterError(
                f"the proposals of {self.others.name} are for a plane of {self.others.instances.shape} pixels and this "
                f"one has {self.network.shape}; expected the same"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""
        return self.network.shape

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.network.nbytes + sum(mask.pixels.nbytes for mask in self.others.instances.masks)

    @property
    def object_diameter(self) -> float | None:
        """What objects of the plane are usually across, in its pixels; None = nothing is known."""
        return self.network.object_diameter

    def defaults(self, conf: float | None, iou: float | None) -> tuple[float, float]:
        """Return the thresholds given, or else the model's."""
        return self.network.defaults(conf, iou)

    def select_from_cache(
        self, queries: Sequence[Query], thresholds: Thresholds
    ) -> tuple[list[Selection], list[PendingInference]]:
        """Answer queries from both; the network looks closer only where neither has an object."""
        selections, pending = self.network.select_from_cache(queries, thresholds)
        theirs = select_objects(self.others.instances, queries)
        for i, (query, own, other) in enumerate(zip(queries, selections, theirs, strict=True)):
            if query.from_proposals:
                selections[i] = self._chosen(query, own, of_size(other, thresholds))
        unanswered = [query for query, one in zip(queries, selections, strict=True) if not one.found]
        if pending and len(unanswered) < len(queries):
            pending = self.network.select_from_cache(unanswered, thresholds)[1]
        return selections, pending

    def predict_crops(self, pending: Sequence[PendingInference]) -> Iterator[int]:
        """Have the network look at what is pending; yields how much is done."""
        yield from self.network.predict_crops(pending)

    def everything(self, thresholds: Thresholds, labels: LabelArray | None = None) -> Instances | TiledResult:
        """Return all objects of both that reach the thresholds; of a plane in tiles those of the network alone."""
        found = self.network.everything(thresholds, labels)
        if isinstance(found, TiledResult):
            return found
        together = self._together(found, thresholds)
        if labels is not None:
            write_labels(labels, paint(together.masks, self.shape, scores=together.scores.tolist()))
        return together

    def objects(self, thresholds: Thresholds, descriptors: Descriptors) -> Instances:
        """Return all objects of both that reach the thresholds; of a plane in tiles those of the network alone."""
        found = self.network.objects(thresholds, descriptors)
        # of tiles no pixels are kept, and without them nobody can say what the others' objects look like
        in_tiles = found.image_features is not None and not found.image_features.rgb.size
        return found if in_tiles else self._together(found, thresholds)

    def release(self, queries: Sequence[Query], limit: int) -> None:
        """Let go of what these queries do not need."""
        self.network.release(queries, limit)

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return (h, w, 3) pixels as the network sees them."""
        return self.network.pixels(rows, columns)

    def is_current(self, image: PlaneLike) -> bool:
        """Whether the plane still has the pixels that the network saw."""
        return self.network.is_current(image)

    def _chosen(self, query: Query, own: Selection, other: Selection) -> Selection:
        """Choose among the candidates of both by the rule of the query."""
        if not other.found:
            return own
        if not own.found:
            return self._named(replace(other, query=own.query), range(len(other.candidates)))
        alike = [any(c.crop.iou(mine.crop) >= SAME for mine in own.candidates) for c in other.candidates]
        more = [candidate for candidate, is_there in zip(other.candidates, alike, strict=True) if not is_there]
        both = [*own.candidates, *more]
        masks = [candidate.crop for candidate in both]
        (ranked,) = select_objects(_instances(masks, [c.score for c in both], self.shape), [query])
        if not ranked.found:  # it fits neither alone any more: the network's answer was one of a second look
            return own
        candidates = tuple(replace(c, source=both[c.index or 0].source, index=None) for c in ranked.candidates)
        theirs = [place for place, c in enumerate(ranked.candidates) if (c.index or 0) >= len(own.candidates)]
        best = replace(own, candidates=candidates, reason=ranked.reason if 0 in theirs else own.reason)
        return self._named(best, theirs)

    def _named(self, selection: Selection, theirs: Sequence[int]) -> Selection:
        """Say which candidates are the other program's."""
        name = self.others.name
        candidates = tuple(
            replace(c, source=name, index=None) if place in theirs else c
            for place, c in enumerate(selection.candidates)
        )
        reason = f"{selection.reason}, of {name}" if 0 in theirs else selection.reason
        return replace(selection, candidates=candidates, reason=reason)

    def _together(self, own: Instances, thresholds: Thresholds) -> Instances:
        """Return the network's objects and the others', of two that overlap the surer."""
        others = self.others.instances.filter(thresholds.conf, None, thresholds.min_area, thresholds.max_area)
        masks: tuple[CroppedMask, ...] = (*own.masks, *others.masks)
        boxes = np.concatenate([own.boxes, others.boxes])
        scores = np.concatenate([own.scores, others.scores])
        kept = suppress(boxes, scores, thresholds.iou)
        identities: NDArray[Any] = np.concatenate([own.identities, others.identities])
        return Instances(
            boxes[kept],
            scores[kept],
            tuple(masks[i] for i in kept.tolist()),
            self.shape,
            own.proposals,
            identities[kept],
            own.image_features,
        )


def _instances(masks: Sequence[CroppedMask], scores: Sequence[float], shape: tuple[int, int]) -> Instances:
    boxes = [(m.top, m.left, m.window[0].stop, m.window[1].stop) for m in masks]
    return Instances(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), tuple(masks), shape)
