"""The correcting network parts a mask where the picture shows an edge."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.model.correcting.splitting import part_mask
from napari_fastsam.model.correcting.weights import default_corrector

ROWS, COLUMNS = np.mgrid[:120, :160]


def halves(mask: CroppedMask) -> np.ndarray:
    """Parts that say nothing of the picture."""
    return np.where(mask.pixels, 1 + (np.arange(mask.pixels.shape[1]) >= mask.pixels.shape[1] // 2), 0)


@pytest.fixture(scope="module")
def touching() -> tuple[np.ndarray, np.ndarray]:
    """A large bright object and a small one of another brightness that touch, as a picture and as labels."""
    labels = np.zeros((120, 160), int)
    labels[np.hypot(ROWS - 60, COLUMNS - 60) < 30] = 1
    labels[(np.hypot(ROWS - 60, COLUMNS - 104) < 20) & (labels == 0)] = 2
    grey = np.random.default_rng(0).normal(20, 4, labels.shape)
    grey += np.select([labels == 1, labels == 2], [90, 190])
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2), labels


def test_each_click_gets_its_side_of_the_edge(touching):
    picture, labels = touching
    mask = CroppedMask(20, 20, labels[20:100, 20:140] > 0)
    parts = part_mask(default_corrector(), picture, mask, [[60, 55], [60, 108]], halves(mask))
    assert parts is not None
    np.testing.assert_array_equal(parts > 0, mask.pixels)
    truth = labels[20:100, 20:140]
    for part in (1, 2):
        both = np.count_nonzero((parts == part) & (truth == part))
        assert both / np.count_nonzero((parts == part) | (truth == part)) > 0.9


def test_two_clicks_on_one_pixel_part_nothing(touching):
    picture, labels = touching
    mask = CroppedMask(20, 20, labels[20:100, 20:140] > 0)
    assert part_mask(default_corrector(), picture, mask, [[60, 55], [60, 55]], mask.pixels.astype(int)) is None
