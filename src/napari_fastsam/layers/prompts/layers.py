"""Prompt layers → prompts on a plane, with the reason for every one that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.transforms import points_between, units_apply
from napari_fastsam.layers.prompts import points as _points  # noqa: F401  # the sources register themselves
from napari_fastsam.layers.prompts import shapes as _shapes  # noqa: F401
from napari_fastsam.layers.prompts.collecting import EXAMPLE_FIELDS, Field, OtherRow, PromptCollector, ReadPrompts
from napari_fastsam.layers.prompts.features import COUNTER_EXAMPLE, EXAMPLE
from napari_fastsam.layers.prompts.places import LABELS
from napari_fastsam.layers.prompts.sources import source_for

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_fastsam.core.likeness.exemplars import Exemplars
    from napari_fastsam.layers.labels.starts import LabelStart

__all__ = ["COUNTER_EXAMPLE", "EXAMPLE", "EXAMPLE_FIELDS", "Field", "ReadPrompts", "read_prompts"]


def read_prompts(
    viewer: ViewerModel,
    image: Image,
    plane: Plane,
    points: Any = None,
    shapes: Any = None,
    texts: Sequence[str] = (),
    exemplars: Exemplars | None = None,
    starts: Sequence[LabelStart] = (),
) -> ReadPrompts:
    """Read the prompts that lie on a plane; what the rows of a layer mean is said by the source of its type.

    Parameters
    ----------
    viewer
        The viewer that holds the layers.
    image, plane
        The image, and its plane from `plane_shown`.
    points, shapes
        The prompt layers, of any dimensions; what has fewer axes than the image speaks of the plane shown.
    texts, exemplars
        What is asked for besides.
    starts
        Labels that are corrected; those on this plane are masks to start from.
    """
    use_units = units_apply(viewer)
    collector = PromptCollector()
    for start in starts:
        _read_start(start, plane, use_units, collector)
    for layer in (points, shapes):
        if layer is None or not len(layer.data):
            continue
        source = source_for(layer)
        collector.source = source.name
        vertices = points_between(layer, image, source.vertices(layer), use_units=use_units)
        source.read(layer, vertices, plane, collector)
    return collector.collected(texts, exemplars)


def _read_start(start: LabelStart, plane: Plane, use_units: bool, collector: PromptCollector) -> None:
    """Hand over a label that is corrected, if it is on the plane."""
    if not start.is_on(plane):
        return
    try:
        here = start.seen_on(plane, use_units)
    except LabelsError as error:
        collector.note(str(error))
        return
    if here is None:
        collector.note(f"{start.called} is outside the part of the image that is used.")
        return
    if here.gone:
        collector.note(f"{start.called} is gone: what becomes of it is added as a new object.")
    collector.add_shape("masks", OtherRow(LABELS, start.label), here.mask, start.number)
