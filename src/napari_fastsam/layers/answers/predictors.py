"""One interface for every kind of plane: what has to be done for a request, and what it comes to.

A request is of one kind, chosen once, when it is frozen: the first of `PREDICTORS` that serves it. A further kind of
plane is a class with these methods in a file of its own, put into the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.layers.answers.request import Controls, Request
from napari_fastsam.layers.answers.results import DrawnAnswer, Result
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.prompts.layers import ReadPrompts


class Predictor(Protocol):
    """What one kind of plane needs of the network, and how requests about it are answered."""

    name: str
    """Of the kind; `Request.kind`."""
    key: str
    """Equal for kinds that share what is kept."""
    begins_in_view: bool
    """Whether it begins where the user looks."""

    def serves(self, controls: Controls, plane: Plane) -> bool:
        """Whether a plane is of this kind."""

    def waits_for_run(self, controls: Controls, read: ReadPrompts) -> bool:
        """Whether what is asked for takes minutes, which nobody begins by moving a slider."""

    def work(self, kept: Kept, request: Request, user_initiated: bool) -> Iterator[str]:
        """Do what a request needs of the network; yields what comes next, in a few words. In any thread.

        `user_initiated` tells whether somebody waits for it: otherwise a large plane is not searched.
        """

    def result(self, kept: Kept, request: Request) -> Result | None:
        """Answer a request from what is kept; None if the network has not seen its plane."""

    def drawn(self, kept: Kept, request: Request) -> DrawnAnswer | None:
        """Answer the drawn prompts of one plane from what is kept; None if the network has not seen it."""

    def searched(self, kept: Kept, request: Request) -> Instances | None:
        """Return the objects that words and examples are compared with; None while not all that takes is kept."""

    def marked(self, kept: Kept, request: Request) -> Instances | None:
        """Return the objects that examples lie on; None while they are not known."""

    def takes_minutes(self, kept: Kept, request: Request) -> bool:
        """Whether a request asks for a run over all tiles that was not seen to its end."""

    def is_outdated(self, kept: Kept, request: Request) -> bool:
        """Whether what is kept has to go when it is asked for again: pixels were changed in place, or may have been."""


PREDICTORS: list[Predictor] = []
"""Kinds of planes, the most particular first."""


def choose_predictor(controls: Controls, plane: Plane) -> Predictor:
    """Return what predicts a plane."""
    return next(predictor for predictor in PREDICTORS if predictor.serves(controls, plane))


def predictor_of(request: Request) -> Predictor:
    """Return what predicts the plane of a request."""
    return next(predictor for predictor in PREDICTORS if predictor.name == request.kind)
