"""A folder over days: from image to image, ten thousand in the list, thousands of objects with classes."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QApplication

from napari_fastsam.core.classes.learning import guesses, learn_beside
from napari_fastsam.model.asking.describing import describe_labels
from napari_fastsam.widgets.classes import ClassesWidget
from napari_fastsam.widgets.project import AnnotateFolderWidget
from napari_fastsam.widgets.review import ReviewWidget


@pytest.fixture(autouse=True)
def _own_data(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("NAPARI_FASTSAM_DATA", str(tmp_path_factory.mktemp("data")))


def _squares(side: int, step: int) -> np.ndarray:
    labels = np.zeros((side, side), np.int32)
    for number, (y, x) in enumerate(np.ndindex(side // step, side // step), start=1):
        labels[y * step + 1 : y * step + step - 1, x * step + 1 : x * step + step - 1] = number
    return labels


def _timed(do) -> tuple[float, float]:
    """Return the seconds that something takes until it is drawn, and those of this thread on the processor."""
    start, used = time.perf_counter(), time.thread_time()
    do()
    QApplication.processEvents()
    return time.perf_counter() - start, time.thread_time() - used


def test_next_image(benchmark, figure, qtbot, make_napari_viewer_proxy, sparse, tmp_path):
    """Images with 100 objects each; points are there, and the dock FastSAM has seen the next image beforehand."""
    labels = _squares(1024, 100)
    for i in range(10):
        tifffile.imwrite(tmp_path / f"field {i}.tif", np.roll(sparse, 31 * i, axis=1))
    viewer = make_napari_viewer_proxy(show=True)
    _, fastsam = viewer.window.add_plugin_dock_widget("napari-fastsam", "FastSAM")
    dock = AnnotateFolderWidget(viewer)
    viewer.window.add_dock_widget(dock, name="Annotate a folder")
    dock.open_folder(tmp_path)
    engine, annotating = fastsam._engine, dock.annotating
    points, _ = fastsam.make_prompt_layers()
    times, answered = [], 0
    for _ in range(9):
        layer = annotating.opened.labels
        layer.data = labels[: layer.data.shape[0], : layer.data.shape[1]].copy()
        layer.features = {"index": np.arange(1, 101), "score": np.full(100, 0.9)}
        points.add([(500, 500)])
        qtbot.waitUntil(lambda: engine.controller.shown is not None and not engine.runner.busy, timeout=60_000)
        ahead = annotating.place_after(+1)
        qtbot.waitUntil(lambda: bool(annotating.layers_ahead(ahead)), timeout=60_000)  # noqa: B023
        qtbot.waitUntil(lambda: fastsam.predict_ahead(*annotating.layers_ahead(ahead)), timeout=60_000)  # noqa: B023
        qtbot.wait(300)
        times.append(_timed(dock.next_image))
        answered += engine.session.result(engine.controller.request()) is not None
        qtbot.wait(800)  # the image before is saved
    dock.disconnect_all()
    benchmark.pedantic(lambda: None, rounds=1)
    wall, processor = (statistics.median(column) for column in zip(*times[1:], strict=True))
    figure("next image of a folder, until it is drawn", wall, "s", 0.3)
    figure("… of the processor, on the thread that draws", processor, "s", 0.3)
    figure("… of 9 answer from their pass made ahead", answered, "", 9, at_least=True)


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
    dock.classing.give(dict.fromkeys(range(1, int(labels.max()) + 1), "round"))
    keys = [_timed(lambda: dock.classing.give({2 * i: "long"}))[0] for i in range(1, 16)]  # noqa: B023
    undone = [_timed(dock.undo)[0] for _ in range(10)]
    chosen, _ = _timed(lambda: dock.classing.choose("long"))
    assert len(layer.features) == labels.max()
    benchmark.pedantic(lambda: None, rounds=1)
    figure(f"a class by key, {labels.max()} objects", statistics.median(keys[3:]) * 1e3, "ms", 100)
    figure(f"… taken back, {labels.max()} objects", statistics.median(undone) * 1e3, "ms", 100)
    figure(f"another class chosen, {labels.max()} objects", chosen * 1e3, "ms", 100)


def test_review_of_five_thousand_objects(benchmark, figure, qtbot, make_napari_viewer_proxy):
    """From the layer to its first object, and from an answer to the next object."""
    labels = _squares(2048, 28)
    scores = np.random.default_rng(1).uniform(0.3, 1, labels.max())
    viewer = make_napari_viewer_proxy(show=True)
    layer = viewer.add_labels(labels, features={"index": np.arange(1, labels.max() + 1), "score": scores})
    start = time.perf_counter()
    dock = ReviewWidget(viewer)
    qtbot.waitUntil(lambda: dock.current is not None, timeout=60_000)
    first = time.perf_counter() - start
    viewer.window.add_dock_widget(dock, name="Review")
    qtbot.wait(500)
    answers = [_timed(dock.right)[0] for _ in range(15)]
    back = [_timed(dock.back)[0] for _ in range(10)]
    assert (layer.features["review"] == "right").sum() == 5
    dock.disconnect_all()
    benchmark.pedantic(lambda: None, rounds=1)
    figure(f"the queue of {labels.max()} objects, and its first", first, "s", 2)
    figure("… an answer, until the next object is drawn", statistics.median(answers[3:]) * 1e3, "ms", 100)
    figure("… an answer taken back", statistics.median(back) * 1e3, "ms", 100)


def test_classifying_a_thousand_objects(benchmark, figure, model, sparse):
    """An example changes, and all others are told anew."""
    objects = describe_labels(model, sparse, _squares(1024, 32))
    times = []
    for i in range(40):
        known = {number: ("a", "b")[number % 2] for number in range(1 + i, 31 + i)}
        start = time.thread_time()
        learnt = learn_beside(objects, known)
        guesses(objects, learnt.classifier.names, learnt.probabilities)
        times.append(time.thread_time() - start)
    benchmark.pedantic(lambda: None, rounds=1)
    figure(f"an example changed, {len(objects)} objects get their classes", statistics.median(times) * 1e3, "ms", 20)
