"""Names of earlier versions; each says what to use instead, and goes with the next version."""

from __future__ import annotations

import warnings
from typing import Any

from numpy.typing import ArrayLike

from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.prompts.selection import Selection
from napari_fastsam.model.asking.plane_scale import PlaneLike
from napari_fastsam.model.asking.segment import segment
from napari_fastsam.model.asking.tiled import TiledResult
from napari_fastsam.model.network.segmenter import Model


def answer(model: Model, image: ArrayLike, prompts: Prompts, **options: Any) -> list[Selection]:
    """Find the object of each prompt in one pass; use `segment` with prompts."""
    _warn("answer", "segment(model, image, prompts)")
    return segment(model, image, prompts, tiled=False, **options)


def answer_large(model: Model, image: PlaneLike, prompts: Prompts, **options: Any) -> list[Selection]:
    """Find the object of each prompt in tiles; use `segment` with prompts."""
    _warn("answer_large", "segment(model, image, prompts), which chooses by size, or tiled=True")
    return segment(model, image, prompts, tiled=True, **options)


def segment_tiled(model: Model, image: PlaneLike, **options: Any) -> TiledResult:
    """Find all objects in tiles; use `segment` without prompts."""
    _warn("segment_tiled", "segment(model, image), which chooses by size, or tiled=True")
    found = segment(model, image, tiled=True, **options)
    assert isinstance(found, TiledResult)  # noqa: S101  # tiled
    return found


def _warn(name: str, instead: str) -> None:
    warnings.warn(f"{name} is deprecated; use {instead}", DeprecationWarning, stacklevel=3)
