"""What the dock *Classes* says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_fastsam.core.classes.classifier import Classifier
    from napari_fastsam.core.classes.learning import ClassGuess
    from napari_fastsam.layers.classes.classing import Classing


def what_next(classing: Classing) -> str:
    """Return what to do next."""
    if not len(classing.classes):
        return "Add a class for each kind of object."
    if classing.layer is None:
        return "Add objects to a Labels layer: they get the class whose button is pressed."
    return "Point at an object and press the key of its class; 0 takes it away."


def removed(name: str, count: int) -> str:
    """Return that a class is gone, and what of its objects."""
    if not count:
        return f"Class “{name}” is deleted."
    objects = "1 object has" if count == 1 else f"{count} objects have"
    return f"Class “{name}” is deleted; {objects} no class now. Undo brings both back."


def guessed(found: Mapping[int, ClassGuess], unsure: Collection[int]) -> str:
    """Return what was guessed."""
    if not found:
        return "All objects on this plane have a class."
    counts = Counter(guess.name for guess in found.values()).most_common()
    told = ", ".join(f"{count} “{name}”" for name, count in counts)
    doubt = f" {len(unsure)} of them are unsure and outlined: press Ask me." if unsure else ""
    return f"Guessed: {told}.{doubt}"


def accepted(count: int) -> str:
    """Return how many guesses became classes."""
    if not count:
        return "No guess is that sure. Move the slider, or press Ask me."
    return "1 object has its guessed class now." if count == 1 else f"{count} objects have their guessed class now."


def question(label: int, suggestion: str, guess: ClassGuess, number: int, most: int) -> str:
    """Return a question about an object."""
    sure = f" ({guess.probability:.0%})" if suggestion == guess.name else ""
    return f"{number} of {most}: is label {label} “{suggestion}”{sure}? Y, N, a class key, or S to skip."


def asked(count: int) -> str:
    """Return that no more is asked."""
    answers = "1 answer" if count == 1 else f"{count} answers"
    return f"{answers}: the others are guessed anew. Ask on, or accept the sure ones."


def saved(path: str) -> str:
    """Return where a classifier is."""
    return f"What was learnt is in {path}."


def loaded(classifier: Classifier) -> str:
    """Return what was read."""
    return f"Classes {', '.join(classifier.names)} are known from {sum(classifier.examples)} examples: press Guess."
