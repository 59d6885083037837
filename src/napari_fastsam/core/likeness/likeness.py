"""How like the examples every object is: ridge regression of "is an example" against all objects of the plane.

A few examples say what is wanted, the many other objects of the plane say what is usual: what the examples have in
common and the others do not is what counts. Chosen by measurement among cosine, distance, linear discriminants
(Hariharan et al., ECCV 2012) and regressions: benchmarks/exemplars.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.likeness.descriptors import FORM

FEATURES = 0.85
"""Share of the network's features in the distance between two objects; the rest is size, shape and colour."""

RIDGE = 0.3
"""How strongly the regression is held back at least, as a share of the population's weight: the more, the closer to the
mean of the examples."""

AGAINST = 0.1
"""Weight of a counter-example, as a share of an example's; all of them weigh at most this share of all examples. People
mark what is nearly like the examples: with more weight it would push away what is wanted, too."""


def usual_ridge(examples: int) -> float:
    """Return how strongly the regression is held back: the fewer examples, the less can be learnt from them."""
    return max(3 / max(examples, 1), RIDGE)


def usual_threshold(examples: int) -> float:
    """Return from which likeness on an object counts as like the examples, if nobody says otherwise.

    One example is like itself alone, and its kin are less like it; of many, each is one of the kin. 0.2 with one, 0.29
    with three, 0.43 with ten; never more than half way from the plane's average object to the examples.
    """
    return min(0.2 * float(np.cbrt(max(examples, 1))), 0.5)


@dataclass(frozen=True, eq=False)
class Population:
    """The objects of a plane, as what examples are compared with.

    Attributes
    ----------
    mean, scale
        (D,) what descriptions are centred and scaled by.
    vectors
        (N, D) descriptions, centred, scaled and of length 1 or 0.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    vectors: NDArray[np.float64]

    @classmethod
    def of(cls, descriptions: NDArray[np.float32], features: float = FEATURES) -> Population:
        """Take (N, D) descriptions as `core.likeness.descriptors.describe_instances` makes them.

        Parameters
        ----------
        descriptions
            The last `FORM` columns are size, shape and colour.
        features
            See `FEATURES`.
        """
        given = np.asarray(descriptions, np.float64)
        count, width = given.shape
        mean = given.mean(axis=0) if count else np.zeros(width)
        spread = given.std(axis=0) if count else np.zeros(width)
        # what is the same in all objects tells none of them apart
        varies = spread > 1e-6 * (1 + np.abs(mean))
        share = np.repeat([features, 1 - features], [max(width - FORM, 0), min(width, FORM)])
        for group in (slice(0, max(width - FORM, 0)), slice(max(width - FORM, 0), width)):
            share[group] /= max(np.count_nonzero(varies[group]), 1)
        scale = np.zeros(width)
        scale[varies] = np.sqrt(share[varies]) / spread[varies]
        return cls(mean, scale, _unit((given - mean) * scale))

    def likeness(
        self, examples: NDArray[np.float32], counter_examples: NDArray[np.float32], ridge: float | None = None
    ) -> NDArray[np.float64]:
        """Return how like the examples, and unlike the counter-examples, the objects are.

        Parameters
        ----------
        examples, counter_examples
            (E, D) and (C, D) descriptions, of objects of this plane or of another.
        ridge
            See `RIDGE`; None = `usual_ridge`.

        Returns
        -------
        numpy.ndarray
            (N,) 1 = as the examples are on average, 0 = as the plane's objects are. 1 for all if nothing tells the
            examples from the plane's objects; 0 for all if nothing but counter-examples do, or without an example.
        """
        count = len(self.vectors)
        if not len(examples) or not count:
            return np.zeros(count)
        wanted, unwanted = (
            _unit((np.asarray(e, np.float64) - self.mean) * self.scale) for e in (examples, counter_examples)
        )
        rows = np.concatenate([self.vectors, wanted, unwanted])
        target = np.repeat([0.0, 1.0, -1.0], [count, len(wanted), len(unwanted)])
        # examples together weigh as much as the plane, however few they are
        each = count / np.array([count, len(wanted), max(len(unwanted), len(wanted)) / AGAINST])
        weight = np.repeat(each, [count, len(wanted), len(unwanted)])
        target -= np.average(target, weights=weight)
        weighted = rows * weight[:, None]
        ridge = usual_ridge(len(wanted)) if ridge is None else ridge
        normal = rows.T @ weighted + ridge * count * np.eye(rows.shape[1])
        direction = np.linalg.solve(normal, weighted.T @ target)
        scores = self.vectors @ direction
        usual, best = scores.mean(), (wanted @ direction).mean()
        if best - usual < 1e-9:
            return np.zeros(count) if len(unwanted) else np.ones(count)
        likeness: NDArray[np.float64] = (scores - usual) / (best - usual)
        return likeness


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit
