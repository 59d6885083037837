"""A folder over days: from image to image, ten thousand in the list, thousands of objects with classes."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QApplication

from napari_fastsam.widgets.classes import ClassesWidget
from napari_fastsam.widgets.project import AnnotateFolderWidget


@pytest.fixture(autouse=True)
def _own_data(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("NAPARI_FASTSAM_DATA", str(tmp_path_factory.mktemp("data")))


def _squares(side: int, step: int) -> np.ndarray:
    labels = np.zeros((side, side), np.int32)
    for number, (y, x) in enumerate(np.ndindex(side // step, side // step), start=1):
        labels[y * step + 1 : y * step + step - 1, x * step + 1 : x * step + step - 1] = number
    return labels


def _timed(do) -> tuple[float, float]:
    """Return the time that something takes until it is drawn, and the processor's."""
    start, used = time.perf_counter(), time.process_time()
    do()
    QApplication.processEvents()
    return time.perf_counter() - start, time.process_time() - used


def test_next_image(benchmark, figure, qtbot, make_napari_viewer_proxy, sparse, tmp_path):
    """Images with 100 objects each; the dock FastSAM is open, and has seen the next one beforehand."""
    labels = _squares(1024, 100)
    for i in range(10):
        tifffile.imwrite(tmp_path / f"field {i}.tif", np.roll(sparse, 31 * i, axis=1))
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.add_plugin_dock_widget("napari-fastsam", "FastSAM")
    dock = AnnotateFolderWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Annotate a folder")
    dock.open_folder(tmp_path)
    annotating = dock.annotating
    times = []
    for _ in range(9):
        layer = annotating.opened.labels
        layer.data = labels[: layer.data.shape[0], : layer.data.shape[1]].copy()
        layer.features = {"index": np.arange(1, 101), "score": np.full(100, 0.9)}
        ahead = annotating.place_after(+1)
        qtbot.waitUntil(lambda: bool(annotating.layers_ahead(ahead)), timeout=20_000)  # noqa: B023
        qtbot.wait(1500)  # the network sees it
        times.append(_timed(dock.next_image))
    dock.disconnect_all()
    benchmark.pedantic(lambda: None, rounds=1)
    wall, processor = (statistics.median(column) for column in zip(*times[1:], strict=True))
    figure("next image of a folder, until it is drawn", wall, "s", 0.3)
    figure("next image of a folder, processor", processor, "s", 0.3)


def test_ten_thousand_images(benchmark, figure, qtbot, make_napari_viewer_proxy, tmp_path):
    """Small images: what is measured is the list. A hundred of them are done."""
    first = tmp_path / "0000.tif"
    tifffile.imwrite(first, np.zeros((64, 64), np.uint8))
    content = first.read_bytes()
    for i in range(1, 10_000):
        Path(tmp_path / f"{i:04}.tif").write_bytes(content)
    viewer = make_napari_viewer_proxy(show=True)
    dock = AnnotateFolderWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Annotate a folder")
    opened, _ = _timed(lambda: dock.open_folder(tmp_path))
    done, _ = _timed(lambda: [dock.done() for _ in range(10)])
    again, _ = _timed(lambda: dock.open_folder(tmp_path))
    scrolled = []
    for place in range(0, 10_000, 500):
        scrolled.append(_timed(lambda: dock.images.scrollTo(dock.images.images.index(place, 0)))[0])  # noqa: B023
    dock.disconnect_all()
    benchmark.pedantic(lambda: None, rounds=1)
    figure("a folder of 10,000 images opens", opened, "s", 2)
    figure("… opens once more", again, "s", 2)
    figure("done, and the next, in 10,000 images", done / 10, "s", 0.3)
    figure("the list scrolls through 10,000 images", max(scrolled) * 1e3, "ms", 50)


def test_classes_of_five_thousand_objects(benchmark, figure, qtbot, make_napari_viewer_proxy):
    """A key on an object, until colours and counts are drawn."""
    labels = _squares(2048, 28)
    viewer = make_napari_viewer_proxy(show=True)
    layer = viewer.add_labels(labels)
    dock = ClassesWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Classes")
    dock.add_class("round")
    dock.add_class("long")
    dock.classing.give(dict.fromkeys(range(1, int(labels.max()), 2), "round"))
    keys = [_timed(lambda: dock.classing.give({2 * i: "long"}))[0] for i in range(1, 16)]  # noqa: B023
    undone = [_timed(dock.undo)[0] for _ in range(10)]
    chosen, _ = _timed(lambda: dock.classing.choose("long"))
    assert len(layer.features) == labels.max()
    benchmark.pedantic(lambda: None, rounds=1)
    figure(f"a class by key, {labels.max()} objects", statistics.median(keys[3:]) * 1e3, "ms", 100)
    figure(f"… taken back, {labels.max()} objects", statistics.median(undone) * 1e3, "ms", 100)
    figure(f"another class chosen, {labels.max()} objects", chosen * 1e3, "ms", 100)
