"""Annotated images as training takes them, and which of them are held out."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import check_plane, to_rgb8, window_of
from napari_fastsam.core.judging.held_out import held_out
from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.model.correcting.training.images import LabelledPicture


class AnnotatedExample(Protocol):
    """An annotated image: `io.annotations.examples.Example`, or anything like it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def group(self) -> str:
        """Its kind; empty = not known."""

    def image(self) -> NDArray[np.generic]:
        """(Y, X) or (Y, X, 3 | 4)."""

    def labels(self) -> NDArray[np.integer]:
        """(Y, X), 0 = background."""


ExampleT = TypeVar("ExampleT", bound=AnnotatedExample)


def split(
    examples: Sequence[ExampleT], share: float, names: Collection[str] | None = None, seed: int = 0
) -> tuple[list[ExampleT], list[ExampleT]]:
    """Return what is learnt from and what is held out.

    Parameters
    ----------
    examples
        All of them.
    share
        Of each kind, that is held out.
    names
        The names of the images to hold out instead; None = by share.
    seed
        Of the choice by share.

    Raises
    ------
    ParameterError
        If the share is out of range, or nothing would be left to learn from.
    """
    kept = held_out(examples, share, seed) if names is None else [example.name in names for example in examples]
    learnt = [example for example, out in zip(examples, kept, strict=True) if not out]
    if not learnt:
        raise ParameterError("all images are held out, and none is left to learn from; hold out fewer")
    return learnt, [example for example, out in zip(examples, kept, strict=True) if out]


def labelled_pictures(
    examples: Sequence[AnnotatedExample], progress: Callable[[int, int], None] | None = None
) -> list[LabelledPicture]:
    """Read images and labels, in some threads.

    Raises
    ------
    ImageError, LabelsError, DatasetError
        If one cannot be used; the message names it.
    """

    def read() -> Iterator[LabelledPicture]:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            yield from pool.map(_labelled, examples)

    pictures = []
    for picture in read():
        pictures.append(picture)
        if progress is not None:
            progress(len(pictures), len(examples))
    return pictures


def _labelled(example: AnnotatedExample) -> LabelledPicture:
    try:
        plane = check_plane(example.image())
        rgb = to_rgb8(plane, window_of(plane, "percentiles"))
    except ImageError as error:
        raise ImageError(f"{example.name}: {error}") from error
    return LabelledPicture.of(example.name, example.group, rgb, example.labels())
