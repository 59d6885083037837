"""When the dock answers: how the events of a click, a slider or a storm of both become few answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from superqt.utils import qthrottled

SOON_MS = 10
"""Changes of layers, planes and features within this time are answered once, at its end."""

AGAIN_MS = 20
"""What a prompt or a slider finds is drawn at once, before the canvas draws the prompt, and then not more often."""


class Updates:
    """Calls an update, not more often than makes sense.

    Parameters
    ----------
    update
        Answers what is asked for at the time of the call.
    draw_at_once
        Draws what is found, and has the update follow. For calls from within an event of napari's: it must not handle
        events itself.

    Notes
    -----
    Bound methods are expected; their objects are held weakly.
    """

    def __init__(self, update: Callable[..., Any], draw_at_once: Callable[..., Any]) -> None:
        self.now = qthrottled(draw_at_once, timeout=AGAIN_MS)
        self.soon = qthrottled(update, timeout=SOON_MS, leading=False)

    def flush(self) -> None:
        """Answer at once what is waiting to be answered."""
        self.now.flush()
        self.soon.flush()

    def cancel(self) -> None:
        """Drop what is waiting to be answered."""
        self.now.cancel()
        self.soon.cancel()
