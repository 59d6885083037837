"""Classes of objects that have none, guessed from those that have one; and which of them to ask about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.classes.asking import next_object
from napari_fastsam.core.classes.classifier import Classifier, ClassModel
from napari_fastsam.core.classes.learning import ClassGuess, classify, guesses, learn_beside
from napari_fastsam.errors import ParameterError
from napari_fastsam.layers.classes.classing import Classing
from napari_fastsam.layers.classes.column import GUESS, PROBABILITY, classes_of, set_columns, texts_in

if TYPE_CHECKING:
    from napari_fastsam.layers.classes.describing import SeenObjects

NOTHING_SEEN = "The objects are not described yet: press Guess."


class Guessing:
    """Guesses the classes of the objects of a plane.

    Parameters
    ----------
    classing
        The classes, and the layer.

    Attributes
    ----------
    loaded
        A classifier from a file: as long as nothing has a class here, it alone is asked; then its examples and those
        here are learnt from together.
    found
        What each object without a class probably is, by number.
    """

    def __init__(self, classing: Classing) -> None:
        self._classing = classing
        self._seen: SeenObjects | None = None
        self._model: ClassModel | None = None
        self.loaded: Classifier | None = None
        self.found: dict[int, ClassGuess] = {}

    @property
    def seen(self) -> SeenObjects | None:
        """The objects as they were described; None = they were not."""
        return self._seen

    @property
    def classifier(self) -> Classifier | None:
        """What guesses now; None = nothing does."""
        return self.loaded if self._model is None else self._model.classifier

    def see(self, seen: SeenObjects | None) -> None:
        """Take over objects that were described; None forgets them, and what was guessed."""
        self._seen, self._model = seen, None
        self.found = {}

    def guess(self) -> dict[int, ClassGuess]:
        """Learn from the objects that have a class now, and guess all others of the plane into the features.

        Raises
        ------
        ParameterError
            If fewer than two classes have an example and there is no classifier from a file, or it takes objects as
            another network describes them.
        """
        layer, seen = self._classing.layer, self._seen
        if layer is None or seen is None:
            raise ParameterError(NOTHING_SEEN)
        known, objects = classes_of(layer), seen.objects
        names = self._classing.classes.names
        there = {known[number] for number in objects.numbers.tolist() if number in known}
        loaded = self.loaded
        learns = loaded is not None and loaded.rows is not None and loaded.kind == objects.kind
        if loaded is not None and (not there or (len(there) < 2 and not learns)):
            self._model, found = None, classify(loaded, objects)
        else:
            self._model = learn_beside(objects, known, names, loaded)
            found = guesses(objects, self._model.classifier.names, self._model.probabilities)
        self.found = {number: guess for number, guess in found.items() if number not in known}
        self._write()
        return self.found

    def unsure(self, least: float) -> list[int]:
        """Return the objects whose class is less probable than that."""
        return [number for number, guess in self.found.items() if guess.probability < least]

    def accept(self, least: float) -> int:
        """Give objects the class that is at least so probable, as one step; returns how many got one."""
        sure = {number: guess.name for number, guess in self.found.items() if guess.probability >= least}
        if sure:
            self._classing.give(sure, f"{len(sure)} guessed classes")
        return len(sure)

    def forget(self) -> None:
        """Forget what was seen, and take what was guessed out of the features."""
        self.see(None)
        self.clear()

    def clear(self) -> None:
        """Take what was guessed out of the features."""
        self._model, self.found = None, {}
        if self._classing.layer is not None and texts_in(self._classing.layer, GUESS):
            self._write()

    def to_ask(self, without: set[int]) -> int | None:
        """Return the number of the object whose answer would teach most; None if there is none to ask about.

        Parameters
        ----------
        without
            Numbers that are not to be asked about.
        """
        if self._seen is None or not self.found:
            return None
        numbers = self._seen.objects.numbers
        open_ = [number in self.found and number not in without for number in numbers.tolist()]
        if self._model is None:  # a classifier from a file says how sure it is, and not what an answer would change
            asked = [number for number in self.found if number not in without]
            return min(asked, key=lambda number: self.found[number].probability, default=None)
        row = next_object(self._model, np.flatnonzero(~np.array(open_)).tolist())
        return None if row is None else int(numbers[row])

    def ranked(self, number: int) -> list[str]:
        """Return the classes that an object may have, the most probable first."""
        guess = self.found.get(number)
        if guess is None or self._seen is None:
            return []
        if self._model is None or self.classifier is None:
            others = self.loaded.names if self.loaded is not None else ()
            return [guess.name, *(name for name in others if name != guess.name)]
        row = int(np.searchsorted(self._seen.objects.numbers, number))
        order = np.argsort(-self._model.probabilities[row], kind="stable")
        return [self._model.classifier.names[place] for place in order.tolist()]

    def _write(self) -> None:
        layer = self._classing.layer
        if layer is None:
            return
        gone = [number for number in texts_in(layer, GUESS) if number not in self.found]
        names: dict[int, object] = {number: guess.name for number, guess in self.found.items()}
        sure: dict[int, object] = {number: guess.probability for number, guess in self.found.items()}
        names |= dict.fromkeys(gone, "")
        sure |= dict.fromkeys(gone, np.nan)
        set_columns(layer, {GUESS: names, PROBABILITY: sure}, {GUESS: "", PROBABILITY: np.nan})
