"""What labels cost: steps, and seconds without pauses."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from napari.layers import Labels

from napari_fastsam.core.review.effort import Effort
from napari_fastsam.io.results.efforts import LabelledImage, write_efforts
from napari_fastsam.layers.review.effort import EFFORT_KEY, EffortMeter, effort_of


def test_a_pause_of_more_than_a_minute_does_not_count():
    times = iter([0.0, 4.0, 64.0, 124.5, 126.5])
    layer, meter = Labels(np.zeros((2, 2), int)), EffortMeter(lambda: next(times))
    for _ in range(5):
        meter.step(layer)

    assert effort_of(layer) == Effort(5, 66.0)


def test_what_is_done_before_there_is_a_layer_counts_for_the_first():
    times = iter([0.0, 1.0, 3.0])
    layer, meter = Labels(np.zeros((2, 2), int)), EffortMeter(lambda: next(times))
    for target in (None, None, layer):
        meter.step(target)

    assert effort_of(layer) == Effort(3, 3.0)


@pytest.mark.parametrize("damaged", [None, 3, {}, {"clicks": "x", "seconds": 1}])
def test_what_is_damaged_counts_as_nothing(damaged):
    assert effort_of(Labels(np.zeros((2, 2), int), metadata={EFFORT_KEY: damaged})) == Effort()


def test_the_table_has_a_row_an_image_and_one_for_all(tmp_path):
    images = [LabelledImage("a", 10, Effort(20, 50.0), 4, 3, 9), LabelledImage("b", 0, Effort(), untouched=0)]
    write_efforts(tmp_path / "effort.csv", images)
    with (tmp_path / "effort.csv").open(encoding="utf-8") as file:
        a, b, both = csv.DictReader(file)

    assert (a["clicks_per_object"], a["seconds_per_object"], a["right_share"]) == ("2", "5", "0.75")
    assert (b["clicks_per_object"], b["right_share"], b["untouched_share"]) == ("", "", "")
    assert (both["name"], both["objects"], both["clicks"], both["right_share"]) == ("all", "10", "20", "0.75")
    assert (a["untouched_share"], both["untouched_share"]) == ("0.9", "0.9")
