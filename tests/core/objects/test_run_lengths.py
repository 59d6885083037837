"""Run lengths as COCO has them, there and back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.run_lengths import compressed, decompressed, mask_of, runs_of

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7))


@settings(deadline=None, max_examples=300)
@given(MASKS, st.tuples(*[st.integers(0, 2)] * 4))
def test_masks_come_back(pixels: NDArray[np.bool_], around: tuple[int, int, int, int]) -> None:
    top, left, below, beside = around
    shape = (top + pixels.shape[0] + below, left + pixels.shape[1] + beside)
    mask = CroppedMask(top, left, pixels)
    empty = CroppedMask(0, 0, np.zeros((1, 1), bool))
    nothing, runs, again = (own.tolist() for own in runs_of([empty, mask, mask], shape))
    assert (nothing, again) == ([shape[0] * shape[1]], runs)
    whole = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape, order="F")
    np.testing.assert_array_equal(whole, mask.full(shape))
    assert all(runs[1:]), "no run is empty but the first"
    read = mask_of(decompressed(compressed([np.array(runs)])[0]), shape)
    np.testing.assert_array_equal(np.zeros(shape, bool) if read is None else read.full(shape), whole)


@given(st.lists(st.integers(0, 1 << 40)))
def test_any_lengths_are_compressed(runs: list[int]) -> None:
    texts = compressed([np.array(runs, np.int64), np.array([7, 5], np.int64), np.array(runs[::-1], np.int64)])
    assert [decompressed(text) for text in texts] == [runs, [7, 5], runs[::-1]]
    assert compressed([]) == []


def test_the_text_is_that_of_the_coco_api() -> None:
    assert decompressed("52203") == [5, 2, 2, 2, 5]
    assert compressed([np.array([5, 2, 2, 2, 5])]) == ["52203"]
