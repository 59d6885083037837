"""What a user gives for prompts, checked and made into arrays; errors name the argument and the row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.errors import PromptError


def as_table(name: str, values: ArrayLike, columns: int) -> NDArray[np.float64]:
    """Return (N, columns) finite numbers, one row a prompt; empty input has no rows, and one prompt may stand alone.

    Raises
    ------
    PromptError
        If the values are no numbers, have another number of columns, or are not finite.
    """
    try:
        table = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptError(f"{name} is {values!r}; expected numbers in {columns} columns") from error
    if table.size == 0:
        return np.zeros((0, columns))
    if table.shape == (columns,):
        table = table[np.newaxis]
    if table.ndim != 2 or table.shape[1] != columns:
        raise PromptError(f"{name} has shape {table.shape}; expected (N, {columns}), one row a prompt")
    if not np.isfinite(table).all():
        bad = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise PromptError(f"{name} holds a value that is not finite in row {bad}; correct or remove it")
    return table


def as_boxes(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return (N, 4) ``y0, x0, y1, x1``, reversed corners put in order; errors are those of `as_table`."""
    boxes = as_table(name, values, 4)
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, high], axis=1)


def as_polyline(name: str, index: int, vertices: ArrayLike, least: int) -> NDArray[np.float64]:
    """Return (V, 2) rows and columns of at least so many vertices; errors are those of `as_table`."""
    if np.ndim(vertices) == 1 and np.size(vertices):
        raise PromptError(f"{name}[{index}] is {vertices!r}; expected a list of rows and columns, one for each vertex")
    line = as_table(f"{name}[{index}]", vertices, 2)
    if len(line) < least:
        raise PromptError(f"{name}[{index}] has {len(line)} vertices; expected at least {least}")
    return line


def as_items(name: str, given: Any, expected: str) -> tuple[Any, ...]:
    """Return the items of what is given, such as outlines.

    Raises
    ------
    PromptError
        If it has none, as None and a number.
    """
    try:
        return tuple(given)
    except TypeError as error:
        raise PromptError(f"{name} is {given!r}; expected a list of {expected}, or () for none") from error


def as_whole_numbers(
    name: str, values: ArrayLike | None, length: int, default: int, each: str = "point"
) -> NDArray[np.int64]:
    """Return (length,) whole numbers; None means the default for all.

    Raises
    ------
    PromptError
        If there are more or fewer values, or one that is no whole number.
    """
    if values is None:
        return np.full(length, default, dtype=np.int64)
    try:
        numbers = np.asarray(values)
    except ValueError as error:  # rows of unlike length
        raise PromptError(f"{name} is {values!r}; expected ({length},) whole numbers, one a {each}") from error
    if numbers.shape != (length,):
        raise PromptError(f"{name} has shape {numbers.shape}; expected ({length},), one value a {each}")
    if length and (numbers.dtype.kind not in "buif" or not np.isfinite(numbers).all()):
        raise PromptError(f"{name} holds {numbers.tolist()!r}; expected whole numbers")
    with np.errstate(invalid="ignore"):  # of numbers that do not fit, which are told
        whole = numbers.astype(np.int64)
    if not np.array_equal(whole, numbers):
        raise PromptError(f"{name} holds {numbers.tolist()!r}; expected whole numbers")
    return whole


def as_texts(texts: Any) -> tuple[str, ...]:
    """Return queries in words without the space around them; one text may stand alone.

    Raises
    ------
    PromptError
        If one is no text, or has no word.
    """
    given = (texts,) if isinstance(texts, str) else as_items("texts", texts, "words")
    for i, text in enumerate(given):
        if not isinstance(text, str) or not text.strip():
            raise PromptError(f"texts[{i}] is {text!r}; expected words that name what is wanted")
    return tuple(text.strip() for text in given)
