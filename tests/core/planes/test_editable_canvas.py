"""Objects of a large plane while tiles still come: corrected, taken away, added to layers and given back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.editable_canvas import CELL, DrawnObject, EditableCanvas, Taken

SHAPE = (CELL + 44, CELL + 20)
WHOLE = (0, 0, *SHAPE)
NOWHERE = np.zeros((0, 2))


def square(top, left, side, width=None):
    return CroppedMask(top, left, np.ones((side, width or side), bool))


def drawn(number, mask, score=0.5, refined=False):
    return DrawnObject(number, mask, score, refined)


@pytest.fixture
def canvas():
    return EditableCanvas(np.zeros(SHAPE, np.int32))


def found(canvas, *objects):
    """Let tiles bring objects, one each, numbered from 1 in this order."""
    for mask, score in objects:
        canvas.add(WHOLE, [mask], [score])


def numbers_in(canvas):
    return np.unique(canvas.labels[canvas.labels > 0]).tolist()


def test_what_lies_below_an_object_that_goes_away_is_seen_again(canvas):
    found(canvas, (square(0, 0, 20), 0.9), (square(5, 5, 4), 0.8), (square(0, 16, 20), 0.5))
    before = canvas.labels.copy()
    canvas.correct([2], [])
    assert (canvas.labels[:20, :20] == 1).all()
    canvas.correct([1, 2], [])
    assert (canvas.labels[:20, 16:36] == 3).all(), "of two that overlap the other gets all its pixels"
    canvas.correct([], [])
    np.testing.assert_array_equal(canvas.labels, before)


def test_a_corrected_object_keeps_its_number_and_lies_above_its_neighbours(canvas):
    found(canvas, (square(0, 0, 20), 0.5), (square(0, 20, 20), 0.9))
    canvas.correct([1], [drawn(1, square(0, 0, 20, 26))])
    assert (canvas.labels[:20, :26] == 1).all()
    assert (canvas.labels[:20, 26:40] == 2).all()
    assert list(canvas.offer().scores) == [1, 2]


def test_what_a_tile_brings_later_does_not_hide_what_was_corrected(canvas):
    canvas.add(WHOLE, [square(0, 0, 20)], [0.5])
    canvas.correct([1], [drawn(1, square(0, 0, 20, 30), refined=True)])
    assert canvas.add(WHOLE, [square(0, 21, 20)], [1.0]) == [2]
    assert (canvas.labels[:20, :30] == 1).all()
    assert (canvas.labels[:20, 30:41] == 2).all()


def test_what_a_tile_brings_later_does_not_bring_back_what_was_taken_away(canvas):
    canvas.add(WHOLE, [square(0, 0, 20)], [0.5])
    canvas.correct([1], [])
    assert canvas.add(WHOLE, [square(1, 0, 20)], [0.9]) == [0]
    assert not canvas.labels.any()


def test_what_was_drawn_before_its_tile_came_is_there_once(canvas):
    number = canvas.number_of_drawn("prompt")
    canvas.correct([], [drawn(number, square(0, 0, 20))])
    assert canvas.add(WHOLE, [square(1, 1, 20)], [1.0]) == [number + 1]
    assert numbers_in(canvas) == list(canvas.offer().scores) == [number]
    assert canvas.number_of_drawn("prompt", found=number + 1) == number, "it keeps its number"
    assert list(canvas.found_near([square(5, 5, 1)], NOWHERE)) == [number + 1], "it is known all the same"
    canvas.correct([], [])
    assert canvas.number_of_drawn("prompt", found=number + 1) == number + 1
    assert numbers_in(canvas) == [number + 1], "without the prompt it is what was found"


def test_what_was_taken_is_not_offered_again_unless_it_is_given_back(canvas):
    canvas.add(WHOLE, [square(0, 0, 10), square(20, 20, 10)], [0.9, 0.8])
    early = canvas.offer()
    canvas.take(early.as_taken)
    assert (len(canvas.offer()), canvas.offer().taken) == (0, 2)
    canvas.add(WHOLE, [square(29, 29, 8)], [0.95])
    later = canvas.offer()
    assert (list(later.scores), later.taken) == ([3], 2)
    assert np.unique(later.labels).tolist() == [0, 3]
    assert np.unique(early.labels).tolist() == [0, 1, 2], "frozen"
    assert np.shares_memory(canvas.offer(frozen=False).labels, canvas.labels)
    assert canvas.found_near([square(0, 0, 10)], NOWHERE) == {}
    canvas.give_back(early.as_taken)
    assert numbers_in(canvas) == sorted(canvas.offer().scores) == [1, 2, 3]


def test_what_was_taken_away_or_drawn_before_all_was_taken_does_not_come_back(canvas):
    found(canvas, (square(0, 0, 20), 0.5), (square(0, 40, 20), 0.5))
    further = canvas.number_of_drawn("prompt")
    canvas.correct([2], [drawn(further, square(40, 0, 20))])
    taken = canvas.offer().as_taken
    canvas.take(taken)
    canvas.correct([], [])  # the prompts are gone
    canvas.add(WHOLE, [square(41, 0, 20), square(1, 40, 20)], [0.9, 0.9])
    assert len(canvas.offer()) == 0
    assert not canvas.labels.any()
    assert canvas.number_of_drawn("prompt") != further
    canvas.give_back(taken)
    assert list(canvas.offer().scores) == [1, 2, 4], "what tiles brought is there, and the prompts are not"


def test_only_the_cells_around_a_change_are_painted():
    seen = []

    class Watched(EditableCanvas):
        def _paint_cell(self, cell, unpacked):
            seen.append(cell)
            super()._paint_cell(cell, unpacked)

    canvas = Watched(np.zeros((40 * CELL, 40 * CELL), np.int32))
    found(canvas, *((square(900, CELL * i + 5, 20), 0.5) for i in range(40)))
    revision = canvas.offer(frozen=False).revision
    seen.clear()
    canvas.correct([7], [drawn(9, square(900, CELL * 8 + 5, 24))])
    assert sorted(seen) == [(3, 6), (3, 8)]
    canvas.correct([7], [drawn(9, square(900, CELL * 8 + 5, 24))])
    assert len(seen) == 2, "what is as it was is not painted"
    boxes = canvas.changed_since(revision)
    assert sorted(boxes) == [(3 * CELL, i * CELL, 4 * CELL, (i + 1) * CELL) for i in (6, 8)]


squares = st.builds(square, st.integers(0, 280), st.integers(0, 256), st.integers(1, 20), st.integers(1, 20))
tiles = st.lists(st.tuples(squares, st.floats(0.1, 1)), max_size=6)


@given(st.lists(tiles, min_size=1, max_size=3), st.data())
def test_pixels_follow_from_what_is_offered_whatever_was_done_before(brought, data):
    canvas, masks = EditableCanvas(np.zeros(SHAPE, np.int32)), {}
    taken: list[Taken] = []
    for tile in brought:
        crops = [mask for mask, _ in tile]
        numbers = canvas.add(WHOLE, crops, [score for _, score in tile])
        masks |= dict(zip(numbers, crops, strict=True))
        hidden = data.draw(st.sets(st.integers(1, len(canvas)))) if len(canvas) else set()
        shapes = {n: data.draw(squares) for n in sorted(hidden) if data.draw(st.booleans())}
        canvas.correct(hidden, [drawn(n, mask) for n, mask in shapes.items()])
        if data.draw(st.booleans()):
            taken.append(canvas.offer().as_taken)
            canvas.take(taken[-1])
            shapes = {}
        elif taken and data.draw(st.booleans()):
            canvas.give_back(taken.pop())
        offer = canvas.offer()
        assert set(np.unique(offer.labels)) <= {0, *offer.scores}
        expected = paint(
            [shapes.get(n, masks.get(n)) for n in offer.scores],
            SHAPE,
            list(offer.scores),
            [score + (n in shapes) for n, score in offer.scores.items()],
        )
        np.testing.assert_array_equal(offer.labels, expected)
