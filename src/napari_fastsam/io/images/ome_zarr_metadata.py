"""What an OME-Zarr says of an image: its arrays, axes, scale and place, in every version.

What it means is said by the OME-NGFF specification, https://ngff.openmicroscopy.org: 0.1 to 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError

VERSIONS = ("0.1", "0.2", "0.3", "0.4", "0.5")
"""Those that are read."""

_FIRST_AXES = ("t", "c", "z", "y", "x")
"""Of the versions that do not name them."""


def metadata_of(group: Any) -> dict[str, Any]:
    """Return the OME metadata of a group: version 0.5 has them under "ome"."""
    attributes = dict(group.attrs)
    return dict(attributes.get("ome", attributes))


def multiscale_of(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first multiscale image that metadata describe.

    Raises
    ------
    ImageError
        If it is of a version that is not read.
    """
    (multiscale, *_) = metadata["multiscales"]
    version = str(multiscale.get("version") or metadata.get("version") or "0.4")
    if version not in VERSIONS:
        raise ImageError(
            f"it is OME-Zarr of version {version}, and {VERSIONS[0]} to {VERSIONS[-1]} are read; write it as "
            f"{VERSIONS[-1]}, or update napari-fastsam"
        )
    found: Mapping[str, Any] = multiscale
    return found


def scale_of(multiscale: Mapping[str, Any], level: int, dimensions: int) -> Scale:
    """Return the axes of a level, with what its transformations and those of all levels come to together.

    A scale of 0, which some programs write for what they do not know, counts as 1.

    Raises
    ------
    ImageError
        If it is damaged.
    """
    named = multiscale.get("axes", _FIRST_AXES[-dimensions:])
    axes = [a if isinstance(a, Mapping) else {"name": a} for a in named]
    names, units = (tuple(str(a.get(key) or "") for a in axes) for key in ("name", "unit"))
    if len(names) != dimensions or dimensions < 2:
        raise ImageError(
            f"it is damaged: an array with {dimensions} axes, of which {len(names)} have a name; expected a name for "
            "each, and rows and columns at least"
        )
    steps, place = [1.0] * dimensions, [0.0] * dimensions
    own = multiscale["datasets"][level].get("coordinateTransformations", ())
    for transformation in [*own, *multiscale.get("coordinateTransformations", ())]:
        _apply(transformation, steps, place)
    if not all(0 < s < math.inf for s in steps) or not all(map(math.isfinite, place)):
        raise ImageError(f"it is damaged: its scale is {tuple(steps)}; expected sizes of a pixel, above 0")
    return Scale(names, tuple(steps), units, tuple(place))


def _apply(transformation: Mapping[str, Any], steps: list[float], place: list[float]) -> None:
    """Let a transformation follow what `steps` and `place` come to so far."""
    kind = transformation["type"]
    if kind == "identity":
        return
    if kind not in ("scale", "translation") or kind not in transformation:
        raise ImageError(f"it has a transformation {kind!r} which is not read here; expected scale or translation")
    values = [float(v) for v in transformation[kind]]
    if len(values) != len(steps):
        raise ImageError(
            f"it is damaged: an array has {len(steps)} axes, and {len(values)} a {kind}; expected one each"
        )
    for axis, value in enumerate(values):
        if kind == "scale":
            factor = value or 1.0
            steps[axis] *= factor
            place[axis] *= factor
        else:
            place[axis] += value


def channel_names(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the channels of an image are called; empty = it does not say."""
    try:
        names = tuple(str(channel.get("label") or "") for channel in metadata["omero"]["channels"])
    except (AttributeError, KeyError, TypeError):
        return ()
    return names if any(names) else ()
