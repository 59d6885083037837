"""Label images as TIFF: compressed, of any number of axes, with all that is known in the description.

Where ImageJ has the axes, units and numbers of a label image the file is one of its hyperstacks, else an OME-TIFF;
either way other programs find the size of a pixel and the unit. Axes that neither knows are written as tifffile
describes them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.result import SegmentationResult, too_high
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.planes import FilePlanes
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.images.images import TIFF_SUFFIXES, unreadable
from napari_fastsam.io.results.results import write_whole

_OF_IMAGEJ = "tzcyx"
"""The order of its axes."""

_KEY = "napari-fastsam="
"""A line of ImageJ's description, and the text of an annotation in OME-XML."""

_LENGTHS = {"micrometer": "µm", "nanometer": "nm", "millimeter": "mm"}
_TIMES = {"second": "s", "millisecond": "ms", "minute": "min", "hour": "h"}
_IN_OME = {
    "t": ("TimeIncrement", _TIMES), "x": ("PhysicalSizeX", _LENGTHS), "y": ("PhysicalSizeY", _LENGTHS),
    "z": ("PhysicalSizeZ", _LENGTHS),
}  # fmt: skip
"""What OME calls the size of a pixel along each axis, and the symbols of units."""


@register
class TiffLabels(Format):
    """A label image as TIFF, in the smallest of uint8, uint16, int32 and int64 that its numbers fit into."""

    name = "tiff"
    ending = "_labels.tif"
    suffixes: ClassVar[tuple[str, ...]] = TIFF_SUFFIXES
    description = "label image, TIFF as ImageJ or OME have it"
    holds = frozenset(("labels", "stacks", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a label image plane by plane, in one step."""
        write_whole(path, lambda file: _write(file, result))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read a label image lazily, of several planes one at a time."""
        found = FilePlanes(path)
        return result_from(found, _said(path), found.scale, path)


class _Packed:
    """Planes kept compressed until the last one is there: only then are the largest number and all objects known."""

    def __init__(self, result: SegmentationResult) -> None:
        self._planes: list[tuple[np.dtype[Any], bytes]] = []
        self._size = result.shape[-2:]
        highest = 0
        for _, labels in result.labels.planes():
            plane = np.ascontiguousarray(labels)
            own = int(plane.max(initial=0))
            highest = max(highest, own)
            small = plane.astype(_smallest(own))
            self._planes.append((small.dtype, zlib.compress(small.tobytes(), 1)))
        self.dtype = _smallest(highest)

    def __iter__(self) -> Iterator[NDArray[np.generic]]:
        for dtype, data in self._planes:
            yield np.frombuffer(zlib.decompress(data), dtype).reshape(self._size).astype(self.dtype)


def _smallest(highest: int) -> np.dtype[Any]:
    fitting = [t for t in (np.uint8, np.uint16, np.int32, np.int64) if highest <= np.iinfo(t).max]
    if not fitting:
        raise ParameterError(too_high(highest))
    return np.dtype(fitting[0])


def _write(file: Path, result: SegmentationResult) -> None:
    import tifffile

    planes = _Packed(result)
    said = json.dumps(about(result))
    axes = [axis.casefold() for axis in result.scale.axes]
    known = (
        len(set(axes)) == len(axes) == len(result.shape) and set(axes) <= set(_OF_IMAGEJ) and axes[-2:] == ["y", "x"]
    )
    in_order = known and axes == [axis for axis in _OF_IMAGEJ if axis in axes]
    options: dict[str, Any] = {"compression": "zlib", "photometric": "minisblack"}
    metadata: dict[str, Any] = {"axes": "".join(axes).upper()} if known else {}
    # ImageJ takes three columns or four for colours
    if in_order and _in_units_of_imagej(result.scale) and planes.dtype.itemsize <= 2 and result.shape[-1] > 4:
        metadata |= _imagej_sizes(result.scale)
        options |= {"imagej": True, "resolution": _per_unit(result.scale)}
    elif known and planes.dtype.itemsize <= 4 and result.shape[-1] > 4:
        metadata |= _ome_sizes(result.scale) | {"MapAnnotation": {"napari-fastsam": said}}
        options["ome"] = True
    else:
        metadata |= about(result)
    options["metadata"] = metadata
    if result.shape[-1] <= 4:
        # tifffile takes planes of so few columns for samples of a pixel, unless it is given all of them at once
        whole = np.stack(list(planes)) if len(result.shape) > 2 else next(iter(planes))
        tifffile.imwrite(file, whole.reshape(result.shape), **options)
    else:
        tifffile.imwrite(file, iter(planes), shape=result.shape, dtype=planes.dtype, **options)
    if options.get("imagej"):
        description = str(tifffile.tiffcomment(file) or "")
        tifffile.tiffcomment(file, f"{description.rstrip()}\n{_KEY}{said}\n")


def _in_units_of_imagej(scale: Scale) -> bool:
    """Whether ImageJ's description, which has one unit of length, and seconds, says what is known."""
    units = dict(zip(scale.axes, scale.units, strict=True))
    lengths = {units[axis] for axis in "zyx" if axis in units}
    return len(lengths) == 1 and units.get("t", "") in ("", "second")


def _imagej_sizes(scale: Scale) -> dict[str, Any]:
    """Return what ImageJ's description says of the size of a pixel and the time between frames."""
    sizes = dict(zip(scale.axes, scale.scale, strict=True))
    unit = scale.units[-1]
    metadata: dict[str, Any] = {"unit": {"micrometer": "um"}.get(unit, unit)} if unit else {}
    if "z" in sizes:
        metadata["spacing"] = sizes["z"]
    if "t" in sizes:
        metadata["finterval"] = sizes["t"]
    return metadata


def _per_unit(scale: Scale) -> tuple[float, float]:
    """Return pixels per unit along x and y, which is how TIFF has the size of a pixel."""
    y, x = scale.scale[-2:]
    return (1 / x if x > 0 else 1.0, 1 / y if y > 0 else 1.0)


def _ome_sizes(scale: Scale) -> dict[str, Any]:
    sizes: dict[str, Any] = {}
    for axis, size, unit in zip(scale.axes, scale.scale, scale.units, strict=True):
        key, symbols = _IN_OME.get(axis, ("", {}))
        if unit in symbols:
            sizes |= {key: size, f"{key}Unit": symbols[unit]}
    return sizes


def _said(path: Path) -> Mapping[str, Any]:
    """Return what we wrote into the description of a TIFF; empty for those of other programs."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            content: Any = (file.shaped_metadata or ({},))[0]
            description = file.pages.first.description if file.is_imagej else ""
            text = next((line[len(_KEY) :] for line in description.splitlines() if line.startswith(_KEY)), None)
            if file.is_ome:
                text = _annotated(tifffile.xml2dict(file.ome_metadata or ""))
        content = content if text is None else json.loads(text)
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise unreadable(path, error) from error
    return content if isinstance(content, Mapping) else {}


def _annotated(ome: Mapping[str, Any]) -> str | None:
    """Return our text among the annotations of OME-XML."""
    try:
        found = ome["OME"]["StructuredAnnotations"]["MapAnnotation"]
        entries = [entry["Value"]["M"] for entry in (found if isinstance(found, list) else [found])]
        pairs = [pair for entry in entries for pair in (entry if isinstance(entry, list) else [entry])]
        return next(str(pair["value"]) for pair in pairs if pair["K"] == "napari-fastsam")
    except (KeyError, TypeError, StopIteration):
        return None
