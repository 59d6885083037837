"""A real napari window with docks, and all that goes wrong in it: in callbacks, in threads and as notifications."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from typing import Any

import numpy as np

NAMES = (
    "cells", "a & b", "<b>bold</b>", "<img src='http://127.0.0.1:9/x.png'>", "<svg onload=alert(1)>", "%s%n{0}",
    "<a href='http://127.0.0.1:9/'>here</a>", "😀 ü ", "x" * 300, "<style>*{color:red}</style>", "]]><!--", "\x1b[31m",
)  # fmt: skip
"""What layers are called: markup, escapes, long and empty ones."""

LONGEST = 120.0
"""Seconds that an answer may take."""


class Window:
    """One viewer.

    Parameters
    ----------
    shown
        Whether the window is drawn.
    """

    def __init__(self, shown: bool = False) -> None:
        from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer

        import_torch_beside_a_viewer()  # before OpenGL draws
        import napari
        from napari.utils.notifications import NotificationSeverity, notification_manager
        from qtpy.QtWidgets import QApplication

        self.errors: list[str] = []
        self.sockets: list[str] = []
        self._hooks = sys.excepthook, threading.excepthook
        self.viewer = napari.Viewer(show=shown)
        self.app = QApplication.instance()
        sys.excepthook = lambda kind, error, trace: self._note(error)
        threading.excepthook = lambda args: self._note(args.exc_value)
        self._severe = NotificationSeverity.ERROR
        self._notifications = notification_manager
        notification_manager.notification_ready.connect(self._notified)
        sys.addaudithook(self._hear)
        self._open = True

    def _note(self, error: Any) -> None:
        from napari_fastsam.errors import FastSAMError

        if not isinstance(error, FastSAMError):
            import traceback

            self.errors.append("".join(traceback.format_exception(error)[-4:])[-700:])

    def _notified(self, notification: Any) -> None:
        if notification.severity >= self._severe and getattr(notification, "exception", None) is not None:
            self._note(notification.exception)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if (
            event == "socket.connect"
            and self._open
            and args[1] not in (None, "")
            and not isinstance(args[1], str | bytes)
        ):
            self.sockets.append(str(args[1]))

    def let_happen(self, seconds: float = 0.0) -> None:
        """Handle events for a while."""
        until = time.monotonic() + seconds
        while True:
            self.app.processEvents()
            if time.monotonic() >= until:
                return
            time.sleep(0.002)

    def settle(self, dock: Any) -> None:
        """Wait until the dock has answered all that happened."""
        until = time.monotonic() + LONGEST
        updates = dock._engine.updates
        while updates.now._hasPendingEmission or updates.soon._hasPendingEmission or dock._engine.runner.busy:
            self.let_happen(0.005)
            assert time.monotonic() < until, f"no answer after {LONGEST:.0f} s: {dock.message}"
        self.let_happen()

    def open_dock(self, kind: type, name: str) -> Any:
        """Open a dock beside the canvas."""
        dock = kind(self.viewer)
        self.viewer.window.add_dock_widget(dock, name=name)
        self.let_happen()
        return dock

    def close_dock(self, dock: Any) -> None:
        """Close a dock for good."""
        self.viewer.window.remove_dock_widget(dock.native)
        self.let_happen(0.02)

    def check(self) -> None:
        """Raise if something went wrong since the last time."""
        errors, self.errors = self.errors, []
        assert not errors, f"{len(errors)} errors in callbacks, the first: {errors[0]}"
        sockets, self.sockets = self.sockets, []
        assert not sockets, f"something was called: {sockets}"

    def close(self) -> None:
        """Close it."""
        self._open = False
        self._notifications.notification_ready.disconnect(self._notified)
        sys.excepthook, threading.excepthook = self._hooks
        self.viewer.close()
        self.let_happen(0.05)


def settings_aside(folder: Any) -> None:
    """Let napari and the plugin keep their settings in a folder."""
    os.environ.setdefault("NAPARI_CONFIG", str(folder / "napari.yaml"))
    os.environ.setdefault("NAPARI_FASTSAM_DATA", str(folder / "data"))


def any_name(rng: np.random.Generator) -> str:
    """Return a name for a layer."""
    return NAMES[rng.integers(len(NAMES))]


def collected() -> float:
    """Return the process's memory in MB after a collection."""
    import psutil

    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6
