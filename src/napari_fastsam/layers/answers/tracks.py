"""Objects linked through time as a Tracks layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Tracks
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.planes.transforms import placed_on

if TYPE_CHECKING:
    from napari.layers import Image

NO_LINKED_OBJECTS = "There are no linked objects yet: segment everything on all planes, then make the tracks."


def tracks_of(result: Result, *, name: str = "FastSAM tracks") -> Tracks:
    """Make a Tracks layer of the objects of a stack, lying exactly on its image; divisions are in its graph.

    Raises
    ------
    LabelsError
        If the result is not of all objects of a stack, has none, or its planes do not lie along the first axis, which
        is time for a Tracks layer.
    """
    request = result.request
    image: Image = request.controls.image
    stack, links = request.stack, result.links
    if stack is None or links is None or not links.count:
        raise LabelsError(NO_LINKED_OBJECTS)
    if stack.axis != 0:
        raise LabelsError(
            f'The planes lie along axis {stack.axis} of image "{image.name}", but a Tracks layer needs time on the '
            "first axis. Choose that axis, or transpose the image."
        )
    rows = []
    for position, (labels, ids) in enumerate(zip(result.labels, links.ids, strict=True)):
        numbers, centres = _centres(labels)
        linked = np.isin(numbers, ids)
        places = request.plane.at(0, position).region_to_data(centres[linked])
        rows.append(np.column_stack([numbers[linked], places]))
    data = np.concatenate(rows)
    data = data[np.lexsort((data[:, 1], data[:, 0]))]
    there = set(data[:, 0].astype(int).tolist())
    graph = {child: [parent] for child, parent in sorted(links.parents.items()) if {child, parent} <= there}
    return Tracks(data, graph=graph, name=name, **placed_on(image, np.zeros(image.ndim), np.ones(image.ndim)))


def _centres(labels: NDArray[np.integer]) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    """Return the numbers in a label image, and (N, 2) rows and columns of the middle of each, in one pass over it."""
    pixels = np.nonzero(labels)
    values = labels[pixels]
    counts = np.bincount(values)
    numbers = np.flatnonzero(counts)
    sums = [np.bincount(values, weights=along)[numbers] for along in pixels]
    return numbers, np.stack(sums, axis=1) / counts[numbers, None]
