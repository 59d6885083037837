"""What labels took, saved where the user wants it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari.layers import Labels
from qtpy.QtWidgets import QWidget

from napari_fastsam.io.results.efforts import write_efforts
from napari_fastsam.layers.review.review import labelled
from napari_fastsam.widgets.common.files import table_to_save


def save_efforts(window: QWidget, layers: Iterable[Labels | None], path: Path | str | None) -> Path | None:
    """Write a row a layer as CSV; a path that is None is asked for.

    Returns
    -------
    pathlib.Path or None
        The file; None if the user wanted none.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    file = table_to_save(window, "Save the effort", "effort.csv", path)
    if file is not None:
        write_efforts(file, [labelled(layer) for layer in layers if layer is not None])
    return file
