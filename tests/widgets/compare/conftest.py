"""The dock *Compare*, opened on layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from comparing import Open


@pytest.fixture
def found(truth: np.ndarray) -> np.ndarray:
    """What somebody's segmentation of `cells` could be: every fifth nucleus lost, all moved, one made up."""
    labels = np.roll(truth, 2, axis=0)
    labels[labels % 5 == 0] = 0
    labels[120:135, 150:165] = 999
    return labels


@pytest.fixture
def stacks() -> dict[str, np.ndarray]:
    """A rod that is lost on the last two of five planes, and a false object on the last."""
    truth, found = np.zeros((5, 20, 24), np.int32), np.zeros((5, 20, 24), np.int32)
    truth[:, 4:10, 4:10] = 7
    found[:3, 4:10, 4:10] = 3
    found[4, 15:18, 18:22] = 8
    return {"found": found, "truth": truth}


@pytest.fixture
def opened(make_napari_viewer, plugin_settings, qtbot):
    made: list[Open] = []

    def make(show: bool = False, **layers: Any) -> Open:
        made.append(Open(make_napari_viewer(show=show), qtbot, **layers))
        return made[-1]

    yield make
    for one in made:
        one.dock.disconnect_all()
    made.clear()
