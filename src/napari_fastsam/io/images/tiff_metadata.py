"""What a TIFF says beside its pixels: their size, and what its channels are called.

OME-XML (https://docs.openmicroscopy.org/ome-model/), the descriptions of ImageJ, LSM, Micro-Manager and Aperio, and the
resolution tags of the slides of Hamamatsu; of other files these tags tell how large to print.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.units import size_of

Sizes = dict[str, tuple[float, str]]
"""Size and unit of a pixel by axis; what is not said is left out."""

_MICROMETERS = {2: 25_400, 3: 10_000}
"""Of the units of resolution: an inch, a centimetre."""


def described(file: Any, scene: int, path: Path) -> tuple[Sizes, tuple[str, ...]]:
    """Return the sizes of pixels of an open TIFF, and the names of its channels.

    Raises
    ------
    ImageError
        If its OME-XML is damaged: its axes cannot be trusted then.
    """
    if file.ome_metadata:
        return _ome(file.ome_metadata, scene, path)
    # whatever other programs wrote there, the pixels are none the worse for it
    try:
        if file.is_lsm:
            return _lsm(file.lsm_metadata or {})
        if file.is_imagej:
            return _imagej(file, file.imagej_metadata or {})
        if file.is_micromanager:
            return _micromanager(file.micromanager_metadata or {})
        if file.is_svs:
            return _aperio(file.pages.first.description), ()
        if file.is_ndpi:
            return _resolution(file.pages.first), ()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return {}, ()
    return {}, ()


def promised_pixels(file: Any, scene: int) -> int:
    """Return how many pixels the descriptions of ImageJ and of tifffile promise for a series; 0 = they say nothing."""
    try:
        series = file.series[scene]
        if series.kind == "shaped" and f'"shape": {list(series.shape)}' in series.keyframe.description:
            return 0  # as it should be; JSON takes longer to read than a small image
        if file.is_imagej:
            return int((file.imagej_metadata or {}).get("images", 0)) * int(math.prod(file.pages.first.shape))
        if file.is_shaped and len(shapes := file.shaped_metadata or ()) > scene:
            return int(math.prod(shapes[scene]["shape"]))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return 0
    return 0


def _ome(xml: str, scene: int, path: Path) -> tuple[Sizes, tuple[str, ...]]:
    import tifffile

    try:
        found = tifffile.xml2dict(xml).get("OME", {}).get("Image", {})
        images = found if isinstance(found, list) else [found]
        pixels = dict(images[min(scene, len(images) - 1)].get("Pixels", {}))
        channels = pixels.get("Channel", [])
    except Exception as error:  # whatever its parser says
        raise ImageError(
            f"the OME-XML in {path} is damaged ({error}), so that its axes are not known; save the image again"
        ) from error
    sizes = {axis: size_of(pixels.get(f"PhysicalSize{axis.upper()}"), _ome_unit(pixels, axis)) for axis in "xyz"}
    sizes["t"] = size_of(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"))
    names = [str(c.get("Name", "")) for c in (channels if isinstance(channels, list) else [channels])]
    return _known(sizes), tuple(names) if any(names) else ()


def _ome_unit(pixels: Mapping[str, Any], axis: str) -> object:
    return pixels.get(f"PhysicalSize{axis.upper()}Unit", "µm")


def _imagej(file: Any, metadata: Mapping[str, Any]) -> tuple[Sizes, tuple[str, ...]]:
    tags, unit = file.pages.first.tags, metadata.get("unit")
    sizes = {
        "x": size_of(_per_pixel(tags.valueof("XResolution")), metadata.get("xunit", unit)),
        "y": size_of(_per_pixel(tags.valueof("YResolution")), metadata.get("yunit", unit)),
        "z": size_of(metadata.get("spacing"), metadata.get("zunit", unit)),
        "t": size_of(metadata.get("finterval"), metadata.get("tunit", "s")),
    }
    labels, channels = metadata.get("Labels"), int(metadata.get("channels", 1))
    # one a plane, channels fastest; names of channels where those of all planes repeat them
    named = isinstance(labels, list) and 1 < channels <= len(labels)
    names = tuple(map(str, labels[:channels])) if isinstance(labels, list) and named else ()
    repeated = named and all(label == names[i % channels] for i, label in enumerate(labels or ()))
    return _known(sizes), names if repeated else ()


def _lsm(metadata: Mapping[str, Any]) -> tuple[Sizes, tuple[str, ...]]:
    sizes = {axis: size_of(_micrometers(metadata.get(f"VoxelSize{axis.upper()}")), "µm") for axis in "xyz"}
    sizes["t"] = size_of(metadata.get("TimeIntervall"), "s")
    return _known(sizes), tuple(map(str, dict(metadata.get("ChannelColors") or {}).get("ColorNames", ())))


def _micrometers(meters: Any) -> float | None:
    return None if meters is None else float(meters) * 1e6


def _micromanager(metadata: Mapping[str, Any]) -> tuple[Sizes, tuple[str, ...]]:
    summary = dict(metadata.get("Summary") or {})
    size = size_of(summary.get("PixelSize_um"), "µm")
    sizes = {"x": size, "y": size, "z": size_of(summary.get("z-step_um"), "µm")}
    return _known(sizes), tuple(map(str, summary.get("ChNames") or ()))


def _aperio(description: str) -> Sizes:
    match = re.search(r"\bMPP\s*=\s*([0-9.]+)", description)
    size = size_of(match.group(1), "µm") if match else None
    return _known({"x": size, "y": size})


def _resolution(page: Any) -> Sizes:
    """Return sizes from tags that say pixels a centimetre or an inch."""
    factor = _MICROMETERS[int(page.tags.valueof("ResolutionUnit", 0))]
    lengths = {a: _per_pixel(page.tags.valueof(f"{a.upper()}Resolution")) for a in "xy"}
    return _known({a: size_of(None if length is None else length * factor, "µm") for a, length in lengths.items()})


def _per_pixel(resolution: Any) -> float | None:
    """Return how long a pixel is where a tag says how many there are to a unit, as a fraction."""
    if resolution is None:
        return None
    pixels, units = (float(n) for n in resolution)
    return units / pixels if pixels else None


def _known(sizes: Mapping[str, tuple[float, str] | None]) -> Sizes:
    return {axis: size for axis, size in sizes.items() if size is not None}
