"""A real viewer with the real dock and the real bundled model, loaded once for all tests."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels, Points, Shapes
from qtpy.QtCore import QPoint, Qt

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.model.asking.plane_scale import LARGE
from napari_fastsam.model.asking.segment import segment
from napari_fastsam.model.network import segmenter
from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.segment.output import LABELS_NAME, PREVIEW_NAME

NUCLEI = np.array([[126, 94], [147, 244]], float)
"""(row, column) of two nuclei in `cells`."""

EMPTY = (133.0, 159.0)
"""A place in `cells` without a nucleus."""


@pytest.fixture(scope="session", autouse=True)
def _one_model() -> Iterator[None]:
    """Load each model once for all tests; the dock asks for it in the usual way. What fails is not remembered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segmenter, "load_model", functools.cache(segmenter.load_model))
        segmenter.load_model("nuclei", "auto")
        yield


@pytest.fixture(scope="session")
def cells(fluorescence: np.ndarray) -> np.ndarray:
    """Part of the fluorescence sample: (256, 320) uint8, with the nuclei `NUCLEI`."""
    return fluorescence[:256, :320]


@pytest.fixture(scope="session")
def slide(cells: np.ndarray) -> np.ndarray:
    """A large plane: (4352, 4160) uint8, 17 × 13 times `cells`."""
    slide = np.tile(cells, (17, 13))
    assert slide.size > LARGE
    return slide


@pytest.fixture(scope="session")
def truth(fluorescence_truth: np.ndarray) -> np.ndarray:
    """The nuclei of `cells` as drawn by hand."""
    return fluorescence_truth[:256, :320]


@pytest.fixture(scope="session")
def expected(cells: np.ndarray) -> Callable[..., list[np.ndarray]]:
    """What the Python face says about prompts on `cells`: one mask each."""

    def masks(image: np.ndarray = cells, contrast_limits: Any = (0, 80), **prompts: Any) -> list[np.ndarray]:
        model = segmenter.load_model("nuclei", "auto")
        return [s.mask for s in segment(model, image, Prompts(**prompts), contrast_limits=contrast_limits)]

    return masks


def _waiting(dock: FastSAMWidget) -> bool:
    return dock._engine.updates.now._hasPendingEmission or dock._engine.updates.soon._hasPendingEmission


class Bench:
    """A viewer with the dock, and what a test does with them."""

    def __init__(self, viewer: Any, qtbot: Any, image: Image | None, docked: bool = True) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.image = viewer.add_layer(image) if image is not None else None
        self.dock = FastSAMWidget(viewer)
        if docked:
            viewer.window.add_dock_widget(self.dock, name="FastSAM")
        self.settle()

    def settle(self) -> None:
        """Wait until the dock has answered all that happened."""
        dock = self.dock
        self.qtbot.waitUntil(lambda: not _waiting(dock) and not dock._engine.runner.busy)

    def prompts(self) -> tuple[Points, Shapes]:
        layers = self.dock.make_prompt_layers()
        self.settle()
        return layers

    def click(self, *points_yx: Any) -> Points:
        """Add points, in coordinates of the Points layer that the dock has; it gets one if it has none."""
        if self.dock.points.value is None:
            self.dock.make_prompt_layers()
        points = self.dock.points.value
        for point in points_yx:
            points.add([point])
        self.settle()
        return points

    @property
    def preview(self) -> Labels:
        return self.viewer.layers[PREVIEW_NAME]

    @property
    def committed(self) -> Labels:
        return self.viewer.layers[LABELS_NAME]

    @property
    def shown(self) -> np.ndarray:
        """(Y, X) label image of the preview; zeros if there is none."""
        if PREVIEW_NAME not in self.viewer.layers:
            return np.zeros((1, 1), int)
        return np.squeeze(np.asarray(self.preview.data))

    @property
    def status(self) -> str:
        return self.dock.message

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas

    def at(self, world_yx: Any) -> QPoint:
        """Where a place of the world lies on the canvas, in screen pixels."""
        canvas = self.canvas
        origin, down, right = (
            np.asarray(canvas._map_canvas2world(p, canvas.view))[-2:] for p in ((0, 0), (0, 100), (100, 0))
        )
        linear = np.stack([(right - origin) / 100, (down - origin) / 100], axis=1)
        x, y = np.linalg.solve(linear, np.asarray(world_yx, float)[-2:] - origin)
        return QPoint(round(x), round(y))

    def mouse_click(self, world_yx: Any) -> None:
        self.qtbot.mouseMove(self.canvas.native, self.at(world_yx))
        self.qtbot.mouseClick(self.canvas.native, Qt.MouseButton.LeftButton, pos=self.at(world_yx))
        self.settle()

    def mouse_drag(self, start: Any, stop: Any) -> None:
        native, button = self.canvas.native, Qt.MouseButton.LeftButton
        self.qtbot.mouseMove(native, self.at(start))
        self.qtbot.mousePress(native, button, pos=self.at(start))
        for share in (0.3, 0.6, 1.0):
            place = np.asarray(start) + share * (np.asarray(stop) - np.asarray(start))
            self._move_pressed(self.at(place))
            self.qtbot.wait(20)
        self.qtbot.mouseRelease(native, button, pos=self.at(stop))
        self.settle()

    def _move_pressed(self, pos: QPoint) -> None:
        # QTest's mouseMove says that no button is down
        from qtpy.QtCore import QEvent, QPointF
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        native, left = self.canvas.native, Qt.MouseButton.LeftButton
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(pos),
            QPointF(native.mapToGlobal(pos)),
            Qt.MouseButton.NoButton,
            left,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(native, event)

    def key(self, key: Any, modifier: Any = Qt.KeyboardModifier.ShiftModifier) -> None:
        self.qtbot.keyClick(self.canvas.native, key, modifier)
        # as a person lets go of Shift; Qt would take it for held down in all that follows, tables of other tests too
        self.qtbot.keyRelease(self.canvas.native, Qt.Key.Key_Shift)


@pytest.fixture
def bench(
    make_napari_viewer: Any, plugin_settings: None, qtbot: Any, cells: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Bench]]:
    """Makes a viewer that holds an image (`cells` unless told otherwise) and the dock."""
    if sys.platform != "win32":
        # for drivers on Windows napari collects all garbage when a layer goes: longer than most of what is tested
        monkeypatch.setattr("napari._vispy.canvas.gc", SimpleNamespace(collect=lambda: 0), raising=False)
    made: list[Bench] = []

    def make(image: Any = cells, *, show: bool = False, layer: Image | None = None, **kwargs: Any) -> Bench:
        viewer = make_napari_viewer(show=show)
        if layer is None and image is not None:
            if image is cells:
                kwargs.setdefault("contrast_limits", (0, 80))
            layer = Image(image, name="cells", **kwargs)
        made.append(Bench(viewer, qtbot, layer))
        return made[-1]

    yield make
    for one in made:
        one.dock.disconnect_all()
    made.clear()
