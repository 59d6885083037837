"""Which pixels of a ground truth lie on which pixels of a segmentation, or why none do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.errors import ImageError, LabelsError
from napari_fastsam.layers.planes.read import displayed_axes, plane_shown
from napari_fastsam.layers.planes.transforms import points_between, units_apply

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

Scope = Literal["plane", "planes", "volume"]
"""What is compared: the plane shown; each plane by itself; or objects that go through all axes."""

SAME_EDGE = 0.5 + 1e-3
"""How far, in pixels of the coarser layer, the outer edges of two layers may be apart. Half a pixel: that is what a
layer that was made smaller by two without saying where its first pixel lies is off, or one whose odd row fell away."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """The part of a segmentation that is compared, and the pixels of the truth that lie there.

    Attributes
    ----------
    scope
        What is compared.
    axes
        The segmentation's axes that are rows and columns, in its own order.
    start, shape
        (D,) where that part begins in the segmentation, and its lengths; 1 on the axes of which one position only is
        compared.
    sources
        For each axis of the truth its positions under the segmentation's, one after the other.
    lead
        How many axes the segmentation has more than the truth; negative for fewer. They share their last ones.
    resampled
        Whether the truth has pixels of another size, so that each pixel of the segmentation takes the value of the
        pixel under its centre.
    """

    scope: Scope
    axes: tuple[int, int]
    start: tuple[int, ...]
    shape: tuple[int, ...]
    sources: tuple[NDArray[np.intp], ...]
    lead: int
    resampled: bool

    def parts(self) -> Iterator[tuple[int, ...]]:
        """Return where, from `start` on, each part begins that is compared by itself."""
        if self.scope == "volume":
            yield (0,) * len(self.shape)
            return
        yield from np.ndindex(*(1 if axis in self.axes else n for axis, n in enumerate(self.shape)))

    def part_of(self, part: tuple[int, ...]) -> tuple[slice | int, ...]:
        """Return what to index an array of `shape` with to get a part."""
        if self.scope == "volume":
            return (slice(None),) * len(self.shape)
        return tuple(slice(None) if axis in self.axes else i for axis, i in enumerate(part))

    def read(self, predicted: Any, truth: Any, part: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Read the pixels of a part, and those of the truth under them.

        Parameters
        ----------
        predicted, truth
            The layers' data at full resolution; numpy, dask or zarr. Only what is needed is read.
        part
            One of `parts`.

        Returns
        -------
        predicted, truth
            (Y, X), or of as many axes as the layers for a volume.
        """
        slices = tuple(
            slice(first, first + length) if isinstance(chosen, slice) else first + chosen
            for first, length, chosen in zip(self.start, self.shape, self.part_of(part), strict=True)
        )
        return np.asarray(predicted[slices]), self._read_truth(truth, part)

    def _read_truth(self, truth: Any, part: tuple[int, ...]) -> NDArray[Any]:
        varying = [self.scope == "volume" or axis + self.lead in self.axes for axis in range(len(self.sources))]
        slices: list[slice | int] = []
        for axis, (source, varies) in enumerate(zip(self.sources, varying, strict=True)):
            own = axis + self.lead
            slices.append(
                slice(int(source.min()), int(source.max()) + 1) if varies else int(source[part[own] if own >= 0 else 0])
            )
        pixels = np.asarray(truth[tuple(slices)])
        wanted = [s - s.min() for s, varies in zip(self.sources, varying, strict=True) if varies]
        if all(np.array_equal(w, np.arange(n)) for w, n in zip(wanted, pixels.shape, strict=True)):
            return pixels  # no copy
        resampled: NDArray[Any] = pixels[np.ix_(*wanted)]
        return resampled


def align(viewer: ViewerModel, predicted: Labels, truth: Labels, scope: Scope) -> Alignment:
    """Find which pixels of a truth lie on those of a segmentation, through the world.

    Both must show the same field: their outer edges coincide within half a pixel of the coarser one. Their pixels may
    differ in size, and either may be mirrored.

    Parameters
    ----------
    viewer
        Holds both; says which plane is shown, and whether units count.
    predicted, truth
        Labels layers, multiscale too; at full resolution.
    scope
        What is to be compared. A layer of two axes has one plane only, whatever is said here.

    Raises
    ------
    LabelsError
        If they differ in what must be alike, naming the axis and by how much; or if no plane of one is shown.
    """
    lead = predicted.ndim - truth.ndim
    axes, index = _axes_and_index(viewer, predicted, scope)
    if scope == "planes" and predicted.ndim == 2:
        scope = "plane"
    if lead and scope != "plane":
        raise LabelsError(
            f"{_named(predicted)} has {predicted.ndim} axes, {_named(truth)} {truth.ndim}. Compare “plane shown”, or "
            "choose layers of as many axes."
        )
    if min(axes) < lead:
        raise LabelsError(
            f"{_named(truth)} has no axis {min(axes)} of {_named(predicted)}, which is shown. Show rows and columns "
            "that both have (the axes can be rolled with Ctrl+E)."
        )
    shape = full_shape(predicted)
    whole = set(axes) if scope == "plane" else set(range(predicted.ndim))
    start = tuple(0 if axis in whole else index[axis] for axis in range(predicted.ndim))
    lengths = tuple(n if axis in whole else 1 for axis, n in enumerate(shape))
    sources = _sources(viewer, predicted, truth, whole, start, lengths)
    if lead < 0:
        sources = [*(np.array([i]) for i in _index_shown(viewer, truth)[:-lead]), *sources]
    direct = all(full_shape(truth)[axis - lead] == shape[axis] for axis in whole)
    return Alignment(scope, axes, start, lengths, tuple(sources), lead, not direct)


def full_shape(layer: Labels) -> tuple[int, ...]:
    """Return the shape of a layer at full resolution."""
    return tuple(int(n) for n in full_data(layer).shape)


def full_data(layer: Labels) -> Any:
    """Return the data of a layer at full resolution, as the layer holds them."""
    return layer.data[0] if layer.multiscale else layer.data


def _axes_and_index(viewer: ViewerModel, layer: Labels, scope: Scope) -> tuple[tuple[int, int], tuple[int, ...]]:
    if scope == "volume":
        return (layer.ndim - 2, layer.ndim - 1), (0,) * layer.ndim
    axes = displayed_axes(viewer, layer)
    return axes, (0,) * layer.ndim if scope == "planes" else _index_shown(viewer, layer)


def _index_shown(viewer: ViewerModel, layer: Labels) -> tuple[int, ...]:
    if viewer.dims.ndisplay != 2:
        raise LabelsError("The viewer shows a volume: switch to 2D display (Ctrl+Y), or compare “whole objects”.")
    try:
        return plane_shown(viewer, layer).index
    except ImageError as error:
        raise LabelsError(f"{_named(layer)} has no plane where the sliders stand. Move them onto it.") from error


def _sources(
    viewer: ViewerModel,
    predicted: Labels,
    truth: Labels,
    whole: set[int],
    start: tuple[int, ...],
    lengths: tuple[int, ...],
) -> list[NDArray[np.intp]]:
    """Return for each axis that both have the truth's positions under the segmentation's."""
    truth_shape = full_shape(truth)
    lead = predicted.ndim - truth.ndim
    shared = range(max(lead, 0), predicted.ndim)
    corner = np.array([i - 0.5 if axis in whole else i for axis, i in enumerate(start)], dtype=np.float64)
    steps = np.diag([float(n) if axis in whole else 0.0 for axis, n in enumerate(lengths)])
    mapped = points_between(
        predicted, truth, np.concatenate([corner[None], corner + steps]), use_units=units_apply(viewer)
    )
    mapped = mapped[:, max(-lead, 0) :]  # axes that only the truth has are unknown
    first, along = mapped[0], mapped[1:][list(shared)] - mapped[0]
    sources = []
    for k, axis in enumerate(shared):
        length = truth_shape[axis - lead]
        sideways = np.abs(np.delete(along[k], k)).max(initial=0.0)
        if sideways > SAME_EDGE:
            raise LabelsError(
                f"{_named(truth)} is rotated or sheared against {_named(predicted)}: along axis {axis} it moves "
                f"{sideways:.3g} pixels sideways. Give both the same rotate, shear and affine."
            )
        if axis not in whole:
            sources.append(np.array([_position(first[k], length, predicted, truth, axis)]))
            continue
        _require_same_edges(first[k], first[k] + along[k, k], lengths[axis], length, predicted, truth, axis)
        # the edges count as the same: an offset below half a pixel must not make a pixel count twice, or shift all
        under = (2 * np.arange(lengths[axis]) + 1) * length // (2 * lengths[axis])
        sources.append(under if along[k, k] > 0 else length - 1 - under)
    return sources


def _position(place: float, length: int, predicted: Labels, truth: Labels, axis: int) -> int:
    if not -0.5 - 1e-6 <= place < length - 0.5 + 1e-6:
        raise LabelsError(
            f"{_named(truth)} has no plane under the one of {_named(predicted)} that is shown: on axis {axis} it would "
            f"be {place:.3g}, and there are 0 to {length - 1}. Move the slider, or give both the same translate and "
            "scale."
        )
    return min(max(round(float(place)), 0), length - 1)


def _require_same_edges(
    first: float, last: float, length: int, truth_length: int, predicted: Labels, truth: Labels, axis: int
) -> None:
    low, high = sorted((float(first), float(last)))
    apart = max(abs(low + 0.5), abs(high - truth_length + 0.5))
    if apart <= SAME_EDGE * max(1.0, truth_length / length):
        return
    if length == truth_length and abs((high - low) - truth_length) <= SAME_EDGE:
        raise LabelsError(
            f"{_named(truth)} has the size of {_named(predicted)} but lies {apart:.3g} pixels off along axis {axis}. "
            "Give both the same translate, scale and units."
        )
    raise LabelsError(
        f"{_named(predicted)} and {_named(truth)} do not cover the same field: along axis {axis}, {length} pixels of "
        f"the one reach from {low + 0.5:.4g} to {high + 0.5:.4g} on the {truth_length} of the other. Crop one to the "
        "other, or correct scale, translate and units."
    )


def _named(layer: Labels) -> str:
    return f"“{layer.name}”"
