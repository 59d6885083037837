"""ND2 of Nikon, through nd2 (https://github.com/tlambert03/nd2)."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import nd2
import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.layout import ImageFile, Layout, absent, chosen_scene, every_index, unique_axes

_POSITION, _TIME, _CHANNEL, _COLOUR = "P", "T", "C", "S"


class Nd2Image(ImageFile):
    """A position of an ND2.

    Parameters
    ----------
    path
        The file.
    scene
        Which of its positions; None = the first.
    """

    def __init__(self, path: Path, scene: int | None = None) -> None:
        self._file = nd2.ND2File(str(path))
        try:
            sizes = dict(self._file.sizes)
            if not {"Y", "X"} <= sizes.keys():
                raise ImageError(f"{path} has the axes {', '.join(sizes)}; expected rows and columns")
            positions = int(sizes.get(_POSITION, 1))
            self._position = chosen_scene(scene, positions, path)
            self.alike = positions
            self.colours = 3 if sizes.get(_COLOUR) == 3 else 1
            self._dims = tuple(sizes)
            self._loops = {d: int(n) for d, n in sizes.items() if d not in (_CHANNEL, _COLOUR, "Y", "X")}
            self._leading = [d for d in sizes if d not in (_POSITION, _COLOUR, "Y", "X")]
            self.layout = Layout(
                tuple(int(sizes[d]) for d in self._leading), (int(sizes["Y"]), int(sizes["X"])), self._scale()
            )
            self.channels = self._names()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _scale(self) -> Scale:
        voxel = self._file.voxel_size()
        known = {axis: (float(getattr(voxel, axis.lower())) or 1.0, "micrometer") for axis in "XYZ"}
        times = [loop for loop in self._file.experiment if loop.type == "TimeLoop"]
        if times and times[0].parameters.periodMs > 0:
            known[_TIME] = times[0].parameters.periodMs / 1000, "second"
        axes = [*self._leading, "Y", "X"]
        steps, units = zip(*(known.get(axis, (1.0, "")) for axis in axes), strict=True)
        return Scale(tuple(unique_axes(axes)), steps, units)

    def _names(self) -> tuple[str, ...]:
        channels: Any = getattr(self._file.metadata, "channels", None) or ()
        names = tuple(str(one.channel.name) for one in channels)
        return names if any(names) else ()

    @cached_property
    def missing(self) -> tuple[tuple[int, ...], ...]:  # type: ignore[override]  # found when it is asked for
        """Indices of planes that were never recorded, as where a run was stopped."""
        recorded = self._recorded
        if recorded >= math.prod(self._loops.values()):
            return ()
        return tuple(index for index in every_index(self.layout.lengths) if self._frame(index) >= recorded)

    @property
    def _recorded(self) -> int:
        return int(self._file.attributes.sequenceCount)

    def _frame(self, index: tuple[int, ...]) -> int:
        """Return which of the frames holds a plane."""
        chosen: dict[str, int] = dict(zip(self._leading, index, strict=True)) | {_POSITION: self._position}
        places = tuple(chosen[loop] for loop in self._loops)
        return int(np.ravel_multi_index(places, tuple(self._loops.values()))) if places else 0

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane."""
        if self._frame(index) >= self._recorded:  # nd2 would give zeros
            raise ImageError(absent([index], self.layout.scale.axes, math.prod(self.layout.lengths)))
        chosen: dict[str, Any] = dict(zip(self._leading, index, strict=True)) | {_POSITION: self._position}
        places = tuple(chosen.get(dim, slice(None)) for dim in self._dims)
        return np.asarray(self._file.to_dask()[places])
