"""What a result says of itself."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.layers.answers.found import Result, SegmentedObject

LARGE = np.broadcast_to(np.int32(0), (5000, 5000))
"""Labels of a plane that is too large to look at all of it."""


def windows_of(boxes):
    objects = [SegmentedObject(1, CroppedMask(y, x, np.ones((h, w), bool)), 0.5) for y, x, h, w in boxes]
    windows = Result(None, tuple(objects), (), (), False, frozenset(), LARGE, 0.0).windows
    return sorted((y.start, x.start, y.stop, x.stop) for y, x in windows)


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@given(st.lists(st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 15)] * 2), max_size=20))
def test_windows_hold_all_objects_and_do_not_overlap(boxes):
    expected = [(y, x, y + h, x + w) for y, x, h, w in boxes]
    while pair := next((p for p in itertools.combinations(expected, 2) if overlap(*p)), None):
        together = (*np.min(pair, axis=0)[:2].tolist(), *np.max(pair, axis=0)[2:].tolist())
        expected = [box for box in expected if box not in pair] + [together]
    assert windows_of(boxes) == sorted(expected)


def test_a_window_that_grew_takes_in_what_lay_beside_its_parts():
    assert windows_of([(0, 0, 4, 20), (2, 18, 20, 4), (10, 2, 3, 3)]) == [(0, 0, 22, 22)]


def test_without_objects_there_are_no_windows():
    assert windows_of([]) == []
