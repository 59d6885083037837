"""ND2 of Nikon, through nd2 (https://github.com/tlambert03/nd2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nd2
import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.layout import ImageFile, Layout, chosen_scene, unique_axes

_POSITION, _COLOUR = "P", "S"


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
        known = {axis: float(getattr(voxel, axis.lower())) for axis in "XYZ"}
        axes = [*self._leading, "Y", "X"]
        steps = [known.get(axis, 1.0) or 1.0 for axis in axes]
        return Scale(tuple(unique_axes(axes)), tuple(steps), tuple("micrometer" if a in known else "" for a in axes))

    def _names(self) -> tuple[str, ...]:
        channels: Any = getattr(self._file.metadata, "channels", None) or ()
        names = tuple(str(one.channel.name) for one in channels)
        return names if any(names) else ()

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane."""
        chosen: dict[str, Any] = dict(zip(self._leading, index, strict=True)) | {_POSITION: self._position}
        places = tuple(chosen.get(dim, slice(None)) for dim in self._dims)
        return np.asarray(self._file.to_dask()[places])
