"""A YOLO data.yaml as a dataset: its images, each with the text file of its outlines."""

from __future__ import annotations

from pathlib import Path

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.examples import Dataset, Example, unique_names
from napari_fastsam.io.annotations.kinds import DatasetKind, register
from napari_fastsam.io.annotations.splits import choose_split
from napari_fastsam.io.formats.yolo_files import YoloOutlines, images_of, load_yaml, places, splits_of, text_of


@register
class YoloYaml(DatasetKind):
    """Images in folders that a file names, a text file of outlines for each."""

    name = "yolo"
    description = "a YOLO data.yaml with outlines"

    def takes(self, path: Path) -> bool:
        """Whether it is a YAML file."""
        return path.is_file() and path.suffix.casefold() in (".yaml", ".yml")

    def read(self, path: Path, split: str | None, strict: bool) -> Dataset:
        """Find the images of one part, and the text file of each."""
        return read_yaml(path, split, strict)


def read_yaml(path: Path, split: str | None, strict: bool = False) -> Dataset:
    """Find the images of a data.yaml and the text file of each. As `datasets.read_dataset`; fetches nothing."""
    config = load_yaml(path)
    splits = splits_of(path, config)
    chosen = choose_split(path, split, splits)
    images = images_of(path, config, chosen)
    if not images:
        raise DatasetError(f"there is no image for {chosen!r} of {path}, in {places(path, config, chosen)[0]}")
    texts = [text_of(image) for image in images]
    for image, text in zip(images, texts, strict=True):
        if not text.is_file() and (strict or not any(t.is_file() for t in texts)):
            raise DatasetError(
                f"there is no {text} with the outlines of {image}; an image without objects has an empty one"
            )
    examples = tuple(
        Example(name, "", image, YoloOutlines(text, strict))
        for name, image, text in zip(unique_names(images), images, texts, strict=True)
    )
    name = path.resolve().parent.name if path.stem.casefold() in ("data", "dataset") else path.stem
    return Dataset(name, path, examples, yaml=path, split=chosen, splits=splits)
