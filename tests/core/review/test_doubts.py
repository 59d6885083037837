"""Which objects are doubtful, and why."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk, ellipse
from skimage.measure import regionprops

from napari_fastsam.core.review.doubts import NOTHING, find_doubts
from napari_fastsam.core.review.measured import measure_objects
from napari_fastsam.errors import LabelsError


def cells(count=25, radius=8):
    """A square of round cells, numbered by rows."""
    side = int(np.sqrt(count))
    labels = np.zeros((40 * side, 40 * side), np.int32)
    for i in range(count):
        rows, columns = disk((40 * (i // side) + 20, 40 * (i % side) + 20), radius + (i % 3) * 0.5)
        labels[rows, columns] = i + 1
    return labels


def doubtful(labels, image=None, confidence=None, **known):
    measured = measure_objects(labels, image)
    doubts = find_doubts(measured, known, confidence)
    first = int(doubts.values.argmax())
    return int(measured.labels[first]), doubts.reason(first), float(np.sort(doubts.values)[-2])


def test_like_objects_are_not_doubtful():
    doubts = find_doubts(measure_objects(cells()))

    assert doubts.values.max() < 0.02
    assert {doubts.reason(i) for i in range(25)} == {NOTHING}


def test_a_large_object_is_doubtful():
    labels = cells()
    labels[labels == 13] = 0
    labels[disk((100, 100), 15)] = 13

    assert doubtful(labels) == (13, "three times as large as the others", pytest.approx(0, abs=0.02))


def test_a_small_object_is_doubtful_unless_the_edge_cuts_it():
    labels = cells()
    labels[labels == 13] = 0
    labels[disk((100, 100), 3)] = 13
    labels[:, 196:] = labels[:, :4][:, ::-1] = 0
    labels[18:22, 197:] = 26

    number, reason, second = doubtful(labels)
    assert number == 13
    assert "as large as the others" in reason
    assert second < 0.02


def test_a_long_one_one_of_two_pieces_and_one_cut_by_a_tile_are_doubtful():
    long = cells()
    long[long == 13] = 0
    long[ellipse(100, 100, 4, 19)] = 13
    assert doubtful(long)[:2] == (13, "long and thin: 5.1 times as long as wide, the others 1.0")

    pieces = cells()
    pieces[pieces == 14] = 13
    assert doubtful(pieces)[0] == 13

    cut = cells()
    cut[(cut == 13) & (np.arange(200) >= 103)] = 0
    number, reason, _ = doubtful(cut)
    assert (number, reason) == (13, "a straight side along column 103, as where tiles meet")


def test_a_straight_side_of_the_only_object_is_told_by_its_axis():
    labels = np.zeros((60, 60), np.int32)
    labels[disk((30, 30), 20)] = 1
    labels[:30] = 0
    assert "along row 30" in find_doubts(measure_objects(labels)).reason(0)
    assert "along column 30" in find_doubts(measure_objects(labels.T.copy())).reason(0)


def test_a_bright_object_is_doubtful():
    labels = cells()
    image = (labels > 0) * 100.0 + np.random.default_rng(0).random(labels.shape)
    image[labels == 7] += 60

    assert doubtful(labels, image)[:2] == (7, "much brighter than the others")


def test_what_the_network_and_a_classifier_said_counts():
    scores = np.full(25, 0.9)
    scores[4] = 0.3
    assert doubtful(cells(), score=scores)[:2] == (5, "score .30, close to the threshold .30")

    scores[4] = 0.9
    rivals = np.full(25, 0.2)
    rivals[9] = 0.88
    number, reason, _ = doubtful(cells(), confidence=0.25, score=scores, rival=rivals)
    assert (number, reason) == (10, "another outline was nearly as sure: score .88 to .90")

    sure = np.full(25, np.nan)
    sure[2] = 0.51
    assert doubtful(cells(), class_probability=sure)[:2] == (3, "its class is a guess: probability .51")


def test_with_few_objects_none_is_unusual():
    labels = np.zeros((60, 60), np.int32)
    labels[disk((15, 15), 4)] = 1
    labels[disk((40, 40), 15)] = 2

    assert find_doubts(measure_objects(labels)).values.max() == 0


@pytest.mark.parametrize("shape", [(0, 0), (5, 5), (3, 5, 5)])
def test_no_object_at_all(shape):
    measured = measure_objects(np.zeros(shape, np.int32))

    assert len(measured) == 0
    assert len(find_doubts(measured).values) == 0


def test_one_object():
    labels = np.zeros((5, 6, 7), np.uint16)
    labels[2, 3, 4] = 65535
    measured = measure_objects(labels)

    assert measured.places.tolist() == [[2, 3, 4]]
    assert find_doubts(measured).values.tolist() == [0]


def test_measures_are_those_of_scikit_image(fluorescence_truth, fluorescence):
    measured = measure_objects(fluorescence_truth, fluorescence)
    props = regionprops(fluorescence_truth, fluorescence)
    whole = [i for i, p in enumerate(props) if p.area > 50]

    assert measured.labels.tolist() == [p.label for p in props]
    assert measured.areas.tolist() == [p.area for p in props]
    np.testing.assert_allclose(measured.brightness, [p.intensity_mean for p in props])
    ratio = [p.axis_major_length / p.axis_minor_length for p in props]
    # a pixel has a width here, which scikit-image leaves out: it matters for the small ones
    np.testing.assert_allclose(measured.elongation[whole], np.array(ratio)[whole], rtol=0.05)
    full = [p.area / (np.pi / 4 * p.axis_major_length * p.axis_minor_length) for p in props]
    np.testing.assert_allclose(measured.fullness[whole], np.array(full)[whole], rtol=0.05)
    assert (fluorescence_truth[tuple(measured.places.T)] == measured.labels).all()


def test_a_ball_in_a_stack_is_full_and_round():
    z, y, x = np.mgrid[:21, :21, :21] - 10
    measured = measure_objects(((z**2 + y**2 + x**2) < 81).astype(int))

    assert measured.elongation[0] == pytest.approx(1, abs=0.01)
    assert measured.fullness[0] == pytest.approx(1, abs=0.02)


def test_an_image_of_another_shape_is_refused():
    with pytest.raises(LabelsError, match="expected the same pixels"):
        measure_objects(np.zeros((4, 4), int), np.zeros((4, 5)))
