"""Which prompts speak of the same object, and in which order objects are answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_fastsam.core.prompts.prompts import Kind, PromptRef, Prompts


def prompt_refs(prompts: Prompts) -> list[PromptRef]:
    """Return the objects that `select` answers about, in its order.

    Objects of points come first, in the order of each object's first positive point; then boxes, outlines, scribbles.
    Searches by words and examples are left out: how many objects they have is not known before.
    """
    shapes: tuple[tuple[Kind, Sequence[int]], ...] = (
        ("box", asking_boxes(prompts)),
        ("outline", range(len(prompts.outlines))),
        ("scribble", range(len(prompts.scribbles))),
    )
    return [ref for ref, _ in point_groups(prompts)] + [PromptRef(kind, (i,)) for kind, rows in shapes for i in rows]


def asking_boxes(prompts: Prompts) -> Sequence[int]:
    """Return the boxes that ask for an object of their own: none where boxes restrict a search."""
    return range(0 if prompts.searches else len(prompts.boxes))


def point_groups(prompts: Prompts) -> list[tuple[PromptRef, int]]:
    """Return the objects that positive points describe, with their object numbers (0 = a point of its own)."""
    refining = {j for i in asking_boxes(prompts) for j in refining_points(prompts, i)}
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
    rows, columns = prompts.points.T
    inside = (rows >= y0) & (rows <= y1) & (columns >= x0) & (columns <= x1)
    found: list[int] = np.flatnonzero(inside & (prompts.point_labels == 1) & (prompts.point_objects == 0)).tolist()
    return found


def subset(prompts: Prompts, refs: Sequence[PromptRef]) -> tuple[Prompts, list[PromptRef]]:
    """Return the drawn prompts of some objects alone, with everything that refines or vetoes them.

    Returns
    -------
    prompts
        All points that matter to `refs`, and the boxes, outlines and scribbles among them.
    refs
        The same objects, as the new prompts number them, in the order in which `select` answers.
    """

    def wanted(kind: Kind) -> list[int]:
        return [ref.indices[0] for ref in refs if ref.kind == kind]

    points = {i for ref in refs if ref.kind == "point" for i in ref.indices}
    points |= set(np.flatnonzero(prompts.point_labels == 0).tolist())
    points |= {j for i in wanted("box") for j in refining_points(prompts, i)}
    rows = sorted(points)
    fewer = Prompts(
        points=prompts.points[rows],
        point_labels=prompts.point_labels[rows],
        point_objects=prompts.point_objects[rows],
        boxes=prompts.boxes[wanted("box")],
        outlines=[prompts.outlines[i] for i in wanted("outline")],
        scribbles=[prompts.scribbles[i] for i in wanted("scribble")],
    )
    return fewer, prompt_refs(fewer)
