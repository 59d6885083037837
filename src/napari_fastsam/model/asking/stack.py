"""All planes of a stack or a film through the network, and their objects linked."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_fastsam.core.image.intensity import window_of
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.painting import paint
from napari_fastsam.core.planes.linking import Linking, Links, PlaneOverlaps, bridged, link
from napari_fastsam.core.planes.tiling import TileGrid, Tiling
from napari_fastsam.errors import ImageError
from napari_fastsam.model.asking.plane_scale import is_large, plane_shape, scale_for, shown_size, suited_imgsz
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.asking.tiled import TilePlan, all_objects, fitting
from napari_fastsam.model.network.segmenter import Model, check_model

CONF_FLOOR, GENEROUS_IOU = 0.1, 0.9
"""What is kept of each plane for live thresholds, and for objects that are followed."""

GENEROUS = Thresholds(CONF_FLOOR, GENEROUS_IOU)

_SAMPLES = 5
"""Planes that the intensity window and the scale of a stack are taken from."""


@dataclass(eq=False)
class StackRun:
    """A stack on its way through the network.

    Attributes
    ----------
    model
        The network.
    read
        Gives a plane by its position.
    count
        How many planes there are.
    contrast_limits
        One window for all planes; None for colours of 8 bits.
    imgsz
        The size that all planes are shown at.
    grid
        The tiles in which each plane is seen, where planes are large; None = in one pass.
    generous
        What is kept of each plane passes these.
    kept
        The objects of the planes seen so far, far more than thresholds would leave; without what the network said.
    checksums
        Of the pixels that were seen, by plane.
    """

    model: Model
    read: Callable[[int], NDArray[Any]]
    count: int
    contrast_limits: tuple[float, float] | None
    imgsz: int | None
    grid: TileGrid | None = None
    generous: Thresholds = GENEROUS
    kept: dict[int, Instances] = field(default_factory=dict)
    checksums: dict[int, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether all planes were seen."""
        return len(self.kept) == self.count

    def predict(self, plane: int) -> None:
        """Have the network see a plane, if it has not yet."""
        if plane not in self.kept:
            pixels = self.read(plane)
            rgb = self._rgb(pixels)
            self.checksums[plane] = zlib.crc32(rgb.data)
            if self.grid is not None and self.contrast_limits is not None:
                plan = TilePlan(self.grid, self.contrast_limits, self.generous)
                self.kept[plane] = all_objects(self.model, pixels, plan)
                return
            conf, iou = self.generous.conf, self.generous.iou
            found = self.model.propose(rgb, self.imgsz, conf).instances(conf, iou)
            self.kept[plane] = Instances(found.boxes, found.scores, tuple(found.masks), found.shape)

    def is_as_seen(self) -> bool:
        """Return whether the planes still have the pixels that were seen."""
        return all(
            zlib.crc32(self._rgb(self.read(plane)).data) == seen for plane, seen in tuple(self.checksums.items())
        )

    def _rgb(self, pixels: NDArray[Any]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self.model.rgb8(pixels, self.contrast_limits))

    def plane(self, plane: int, thresholds: Thresholds) -> Instances:
        """Return the objects of a plane that pass the thresholds; it has to be seen."""
        return self.kept[plane].filter(thresholds.conf, thresholds.iou, thresholds.min_area, thresholds.max_area)

    def planes(self, thresholds: Thresholds) -> list[Instances]:
        """Return the objects of all planes that pass the thresholds; all have to be seen."""
        return [self.plane(plane, thresholds) for plane in range(self.count)]


@dataclass(frozen=True, eq=False)
class StackResult:
    """The objects of a stack.

    Attributes
    ----------
    planes
        What was found on each.
    links
        Which of them are one.
    labels
        (N, Y, X) int32, 0 = background; an object has one number through the stack, also on planes between in which it
        was missed.
    """

    planes: tuple[Instances, ...]
    links: Links
    labels: NDArray[np.int32]

    @property
    def scores(self) -> NDArray[np.float64]:
        """(count,) of each object, by number from 1: the mean over its planes."""
        return mean_scores(self.planes, self.links)


def segment_stack(
    model: Model,
    stack: ArrayLike,
    *,
    axis: int = 0,
    imgsz: int | None = None,
    diameter: float | None = None,
    scale: float | None = None,
    conf: float | None = None,
    iou: float | None = None,
    contrast_limits: tuple[float, float] | None = None,
    min_area: float | None = None,
    max_area: float | None = None,
    linking: Linking | None = None,
) -> StackResult:
    """Find all objects of a stack or a film; each has one number through it.

    Parameters
    ----------
    model
        The network.
    stack
        (N, Y, X) or (N, Y, X, 3 | 4), or with the planes along another axis; numpy, dask or zarr, read plane by plane.
    axis
        Along which the planes lie.
    imgsz, conf, iou, contrast_limits
        As in `Model.segment`; scale and window are the same for all planes, by default from a sample of them. Planes of
        more than `model.asking.plane_scale.LARGE` pixels are seen in tiles without a given `imgsz`.
    diameter, scale
        As in `core.planes.tiling.Tiling`, instead of `imgsz`.
    min_area, max_area
        Pixels of an object's mask on a plane, both included.
    linking
        When objects on different planes are one.

    Raises
    ------
    ImageError
        If it is no stack of planes of real numbers.
    ParameterError
        If a parameter is out of its range.
    """
    check_model(model)
    data: Any = stack if hasattr(stack, "shape") else np.asarray(stack)
    shape = tuple(int(n) for n in data.shape)
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (3, 4)) or not 0 <= axis < 3:
        raise ImageError(
            f"the stack has shape {shape} and its planes lie along axis {axis}; expected (N, Y, X) or (N, Y, X, 3 | 4) "
            "and an axis from 0 to 2: index other axes first"
        )
    if 0 in shape:
        raise ImageError(f"the stack has shape {shape} and so no pixels; choose another")

    def read(plane: int) -> NDArray[Any]:
        return np.asarray(data[(slice(None),) * axis + (plane,)])

    thresholds = Thresholds(*model.thresholds(conf, iou), min_area, max_area)
    run = start_stack(model, read, shape[axis], imgsz, contrast_limits, Tiling(diameter, scale))
    run.generous = Thresholds(min(thresholds.conf, CONF_FLOOR), max(thresholds.iou, GENEROUS_IOU))
    for plane in range(run.count):
        run.predict(plane)
    return linked(run.planes(thresholds), linking)


def start_stack(
    model: Model,
    read: Callable[[int], NDArray[Any]],
    count: int,
    imgsz: int | None = None,
    contrast_limits: tuple[float, float] | None = None,
    tiling: Tiling | None = None,
) -> StackRun:
    """Prepare a run: window and scale of the stack, from a sample of its planes where they are not given."""
    tiling = tiling or Tiling()
    sample = np.unique(np.linspace(0, count - 1, min(count, _SAMPLES) + 2)[1:-1].round().astype(int)).tolist()
    planes = [read(plane) for plane in sample] if contrast_limits is None or imgsz is None else []
    if contrast_limits is None:
        contrast_limits = window_of(np.concatenate(planes), model.card.window)
    if imgsz is not None:
        return StackRun(model, read, count, contrast_limits, imgsz)
    shape = plane_shape(planes[0])
    if is_large(shape):
        middle = planes[len(planes) // 2]
        scale = scale_for(model, middle, tiling, contrast_limits)
        return StackRun(model, read, count, contrast_limits, None, TileGrid(shape, scale, fitting(tiling, model)))
    imgsz = suited_imgsz(model, planes[0], tiling, contrast_limits)
    if imgsz is None:
        sizes = [_size(model, plane, contrast_limits) for plane in planes]
        imgsz = model.at_most(int(np.median(sizes) / 32 + 0.5) * 32)
    return StackRun(model, read, count, contrast_limits, imgsz)


def linked(
    planes: Sequence[Instances], linking: Linking | None = None, known: PlaneOverlaps | None = None
) -> StackResult:
    """Link the objects of planes and paint them; `known` is how they overlap, where that was measured before."""
    overlaps = known or PlaneOverlaps.of([tuple(p.masks) for p in planes], (linking or Linking()).max_gap)
    links = link(overlaps, linking)
    missed = bridged(overlaps.planes, links)
    labels = np.zeros((len(planes), *planes[0].shape), np.int32)
    for plane, (found, ids) in enumerate(zip(planes, links.ids, strict=True)):
        crops = [*found.masks, *(crop for _, crop in missed[plane])]
        numbers = [*ids.tolist(), *(number for number, _ in missed[plane])]
        # what was seen is surer than what was guessed
        labels[plane] = paint(
            crops, found.shape, numbers, scores=[*found.scores.tolist(), *(0.0 for _ in missed[plane])]
        )
    return StackResult(tuple(planes), links, labels)


def mean_scores(planes: Sequence[Instances], links: Links) -> NDArray[np.float64]:
    """Return the mean score of each object, by number from 1."""
    numbers = np.concatenate([np.zeros(0, np.int_), *links.ids])
    scores = np.concatenate([np.zeros(0, np.float32), *(p.scores for p in planes)])
    sums = np.bincount(numbers, weights=scores, minlength=links.count + 1)[1:]
    counts = np.bincount(numbers, minlength=links.count + 1)[1:]
    mean: NDArray[np.float64] = sums / np.maximum(counts, 1)
    return mean


def outward(count: int, start: int) -> Iterator[int]:
    """Yield positions from `start` on, the nearest first."""
    yield from sorted(range(count), key=lambda plane: (abs(plane - start), plane))


def _size(model: Model, plane: NDArray[Any], contrast_limits: tuple[float, float]) -> int:
    """Return the input size that suits a plane."""
    seen = model.propose(model.rgb8(plane, contrast_limits))
    return shown_size(plane.shape, seen.letterbox.gain)
