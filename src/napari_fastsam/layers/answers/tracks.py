"""Objects linked through time as a Tracks layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Tracks

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
        for number in np.intersect1d(np.unique(labels), ids).tolist():
            y, x = (float(along.mean()) for along in np.nonzero(labels == number))
            place = request.plane.at(0, position).region_to_data([[y, x]])[0]
            rows.append([number, *place.tolist()])
    data = np.array(sorted(rows), np.float64)
    there = set(data[:, 0].astype(int).tolist())
    graph = {child: [parent] for child, parent in sorted(links.parents.items()) if {child, parent} <= there}
    return Tracks(data, graph=graph, name=name, **placed_on(image, np.zeros(image.ndim), np.ones(image.ndim)))
