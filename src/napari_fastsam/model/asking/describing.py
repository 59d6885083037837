"""Objects that are there already, such as those of a label image, described by what a network sees in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.classes.learning import DescribedObjects
from napari_fastsam.core.likeness.descriptors import describe_instances, descriptor_kind
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.core.planes.tiling import SEAM, Tiling
from napari_fastsam.core.results.result import masks_in, require_kept
from napari_fastsam.errors import ImageError
from napari_fastsam.model.asking.plane_scale import PlaneLike, is_large, plane_shape, shown_size
from napari_fastsam.model.asking.tiled import Piece, plan_tiles, read_tile
from napari_fastsam.model.network.segmenter import Model

CONF = 0.9
"""Nothing is asked of what the network finds: proposals up to this score are not kept."""


def describe_labels(
    model: Model,
    image: ArrayLike | PlaneLike,
    labels: ArrayLike,
    *,
    contrast_limits: tuple[float, float] | None = None,
    imgsz: int | None = None,
    tiling: Tiling | None = None,
) -> DescribedObjects:
    """Describe all objects of a label image by the features that a model has of the image.

    Parameters
    ----------
    model
        The network; one that was exported gives no features, and objects are described by size, shape and colours.
    image
        (Y, X) or (Y, X, 3 | 4); a large one is seen in tiles.
    labels
        (Y, X) whole numbers; 0 = background.
    contrast_limits, imgsz
        As in `Model.segment`.
    tiling
        Scale and tiles of a large plane.

    Raises
    ------
    ImageError
        If the image is no plane, or the labels have another shape.
    ParameterError
        If a label needs more than 64 bits with a sign.
    """
    data: Any = image if hasattr(image, "shape") else np.asarray(image)
    drawn = np.asarray(labels)
    shape = plane_shape(data)
    if drawn.shape != shape or not np.issubdtype(drawn.dtype, np.integer):
        raise ImageError(
            f"the labels have shape {drawn.shape} and type {drawn.dtype}; expected whole numbers of the image's "
            f"shape {shape}"
        )
    found = dict(masks_in(drawn))
    if is_large(shape, imgsz):
        return _in_tiles(model, data, found, tiling or Tiling(), contrast_limits)
    rgb = model.rgb8(np.asarray(data[:, :]), contrast_limits)
    return described(model.propose(rgb, imgsz, CONF), found)


def described(proposals: Proposals, masks: dict[int, CroppedMask]) -> DescribedObjects:
    """Describe objects by what one pass has seen of their plane.

    Parameters
    ----------
    proposals
        What the pass said, with its features.
    masks
        The objects by number, on the plane of the pass.
    """
    instances = _instances(proposals, list(masks.values()))
    numbers = _numbers(masks)
    vectors = describe_instances(instances, range(len(instances)))
    return DescribedObjects(descriptor_kind(instances), numbers, vectors)


def _instances(proposals: Proposals, masks: Sequence[CroppedMask]) -> Instances:
    return Instances(
        _boxes(masks), np.ones(len(masks), np.float32), tuple(masks), proposals.shape, proposals,
        np.arange(len(masks)), proposals.image_features,
    )  # fmt: skip


def _numbers(masks: Collection[int]) -> NDArray[np.int64]:
    require_kept(max(masks, default=0))
    return np.fromiter(masks, np.int64, len(masks))


def _boxes(masks: Sequence[CroppedMask]) -> NDArray[np.float32]:
    windows = [mask.window for mask in masks]
    boxes = [[rows.start, columns.start, rows.stop, columns.stop] for rows, columns in windows]
    return np.array(boxes, np.float32).reshape(-1, 4)


def _in_tiles(
    model: Model,
    image: PlaneLike,
    masks: dict[int, CroppedMask],
    tiling: Tiling,
    contrast_limits: tuple[float, float] | None,
) -> DescribedObjects:
    """Describe each object in the finest tile that shows it whole; one that none does, in the coarsest."""
    plan = plan_tiles(model, image, tiling, contrast_limits=contrast_limits)
    numbers, boxes = _numbers(masks), _boxes(list(masks.values()))
    vectors: dict[int, NDArray[np.float32]] = {}
    kind = ""
    for piece, last in _with_last(plan.pieces()):
        tile, scale = piece.tile, piece.grid.scale
        own = tile.owns(boxes, SEAM / scale) & (last | ~tile.cuts(boxes, piece.grid.shape))
        mine = [int(number) for number in numbers[own] if int(number) not in vectors]
        if not mine and kind:
            continue
        rgb = model.rgb8(read_tile(image, piece.grid, tile), plan.contrast_limits)
        proposals = model.propose(rgb, shown_size(tile.shape, scale), CONF, tile.shape)
        top, left = tile.window[:2]
        here = described(proposals, {i: _within(masks[i].moved(-top, -left), tile.shape) for i in mine})
        kind = here.kind
        vectors.update(zip(mine, here.vectors, strict=True))
    known = [number for number in numbers.tolist() if number in vectors]
    width = len(next(iter(vectors.values()))) if vectors else 0
    rows = np.array([vectors[number] for number in known], np.float32).reshape(len(known), width)
    return DescribedObjects(kind, np.array(known, np.int64), rows)


def _with_last(pieces: Iterator[Piece]) -> Iterator[tuple[Piece, bool]]:
    """Yield pieces, and whether each is of the coarsest grid."""
    every = list(pieces)
    for piece in every:
        yield piece, piece.grid == every[-1].grid


def _within(mask: CroppedMask, shape: tuple[int, int]) -> CroppedMask:
    """Return the part of a mask that lies in a window."""
    rows, columns = mask.window
    top, left = max(rows.start, 0), max(columns.start, 0)
    pixels = mask.pixels[top - rows.start : shape[0] - rows.start, left - columns.start : shape[1] - columns.start]
    return replace(mask, top=top, left=left, pixels=pixels)
