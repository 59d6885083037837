"""Clicks are honoured, pieces nobody asked for go, holes close."""

import numpy as np

from napari_fastsam.core.correcting.rules import close_holes, honour_clicks, keep_clicked_pieces

NOTHING = np.zeros((0, 2), np.intp)


def at(*places):
    return np.array(places, np.intp).reshape(-1, 2)


def two_pieces():
    mask = np.zeros((20, 30), bool)
    mask[2:10, 2:10] = True
    mask[3:15, 15:28] = True
    return mask


def test_clicked_pixels_are_what_was_clicked_and_the_mask_given_stays_as_it_is():
    mask = two_pieces()
    result = honour_clicks(mask, at((0, 0), (-1, 3), (99, 0)), at((5, 5)))
    assert result[0, 0]
    assert not result[5, 5]
    assert np.count_nonzero(result != mask) == 2
    assert mask[5, 5]


def test_pieces_without_a_click_go():
    assert np.array_equal(keep_clicked_pieces(two_pieces(), at((5, 5))).nonzero()[1].max(), 9)


def test_without_any_click_the_largest_piece_stays():
    kept = keep_clicked_pieces(two_pieces(), NOTHING)
    assert kept[5, 20]
    assert not kept[5, 5]


def test_a_click_beside_a_first_mask_extends_it():
    base = np.zeros((20, 30), bool)
    base[2:10, 2:10] = True
    both = keep_clicked_pieces(two_pieces(), at((5, 20)), base)
    assert np.array_equal(both, two_pieces())
    assert not keep_clicked_pieces(two_pieces(), at((5, 5)), base)[5, 20]


def test_a_first_mask_that_is_gone_leaves_the_largest_piece():
    kept = keep_clicked_pieces(two_pieces(), NOTHING, np.zeros((20, 30), bool))
    assert kept[5, 20]
    assert not kept[5, 5]


def test_holes_close_unless_they_were_clicked():
    ring = np.zeros((20, 30), bool)
    ring[2:10, 2:10] = True
    ring[4:8, 4:8] = False
    ring[2:18, 12:28] = True
    ring[5:8, 15:20] = False
    closed = close_holes(ring, at((6, 17)))
    assert closed[5, 5]
    assert not closed[6, 17]
    assert not closed[5, 19]
    assert close_holes(ring, NOTHING).sum() == ring.sum() + 16 + 15
