"""What is measured of every object: place, size, shape and brightness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.pixel_sums import numbered
from napari_fastsam.errors import LabelsError

if TYPE_CHECKING:
    import pandas as pd

PLACE = ("area", "centroid", "bbox")
SHAPE = ("axis_major_length", "axis_minor_length", "eccentricity", "perimeter", "solidity")
"""Of scikit-image's region properties, in pixels; the latter of planes only."""

BRIGHTNESS = ("intensity_mean", "intensity_min", "intensity_max", "intensity_std")


def measure(
    labels: NDArray[np.integer],
    image: NDArray[np.generic] | None = None,
    scores: Mapping[int, float] | None = None,
    axes: Sequence[str] = ("y", "x"),
) -> pd.DataFrame:
    """Measure the objects of a plane, or of a stack in which they have one number each.

    Parameters
    ----------
    labels
        (Y, X), or with more axes; 0 = background.
    image
        The same pixels, or with channels as another, last axis; None leaves brightness out.
    scores
        Confidence by number.
    axes
        Names of the axes, for the names of the columns.

    Returns
    -------
    pandas.DataFrame
        A row an object, in ascending order of ``label``: ``area``, ``centroid_y``, ``centroid_x``, ``y0``, ``x0``,
        ``y1``, ``x1``; of planes also the lengths of the axes, ``eccentricity``, ``perimeter``, ``solidity``; then for
        each channel ``intensity_mean``, ``_min``, ``_max``, ``_std`` (numbered from 0 if there are several); and
        ``score``.

    Raises
    ------
    LabelsError
        If image and labels are not of one shape.
    """
    # here, and the dock opens without them
    import pandas as pd
    from skimage.measure import regionprops_table

    if image is not None and image.shape[: labels.ndim] != labels.shape:
        raise LabelsError(f"the labels have shape {labels.shape} and the image {image.shape}; expected the same pixels")
    wanted = ("label", *PLACE, *(SHAPE if labels.ndim == 2 else ()), *(BRIGHTNESS if image is not None else ()))
    # of numbers that are far apart scikit-image would look at every one between
    numbers, small = numbered(labels)
    pixels = None if image is None else np.asarray(image, np.float64)
    table = pd.DataFrame(regionprops_table(small, pixels, properties=wanted))  # type: ignore[no-untyped-call]
    table["label"] = numbers[table["label"].to_numpy(int) - 1]
    table = table.rename(columns=_names(axes)).rename(columns=lambda name: name.replace("-", "_"))
    if scores is not None:
        table["score"] = [scores.get(int(number), float("nan")) for number in table["label"]]
    return table


def _names(axes: Sequence[str]) -> dict[str, str]:
    names = {f"centroid-{i}": f"centroid_{axis}" for i, axis in enumerate(axes)}
    ends = [f"{axis}{end}" for end in "01" for axis in axes]
    return names | {f"bbox-{i}": name for i, name in enumerate(ends)}


def is_measured(column: str, axes: Sequence[str]) -> bool:
    """Return whether a column is, by its name, what `measure` writes of objects on axes, beside the area in pixels."""
    ends = [f"{axis}{end}" for axis in axes for end in "01"]
    return column in (*SHAPE, *ends, "area_um2") or column.startswith(("centroid_", "intensity_"))
