"""Points layers → positive and negative points, and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.collecting import ELSEWHERE, PromptCollector
from napari_fastsam.layers.prompts.features import (
    EXAMPLE,
    EXPECTED_SIGN,
    as_object_number,
    feature_of,
    meaning_of,
    next_object,
)
from napari_fastsam.layers.prompts.sources import SOURCES, outside_reason

if TYPE_CHECKING:
    from napari.layers import Points


class PointsSource:
    """Reads Points layers.

    Points are positive unless a feature `polarity` (positive, negative) or `label` (1, 0) says otherwise; a
    feature `object` gives the object number. Those with the polarity `EXAMPLE` or `COUNTER_EXAMPLE` show what to
    search for.
    """

    name = "points"

    def vertices(self, layer: Points) -> NDArray[np.float64]:
        """Return (P, D) coordinates, one row a point."""
        return np.asarray(layer.data, np.float64)

    def read(self, layer: Points, vertices: NDArray[np.float64], plane: Plane, collector: PromptCollector) -> None:
        """Hand over each point; see `Source.read`."""
        yx = plane.data_to_region(vertices)
        on_plane, inside, shown = plane.on_plane(vertices), plane.inside(yx), np.asarray(layer.shown)
        name, signs = feature_of(layer, ("polarity", "label"))
        _, objects = feature_of(layer, ("object",))
        collector.next_object = next_object(layer)
        for row in range(len(yx)):
            meaning, number = meaning_of(signs[row]), as_object_number(objects[row])
            if not np.isfinite(yx[row]).all():
                collector.leave_out("point", row, "has a coordinate that is not finite")
            elif not shown[row]:
                collector.leave_out("point", row, "is hidden")
            elif not on_plane[row]:
                collector.leave_out("point", row, ELSEWHERE)
            elif not inside[row]:
                collector.leave_out("point", row, outside_reason(plane))
            elif meaning is None:
                collector.leave_out("point", row, f"has the {name} {signs[row]!r}; expected {EXPECTED_SIGN}")
            elif number is None:
                collector.leave_out("point", row, f"has the object {objects[row]!r}; expected a whole number from 0")
            elif isinstance(meaning, str):
                collector.add("examples" if meaning == EXAMPLE else "counter_examples", row, yx[row])
            else:
                collector.add_point(row, yx[row], meaning, number)


SOURCES["Points"] = PointsSource()
