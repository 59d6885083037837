"""Stage two: which of the instances does each prompt mean?

One object per prompt, never a union, never a guess. The candidates of a prompt are ranked, so that a person can step
from the chosen one to a larger or a smaller one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from napari_fastsam.core.geometry import pairwise_iou
from napari_fastsam.core.instances import Crop, Instances
from napari_fastsam.core.prompts import PromptRef, Prompts

SCORE_REACH = 0.25
"""A click takes the smallest object around it whose score is at most this far below the best one's."""

OVERLAP_FLOOR = 0.4
"""A box or an outline that no object overlaps by this IoU has found nothing."""

SCRIBBLE_FLOOR = 0.7
"""The least share of a scribble that must lie in the object it means."""

_SCRIBBLE_SPACING = 1.0


@dataclass(frozen=True, eq=False)
class Selection:
    """What one prompt means.

    Attributes
    ----------
    prompt
        Which prompt.
    instances
        What was chosen from.
    candidates
        (K,) indices into `instances`, best first. Empty if nothing fits.
    fits
        (K,) how well each fits the prompt, 0 … 1: score for points, IoU for boxes and outlines, covered share for
        scribbles.
    chosen
        Position in `candidates`.
    reason
        In a few words why this one, or why none.
    """

    prompt: PromptRef
    instances: Instances
    candidates: NDArray[np.intp]
    fits: NDArray[np.float64]
    reason: str
    chosen: int = 0

    @property
    def found(self) -> bool:
        """Whether the prompt has an object."""
        return len(self.candidates) > 0

    @property
    def index(self) -> int | None:
        """Which of the instances is chosen."""
        return int(self.candidates[self.chosen]) if self.found else None

    @property
    def crop(self) -> Crop | None:
        """The chosen object's mask, cropped."""
        return None if self.index is None else self.instances.masks[self.index]

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """The chosen object's mask on the whole plane, (H, W) bool, or None if nothing was found."""
        return None if self.index is None else self.instances.mask(self.index)

    @property
    def score(self) -> float:
        """The chosen object's confidence; NaN if nothing was found."""
        return float("nan") if self.index is None else float(self.instances.scores[self.index])

    def larger(self) -> Selection:
        """Choose the next larger candidate, if there is one."""
        return self._step(+1)

    def smaller(self) -> Selection:
        """Choose the next smaller candidate, if there is one."""
        return self._step(-1)

    def _step(self, direction: int) -> Selection:
        if not self.found:
            return self
        areas = np.array([self.instances.masks[int(i)].area for i in self.candidates])
        by_area = np.argsort(areas, kind="stable")
        place = int(np.flatnonzero(by_area == self.chosen)[0]) + direction
        if not 0 <= place < len(by_area):
            return self
        return replace(self, chosen=int(by_area[place]))


def select(instances: Instances, prompts: Prompts, score_reach: float = SCORE_REACH) -> list[Selection]:
    """Choose an object for each prompt.

    Parameters
    ----------
    instances
        What the network found on the plane.
    prompts
        In pixels of the same plane.
    score_reach
        See `SCORE_REACH`.

    Returns
    -------
    list of Selection
        Objects of points (in the order of each object's first positive point), then of boxes, outlines and scribbles.
        Negative points, and points inside a box without a number of their own, speak about other prompts' objects and
        have none themselves.
    """
    vetoes = _covering(instances, prompts.points[prompts.point_labels == 0])
    selections = [
        _by_points(
            instances, ref, prompts.points[list(ref.indices)], _veto(vetoes, prompts, number), score_reach
        )
        for ref, number in point_groups(prompts)
    ]
    general = _veto(vetoes, prompts, 0)
    for i, box in enumerate(prompts.boxes):
        inside = [prompts.points[j] for j in refining_points(prompts, i)]
        selections.append(_by_box(instances, PromptRef("box", (i,)), box, inside, general))
    for i, outline in enumerate(prompts.outlines):
        selections.append(_by_outline(instances, PromptRef("outline", (i,)), outline, general))
    for i, scribble in enumerate(prompts.scribbles):
        selections.append(_by_scribble(instances, PromptRef("scribble", (i,)), scribble, general))
    return selections


def prompt_refs(prompts: Prompts) -> list[PromptRef]:
    """Return which objects `select` will answer about, in its order."""
    shapes = (("box", prompts.boxes), ("outline", prompts.outlines), ("scribble", prompts.scribbles))
    refs = [ref for ref, _ in point_groups(prompts)]
    return refs + [PromptRef(kind, (i,)) for kind, rows in shapes for i in range(len(rows))]  # type: ignore[arg-type]


def subset(prompts: Prompts, refs: Sequence[PromptRef]) -> tuple[Prompts, list[PromptRef]]:
    """Return the prompts of some objects alone, with everything that refines or vetoes them.

    Returns
    -------
    prompts
        All points that matter to `refs`, and the boxes, outlines and scribbles among them.
    refs
        The same objects, as the new prompts number them, in the order in which `select` answers.
    """
    wanted = {kind: [r.indices[0] for r in refs if r.kind == kind] for kind in ("box", "outline", "scribble")}
    points = {i for r in refs if r.kind == "point" for i in r.indices}
    points |= {int(i) for i in np.flatnonzero(prompts.point_labels == 0)}
    points |= {j for i in wanted["box"] for j in refining_points(prompts, i)}
    rows = sorted(points)
    fewer = Prompts(
        points=prompts.points[rows],
        point_labels=prompts.point_labels[rows],
        point_objects=prompts.point_objects[rows],
        boxes=prompts.boxes[wanted["box"]],
        outlines=[prompts.outlines[i] for i in wanted["outline"]],
        scribbles=[prompts.scribbles[i] for i in wanted["scribble"]],
    )
    return fewer, prompt_refs(fewer)


def point_groups(prompts: Prompts) -> list[tuple[PromptRef, int]]:
    """Return the objects that positive points describe, with their object numbers (0 = a point of its own)."""
    refining = {j for i in range(len(prompts.boxes)) for j in refining_points(prompts, i)}
    groups: dict[tuple[int, int], list[int]] = {}
    for j in np.flatnonzero(prompts.point_labels == 1).tolist():
        number = int(prompts.point_objects[j])
        if number > 0:
            groups.setdefault((number, -1), []).append(j)
        elif j not in refining:
            groups[0, j] = [j]
    return [(PromptRef("point", tuple(rows)), number) for (number, _), rows in groups.items()]


def refining_points(prompts: Prompts, box: int) -> list[int]:
    """Return the positive points without an object number that lie inside a box: they refine its object."""
    y0, x0, y1, x1 = prompts.boxes[box] - 0.5  # edges to centres
    rows, columns = prompts.points.T if len(prompts.points) else (np.zeros(0), np.zeros(0))
    inside = (rows >= y0) & (rows <= y1) & (columns >= x0) & (columns <= x1)
    return np.flatnonzero(inside & (prompts.point_labels == 1) & (prompts.point_objects == 0)).tolist()


def _covering(instances: Instances, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(P, N): which instances contain which points. Only masks whose box holds the point are decoded."""
    covering = np.zeros((len(points), len(instances)), bool)
    edges = np.asarray(points) + 0.5
    y0, x0, y1, x1 = instances.boxes.T
    for p, (row, column) in enumerate(edges):
        # a mask reaches at most to the pixel that its box's end falls in
        near = (y0 <= row + 1) & (row - 1 <= y1) & (x0 <= column + 1) & (column - 1 <= x1)
        for i in np.flatnonzero(near).tolist():
            covering[p, i] = instances.masks[i].covers(points[p : p + 1])[0]
    return covering


def _veto(vetoes: NDArray[np.bool_], prompts: Prompts, number: int) -> NDArray[np.bool_]:
    """(N,): instances that a negative point forbids to the object with this number."""
    numbers = prompts.point_objects[prompts.point_labels == 0]
    forbidden: NDArray[np.bool_] = vetoes[(numbers == 0) | ((numbers == number) & (number > 0))].any(axis=0)
    return forbidden


def _by_points(
    instances: Instances,
    ref: PromptRef,
    points: NDArray[np.float64],
    forbidden: NDArray[np.bool_],
    reach: float,
) -> Selection:
    height, width = instances.shape
    outside = ((points < -0.5) | (points >= np.array([height, width]) - 0.5)).any(axis=1)
    if outside.any():
        return _nothing(instances, ref, f"outside the image of {height} × {width} pixels")
    containing = _covering(instances, points).all(axis=0)
    index = np.flatnonzero(containing & ~forbidden)
    if not len(index):
        if containing.any():
            return _nothing(instances, ref, "every object there holds a negative point")
        return _nothing(
            instances, ref, "no object there" if len(points) == 1 else "no object holds all these points"
        )
    scores = instances.scores[index].astype(np.float64)
    areas = np.array([instances.masks[int(i)].area for i in index])
    # within reach: the smallest first; beyond it: the best score first
    within = scores >= scores.max() - reach
    order = np.lexsort((np.where(within, areas, -scores), ~within))
    reason = (
        "only object there" if len(index) == 1 else f"smallest of {int(within.sum())} likely objects there"
    )
    return Selection(ref, instances, index[order], scores[order], reason)


def _by_box(
    instances: Instances,
    ref: PromptRef,
    box: NDArray[np.float64],
    inside: Sequence[NDArray[np.float64]],
    forbidden: NDArray[np.bool_],
) -> Selection:
    height, width = instances.shape
    clipped = np.clip(box, 0, [height, width, height, width])
    if (clipped[2:] <= clipped[:2]).any():
        known = (
            "has no area" if (box[2:] <= box[:2]).any() else f"outside the image of {height} × {width} pixels"
        )
        return _nothing(instances, ref, known)
    fits = pairwise_iou(instances.boxes, clipped[None])[:, 0]
    return _by_fit(instances, ref, fits, _required(instances, inside), forbidden, "the box")


def _required(instances: Instances, points: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    if not len(points):
        return np.ones(len(instances), bool)
    required: NDArray[np.bool_] = _covering(instances, np.stack(points)).all(axis=0)
    return required


def _by_outline(
    instances: Instances, ref: PromptRef, outline: NDArray[np.float64], forbidden: NDArray[np.bool_]
) -> Selection:
    drawn = rasterize(outline, instances.shape)
    if drawn is None:
        return _nothing(instances, ref, "holds no pixel of the image")
    window = np.array([[drawn.top, drawn.left, drawn.window[0].stop, drawn.window[1].stop]], np.float64)
    fits = np.zeros(len(instances))
    # IoU of masks is at most what the boxes allow: look only where those meet
    for i in np.flatnonzero(pairwise_iou(instances.boxes, window)[:, 0] > 0).tolist():
        fits[i] = instances.masks[i].iou(drawn)
    return _by_fit(instances, ref, fits, np.ones(len(instances), bool), forbidden, "the outline")


def rasterize(outline: NDArray[np.float64], shape: tuple[int, int]) -> Crop | None:
    """Return the pixels whose centre lies inside a polygon, or None if the plane has none of them.

    Parameters
    ----------
    outline
        (V, 2) rows and columns, pixel centres at integers.
    shape
        ``(H, W)`` of the plane.
    """
    low = np.clip(np.floor(outline.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, shape).astype(int)
    if (high <= low).any():
        return None
    pixels = polygon2mask(tuple(high - low), outline - low)
    return Crop(int(low[0]), int(low[1]), pixels) if pixels.any() else None


def _by_fit(
    instances: Instances,
    ref: PromptRef,
    fits: NDArray[np.float64],
    required: NDArray[np.bool_],
    forbidden: NDArray[np.bool_],
    name: str,
) -> Selection:
    close = fits >= OVERLAP_FLOOR
    index = np.flatnonzero(close & required & ~forbidden)
    if not len(index):
        return _nothing(instances, ref, _why_no_fit(fits, close, required, name))
    index = index[[instances.masks[i].area > 0 for i in index.tolist()]]
    if not len(index):
        return _nothing(instances, ref, f"what overlaps {name} is empty")
    order = np.argsort(-fits[index], kind="stable")
    return Selection(
        ref, instances, index[order], fits[index][order], f"overlaps {name} by {fits[index[order[0]]]:.2f}"
    )


def _why_no_fit(
    fits: NDArray[np.float64], close: NDArray[np.bool_], required: NDArray[np.bool_], name: str
) -> str:
    if not close.any():
        best = f"the closest by {fits.max():.2f}" if fits.any() else "none at all"
        return f"no object overlaps {name} by {OVERLAP_FLOOR}: {best}"
    if not (close & required).any():
        return f"no object that overlaps {name} holds the points inside it"
    return f"every object that overlaps {name} holds a negative point"


def _by_scribble(
    instances: Instances, ref: PromptRef, scribble: NDArray[np.float64], forbidden: NDArray[np.bool_]
) -> Selection:
    points = along(scribble)
    covered = np.zeros(len(instances))
    low, high = points.min(axis=0), points.max(axis=0)
    y0, x0, y1, x1 = instances.boxes.T
    near = (y0 <= high[0] + 1) & (y1 >= low[0]) & (x0 <= high[1] + 1) & (x1 >= low[1])
    for i in np.flatnonzero(near).tolist():
        covered[i] = instances.masks[i].covers(points).mean()
    enough = covered >= SCRIBBLE_FLOOR
    index = np.flatnonzero(enough & ~forbidden)
    if not len(index):
        why = (
            "every object along it holds a negative point"
            if enough.any()
            else (f"no object holds {SCRIBBLE_FLOOR:.0%} of it: at most {covered.max(initial=0.0):.0%}")
        )
        return _nothing(instances, ref, why)
    order = np.lexsort((-instances.scores[index], -np.round(covered[index], 1)))
    best = covered[index[order[0]]]
    return Selection(ref, instances, index[order], covered[index][order], f"holds {best:.0%} of the scribble")


def along(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points about a pixel apart along a path of (V, 2) vertices, its ends included."""
    if len(path) == 1:
        return path
    lengths = np.hypot(*np.diff(path, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    steps = np.linspace(0, at[-1], max(2, int(np.ceil(at[-1] / _SCRIBBLE_SPACING)) + 1))
    return np.stack([np.interp(steps, at, path[:, axis]) for axis in (0, 1)], axis=1)


def _nothing(instances: Instances, ref: PromptRef, reason: str) -> Selection:
    return Selection(ref, instances, np.zeros(0, np.intp), np.zeros(0), reason)
