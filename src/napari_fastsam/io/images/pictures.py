"""PNG, JPEG and other pictures, through Pillow; through imagecodecs where Pillow would lose bits."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.errors import ImageError
from napari_fastsam.io.images.layout import ImageFile, Layout, chosen_scene

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
"""Of files that Pillow reads."""

_AS_RGB = ("CMYK", "YCbCr", "LAB", "HSV")
"""Modes that Pillow turns into RGB: four inks would be taken for RGBA."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_COLOURS = (2, 4, 6)
"""RGB, grey with transparency, RGBA; of grey alone Pillow keeps all bits."""

_JPEG2000 = (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")


class PictureImage(ImageFile):
    """A picture, or a film of them.

    Parameters
    ----------
    path
        The file.
    scene
        0 or None: there is only one.
    as_labels
        Whether its pixels are numbers of objects: of a palette the places in it, not the colours.
    """

    def __init__(self, path: Path, scene: int | None = None, as_labels: bool = False) -> None:
        import imageio.v3 as iio

        chosen_scene(scene, 1, path)
        self._path, self._as_labels, self._decode = path, as_labels, _deep_decoder(path)
        if self._decode is not None:
            count, (height, width) = 1, self._data.shape[:2]
        else:
            count = int(iio.improps(path, plugin="pillow").n_images or 1)
            height, width = iio.improps(path, plugin="pillow", index=0).shape[:2]
        lengths, names = ((count,), ("t",)) if count > 1 else ((), ())
        self.layout = Layout(lengths, (int(height), int(width)), Scale.unknown((*names, "y", "x")))

    @property
    def colours(self) -> int:  # type: ignore[override]  # known once it was decoded
        """How many a pixel has."""
        plane = self._data.shape[len(self.layout.lengths) :]
        return int(plane[2]) if len(plane) > 2 else 1

    def read(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Return one picture."""
        chosen: NDArray[np.generic] = self._data[index]
        return chosen

    @cached_property
    def _data(self) -> NDArray[np.generic]:
        import imageio.v3 as iio

        if self._decode is not None:
            decoded: NDArray[np.generic] = self._decode(self._path.read_bytes())
            return decoded[..., 0] if decoded.ndim == 3 and decoded.shape[2] == 2 else decoded  # grey, transparency
        mode = iio.immeta(self._path, plugin="pillow", index=0).get("mode")
        if self._as_labels and mode == "P" and not self.layout.lengths:
            return _places(self._path)
        options: dict[str, Any] = {"mode": "RGB"} if mode in _AS_RGB else {}
        # the only one of a film need not be told from others
        index: dict[str, Any] = {} if self.layout.lengths else {"index": 0}
        data: NDArray[np.generic] = iio.imread(self._path, plugin="pillow", **index, **options)
        return data[..., 0] if mode in ("LA", "La") else data


def _deep_decoder(path: Path) -> Any:
    """Return what decodes a picture of which Pillow would keep 8 of 16 bits a colour; None = Pillow does."""
    import imagecodecs

    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(_JPEG2000):
        return imagecodecs.jpeg2k_decode
    if head.startswith(b"P6") and len(words := head.split(maxsplit=4)) > 3 and words[3] not in (b"255",):
        raise ImageError("it is a PPM of more than 8 bits a colour, which are not read here; save it as PNG or TIFF")
    if head.startswith(_PNG) and len(head) > 25 and head[24] == 16 and head[25] in _PNG_COLOURS:
        return imagecodecs.png_decode
    return None


def _places(path: Path) -> NDArray[np.uint8]:
    """Return the places of a picture's pixels in its palette."""
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture)
