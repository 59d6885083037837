"""What is measured of every object: place, size, shape and brightness."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import regionprops_table

from napari_fastsam.errors import LabelsError

SHAPE = ("area", "centroid", "bbox", "axis_major_length", "axis_minor_length", "eccentricity", "perimeter", "solidity")
"""Of scikit-image's region properties; in pixels."""

BRIGHTNESS = ("intensity_mean", "intensity_min", "intensity_max", "intensity_std")


def measure(
    labels: NDArray[np.integer], image: NDArray[np.generic] | None = None, scores: Mapping[int, float] | None = None
) -> pd.DataFrame:
    """Measure the objects of a plane.

    Parameters
    ----------
    labels
        (Y, X), 0 = background.
    image
        (Y, X) or (Y, X, C) of the same plane; None leaves brightness out.
    scores
        Confidence by number.

    Returns
    -------
    pandas.DataFrame
        A row an object, in ascending order of ``label``: ``area``, ``centroid_y``, ``centroid_x``, ``y0``, ``x0``,
        ``y1``, ``x1``, the lengths of the axes, ``eccentricity``, ``perimeter``, ``solidity``; then for each channel
        ``intensity_mean``, ``_min``, ``_max``, ``_std`` (numbered from 0 if there are several); and ``score``.

    Raises
    ------
    LabelsError
        If image and labels are not of one shape.
    """
    if image is not None and image.shape[:2] != labels.shape:
        raise LabelsError(f"the labels have shape {labels.shape} and the image {image.shape}; expected the same plane")
    wanted = ("label", *SHAPE, *(BRIGHTNESS if image is not None else ()))
    # of numbers that are far apart scikit-image would look at every one between
    numbers, small = np.unique(labels, return_inverse=True)
    first = 0 if len(numbers) and numbers[0] == 0 else 1
    small = small.reshape(labels.shape) + first
    pixels = None if image is None else np.asarray(image, np.float64)
    table = pd.DataFrame(regionprops_table(small, pixels, properties=wanted))  # type: ignore[no-untyped-call]
    table["label"] = numbers[table["label"].to_numpy(int) - first]
    table = table.rename(columns=_NAMES).rename(columns=lambda name: name.replace("-", "_"))
    if scores is not None:
        table["score"] = [scores.get(int(number), float("nan")) for number in table["label"]]
    return table


_NAMES = {
    "centroid-0": "centroid_y",
    "centroid-1": "centroid_x",
    **{f"bbox-{i}": name for i, name in enumerate(("y0", "x0", "y1", "x1"))},
}
