"""In which intensity window, and at which scale, a large plane is seen: from samples of it, where nobody says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.intensity import window_of
from napari_fastsam.core.objects.painting import require_room
from napari_fastsam.core.planes.tiling import LabelArray, Tiling, spread
from napari_fastsam.errors import ImageError, ParameterError
from napari_fastsam.model.network.object_scale import diameter_of
from napari_fastsam.model.network.segmenter import Model

LARGE = 4096 * 4096
"""Planes of more pixels are seen in tiles where nobody says otherwise."""

_SAMPLES, _SAMPLE_SIDE = 5, 512
"""The intensity window is that of so many squares along each axis, of so many pixels."""

_LOOKS, _LOOK_SIDE, _CLOSE_SIDE = 4, 768, 512
"""The first look sees the liveliest so many of them, with more around; or a square around one place."""


class PlaneLike(Protocol):
    """A plane that is read by rectangles: numpy, dask or zarr; (Y, X) or (Y, X, 3 | 4)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its lengths."""

    def __getitem__(self, window: tuple[slice, slice], /) -> Any:
        """Return the pixels of some rows and columns."""


def plane_shape(image: PlaneLike) -> tuple[int, int]:
    """Return ``(H, W)`` of a plane.

    Raises
    ------
    ImageError
        If it is none.
    """
    shape = tuple(int(n) for n in image.shape)
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (3, 4)) or 0 in shape:
        raise ImageError(
            f"the image has shape {shape}; expected one plane, (Y, X) or (Y, X, 3 | 4): index a stack first"
        )
    return shape[0], shape[1]


def is_large(shape: Sequence[int], imgsz: int | None = None) -> bool:
    """Whether a plane of ``(H, W)`` is seen in tiles: it has many pixels, and no size is given to show it whole at."""
    return imgsz is None and len(shape) > 1 and shape[0] * shape[1] > LARGE


def check_labels(labels: LabelArray, shape: tuple[int, int]) -> None:
    """Raise a ParameterError if a label image has not the shape of the plane, or holds no whole numbers."""
    require_room(labels, 1)
    if tuple(labels.shape) != shape:
        raise ParameterError(f"labels has shape {tuple(labels.shape)}; expected the image's, {shape}")


def write_labels(labels: LabelArray, painted: NDArray[np.integer]) -> None:
    """Write all objects of a plane where its label image goes, or raise a ParameterError if it cannot hold them."""
    check_labels(labels, (painted.shape[0], painted.shape[1]))
    require_room(labels, int(painted.max(initial=0)))
    labels[:, :] = painted


def shown_size(shape: Sequence[int], scale: float) -> int:
    """Return the input size that shows a window at about a scale: a multiple of 32, as networks want it."""
    return max(32, round(max(shape[:2]) * scale / 32) * 32)


def sampled_window(model: Model, image: PlaneLike) -> tuple[float, float]:
    """Return the intensity window of a plane by the rule of the model's card, from squares spread over it."""
    squares = [np.asarray(image[where]) for where in spread(plane_shape(image), _SAMPLE_SIDE, _SAMPLES)]
    return window_of(
        np.concatenate([square.reshape(-1, 1, *square.shape[2:]) for square in squares]), model.card.window
    )


def scale_for(
    model: Model,
    image: PlaneLike,
    tiling: Tiling,
    contrast_limits: tuple[float, float],
    around: tuple[float, float] | None = None,
) -> float:
    """Return the scale that suits a plane: as it was asked for, or by a first look at the liveliest parts of it.

    Parameters
    ----------
    model, image, tiling, contrast_limits
        As in `start_tiled`.
    around
        Look here instead, row and column.
    """
    shown = model.card.shown_diameter
    if tiling.scale is not None:
        return tiling.scale
    if tiling.diameter is not None:
        known = shown or model.card.object_diameter
        if known is None:
            raise ParameterError(
                f"diameter is {tiling.diameter:g}, but the card of {model.name} does not say at which size the model "
                "knows objects; give scale instead"
            )
        return known / tiling.diameter
    if shown is None:
        return model.card.scale
    diameters = [
        found
        for rgb in _livelier(model, image, contrast_limits, around)
        if (found := diameter_of(model.propose(rgb))) is not None
    ]
    return shown / float(np.median(diameters)) if diameters else model.card.scale


def suited_imgsz(
    model: Model, image: NDArray[Any], tiling: Tiling, contrast_limits: tuple[float, float] | None
) -> int | None:
    """Return the size at which a plane of one pass is shown where the objects' size or the scale is given."""
    if tiling.diameter is None and tiling.scale is None:
        return None
    limits = sampled_window(model, image) if contrast_limits is None else contrast_limits
    return model.at_most(shown_size(image.shape, scale_for(model, image, tiling, limits)))


def _livelier(
    model: Model, image: PlaneLike, contrast_limits: tuple[float, float], around: tuple[float, float] | None
) -> list[NDArray[np.uint8]]:
    """Return the parts of a plane, as the network sees them, in which most is to be seen."""
    shape = plane_shape(image)
    if around is None:
        windows = list(spread(shape, _LOOK_SIDE, _SAMPLES))
    else:
        most = np.maximum(np.array(shape) - _CLOSE_SIDE, 0)
        y, x = np.clip(np.array(around) - _CLOSE_SIDE / 2, 0, most).astype(int).tolist()
        windows = [(slice(y, y + _CLOSE_SIDE), slice(x, x + _CLOSE_SIDE))]
    # seen coarsely: a plane that comes over a network is not read five times
    spreads = [float(model.rgb8(image[where], contrast_limits)[::4, ::4].std()) for where in windows]
    order = np.argsort(spreads)[::-1][:_LOOKS].tolist()
    return [model.rgb8(np.asarray(image[windows[i]]), contrast_limits) for i in order]
