"""LIF of Leica, through liffile (https://github.com/cgohlke/liffile)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from liffile import LifFile
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.layout import ImageFile, Layout, chosen_scene, unique_axes

_TIMES = ("T",)


class LifImage(ImageFile):
    """An image of a LIF.

    Parameters
    ----------
    path
        The file.
    scene
        Which of its images; None = the first.
    """

    def __init__(self, path: Path, scene: int | None = None) -> None:
        self._file = LifFile(path)
        try:
            images = list(self._file.images)
            if not images:
                raise ImageError(f"{path} has no image in it")
            self._image: Any = images[chosen_scene(scene, len(images), path)]
            self.alike = len(images)
            self._look()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _look(self) -> None:
        dims, shape = tuple(self._image.dims), tuple(int(n) for n in self._image.shape)
        if not {"Y", "X"} <= set(dims):
            raise ImageError(f"it has the axes {', '.join(dims)}; expected rows and columns")
        self.colours = 3 if "S" in dims and shape[dims.index("S")] == 3 else 1
        places = {dim: place for place, dim in enumerate(dims)}
        self._leading = [d for d in dims if d not in ("Y", "X") and not (d == "S" and self.colours == 3)]
        kept = [*self._leading, "Y", "X"]
        steps = tuple(self._step(dim) for dim in kept)
        scale = Scale(tuple(unique_axes(kept)), tuple(s for s, _ in steps), tuple(u for _, u in steps))
        lengths = tuple(shape[places[d]] for d in self._leading)
        self.layout = Layout(lengths, (shape[places["Y"]], shape[places["X"]]), scale)
        described = self._image.xml_element.findall(".//ChannelDescription")
        names = tuple(str(one.attrib.get("LUTName", "")) for one in described)
        self.channels = names if self.colours == 1 and any(names) else ()

    def _step(self, dim: str) -> tuple[float, str]:
        """Return size and unit of a pixel: LIF has metres and seconds."""
        at = self._image.coords.get(dim)
        if dim not in ("X", "Y", "Z", *_TIMES) or at is None or len(at) < 2:
            return 1.0, ""
        step = abs(float(at[1] - at[0]))
        if not step > 0:
            return 1.0, ""
        return (step, "second") if dim in _TIMES else (step * 1e6, "micrometer")

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Read one plane."""
        chosen: dict[str, Any] = dict(zip(self._leading, index, strict=True))
        found = np.asarray(self._image.frame(**chosen))
        return found.astype(found.dtype.newbyteorder("="), copy=False)
