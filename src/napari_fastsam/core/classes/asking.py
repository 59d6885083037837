"""Which object to ask about next: the one whose answer teaches most about all others."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.classes.classifier import ClassModel

MOST_ASKED = 2000
"""Objects that are compared with each other; of more, every so many."""


def gains(model: ClassModel) -> NDArray[np.float64]:
    """Return how much the answer about each object would teach: (N,), at least 0.

    An answer changes the scores of all objects in proportion to how they lie to it in the regression's own metric, and
    is worth that where the answer is open: the reduction of the scores' variance (Cohn et al., *Active learning with
    statistical models*, JAIR 1996, in its form for regression) times the probability that the present guess is wrong.
    """
    rows = model.rows
    step = -(-len(rows) // MOST_ASKED) or 1
    spread = rows @ model.inverse
    own = np.einsum("ij,ij->i", spread, rows)
    moved = ((spread @ rows[::step].T) ** 2).mean(axis=1) / (1 + own)
    open_ = 1 - model.probabilities.max(axis=1)
    gain: NDArray[np.float64] = moved * open_
    return gain


def next_object(model: ClassModel, known: Collection[int]) -> int | None:
    """Return the row of the object to ask about; None if all are known or were asked.

    Parameters
    ----------
    model
        What was learnt so far.
    known
        Rows that have a class already, or that are not to be asked about.
    """
    gain = gains(model)
    gain[list(known)] = -1
    best = int(gain.argmax()) if len(gain) else 0
    return best if len(gain) and gain[best] >= 0 else None
