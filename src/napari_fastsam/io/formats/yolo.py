"""Outlines as YOLO has them: a folder with images, a text file of outlines beside each, and a data.yaml.

An object is one line, ``class x y x y …`` in shares of the image's width and height
(https://docs.ultralytics.com/datasets/segment). A line has one outline: parts and holes are joined to it by a way there
and back, which encloses nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import to_rgb8
from napari_fastsam.core.objects.tracing import Polygon, Ring, trace
from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.errors import ParameterError
from napari_fastsam.io.formats.about import about
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.results.folders import mend, put_in_place
from napari_fastsam.io.results.names import plain_name, temporary_prefix
from napari_fastsam.io.results.results import OutputError, unwritable

ABOUT_KEY = "napari-fastsam"
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
    description = "outlines, folder with data.yaml as YOLO has it"
    holds = frozenset(("classes", "scale", "provenance"))

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write a folder with one image."""
        self.write_together([result], path)

    def write_together(self, results: Iterable[SegmentationResult], path: Path) -> None:
        """Write a folder; an image's pixels are written where they are known, with eight bits."""
        if path.exists() and not (path / "data.yaml").is_file():
            raise OutputError(f"{path} is in the way and no folder as YOLO has it; choose another name")
        try:
            mend(path)
            whole = Path(tempfile.mkdtemp(prefix=temporary_prefix(path), suffix=".part", dir=path.parent))
        except OSError as error:
            raise unwritable(path, error) from error
        try:
            _fill(whole, results)
            whole.chmod(0o755)
            put_in_place(whole, path)
        except OSError as error:
            raise unwritable(path, error) from error
        finally:
            shutil.rmtree(whole, ignore_errors=True)


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
    (folder / "data.yaml").write_text(yaml.safe_dump(_plain(content), sort_keys=False, allow_unicode=True), "utf-8")


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
