"""Bad input and bad luck: a message that says what to do, nothing lost, and the dock still works."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from napari.layers import Image, Shapes

from napari_fastsam.layers.answers.kept import Kept
from napari_fastsam.model.network import segmenter
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.segment.output import PREVIEW_NAME

NUCLEI = np.array([[126, 94], [147, 244]], float)


@pytest.fixture
def loads(monkeypatch):
    """Names of the models that were asked for, in order."""
    seen = []
    real = segmenter.load_model

    def load_model(name, *args, **kwargs):
        seen.append(str(name))
        return real(name, *args, **kwargs)

    monkeypatch.setattr(segmenter, "load_model", load_model)
    return seen


@pytest.fixture
def held(monkeypatch):
    """Lets a test act while the network looks at a plane; `held.set()` lets it go on."""
    gate, reached = threading.Event(), threading.Event()
    real = Kept.prediction

    def prediction(self, request, predict):
        reached.set()
        gate.wait(120)
        return real(self, request, predict)

    monkeypatch.setattr(Kept, "prediction", prediction)
    gate.reached = reached
    yield gate
    gate.set()


def run_held(b, held):
    """Press Run and come back while the network is at work."""
    b.dock.run()
    b.qtbot.waitUntil(held.reached.is_set)
    assert b.dock._engine.runner.busy


def works_again(b, cells):
    """Whatever happened, an image and a click give an object."""
    layer = b.viewer.add_image(cells, name="another", contrast_limits=(0, 80))
    b.dock.image.value = layer
    b.dock.model.value, b.dock.device.value = "nuclei", "auto"
    b.dock.task.value = "prompts"
    b.dock.points.value = None
    b.settle()
    b.click(NUCLEI[0])
    assert b.shown[126, 94] == 1


# ---------------------------------------------------------------- images


def test_no_image(bench, cells):
    b = bench(None)
    assert b.status.startswith("No image yet: open one")
    for action in (
        "run",
        "commit",
        "make_prompt_layers",
        "toggle_polarity",
        "toggle_object",
        "clear_prompts",
        "larger",
    ):
        assert getattr(b.dock, action)() is None
        b.settle()
    summary = b.dock.run(wait=True)
    assert (summary.found, summary.message) == (0, b.status)
    assert "No image yet" in summary.message
    assert len(b.viewer.layers) == 0
    works_again(b, cells)


class Empty(Image):
    """An image without pixels: napari's thumbnail of one with no rows or columns fails, so this has none."""

    def _update_thumbnail(self):
        pass


@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")  # napari's slider of no steps
@pytest.mark.parametrize("shape", [(0, 50), (50, 0), (3, 0, 20), (0, 50, 60), (0, 0, 0)], ids=str)
def test_a_zero_length_axis(bench, cells, shape):
    b = bench()
    points = b.click(NUCLEI[0])
    shown = b.shown.copy()
    empty = b.viewer.add_layer(Empty(np.zeros(shape, np.uint8), name="nothing", contrast_limits=(0, 1)))
    b.dock.image.value = empty
    b.settle()
    assert "has no pixels. Choose another image." in b.status
    summary = b.dock.run(wait=True)
    assert summary.found == 0
    assert "has no pixels" in summary.message
    assert len(points.data) == 1

    b.viewer.layers.remove(empty)
    b.dock.image.value = b.image
    b.settle()
    np.testing.assert_array_equal(b.shown, shown)


@pytest.mark.parametrize("task", ["prompts", "everything"])
@pytest.mark.filterwarnings("ignore:All-NaN slice encountered")
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_all_nan(bench, cells, task):
    b = bench(np.full((64, 64), np.nan, np.float32), contrast_limits=(0, 1))
    b.dock.task.value = task
    if task == "prompts":
        b.click((30, 30))
    b.settle()
    assert not b.shown.any()
    assert "all NaN" in b.status, b.status
    assert not b.dock._engine.runner.busy
    works_again(b, cells)


@pytest.mark.parametrize("task", ["prompts", "everything"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_one_pixel(bench, cells, task, dtype):
    b = bench(np.ones((1, 1), dtype), contrast_limits=(0, 2))
    b.dock.task.value = task
    if task == "prompts":
        b.click((0, 0))
    b.settle()
    assert b.dock.controller.failure is None
    assert b.status.split(" ", 1)[0] in ("0", "1"), b.status
    assert b.preview.data.shape == (1, 1)
    works_again(b, cells)


@pytest.mark.filterwarnings("ignore:data shape .* exceeds GL_MAX_TEXTURE_SIZE")  # napari draws it coarser
def test_a_very_long_image(bench):
    rng = np.random.default_rng(0)
    b = bench(rng.integers(0, 60, (20, 20_000)).astype(np.uint8), contrast_limits=(0, 80))
    b.dock.imgsz.value = 1024
    b.dock.task.value = "everything"
    b.settle()
    assert b.dock.controller.failure is None
    assert "object" in b.status
    assert b.preview.data.shape == (20, 20_000)
    b.dock.task.value = "prompts"
    b.click((10, 19_990))
    assert b.dock.controller.failure is None
    assert "object" in b.status


def test_a_volume_display(bench, cells):
    b = bench(np.stack([cells] * 4), contrast_limits=(0, 80))
    b.viewer.dims.set_current_step(0, 1)
    b.click((1, *NUCLEI[0]))
    assert b.shown[126, 94] == 1
    b.viewer.dims.ndisplay = 3
    b.settle()
    assert "switch to 2D display" in b.status
    assert "switch to 2D display" in b.dock.run(wait=True).message
    b.viewer.dims.ndisplay = 2
    b.settle()
    assert b.shown[126, 94] == 1


# ---------------------------------------------------------------- prompts


def test_points_outside(bench):
    b = bench()
    b.click((-50, 20), (1000, 20), (20, -0.6), (20, 320.2), NUCLEI[0])
    assert "Points 1, 2, 3, 4 are outside the image." in b.dock.status.value
    assert len(b.dock.controller.shown.objects) == 1
    assert b.shown[126, 94] > 0


def test_only_a_point_outside(bench):
    b = bench()
    b.click((-50, 20))
    assert "Point 1 is outside the image." in b.dock.status.value
    assert b.dock.commit() is None


BOXES = {
    "outside": ([[-90, -90], [-90, -60], [-60, -60], [-60, -90]], "outside the image"),
    "zero area": ([[50, 50], [50, 50], [50, 50], [50, 50]], "no area"),
    "a line": ([[50, 50], [50, 90], [50, 90], [50, 50]], "no area"),
}


@pytest.mark.parametrize("kind", BOXES)
def test_a_box_that_cannot_be_used_is_named_beside_one_that_can(bench, kind):
    corners, said = BOXES[kind]
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    b.dock.shapes.value.add_rectangles([corners])
    b.dock.shapes.value.add_rectangles([[[110, 78], [110, 112], [143, 112], [143, 78]]])
    b.settle()
    assert said in b.dock.status.value
    assert "• Rectangle 1 " in b.dock.status.value
    assert b.shown[126, 94] > 0


def test_a_reversed_box_is_the_same_box(bench):
    corners = np.array([[110, 78], [110, 112], [143, 112], [143, 78]], float)
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    shapes = b.dock.shapes.value
    shapes.add_rectangles([corners])
    b.settle()
    forward = b.shown.copy()
    assert forward[126, 94] == 1
    shapes.data = []
    shapes.add_rectangles([corners[[2, 1, 0, 3]]])
    b.settle()
    np.testing.assert_array_equal(b.shown, forward)


def test_a_box_partly_outside_is_cut_at_the_edge(bench):
    b = bench()
    b.viewer.add_layer(Shapes(ndim=2))
    b.dock.shapes.value.add_rectangles([[[-40, -40], [-40, 400], [300, 400], [300, -40]]])
    b.settle()
    assert b.dock.controller.failure is None
    assert "object" in b.status
    assert b.shown.shape == (256, 320)


def test_contradictory_areas(bench):
    b = bench()
    b.click(NUCLEI[0])
    shown = b.shown.copy()
    b.dock.areas.min_area.value, b.dock.areas.max_area.value = 500, 100
    b.settle()
    assert "500" in b.status
    assert "100" in b.status
    assert "nothing passes" in b.status
    assert not b.shown.any(), "the old preview is no answer"
    assert b.dock.run(wait=True).found == 0
    assert len(b.dock.points.value.data) == 1
    b.dock.areas.min_area.value = b.dock.areas.max_area.value = 0
    b.settle()
    np.testing.assert_array_equal(b.shown, shown)


# ---------------------------------------------------------------- layers that change while work runs


def test_the_image_is_deleted_while_work_runs(bench, held, cells):
    b = bench()
    b.dock.task.value = "everything"
    run_held(b, held)
    b.viewer.layers.remove(b.image)
    held.set()
    b.settle()
    assert PREVIEW_NAME not in b.viewer.layers
    assert b.status.startswith("No image yet")
    assert b.dock.commit() is None
    assert len(b.dock._engine.session.cache) == 0
    works_again(b, cells)


def test_the_image_is_deleted_while_work_runs_and_another_is_there(bench, held, cells):
    b = bench()
    other = b.viewer.add_image(cells[:, ::-1], name="other", contrast_limits=(0, 80))
    b.dock.image.value = b.image
    b.dock.task.value = "everything"
    run_held(b, held)
    b.viewer.layers.remove(b.image)
    held.set()
    b.settle()
    assert b.dock.image.value == other
    assert b.dock.controller.shown.request.controls.image == other
    assert b.shown.any()


def test_the_points_are_deleted_while_work_runs(bench, held):
    b = bench()
    points, _ = b.prompts()
    points.add([NUCLEI[0]])
    run_held(b, held)
    b.viewer.layers.remove(points)
    held.set()
    b.settle()
    assert not b.shown.any()
    assert b.status.startswith("Ready.")


def test_the_image_is_renamed_while_work_runs(bench, held):
    b = bench()
    b.dock.task.value = "everything"
    run_held(b, held)
    b.image.name = "renamed"
    held.set()
    b.settle()
    assert b.shown.any()
    assert b.dock.image.value == b.image
    assert b.dock.commit().metadata["napari-fastsam"][0]["image"] == "renamed"


@pytest.mark.parametrize("shape", ["same", "smaller", "another number of axes"])
def test_the_images_data_are_replaced_while_work_runs(bench, held, cells, shape):
    b = bench()
    b.dock.task.value = "everything"
    run_held(b, held)
    new = {"same": cells[::-1], "smaller": cells[:200, :150], "another number of axes": np.stack([cells, cells])}[shape]
    b.image.data = new
    held.set()
    b.settle()
    assert b.dock.controller.failure is None, b.status
    assert b.shown.shape == new.shape[-2:]
    found = {(o.crop.top, o.crop.left) for o in b.dock.controller.shown.objects}

    fresh = segmenter.load_model("nuclei", "auto").segment(
        new if new.ndim == 2 else new[0], conf=b.dock.conf.value, iou=b.dock.iou.value, contrast_limits=(0, 80)
    )
    assert found == {(m.top, m.left) for m in fresh.masks}, "of the new pixels, not of the old ones"


def test_the_labels_chosen_are_deleted_while_work_runs(bench, held, cells):
    b = bench()
    labels = b.viewer.add_labels(np.zeros(cells.shape, np.int32), name="mine")
    b.dock.labels.value = labels
    b.dock.task.value = "everything"
    run_held(b, held)
    b.viewer.layers.remove(labels)
    held.set()
    b.settle()
    assert b.dock.commit() is not labels
    assert not labels.data.any()


# ---------------------------------------------------------------- models


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("kind", ["missing", "truncated", "not a network", "malicious", "malicious plain pickle"])
@pytest.mark.parametrize("live", [True, False])
def test_a_checkpoint_that_cannot_be_used(bench, qtbot, loads, tmp_path, cells, kind, live):
    path, ran = tmp_path / "mine.pt", tmp_path / "it ran"
    if kind == "truncated":
        path.write_bytes(weights.find("nuclei").read_bytes()[:100_000])
    elif kind == "not a network":
        torch.save({"model": torch.zeros(3)}, path)
    elif kind == "malicious":
        torch.save({"model": Payload(ran)}, path)
    elif kind == "malicious plain pickle":
        path.write_bytes(pickle.dumps(Payload(ran)))
    b = bench()
    b.dock.live.value = live
    b.click(NUCLEI[0])
    loads.clear()
    b.dock.model.value = str(path)
    if not live:
        b.dock.run()
    b.settle()

    assert "mine.pt" in b.status, b.status
    assert not ran.exists()
    assert loads == [str(path)]
    for step in range(10):  # what goes on happening does not try it again
        b.dock.conf.value = 0.3 + step / 50
        b.dock.points.value.add([NUCLEI[1] + step])
        qtbot.wait(30)
    b.settle()
    assert loads == [str(path)]
    assert len(b.dock.points.value.data) == 11, "no prompt is lost"
    if live:
        assert "mine.pt" in b.status

    b.dock.run()  # Run does
    b.settle()
    assert loads == [str(path)] * 2
    assert "mine.pt" in b.dock.run(wait=True).message
    assert not ran.exists()
    b.dock.live.value = True
    works_again(b, cells)

    if "malicious" in kind:  # the payload does what this test believes
        Payload(ran).__reduce__()[0](*Payload(ran).__reduce__()[1])
        assert ran.exists()


def test_a_file_of_ones_own_works_and_a_repaired_one_too(bench, tmp_path):
    b = bench()
    b.click(NUCLEI[0])
    shown = b.shown.copy()
    path = tmp_path / "mine.pt"
    b.dock.model.value = str(path)
    b.settle()
    assert "there is no file" in b.status
    shutil.copyfile(weights.find("nuclei"), path)
    shutil.copyfile(weights.find("nuclei").with_suffix(".json"), path.with_suffix(".json"))
    b.dock.run()
    b.settle()
    np.testing.assert_array_equal(b.shown, shown)
    assert b.dock.commit().metadata["napari-fastsam"][0]["model"] == str(path)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there(bench, qtbot, loads, device, monkeypatch):
    b = bench()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # where the tests run on one
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    b.click(NUCLEI[0])
    loads.clear()
    b.dock.device.value = device
    b.settle()
    assert f"device '{device}' was asked for" in b.status
    assert "use 'auto' or 'cpu'" in b.status
    b.dock.conf.value = 0.4
    qtbot.wait(50)
    b.settle()
    assert len(loads) == 1
    b.dock.device.value = "cpu"
    b.settle()
    assert b.shown[126, 94] == 1


# ---------------------------------------------------------------- download


@pytest.fixture
def fastsam_s(monkeypatch, tmp_path):
    """FastSAM-s on a server of this machine: the bundled checkpoint under its name. `answer` is how the server does."""
    body = weights.find("nuclei").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests += 1
            if server.answer == "not found":
                self.send_error(404)
                return
            sent = body[:-1] + b"x" if server.answer == "tampered" else body
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            try:
                for start in range(0, len(sent), 500_000):
                    self.wfile.write(sent[start : start + 500_000])
                    if server.answer == "slow":
                        time.sleep(0.2)
            except OSError:  # the other end has hung up, as it should when cancelled
                return

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.answer = 0, "whole"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    entry = dataclasses.replace(
        weights.known("FastSAM-s"),
        url=f"http://127.0.0.1:{server.server_address[1]}/FastSAM-s.pt",
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )
    monkeypatch.setattr(weights, "REGISTRY", tuple(entry if w.name == entry.name else w for w in weights.REGISTRY))
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(tmp_path / "cache"))
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_model_that_is_not_here_is_offered_fetched_and_used(bench, fastsam_s):
    b = bench(show=True)
    b.click(NUCLEI[0])
    assert not b.dock.download.visible
    b.dock.model.value = "FastSAM-s"
    b.settle()
    assert b.dock.download.visible
    assert b.dock.download.text == "Download FastSAM-s (7 MB)"
    assert b.status.startswith("FastSAM-s is not on this computer. “Download” fetches it once")
    assert "“nuclei” works without" in b.status
    b.dock.run()
    b.settle()
    assert fastsam_s.requests == 0, "nothing comes from the network unasked"

    b.dock.download.native.click()
    assert b.dock._engine.runner.busy
    b.settle()
    assert fastsam_s.requests == 1
    assert not b.dock.download.visible
    assert b.dock.controller.shown.request.controls.model == "FastSAM-s"
    assert "object" in b.status
    assert b.dock.controller.failure is None

    fastsam_s.shutdown()
    b.dock.model.value = "nuclei"
    b.settle()
    b.dock.model.value = "FastSAM-s"
    b.dock.imgsz.value = 320
    b.settle()
    assert b.shown[126, 94] == 1, "it works offline from now on"


@pytest.mark.parametrize("answer", ["not found", "tampered", "no network"])
def test_a_download_that_fails(bench, fastsam_s, tmp_path, answer):
    fastsam_s.answer = answer
    if answer == "no network":
        fastsam_s.server_close()
    b = bench()
    b.click(NUCLEI[0])
    b.dock.model.value = "FastSAM-s"
    b.settle()
    b.dock.download.native.click()
    b.settle()
    said = {"not found": "404", "tampered": "SHA-256", "no network": "cannot be reached"}[answer]
    assert said in b.status, b.status
    assert "by hand" in b.status
    assert not [p for p in (tmp_path / "cache").glob("*") if p.is_file()]
    assert not b.dock.download.native.isHidden()
    assert b.dock.actions.run_button.text == "Run"
    b.dock.model.value = "nuclei"
    b.settle()
    assert b.shown[126, 94] == 1
    assert b.dock.download.native.isHidden(), "as soon as the dock is in sight"


def test_a_full_disk_while_downloading(bench, fastsam_s, tmp_path, monkeypatch):
    b = bench()
    b.dock.model.value = "FastSAM-s"
    b.settle()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    b.dock.download.native.click()
    b.settle()
    assert "the disk is full" in b.status
    assert not [p for p in (tmp_path / "cache").glob("*") if p.is_file()]


def test_a_download_is_cancelled_by_the_run_button(bench, fastsam_s, tmp_path, qtbot):
    fastsam_s.answer = "slow"
    b = bench()
    b.dock.model.value = "FastSAM-s"
    b.settle()
    b.dock.download.native.click()
    assert b.dock.actions.run_button.text == "Cancel"
    qtbot.waitUntil(lambda: " of 7 MB" in b.status)
    b.dock.actions.run_button.native.click()
    b.settle()
    assert "cancelled" in b.status
    assert not [p for p in (tmp_path / "cache").glob("*") if p.is_file()]
    assert not b.dock.download.native.isHidden()
