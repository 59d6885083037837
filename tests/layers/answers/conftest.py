"""A controller on a desk, and the same after a click; the bundled model, loaded once."""

from __future__ import annotations

import pytest

from desk import Desk
from napari_fastsam.model.network import segmenter


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


@pytest.fixture(scope="module")
def model():
    return segmenter.load_model("nuclei", "cpu")


@pytest.fixture
def loads(monkeypatch, model):
    """The names of the models that were loaded; the bundled one is loaded once for all tests."""
    names = []
    real = segmenter.load_model

    def load(name, device):
        names.append(name)
        return model if name == "nuclei" else real(name, device)

    monkeypatch.setattr(segmenter, "load_model", load)
    return names
