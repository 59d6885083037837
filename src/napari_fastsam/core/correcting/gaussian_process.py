"""Clicks as observations of a Gaussian process on the logits of a mask.

Each click says what the logit at its cell should be; the kernel says how alike two cells are, by where they lie and
what the picture looks like there. Conditioning needs no training and does not depend on the order of clicks. It has two
uses: to bend the network's answer where a click is not satisfied yet, and, on a mean that only knows the first mask, to
stand in for the network (the posterior mean of Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006,
eq. 2.38).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray


@dataclass(frozen=True)
class Kernel:
    """How alike two cells of a window are.

    Attributes
    ----------
    length
        Cells at which likeness by place has fallen to 0.6.
    contrast
        Difference in picture, in standard deviations of the window, at which likeness by looks has.
    margin
        Logit that a click asks for, positive or negative.
    noise
        Variance of a click's observation, as a share of the prior's.
    """

    length: float
    contrast: float
    margin: float
    noise: float = 0.02


ENFORCING = Kernel(length=6.0, contrast=1.0, margin=1.5)
"""Bends a network's answer near clicks that it did not follow."""

ALONE = Kernel(length=13.0, contrast=0.7, margin=4.0)
"""Makes a mask without a network."""


def condition(
    logits: NDArray[np.float32],
    picture: NDArray[np.float32],
    clicks: NDArray[np.float64],
    positive: NDArray[np.bool_],
    kernel: Kernel,
) -> NDArray[np.float32]:
    """Return logits that follow the clicks.

    Parameters
    ----------
    logits
        (S, S) the process's mean, positive inside the object.
    picture
        (C, S, S).
    clicks
        (N, 2) rows and columns in cells; those outside the window are ignored.
    positive
        (N,) whether the object is there.
    kernel
        A click whose logit has the right sign and at least `Kernel.margin` changes nothing, and holds its neighbourhood
        against other clicks.
    """
    cells = len(logits)
    places = np.floor(clicks + 0.5).astype(np.intp)
    seen = ((places >= 0) & (places < cells)).all(axis=1)
    places, clicks, positive = places[seen], clicks[seen], positive[seen]
    if not len(places):
        return logits
    looks = _looks(picture)
    observed = logits[tuple(places.T)]
    wanted = np.where(positive, np.maximum(observed, kernel.margin), np.minimum(observed, -kernel.margin))
    if np.array_equal(wanted, observed):
        return logits
    there = looks[:, places[:, 0], places[:, 1]]
    distance = ((clicks[:, None] - clicks[None]) ** 2).sum(axis=-1)
    difference = ((there[:, :, None] - there[:, None]) ** 2).sum(axis=0)
    covariance = _likeness(distance, difference, kernel) + kernel.noise * np.eye(len(places))
    weights = np.linalg.solve(covariance, (wanted - observed).astype(np.float64))
    result = logits.astype(np.float64)
    grid = np.arange(cells)
    for weight, (row, column), look in zip(weights, clicks, there.T, strict=True):
        apart = (grid[:, None] - row) ** 2 + (grid[None] - column) ** 2
        result += weight * _likeness(apart, ((looks - look[:, None, None]) ** 2).sum(axis=0), kernel)
    return result.astype(np.float32)


def draw_alone(
    picture: NDArray[np.float32],
    first: NDArray[np.float32] | None,
    clicks: NDArray[np.float64],
    positive: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return logits of an object from clicks, without a network.

    Parameters
    ----------
    picture
        (C, S, S).
    first
        (S, S) how much of each cell the first mask covers, 0 … 1; None = there is none.
    clicks, positive
        As in `condition`.
    """
    if first is None:
        mean = np.full(picture.shape[1:], -2.0, np.float32)
    else:
        mean = (6 * scipy.ndimage.gaussian_filter(first, 1.0) - 3).astype(np.float32)
    return condition(mean, picture, clicks, positive, ALONE)


def separation(picture: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    """Return the share of a picture's variance that a mask explains, 0 … 1, less what of the mask is cut off.

    Parameters
    ----------
    picture
        (C, S, S).
    mask
        (S, S).
    """
    looks = _looks(picture)
    share = float(mask.mean())
    if share in (0.0, 1.0):
        return 0.0
    apart = looks[:, mask].mean(axis=1) - looks[:, ~mask].mean(axis=1)
    explained = share * (1 - share) * float((apart**2).sum()) / (float(looks.var(axis=(1, 2)).sum()) + 1e-6)
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return min(explained, 1.0) * float(1 - rim.mean())


def _looks(picture: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the picture, smoothed and in standard deviations of its values."""
    smooth = scipy.ndimage.gaussian_filter(picture.astype(np.float64), (0, 1.0, 1.0))
    return np.asarray((smooth - smooth.mean()) / (smooth.std() + 0.02) / np.sqrt(len(picture)))


def _likeness(distance: NDArray[np.float64], difference: NDArray[np.float64], kernel: Kernel) -> NDArray[np.float64]:
    """Return the kernel of squared distances and squared differences in looks, both of one shape."""
    exponent = distance / (2 * kernel.length**2) + difference / (2 * kernel.contrast**2)
    return np.exp(-np.minimum(exponent, 60.0))
