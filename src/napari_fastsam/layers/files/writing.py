"""A Labels layer into a file, as napari's *Save Selected Layers* asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Layer

from napari_fastsam.io.formats import registry
from napari_fastsam.io.results.results import OutputError
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
    return _write(registry.writer_for(Path(path)), Path(path), data, attributes)


def write_coco_polygons(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write COCO in polygons; the rest is as in `write_labels`."""
    return _write_called("coco-polygons", Path(path), data, attributes)


def write_cellpose_masks(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write masks where cellpose looks for them; the rest is as in `write_labels`."""
    return _write_called("cellpose-masks", Path(path), data, attributes)


def write_yolo(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a YOLO folder; the rest is as in `write_labels`."""
    return _write_called("yolo", Path(path), data, attributes)


def _write_called(name: str, path: Path, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a format of a given name under the name that its programs look for.

    Raises
    ------
    OutputError
        If there is such a file, and the user, who was asked about another name, does not know of it.
    """
    chosen = registry.writer(name)
    called = path if path.name.endswith(chosen.ending) else path.with_name(f"{path.stem}{chosen.ending}")
    if called != path and called.exists():
        raise OutputError(f"{called} is there already; name it itself to replace it")
    return _write(chosen, called, data, attributes)


def _write(chosen: registry.Format, path: Path, data: Any, attributes: dict[str, Any]) -> list[str]:
    layer: Labels = Layer.create(data, attributes, "labels")
    shape = data[0].shape if layer.multiscale else data.shape
    chosen.write(result_of(layer, image_under(shape, [layer.name])), path)
    return [str(path)]
