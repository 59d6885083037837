"""When the dock answers: how the events of a click, a slider or a storm of both become few answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from superqt.utils import qthrottled

SOON_MS = 10
"""Changes of layers, planes and features within this time are answered once, at its end."""

AGAIN_MS = 20
"""A prompt or a slider is answered at once, before the canvas draws it, and then not more often than this."""


class Updates:
    """Calls an update, not more often than makes sense.

    Parameters
    ----------
    update
        Answers what is asked for at the time of the call.
    update_at_once
        The same, for calls from within an event of napari's: it must not handle events itself.

    Notes
    -----
    Bound methods are expected; their objects are held weakly.
    """

    def __init__(self, update: Callable[..., Any], update_at_once: Callable[..., Any]) -> None:
        self.now = qthrottled(update_at_once, timeout=AGAIN_MS)
        self.soon = qthrottled(update, timeout=SOON_MS, leading=False)

    def flush(self) -> None:
        """Answer at once what is waiting to be answered."""
        self.now.flush()
        self.soon.flush()

    def cancel(self) -> None:
        """Drop what is waiting to be answered."""
        self.now.cancel()
        self.soon.cancel()
