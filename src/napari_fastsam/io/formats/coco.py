"""Objects of planes as COCO has them: a list of images, an annotation an object, a category a class.

An annotation has run lengths, which hold every mask to the pixel; or polygons along pixel edges, which many programs
read alone, where its object has no hole. What the keys mean is said at https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from napari_fastsam.core.image.scale import PLANE_SCALE
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.objects.run_lengths import compressed, decompressed, mask_of, runs_of
from napari_fastsam.core.objects.tracing import Polygon, trace
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.files import read_json
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.outlines import mask_of_polygons, ring_of
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.results import write_whole

MAX_BYTES = 1_000_000_000
_UNNAMED = "object"
"""The category of objects of which no class is known: COCO wants one."""


@register
class Coco(Format):
    """Images with their annotations in run lengths; of single planes."""

    name = "coco"
    ending = "_coco.json"
    suffixes: ClassVar[tuple[str, ...]] = (".coco.json", "_coco.json", ".json")
    description = "run lengths, COCO JSON"
    holds = frozenset(("labels", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write an annotation for each object, with its label, score and what it answers."""
        self.write_together([result], path)

    def write_together(self, results: Iterable[SegmentationResult], path: Path) -> None:
        """Write an image for each result; their annotations and categories are counted together."""
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        categories: dict[str, int] = {}
        for number, result in enumerate(results, start=1):
            if len(result.shape) != 2:
                raise ParameterError(f"a stack of {len(result.shape)} axes does not fit into COCO; choose tiff or zarr")
            height, width = result.shape
            found = [(one, mask) for _, one, mask in result.masks()]
            for name in sorted({one.class_name or _UNNAMED for one, _ in found}):
                categories.setdefault(name, len(categories) + 1)
            drawn = self._drawn([mask for _, mask in found], (height, width))
            annotations += [
                {"id": place, "image_id": number, **_annotation(one, mask, segmentation, categories)}
                for place, ((one, mask), segmentation) in enumerate(
                    zip(found, drawn, strict=True), start=len(annotations) + 1
                )
            ]
            image = {"id": number, "file_name": result.image, "width": width, "height": height}
            images.append(image | about(result, objects=False))
        content = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": number, "name": name} for name, number in categories.items()],
        }
        write_whole(path, lambda file: file.write_text(json.dumps(content, allow_nan=False), encoding="utf-8"))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read the annotations of one image."""
        found = list(_read(path, shape, most=1))
        return found[0]

    def read_each(self, path: Path, shape: tuple[int, int] | None = None) -> Iterator[SegmentationResult]:
        """Yield each image with its annotations."""
        yield from _read(path, shape)

    def _drawn(self, masks: Sequence[CroppedMask], shape: tuple[int, int]) -> Iterable[Any]:
        """Return what COCO has as the segmentation of each mask."""
        texts = compressed(list(runs_of(masks, shape)))
        return [{"size": list(shape), "counts": text} for text in texts]


@register
class CocoPolygons(Coco):
    """Images with their annotations in polygons, as annotation tools have them; of single planes."""

    name = "coco-polygons"
    ending = "_coco_polygons.json"
    suffixes = ("_coco_polygons.json",)
    description = "polygons, COCO JSON; objects with holes in run lengths"

    def _drawn(self, masks: Sequence[CroppedMask], shape: tuple[int, int]) -> Iterable[Any]:
        """Return polygons along pixel edges; of masks with holes, which COCO's polygons cannot have, run lengths."""
        runs = super()._drawn(masks, shape)
        for own, polygons in zip(runs, trace(masks), strict=True):
            whole = polygons and all(len(polygon) == 1 for polygon in polygons)
            yield _flat(polygons) if whole else own


def _flat(polygons: Sequence[Polygon]) -> list[list[int]]:
    return [[value for row, column in outline for value in (column, row)] for (outline,) in polygons]


def _annotation(
    one: ResultObject, mask: CroppedMask, segmentation: Any, categories: Mapping[str, int]
) -> dict[str, Any]:
    rows, columns = mask.window
    told = {"score": one.score, "similarity": one.similarity}
    return {
        "category_id": categories[one.class_name or _UNNAMED],
        "segmentation": segmentation,
        "area": mask.area,
        "bbox": [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
        "iscrowd": 0,
        "label": one.number,
        **{name: float(value) for name, value in told.items() if not math.isnan(value)},
        **{name: text for name, text in (("prompt", one.prompt), ("why", one.reason)) if text},
    }


def _read(path: Path, shape: tuple[int, int] | None, most: int | None = None) -> Iterator[SegmentationResult]:
    content = read_json(path, "a COCO file", DatasetError, MAX_BYTES)
    try:
        images = list(content["images"])
        if not images or len(images) > (most or len(images)):
            raise DatasetError(
                f"{path} holds {len(images)} images; expected one. 'napari-fastsam convert' splits a file into its "
                "images; train and evaluate use all of them"
            )
        names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
        # a crowd is a region with many objects, not an object; of one image none need be named
        entries = [entry for entry in content["annotations"] if not entry.get("iscrowd")]
        if len(images) > 1 and (lost := {e["image_id"] for e in entries} - {image["id"] for image in images}):
            raise ValueError(f"annotations of the image {min(map(repr, lost))}, which is not among its images")
        for image in images:
            own = [e for e in entries if e.get("image_id") == image.get("id")] if len(images) > 1 else entries
            yield _result(image, own, names, content, path)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} is not as COCO has it: {type(error).__name__} {error}") from error


def _result(
    image: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], names: Mapping[Any, str], content: Any, path: Path
) -> SegmentationResult:
    size = int(image["height"]), int(image["width"])
    masks = [_mask(entry["segmentation"], size) for entry in entries]
    objects = [_object(place, entry, names) for place, entry in enumerate(entries, start=1)]
    labels = paint(masks, size, [one.number for one in objects])
    own = result_from(ArrayLabels(labels), {**content, **image}, PLANE_SCALE, path)
    return SegmentationResult(own.labels, objects, own.scale, own.provenance, str(image.get("file_name", "")))


def _mask(segmentation: Any, shape: tuple[int, int]) -> CroppedMask | None:
    if isinstance(segmentation, Mapping):
        counts = segmentation["counts"]
        return mask_of(decompressed(counts) if isinstance(counts, str) else counts, shape)
    rings = [ring_of(np.asarray(polygon, np.float64).reshape(-1, 2).tolist()) for polygon in segmentation]
    if not rings:
        raise ValueError("an annotation without polygons; a box alone has no pixels")
    return mask_of_polygons([[ring] for ring in rings], shape)


def _object(place: int, entry: Mapping[str, Any], names: Mapping[Any, str]) -> ResultObject:
    name = names[entry["category_id"]]
    return ResultObject(
        int(entry.get("label", place)),
        float(entry.get("score", math.nan)),
        "" if name == _UNNAMED else name,
        str(entry.get("prompt", "")),
        str(entry.get("why", "")),
        float(entry.get("similarity", math.nan)),
    )
