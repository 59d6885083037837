"""Objects of plane after plane, linked through a stack or through time, so that each has one number.

Two objects on neighbouring planes are one if their masks overlap enough: by the mean of their IoU and of the share of
the smaller one that lies on the larger. By IoU alone the thin end of a round object is cut off from it, and by the
share alone everything that touches becomes one (benchmarks/stacks.py compares them). Which pairs are linked is decided
for all objects of two planes together, by laptrack: linear assignment, then a second one that bridges planes in which
an object was missed and finds divisions (Jaqaman et al., Nature Methods 5, 2008).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.errors import ParameterError

DAUGHTER = 0.5
"""Share of a new object's pixels that must lie on an object of the plane before for it to be its daughter."""


@dataclass(frozen=True)
class Linking:
    """When two objects on different planes are one.

    Attributes
    ----------
    max_gap
        Planes in a row in which an object may have been missed. Of objects that lie above each other many become one
        then (benchmarks/stacks.py): for films, and for stacks in which much is missed.
    min_overlap
        Lowest overlap of the masks, above 0 and up to 1; over a gap half way from there to 1.
    divisions
        Whether an object may become two, as cells do in time.

    Raises
    ------
    ParameterError
        If `max_gap` is not a whole number from 0 on, or `min_overlap` not above 0 and up to 1.
    """

    max_gap: int = 0
    min_overlap: float = 0.5
    divisions: bool = False

    def __post_init__(self) -> None:
        try:
            whole = not isinstance(self.max_gap, bool) and int(self.max_gap) == self.max_gap >= 0
        except (TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            raise ParameterError(f"max_gap is {self.max_gap!r}; expected a whole number of planes, 0 or more")
        object.__setattr__(self, "max_gap", int(self.max_gap))
        if not 0 < self.min_overlap <= 1:
            raise ParameterError(f"min_overlap is {self.min_overlap!r}; expected a number above 0, up to 1")

    @property
    def over_gap(self) -> float:
        """Lowest overlap across planes in which the object was missed."""
        return (1 + self.min_overlap) / 2


Pair = tuple[tuple[int, int], tuple[int, int]]
"""Plane and position of an object, and of one on a later plane."""


@dataclass(frozen=True, eq=False)
class PlaneOverlaps:
    """How the objects of near planes overlap: what linking needs to know, whatever its parameters.

    Attributes
    ----------
    planes
        The masks of each plane.
    reach
        Planes up to so far apart were compared.
    shared
        Pixels that two masks share, where they do.
    """

    planes: tuple[Sequence[CroppedMask], ...]
    reach: int
    shared: Mapping[Pair, int]

    @classmethod
    def of(cls, planes: Sequence[Sequence[CroppedMask]], max_gap: int = 0) -> PlaneOverlaps:
        """Compare the masks of planes that are up to `max_gap` + 1 apart."""
        shared: dict[Pair, int] = {}
        boxes = [_boxes(masks) for masks in planes]
        for a in range(len(planes)):
            for b in range(a + 1, min(a + max_gap + 2, len(planes))):
                for i, j in _meeting(boxes[a], boxes[b]):
                    if count := planes[a][i].intersection(planes[b][j]):
                        shared[(a, i), (b, j)] = count
        return cls(tuple(planes), max_gap + 1, shared)

    def overlap(self, pair: Pair) -> float:
        """How much two masks overlap, 0 … 1."""
        (a, i), (b, j) = pair
        return overlap(self.planes[a][i].area, self.planes[b][j].area, self.shared.get(pair, 0))

    def share(self, pair: Pair) -> float:
        """Share of the later object that lies on the earlier one."""
        _, (b, j) = pair
        return self.shared.get(pair, 0) / max(self.planes[b][j].area, 1)


def overlap(area: int, other: int, shared: int) -> float:
    """Return the mean of the IoU of two masks and of the share of the smaller one that lies on the larger."""
    return (shared / max(area + other - shared, 1) + shared / max(min(area, other), 1)) / 2


@dataclass(frozen=True, eq=False)
class Links:
    """Which objects are one.

    Attributes
    ----------
    ids
        For each plane an (N,) array with the number of each of its objects, from 1, the same through the stack.
    parents
        From an object that came of a division to the one that divided.
    """

    ids: tuple[NDArray[np.int_], ...]
    parents: Mapping[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many objects there are."""
        return max((int(ids.max()) for ids in self.ids if len(ids)), default=0)

    def tracks(self, centres: Sequence[NDArray[np.floating]]) -> tuple[NDArray[np.float64], dict[int, list[int]]]:
        """Return what a Tracks layer of napari takes.

        Parameters
        ----------
        centres
            For each plane (N, 2) rows and columns of its objects.

        Returns
        -------
        data
            (M, 4) number, plane, row and column, sorted by number and plane.
        graph
            From each daughter to its parent.
        """
        rows = [
            (int(number), plane, float(y), float(x))
            for plane, (ids, points) in enumerate(zip(self.ids, centres, strict=True))
            for number, (y, x) in zip(ids.tolist(), np.asarray(points).reshape(-1, 2).tolist(), strict=True)
        ]
        data = np.array(sorted(rows), np.float64).reshape(-1, 4)
        return data, {child: [parent] for child, parent in sorted(self.parents.items())}


def link(planes: Sequence[Sequence[CroppedMask]] | PlaneOverlaps, linking: Linking | None = None) -> Links:
    """Say which objects of successive planes are one.

    Parameters
    ----------
    planes
        The masks of each plane, in order; or how they overlap, where that is known: it serves any parameters with a
        `max_gap` that is not larger.
    linking
        The parameters.
    """
    linking = Linking() if linking is None else linking
    known = planes if isinstance(planes, PlaneOverlaps) else PlaneOverlaps.of(planes, linking.max_gap)
    if known.reach < linking.max_gap + 1:
        known = PlaneOverlaps.of(known.planes, linking.max_gap)
    after = _linked(known, linking)
    ids = [np.zeros(len(masks), np.int_) for masks in known.planes]
    parents: dict[int, int] = {}
    count = 0
    for plane, masks in enumerate(known.planes):
        for i in range(len(masks)):
            if not ids[plane][i]:
                count += 1
                ids[plane][i] = count
            following = after.get((plane, i), [])
            for later, j in following:
                if len(following) == 1:
                    ids[later][j] = ids[plane][i]
                else:
                    count += 1
                    ids[later][j] = count
                    parents[count] = int(ids[plane][i])
    return Links(tuple(ids), parents)


def follow(
    candidates: Callable[[int], Sequence[CroppedMask] | None],
    anchors: Mapping[int, CroppedMask],
    count: int,
    linking: Linking | None = None,
) -> tuple[dict[int, CroppedMask], set[int]]:
    """Carry an object from the planes where it is known through the others, both ways, until it ends.

    Parameters
    ----------
    candidates
        Gives the masks of a plane to choose from; None = not known yet.
    anchors
        What the object is on some planes: where it was pointed at, and where it was corrected.
    count
        How many planes there are.
    linking
        The parameters.

    Returns
    -------
    masks
        The object on each plane where it is; of planes between two anchors the nearer one decides.
    needed
        Planes that have to be known to go on.
    """
    linking = Linking() if linking is None else linking
    masks, needed = dict(anchors), set[int]()
    known = sorted(anchors)
    for k, plane in enumerate(known):
        before = (known[k - 1] + plane) // 2 if k else -1
        after = (plane + known[k + 1]) // 2 + 1 if k + 1 < len(known) else count
        for direction, end in ((-1, before), (1, after)):
            found, missing = _one_way(candidates, anchors[plane], plane, direction, end, linking)
            masks |= found
            needed |= missing
    return masks, needed


def between(first: CroppedMask, last: CroppedMask, share: float) -> CroppedMask:
    """Return the mask that lies between two: where the signed distances to their edges, mixed, are within.

    Parameters
    ----------
    first, last
        The masks on both sides of a gap.
    share
        How far it is from the first to the last, 0 … 1.

    References
    ----------
    Shape-based interpolation: Raya and Udupa, IEEE Transactions on Medical Imaging 9, 1990.
    """
    from scipy import ndimage  # here, and the dock opens without it

    top, left = min(first.top, last.top), min(first.left, last.left)
    bottom, right = (max(first.window[axis].stop, last.window[axis].stop) for axis in (0, 1))
    mixed = np.zeros((bottom - top, right - left))
    for crop, weight in ((first, 1 - share), (last, share)):
        inside = np.pad(crop.moved(-top, -left).full(mixed.shape), 1)
        distance = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
        mixed += weight * distance[1:-1, 1:-1]
    return CroppedMask(top, left, mixed > 0)


def bridged(planes: Sequence[Sequence[CroppedMask]], links: Links) -> list[list[tuple[int, CroppedMask]]]:
    """Return for each plane the objects that were missed there, but not on planes before and after: number and mask."""
    seen: dict[int, list[tuple[int, CroppedMask]]] = {}
    for plane, (masks, ids) in enumerate(zip(planes, links.ids, strict=True)):
        for number, crop in zip(ids.tolist(), masks, strict=True):
            seen.setdefault(number, []).append((plane, crop))
    found: list[list[tuple[int, CroppedMask]]] = [[] for _ in planes]
    for number, places in seen.items():
        for (a, first), (b, last) in itertools.pairwise(places):
            for plane in range(a + 1, b):
                found[plane].append((number, between(first, last, (plane - a) / (b - a))))
    return found


def _one_way(
    candidates: Callable[[int], Sequence[CroppedMask] | None],
    start: CroppedMask,
    plane: int,
    direction: int,
    end: int,
    linking: Linking,
) -> tuple[dict[int, CroppedMask], set[int]]:
    """Follow an object one way up to a plane, left out itself."""
    found: dict[int, CroppedMask] = {}
    crop, last = start, plane
    place = plane + direction
    while place != end and abs(place - last) <= linking.max_gap + 1:
        masks = candidates(place)
        if masks is None:
            return found, {place}
        shared = [crop.intersection(mask) for mask in masks]  # of most masks nothing, which is soon seen
        overlaps = [overlap(crop.area, m.area, n) if n else 0.0 for m, n in zip(masks, shared, strict=True)]
        least = linking.min_overlap if abs(place - last) == 1 else linking.over_gap
        if overlaps and max(overlaps) >= least:
            now = masks[int(np.argmax(overlaps))]
            for missed in range(last + direction, place, direction):
                found[missed] = between(crop, now, abs(missed - last) / abs(place - last))
            found[place] = crop = now
            last = place
        place += direction
    return found, set()


def _linked(known: PlaneOverlaps, linking: Linking) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return for each object the ones on later planes that it goes on as; more than one where it divides."""
    from laptrack import LapTrack

    objects = [(plane, i) for plane, masks in enumerate(known.planes) for i in range(len(masks))]
    place = {name: n for n, name in enumerate(objects)}
    overlaps = {(place[a], place[b]): known.overlap((a, b)) for a, b in known.shared}
    shares = {(place[a], place[b]): known.share((a, b)) for a, b in known.shared}
    coordinates, first = [], 0
    for masks in known.planes:
        coordinates.append(np.arange(first, first + len(masks), dtype=np.float64)[:, None])
        first += len(masks)
    if sum(len(c) > 0 for c in coordinates) < 2:
        return {}
    # 1 + a little: an overlap of exactly the least counts, and a cutoff of 0 would mean none
    little = 1e-9
    make: Any = LapTrack  # a model of pydantic's, whose fields have defaults
    tracker = make(
        metric=_cost(overlaps),
        cutoff=1 - linking.min_overlap + little,
        gap_closing_metric=_cost(overlaps),
        gap_closing_cutoff=1 - linking.over_gap + little if linking.max_gap else False,
        gap_closing_max_frame_count=linking.max_gap + 1,
        splitting_metric=_cost(shares),
        splitting_cutoff=1 - DAUGHTER + little if linking.divisions else False,
        # an object that may be linked is linked, however many others are not
        track_start_cost=1.0, track_end_cost=1.0, segment_start_cost=1.0, segment_end_cost=1.0, no_splitting_cost=1.0,
    )  # fmt: skip
    after: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for one, other in tracker.predict(coordinates).edges:
        earlier, later = sorted([tuple(map(int, one)), tuple(map(int, other))])
        after.setdefault((earlier[0], earlier[1]), []).append((later[0], later[1]))
    return {name: sorted(following) for name, following in after.items()}


def _cost(overlaps: Mapping[tuple[int, int], float]) -> Callable[[NDArray[np.float64], NDArray[np.float64]], float]:
    # laptrack asks in either order
    return lambda one, other: 1 - overlaps.get((int(min(one[0], other[0])), int(max(one[0], other[0]))), 0.0)


def _boxes(masks: Sequence[CroppedMask]) -> NDArray[np.int_]:
    boxes = [(c.top, c.left, c.window[0].stop, c.window[1].stop) for c in masks]
    return np.array(boxes, np.int_).reshape(-1, 4)


def _meeting(boxes: NDArray[np.int_], others: NDArray[np.int_]) -> list[tuple[int, int]]:
    """Return which boxes of two planes meet."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    pairs = np.argwhere((low < high).all(axis=2))
    return [(int(i), int(j)) for i, j in pairs]
