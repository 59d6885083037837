"""A Labels layer into a file, as napari's *Save Selected Layers* asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Layer

from napari_fastsam.io.formats import registry
from napari_fastsam.layers.files.beside import image_under
from napari_fastsam.layers.labels.exporting import result_of

if TYPE_CHECKING:
    from napari.layers import Labels


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the data of a Labels layer in the format that a file's name ends in.

    Parameters
    ----------
    path
        The file.
    data, attributes
        As `Layer.as_layer_data_tuple` gives them.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    ParameterError
        If no format has that ending, or it cannot hold the labels.
    OutputError
        If it cannot be written.
    """
    chosen = registry.writer_for(Path(path))
    layer: Labels = Layer.create(data, attributes, "labels")
    shape = data[0].shape if layer.multiscale else data.shape
    chosen.write(result_of(layer, image_under(shape, [layer.name])), Path(path))
    return [path]
