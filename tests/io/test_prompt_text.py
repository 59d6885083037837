"""Prompts as text: what FastSAM's command line takes, in the frames that this package uses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import PromptError
from napari_fastsam.io.prompt_text import parse_prompts


def _parsed(*args: str | None, **kwargs: str) -> Prompts:
    prompts = parse_prompts(*args, **kwargs)  # type: ignore[arg-type]
    assert prompts is not None
    return prompts


def test_points_are_x_y_and_become_rows_and_columns() -> None:
    prompts = _parsed("[[520,360],[620,300]]", "[1,0]")
    np.testing.assert_array_equal(prompts.points, [[360, 520], [300, 620]])
    np.testing.assert_array_equal(prompts.point_labels, [1, 0])


def test_points_without_labels_are_all_positive() -> None:
    assert _parsed("[[1, 2], [3.5, 4]]").point_labels.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "form", "box"),
    [
        ("[[570,200,230,400]]", "xywh", [200, 570, 600, 800]),
        ("[[570,200,800,600]]", "xyxy", [200, 570, 600, 800]),
        ("[[800,600,570,200]]", "xyxy", [200, 570, 600, 800]),
    ],
    ids=["xywh", "xyxy", "reversed"],
)
def test_boxes_in_both_formats(text: str, form: str, box: list[int]) -> None:
    np.testing.assert_array_equal(_parsed(None, None, text, form).boxes, [box])


def test_no_text_is_no_prompt() -> None:
    assert parse_prompts() is None


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("[[1, 2]", None, None), "points is '.*', which is not JSON"),
        (("__import__('os').getcwd()", None, None), "is not JSON"),
        (("[" * 100_000, None, None), "is not JSON"),
        (("[1, 2, 3]", None, None), "points is .*; expected"),
        (("[[1, 2, 3]]", None, None), "points is .*; expected"),
        (('[["1", 2]]', None, None), "numbers only"),
        (("[[true, 2]]", None, None), "numbers only"),
        (('{"x": 1}', None, None), "points is .*; expected"),
        (("7", None, None), "points is 7; expected"),
        (("[[NaN, 2]]", None, None), "not finite"),
        (("[[1e999, 2]]", None, None), "not finite"),
        ((f"[[{'9' * 400}, 2]]", None, None), "numbers only"),
        (("[[1, 2]]", "[1, 0]", None), "point_labels has shape"),
        (("[[1, 2]]", "1", None), "point-labels is 1; expected"),
        (("[[1, 2]]", "[2]", None), "1 means foreground"),
        (("[[1, 2]]", "[0]", None), "no object is asked for"),
        (("[]", None, None), "no object is asked for"),
        ((None, "[1]", None), "point_labels has shape"),
        ((None, None, "[[1, 2, 3]]"), "boxes is .*width, height"),
        ((None, None, "[[1, 2, -3, 4]]"), "below 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(texts: tuple[str | None, ...], says: str) -> None:
    with pytest.raises(PromptError, match=says) as caught:
        parse_prompts(*texts)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 1000


_NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1))
def test_any_points_come_through_unchanged_but_for_their_order(points: list[tuple[float, float]]) -> None:
    parsed = _parsed(json.dumps(points)).points
    np.testing.assert_array_equal(parsed[:, ::-1], points)


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS, st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1))
def test_both_formats_of_a_box_mean_the_same(boxes: list[tuple[float, ...]]) -> None:
    corners = [(x, y, x + w, y + h) for x, y, w, h in boxes]
    one = _parsed(None, None, json.dumps(boxes), "xywh").boxes
    other = _parsed(None, None, json.dumps(corners), "xyxy").boxes
    np.testing.assert_allclose(one, other)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        prompts = parse_prompts(text)
    except PromptError:
        return
    assert prompts is not None
    assert len(prompts.points) > 0


def test_one_point_or_box_may_stand_without_a_list_around_it() -> None:
    alone, listed = parse_prompts("[3, 2]", boxes="[5, 6, 7, 8]"), parse_prompts("[[3, 2]]", boxes="[[5, 6, 7, 8]]")
    assert alone is not None
    assert listed is not None
    assert alone.to_json() == listed.to_json()


@pytest.mark.parametrize("name", ["outlines", "scribbles"])
def test_a_line_is_not_taken_for_several_of_one_point(name: str) -> None:
    with pytest.raises(PromptError, match=r"expected \[\[\[x, y\], …\], …\]"):
        parse_prompts(**{name: "[[1, 2], [3, 4], [5, 1]]"})
