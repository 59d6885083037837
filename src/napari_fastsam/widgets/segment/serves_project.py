"""What other docks ask of the dock *FastSAM*: to work on their image, and to see the next one beforehand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_fastsam.errors import FastSAMError
from napari_fastsam.widgets.common.runner import Runner

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_fastsam.widgets.segment.engine import Engine


class PredictsAhead:
    """Has the network see an image that is not in the viewer yet; whatever the user waits for goes first.

    Parameters
    ----------
    engine
        What works behind the dock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runner = Runner(lambda step: None, self._ended)
        self._begun: Image | None = None
        self._failed: Image | None = None

    def start(self, image: Image) -> bool:
        """Begin with an image, unless the network is busy; returns whether nothing is left to do, now or later."""
        engine = self._engine
        if self._runner.busy or engine.controller.work is not None:
            return False
        try:
            controls = engine.panels.freeze()
            if controls is None or controls.region != "plane" or controls.channels:
                return True
            controls = replace(controls, image=image, points=None, shapes=None, starts=(), task="everything")
            request = engine.session.request(controls)
        except FastSAMError:  # whoever opens the image is told
            return True
        if request.waits_for_run or self._failed is image or engine.session.cache.get(request.key) is not None:
            return True
        self._begun = image
        self._runner.start(lambda: engine.session.work(request, user_initiated=False), None)
        return False

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        if error is not None:  # whoever opens the image is told
            self._failed = self._begun

    def give_way(self) -> None:
        """End what is under way: the user waits for something."""
        self._runner.cancel()

    def close(self) -> None:
        """End, for good."""
        self._runner.close()


class ServesProject:
    """A dock that others tell which image comes next."""

    _engine: Engine
    _ahead: PredictsAhead

    def work_on(self, image: Image, labels: Labels) -> None:
        """Find objects in an image, and add them to a Labels layer."""
        panels = self._engine.panels
        self._engine.following.choices.refresh()
        panels.source.image.value = image
        panels.labels.labels.value = labels

    def predict_ahead(self, image: Image) -> bool:
        """Have the network see an image that is not in the viewer yet, if there is nothing else to do.

        Returns whether it has seen it, or cannot; otherwise it is to be asked once more.
        """
        return self._ahead.start(image)
