"""Folders of images with a file of labels for each, in ``labels/`` or beside it, as datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_fastsam.errors import DatasetError
from napari_fastsam.io.annotations.examples import Dataset, Entry, Example, LabelImage, index_of, unique_names
from napari_fastsam.io.annotations.kinds import DatasetKind, expected, register
from napari_fastsam.io.annotations.splits import choose_split, image_files
from napari_fastsam.io.formats.registry import can_read
from napari_fastsam.io.images.finding import IMAGE_SUFFIXES
from napari_fastsam.io.results.results import stem_of

_LABEL_ENDINGS = ("_cp_masks", "_masks", "_mask", "_labels", "_label", "_seg")
"""Of cellpose, and of this program."""

_SPLITS = ("train", "val", "test")


@register
class LabelFolder(DatasetKind):
    """Images and labels of the same names."""

    name = "folder"
    description = "a folder with images/ and labels/ (label images as TIFF or PNG, of the same names)"

    def takes(self, path: Path) -> bool:
        """Whether it is a folder."""
        return path.is_dir()

    def read(self, path: Path, split: str | None, strict: bool) -> Dataset:
        """Pair the images of a folder with their labels; numbers are right or refused, strict or not."""
        return _from_folder(path, split)


def _from_folder(path: Path, split: str | None) -> Dataset:
    images, labels = path / "images", path / "labels"
    if not images.is_dir() and not labels.is_dir() and (pairs := _beside(path)):
        examples = tuple(Example(name, "", image, LabelImage(label)) for name, image, label in pairs)
        return Dataset(path.resolve().name, path, examples)
    if not (images.is_dir() and labels.is_dir()):
        raise DatasetError(f"the folder {path} has no images/ and labels/; {expected()}{_hint(path)}")
    splits = tuple(s for s in _SPLITS if (images / s).is_dir())
    chosen = choose_split(path, split, splits)
    images, labels = images / chosen, labels / chosen
    if not labels.is_dir():
        raise DatasetError(f"there is no folder {labels} for the labels of {images}")
    index, unsaid = index_of(path), Entry()
    pairs = _pairs(images, labels)
    ignored = _ignored(path / "ignored" / chosen, {name for name, _, _ in pairs})
    examples = tuple(
        Example(name, entry.group, image, LabelImage(label), entry.complete, ignored.get(name))
        for name, image, label in pairs
        for entry in (index.get(name, unsaid),)
    )
    return Dataset(path.resolve().name, path, examples, split=chosen, splits=splits)


def _ignored(folder: Path, names: set[str]) -> dict[str, Path]:
    """Return the files that say where nothing is known, by the name of their image."""
    files = _by_name(folder) if folder.is_dir() else {}
    if surplus := sorted(files.keys() - names):
        raise DatasetError(f"{_which(files[s] for s in surplus)} without an image of that name; take it away")
    return files


def _pairs(images: Path, labels: Path) -> list[tuple[str, Path, Path]]:
    """Pair images and label images by their stems; where there is no label image, other formats of labels are too."""
    named: dict[str, Path] = _by_name(images)
    drawn: dict[str, Path] = {}
    for stem, file in _by_name(labels).items():
        drawn.setdefault(stem if stem in named else image_stem(stem), file)
    for file in sorted(labels.iterdir()):
        own = stem_of(file)
        stem = own if own in named else image_stem(own)
        if stem in named and stem not in drawn and file.is_file() and can_read(file):
            drawn[stem] = file
    if not named:
        raise DatasetError(f"there is no image in {images}; expected files such as a.tif or b.png")
    if not drawn and any(labels.glob("*.txt")):
        raise DatasetError(f"{labels} holds text files, YOLO's outlines; name the data.yaml that goes with them")
    if missing := sorted(named.keys() - drawn.keys()):
        raise DatasetError(
            f"{_which(named[m] for m in missing)} without a label image in {labels}; draw it, or take the image away "
            "(an image without objects has a label image of zeros)"
        )
    if surplus := sorted(drawn.keys() - named.keys()):
        raise DatasetError(f"{_which(drawn[s] for s in surplus)} without an image of that name in {images}")
    return [(name, image, drawn[name]) for name, image in sorted(named.items())]


def image_stem(stem: str) -> str:
    """Return the name of the image that a file of labels is called after, by the endings that programs put behind it.

    Examples
    --------
    >>> image_stem("a_cp_masks"), image_stem("a")
    ('a', 'a')
    """
    return next((stem.removesuffix(e) for e in _LABEL_ENDINGS if stem.endswith(e) and stem != e), stem)


def _beside(folder: Path) -> list[tuple[str, Path, Path]]:
    """Pair images with the files of labels that lie beside them, by their names."""
    files = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")]
    by_stem = {stem_of(p): p for p in files if p.suffix.casefold() in IMAGE_SUFFIXES}
    labels: dict[str, Path] = {}
    for file in files:
        stem = stem_of(file)
        if (named := image_stem(stem)) != stem and named in by_stem and can_read(file):
            labels.setdefault(named, file)
    others = [p for stem, p in by_stem.items() if stem not in labels and not _is_beside(stem, by_stem)]
    if labels and others:
        raise DatasetError(
            f"{_which(others)} without labels beside it, such as {others[0].stem}_masks.tif; label it, or take it away"
        )
    return [(stem, by_stem[stem], label) for stem, label in sorted(labels.items())]


def _is_beside(stem: str, by_stem: Mapping[str, Path]) -> bool:
    """Whether a picture is called after another, as labels, flows and outlines are."""
    return any(stem.startswith(f"{other}_") for other in by_stem)


def _by_name(folder: Path) -> dict[str, Path]:
    files = image_files(folder)
    found: dict[str, Path] = {}
    for file in files:
        (name,) = unique_names([file])
        if name in found:
            raise DatasetError(f"{found[name]} and {file} have the same name; take one of them away")
        found[name] = file
    return found


def _which(files: Iterable[Path]) -> str:
    """Name the first of some files, and say how many more."""
    first, *others = files
    return str(first) + (f" and {len(others)} more are" if others else " is")


def _hint(path: Path) -> str:
    candidates = sorted(p.name for p in path.iterdir() if p.suffix.casefold() in (".yaml", ".yml", ".json"))
    return f". Is {path / candidates[0]} what you mean?" if candidates else ""
