"""The bundled model, real images, and a real HTTP server on this machine with the faults that real ones have."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest

from napari_fastsam.model.network.segmenter import Model, load_model
from napari_fastsam.model.weights import weights


class FileServer(ThreadingHTTPServer):
    """Serves `body` for every path; `fault` says what goes wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = b""
        self.fault = ""
        self.requests = 0
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/tiny.pt"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server = self.server
        server.requests += 1
        fault = server.fault
        if fault in ("404", "503"):
            self.send_error(int(fault))
            return
        self.send_response(200)
        if fault == "compressed":
            self.send_header("Content-Encoding", "gzip")
        if fault == "says 10 GB":
            self.send_header("Content-Length", str(10**10))
        elif not fault.endswith("without a length"):
            self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        if fault == "endless without a length":
            while True:  # until the other side hangs up, which ends in an error
                self.wfile.write(server.body)
                server.sent += len(server.body)
        half = len(server.body) // 2
        drops = fault == "drops always" or (fault == "drops once" and server.requests == 1)
        if drops or fault == "truncated without a length":
            self.wfile.write(server.body[:half])
        elif fault == "slow":
            for start in range(0, len(server.body), 4096):
                self.wfile.write(server.body[start : start + 4096])
                self.wfile.flush()
                time.sleep(0.02)
        else:
            self.wfile.write(server.body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    # A proxy of the machine would be asked for 127.0.0.1 too.
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with FileServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache" / "not made yet"
    monkeypatch.setenv(weights.CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="session")
def nuclei() -> Model:
    """The bundled model on the CPU."""
    return load_model("nuclei", "cpu")


@pytest.fixture(scope="session")
def picture() -> Callable[[str], np.ndarray]:
    """Read an image of tests/data/dsb2018 by its stem; ``<stem>_labels`` are its nuclei as drawn."""

    def read(stem: str) -> np.ndarray:
        image = iio.imread(Path(__file__).parents[1] / "data" / "dsb2018" / f"{stem}.png")
        image.setflags(write=False)
        return image

    return read
