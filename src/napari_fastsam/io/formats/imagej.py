"""Objects as the ROI manager of ImageJ and Fiji keeps them: a zip of regions, each with a name and properties.

Outlines run along pixel edges, so that a region holds exactly its object's pixels; an object with holes or of several
parts is a composite region. roifile knows the bytes (https://github.com/cgohlke/roifile).
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.objects.painting import dtype_for, paint
from napari_fastsam.core.objects.tracing import Polygon, trace
from napari_fastsam.core.results.result import ArrayLabels, Index, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.formats.about import PROVENANCE_KEY, about, result_from
from napari_fastsam.io.formats.outlines import mask_of_rings, shape_of
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.results import write_whole

if TYPE_CHECKING:
    from roifile import ImagejRoi

SHAPE_KEY = "napari-fastsam shape"
_MAX_BYTES = 1_000_000_000
_LONGEST_COMMENT = (1 << 16) - 1
_LONGEST_SIDE = 60_535
"""Coordinates are 16 bits, of which ImageJ takes those above as negative."""

_MOST_GROUPS = 255
_AXES = "tzc"


@register
class ImageJRois(Format):
    """A region an object and plane."""

    name = "imagej"
    ending = "_rois.zip"
    suffixes = (".zip", ".roi")
    description = "ROI manager of ImageJ and Fiji, zip"
    holds = frozenset(("labels", "stacks", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a region for each object of each plane; its class is its group too, which ImageJ shows by colour."""
        if max(result.shape[-2:]) > _LONGEST_SIDE:
            raise ParameterError(
                f"{result.shape[-2]} × {result.shape[-1]} pixels are too many for regions of ImageJ, which count to "
                f"{_LONGEST_SIDE}; choose geojson or zarr"
            )
        found = list(result.masks())
        classes = sorted({one.class_name for _, one, _ in found} - {""})
        groups = {name: min(place, _MOST_GROUPS) for place, name in enumerate(classes, start=1)}
        outlines = trace([mask for _, _, mask in found])
        taken: set[str] = set()

        def fill(file: Path) -> None:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for (index, one, _), polygons in zip(found, outlines, strict=True):
                    if polygons:
                        region = _region(one, polygons, groups.get(one.class_name, 0))
                        _put_on(region, index, result)
                        region.name = _name(one, index, taken)
                        archive.writestr(f"{region.name}.roi", region.tobytes())
                archive.comment = _comment(result)

        write_whole(path, fill)

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read all regions that have pixels; where nobody says how large the image is, it ends where they do."""
        try:
            regions, said = _regions(path)
            rings = [_rings(region) for region in regions]
            lengths, axes = _leading(regions, said)
            whole = said.get(SHAPE_KEY)
            plane = shape_of(whole[-2:] if whole else shape, (ring for own in rings for ring in own))
            indices = [_index(region, lengths, axes) for region in regions]
            objects = _objects(regions, indices)
            labels = np.zeros((*lengths, *plane), dtype_for(one.number for one in objects))
            for index in sorted(set(indices)):
                here = [place for place, own in enumerate(indices) if own == index]
                masks = [mask_of_rings(rings[place], plane) for place in here]
                labels[index] = paint(masks, plane, [objects[place].number for place in here])
        except (
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            IndexError,
            OverflowError,
            NotImplementedError,
        ) as error:
            raise DatasetError(f"{path} holds no regions of ImageJ with pixels: {error}") from error
        own = result_from(ArrayLabels(labels), said, Scale.unknown((*axes, "y", "x")), path)
        return SegmentationResult(own.labels, objects, own.scale, own.provenance, own.image)


def _region(one: ResultObject, polygons: Sequence[Polygon], group: int) -> ImagejRoi:
    from roifile import ROI_TYPE, ImagejRoi

    rings = [np.array(ring)[:, ::-1] for polygon in polygons for ring in polygon]
    corners = np.concatenate(rings)
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    region = ImagejRoi(roitype=ROI_TYPE.TRACED, left=left, top=top, right=right, bottom=bottom, group=group)
    if len(rings) == 1:
        region.integer_coordinates = (rings[0] - (left, top)).astype(np.int32)
        region.n_coordinates = len(rings[0])
    else:
        path = np.concatenate([_path(ring) for ring in rings]).astype(np.float32)
        region.roitype, region.multi_coordinates, region.shape_roi_size = ROI_TYPE.RECT, path, len(path)
    told = {key: value for key, value in one.to_json().items() if key != "plane"}
    region.props = "".join(f"{key}: {' '.join(str(value).split())}\n" for key, value in told.items())
    return region


def _path(ring: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return a ring as Java's path iterator gives it: go to the first corner, lines to the others, close."""
    steps = np.concatenate([np.ones((len(ring), 1)), ring], axis=1)
    steps[0, 0] = 0
    return np.append(steps.ravel(), 4)


def _put_on(region: ImagejRoi, index: Index, result: SegmentationResult) -> None:
    """Say on which plane a region lies, counted from 1: along each axis that ImageJ has, else in order."""
    axes = result.scale.axes[: len(index)]
    if not index:
        return
    if all(axis in _AXES for axis in axes):
        for axis, at in zip(axes, index, strict=True):
            setattr(region, f"{axis}_position", at + 1)
    region.position = int(np.ravel_multi_index(index, result.shape[:-2])) + 1


def _name(one: ResultObject, index: Index, taken: set[str]) -> str:
    """Return a name that no other region has: the ROI manager keeps one of a name."""
    first = "-".join(f"{at:04d}" for at in (*(at + 1 for at in index), one.number))
    name, copy = first, 1
    while name in taken:
        copy += 1
        name = f"{first}-{copy}"
    taken.add(name)
    return name


def _comment(result: SegmentationResult) -> bytes:
    """Return what is known of all regions, for the archive's comment; how it came about only where that fits."""
    content = about(result, objects=False) | {SHAPE_KEY: list(result.shape), "axes": list(result.scale.axes)}
    text = json.dumps(content).encode()
    if len(text) > _LONGEST_COMMENT:
        text = json.dumps({key: value for key, value in content.items() if key != PROVENANCE_KEY}).encode()
    return text


def _regions(path: Path) -> tuple[list[ImagejRoi], dict[str, Any]]:
    """Return the regions of a file, and what we said of them."""
    from roifile import ImagejRoi

    try:
        if path.suffix.casefold() == ".roi":
            return [ImagejRoi.frombytes(path.read_bytes())], {}
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.casefold().endswith(".roi")]
            if sum(entry.file_size for entry in entries) > _MAX_BYTES:
                raise ValueError(f"more than {_MAX_BYTES} bytes")
            regions = [ImagejRoi.frombytes(archive.read(entry)) for entry in entries]
            comment = archive.comment
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise DatasetError(f"{path} cannot be read as regions of ImageJ: {error}") from error
    except Exception as error:  # a decoder may raise anything on a damaged file
        raise DatasetError(f"{path} holds damaged regions of ImageJ: {type(error).__name__} {error}") from error
    said = json.loads(comment) if comment.startswith(b"{") else {}
    if not regions and SHAPE_KEY not in said:
        raise DatasetError(f"{path} holds no regions of ImageJ; expected a zip of .roi files")
    return regions, said


def _rings(region: ImagejRoi) -> list[NDArray[np.float64]]:
    """Return the outline of a region and those of its holes and parts: (V, 2) rows and columns at pixel edges."""
    from roifile import ROI_TYPE

    with_pixels = (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED, ROI_TYPE.RECT, ROI_TYPE.OVAL)
    if region.roitype not in with_pixels:
        raise ValueError(
            f"the region {region.name!r} is of the kind {region.roitype.name.lower()}, which has no pixels; take it out"
        )
    if region.roitype == ROI_TYPE.OVAL:
        angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
        middle = np.array([region.top + region.bottom, region.left + region.right]) / 2
        half = np.array([region.bottom - region.top, region.right - region.left]) / 2
        return [middle + half * np.stack([np.sin(angles), np.cos(angles)], axis=1)]
    drawn = region.coordinates(multi=True)
    return [np.asarray(ring, np.float64)[:, ::-1] for ring in drawn if len(ring) >= 3]


def _leading(regions: Sequence[ImagejRoi], said: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the axes before rows and columns, and their lengths: what we said, else those that regions lie along."""
    if SHAPE_KEY in said:
        lengths = tuple(int(n) for n in said[SHAPE_KEY][:-2])
        return lengths, tuple(map(str, said["axes"][: len(lengths)]))
    most = {axis: max((getattr(r, f"{axis}_position") for r in regions), default=0) for axis in _AXES}
    axes = tuple(axis for axis in _AXES if most[axis] > 1)
    if axes:
        return tuple(most[axis] for axis in axes), axes
    planes = max((region.position for region in regions), default=0)
    return ((planes,), ("z",)) if planes > 1 else ((), ())


def _index(region: ImagejRoi, lengths: Sequence[int], axes: Sequence[str]) -> Index:
    """Return the plane of a region; one that names none lies on the first."""
    positions = [getattr(region, f"{axis}_position", 0) for axis in axes]
    if not any(positions) and lengths:
        return tuple(int(at) for at in np.unravel_index(max(region.position, 1) - 1, lengths))
    index = tuple(max(at, 1) - 1 for at in positions)
    if any(at >= n for at, n in zip(index, lengths, strict=True)):
        raise ValueError(f"the region {region.name!r} lies on the plane {index} of {tuple(lengths)}")
    return index


def _objects(regions: Sequence[ImagejRoi], indices: Sequence[Index]) -> list[ResultObject]:
    """Return what is told of each region; labels are numbers if all have one, else regions are counted from 1."""
    told = [_properties(region) for region in regions]
    known = all(entry.get("label", "").isdecimal() and int(entry["label"]) >= 1 for entry in told)
    return [
        ResultObject.from_json({**entry, "label": entry["label"] if known else place, "plane": index})
        for place, (entry, index) in enumerate(zip(told, indices, strict=True), start=1)
    ]


def _properties(region: ImagejRoi) -> dict[str, str]:
    return dict(_pairs(region.props.splitlines()))


def _pairs(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, mark, value = line.partition(": ")
        text = key in ("label", "class", "prompt", "why")
        if mark and (text or (key in ("score", "similarity") and math.isfinite(float(value)))):
            yield key, value
