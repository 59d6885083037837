"""A session on an image in a viewer without a window, with layers for prompts."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Image

from napari_fastsam.layers.answers.cache import MEGABYTE
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.answers.session import Session
from napari_fastsam.layers.prompts.new import new_points, new_shapes


class Setup:
    """What is asked, and what comes of it."""

    def __init__(self, pixels: Any, contrast_limits: tuple[float, float] = (0, 80)) -> None:
        self.viewer = ViewerModel()
        self.image = self.viewer.add_layer(Image(pixels, contrast_limits=contrast_limits))
        self.points = self.viewer.add_layer(new_points(self.image))
        self.shapes = self.viewer.add_layer(new_shapes(self.image))
        self.session = Session(self.viewer, 512 * MEGABYTE)

    def request(self, earlier: Request | None = None, **controls: Any) -> Request:
        """Freeze what is asked for now."""
        options = {"points": self.points, "shapes": self.shapes, "device": "cpu", **controls}
        return self.session.request(Controls(self.image, **options), earlier)

    def result(self, **controls: Any) -> tuple[Result, list[str]]:
        """Have it answered; returns the answer, and what was said meanwhile."""
        request = self.request(**controls)
        said = list(self.session.work(request))
        return self.session.result(request), said

    def number(self, *objects: int) -> None:
        """Give the points object numbers."""
        self.points.features = self.points.features.assign(object=objects)
