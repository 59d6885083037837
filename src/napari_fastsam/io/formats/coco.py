"""Objects of a plane as COCO has them: an image, an annotation an object with run lengths, a category a class."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_fastsam.core.image.scale import PLANE_SCALE
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.objects.run_lengths import compressed, decompressed, mask_of, runs_of
from napari_fastsam.core.results.result import ArrayLabels, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.files import read_json
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.results import write_whole

MAX_BYTES = 1_000_000_000
_UNNAMED = "object"
"""The category of objects of which no class is known: COCO wants one."""


@register
class Coco(Format):
    """One image with its annotations; of single planes."""

    name = "coco"
    ending = "_coco.json"
    suffixes = (".coco.json", "_coco.json")
    description = "run lengths, COCO JSON"
    holds = frozenset(("labels", "scores", "classes", "prompts", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write an annotation for each object; its id is its label where each label is one object."""
        if len(result.shape) != 2:
            raise ParameterError(f"a stack of {len(result.shape)} axes does not fit into COCO; choose tiff or zarr")
        height, width = result.shape
        found = [(one, mask) for _, one, mask in result.masks()]
        names = sorted({one.class_name or _UNNAMED for one, _ in found})
        categories = {name: number for number, name in enumerate(names, start=1)}
        texts = compressed(list(runs_of([mask for _, mask in found], (height, width))))
        annotations = [
            _annotation(place, one, mask, {"size": [height, width], "counts": text}, categories)
            for place, ((one, mask), text) in enumerate(zip(found, texts, strict=True), start=1)
        ]
        content = {
            "images": [{"id": 1, "file_name": result.image, "width": width, "height": height}],
            "annotations": annotations,
            "categories": [{"id": number, "name": name} for name, number in categories.items()],
            **about(result, objects=False),
        }
        write_whole(path, lambda file: file.write_text(json.dumps(content, allow_nan=False), encoding="utf-8"))

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read the annotations of one image, in run lengths."""
        content = read_json(path, "a COCO file", DatasetError, MAX_BYTES)
        try:
            (image,) = content["images"]
            size = int(image["height"]), int(image["width"])
            names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
            # a crowd is a region with many objects, not an object
            entries = [entry for entry in content["annotations"] if not entry.get("iscrowd")]
            masks = [_mask(entry["segmentation"], size) for entry in entries]
            objects = [_object(place, entry, names) for place, entry in enumerate(entries, start=1)]
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise DatasetError(
                f"{path} is not one image with run lengths as COCO has it: {type(error).__name__} {error}"
            ) from error
        labels = paint(masks, size, [one.number for one in objects])
        own = result_from(ArrayLabels(labels), content, PLANE_SCALE, path)
        return SegmentationResult(own.labels, objects, own.scale, own.provenance, str(image.get("file_name", "")))


def _annotation(
    place: int, one: ResultObject, mask: CroppedMask, segmentation: Any, categories: Mapping[str, int]
) -> dict[str, Any]:
    rows, columns = mask.window
    box = [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]
    told = {"score": one.score, "similarity": one.similarity}
    return {
        "id": place,
        "image_id": 1,
        "category_id": categories[one.class_name or _UNNAMED],
        "segmentation": segmentation,
        "area": mask.area,
        "bbox": box,
        "iscrowd": 0,
        "label": one.number,
        **{name: float(value) for name, value in told.items() if not math.isnan(value)},
        **{name: text for name, text in (("prompt", one.prompt), ("why", one.reason)) if text},
    }


def _mask(segmentation: Any, shape: tuple[int, int]) -> CroppedMask | None:
    if not isinstance(segmentation, Mapping):
        raise ValueError("polygons; expected run lengths (polygons are read as a dataset, with their images beside)")
    counts = segmentation["counts"]
    return mask_of(decompressed(counts) if isinstance(counts, str) else counts, shape)


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
