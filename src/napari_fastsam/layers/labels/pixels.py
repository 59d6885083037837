"""Pixels of a Labels layer written as one undo step of napari's, or put back if that fails."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.layers.labels.largest import kept_largest
from napari_fastsam.layers.labels.target import pixels_of

if TYPE_CHECKING:
    from napari.layers import Labels

Indices = tuple[NDArray[np.intp], ...]
"""(D,) arrays of positions in a layer's data."""

_TRIES, _SETTLING = 5, 0.2
"""How often pixels are put back until they stay, and the seconds after which that is looked at: zarr may still have
other chunks to write when it tells of the one that failed."""


def write_pixels(layer: Labels, parts: Sequence[tuple[Indices, NDArray[np.generic]]], then: str) -> None:
    """Write values into a Labels layer: as one undo step, or directly into a pyramid, which napari does not edit.

    Parameters
    ----------
    layer
        The layer, visible or not.
    parts
        Where, and the values of the data's type.
    then
        What to do if it fails, for the message.

    Raises
    ------
    LabelsError
        If it fails, as on a full disk; the pixels were put back then, or the message says that they could not be.
    """
    if isinstance(layer.data, np.ndarray) and not layer.data.dtype.isnative:
        # napari 0.9 swaps the bytes of what it sets in uint16 of the other order
        layer.data = layer.data.astype(layer.data.dtype.newbyteorder("="))
    data = pixels_of(layer)
    parts = [part for part in parts if len(part[1])]
    if layer.multiscale:
        for where, values in parts:
            before = np.asarray(data[where])
            data[where] = values
            layer.events.paint(value=[(where, before, values)])  # as napari tells of what it has written
        layer.refresh(extent=False)
        return
    with _sliced(layer), kept_largest(layer):
        if parts:
            indices = tuple(np.concatenate(axis) for axis in zip(*(where for where, _ in parts), strict=True))
            with _put_back_on_failure(layer, indices, then), layer.block_history():
                layer.data_setitem(indices, np.concatenate([values for _, values in parts]))
        if layer.ndim > 2:
            # data_setitem redraws the slice that it finds without units: where layers differ in units not the one
            # shown
            layer.refresh(extent=False)


@contextmanager
def _put_back_on_failure(layer: Labels, indices: Indices, then: str) -> Iterator[None]:
    """Restore pixels if writing them fails half way, as zarr's do on a full disk."""
    data: Any = layer.data
    before = np.asarray(data[indices])
    try:
        yield
    except Exception as error:
        failed = f'Labels layer "{layer.name}" could not be written ({type(error).__name__}: {error}). '
        changed = len(before)
        try:
            for _ in range(_TRIES):
                data[indices] = before
                time.sleep(_SETTLING)
                changed = int(np.count_nonzero(np.asarray(data[indices]) != before))
                if not changed:
                    break
        except Exception:  # noqa: BLE001 - whatever a store raises: it is told below
            changed = -1
        outcome = (
            f"{'Some' if changed < 0 else changed} of its pixels could not be put back: look at them before you go on. "
            if changed
            else "Its pixels are as they were. "
        )
        raise LabelsError(f"{failed}{outcome}{then}") from error


@contextmanager
def _sliced(layer: Labels) -> Iterator[None]:
    """Show a hidden layer while it is written to: without a slice data_setitem fails half way."""
    if layer.visible:
        yield
        return
    layer.visible = True
    try:
        yield
    finally:
        layer.visible = False
