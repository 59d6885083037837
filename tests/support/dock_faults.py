"""What several tests of faults in the dock do."""

from __future__ import annotations

import numpy as np

NUCLEI = np.array([[126, 94], [147, 244]], float)


def works_again(b, cells):
    """Whatever happened, an image and a click give an object."""
    layer = b.viewer.add_image(cells, name="another", contrast_limits=(0, 80))
    b.dock.image.value = layer
    b.dock.model.value, b.dock.device.value = "nuclei", "auto"
    b.dock.task.value = "prompts"
    b.dock.points.value = None
    b.settle()
    b.click(NUCLEI[0])
    assert b.shown[126, 94] == 1
