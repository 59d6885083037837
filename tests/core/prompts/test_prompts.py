"""Prompts as values: what is taken, what is put right and what is refused."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from napari_fastsam.core.prompts.prompts import PromptRef, Prompts
from napari_fastsam.errors import FastSAMError, PromptError

TRIANGLE = [[0, 0], [0, 9], [9, 0]]


def test_lists_become_tables() -> None:
    prompts = Prompts(points=[[1, 2]], boxes=[[0, 0, 3, 4]], outlines=[TRIANGLE], scribbles=[[[1, 1]]])
    assert prompts.points.shape == (1, 2)
    assert prompts.point_labels.tolist() == [1]
    assert prompts.point_objects.tolist() == [0]
    assert prompts.boxes.shape == (1, 4)
    assert [o.shape for o in prompts.outlines] == [(3, 2)]
    assert len(prompts) == 4


def test_none_at_all() -> None:
    prompts = Prompts()
    assert len(prompts) == 0
    assert prompts.points.shape == (0, 2)
    assert prompts.boxes.shape == (0, 4)
    assert [query.ref for query in prompts.queries] == []


def test_the_callers_array_is_copied() -> None:
    points = np.array([[1.0, 2.0]])
    prompts = Prompts(points=points)
    points[:] = 9
    assert prompts.points.tolist() == [[1, 2]]


@given(st.tuples(*[st.floats(-1e6, 1e6)] * 4))
def test_reversed_corners_are_put_in_order(box: tuple[float, float, float, float]) -> None:
    y0, x0, y1, x1 = box
    (found,) = Prompts(boxes=[box]).boxes.tolist()
    assert found == [min(y0, y1), min(x0, x1), max(y0, y1), max(x0, x1)]


@pytest.mark.parametrize("labels", [[True, False], [1.0, 0.0], np.array([1, 0], np.uint8)], ids=str)
def test_labels_of_any_type_of_number(labels: object) -> None:
    assert Prompts(points=[[0, 0], [1, 1]], point_labels=labels).point_labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"points": [1, 2, 3]}, r"points has shape \(3,\); expected \(N, 2\)"),
        ({"points": [[1, 2, 3]]}, r"points has shape \(1, 3\)"),
        ({"points": [[1, np.nan]]}, "points holds a value that is not finite in row 0"),
        ({"points": [[1, 1], [np.inf, 1]]}, "not finite in row 1"),
        ({"points": "here"}, "expected numbers"),
        ({"points": [[1, 2], [3]]}, "expected numbers"),
        ({"points": [[1, 2]], "point_labels": [1, 0]}, "point_labels has shape"),
        ({"points": [[1, 2]], "point_labels": [2]}, r"point_labels holds \[2\]"),
        ({"points": [[1, 2]], "point_labels": [-1]}, r"point_labels holds \[-1\]"),
        ({"points": [[1, 2]], "point_labels": [0.5]}, "expected whole numbers"),
        ({"points": [[1, 2]], "point_labels": [np.nan]}, "expected whole numbers"),
        ({"points": [[1, 2]], "point_labels": ["positive"]}, "expected whole numbers"),
        ({"points": [[1, 2]], "point_objects": [1.5]}, "point_objects holds"),
        ({"points": [[1, 2]], "point_objects": [1j]}, "point_objects holds"),
        ({"points": [[1, 2], [3, 4]], "point_labels": [[1], [1, 0]]}, "expected .* whole numbers, one a point"),
        ({"masks": [[[1, 0], [1]]]}, r"masks\[0\] is no array"),
        ({"boxes": [[1, 2, 3]]}, r"boxes has shape \(1, 3\)"),
        ({"boxes": [[1, 2, 3, np.inf]]}, "boxes holds a value that is not finite"),
        ({"outlines": [TRIANGLE, [[0, 0], [1, 1]]]}, r"outlines\[1\] has 2 vertices; expected at least 3"),
        ({"outlines": TRIANGLE}, r"outlines\[0\] is .*; expected a list of rows and columns"),
        ({"scribbles": [[1, 2], [3, 4]]}, r"scribbles\[0\] is \[1, 2\]; expected a list of rows and columns"),
        ({"outlines": None}, r"outlines is None; expected a list of .* or \(\) for none"),
        ({"scribbles": 3}, "scribbles is 3; expected a list"),
        ({"masks": None}, "masks is None; expected a list"),
        ({"texts": None}, "texts is None; expected a list of words"),
        ({"exemplars": 3}, "exemplars is 3; expected what"),
        ({"scribbles": [[]]}, r"scribbles\[0\] has 0 vertices"),
        ({"scribbles": [[[np.nan, 0]]]}, r"scribbles\[0\] holds a value that is not finite"),
    ],
)
def test_what_is_malformed_is_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(PromptError, match=words) as caught:
        Prompts(**values)  # type: ignore[arg-type]
    assert isinstance(caught.value, FastSAMError)


def test_one_point_box_or_example_may_stand_alone() -> None:
    prompts = Prompts(points=(1, 2), boxes=[1, 2, 3, 4], examples=np.array([5.0, 6.0]))
    assert prompts.points.tolist() == [[1, 2]]
    assert prompts.boxes.tolist() == [[1, 2, 3, 4]]
    assert prompts.examples.tolist() == [[5, 6]]


def test_points_with_a_number_are_one_object_and_the_others_their_own() -> None:
    prompts = Prompts(
        points=[[i, i] for i in range(6)], point_objects=[0, 3, 0, 3, 2, 0], point_labels=[1, 1, 1, 1, 1, 0]
    )
    assert [(query.ref.indices, query.number) for query in prompts.queries] == [
        ((0,), 0),
        ((1, 3), 3),
        ((2,), 0),
        ((4,), 2),
    ]


def test_a_point_in_a_box_refines_it_and_a_numbered_or_negative_one_does_not() -> None:
    prompts = Prompts(
        points=[[5, 5], [5, 6], [5, 7], [20, 20]],
        point_labels=[1, 1, 0, 1],
        point_objects=[0, 4, 0, 0],
        boxes=[[0, 0, 10, 10], [30, 30, 40, 40]],
    )
    boxes = [query for query in prompts.queries if query.kind == "box"]
    assert [query.positive.tolist() for query in boxes] == [[[5, 5]], []]
    assert [query.ref for query in prompts.queries] == [
        PromptRef("point", (1,)),
        PromptRef("point", (3,)),
        PromptRef("box", (0,)),
        PromptRef("box", (1,)),
    ]


@pytest.mark.parametrize(("row", "inside"), [(-0.6, False), (-0.5, True), (9.5, True), (9.6, False)])
def test_the_edge_of_a_box_lies_half_a_pixel_off_the_centres(row: float, inside: bool) -> None:
    prompts = Prompts(points=[[row, 5]], boxes=[[0, 0, 10, 10]])
    assert [query.kind for query in prompts.queries] == (["box"] if inside else ["point", "box"])
    assert len(prompts.queries[-1].positive) == inside


def test_a_query_knows_all_points_that_speak_of_its_object() -> None:
    prompts = Prompts(
        points=[[5, 5], [50, 50], [7, 7], [60, 60], [8, 8]],
        point_labels=[1, 1, 0, 1, 0],
        point_objects=[0, 2, 0, 2, 2],
        boxes=[[40, 0, 45, 5], [0, 0, 10, 10]],
        outlines=[TRIANGLE],
        scribbles=[[[1, 1]], [[2, 2]]],
    )
    points, empty, box, outline, *scribbles = prompts.queries
    assert (points.ref, points.number) == (PromptRef("point", (1, 3)), 2)
    assert points.positive.tolist() == [[50, 50], [60, 60]]
    assert points.negative.tolist() == [[7, 7], [8, 8]], "those of all objects, and its own"
    assert (empty.positive.tolist(), box.positive.tolist()) == ([], [[5, 5]])
    for query in (empty, box, outline, *scribbles):
        assert query.negative.tolist() == [[7, 7]]


def test_a_shape_with_a_number_takes_the_points_of_that_number() -> None:
    mask = np.zeros((20, 20), bool)
    mask[4:9, 5:12] = True
    prompts = Prompts(
        points=[[5, 5], [50, 50], [6, 6], [7, 7]],
        point_labels=[1, 1, 0, 0],
        point_objects=[3, 3, 3, 4],
        masks=[mask],
        mask_objects=[3],
        outlines=[TRIANGLE],
        outline_objects=[4],
    )
    outline, started = prompts.queries
    assert started.positive.tolist() == [[5, 5], [50, 50]]
    assert started.negative.tolist() == [[6, 6]]
    assert outline.negative.tolist() == [[7, 7]]


def test_shifted_queries_lie_where_they_lay() -> None:
    mask = np.zeros((40, 40), bool)
    mask[14:19, 15:22] = True
    prompts = Prompts(
        points=[[15, 16], [17, 17]], point_labels=[1, 0], boxes=[[20, 20, 30, 34]], outlines=[TRIANGLE], masks=[mask]
    )
    for query in prompts.queries:
        there = query.shifted(-3, 5)
        for before, after in zip(query.extent(), there.extent(), strict=True):
            assert (after - before).tolist() == [-3, 5]
        assert (there.negative - query.negative).tolist() == [[-3, 5]]


@pytest.mark.parametrize(
    ("ref", "text"), [(PromptRef("point", (0,)), "point 1"), (PromptRef("point", (0, 4)), "points 1, 5")], ids=str
)
def test_a_person_counts_from_one(ref: PromptRef, text: str) -> None:
    assert str(ref) == text
