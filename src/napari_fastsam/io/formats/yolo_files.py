"""YOLO's files: a data.yaml that says where images are, and a text file of outlines beside each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fastsam import files
from napari_fastsam.errors import DatasetError
from napari_fastsam.io.formats.outlines import fill, painted
from napari_fastsam.io.formats.remarks import BEYOND, NO_OUTLINE, NO_TEXT, Remark
from napari_fastsam.io.images.finding import IMAGE_SUFFIXES

SPLITS = ("train", "val", "test")

_OUTSIDE = 0.01
"""Outlines may reach this share of the image beyond it: tools round."""

_FAR_OUTSIDE = 1.0
"""What reaches farther is no share of the image's size, but pixels."""

MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class YoloOutlines:
    """Objects as YOLO writes them: a line each, ``class x y x y …``, as shares of the image's width and height.

    Attributes
    ----------
    file
        The text file. An empty one says that there is no object, and so does one that is not there.
    strict
        Whether what is slightly off is refused, and not clipped or left out.
    """

    file: Path
    strict: bool = False

    def labels(self, shape: tuple[int, int]) -> NDArray[np.int32]:
        """Return (H, W) of `shape`; i + 1 is the i-th line's object. Raises DatasetError for a line that is none."""
        outlines = (line.outline for line in self.lines() if line.outline is not None)
        return painted([fill(outline[:, ::-1] * shape, shape) for outline in outlines], shape)

    def classes(self) -> list[int]:
        """Return the class of each object of `labels`, in their order. Raises DatasetError as `labels`."""
        return [line.class_index for line in self.lines() if line.outline is not None]

    def remarks(self) -> list[Remark]:
        """Return what is slightly off. Raises DatasetError as `labels`."""
        if not self.file.is_file():
            return [Remark(NO_TEXT, str(self.file))]
        return [line.remark for line in self.lines() if line.remark is not None]

    def lines(self) -> Iterator[YoloLine]:
        """Yield what each line says. Raises DatasetError as `labels`."""
        if not self.file.is_file() and not self.strict:
            return
        text = files.read_text(self.file, "a file of outlines", DatasetError, MAX_BYTES)
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield _parse(line, f"{self.file}, line {number}", self.strict)


class YoloLine(NamedTuple):
    """One line of a text file.

    Attributes
    ----------
    class_index
        Which of the classes that the data.yaml names.
    outline
        (V, 2) x, y as shares of the image; None = it is none.
    remark
        What is slightly off; None = nothing.
    """

    class_index: int
    outline: NDArray[np.float64] | None
    remark: Remark | None


def _parse(line: str, where: str, strict: bool) -> YoloLine:
    try:
        first, *values = (float(v) for v in line.split())
        number = int(first)
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{where} is {_short(line)}; expected a class and x y pairs, all numbers") from error
    if len(values) == 4:
        raise DatasetError(f"{where} is a box, and outlines are needed: class, then x y of three points or more")
    if len(values) in (0, 2) and not strict:
        return YoloLine(number, None, Remark(NO_OUTLINE, where))
    if len(values) < 6 or len(values) % 2:
        raise DatasetError(f"{where} has {len(values)} numbers after the class; expected x y pairs, three or more")
    outline = np.array(values).reshape(-1, 2)
    beyond = float(np.maximum(-outline, outline - 1).max())
    if not beyond <= (_OUTSIDE if strict else _FAR_OUTSIDE):  # also where it is not a number
        raise DatasetError(f"{where} holds values outside 0 to 1; expected shares of the image's width and height")
    return YoloLine(number, outline, Remark(BEYOND, where) if beyond > _OUTSIDE else None)


def splits_of(path: Path, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the parts that a data.yaml names.

    Raises
    ------
    DatasetError
        If there is none.
    """
    splits = tuple(s for s in SPLITS if config.get(s))
    if not splits:
        raise DatasetError(f"{path} names no images; expected train:, val: or test: with a folder")
    return splits


def images_of(path: Path, config: Mapping[str, Any], split: str) -> list[Path]:
    """Return the images of a split of a data.yaml, in order. Raises DatasetError as `places`."""
    return [file for place in places(path, config, split) for file in _images_at(place)]


def class_names(config: Mapping[str, Any]) -> dict[int, str]:
    """Return the names of classes that a data.yaml gives, as a list or by number; none of what is neither."""
    names = config.get("names")
    if isinstance(names, Mapping):
        return {int(number): str(name) for number, name in names.items() if str(number).isdigit()}
    return dict(enumerate(map(str, names))) if isinstance(names, list) else {}


def load_yaml(path: Path) -> dict[str, Any]:
    """Return what a data.yaml says.

    Raises
    ------
    DatasetError
        If it cannot be read.
    """
    config = files.read_yaml(path, "a data.yaml", DatasetError)
    if not isinstance(config, dict):
        raise DatasetError(f"{path} holds no settings; expected path:, train:, val: and names:")
    return config


def places(path: Path, config: Mapping[str, Any], split: str) -> list[Path]:
    """Return the folders and lists of images that a data.yaml names for a split, all of them there.

    ``path:`` counts from the file's own folder; if the images are not there, from the current one.

    Raises
    ------
    DatasetError
        If they are not there.
    """
    named = config[split] if isinstance(config[split], list) else [config[split]]
    own = path.resolve().parent
    given = files.slashed(str(config.get("path") or ""))
    for root in (own / given, Path.cwd() / given, own):
        found = [_at(root, str(name)) for name in named]
        if all(place.exists() for place in found):
            return found
    missing = next(place for place in (_at(own / given, str(n)) for n in named) if not place.exists())
    fetch = config.get("download")
    raise DatasetError(
        f"the images for {split!r} of {path} are not there: {missing}"
        + (f"; nothing is downloaded here: get them yourself (the file says {_short(str(fetch))})" if fetch else "")
        + "; put them there, or correct path: in the file"
    )


def _at(root: Path, name: str) -> Path:
    place = root / name
    if not place.exists():  # as Windows writes it
        name = files.slashed(name)
        place = root / name
    # archives of some services name folders beside the yaml as if they lay beside its folder
    if not place.exists() and name.startswith("../"):
        return root / name[3:]
    return place


def _images_at(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(p for p in place.rglob("*") if p.is_file() and _is_image(p))
    if place.suffix.casefold() != ".txt":
        return [place]
    text = files.read_text(place, "a list of images", DatasetError, MAX_BYTES)
    listed = [_at(place.parent, line.strip()) for line in text.splitlines() if line.strip()]
    for file in listed:
        if not file.is_file():
            raise DatasetError(f"{place} names {file}, which is not there")
    return listed


def _is_image(path: Path) -> bool:
    return path.suffix.casefold() in IMAGE_SUFFIXES and not path.name.startswith(".")


def text_of(image: Path) -> Path:
    """Return the text file of an image: its path with the last folder ``images`` turned into ``labels``."""
    parts = list(image.parts[:-1])
    at = _last(parts, "images")
    if at is not None:
        parts[at] = "labels"
    return Path(*parts, image.stem + ".txt")


def _last(parts: Iterable[str], wanted: str) -> int | None:
    return max((i for i, part in enumerate(parts) if part == wanted), default=None)


def _short(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= most else text[:most] + "…")
