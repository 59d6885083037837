"""A Labels layer into a file: small ones at once, large ones in a thread, while the viewer goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_fastsam.core.results.result import Index, LabelPlanes, SegmentationResult
from napari_fastsam.errors import FastSAMError, LabelsError
from napari_fastsam.io.formats.registry import Format
from napari_fastsam.widgets.common.errors import notify
from napari_fastsam.widgets.common.runner import Runner
from napari_fastsam.widgets.segment import messages

LARGE = 4_000_000
"""Pixels from which a layer is written in a thread."""


class Cancelled(Exception):
    """The person wants the file no more."""


class Exporter:
    """Writes results, and says how it went.

    Parameters
    ----------
    say
        Called with what is going on, for the status.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._runner = Runner(self._step, self._ended)
        self._told = ""

    @property
    def busy(self) -> bool:
        """Whether a file is being written."""
        return self._runner.busy

    def write(self, chosen: Format, result: SegmentationResult, target: Path, layer_name: str) -> None:
        """Write a result; a large one is copied first, so that what is painted meanwhile is not half in the file.

        Raises
        ------
        FastSAMError
            If the format cannot hold a small one, or it cannot be written; of a large one napari's notifications tell.
        LabelsError
            If another one is being written.
        """
        if self.busy:
            raise LabelsError(messages.EXPORTING)
        self._told = messages.exported(layer_name, str(target))
        if np.prod(result.shape) < LARGE:
            chosen.write(result, target)
            self._say(self._told)
            return
        frozen = _Frozen(result.labels, lambda: self._runner.cancelled)

        def work() -> Iterator[str]:
            yield messages.exporting(layer_name, target.name)
            chosen.write(replace(result, labels=frozen), target)

        self._runner.start(work, f"FastSAM: {target.name}")

    def close(self) -> None:
        """Give up what is being written; a file appears whole or not at all."""
        self._runner.close()

    def _step(self, step: str) -> None:
        self._say(step)

    def _ended(self, error: Exception | None, cancelled: bool) -> None:
        if cancelled or isinstance(error, Cancelled):
            self._say(messages.NOT_EXPORTED)
        elif error is None:
            self._say(self._told)
        else:
            self._say(str(error) if isinstance(error, FastSAMError) else messages.NOT_EXPORTED)
            notify(error)


class _Frozen:
    """Labels as they are now, given a plane at a time until somebody cancels."""

    def __init__(self, labels: LabelPlanes, cancelled: Callable[[], bool]) -> None:
        array = getattr(labels, "array", None)
        self.shape = labels.shape
        self._labels, self._cancelled = labels, cancelled
        self._copy = array.copy() if isinstance(array, np.ndarray) else None

    def planes(self, onto: Any = None) -> Iterator[tuple[Index, Any]]:
        """Yield each plane's index and its (Y, X) labels, in order."""
        if self._copy is None:
            given = self._labels.planes(onto)
        else:
            copy = self._copy
            given = ((index, copy[index]) for index in np.ndindex(*self.shape[:-2]))
        for index, plane in given:
            if self._cancelled():
                raise Cancelled
            yield index, plane
