"""A controller on a desk, and the same after a click."""

from __future__ import annotations

import pytest

from desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def clicked(desk) -> Desk:
    """A click that was answered."""
    desk.answers.points.append((3, 3))
    desk.controller.update()
    desk.finish()
    assert desk.drawn is desk.controller.shown is not None
    return desk
