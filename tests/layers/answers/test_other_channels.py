"""By how much a place differs from what is around it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.layers.answers.other_channels import contrast_at

LIMITS = (0, 255)


@pytest.fixture
def even():
    return 100 + np.random.default_rng(0).normal(0, 1, (400, 400))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [(200, 200), (200, 300)], ids=["beside", "within"])
def test_what_is_no_number_shows_nothing(even, place, value):
    even[:, 210:] = value
    assert contrast_at(even, place, LIMITS) < 0.01


def test_an_object_shows_also_beside_what_is_no_number(even):
    even[180:220, 180:220] += 60
    even[:, 230:] = np.nan
    assert contrast_at(even, (200, 200), LIMITS) > 0.5
