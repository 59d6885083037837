"""Which object does each prompt mean?"""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import Selection, select

SHAPE = (60, 80)
CLUSTER, CELL, OTHER, NUCLEUS = range(4)


def disk(row: float, column: float, radius: float) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(y - row, x - column) <= radius


@pytest.fixture
def nested() -> Instances:
    """A cluster that holds two cells, the first of which holds a nucleus."""
    masks = [disk(30, 40, 25), disk(30, 28, 10), disk(30, 52, 10), disk(30, 28, 4)]
    return Instances.from_masks(masks, [0.9, 0.85, 0.8, 0.7])


def one(selections: list[Selection]) -> Selection:
    (selection,) = selections
    return selection


def indices(selection: Selection) -> list[int | None]:
    return [candidate.index for candidate in selection.candidates]


def circle(row: float, column: float, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([row + radius * np.sin(angle), column + radius * np.cos(angle)], axis=1)


class TestPoint:
    @pytest.mark.parametrize(
        ("point", "index"),
        [((30, 28), NUCLEUS), ((30, 22), CELL), ((30, 52), OTHER), ((10, 40), CLUSTER)],
        ids=["nucleus", "cell", "other", "cluster"],
    )
    def test_the_smallest_object_around_it(self, nested: Instances, point: tuple[int, int], index: int) -> None:
        found = one(select(nested, Prompts(points=[point])))
        assert found.index == index
        assert found.mask is not None
        assert found.mask[point]
        assert (found.mask == nested.mask(index)).all()
        assert found.score == pytest.approx(float(nested.scores[index]))

    @pytest.mark.parametrize(("reach", "index"), [(0.25, NUCLEUS), (0.1, CELL), (0.0, CLUSTER)])
    def test_a_score_beyond_reach_is_no_smallest(self, nested: Instances, reach: float, index: int) -> None:
        found = one(select(nested, Prompts(points=[[30, 28]]), score_reach=reach))
        assert found.index == index
        assert set(indices(found)) == {CLUSTER, CELL, NUCLEUS}, "the others stay alternatives"

    @pytest.mark.parametrize(
        ("point", "reason"),
        [
            ((2, 2), "no object there"),
            ((-0.6, 5), "outside the image of 60 × 80 pixels"),
            ((5, 79.5), "outside the image"),
            ((1e300, 5), "outside the image"),
        ],
    )
    def test_nothing_found_is_said(self, nested: Instances, point: tuple[float, float], reason: str) -> None:
        found = one(select(nested, Prompts(points=[point])))
        assert not found.found
        assert found.mask is None
        assert found.crop is None
        assert found.index is None
        assert np.isnan(found.score)
        assert reason in found.reason

    def test_the_border_pixel_is_inside(self) -> None:
        whole = Instances.from_masks([np.ones(SHAPE, bool)])
        assert one(select(whole, Prompts(points=[[-0.5, -0.5]]))).found
        assert one(select(whole, Prompts(points=[[59.4, 79.4]]))).found

    def test_each_point_is_an_object_of_its_own(self, nested: Instances) -> None:
        found = select(nested, Prompts(points=[[30, 52], [2, 2], [30, 28]]))
        assert [s.index for s in found] == [OTHER, None, NUCLEUS]
        assert [s.prompt.indices for s in found] == [(0,), (1,), (2,)]

    def test_points_with_one_number_are_one_object(self, nested: Instances) -> None:
        prompts = Prompts(points=[[30, 28], [30, 52]], point_objects=[1, 1])
        found = one(select(nested, prompts))
        assert found.index == CLUSTER
        assert found.prompt.indices == (0, 1)

    def test_points_that_no_object_holds_together(self, nested: Instances) -> None:
        found = one(select(nested, Prompts(points=[[30, 28], [2, 2]], point_objects=[1, 1])))
        assert found.reason == "no object holds all these points"


class TestNegativePoint:
    def test_it_vetoes_what_contains_it(self, nested: Instances) -> None:
        prompts = Prompts(points=[[30, 22], [10, 40]], point_labels=[1, 0])
        assert indices(one(select(nested, prompts))) == [CELL]

    def test_it_has_no_object_itself(self, nested: Instances) -> None:
        assert select(nested, Prompts(points=[[30, 28]], point_labels=[0])) == []

    def test_every_object_vetoed_is_said(self, nested: Instances) -> None:
        prompts = Prompts(points=[[30, 22], [30, 23]], point_labels=[1, 0])
        assert one(select(nested, prompts)).reason == "every object there holds a negative point"

    def test_with_a_number_it_speaks_of_that_object_only(self, nested: Instances) -> None:
        prompts = Prompts(points=[[30, 28], [30, 28], [30, 28]], point_labels=[1, 1, 0], point_objects=[1, 2, 1])
        first, second = select(nested, prompts)
        assert not first.found
        assert second.index == NUCLEUS

    def test_with_a_number_it_does_not_speak_of_points_and_boxes_without(self, nested: Instances) -> None:
        prompts = Prompts(
            points=[[30, 28], [30, 28]], point_labels=[1, 0], point_objects=[0, 5], boxes=[[20, 42, 41, 63]]
        )
        point, box = select(nested, prompts)
        assert point.index == NUCLEUS
        assert box.index == OTHER

    @pytest.mark.parametrize("kind", ["boxes", "outlines", "scribbles"])
    def test_without_a_number_it_speaks_of_everything(self, nested: Instances, kind: str) -> None:
        shape = {"boxes": [20, 18, 41, 39], "outlines": circle(30, 28, 10), "scribbles": [[30, 22], [24, 28]]}[kind]
        assert one(select(nested, Prompts(**{kind: [shape]}))).index == CELL
        vetoed = one(select(nested, Prompts(**{kind: [shape]}, points=[[37, 28]], point_labels=[0])))
        assert not vetoed.found
        assert "holds a negative point" in vetoed.reason


class TestBox:
    def test_the_object_that_fits_it_best(self, nested: Instances) -> None:
        found = select(nested, Prompts(boxes=[[20, 18, 41, 39], [26, 24, 35, 33], [4, 14, 56, 66]]))
        assert [s.index for s in found] == [CELL, NUCLEUS, CLUSTER]
        assert all(s.fits[0] > 0.9 for s in found)

    @pytest.mark.parametrize(
        ("box", "reason"),
        [
            ([100, 100, 120, 120], "outside the image of 60 × 80 pixels"),
            ([-20, -20, 0, 10], "outside the image"),
            ([10, 10, 10, 20], "has no area"),
            ([0, 0, 3, 3], "no object overlaps the box by 0.4: none at all"),
            ([30, 28, 33, 31], "no object overlaps the box by 0.4: the closest by 0"),
        ],
    )
    def test_nothing_found_is_said(self, nested: Instances, box: list[int], reason: str) -> None:
        found = one(select(nested, Prompts(boxes=[box])))
        assert not found.found
        assert found.mask is None
        assert reason in found.reason

    def test_reversed_corners_mean_the_same_box(self, nested: Instances) -> None:
        assert one(select(nested, Prompts(boxes=[[41, 39, 20, 18]]))).index == CELL

    def test_a_box_that_reaches_out_of_the_image_counts_as_far_as_it_is_inside(self) -> None:
        corner = np.zeros(SHAPE, bool)
        corner[:10, :10] = True
        assert one(select(Instances.from_masks([corner]), Prompts(boxes=[[-90, -90, 10, 10]]))).fits[0] == 1

    def test_a_point_inside_refines_it(self, nested: Instances) -> None:
        box = [4, 20, 56, 66]  # fits the cluster best
        ring = Instances.from_masks([nested.mask(CLUSTER) & ~nested.mask(CELL), nested.mask(CLUSTER)], [0.9, 0.8])
        assert one(select(ring, Prompts(boxes=[box]))).index == 0
        assert one(select(ring, Prompts(boxes=[box], points=[[30, 28]]))).index == 1

    def test_points_inside_that_no_object_holds(self, nested: Instances) -> None:
        found = one(select(nested, Prompts(boxes=[[20, 18, 41, 39]], points=[[21, 19]])))
        assert found.reason == "no object that overlaps the box holds the points inside it"

    def test_an_empty_mask_is_no_answer(self) -> None:
        empty = Instances(
            np.array([[5, 5, 15, 15]]), np.array([0.9]), (CroppedMask(5, 5, np.zeros((10, 10), bool)),), SHAPE
        )
        found = one(select(empty, Prompts(boxes=[[5, 5, 15, 15]])))
        assert not found.found
        assert "empty" in found.reason


class TestOutline:
    def test_the_object_whose_mask_fits_it_best(self, nested: Instances) -> None:
        found = select(nested, Prompts(outlines=[circle(30, 28, 10), circle(30, 28, 4.5), circle(30, 40, 25)]))
        assert [s.index for s in found] == [CELL, NUCLEUS, CLUSTER]

    def test_it_tells_apart_what_a_box_cannot(self) -> None:
        rows, columns = np.mgrid[:40, :40]
        masks = np.zeros((2, *SHAPE), bool)
        masks[0, :40, :40] = rows >= columns
        masks[1, :40, :40] = rows <= columns
        halves = Instances.from_masks(masks, [0.9, 0.5])
        triangle = [[0, 0], [0, 39], [39, 39]]
        assert one(select(halves, Prompts(outlines=[triangle]))).index == 1
        assert one(select(halves, Prompts(boxes=[[0, 0, 40, 40]]))).index == 0

    @pytest.mark.parametrize(
        ("outline", "reason"),
        [
            (circle(-50, -50, 5), "holds no pixel of the image"),
            (circle(4, 4, 3), "no object overlaps the outline by 0.4: none at all"),
            (circle(30, 52, 3), "the closest by 0.0"),
        ],
        ids=["outside", "on nothing", "far too small"],
    )
    def test_nothing_found_is_said(self, nested: Instances, outline: np.ndarray, reason: str) -> None:
        found = one(select(nested, Prompts(outlines=[outline])))
        assert not found.found
        assert reason in found.reason


class TestScribble:
    def test_the_object_that_holds_it(self, nested: Instances) -> None:
        found = one(select(nested, Prompts(scribbles=[[[30, 20], [30, 36]]])))
        assert indices(found) == [CELL, CLUSTER], "both hold all of it: the smaller first"
        halfway = one(select(nested, Prompts(scribbles=[[[30, 16], [30, 36]]])))
        assert indices(halfway) == [CLUSTER, CELL], "the cell holds less of it"
        assert one(select(nested, Prompts(scribbles=[[[10, 40]]]))).index == CLUSTER

    @pytest.mark.parametrize(
        ("scribble", "reason"),
        [
            ([[1, 1], [1, 70]], "no object holds 70% of it: at most 0%"),
            ([[30, 5], [30, 25]], "at most 52%"),
            ([[-30, -5], [-30, 25]], "outside the image"),
        ],
    )
    def test_nothing_found_is_said(self, nested: Instances, scribble: list[list[int]], reason: str) -> None:
        found = one(select(nested, Prompts(scribbles=[scribble])))
        assert not found.found
        assert reason in found.reason


class TestAlternatives:
    def test_larger_and_smaller_step_through_the_candidates_by_area(self, nested: Instances) -> None:
        nucleus = one(select(nested, Prompts(points=[[30, 28]])))
        assert nucleus.smaller().index == NUCLEUS
        cell = nucleus.larger()
        assert cell.index == CELL
        assert (nucleus.smaller().place, cell.place, cell.larger().place) == (0, 1, 2)
        assert cell.larger().index == CLUSTER
        assert cell.larger().larger().index == CLUSTER
        assert cell.smaller().index == NUCLEUS
        assert nucleus.index == NUCLEUS, "a selection is a value"

    def test_nothing_has_no_alternatives(self, nested: Instances) -> None:
        nothing = one(select(nested, Prompts(points=[[2, 2]])))
        assert nothing.place == -1
        assert not nothing.larger().found
        assert not nothing.smaller().found


def test_one_selection_a_prompt_in_order(nested: Instances) -> None:
    prompts = Prompts(
        points=[[30, 52], [30, 28], [25, 28], [2, 2]],
        point_labels=[1, 1, 1, 0],
        point_objects=[0, 7, 7, 0],
        boxes=[[0, 0, 1, 1], [20, 18, 41, 39]],
        outlines=[circle(30, 52, 10)],
        scribbles=[[[30, 20], [30, 36]]],
    )
    found = select(nested, prompts)
    assert [s.prompt for s in found] == [query.ref for query in prompts.queries]
    assert [str(s.prompt) for s in found] == ["point 1", "points 2, 3", "box 1", "box 2", "outline 1", "scribble 1"]


def test_no_instances_and_no_prompts(nested: Instances) -> None:
    assert select(nested, Prompts()) == []
    none = nested.subset([])
    prompts = Prompts(points=[[5, 5]], boxes=[[1, 1, 9, 9]], outlines=[circle(9, 9, 5)], scribbles=[[[40, 3], [40, 9]]])
    found = select(none, prompts)
    assert len(found) == 3 + 1 - 1, "the point refines the box"
    assert not any(s.found for s in found)


coordinate = st.floats(-5, 20)
points = st.lists(st.tuples(coordinate, coordinate), max_size=5)


@given(
    arrays(bool, st.tuples(st.integers(0, 5), st.just(12), st.just(14))),
    points,
    st.lists(st.tuples(*[coordinate] * 4), max_size=3),
    st.lists(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=5), max_size=2),
    st.lists(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=4), max_size=2),
    st.data(),
)
def test_whatever_is_asked_the_answer_is_sound(
    masks: np.ndarray,
    points: list[tuple[float, float]],
    boxes: list[tuple[float, float, float, float]],
    outlines: list[list[tuple[float, float]]],
    scribbles: list[list[tuple[float, float]]],
    data: st.DataObject,
) -> None:
    labels = data.draw(st.lists(st.integers(0, 1), min_size=len(points), max_size=len(points)))
    numbers = data.draw(st.lists(st.integers(0, 2), min_size=len(points), max_size=len(points)))
    prompts = Prompts(points, labels, numbers, boxes, outlines, scribbles)
    instances = Instances.from_masks(masks)
    found = select(instances, prompts)
    assert [s.prompt for s in found] == [query.ref for query in prompts.queries]
    negatives = prompts.points[(prompts.point_labels == 0) & (prompts.point_objects == 0)]
    for selection in found:
        assert selection.reason
        assert len(set(indices(selection))) == len(selection.candidates) == len(selection.fits)
        for i in indices(selection):
            crop = instances.masks[i]
            assert crop.area > 0
            assert not crop.covers(negatives).any()
            if selection.prompt.kind == "point":
                assert crop.covers(prompts.points[list(selection.prompt.indices)]).all()
        if selection.prompt.kind in ("box", "outline"):
            assert (selection.fits >= 0.4).all()
            assert (np.diff(selection.fits) <= 0).all()
