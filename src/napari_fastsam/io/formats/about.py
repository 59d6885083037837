"""What is known of labels beside their pixels, as JSON within a file: provenance, objects, size of a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.provenance import entries_of, entries_to_json
from napari_fastsam.core.results.result import LabelPlanes, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError

PROVENANCE_KEY = "napari-fastsam"
OBJECTS_KEY = "napari-fastsam objects"
SCALE_KEY = "napari-fastsam scale"


def about(result: SegmentationResult, objects: bool = True) -> dict[str, Any]:
    """Return what is known of a result under keys of our own, with or without its objects; what is not is left out.

    Of a result whose planes are made as they are asked for, only once its last plane was given.
    """
    content: dict[str, Any] = {}
    if result.provenance:
        content[PROVENANCE_KEY] = entries_to_json(result.provenance)
    if objects and result.objects:
        content[OBJECTS_KEY] = [found.to_json() for found in result.objects]
    axes = result.scale
    if any(axes.units) or any(step != 1 for step in axes.scale) or any(axes.translation):
        content[SCALE_KEY] = {"axes": list(axes.axes), "scale": list(axes.scale), "units": list(axes.units)}
        if any(axes.translation):
            content[SCALE_KEY]["translation"] = list(axes.translation)
    return content


def result_from(labels: LabelPlanes, content: Mapping[str, Any], scale: Scale, path: Path) -> SegmentationResult:
    """Return a label image with what `about` says of it.

    Parameters
    ----------
    labels
        The label image.
    content
        What a file says, of this program or of any other.
    scale
        Of its axes, where `content` does not say it.
    path
        The file.

    Raises
    ------
    DatasetError
        If what stands under our keys is something else.
    """
    try:
        objects = [ResultObject.from_json(entry) for entry in content.get(OBJECTS_KEY, ())]
        stored = content.get(SCALE_KEY)
        if stored is not None:
            axes, steps, units = (tuple(stored[key]) for key in ("axes", "scale", "units"))
            scale = Scale(axes, steps, units, tuple(stored.get("translation", ())))
        provenance = entries_of(content.get(PROVENANCE_KEY))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"what {path} says of its objects is damaged ({type(error).__name__}: {error}); write the file again, or "
            "save its pixels alone with another program"
        ) from error
    return SegmentationResult(labels, objects, scale, provenance, provenance[0].image if provenance else "")
