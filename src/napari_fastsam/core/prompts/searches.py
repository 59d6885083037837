"""Searches: prompts that ask for all objects that look like words or examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.prompts.queries import PromptRef


@dataclass(frozen=True, eq=False)
class SearchQuery:
    """A prompt that asks for all objects that look like something.

    Attributes
    ----------
    ref
        Which of the prompts it is.
    class_number
        The number of all objects that it finds where objects of one search have one number, from 1.
    """

    field: ClassVar[str]
    """The argument of `Prompts` with the prompts of this kind."""

    ref: PromptRef
    class_number: int

    @property
    def name(self) -> str:
        """What its objects are found by."""
        return str(self.ref)

    def called(self, rows: Sequence[int]) -> str:
        """Return its name in a sentence; it has no rows in a layer."""
        return self.name


@dataclass(frozen=True, eq=False)
class TextQuery(SearchQuery):
    """Words that name what is wanted."""

    field = "texts"
    words: str

    @property
    def name(self) -> str:
        """The words."""
        return self.words

    def called(self, rows: Sequence[int]) -> str:
        """Return the words in quotation marks."""
        return f"“{self.words}”"


@dataclass(frozen=True, eq=False)
class ExamplesQuery(SearchQuery):
    """Objects that others are to be like, or unlike.

    Attributes
    ----------
    examples, counter_examples
        (E, 2) and (C, 2) rows and columns of points on them.
    example_boxes, counter_example_boxes
        (·, 4) boxes around them.
    exemplars
        Those that were taken from another image.
    """

    field = "examples"
    examples: NDArray[np.float64]
    counter_examples: NDArray[np.float64]
    example_boxes: NDArray[np.float64]
    counter_example_boxes: NDArray[np.float64]
    exemplars: Exemplars | None
