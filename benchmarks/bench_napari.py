"""In napari: starting, from the dock to the first object, from an event to the Labels layer, torch beside the loop."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc

import numpy as np
import pytest
from timing import alternate, median_ms


@pytest.fixture(scope="module")
def printed():
    """Runs code in a process of its own and returns what it prints, with byte code kept, as after a first start."""
    with tempfile.TemporaryDirectory() as folder:
        kept = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)

        def run(code: str) -> list[float]:
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=kept)
            return [float(word) for word in done.stdout.splitlines()[-1].split()]

        yield run


def test_import(benchmark, figure, printed):
    code = "import time; s = time.perf_counter(); import napari_fastsam; print(time.perf_counter() - s)"
    benchmark.pedantic(lambda: printed(code), rounds=3)
    figure("import napari_fastsam", statistics.median(printed(code)[0] for _ in range(7)), "s", 0.1)


@pytest.fixture
def docked(qtbot, make_napari_viewer_proxy, sparse):
    """A viewer with the sparse picture and the dock, which has seen it."""
    viewer = make_napari_viewer_proxy(show=True)
    viewer.add_image(sparse)
    _, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "FastSAM")
    points, _ = dock.make_prompt_layers()
    points.add([[5.0, 5.0]])
    dock.run(wait=True)
    qtbot.wait(500)
    return viewer, dock, points


def test_dock_opens(benchmark, figure, printed):
    code = (
        "import time, napari; v = napari.Viewer(show=True); s = time.perf_counter();"
        "v.window.add_plugin_dock_widget('napari-fastsam', 'FastSAM');"
        "from qtpy.QtWidgets import QApplication; QApplication.processEvents();"
        "print(time.perf_counter() - s); v.close()"
    )
    benchmark.pedantic(lambda: printed(code), rounds=1)
    figure("the dock opens in a fresh napari", statistics.median(printed(code)[0] for _ in range(3)), "s", 1)


_FIRST_OBJECT = """
import sys, time, napari
from napari_fastsam import samples
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer(show=True)
viewer.add_image(*samples.fluorescence_nuclei()[0][:1])
QApplication.processEvents()
assert "torch" not in sys.modules
start, used = time.perf_counter(), time.process_time()
_, dock = viewer.window.add_plugin_dock_widget("napari-fastsam", "FastSAM")
QApplication.processEvents()
opened = time.perf_counter() - start
points, _ = dock.make_prompt_layers()
points.add([[126.0, 94.0]])
clicked = time.perf_counter() - start
def shown():
    return "FastSAM preview" in viewer.layers and viewer.layers["FastSAM preview"].data[126, 94]
while not shown() and time.perf_counter() - start < 120:
    QApplication.processEvents()
    time.sleep(0.001)
assert shown()
print(opened, clicked, time.perf_counter() - start, time.process_time() - used)
viewer.close()
"""


def test_first_object(benchmark, figure, printed):
    """From a closed dock, torch not loaded, to a nucleus of the sample that was clicked at once."""
    benchmark.pedantic(lambda: printed(_FIRST_OBJECT), rounds=1)
    runs = [printed(_FIRST_OBJECT) for _ in range(3)]
    figure("the dock opened and a nucleus clicked → its object", statistics.median(run[2] for run in runs), "s", 3)
    figure("  … of the processor's time, both cores together", statistics.median(run[3] for run in runs), "s")


def test_preview_update(benchmark, figure):
    """New objects in a preview of 1024 × 1024 pixels, without drawing."""
    from napari.components import ViewerModel

    from napari_fastsam.layers import make_preview, plane_shown, update_preview

    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((1024, 1024), np.uint8), scale=(0.5, 0.5))
    plane = plane_shown(viewer, image)
    rows, columns = np.indices(plane.shape)
    objects = ((rows - 512) ** 2 + (columns - 341) ** 2 < 256**2).astype(np.int32) * 7
    preview = viewer.add_layer(make_preview(image, plane, objects))
    shifts = iter(range(1000))
    benchmark.pedantic(lambda: None, rounds=1)
    took = median_ms(lambda: update_preview(preview, image, plane, np.roll(objects, next(shifts), axis=1)))
    figure("the preview takes new objects, 1024 × 1024", took, "ms", 20)


def test_event_to_labels(benchmark, figure, qtbot, docked, model, sparse):
    viewer, _, points = docked
    preview = viewer.layers["FastSAM preview"]
    objects = model.segment(sparse, imgsz=1024)
    centres = [_inside(objects.masks[i]) for i in range(5, 35)]

    def until_there(place) -> float:
        qtbot.wait(100)  # nobody clicks faster
        start = time.perf_counter()
        points.add([place])
        at = tuple(int(v) for v in place)
        while not preview.data[at] and time.perf_counter() - start < 5:
            qtbot.wait(1)
        return time.perf_counter() - start

    times = [until_there(place) for place in centres]
    benchmark.pedantic(lambda: None, rounds=1)
    figure(
        "a point's event → Labels layer changed",
        statistics.median(times) * 1e3,
        "ms",
        50,
        note="napari's adding included",
    )


def test_slider_to_labels(benchmark, figure, qtbot, docked):
    viewer, dock, _ = docked
    dock.task.value = "everything"
    qtbot.wait(500)
    preview = viewer.layers["FastSAM preview"]
    times = []
    changed = []
    for event in (preview.events.set_data, preview.events.labels_update):  # all of it, or a part
        event.connect(lambda: changed.append(time.perf_counter()))
    for conf in [0.7, 0.3] * 8:
        changed.clear()
        start = time.perf_counter()
        dock.conf.value = conf
        qtbot.waitUntil(lambda: bool(changed), timeout=5000)
        times.append(changed[0] - start)
        qtbot.wait(100)
    benchmark.pedantic(lambda: None, rounds=1)
    figure("confidence slider → Labels layer changed", statistics.median(times) * 1e3, "ms", 50, note="everything")


def test_hover(benchmark, figure, qtbot, docked, model, sparse):
    """From the cursor's event to the outline in its layer, all objects kept."""
    from types import SimpleNamespace

    viewer, dock, _ = docked
    objects = model.segment(sparse, imgsz=1024)
    hover = dock._hover
    times, found = [], 0
    for _ in range(2):
        for i in range(min(40, len(objects.masks))):
            event = SimpleNamespace(position=tuple(map(float, _inside(objects.masks[i]))))
            start = time.perf_counter()
            hover._moved(viewer, event)
            times.append(time.perf_counter() - start)
            found += hover.under is not None
    assert found
    benchmark.pedantic(lambda: None, rounds=1)
    figure("the cursor's event → the object under it outlined", statistics.median(times) * 1e3, "ms", 16)


def test_edits_and_undos(benchmark, figure):
    """1000 prompts made and taken back, and 1000 edits of labels: what the history holds, and what it took."""
    from napari.layers import Image, Labels

    from napari_fastsam.layers.history.history import History
    from napari_fastsam.layers.history.label_edit import recorded_edit
    from napari_fastsam.layers.history.recorder import Recorder
    from napari_fastsam.layers.prompts.new import new_points

    points, labels = new_points(Image(np.zeros((512, 512), np.uint8))), Labels(np.zeros((512, 512), np.int32))
    recorder = Recorder(History())
    recorder.follow([points])
    rows, columns = (axis.ravel() for axis in np.mgrid[:30, :30])

    def edit(i: int) -> None:
        with recorder.step("a click"):
            points.add([[i % 512, i % 500]])
        with recorded_edit("an edit", labels, recorder):
            labels.data_setitem((rows + i % 480, columns + i % 470), i + 1)
        recorder.undo()
        recorder.undo()

    for i in range(20):
        edit(i)
    start, took = recorder.history.nbytes, time.perf_counter()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for i in range(1000):
        edit(i)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    took = time.perf_counter() - took
    assert recorder.history.nbytes <= 2 * start + 1_000_000
    benchmark.pedantic(lambda: None, rounds=1)
    figure("1000 edits of prompts and of labels, each taken back", took, "s", note="memory traced")
    figure("  … memory more than after 20", grown / 1e6, "MB", 5)


def test_network_in_a_worker(benchmark, figure, qtbot, docked, model, sparse):
    """The network in napari's worker, with the event loop idle, against the same on the main thread."""
    from napari.qt.threading import create_worker

    rgb = np.repeat(sparse[..., None], 3, axis=2)

    def on_main():
        model.propose(rgb, 1024)

    def in_worker():
        worker = create_worker(model.propose, rgb, 1024, _start_thread=False)
        with qtbot.waitSignal(worker.finished, timeout=60_000):
            worker.start()

    benchmark.pedantic(on_main, rounds=2)
    main, worker = alternate(on_main, in_worker, rounds=8)
    figure("the network on the main thread, napari open", main * 1e3, "ms")
    figure("  … in a napari worker, beside it", worker / main, "×")


_BESIDE = """
import os, statistics, subprocess, sys, time
if "{policy}":
    os.environ["OMP_WAIT_POLICY"] = "{policy}"
import numpy as np, napari_fastsam as fs
model = fs.load_model(device="cpu")
rgb = np.zeros((512, 704, 3), np.uint8)
def passes():
    times = []
    for _ in range(8):
        start = time.perf_counter()
        model.propose(rgb)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])
passes()
alone = passes()
busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
try:
    print(alone, passes())
finally:
    busy.kill()
    busy.wait()
"""


def test_beside_a_busy_process(benchmark, figure):
    """The network while something else wants a core, as a viewer that draws: idle OpenMP threads spin or sleep."""

    def seconds(policy: str) -> list[float]:
        code = _BESIDE.format(policy=policy)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return [float(word) for word in done.stdout.split()[-2:]]

    benchmark.pedantic(lambda: None, rounds=1)
    runs = [(*seconds(""), *seconds("PASSIVE")) for _ in range(3)]
    spin_alone, spin_beside, sleep_alone, sleep_beside = (
        statistics.median(column) for column in zip(*runs, strict=True)
    )
    figure("the network alone, 704 × 512, idle threads sleep", sleep_alone * 1e3, "ms")
    figure("  … spin, as by default", spin_alone * 1e3, "ms")
    figure("the network beside a busy process, idle threads sleep", sleep_beside * 1e3, "ms")
    figure("  … spin, as by default", spin_beside * 1e3, "ms")


def _inside(crop) -> tuple[int, int]:
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(crop.pixels, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return crop.top + int(row), crop.left + int(column)
