"""Freezing what is asked for now: the controls, the plane shown, the prompts on it, and which kind of plane that is."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.core.image.channels import COLOURED
from napari_fastsam.errors import ImageError
from napari_fastsam.layers.answers.fine_edges import require_one_pass
from napari_fastsam.layers.answers.on_plane import TilesAtPrompts, WholePlane
from napari_fastsam.layers.answers.other_proposals import proposals_on
from napari_fastsam.layers.answers.over_planes import WholeStack
from napari_fastsam.layers.answers.over_tiles import AllTiles
from napari_fastsam.layers.answers.predictors import PREDICTORS, choose_predictor
from napari_fastsam.layers.answers.request import MAX_VIEW_PIXELS, Controls, Planes, Request
from napari_fastsam.layers.contents import content_of
from napari_fastsam.layers.planes.channels import limits_of
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import plane_shown
from napari_fastsam.layers.planes.transforms import units_apply
from napari_fastsam.layers.prompts.places import places
from napari_fastsam.layers.prompts.planes import axis_of_stack, planes_with_prompts
from napari_fastsam.model.asking.beside import OtherProposals

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

PREDICTORS += (WholeStack(), AllTiles(), TilesAtPrompts(), WholePlane())


def make_request(
    viewer: ViewerModel, controls: Controls, generation: int = 0, earlier: Request | None = None
) -> Request:
    """Freeze what is asked for now.

    Parameters
    ----------
    viewer
        The viewer that holds the layers.
    controls
        What is set in the dock.
    generation
        Another number each time the data of what is seen are replaced.
    earlier
        The request before. Where the region is the view, it is what was on the canvas when the last prompt was placed:
        a view that was moved since changes nothing, and prompts that are out of sight are answered as before.

    Raises
    ------
    ImageError
        If the image has no plane here that can be segmented.
    ParameterError
        If fine edges are asked for where they are not drawn.
    """
    image = controls.image
    if controls.region == "stack":
        searches = replace(controls, region="plane")
        plane = plane_shown(viewer, image)
        linked = controls.task == "everything" or not searches.read_prompts(viewer, plane).prompts.searches
        if linked and plane.other_axes:
            return _stack_request(viewer, controls, plane, generation)
        controls = searches  # looks are compared plane by plane, and one plane is all planes of itself
    plane = plane_shown(viewer, image, controls.region)
    predictor = choose_predictor(controls, plane)
    known: frozenset[Hashable] = frozenset()
    if controls.region == "view":
        whole_plane = plane_shown(viewer, image)
        whole = controls.read_prompts(viewer, whole_plane)
        known = frozenset(place for by_row in places(whole, whole_plane).values() for place in by_row.values())
        if earlier is not None and _may_continue(earlier, controls, plane):
            plane = _continued(viewer, controls, plane, earlier, known, len(whole.prompts))
    read = controls.read_prompts(viewer, plane)
    limits = _window(controls)
    key = (
        content_of(image),
        generation,
        _seen_plane(controls, plane),
        *_seen(controls),
        controls.model,
        controls.device,
        controls.imgsz,
    )
    others = proposals_on(controls.others, image, plane, units_apply(viewer))
    request = Request(
        controls,
        plane,
        read,
        limits,
        (*key, controls.tiling, predictor.key, *_beside(others)),
        known,
        generation,
        predictor.name,
        predictor.waits_for_run(controls, read),
        _middle_of_view(viewer, image, plane) if predictor.begins_in_view else None,
        others=others,
    )
    require_one_pass(request)
    return request


def _stack_request(viewer: ViewerModel, controls: Controls, plane: Plane, generation: int) -> Request:
    """Freeze what is asked of all planes along an axis."""
    image = controls.image
    axis = axis_of_stack(plane, controls.axis)
    _require_planes(controls, axis)
    limits, single = _window(controls), replace(controls, region="plane")
    asked = (*_seen(controls), controls.model, controls.device, controls.imgsz, controls.tiling)
    by_position: dict[int, Request] = {}
    unusable: dict[str, None] = {}
    prompted = set(planes_with_prompts(viewer, image, plane, axis, controls.points, controls.shapes))
    prompted |= {start.plane.index[axis] for start in controls.starts}
    for position in sorted(prompted) if controls.task == "prompts" else ():
        of_position = plane.at(axis, position)
        is_current = position == plane.index[axis]
        points, shapes = (
            # a layer without the axis speaks of the plane that is shown
            layer if layer is None or is_current or layer.ndim >= image.ndim - axis else None
            for layer in (controls.points, controls.shapes)
        )
        here = replace(single, points=points, shapes=shapes)
        read = here.read_prompts(viewer, of_position)
        unusable |= dict.fromkeys(read.unusable)
        if len(read.prompts):
            predictor = choose_predictor(single, of_position)
            others = proposals_on(controls.others, image, of_position, units_apply(viewer))
            seen = content_of(image), generation, _seen_plane(single, of_position)
            own = (*seen, *asked, predictor.key, *_beside(others))
            by_position[position] = Request(
                here, of_position, read, limits, own, generation=generation, kind=predictor.name, others=others
            )
    read = single.read_prompts(viewer, plane)
    stack = Planes(axis, plane.image_shape[axis], plane.index[axis], by_position, tuple(unusable))
    key = (content_of(image), generation, _seen_plane(controls, plane.at(axis, 0)), *asked, "stack", axis)
    kind = choose_predictor(controls, plane).name
    request = Request(controls, plane, read, limits, key, generation=generation, kind=kind, stack=stack)
    require_one_pass(request)
    return request


def _beside(others: OtherProposals | None) -> tuple[Hashable, ...]:
    """Return what of a key says which objects of others are proposals too."""
    return () if others is None else (others,)


def _middle_of_view(viewer: ViewerModel, image: Image, plane: Plane) -> tuple[float, float]:
    view = plane_shown(viewer, image, "view")
    (y, x), *_ = plane.data_to_region(view.region_to_data([[n / 2 for n in view.shape]])).tolist()
    return y, x


def _window(controls: Controls) -> tuple[float, float] | None:
    """Return the contrast limits of what is seen."""
    return COLOURED if controls.channels else limits_of(controls.image)


def _seen(controls: Controls) -> tuple[Hashable, Hashable]:
    """Return what of a key says which channels are seen, and in which limits."""
    return _window(controls), tuple(channel.key for channel in controls.channels)


def _seen_plane(controls: Controls, plane: Plane) -> Plane:
    """Return the same plane for all positions along the channels' axis: all of them are seen, whichever is shown."""
    axis = controls.channels[0].axis if controls.channels else None
    return plane if axis is None else plane.at(axis, 0)


def _require_planes(controls: Controls, axis: int) -> None:
    if any(channel.axis == axis for channel in controls.channels):
        raise ImageError(
            f'Axis {axis} of image "{controls.image.name}" holds the channels that are combined, so planes '
            "cannot lie along it too: choose another axis under Stack / time, or fewer than two channels."
        )


def _may_continue(earlier: Request, controls: Controls, plane: Plane) -> bool:
    """Whether a request before speaks of views of the same plane."""
    before = earlier.controls
    same = before.image == controls.image and (before.task, before.region) == (controls.task, "view")
    then = earlier.plane.image_shape, earlier.plane.axes, earlier.plane.index
    return same and then == (plane.image_shape, plane.axes, plane.index)


def _continued(
    viewer: ViewerModel,
    controls: Controls,
    shown: Plane,
    earlier: Request,
    known: frozenset[Hashable],
    wanted: int,
) -> Plane:
    """Return the region that goes on from the one before: the smallest that answers all prompts of the plane."""
    if known <= earlier.prompts_known:
        return earlier.plane

    def answers_all(plane: Plane) -> bool:
        read = controls.read_prompts(viewer, plane)
        return len(read.prompts) == wanted

    if answers_all(shown):
        return shown
    joined = _joined(shown, earlier.plane)
    height, width = joined.shape
    return joined if height * width <= MAX_VIEW_PIXELS else _joined(earlier.plane, shown)


def _joined(plane: Plane, other: Plane) -> Plane:
    """Return `plane` with a region that holds the other's region too."""
    height, width = other.shape
    corners = plane.data_to_region(other.region_to_data([[-0.5, -0.5], [height - 0.5, width - 0.5]])) + 0.5
    first = np.floor(corners[0] + 1e-6).astype(int) + plane.region[:2]
    last = np.ceil(corners[1] - 1e-6).astype(int) + plane.region[:2]
    limits = [plane.level_shape[axis] for axis in plane.axes]
    y0, x0 = np.clip(np.minimum(first, plane.region[:2]), 0, limits)
    y1, x1 = np.clip(np.maximum(last, plane.region[2:]), 0, limits)
    return replace(plane, region=(int(y0), int(x0), int(y1), int(x1)))
