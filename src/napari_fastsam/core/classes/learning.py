"""Described objects and their classes: learnt from those that are known, told of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.classes.classifier import Classifier, ClassModel, learn
from napari_fastsam.errors import ParameterError


@dataclass(frozen=True, eq=False)
class DescribedObjects:
    """Objects as vectors.

    Attributes
    ----------
    kind
        Which description it is (`core.likeness.descriptors.descriptor_kind`): only equal ones can be compared.
    numbers
        (N,) their numbers in the label image, ascending.
    vectors
        (N, D) float32, as `core.likeness.descriptors.describe_instances` makes them.
    """

    kind: str
    numbers: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, numbers: Mapping[int, str]) -> dict[int, str]:
        """Return what is said of objects by their row; those that are not here are left out."""
        place = {number: row for row, number in enumerate(self.numbers.tolist())}
        return {place[number]: text for number, text in numbers.items() if number in place}


class ClassGuess(NamedTuple):
    """The class that an object probably has, and how probable it is, 0 … 1."""

    name: str
    probability: float


def learn_classes(
    objects: DescribedObjects, classes: Mapping[int, str], names: Sequence[str] | None = None
) -> Classifier:
    """Learn from a few objects what the others are.

    Parameters
    ----------
    objects
        All objects of an image, those that have a class and those that have none.
    classes
        From numbers of some of them to the names of their classes.
    names
        The classes, in order; None = as they come in the alphabet.

    Raises
    ------
    ParameterError
        If fewer than two classes have an example among the objects.
    """
    return learn_beside(objects, classes, names).classifier


def learn_beside(
    objects: DescribedObjects,
    classes: Mapping[int, str],
    names: Sequence[str] | None = None,
    further: Classifier | None = None,
) -> ClassModel:
    """Learn as `learn_classes` does, from the examples of another classifier too if there is one.

    Returns what is known of the objects themselves too.
    """
    known = {row: name for row, name in objects.rows(classes).items() if name}
    return learn(objects.kind, objects.vectors, known, names, further)


def classify(classifier: Classifier, objects: DescribedObjects) -> dict[int, ClassGuess]:
    """Return the class that each object probably has, by its number.

    Raises
    ------
    ParameterError
        If the objects were described by another network than the classifier takes.
    """
    if not len(objects):
        return {}
    if objects.kind != classifier.kind:
        raise ParameterError(
            f"the classifier takes objects as {_network(classifier.kind)} describes them and these are described by "
            f"{_network(objects.kind)}; choose the model that the classifier was made with"
        )
    return guesses(objects, classifier.names, classifier.probabilities(objects.vectors))


def guesses(
    objects: DescribedObjects, names: Sequence[str], probabilities: NDArray[np.float64]
) -> dict[int, ClassGuess]:
    """Return the most probable class of each object, by its number, from (N, K) probabilities."""
    best = probabilities.argmax(axis=1)
    sure = probabilities[np.arange(len(best)), best]
    rows = zip(objects.numbers.tolist(), best.tolist(), sure.tolist(), strict=True)
    return {number: ClassGuess(names[place], probability) for number, place, probability in rows}


def _network(kind: str) -> str:
    source = kind.split(":")[-1]
    return "an exported model" if source == "none" else f"the model with the SHA-256 {source}…"
