"""Outlines as YOLO has them: a folder with images, a text file of outlines beside each, and a data.yaml.

An object is one line, ``class x y x y …`` in shares of the image's width and height
(https://docs.ultralytics.com/datasets/segment). A line has one outline: parts and holes are joined to it by a way there
and back, which encloses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.core.image.scale import PLANE_SCALE
from napari_fastsam.core.objects.tracing import Polygon, Ring, trace
from napari_fastsam.core.results.result import ArrayLabels, Index, ResultObject, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.formats.yolo_files import (
    SPLITS,
    YoloOutlines,
    class_names,
    images_of,
    load_yaml,
    splits_of,
    text_of,
)
from napari_fastsam.io.images.images import read_plane
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.results.folders import folder_in_place_of
from napari_fastsam.io.results.names import plain_name
from napari_fastsam.io.results.results import OutputError, unwritable

ABOUT_KEY = "napari-fastsam"
_YAML = "data.yaml"
_UNNAMED = "object"
_INSET = 0.25
"""How far outlines lie within the edges of pixels, in pixels.

Whoever takes corners for whole pixels by cutting off decimals, as ultralytics does, has exactly the border's pixels;
whoever takes them for places has exactly the centres of all. On the edge itself either would gain a row or lose one.
"""


@register
class Yolo(Format):
    """A folder with one image, or with all of them; of single planes."""

    name = "yolo"
    ending = "_yolo"
    suffixes = (".yaml", ".yml")
    description = "outlines, folder with data.yaml as YOLO has it"
    holds = frozenset(("classes", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a folder with one image."""
        self.write_together([result], path)

    def write_together(self, results: Iterable[SegmentationResult], path: Path) -> None:
        """Write a folder; an image's pixels are written where they are known, with eight bits."""
        if path.exists() and not (path / _YAML).is_file():
            raise OutputError(f"{path} is in the way and no folder as YOLO has it; choose another name")
        try:
            with folder_in_place_of(path) as whole:
                _fill(whole, results)
        except OSError as error:
            raise unwritable(path, error) from error

    def takes(self, path: Path) -> bool:
        """Whether it is a data.yaml by what stands in it, or a folder with one."""
        if path.is_dir():
            return (path / _YAML).is_file()
        if not super().takes(path) or not path.is_file():
            return False
        try:
            config = load_yaml(path)
        except DatasetError:
            return False
        return "names" in config and any(config.get(split) for split in SPLITS)

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read the outlines of one image."""
        first, *others = self.read_each(path, shape)
        if others:
            raise DatasetError(
                f"{path} holds {1 + len(others)} images; expected one. 'napari-fastsam convert' splits a dataset into "
                "its images; train and evaluate use all of them"
            )
        return first

    def read_each(self, path: Path, shape: tuple[int, int] | None = None) -> Iterator[SegmentationResult]:
        """Yield the outlines of each image, of all parts, with its pixels where it is there.

        What is slightly off in them is clipped or left out, as in a dataset.
        """
        path = path / _YAML if path.is_dir() else path
        config = load_yaml(path)
        names, stored = class_names(config), config.get(ABOUT_KEY)
        known: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
        images = dict.fromkeys(image for split in splits_of(path, config) for image in images_of(path, config, split))
        alone = [stem for stem in known if stem not in {image.stem for image in images}]
        if not images and not alone:
            raise DatasetError(f"there is no image in the folders that {path} names; put them there, or correct it")
        if images and not any(text_of(image).is_file() for image in images):
            image = next(iter(images))
            raise DatasetError(f"there is no {text_of(image)} with the outlines of {image}, nor one of any other image")
        for image in images:
            yield _read_one(path, text_of(image), image, names, known.get(image.stem), shape)
        for stem in alone:
            yield _read_one(path, path.parent / "labels" / f"{stem}.txt", None, names, known[stem], shape)


def _read_one(
    path: Path, text: Path, image: Path | None, names: Mapping[int, str], said: Any, shape: tuple[int, int] | None
) -> SegmentationResult:
    """Return the objects of a text file, which lie on an image, or on one that is not there but was described."""
    told: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    scale = PLANE_SCALE
    if image is not None:
        lengths, plane, own = Input(image).describe()
        if any(length != 1 for length in lengths):
            raise DatasetError(f"{image} is a stack, and an annotated image is one plane; save each as a file")
        shape, scale = (int(plane[0]), int(plane[1])), own.subset([len(lengths), len(lengths) + 1])
    elif told.get("shape") is not None:
        shape = _shape(path, told["shape"])
    if shape is None:
        raise DatasetError(f"{text} does not say how large its image is; name the image")
    outlines = YoloOutlines(text)
    objects = [
        ResultObject(number, class_name="" if names.get(index) == _UNNAMED else names.get(index, str(index)))
        for number, index in enumerate(outlines.classes(), start=1)
    ]
    found = result_from(ArrayLabels(outlines.labels(shape)), told, scale, path)
    called = image.name if image is not None else found.image or text.stem
    return SegmentationResult(found.labels, objects, found.scale, found.provenance, called, _pixels_of(image))


def _shape(path: Path, said: Any) -> tuple[int, int]:
    try:
        height, width = map(int, said)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{path} says of an image that its shape is {said!r}; expected rows and columns") from error
    return height, width


def _pixels_of(image: Path | None) -> Callable[[Index], NDArray[np.generic]] | None:
    return None if image is None else lambda _: read_plane(image)


def _fill(folder: Path, results: Iterable[SegmentationResult]) -> None:
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    classes: dict[str, int] = {}
    known: dict[str, Any] = {}
    for result in results:
        if len(result.shape) != 2:
            raise ParameterError(f"a stack of {len(result.shape)} axes does not fit into YOLO; choose tiff or zarr")
        stem = _stem(result.image, known)
        found = [(one, mask) for _, one, mask in result.masks()]
        lines = []
        for (one, _), polygons in zip(found, trace([mask for _, mask in found]), strict=True):
            if polygons:
                number = classes.setdefault(one.class_name or _UNNAMED, len(classes))
                shares = outline_of(polygons) / result.shape
                lines.append(f"{number} " + " ".join(f"{value:.9g}" for value in shares[:, ::-1].ravel()))
        text = "".join(f"{line}\n" for line in lines)
        (folder / "labels" / f"{stem}.txt").write_text(text, encoding="utf-8")
        if result.pixels is not None:
            _write_picture(folder / "images" / f"{stem}.png", result.pixels(()))
        known[stem] = {"shape": list(result.shape), **about(result, objects=False)}
    names = {number: name for name, number in classes.items()} or {0: _UNNAMED}
    content = {"train": "images", "val": "images", "names": names, ABOUT_KEY: known}
    (folder / _YAML).write_text(yaml.safe_dump(_plain(content), sort_keys=False, allow_unicode=True), "utf-8")


def outline_of(polygons: Sequence[Polygon]) -> NDArray[np.float64]:
    """Return all rings of an object as one outline, (V, 2) rows and columns, pixel edges at whole numbers.

    Each further ring is reached by a way along rows and columns that leads back again. The outline lies within the
    edges, so that no way goes through a pixel's centre.
    """
    first, *others = [_inset(ring) for polygon in polygons for ring in polygon]
    whole = first
    for ring in others:
        far = ((whole[:, None, :] - ring[None, :, :]) ** 2).sum(axis=2) if len(whole) * len(ring) < 1 << 24 else None
        at, to = (0, 0) if far is None else map(int, np.unravel_index(far.argmin(), far.shape))
        turn = np.array([[whole[at, 0], ring[to, 1]]])
        there = np.concatenate([np.roll(ring, -to, axis=0), ring[to : to + 1]])
        whole = np.concatenate([whole[: at + 1], turn, there, turn, whole[at:]])
    return whole


def _inset(ring: Ring) -> NDArray[np.float64]:
    """Move each corner into the object: it lies right of every edge, in the sense of the ring."""
    corners = np.array(ring, np.float64)
    before = np.sign(corners - np.roll(corners, 1, axis=0))
    after = np.sign(np.roll(corners, -1, axis=0) - corners)
    # where an edge goes right the object is below it, where it goes down the object is left of it
    inward = np.stack([before[:, 1] + after[:, 1], -(before[:, 0] + after[:, 0])], axis=1)
    return corners + _INSET * inward


def _stem(image: str, taken: dict[str, Any]) -> str:
    first = plain_name(Path(image.replace("\\", "/")).stem or "image")
    stem, copy = first, 1
    while stem.casefold() in {name.casefold() for name in taken}:
        copy += 1
        stem = f"{first}_{copy}"
    return stem


def _write_picture(path: Path, pixels: NDArray[np.generic]) -> None:
    import imageio.v3 as iio

    eight = pixels if pixels.dtype == np.uint8 else to_rgb8(pixels)
    iio.imwrite(path, eight, plugin="pillow")


def _plain(value: Any) -> Any:
    """Return values as YAML has them: tuples are lists."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
