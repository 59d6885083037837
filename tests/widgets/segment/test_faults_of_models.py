"""Models that cannot be loaded, devices that are not there, downloads that fail."""

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

from dock_faults import NUCLEI, works_again
from napari_fastsam.model.network import segmenter
from napari_fastsam.model.weights import weights


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
                for start in range(0, len(sent), 50_000):
                    self.wfile.write(sent[start : start + 50_000])
                    if server.answer == "slow":  # a quarter of a minute in all, whatever else this machine does
                        time.sleep(0.1)
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
