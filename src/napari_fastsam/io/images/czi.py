"""CZI of Zeiss, through pylibCZIrw (https://github.com/ZEISS/pylibczirw)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pylibCZIrw import czi

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images import layout
from napari_fastsam.io.images.layout import ImageFile, Layout, chosen_scene
from napari_fastsam.io.images.units import size_of

_AXES = "TZC"


class CziImage(ImageFile):
    """A scene of a CZI; tiles of a mosaic are put together.

    Parameters
    ----------
    path
        The file.
    scene
        Which of its scenes; None = the first.
    """

    def __init__(self, path: Path, scene: int | None = None) -> None:
        self._path, self._reader = path, czi.CziReader(str(path))
        scenes = self._reader.scenes_bounding_rectangle
        numbers = sorted(scenes) or [None]
        self._scene = numbers[chosen_scene(scene, len(numbers), path)]
        self.alike = len(numbers)
        box = self._reader.total_bounding_box
        whole = self._reader.total_bounding_rectangle if self._scene is None else scenes[self._scene]
        self._corner = (int(whole.y), int(whole.x))
        self._starts = {axis: int(box[axis][0]) for axis in _AXES if axis in box}
        axes = [a for a in _AXES if a in box and box[a][1] - box[a][0] > 1]
        kind = self._reader.get_channel_pixel_type(self._starts.get("C", 0))
        if not kind.startswith(("Gray", "Bgr")) or "Complex" in kind:
            raise ImageError(f"{path} has pixels of the type {kind}; expected grey or RGB ones")
        self.colours = 3 if kind.startswith("Bgr") else 1
        self._axes = axes
        names = tuple(a.lower() for a in axes)
        metadata = _at(self._reader.metadata, "ImageDocument", "Metadata")
        sizes = _sizes(metadata)
        steps, units = zip(*(sizes.get(a, (1.0, "")) for a in (*names, "y", "x")), strict=True)
        lengths = tuple(int(box[a][1] - box[a][0]) for a in axes)
        self.layout = Layout(lengths, (int(whole.h), int(whole.w)), Scale((*names, "y", "x"), steps, units))
        self.channels = _channels(metadata)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane."""
        return _meant(self._reader.read(plane=self._plane(index), scene=self._scene))

    def lazy(self, index: tuple[int, ...]) -> Any:
        """Return one plane: by rectangles if it is large."""
        height, width = self.layout.plane
        if height * width <= layout.LARGE:
            return self.read(index)
        return _Window(self._path, self._corner, (height, width), plane=self._plane(index), scene=self._scene)

    def _plane(self, index: tuple[int, ...]) -> dict[str, int]:
        chosen = dict(self._starts)
        for axis, at in zip(self._axes, index, strict=True):
            chosen[axis] += at
        return chosen


class _Window:
    """A large plane of a CZI, opened anew for each rectangle.

    Parameters
    ----------
    path
        The file.
    corner, shape
        First row and column of the scene in the file, and ``(H, W)``.
    selection
        Which plane and scene, as `CziReader.read` takes them.
    """

    def __init__(self, path: Path, corner: tuple[int, int], shape: tuple[int, int], **selection: Any) -> None:
        self._path, self._corner, self._selection = path, corner, selection
        self.shape: tuple[int, ...] = shape
        first = self[0:1, 0:1]
        self.dtype = first.dtype
        self.shape = (*shape, *first.shape[2:])

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.generic]:
        (y0, y1, step_y), (x0, x1, step_x) = (s.indices(n) for s, n in zip(window, self.shape[:2], strict=True))
        top, left = self._corner
        roi = (left + x0, top + y0, max(0, x1 - x0), max(0, y1 - y0))
        with czi.open_czi(str(self._path)) as reader:
            return _meant(reader.read(roi=roi, **self._selection))[::step_y, ::step_x]


def _meant(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return (Y, X), or colours as RGB: CZI has blue first."""
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., ::-1]


def _sizes(metadata: Any) -> dict[str, tuple[float, str]]:
    found = {}
    for distance in _listed(_at(metadata, "Scaling", "Items", "Distance")):
        meters = size_of(distance.get("Value"), "m")
        if meters is not None:
            found[str(distance.get("@Id", "")).lower()] = (meters[0] * 1e6, "micrometer")
    return found


def _channels(metadata: Any) -> tuple[str, ...]:
    listed = _listed(_at(metadata, "Information", "Image", "Dimensions", "Channels", "Channel"))
    names = tuple(str(channel.get("@Name", "")) for channel in listed)
    return names if any(names) else ()


def _at(values: Any, *keys: str) -> Any:
    """Return what lies under keys within each other; None = nothing."""
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _listed(values: Any) -> list[dict[str, Any]]:
    """Return one or several entries of XML as a list."""
    return [one for one in (values if isinstance(values, list) else [values]) if isinstance(one, dict)]
