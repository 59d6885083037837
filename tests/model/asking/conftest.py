"""A picture with few nuclei, and how often the network is asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.model.network.segmenter import Model


@pytest.fixture
def counted(nuclei: Model, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Shapes of what the network was shown, in order."""
    shown: list[tuple[int, int]] = []
    propose = Model.propose

    def noted(self: Model, rgb: np.ndarray, *args: object, **more: object) -> Proposals:
        shown.append(rgb.shape[:2])
        return propose(self, rgb, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "propose", noted)
    return shown


@pytest.fixture(scope="session")
def sparse(picture: Callable[[str], np.ndarray]) -> np.ndarray:
    return picture("sparse")


@pytest.fixture(scope="session")
def drawn(picture: Callable[[str], np.ndarray]) -> list[CroppedMask]:
    labels = picture("sparse_labels")
    boxes = [np.argwhere(labels == n) for n in range(1, labels.max() + 1)]
    found = []
    for n, pixels in enumerate(boxes, start=1):
        (top, left), (bottom, right) = pixels.min(axis=0), pixels.max(axis=0) + 1
        found.append(CroppedMask(int(top), int(left), labels[top:bottom, left:right] == n))
    return found
