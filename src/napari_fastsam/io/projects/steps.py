"""What one step changed in the annotations of an image: as a value, as bytes, and put into annotations.

A step holds what there is *after* it, never a difference: a step that is applied twice does no harm.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import LabelsError
from napari_fastsam.io.projects.feature_tables import FeatureChange, features_after

if TYPE_CHECKING:
    import pandas as pd

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, eq=False)
class LabelTile:
    """The labels of a small rectangle of one plane.

    Attributes
    ----------
    corner
        (D,) index of its first pixel.
    values
        (H, W) labels.
    """

    corner: tuple[int, ...]
    values: NDArray[np.integer]

    @property
    def place(self) -> tuple[int | slice, ...]:
        """Where it lies in the label image."""
        y, x = self.corner[-2:]
        height, width = self.values.shape
        return (*self.corner[:-2], slice(y, y + height), slice(x, x + width))


@dataclass(frozen=True, eq=False)
class AnnotationStep:
    """What one step changed.

    Attributes
    ----------
    shape, dtype
        Of the label image.
    tiles
        The labels of all rectangles in which a pixel changed.
    features
        What of the features changed; None = nothing.
    prompts
        The prompts that there are now; None = they are as before.
    metadata
        What of the layer's metadata changed, by key: the value and None; of a list its entries from the first on that
        changed, and which that is. A value of None is gone.
    """

    shape: tuple[int, ...]
    dtype: str
    tiles: tuple[LabelTile, ...] = ()
    features: FeatureChange | None = None
    prompts: Mapping[str, Any] | None = None
    metadata: Mapping[str, tuple[Any, int | None]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not self.tiles and self.features is None and self.prompts is None and not self.metadata

    def to_bytes(self) -> bytes:
        """Return it as the content of a record: a header of JSON and the tiles, all compressed."""
        packed = [zlib.compress(np.ascontiguousarray(tile.values).tobytes(), 1) for tile in self.tiles]
        header: dict[str, Any] = {
            "shape": self.shape,
            "dtype": self.dtype,
            "tiles": [[*t.corner, *t.values.shape, len(p)] for t, p in zip(self.tiles, packed, strict=True)],
        }
        if self.features is not None:
            change = self.features
            header["features"] = {
                "dtypes": dict(change.dtypes), "rows": change.rows, "gone": change.gone, "whole": change.is_whole,
            }  # fmt: skip
        if self.prompts is not None:
            header["prompts"] = self.prompts
        if self.metadata:
            header["metadata"] = self.metadata
        text = zlib.compress(json.dumps(header).encode(), 6)
        return b"".join([_LENGTH.pack(len(text)), text, *packed])

    @classmethod
    def from_bytes(cls, content: bytes) -> AnnotationStep:
        """Return what `to_bytes` made bytes of.

        Raises
        ------
        LabelsError
            If it is something else.
        """
        try:
            (length,) = _LENGTH.unpack_from(content)
            start = _LENGTH.size + length
            header = json.loads(zlib.decompress(content[_LENGTH.size : start]))
            dtype, ndim, tiles = np.dtype(header["dtype"]), len(header["shape"]), []
            for numbers in header["tiles"]:
                *corner, height, width, size = numbers
                values = np.frombuffer(zlib.decompress(content[start : start + size]), dtype).reshape(height, width)
                tiles.append(LabelTile(tuple(corner), values))
                start += size
                if len(corner) != ndim:
                    raise ValueError(f"a tile has {len(corner)} axes")
            told = header.get("features")
            features = told and FeatureChange(
                told["dtypes"], tuple(map(tuple, told["rows"])), tuple(told["gone"]), bool(told["whole"])
            )
            prompts, metadata = header.get("prompts"), header.get("metadata", {})
            return cls(tuple(header["shape"]), header["dtype"], tuple(tiles), features, prompts, metadata)
        except (KeyError, TypeError, ValueError, struct.error, zlib.error) as error:
            raise LabelsError(f"a step of a journal is damaged ({type(error).__name__}: {error})") from error


@dataclass(eq=False)
class Annotation:
    """All that is known of the objects of an image.

    Attributes
    ----------
    labels
        (…, Y, X) label image; None = there is none yet.
    features
        A row an object; None = there are none.
    prompts
        What the prompt layers hold, as `layers.projects.prompt_rows` makes it.
    metadata
        Of the Labels layer: what JSON knows of it.
    """

    labels: NDArray[np.integer] | None = None
    features: pd.DataFrame | None = None
    prompts: Mapping[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def apply(self, step: AnnotationStep) -> None:
        """Put a step in."""
        if self.labels is None or self.labels.shape != step.shape or self.labels.dtype != np.dtype(step.dtype):
            self.labels = _reshaped(self.labels, step)
        for tile in step.tiles:
            self.labels[tile.place] = tile.values
        if step.features is not None:
            self.features = features_after(self.features, step.features)
        if step.prompts is not None:
            self.prompts = step.prompts
        for key, (value, first) in step.metadata.items():
            self.metadata[key] = value if first is None else [*(self.metadata.get(key) or [])[:first], *value]
        self.metadata = {key: value for key, value in self.metadata.items() if value is not None}


def _reshaped(labels: NDArray[np.integer] | None, step: AnnotationStep) -> NDArray[np.integer]:
    """Return a label image of the shape and type that a step has; labels of another shape are gone."""
    if labels is not None and labels.shape == step.shape:
        return labels.astype(step.dtype)
    return np.zeros(step.shape, step.dtype)
