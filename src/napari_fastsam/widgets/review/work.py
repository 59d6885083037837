"""Objects measured without keeping the user waiting: at once if that takes moments, else in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from napari_fastsam.core.review.doubts import Doubts
from napari_fastsam.core.review.measured import MeasuredObjects
from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.review.objects import LayerPixels
from napari_fastsam.widgets.common.runner import Runner

AT_ONCE_PIXELS = 2_000_000
"""So many pixels are looked through within some tenths of a second."""

Measured = tuple[MeasuredObjects, Doubts]


class MeasuringWork:
    """Measures the objects of one layer at a time.

    Parameters
    ----------
    on_done
        Called with what came of it, on the main thread: None if it was cancelled, or failed with the error.
    """

    def __init__(self, on_done: Callable[[Measured | None, Exception | None], None]) -> None:
        self._on_done = on_done
        self._runner = Runner(lambda step: None, self._ended)
        self._found: list[Measured] = []
        self._next: LayerPixels | None = None
        self._stale = False

    @property
    def busy(self) -> bool:
        """Whether objects are being measured."""
        return self._runner.busy

    def start(self, pixels: LayerPixels) -> None:
        """Measure objects; what is under way is not wanted any more then."""
        if self._runner.busy:
            self._next, self._stale = pixels, True
            self._runner.cancel()
            return
        self._found, self._next, self._stale = [], None, False
        if pixels.pixels > AT_ONCE_PIXELS:
            self._runner.start(lambda: self._steps(pixels), "Review")
            return
        error: Exception | None = None
        try:
            self._found.append(pixels.measured())
        except FastSAMError as caught:
            error = caught
        self._ended(error, cancelled=False)

    def outdate(self) -> None:
        """Have what is under way come to nothing."""
        self._next, self._stale = None, True
        self._runner.cancel()

    def close(self) -> None:
        """End what is under way and report nothing any more."""
        self._runner.close()

    def _steps(self, pixels: LayerPixels) -> Iterator[str]:
        yield "measuring objects …"
        self._found.append(pixels.measured())

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        if self._stale:
            self._stale = False
            if self._next is not None:
                self.start(self._next)
            return
        self._on_done(self._found[0] if self._found and error is None else None, error)
