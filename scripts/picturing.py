"""The window of the running program: opened, used with the mouse as a person would, and saved as pictures."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    import napari

    from napari_fastsam.widgets import FastSAMWidget

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
WINDOW = (1400, 900)
LARGEST_BYTES = 300_000
"""A page should load quickly."""

LARGEST_ANIMATION = 3_000_000


class Film:
    """Pictures of the window, one after the other, with the mouse where it is pressed.

    Parameters
    ----------
    viewer
        Whose window it is.
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self._viewer = viewer
        self._pictures: list[Image.Image] = []
        self._durations: list[int] = []

    def take(self, milliseconds: int, mouse: Any = None) -> None:
        """Add what the window shows, for so long; `mouse` is a place on the screen."""
        settle(0.4)
        shot = self._viewer.window.screenshot(canvas_only=False, flash=False)[..., :3]
        picture = Image.fromarray(np.ascontiguousarray(shot))
        if mouse is not None:
            window = self._viewer.window._qt_window  # noqa: SLF001 - where the window is, napari tells nobody
            x, y = (lambda p: (p.x(), p.y()))(window.mapFromGlobal(mouse))
            ring = ImageDraw.Draw(picture)
            ring.ellipse((x - 13, y - 13, x + 13, y + 13), outline="white", width=3)
            ring.ellipse((x - 10, y - 10, x + 10, y + 10), outline="black", width=2)
        self._pictures.append(
            picture.resize((picture.width * 5 // 8, picture.height * 5 // 8), Image.Resampling.LANCZOS)
        )
        self._durations.append(milliseconds)

    def save(self, name: str) -> None:
        """Save all as WebP."""
        file = IMAGES / f"{name}.webp"
        first, *others = self._pictures
        first.save(file, save_all=True, append_images=others, duration=self._durations, loop=0, quality=80, method=6)
        size = file.stat().st_size
        print(f"{file.relative_to(IMAGES.parent.parent)}: {len(self._pictures)} pictures, {size / 1000:.0f} kB")
        if size > LARGEST_ANIMATION:
            raise SystemExit(f"{file} has {size:,} bytes; {LARGEST_ANIMATION:,} is the most that a page should load")


def on_canvas(viewer: napari.Viewer, place_yx: Any) -> tuple[Any, Any]:
    """Return the canvas, and where a place of the image lies on it."""
    from qtpy.QtCore import QPoint

    canvas = viewer.window._qt_viewer.canvas  # noqa: SLF001 - a person's mouse finds it without
    origin, down, right = (
        np.asarray(canvas._map_canvas2world(p, canvas.view))[-2:]  # noqa: SLF001
        for p in ((0, 0), (0, 100), (100, 0))
    )
    linear = np.stack([(right - origin) / 100, (down - origin) / 100], axis=1)
    x, y = np.linalg.solve(linear, np.asarray(place_yx, float) - origin)
    return canvas.native, QPoint(round(x), round(y))


def click(viewer: napari.Viewer, place_yx: Any, film: Film | None = None) -> None:
    """Click on the image."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    native, place = on_canvas(viewer, place_yx)
    if film is not None:
        film.take(700, native.mapToGlobal(place))
    QTest.mouseMove(native, place)
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, pos=place)
    settle(0.5)


def move_mouse(native: Any, place: Any) -> None:
    """Move the mouse to a place on the canvas, without a button."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    none, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    where = (QPointF(place), QPointF(native.mapToGlobal(place)))
    QApplication.sendEvent(native, QMouseEvent(QEvent.Type.MouseMove, *where, none, none, keys))


def drag(viewer: napari.Viewer, places_yx: Any) -> None:
    """Press the mouse, and move it along places of the image."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    left, nothing = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    native, place = on_canvas(viewer, places_yx[0])
    QTest.mouseMove(native, place)
    QTest.mousePress(native, left, pos=place)
    for place_yx in places_yx[1:]:
        _, place = on_canvas(viewer, place_yx)
        where = (QPointF(place), QPointF(native.mapToGlobal(place)))
        moved = QMouseEvent(QEvent.Type.MouseMove, *where, nothing, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(native, moved)
        settle(0.1)
    QTest.mouseRelease(native, left, pos=place)
    settle(0.5)


def press(button: Any, film: Film | None = None) -> None:
    """Press a button of the dock."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    if film is not None:
        film.take(500, button.native.mapToGlobal(button.native.rect().center()))
    QTest.mouseClick(button.native, Qt.MouseButton.LeftButton)
    settle(0.3)


def answered(dock: FastSAMWidget) -> None:
    """Wait until the dock has answered."""
    for _ in range(240):
        settle(0.25)
        if dock.controller.work is None and dock.controller.shown is not None:
            break
    settle(0.3)


def wait_for(done: Callable[[], bool]) -> None:
    """Wait until something is so, a minute at most."""
    for _ in range(240):
        settle(0.25)
        if done():
            return


@contextmanager
def opened(sample: str | None) -> Iterator[tuple[napari.Viewer, FastSAMWidget]]:
    """Open napari with a sample and the dock; close it afterwards."""
    import napari

    viewer = napari.Viewer(title="napari")
    viewer.window.resize(*WINDOW)
    if sample is not None:
        viewer.open_sample("napari-fastsam", sample)
    _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "FastSAM")
    try:
        settle(1.0)
        for _ in range(120):  # the dock loads the model behind itself
            if dock.controller.work is None:
                break
            settle(0.5)
        viewer.reset_view()
        yield viewer, dock
    finally:
        viewer.close()


def look_at(viewer: napari.Viewer, centre: tuple[float, ...], zoom: float) -> None:
    """Put a place of the image into the middle of the canvas, `zoom` screen pixels a pixel."""
    viewer.scene.camera.center = centre[-2:]
    viewer.scene.camera.zoom = zoom
    settle(0.3)


def settle(seconds: float) -> None:
    """Let layout, canvas and the work behind the dock go on: they wait for timers and threads of their own."""
    from qtpy.QtWidgets import QApplication

    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.02)


def canvas(viewer: napari.Viewer) -> np.ndarray:
    """Return what the canvas shows, (Y, X, 3) uint8."""
    settle(0.5)
    picture: np.ndarray = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    return picture


def save_window(viewer: napari.Viewer, name: str, share: float = 1.0) -> None:
    """Save the whole window, or a picture of it that is smaller."""
    settle(0.5)
    picture = viewer.window.screenshot(canvas_only=False, flash=False)[..., :3]
    if share != 1:
        size = (round(picture.shape[1] * share), round(picture.shape[0] * share))
        picture = np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize(size, Image.Resampling.LANCZOS))
    save(picture, name)


def save_dock(dock: Any, name: str) -> None:
    """Save the dock alone."""
    settle(0.5)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "dock.png")
        dock.native.grab().save(file)
        with Image.open(file) as picture:
            save(np.asarray(picture.convert("RGB")), name)


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Put the middles of two pictures of one size beside each other."""
    height, width = left.shape[:2]
    side = min(height, width, 560)
    top, start = (height - side) // 2, (width - side) // 2
    parts = [picture[top : top + side, start : start + side] for picture in (left, right)]
    gap = np.full((side, 12, 3), 255, np.uint8)
    return np.concatenate([parts[0], gap, parts[1]], axis=1)


def save(picture: np.ndarray, name: str) -> None:
    """Save a picture as a PNG of 256 colours, which is a third of the size and looks the same."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    file = IMAGES / f"{name}.png"
    few = Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
    size = file.stat().st_size
    print(f"{file.relative_to(IMAGES.parent.parent)}: {picture.shape[1]} × {picture.shape[0]}, {size / 1000:.0f} kB")
    if size > LARGEST_BYTES:
        raise SystemExit(f"{file} has {size:,} bytes; {LARGEST_BYTES:,} is the most that a page should load")
