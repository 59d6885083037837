"""Napari in a process of its own, closed while something is under way, and used as a person does."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

CLOSING = """
    import sys
    import napari
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication
    from napari_fastsam.samples import fluorescence_nuclei
    from napari_fastsam.widgets import FastSAMWidget

    viewer = napari.Viewer()
    ((image, options, _),) = fluorescence_nuclei()
    viewer.add_image(image, **options)
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")
    kind = sys.argv[1]

    def close():
        if dock.controller.work is None or dock.controller.work.kind != kind:
            QTimer.singleShot(1, close)
            return
        print("closed while at", dock.controller.work.kind, flush=True)
        viewer.close()

    dock.imgsz.value = 1024
    dock.task.value = "everything"
    if kind == "segment":
        dock.run()
    QTimer.singleShot(0, close)
    napari.run()
    print("over", flush=True)
"""


@pytest.mark.parametrize("kind", ["warm up", "segment"])
def test_the_viewer_is_closed_while_work_runs(tmp_path, kind):
    script = tmp_path / "closing.py"
    script.write_text(textwrap.dedent(CLOSING))
    done = subprocess.run([sys.executable, script, kind], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert f"closed while at {kind}" in done.stdout
    assert done.stdout.endswith("over\n")
    for sign in ("Traceback", "deleted", "QThread"):
        assert sign not in done.stderr, done.stderr


ABANDONED = """
    import napari
    import numpy as np
    from qtpy.QtCore import QTimer
    from napari_fastsam.model.network import segmenter
    from napari_fastsam.widgets import FastSAMWidget

    keep = segmenter._keep
    segmenter._keep = lambda *args, **kwargs: print("a pass ended", flush=True) or keep(*args, **kwargs)
    segmenter.Model._forward = (lambda forward: lambda self, picture: looking(forward, self, picture))(
        segmenter.Model._forward
    )
    began = []

    def looking(forward, model, picture):
        began.append(picture.shape)
        return forward(model, picture)

    viewer = napari.Viewer()
    viewer.add_image(np.random.default_rng(0).integers(0, 255, (2080, 2784), dtype=np.uint8))
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")

    def close():
        if not began:
            QTimer.singleShot(1, close)
            return
        print("closed while the network runs on", tuple(began[0]), flush=True)
        viewer.close()

    dock.task.value = "everything"
    dock.run()
    QTimer.singleShot(0, close)
    napari.run()
    print("over", flush=True)
"""


def test_a_pass_of_the_network_is_abandoned_when_the_viewer_closes(tmp_path):
    script = tmp_path / "closing.py"
    script.write_text(textwrap.dedent(ABANDONED))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["closed while the network runs on (2080, 2784, 3)", "over"]
    for sign in ("Traceback", "deleted", "QThread"):
        assert sign not in done.stderr, done.stderr


ENDED = """
    import napari
    from qtpy.QtWidgets import QApplication
    from napari_fastsam.widgets import FastSAMWidget

    viewer = napari.Viewer()
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")
    while dock.controller.work is None or dock.message != "loading nuclei":
        QApplication.processEvents()
    viewer.close()
    print("over", flush=True)
"""


def test_a_script_that_ends_while_the_model_is_loaded(tmp_path):
    """Without napari's event loop nobody waits for the thread, and Qt is gone before it."""
    script = tmp_path / "ended.py"
    script.write_text(textwrap.dedent(ENDED))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout == "over\n"
    assert done.returncode == 0, done.stderr


TYPED = """
    import sys
    from pathlib import Path
    import napari
    from qtpy.QtCore import QEventLoop, Qt, QTimer
    from qtpy.QtTest import QTest
    from rendered import render
    from napari_fastsam.widgets import FastSAMWidget

    viewer = napari.Viewer()
    viewer.add_image(render(5).picture)
    dock = FastSAMWidget(viewer)
    viewer.window.add_dock_widget(dock, name="FastSAM")

    def wait_for(there, milliseconds=60_000):
        loop, ticks = QEventLoop(), QTimer()
        ticks.timeout.connect(lambda: loop.quit() if there() else None)
        ticks.start(20)
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()
        ticks.stop()

    def texts():
        shown = dock.controller.shown
        return () if shown is None or not shown.questions else shown.request.controls.texts

    def type_and_enter():
        panel = dock.search
        panel.encoder.choices = [*panel.encoder.choices[:-1], sys.argv[1], panel.encoder.choices[-1]]
        panel.encoder.value = sys.argv[1]
        dock.focus_words()
        QTest.keyClicks(panel.words.native, "red circle")
        wait_for(lambda: texts() == ("red circle",))
        print("typed:", texts(), flush=True)
        panel.typed.setTimeout(10**7)  # from here on only Enter asks
        panel.words.native.selectAll()
        QTest.keyClicks(panel.words.native, "blue square")
        QTest.keyClick(panel.words.native, Qt.Key.Key_Return)
        wait_for(lambda: texts() == ("blue square",))
        print("entered:", texts(), flush=True)
        viewer.close()

    QTimer.singleShot(0, type_and_enter)
    napari.run()  # ends as napari does: Qt goes last
"""


def test_words_are_searched_for_when_typed_and_after_enter_in_a_real_event_loop(tmp_path, small_clip):
    script = tmp_path / "words.py"
    script.write_text(textwrap.dedent(TYPED))
    command = [sys.executable, script, str(small_clip)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}  # the scene is drawn by benchmarks/rendered.py
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["typed: ('red circle',)", "entered: ('blue square',)"], done.stderr
