"""Curves drawn in a dock: values over a number, with axes, a legend and what lies under the mouse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

COLOURS = ("#4fa3ff", "#ff9d3c", "#5fd38d", "#e377c2")
"""Told apart on napari's dark and light themes, and by people who see red and green alike."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 20, 18
_REACH = 12
"""Screen pixels around the mouse within which a value is read out."""


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes
    ----------
    name
        For the legend and the readout.
    points
        (x, y), in the order in which they are joined; values that are not finite leave a gap.
    colour
        As Qt writes it; empty = the next of `COLOURS`.
    dashed
        For a curve that is there to compare with.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    colour: str = ""
    dashed: bool = False


class Curves(QWidget):
    """A small plot of several curves over one number.

    Parameters
    ----------
    title
        What the values are.
    x_label
        What they are drawn over; stands under the axis.
    y_range
        Lowest and highest value; None = from 0 to the largest.
    x_range
        The same for the axis below; None = what the points span.
    """

    def __init__(
        self,
        title: str,
        x_label: str,
        y_range: tuple[float, float] | None = None,
        x_range: tuple[float, float] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._x_label = x_label
        self._y_range = y_range
        self._x_range = x_range
        self._series: tuple[Series, ...] = ()
        self._marked: float | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    @property
    def series(self) -> tuple[Series, ...]:
        """The curves shown."""
        return self._series

    def show_series(
        self, series: Sequence[Series], marked: float | None = None, x_range: tuple[float, float] | None = None
    ) -> None:
        """Show these curves instead.

        Parameters
        ----------
        series
            The curves, those on top last.
        marked
            Where on the axis below a thin line stands; None = nowhere.
        x_range
            A new range of the axis below; None = as it was.
        """
        self._series = tuple(
            s if s.colour else Series(s.name, s.points, COLOURS[i % len(COLOURS)], s.dashed)
            for i, s in enumerate(series)
        )
        self._marked = marked
        self._x_range = x_range or self._x_range
        self.update()

    def sizeHint(self) -> QSize:
        """Say how large the plot likes to be."""
        return QSize(300, 130)

    def readout(self, position: QPointF) -> str:
        """Return what lies at a place of the widget, or nothing."""
        frame, (x0, x1), (y0, y1) = self._frame(), self._x_span(), self._y_span()
        best, text = float(_REACH), ""
        for one in self._series:
            for x, y in one.points:
                if math.isfinite(x) and math.isfinite(y):
                    at = _place(frame, (x - x0) / (x1 - x0), (y - y0) / (y1 - y0))
                    away = math.hypot(at.x() - position.x(), at.y() - position.y())
                    if away < best:
                        best, text = away, f"{one.name} {y:.3g} at {self._x_label} {x:g}"
        return text

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Tell the value under the mouse."""
        if event is not None:
            text = self.readout(event.position())
            QToolTip.showText(event.globalPosition().toPoint(), text or self.toolTip(), self)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw axes, curves and legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        text = self.palette().color(self.foregroundRole())
        frame = self._frame()
        self._draw_axes(painter, frame, text)
        self._draw_legend(painter, text)
        painter.setClipRect(frame.adjusted(-4, -4, 4, 4))
        for one in self._series:
            self._draw_curve(painter, frame, one)
        painter.end()

    # ---------------------------------------------------------------- drawing

    def _frame(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)

    def _draw_axes(self, painter: QPainter, frame: QRectF, text: QColor) -> None:
        (x0, x1), (y0, y1) = self._x_span(), self._y_span()
        faint = QColor(text)
        faint.setAlpha(60)
        painter.setPen(QPen(faint, 1))
        painter.drawRect(frame)
        if self._marked is not None:
            x = _place(frame, (self._marked - x0) / (x1 - x0), 0).x()
            painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
        for y in ticks(y0, y1, 3):
            at = _place(frame, 0, (y - y0) / (y1 - y0))
            painter.setPen(QPen(faint, 1))
            painter.drawLine(at, QPointF(frame.right(), at.y()))
            painter.setPen(text)
            box = QRectF(0, at.y() - 8, _LEFT - 5, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{y:g}")
        painter.setPen(text)
        below = QRectF(frame.left(), frame.bottom() + 2, frame.width(), _BOTTOM - 2)
        for x, side in ((x0, Qt.AlignmentFlag.AlignLeft), (x1, Qt.AlignmentFlag.AlignRight)):
            painter.drawText(below, side, f"{x:g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._x_label)

    def _draw_legend(self, painter: QPainter, text: QColor) -> None:
        metrics = painter.fontMetrics()
        left = 4.0
        for name, colour in ((self._title, text), *((s.name, QColor(s.colour)) for s in self._series)):
            painter.setPen(colour)
            painter.drawText(QRectF(left, 1, self.width(), _TOP - 4), Qt.AlignmentFlag.AlignVCenter, name)
            left += metrics.horizontalAdvance(name) + 12

    def _draw_curve(self, painter: QPainter, frame: QRectF, one: Series) -> None:
        (x0, x1), (y0, y1) = self._x_span(), self._y_span()
        line = Qt.PenStyle.DashLine if one.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(one.colour), 1.8, line))
        painter.setBrush(QColor(one.colour))
        for run in _runs(one.points):
            places = [_place(frame, (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)) for x, y in run]
            painter.drawPolyline(QPolygonF(places))
            if len(places) <= 40:
                for place in places:
                    painter.drawEllipse(place, 1.6, 1.6)

    def _x_span(self) -> tuple[float, float]:
        return self._x_range or _span([x for one in self._series for x, _ in one.points])

    def _y_span(self) -> tuple[float, float]:
        if self._y_range is not None:
            return self._y_range
        top = max((y for one in self._series for _, y in one.points if math.isfinite(y)), default=1.0)
        return 0.0, top * 1.05 if top > 0 else 1.0


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers from `low` to `high`."""
    if not high > low:
        return [low]
    rough = (high - low) / max(count, 1)
    power: float = 10 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough * 0.75)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _span(values: list[float]) -> tuple[float, float]:
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    return (low, high) if high > low else (low, low + 1)


def _place(frame: QRectF, across: float, up: float) -> QPointF:
    return QPointF(frame.left() + across * frame.width(), frame.bottom() - up * frame.height())


def _runs(points: tuple[tuple[float, float], ...]) -> list[list[tuple[float, float]]]:
    """Return the stretches of points without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
