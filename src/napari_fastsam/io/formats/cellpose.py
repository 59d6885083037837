"""Label images as cellpose keeps them: ``_seg.npy`` of its window, and ``_masks.tif`` beside an image.

A ``_seg.npy`` is a pickle. It is read without running anything of it: `model.files.pickles` follows its instructions,
and only numbers come out. Keys are those of cellpose's documentation, https://cellpose.readthedocs.io/en/latest/outputs.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.scale import Scale
from napari_fastsam.core.results.result import SegmentationResult
from napari_fastsam.errors import DatasetError, ParameterError
from napari_fastsam.io.formats.about import about, result_from
from napari_fastsam.io.formats.overlay import CONTOUR_COLOURS
from napari_fastsam.io.formats.planes import CheckedLabels
from napari_fastsam.io.formats.registry import Format, register
from napari_fastsam.io.formats.tiff import TiffLabels
from napari_fastsam.io.results.results import write_whole
from napari_fastsam.model.files.pickle_values import PickledObject, UnreadableError
from napari_fastsam.model.files.pickles import Interpreter

_MAX_BYTES = 8_000_000_000
_MOST = 1 << 24
"""Of numbers, each of which takes a row of colours."""

_ARRAYS = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
_NUMBERS = re.compile(r"[biuf][1248]")
_OBJECTS_KEY = "napari-fastsam"


@register
class CellposeSeg(Format):
    """What cellpose's window saves and opens: masks, their outlines and colours."""

    name = "cellpose"
    ending = "_seg.npy"
    suffixes = ("_seg.npy", ".npy")
    description = "what cellpose's window opens, _seg.npy"
    holds = frozenset(("labels", "stacks", "scores", "classes", "prompts", "scale", "provenance"))

    def suits(self, result: SegmentationResult) -> bool:
        """Whether it is a plane, or a stack along one axis."""
        return len(result.shape) <= 3

    def write(self, result: SegmentationResult, path: Path) -> None:
        """Write masks with the keys that cellpose's window looks for; it needs no flows."""
        from skimage.segmentation import find_boundaries

        if not self.suits(result):
            raise ParameterError(f"{len(result.shape)} axes do not fit into cellpose's files; choose tiff or zarr")
        labels = result.label_image()
        count = int(labels.max(initial=0))
        if count > _MOST:
            raise ParameterError(
                f"the label {count} does not fit into cellpose's files, which have a colour for every number up to the "
                f"highest, here {_MOST}; choose tiff"
            )
        masks = labels.astype(np.uint16 if count < 1 << 16 else np.uint32)
        planes = masks.reshape(-1, *masks.shape[-2:])
        edges = np.stack([find_boundaries(plane, mode="inner") for plane in planes]).reshape(masks.shape)  # type: ignore[no-untyped-call]
        content = {
            "masks": masks,
            "outlines": masks * edges,
            "colors": CONTOUR_COLOURS[np.arange(count) % len(CONTOUR_COLOURS)],
            "ismanual": np.zeros(count, bool),
            "manual_changes": [],
            "filename": result.image,
            "chan_choose": [0, 0],
            "flows": [],
            "est_diam": float(np.sqrt(np.bincount(planes.ravel())[1:].mean() * 4 / np.pi)) if count else 30.0,
            _OBJECTS_KEY: about(result),
        }

        def save(file: Path) -> None:
            with file.open("wb") as opened:
                np.save(opened, np.array(content, object), allow_pickle=True)

        write_whole(path, save)

    def read(self, path: Path, shape: tuple[int, int] | None = None) -> SegmentationResult:
        """Read the masks, or an array of labels alone, and what we wrote beside them; nothing in the file is run."""
        content = read_plain(path)
        masks = content if isinstance(content, np.ndarray) else _entry(content, "masks")
        if not isinstance(masks, np.ndarray) or masks.dtype.kind not in "biu" or masks.ndim not in (2, 3):
            raise DatasetError(f"{path} holds no masks as cellpose has them; save it again from cellpose")
        said = _entry(content, _OBJECTS_KEY)
        axes = ("z", "y", "x")[-masks.ndim :]
        own = result_from(
            CheckedLabels(path, masks), said if isinstance(said, Mapping) else {}, Scale.unknown(axes), path
        )
        image = Path(str(_entry(content, "filename") or own.image).replace("\\", "/")).name
        return SegmentationResult(own.labels, own.objects, own.scale, own.provenance, image)


@register
class CellposeMasks(TiffLabels):
    """A label image under the name that cellpose looks for beside an image."""

    name = "cellpose-masks"
    ending = "_masks.tif"
    suffixes = ("_masks.tif", "_masks.tiff")
    description = "label image by cellpose's name, TIFF"


def _entry(content: Any, key: str) -> Any:
    return content.get(key) if isinstance(content, Mapping) else None


def read_plain(path: Path) -> Any:
    """Return what an .npy file holds: numbers, texts, lists, mappings and arrays of numbers. Nothing of it is run.

    Raises
    ------
    DatasetError
        If it cannot be read; what is of another kind comes out as a `PickledObject`.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DatasetError(f"{path} is larger than {_MAX_BYTES} bytes; save the masks as TIFF")
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, fortran, dtype = header[version](file)
            data = file.read()
        if not dtype.hasobject:
            return _array(shape, dtype, fortran, data)
        value = _plain(Interpreter(data, {}, inert=None).run())
        return value[0] if isinstance(value, list) and shape == () and len(value) == 1 else value
    except (
        OSError,
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        RecursionError,
        MemoryError,
        SyntaxError,
        TokenError,
        UnreadableError,
    ) as error:  # numpy takes a header for a piece of Python
        raise DatasetError(f"{path} cannot be read as an .npy file: {error}; save the masks as TIFF") from error


def _plain(value: Any) -> Any:
    """Return a value with all arrays and numbers of numpy in it made; what else is in it stays as it is."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if not isinstance(value, PickledObject):
        return value
    name, args, state = value.name.full, value.args, value.state
    if name in _ARRAYS and isinstance(state, tuple) and len(state) == 5:
        _, shape, dtype, fortran, data = state
        return _plain(data) if isinstance(data, list) else _array(shape, _dtype(dtype), fortran, _bytes(data))
    if name.endswith("numeric._frombuffer") and len(args) == 4:
        data, dtype, shape, order = args
        return _array(shape, _dtype(dtype), order == "F", _bytes(data))
    if name.endswith("multiarray.scalar") and len(args) == 2:
        return _array((), _dtype(args[0]), False, _bytes(args[1]))[()]
    return value


def _bytes(data: Any) -> bytes:
    """Return bytes, which old pickles have as text of one byte a character."""
    if isinstance(data, PickledObject) and data.name.full == "_codecs.encode" and data.args:
        data = str(data.args[0]).encode("latin-1")
    if not isinstance(data, bytes):
        raise ValueError(f"it holds an array of a {type(data).__name__}; expected bytes")
    return data


def _dtype(described: Any) -> np.dtype[Any]:
    """Return the type of numbers that a pickle describes.

    Raises
    ------
    ValueError
        If it describes anything else.
    """
    kind = described.args[0] if isinstance(described, PickledObject) and described.args else None
    if not isinstance(kind, str) or not _NUMBERS.fullmatch(kind):
        raise ValueError(f"it holds an array of {kind!r}; expected numbers")
    order = described.state[1] if isinstance(described.state, tuple) else "|"
    return np.dtype(f"{order}{kind}" if order in ("<", ">") else kind)


def _array(shape: Any, dtype: np.dtype[Any], fortran: Any, data: bytes) -> NDArray[Any]:
    size = tuple(int(n) for n in shape)
    return np.frombuffer(data, dtype).reshape(size, order="F" if fortran else "C")
