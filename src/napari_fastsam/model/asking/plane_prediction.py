"""A plane in one pass of the network, and the crops of it that went through again.

The first pass is over the whole plane. A prompt that no object fits is not answered with a guess: first the
proposals below the confidence threshold are asked, then the network looks at a zoomed crop around the prompt, and only
then it is said that nothing was found.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.proposals import CONF_FLOOR, Proposals
from napari_fastsam.core.planes.tiling import LabelArray
from napari_fastsam.core.prompts.queries import Query
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.model.asking.choosing import choose, whole_on_plane
from napari_fastsam.model.asking.crop_regions import CropRegion, crop_regions
from napari_fastsam.model.asking.descriptors import Descriptors
from napari_fastsam.model.asking.plane_scale import PlaneLike, write_labels
from napari_fastsam.model.asking.prediction import Prediction
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.network.segmenter import Model


@dataclass(frozen=True, eq=False)
class PlanePrediction(Prediction):
    """A plane that has been through the network, and the crops of it that went through again.

    Attributes
    ----------
    model
        The network.
    rgb
        (H, W, 3) uint8, the plane as the network sees it.
    proposals
        What the pass over the whole plane said.
    crops
        What further passes said, by crop region, those needed last at the end. Grows until `release`.
    contrast_limits
        The window that the plane was shown in; None = the model's own choice.
    """

    model: Model
    rgb: NDArray[np.uint8]
    proposals: Proposals
    crops: OrderedDict[CropRegion, Proposals] = field(default_factory=OrderedDict, repr=False)
    contrast_limits: tuple[float, float] | None = None

    def __repr__(self) -> str:
        """Say of what and by which model, in a line."""
        height, width = self.shape
        return f"<PlanePrediction of {height} × {width} pixels by {self.model.name}>"

    @property
    def shape(self) -> tuple[int, int]:
        """``(H, W)`` of the plane."""
        return self.proposals.shape

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.rgb.nbytes + self.proposals.nbytes + sum(p.nbytes for p in tuple(self.crops.values()))

    @property
    def object_diameter(self) -> float | None:
        """What objects of this plane are usually across, in its pixels; None = nothing is known."""
        shown = self.model.card.shown_diameter
        return self.model.card.object_diameter if shown is None else shown / self.proposals.letterbox.gain

    def instances(self, thresholds: Thresholds) -> Instances:
        """Return all objects that reach the thresholds."""
        return self.proposals.instances(**asdict(thresholds))

    def defaults(self, conf: float | None, iou: float | None) -> tuple[float, float]:
        """Return the thresholds given, or else the model's."""
        return self.model.thresholds(conf, iou)

    def select_from_cache(
        self, queries: Sequence[Query], thresholds: Thresholds
    ) -> tuple[list[Selection], list[CropRegion]]:
        """Answer queries from what is kept; see `Prediction.select_from_cache`."""
        selections = choose(self.proposals, queries, thresholds)
        pending: list[CropRegion] = []
        for i, (query, selection) in enumerate(zip(queries, selections, strict=True)):
            if not selection.found and self._may_look_closer(query):
                selections[i], regions = self._select_from_crops(query, selection, thresholds)
                pending += regions
        return selections, list(dict.fromkeys(pending))

    def predict_crops(self, pending: Sequence[CropRegion], stop: Callable[[], bool] | None = None) -> Iterator[int]:
        """Run the network on crops and keep what it says; yields how many are done.

        One region after the other, so that a caller can stop in between.
        """
        for done, region in enumerate(pending, start=1):
            if stop is not None and stop():
                return
            if region not in self.crops:
                crop = np.ascontiguousarray(self.pixels(slice(*region.rows), slice(*region.columns)))
                proposals = self.model.propose(crop, self.model.at_most(region.imgsz), self.proposals.conf_floor)
                # nobody searches a crop by looks
                self.crops[region] = replace(proposals, image_features=None)
            yield done

    def everything(self, thresholds: Thresholds, labels: LabelArray | None = None) -> Instances:
        """Return all objects that reach the thresholds, and paint them into `labels` if there are any."""
        found = self.instances(thresholds)
        if labels is not None:
            write_labels(labels, found.to_labels())
        return found

    def objects(self, thresholds: Thresholds, descriptors: Descriptors) -> Instances:
        """Return all objects that reach the thresholds; what they look like is found out when it is asked for."""
        return self.instances(thresholds)

    def release(self, queries: Sequence[Query], limit: int) -> None:
        """Drop crops that queries do not need, those needed longest ago first, until the others fit."""
        card, diameter = self.model.card, self.object_diameter
        looked_for = filter(self._may_look_closer, queries)
        needed = {region for query in looked_for for region in crop_regions(query, self.shape, card, diameter)}
        held = sum(kept.nbytes for kept in tuple(self.crops.values()))
        for region, kept in tuple(self.crops.items()):
            if region in needed:  # another thread may ask for it meanwhile: it is never missing
                self.crops.move_to_end(region)
            elif held > limit:
                del self.crops[region]
                held -= kept.nbytes

    def pixels(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Return (h, w, 3) pixels as the network sees them."""
        return self.rgb[rows, columns]

    def is_current(self, image: PlaneLike) -> bool:
        """Whether the plane still has the pixels that the network saw."""
        now = self.model.rgb8(np.asarray(image[:, :]), self.contrast_limits)
        return np.array_equal(now, self.rgb)

    def _may_look_closer(self, query: Query) -> bool:
        """Whether a crop may show the object of a query that the first pass has not found."""
        return query.from_proposals and query.may_lie_on(self.shape)

    def _select_from_crops(
        self, query: Query, unanswered: Selection, thresholds: Thresholds
    ) -> tuple[Selection, list[CropRegion]]:
        """Answer one query from the crops; also the first region that is still to be looked at."""
        for region in crop_regions(query, self.shape, self.model.card, self.object_diameter):
            proposals = self.crops.get(region)
            if proposals is None:
                return unanswered, [region]
            placed = partial(whole_on_plane, region=region, shape=self.shape)
            (found,) = choose(proposals, [query], thresholds, placed)
            if found.found:
                candidates = tuple(replace(c, index=None, source="closer look") for c in found.candidates)
                return replace(found, candidates=candidates, reason=f"{found.reason}, seen only in a closer look"), []
        return replace(unanswered, reason=f"{unanswered.reason}, nor in a closer look"), []


def predict_plane(
    model: Model,
    image: ArrayLike,
    imgsz: int | None = None,
    contrast_limits: tuple[float, float] | None = None,
    conf_floor: float = CONF_FLOOR,
) -> PlanePrediction:
    """Run the first pass and keep all that live thresholds and prompts may ask for.

    Parameters and errors are those of `Model.segment`.
    """
    rgb = model.rgb8(image, contrast_limits)
    return PlanePrediction(model, rgb, model.propose(rgb, imgsz, conf_floor), contrast_limits=contrast_limits)
