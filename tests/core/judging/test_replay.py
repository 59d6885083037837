"""Labels made again: which numbers they get."""

import numpy as np

from napari_fastsam.core.judging.replay import numbered_as_before


def test_a_number_that_the_type_of_the_labels_cannot_hold_is_kept():
    before, after = np.zeros((6, 6), np.uint8), np.zeros((6, 6), np.int64)
    before[0, :2], after[0, :2], after[4, 4:] = 255, 256, 257
    labels, numbers = numbered_as_before(before, after, [], 255)
    assert numbers == {256: 255, 257: 256}
    assert labels[4, 4:].tolist() == [256, 256]
    same, _ = numbered_as_before(before, np.where(after == 257, 0, after), [], 255)
    assert same.dtype == np.uint8
