"""Which class each object has: learnt from a few that are known, in closed form.

Ridge regression of "is of this class" on what *more like this* describes objects by. All objects of the image say what
is usual, the few examples which class is which: the population's covariance holds back what varies anyway (Hariharan
et al., *Discriminative decorrelation for clustering and classification*, ECCV 2012). How strongly, and how sure the
answers are, follows from the number of examples; both were chosen by measurement: benchmarks/classes.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.likeness import Population
from napari_fastsam.errors import ParameterError

RIDGE, LEAST_RIDGE = 1.0, 0.1
"""How strongly the regression is held back: the former by the number of examples a class, the latter at least."""

USUAL = 0.3
"""Weight of the image's objects beside the examples, as what is usual."""

SHARPNESS = tuple(np.geomspace(1.0, 40.0, 16).tolist())
"""By how much scores may be stretched before they become probabilities."""

MOST_KEPT = 200
"""Examples of a class that a classifier keeps for whoever learns more."""

USUAL_SHARPNESS, PRIOR = 6.0, 4.0
"""What scores are stretched by where nothing is known, and how many examples outweigh that."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """Gives objects classes and probabilities.

    Attributes
    ----------
    kind
        Which description it takes (`core.likeness.descriptors.descriptor_kind`), which names the network.
    names
        K classes, in the order of the columns.
    mean, scale
        (D,) what descriptions are centred and scaled by: those of the objects that it was learnt beside.
    weights
        (D + 1, K) from scaled descriptions of length 1, with a 1 behind them, to scores.
    sharpness
        What scores are stretched by before they become probabilities.
    examples
        How many of each class it was learnt from, (K,).
    rows, numbers
        (E, D) some of these as the regression saw them, scaled and of length 1, and (E,) the class of each by its place
        in `names`: whoever learns from more examples learns from these too. None = they were not kept.

    Raises
    ------
    ParameterError
        If the tables do not belong together, or hold values that are no finite numbers.
    """

    kind: str
    names: tuple[str, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    sharpness: float
    examples: tuple[int, ...]
    rows: NDArray[np.float32] | None = None
    numbers: NDArray[np.intp] | None = None

    def __post_init__(self) -> None:
        width = len(self.mean)
        if self.scale.shape != (width,) or self.weights.shape != (width + 1, len(self.names)):
            raise ParameterError(
                f"a classifier of {len(self.names)} classes and {width} numbers an object has tables of "
                f"{self.scale.shape} and {self.weights.shape}; expected ({width},) and ({width + 1}, {len(self.names)})"
            )
        if not all(np.isfinite(table).all() for table in (self.mean, self.scale, self.weights, self.sharpness)):
            raise ParameterError("a table of the classifier holds values that are no finite numbers")
        self._check_rows(width)
        if len(self.examples) != len(self.names) or len(set(self.names)) < 2 or len(set(self.names)) < len(self.names):
            raise ParameterError(f"a classifier has the classes {list(self.names)}; expected two or more, each once")

    def _check_rows(self, width: int) -> None:
        if self.rows is None or self.numbers is None:
            return
        fits = self.rows.ndim == 2 and self.rows.shape == (len(self.numbers), width) and np.isfinite(self.rows).all()
        if not fits or not ((self.numbers >= 0) & (self.numbers < len(self.names))).all():
            raise ParameterError(
                f"a classifier has {self.rows.shape} as its examples and {len(self.numbers)} classes of them; expected "
                f"({len(self.numbers)}, {width}), and classes from 0 to {len(self.names) - 1}"
            )

    def probabilities(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (N, K) probabilities of (N, D) descriptions; each row adds up to 1.

        Raises
        ------
        ParameterError
            If the descriptions have another width.
        """
        given = np.asarray(vectors, np.float64)
        if given.ndim != 2 or given.shape[1] != len(self.mean):
            raise ParameterError(
                f"objects are described by {given.shape[1:]} numbers and the classifier takes {len(self.mean)}; "
                "describe them by the model that it was made with"
            )
        return _softmax(self.sharpness * (rows_of(given, self.mean, self.scale) @ self.weights))


@dataclass(frozen=True, eq=False)
class ClassModel:
    """A classifier, and how sure it is of each object of the image that it was learnt on.

    Attributes
    ----------
    classifier
        For this image and others.
    probabilities
        (N, K) of the image's objects.
    inverse
        (D + 1, D + 1) what an object's answer would change follows from: the inverse of the regression's matrix.
    rows
        (N, D + 1) the image's objects as the regression sees them.
    """

    classifier: Classifier
    probabilities: NDArray[np.float64]
    inverse: NDArray[np.float64]
    rows: NDArray[np.float64]


def learn(
    kind: str,
    vectors: NDArray[np.floating],
    classes: Mapping[int, str],
    names: Sequence[str] | None = None,
    further: Classifier | None = None,
) -> ClassModel:
    """Learn classes from a few examples, and say what all objects are.

    Parameters
    ----------
    kind
        Which description it is.
    vectors
        (N, D) descriptions of all objects of an image, or of several, as
        `core.likeness.descriptors.describe_instances` makes them.
    classes
        The class of some of them, by row.
    names
        The classes that there are, in order; those without an example are left out. None = those of the examples.
    further
        A classifier for objects described in the same way, whose examples count beside these.

    Raises
    ------
    ParameterError
        If fewer than two classes have an example.
    """
    given = np.asarray(vectors, np.float64)
    others, theirs = _examples_of(further, kind, given.shape[1])
    there = {*classes.values(), *theirs}
    used = tuple(name for name in (sorted(there) if names is None else names) if name in there)
    if len(used) < 2:
        raise ParameterError(
            f"examples have the {'class ' + repr(used[0]) if used else 'classes none'}; a classifier needs examples of "
            "two classes or more: give an object another class"
        )
    at = np.array([row for row, name in classes.items() if name in used], np.intp)
    own = [used.index(classes[int(row)]) for row in at]
    fitting = [place for place, name in enumerate(theirs) if name in used]
    numbers = np.array(own + [used.index(theirs[place]) for place in fitting], np.intp)
    population = Population.of(np.asarray(vectors, np.float32))
    rows = rows_of(given, population.mean, population.scale)
    counts = np.bincount(numbers, minlength=len(used))
    examples = np.concatenate([rows[at], others[fitting]])
    weights, inverse, left_out = _regression(rows, examples, numbers, counts)
    sharpness = _sharpness(left_out, numbers)
    kept = _some_of_each(numbers)
    classifier = Classifier(
        kind, used, population.mean, population.scale, weights, sharpness, tuple(int(n) for n in counts),
        examples[kept, :-1].astype(np.float32), numbers[kept],
    )  # fmt: skip
    return ClassModel(classifier, _softmax(sharpness * (rows @ weights)), inverse, rows)


def _examples_of(further: Classifier | None, kind: str, width: int) -> tuple[NDArray[np.float64], list[str]]:
    """Return (E, D + 1) examples of a classifier as the regression sees them, and the class of each."""
    if further is None or further.kind != kind or further.rows is None or further.numbers is None:
        return np.zeros((0, width + 1)), []
    with_constant = np.concatenate([further.rows.astype(np.float64), np.ones((len(further.rows), 1))], axis=1)
    return with_constant, [further.names[number] for number in further.numbers.tolist()]


def _some_of_each(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the places of at most `MOST_KEPT` examples of each class, from first to last."""
    kept = []
    for number in np.unique(numbers):
        places = np.flatnonzero(numbers == number)
        few = min(MOST_KEPT, len(places))
        kept.append(places[np.linspace(0, len(places) - 1, few).round().astype(np.intp)])
    return np.sort(np.concatenate(kept))


def rows_of(vectors: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, D + 1) descriptions as the regression sees them: centred, scaled, of length 1, with a 1 behind."""
    centred = (vectors - mean) * scale
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    return np.concatenate([unit, np.ones((len(unit), 1))], axis=1)


def _regression(
    rows: NDArray[np.float64], examples: NDArray[np.float64], numbers: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (D + 1, K) weights, the inverse matrix, and what each example scores without itself, (E, K)."""
    each = len(counts) * counts[numbers]  # every class weighs as much, however many examples it has
    weight = 1 / each
    ridge = max(RIDGE * (1 / counts).mean(), LEAST_RIDGE)
    held = np.full(rows.shape[1], ridge)
    held[-1] = 1e-3  # the constant is not held back
    usual = rows.copy()
    usual[:, -1] = 0
    normal = (examples * weight[:, None]).T @ examples + USUAL * usual.T @ usual / max(len(rows), 1) + np.diag(held)
    inverse: NDArray[np.float64] = np.linalg.inv(normal).astype(np.float64)
    target = np.eye(len(counts))[numbers]
    weights = inverse @ (examples * weight[:, None]).T @ target
    fitted = examples @ weights
    leverage = np.minimum(np.einsum("ij,jk,ik->i", examples, inverse, examples) * weight, 0.999)[:, None]
    left_out: NDArray[np.float64] = (fitted - leverage * target) / (1 - leverage)
    return weights, inverse, left_out


def _sharpness(left_out: NDArray[np.float64], numbers: NDArray[np.intp]) -> float:
    """Return by how much scores are stretched: as the examples that were left out say, the more there are.

    A few examples are drawn towards `USUAL_SHARPNESS`, which counts as `PRIOR` of them.
    """
    options = np.array(SHARPNESS)
    own = np.arange(len(numbers))
    likelihood = np.array([np.log(_softmax(s * left_out)[own, numbers] + 1e-12).sum() for s in options])
    away = np.log(options / USUAL_SHARPNESS) ** 2
    return float(options[(likelihood - PRIOR * away).argmax()])


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return probabilities


def to_tables(classifier: Classifier) -> dict[str, Any]:
    """Return a classifier as values that JSON knows; its examples with four digits."""
    kept: dict[str, Any] = {}
    if classifier.rows is not None and classifier.numbers is not None:
        rows = [[float(f"{value:.4g}") for value in row] for row in classifier.rows.tolist()]
        kept = {"rows": rows, "numbers": classifier.numbers.tolist()}
    return {
        "kind": classifier.kind,
        "classes": list(classifier.names),
        "examples": list(classifier.examples),
        "sharpness": classifier.sharpness,
        **{name: getattr(classifier, name).tolist() for name in ("mean", "scale", "weights")},
        **kept,
    }


def from_tables(content: Any) -> Classifier:
    """Return the classifier that `to_tables` made values of.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    try:
        mean, scale, weights = (np.asarray(content[name], np.float64) for name in ("mean", "scale", "weights"))
        names, counts = tuple(map(str, content["classes"])), tuple(map(int, content["examples"]))
        rows, numbers = None, None
        if "rows" in content:
            rows, numbers = np.asarray(content["rows"], np.float32), np.asarray(content["numbers"], np.intp)
        sharpness = float(content["sharpness"])
        return Classifier(str(content["kind"]), names, mean, scale, weights, sharpness, counts, rows, numbers)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"this is no classifier: {error!r}") from error
