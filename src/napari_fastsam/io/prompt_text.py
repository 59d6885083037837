"""Prompts as FastSAM's own command line writes them: JSON lists of (x, y) points, boxes and lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import PromptError

BoxFormat = Literal["xywh", "xyxy"]


def parse_prompts(
    points: str | None = None,
    point_labels: str | None = None,
    boxes: str | None = None,
    box_format: BoxFormat = "xywh",
    texts: Sequence[str] = (),
    examples: str | None = None,
    counter_examples: str | None = None,
    exemplars: Exemplars | None = None,
    objects: str | None = None,
    outlines: str | None = None,
    scribbles: str | None = None,
) -> Prompts | None:
    """Read prompts from text.

    Parameters
    ----------
    points
        ``[[x, y], …]`` in pixels: column and row of the pixel meant; one may stand alone, ``[x, y]``, as one box may.
    point_labels
        ``[1, 0, …]``, 1 = the object is here, 0 = it is not; None = 1 for all.
    boxes
        ``[[x, y, width, height], …]`` or ``[[x0, y0, x1, y1], …]`` in pixels, measured at pixel edges.
    box_format
        Which of the two.
    texts
        What is wanted in words; boxes then say where to search.
    examples, counter_examples
        ``[[x, y], …]``: objects that others are to be like, or unlike.
    exemplars
        Examples from another image.
    objects
        ``[1, 1, 0, …]``, object numbers of the points; None = 0 for all.
    outlines, scribbles
        ``[[[x, y], …], …]``: polygons around objects, and paths along the inside of objects.

    Returns
    -------
    The prompts in the frames of `Prompts`, or None if none of the texts is given.

    Raises
    ------
    PromptError
        If a text is not JSON or not of that form, or if no object is asked for.
    """
    drawn = (points, point_labels, objects, boxes, outlines, scribbles, examples, counter_examples)
    if all(text is None for text in drawn):
        return Prompts(texts=texts, exemplars=exemplars) if texts or exemplars is not None else None
    points_xy = _table("points", points, "[[x, y], …]", 2)
    corners = _table(
        "boxes", boxes, "[[x, y, width, height], …]" if box_format == "xywh" else "[[x0, y0, x1, y1], …]", 4
    )
    if box_format == "xywh":
        if (corners[:, 2:] < 0).any():
            raise PromptError(f"boxes is {boxes}; a width or height below 0 makes no box in the format xywh")
        corners = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1)
    prompts = Prompts(
        points=points_xy[:, ::-1],
        point_labels=_numbers("point-labels", point_labels, "[1, 0, …]"),
        point_objects=_numbers("objects", objects, "[1, 1, 0, …]"),
        boxes=corners[:, [1, 0, 3, 2]],
        outlines=_lines("outlines", outlines),
        scribbles=_lines("scribbles", scribbles),
        texts=texts,
        examples=_table("examples", examples, "[[x, y], …]", 2)[:, ::-1],
        counter_examples=_table("counter-examples", counter_examples, "[[x, y], …]", 2)[:, ::-1],
        exemplars=exemplars,
    )
    if not prompts.searches and not prompts.queries:
        raise PromptError("no object is asked for: give a box, or a point that is labelled 1")
    return prompts


def _table(name: str, text: str | None, form: str, columns: int, alone: bool = True) -> NDArray[np.float64]:
    """Return the rows that a text holds, (N, columns); whether one may stand there without a list around it."""
    rows = [] if text is None else _json(name, text, form)
    if alone and isinstance(rows, list) and len(rows) == columns and not any(isinstance(row, list) for row in rows):
        rows = [rows]
    wrong = PromptError(f"{name} is {text}; expected {form}, numbers only")
    if not isinstance(rows, list) or any(not isinstance(row, list) or len(row) != columns for row in rows):
        raise wrong
    if any(isinstance(v, bool) or not isinstance(v, int | float) for row in rows for v in row):
        raise wrong
    try:
        return np.array(rows, dtype=np.float64).reshape(-1, columns)
    except OverflowError as error:
        raise wrong from error


def _numbers(name: str, text: str | None, form: str) -> list[Any] | None:
    """Return the numbers that a text holds, one a point."""
    numbers = None if text is None else _json(name, text, form)
    if numbers is not None and not isinstance(numbers, list):
        raise PromptError(f"{name} is {text}; expected {form}, one number a point")
    return numbers


def _lines(name: str, text: str | None) -> list[NDArray[np.float64]]:
    """Return the (V, 2) rows and columns of each line that a text holds."""
    form = "[[[x, y], …], …]"
    lines = [] if text is None else _json(name, text, form)
    if not isinstance(lines, list):
        raise PromptError(f"{name} is {text}; expected {form}, numbers only")
    return [_table(name, json.dumps(line), form, 2, alone=False)[:, ::-1] for line in lines]


def _json(name: str, text: str, form: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PromptError(f"{name} is {text[:200]!r}, which is not JSON; expected {form}") from error
