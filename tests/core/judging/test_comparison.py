"""Which objects match, which were missed, which are false."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from skimage.measure import regionprops

from napari_fastsam.core.judging.comparison import Kind, compare
from napari_fastsam.core.judging.metrics import THRESHOLDS, iou_table, match
from napari_fastsam.core.objects.label_runs import LabelRuns
from napari_fastsam.errors import LabelsError

numbers = st.sampled_from([0, 0, 1, 2, 3, 7, 900])
pairs_of_images = array_shapes(min_dims=1, max_dims=3, max_side=9).flatmap(
    lambda shape: st.tuples(*[arrays(np.int32, shape, elements=numbers)] * 2)
)


@pytest.fixture
def known() -> tuple[np.ndarray, np.ndarray]:
    """A prediction and a truth with a good hit, one at IoU 0.5, a missed object and a false one."""
    truth, found = np.zeros((12, 30), np.int32), np.zeros((12, 30), np.int32)
    truth[0:10, 0:10], truth[0:10, 12:16], truth[0:2, 27:29] = 1, 2, 3
    found[0:10, 0:8], found[0:10, 13:18], found[6:9, 24:28] = 5, 6, 9
    return found, truth


def test_a_known_case_object_by_object(known) -> None:
    found = compare(*known).found(0.5)
    rows = sorted(zip(found.kind, found.truth, found.predicted, found.iou, found.area, strict=True))
    assert rows == [
        (Kind.HIT, 1, 5, pytest.approx(0.8), 100),
        (Kind.HIT, 2, 6, pytest.approx(0.5), 40),
        (Kind.MISSED, 3, 0, 0.0, 4),
        (Kind.FALSE, 0, 9, 0.0, 12),
    ]
    missed = int(np.flatnonzero(found.kind == Kind.MISSED)[0])
    assert found.centroid[missed].tolist() == [0.5, 27.5]
    assert found.box[missed].tolist() == [0, 27, 2, 29]


def test_what_was_not_matched_names_its_best_partner(known) -> None:
    found = compare(*known).found(0.75)
    rows = {
        (kind, t, p, round(iou, 3))
        for kind, t, p, iou in zip(found.kind, found.truth, found.predicted, found.iou, strict=True)
    }
    assert rows == {
        (Kind.HIT, 1, 5, 0.8),
        (Kind.MISSED, 2, 6, 0.5),
        (Kind.FALSE, 2, 6, 0.5),
        (Kind.MISSED, 3, 0, 0.0),
        (Kind.FALSE, 0, 9, 0.0),
    }


def test_as_many_as_possible_are_matched_though_a_better_pair_is_there() -> None:
    # the pair that fits best would leave both others alone
    truth = np.repeat([1, 2], [10, 2])[None]
    found = np.array([[2] * 2 + [1] * 8 + [1] * 2])
    comparison = compare(found, truth)
    assert comparison.matching(0.1).true_positives == 2
    assert set(comparison.found(0.1).kind) == {Kind.HIT}


def test_two_halves_at_exactly_half_make_one_hit() -> None:
    found = np.repeat([4, 0], [10, 2])[None]
    truth = np.repeat([1, 2, 0], [5, 5, 2])[None]
    assert (iou_table(found, truth) == 0.5).all()
    matching = compare(found, truth).matching(0.5)
    assert (matching.true_positives, matching.false_negatives, matching.false_positives) == (1, 1, 0)


@given(pairs_of_images, st.sampled_from([0.1, 0.3, *THRESHOLDS]))
def test_the_numbers_are_those_of_metrics(images, threshold) -> None:
    ours, (theirs,) = compare(*images).matching(threshold), match(*images, (threshold,))
    for name in ("true_positives", "false_positives", "false_negatives"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.matched_iou == pytest.approx(theirs.matched_iou)


@given(pairs_of_images, st.sampled_from([0.1, 0.5, 0.75]))
def test_every_object_has_one_row(images, threshold) -> None:
    predicted, truth = images
    found = compare(predicted, truth).found(threshold)
    is_true, is_predicted = found.kind != Kind.FALSE, found.kind != Kind.MISSED
    assert sorted(found.truth[is_true]) == [n for n in np.unique(truth) if n]
    assert sorted(found.predicted[is_predicted]) == [n for n in np.unique(predicted) if n]
    assert (found.iou[found.kind == Kind.HIT] >= threshold).all()


@given(pairs_of_images)
def test_areas_centroids_and_boxes_are_those_of_regionprops(images) -> None:
    predicted, truth = (image.reshape(1, -1) if image.ndim == 1 else image for image in images)
    comparison = compare(predicted, truth)
    for image, objects in ((predicted, comparison.predicted), (truth, comparison.truth)):
        expected = regionprops(image)
        assert objects.labels.tolist() == [region.label for region in expected]
        assert objects.areas.tolist() == [region.area for region in expected]
        assert objects.boxes.tolist() == [list(region.bbox) for region in expected]
        for centroid, region in zip(objects.centroids, expected, strict=True):
            np.testing.assert_allclose(centroid, region.centroid, atol=1e-9)


@given(pairs_of_images, st.sampled_from([0.3, 0.5, 0.75]))
def test_the_picture_shows_the_rows(images, threshold) -> None:
    """Pixel by pixel, by the rule as it is written down."""
    predicted, truth = images
    comparison = compare(predicted, truth)
    found, painted = comparison.found(threshold), comparison.painted(threshold)
    kind_of_predicted = {p: k for k, p in zip(found.kind, found.predicted, strict=True) if k != Kind.MISSED}
    kind_of_true = {t: k for k, t in zip(found.kind, found.truth, strict=True) if k != Kind.FALSE}
    assert painted.shape == truth.shape
    for p, t, value in zip(predicted.flat, truth.flat, painted.flat, strict=True):
        missed = t and kind_of_true[t] == Kind.MISSED
        if missed and (not p or (truth == t).sum() < (predicted == p).sum()):
            assert value == Kind.MISSED
        else:
            assert value == (kind_of_predicted[p] if p else 0)


def test_a_cell_lost_inside_of_another_and_the_parts_of_a_split_one_are_seen() -> None:
    truth, found = np.zeros((10, 40), int), np.zeros((10, 40), int)
    truth[:, 0:8], truth[:, 9:12] = 1, 2
    found[:, 0:14] = 1  # two cells taken for one
    truth[:, 20:30] = 3
    found[:, 20:24], found[:, 25:30] = 2, 3  # one cell cut into two
    painted = compare(found, truth).painted(0.6)[0]
    assert painted[10] == Kind.MISSED
    assert painted[22] == painted[27] == Kind.FALSE
    assert painted[24] == Kind.MISSED


@pytest.mark.parametrize("empty", ["predicted", "truth", "both"])
def test_an_image_without_objects_is_no_special_case(known, empty) -> None:
    predicted, truth = (
        image * (empty not in (name, "both")) for name, image in zip(("predicted", "truth"), known, strict=True)
    )
    comparison = compare(predicted, truth)
    matching = comparison.matching(0.5)
    assert matching.true_positives == 0
    assert len(comparison.found(0.5)) == matching.false_positives + matching.false_negatives
    assert not (comparison.painted(0.5) == Kind.HIT).any()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0,)])
def test_an_image_without_pixels_has_no_objects(shape) -> None:
    comparison = compare(np.zeros(shape, int), np.zeros(shape, int))
    assert len(comparison.found(0.5)) == 0
    assert comparison.painted(0.5).shape == shape


def test_labels_of_any_integer_type_and_masks_are_taken() -> None:
    truth = np.zeros((4, 6), np.uint64)
    truth[1:3, 1:4] = 2**63 - 1
    found = compare(truth > 0, truth).found(0.5)
    assert found.truth.tolist() == [2**63 - 1]
    assert found.predicted.tolist() == [1]


def test_thousands_of_objects_need_no_table_of_all_pairs() -> None:
    side = 320  # 25 600 objects in each: a table of all pairs would have 5 GB
    labels = np.kron(np.arange(1, (side // 2) ** 2 + 1).reshape(side // 2, -1), np.array([[1, 1], [1, 0]]))
    comparison = compare(labels, np.flipud(np.fliplr(labels)))
    assert len(comparison.predicted) == (side // 2) ** 2
    assert comparison.matching(0.5).true_positives == (side // 2) ** 2


def test_shapes_that_differ_are_named() -> None:
    with pytest.raises(LabelsError, match=r"\(4, 5\) and \(4, 6\)"):
        compare(np.zeros((4, 5), int), np.zeros((4, 6), int))


@pytest.mark.parametrize("wrong", [np.zeros((3, 3)), np.array(3)])
def test_what_is_no_label_image_is_refused(wrong) -> None:
    with pytest.raises(LabelsError, match="whole numbers"):
        LabelRuns.of(wrong, wrong)
