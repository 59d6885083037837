"""A segmentation against its ground truth: the comparison of two Labels layers, and the layer that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_fastsam.core.judging.comparison import Comparison, Kind, MatchTable, compare
from napari_fastsam.core.judging.metrics import Matching
from napari_fastsam.layers.planes.alignment import Alignment
from napari_fastsam.layers.planes.transforms import placed_on

if TYPE_CHECKING:
    from collections.abc import Mapping

COLOURS: Mapping[Kind, str] = {Kind.HIT: "#56b4e9", Kind.MISSED: "#f0e442", Kind.FALSE: "#d55e00"}
"""Sky blue, yellow and vermilion: told apart with any common colour blindness, by hue and by lightness (from Okabe and
Ito, *Color Universal Design*, 2008)."""

NAMES: Mapping[Kind, str] = {Kind.HIT: "hit", Kind.MISSED: "missed", Kind.FALSE: "false"}


@dataclass(frozen=True, eq=False)
class ComparedPlane:
    """What was compared by itself: a plane, or all.

    Attributes
    ----------
    place
        (D,) where it begins in the part of the segmentation that is compared.
    comparison
        Its objects.
    """

    place: tuple[int, ...]
    comparison: Comparison


@dataclass(frozen=True, eq=False)
class Compared:
    """A segmentation against its ground truth; one part at least.

    Attributes
    ----------
    alignment
        Which pixels were compared.
    parts
        One, or one a plane: an object goes through one part only.
    """

    alignment: Alignment
    parts: tuple[ComparedPlane, ...]

    def matching(self, threshold: float) -> Matching:
        """Count hits, false and missed objects of all parts together."""
        return reduce(add, (part.comparison.matching(threshold) for part in self.parts))

    def found(self, threshold: float) -> MatchTable:
        """Say of each object of all parts how it fared.

        Returns
        -------
        MatchTable
            With centroids and boxes in the segmentation's data coordinates.
        """
        each = [part.comparison.found(threshold) for part in self.parts]
        at = [self._embedded(part, found) for part, found in zip(self.parts, each, strict=True)]

        def joined(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(found, name) for found in each])

        return MatchTable(
            joined("kind"),
            joined("truth"),
            joined("predicted"),
            joined("iou"),
            joined("area"),
            np.concatenate([centroid for centroid, _ in at]),
            np.concatenate([box for _, box in at]),
        )

    def painted(self, threshold: float) -> NDArray[np.uint8]:
        """Paint hits, missed and false objects; see `Comparison.painted`.

        Returns
        -------
        numpy.ndarray
            uint8 of the alignment's shape.
        """
        image = np.zeros(self.alignment.shape, np.uint8)
        for part in self.parts:
            image[self.alignment.part_of(part.place)] = part.comparison.painted(threshold)
        return image

    def inside(self, found: MatchTable, row: int) -> NDArray[np.float64]:
        """Return the pixel of a row's object that is nearest to its centroid.

        Returns
        -------
        numpy.ndarray
            (D,) data coordinates of the segmentation.
        """
        kind, centroid, box = Kind(found.kind[row]), found.centroid[row], found.box[row]
        label = int(found.predicted[row] if kind is Kind.FALSE else found.truth[row])
        point: NDArray[np.float64] = centroid.copy()
        for part in self.parts:
            own = self._own_axes()
            others = np.setdiff1d(np.arange(len(centroid)), own)
            here = np.asarray(part.place) + self.alignment.start
            if (here[others] == box[: len(centroid)][others]).all():
                nearest = part.comparison.inside(kind, label, centroid[own] - here[own])
                point[own] = nearest + here[own]
        return point

    def _own_axes(self) -> NDArray[np.intp]:
        """Return the axes along which a part extends."""
        return (
            np.arange(len(self.alignment.shape)) if self.alignment.scope == "volume" else np.array(self.alignment.axes)
        )

    def _embedded(self, part: ComparedPlane, found: MatchTable) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return a part's centroids and boxes with all axes of the segmentation."""
        own, count = self._own_axes(), len(self.alignment.shape)
        here = np.asarray(part.place) + self.alignment.start
        centroids = np.tile(here.astype(np.float64), (len(found), 1))
        boxes = np.tile(np.concatenate([here, here + 1]), (len(found), 1))
        centroids[:, own] = found.centroid + here[own]
        boxes[:, own] = found.box[:, : len(own)] + here[own]
        boxes[:, own + count] = found.box[:, len(own) :] + here[own]
        return centroids, boxes


def comparing(alignment: Alignment, predicted: Any, truth: Any) -> Iterator[ComparedPlane]:
    """Compare part after part. For any thread: it touches no layer.

    Parameters
    ----------
    alignment
        From `napari_fastsam.layers.planes.alignment.align`.
    predicted, truth
        The layers' data at full resolution.

    Raises
    ------
    LabelsError
        If the data hold no whole numbers.
    """
    for place in alignment.parts():
        yield ComparedPlane(place, compare(*alignment.read(predicted, truth, place)))


def make_result(predicted: Labels, alignment: Alignment, painted: NDArray[np.uint8], *, name: str) -> Labels:
    """Make the layer that shows hits, missed and false objects, lying on the segmentation.

    Parameters
    ----------
    predicted, alignment
        The segmentation, and which part of it was compared.
    painted
        From `Compared.painted`; the layer keeps it.
    name
        The layer's name.

    Returns
    -------
    napari.layers.Labels
        Values as in `Kind`. It cannot be painted on.
    """
    colours: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    colours.update({int(kind): colour for kind, colour in COLOURS.items()})
    layer = Labels(
        painted,
        name=name,
        colormap=DirectLabelColormap(color_dict=colours),
        features={"index": [int(kind) for kind in Kind], "object": [NAMES[kind] for kind in Kind]},
        **_place(predicted, alignment),
    )
    layer.editable = False
    return layer


def update_result(layer: Labels, predicted: Labels, alignment: Alignment, painted: NDArray[np.uint8]) -> None:
    """Show something else in a layer of as many axes, moving it only if it has to be moved."""
    for attribute, wanted in _place(predicted, alignment).items():
        if not _is_same(getattr(layer, attribute), wanted):
            setattr(layer, attribute, wanted)
    if layer.data.shape == painted.shape:
        np.copyto(layer.data, painted)
        layer.refresh(extent=False)
    else:
        layer.data = painted
        layer.editable = False


def _place(predicted: Labels, alignment: Alignment) -> Mapping[str, Any]:
    return placed_on(predicted, np.asarray(alignment.start, dtype=np.float64), np.ones(predicted.ndim))


def _is_same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return bool(value == wanted)
    return bool(np.array_equal(np.asarray(value), wanted))
