"""Labels from one format of files into another: single files, folders of them, datasets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from napari_fastsam.core.results.result import ArrayLabels, Index, SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.annotations.datasets import read_dataset
from napari_fastsam.io.annotations.examples import Example
from napari_fastsam.io.formats import registry
from napari_fastsam.io.formats.registry import Format
from napari_fastsam.io.images.images import read_plane
from napari_fastsam.io.images.inputs import Input
from napari_fastsam.io.images.ome_zarr import is_zarr
from napari_fastsam.io.results.names import plain_name
from napari_fastsam.io.results.overwriting import check_overwriting
from napari_fastsam.io.results.results import make_folder, stem_of


@dataclass(frozen=True)
class _Source:
    """Labels to convert.

    Attributes
    ----------
    name
        What their image is called, or their file; without suffix.
    result
        What was read.
    """

    name: str
    result: SegmentationResult


def convert_labels(source: Path, target: Path, format: str | None = None, image: Path | None = None) -> Iterator[Path]:
    """Convert labels, yielding each file or folder that was written.

    Parameters
    ----------
    source
        A file of any format that labels are read from, a folder of such files, or a dataset as
        `io.annotations.datasets.read_dataset` has it.
    target
        What is written: a file where `source` holds one image, or where the format takes several into one; otherwise,
        or if its name has no ending, a folder, in which each has its image's name.
    format
        Name of the format; None = what the name of `target` ends in.
    image
        The image that labels belong to, or a folder with an image of the name of each; None = it is not there.

    Raises
    ------
    ParameterError
        If no format is named, or it cannot hold what was read.
    DatasetError, ImageError, OutputError
        As readers and writers have them.
    """
    chosen = registry.writer(format) if format is not None else _by_name(target)
    read = [source] if source.is_file() or registry.can_read(source) else list(_files(source))
    check_overwriting([target], [*read, *([] if image is None else [image])])
    found = _read(source, image)
    first = next(found, None)
    if first is None:
        raise DatasetError(f"{source} holds no labels; expected files that end in {', '.join(registry.suffixes())}")
    second = next(found, None)
    everything = chain([first] if second is None else [first, second], found)
    into_folder = _is_for_several(target, chosen)
    if second is not None and chosen.gathers:
        target = target / f"{plain_name(source.stem)}{chosen.ending}" if into_folder else target
        make_folder(target.parent)
        chosen.write_together((_named(one) for one in everything), target)
        yield target
        return
    if second is None and not into_folder:
        make_folder(target.parent)
        _write(chosen, first, target)
        yield target
        return
    make_folder(target)
    taken: set[str] = set()
    for one in everything:
        path = target / f"{_free(plain_name(one.name), taken)}{chosen.ending}"
        _write(chosen, one, path)
        yield path


def _is_for_several(target: Path, chosen: Format) -> bool:
    """Whether a target is a folder in which each image has a file, and not the file itself: by its name, if need be."""
    if target.exists():
        return target.is_dir() and not is_zarr(target) and not (target / "data.yaml").is_file()
    return bool(Path(chosen.ending).suffix) and not target.suffix


def _by_name(target: Path) -> Format:
    try:
        return registry.writer_for(target)
    except ParameterError as error:
        raise ParameterError(f"{error}; or name the format with --format") from error


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise DatasetError(f"there is no {folder}; expected a file of labels or a folder of them")
    # what this program writes beside labels and does not read, such as overlays
    beside = tuple(form.ending for form in registry.FORMATS.values() if form.writes and not form.reads)
    for path in sorted(folder.iterdir()):
        if path.name.endswith(beside):
            continue
        if not path.name.startswith(".") and (path.is_file() or is_zarr(path)) and registry.can_read(path):
            yield path


def _read(source: Path, image: Path | None) -> Iterator[_Source]:
    """Yield the labels of each image, in order."""
    if source.is_dir() and not is_zarr(source) and not registry.can_read(source):
        if (source / "images").is_dir() and (source / "labels").is_dir():
            yield from _of_dataset(source)
        else:
            for path in _files(source):
                yield from _of_file(path, image)
    else:
        yield from _of_file(source, image)


def _of_dataset(source: Path) -> Iterator[_Source]:
    """Yield the objects of each image of a dataset, of all of its parts."""
    first = read_dataset(source)
    parts = [read_dataset(source, split) for split in first.splits] or [first]
    seen = set()
    for part in parts:
        for example in part.examples:
            if example.path in seen:
                continue
            seen.add(example.path)
            yield _Source(example.name, _with_image(_annotated(example), example.path))


def _annotated(example: Example) -> SegmentationResult:
    """Return the objects of an annotated image, with what its file of labels tells of them."""
    height, width = example.labels().shape  # one plane, of the image's size, or it is said
    told = registry.read_labels(example.truth.file, (height, width))
    labels = ArrayLabels(told.label_image().reshape(height, width))
    objects = [replace(one, place=()) for one in told.objects]
    return SegmentationResult(labels, objects, told.scale.subset((-2, -1)), told.provenance)


def _of_file(path: Path, image: Path | None) -> Iterator[_Source]:
    """Yield what a file of labels holds, one image after another."""
    own = registry.reader_for(path)
    name = _name_of(path, own)
    one = _image_of(image, name) if image is not None else None
    shape = None if one is None else _plane_of(one)
    for result in own.read_each(path, shape):
        stem = stem_of(Path(result.image.replace("\\", "/"))) if result.image else name
        beside = one if one is not None or image is None else _image_of(image, stem)
        told = result if result.image else replace(result, image=name)
        yield _Source(stem if own.gathers else name, told if beside is None else _with_image(told, beside))


def _name_of(path: Path, own: Format) -> str:
    """Return what a file of labels is called without what its format adds."""
    name = path.name
    endings = [own.ending, *(e for f in registry.writers() for e in (f.ending,)), *own.suffixes]
    for ending in sorted(endings, key=len, reverse=True):
        if ending and name.casefold().endswith(ending.casefold()) and len(name) > len(ending):
            return name[: -len(ending)]
    return stem_of(path)


def _image_of(image: Path, name: str) -> Path | None:
    """Return the image of labels: the one that is named, or that of a folder with their name."""
    if not image.is_dir() or is_zarr(image):
        if not image.exists():
            raise ParameterError(f"there is no image {image}; name one with --image, or leave it out")
        return image
    return next((p for p in sorted(image.iterdir()) if p.is_file() and stem_of(p).casefold() == name.casefold()), None)


def _plane_of(image: Path) -> tuple[int, int]:
    _, plane, _ = Input(image).describe()
    return int(plane[0]), int(plane[1])


def _with_image(result: SegmentationResult, image: Path) -> SegmentationResult:
    """Return a result that knows its image: its name, size of a pixel, and its pixels."""
    lengths, plane, scale = Input(image).describe()
    if result.shape[-2:] != tuple(plane):
        raise ParameterError(
            f"the image {image} has {plane[0]} × {plane[1]} pixels, and the labels {result.shape[-2]} × "
            f"{result.shape[-1]}; name the image that they belong to"
        )

    def pixels(index: Index) -> Any:
        return np.asarray(read_plane(image, index or None))

    fits = math.prod(lengths) == math.prod(result.shape[:-2])
    own = result.scale
    unknown = not any(own.units) and all(step == 1 for step in own.scale)
    if unknown and fits and len(scale.axes) >= len(own.axes):
        own = scale.subset(range(len(scale.axes))[-len(own.axes) :])
    return replace(result, image=image.name, scale=own, pixels=pixels if fits else None)


def _named(source: _Source) -> SegmentationResult:
    return source.result if source.result.image else replace(source.result, image=source.name)


def _write(chosen: Format, source: _Source, path: Path) -> None:
    if not chosen.suits(source.result):
        axes = " × ".join(map(str, source.result.shape))
        raise ParameterError(f"{source.name} has {axes} pixels, which {chosen.name} cannot hold; choose tiff or zarr")
    chosen.write(source.result, path)


def _free(name: str, taken: set[str]) -> str:
    chosen, copy = name, 1
    while chosen.casefold() in taken:
        copy += 1
        chosen = f"{name}_{copy}"
    taken.add(chosen.casefold())
    return chosen
