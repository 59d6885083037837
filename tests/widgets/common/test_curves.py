"""The small plot: round numbers on its axes, curves where their values are, and what lies under the mouse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QPointF
from qtpy.QtGui import QImage

from napari_fastsam.widgets.common.curves import COLOURS, Curves, Series, ticks

NAN = math.nan


@pytest.fixture
def plot(qtbot):
    def make(series: list[Series], **options) -> Curves:
        curves = Curves("loss", "epoch", **options)
        qtbot.addWidget(curves)
        curves.resize(300, 130)
        curves.show_series(series)
        return curves

    return make


def drawn(curves: Curves) -> np.ndarray:
    """(Y, X, 3) what the widget paints."""
    picture = curves.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(picture.constBits().asstring(picture.sizeInBytes()), np.uint8)
    return rows.reshape(picture.height(), picture.bytesPerLine())[:, : picture.width() * 3].reshape(
        picture.height(), picture.width(), 3
    )


def near(picture: np.ndarray, colour: str) -> np.ndarray:
    """(N, 2) where the picture has a colour."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return np.argwhere((np.abs(picture.astype(int) - wanted) < 40).all(axis=2))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.5, 1]),
        (0, 3.7, [0, 1, 2, 3]),
        (0.5, 0.95, [0.6, 0.8]),
        (0, 0.003, [0, 0.001, 0.002, 0.003]),
        (2, 2, [2]),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    found = ticks(low, high, 3)
    if (low, high) == (0, 1):
        assert set(expected) <= set(found)
    else:
        assert found == pytest.approx(expected)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 6))
def test_ticks_lie_inside_and_there_are_about_as_many_as_asked(low, span, count):
    found = ticks(low, low + span, count)
    slack = 1e-6 * span + 4 * np.spacing(abs(low) + span)
    assert all(low - slack <= t <= low + span + slack for t in found)
    assert 1 <= len(found) <= 2 * count + 2


def test_a_curve_rises_where_its_values_do(plot):
    picture = drawn(plot([Series("box", ((1, 0.1), (5, 0.8), (9, 0.8)))], y_range=(0.0, 1.0)))
    places = near(picture[22:110], COLOURS[0])
    left = places[places[:, 1] < 80][:, 0].mean()
    right = places[places[:, 1] > 220][:, 0].mean()
    assert right + 40 < left, "higher is nearer to the top"


def test_each_curve_has_a_colour_of_its_own_and_a_name(plot):
    curves = plot([Series("a", ((0, 1.0), (1, 1.0))), Series("b", ((0, 2.0), (1, 2.0)))])
    assert [s.colour for s in curves.series] == list(COLOURS[:2])
    picture = drawn(curves)
    assert all(len(near(picture, colour)) > 100 for colour in COLOURS[:2])


def test_the_mouse_reads_the_value_under_it(plot):
    curves = plot([Series("AP50", ((1, 0.0), (3, 0.5), (5, 1.0)))], y_range=(0.0, 1.0))
    frame = curves._frame()
    assert curves.readout(frame.center()) == "AP50 0.5 at epoch 3"
    assert curves.readout(QPointF(frame.left(), frame.bottom())) == "AP50 0 at epoch 1"
    assert curves.readout(QPointF(frame.left(), frame.top())) == ""


@pytest.mark.parametrize(
    "points",
    [(), ((1, NAN),), ((1, 1.0),), ((1, 0.0), (2, 0.0)), ((1, 1.0), (2, NAN), (3, math.inf), (4, 2.0))],
    ids=["none", "nan", "one", "zeros", "gaps"],
)
def test_any_values_can_be_drawn(plot, points):
    curves = plot([Series("x", points)])
    assert drawn(curves).shape == (130, 300, 3)
    assert curves.readout(QPointF(0, 0)) == ""
