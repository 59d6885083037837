"""What is asked for, frozen: the dock's controls, the plane shown, the prompts on it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import Region, plane_shown
from napari_fastsam.layers.prompts.layers import ReadPrompts, read_prompts
from napari_fastsam.layers.prompts.places import places
from napari_fastsam.layers.prompts.planes import axis_of_stack, planes_with_prompts
from napari_fastsam.model.asking.answer import Thresholds
from napari_fastsam.model.asking.tiled import LARGE

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Points, Shapes

Task = Literal["prompts", "everything"]

MAX_VIEW_PIXELS = 4096 * 4096
"""Views that belong to prompts on one plane are joined up to this size; beyond it a coarser level is read."""


@dataclass(frozen=True)
class Controls:
    """What is set in the dock, as a value.

    Attributes
    ----------
    image, points, shapes
        The layers chosen.
    model, device, imgsz
        As `model.load_model` and `Model.segment` take them.
    task, region
        What to segment, and where.
    thresholds
        What an object must reach.
    texts, exemplars
        What is searched for by words, and by examples from another image.
    text_encoder
        As `model.text.encoder.load_text_encoder` takes it.
    search
        How like them an object must be.
    classes
        Whether all objects of a text have one number, that of the text, instead of one each.
    tiling
        What objects are across, and how large planes are cut up.
    axis
        Where the region is a stack, the image's axis along which its planes lie; None = the last that there is.
    linking
        When objects on its planes are one.
    """

    image: Image
    points: Points | None = None
    shapes: Shapes | None = None
    model: str = "nuclei"
    device: str = "auto"
    imgsz: int | None = None
    task: Task = "prompts"
    region: Region = "plane"
    thresholds: Thresholds = field(default_factory=Thresholds)
    texts: tuple[str, ...] = ()
    exemplars: Exemplars | None = None
    text_encoder: str = "ViT-B/32"
    search: Search = field(default_factory=Search)
    classes: bool = False
    tiling: Tiling = field(default_factory=Tiling)
    axis: int | None = None
    linking: Linking = field(default_factory=Linking)

    def read_prompts(self, viewer: ViewerModel, plane: Plane) -> ReadPrompts:
        """Read what is asked for on a plane, from the layers chosen and from here."""
        return read_prompts(viewer, self.image, plane, self.points, self.shapes, self.texts, self.exemplars)


@dataclass(frozen=True, eq=False)
class Planes:
    """The planes of a stack that are asked about together.

    Attributes
    ----------
    axis
        The image's axis along which they lie.
    count
        How many there are.
    here
        The one that is shown.
    at
        The requests of single planes that have prompts, by position.
    """

    axis: int
    count: int
    here: int
    at: Mapping[int, Request]


@dataclass(frozen=True, eq=False)
class Request:
    """All that a result depends on, frozen.

    Attributes
    ----------
    controls
        What was set in the dock.
    plane
        The plane and region meant.
    read
        The prompts on it.
    contrast_limits
        The image's, None for colours.
    key
        Equal for requests that one pass of the network serves.
    prompts_known
        Places of all prompts on the plane when this was asked, wherever the canvas was.
    generation
        Another number each time the image's data are replaced.
    large
        Whether the plane is seen in tiles.
    looking_at
        Row and column of the region in the middle of the canvas.
    stack
        All planes, where more than the one shown is meant.
    """

    controls: Controls
    plane: Plane
    read: ReadPrompts
    contrast_limits: tuple[float, float] | None
    key: Hashable
    prompts_known: frozenset[Hashable] = frozenset()
    generation: int = 0
    large: bool = False
    looking_at: tuple[float, float] | None = None
    stack: Planes | None = None

    @property
    def lasting(self) -> Hashable:
        """What asks again once the prompts in layers are cleared; None = nothing.

        Equal where the same would be found again.
        """
        controls = self.controls
        if controls.task == "prompts" and not (controls.texts or controls.exemplars):
            return None
        if self.stack is not None:
            return self.key, controls.task, controls.thresholds, controls.linking
        asked = (controls.texts, controls.text_encoder, controls.exemplars, controls.search)
        return self.key, controls.task, controls.thresholds, asked if controls.task == "prompts" else None

    @property
    def over_tiles(self) -> bool:
        """Whether all tiles of a large plane have to be seen for it."""
        return self.large and self.controls.task == "everything"

    @property
    def searches_tiles(self) -> bool:
        """Whether all tiles of a large plane have to be seen to compare their objects with words and examples."""
        return self.large and self.controls.task == "prompts" and self.read.prompts.searches

    @property
    def waits_for_run(self) -> bool:
        """Whether it takes minutes, which nobody begins by moving a slider."""
        return self.over_tiles or self.searches_tiles

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        if self.controls.task == "everything":
            return False
        return len(self.read.prompts) == 0 if self.stack is None else not self.stack.at


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
        Another number each time the image's data are replaced.
    earlier
        The request before. Where the region is the view, it is what was on the canvas when the last prompt was placed:
        a view that was moved since changes nothing, and prompts that are out of sight are answered as before.

    Raises
    ------
    ImageError
        If the image has no plane here that can be segmented.
    """
    image = controls.image
    if controls.region == "stack":
        searches = replace(controls, region="plane")
        plane = plane_shown(viewer, image)
        if controls.task == "everything" or not searches.read_prompts(viewer, plane).prompts.searches:
            return _stack_request(viewer, controls, plane, generation)
        controls = searches  # looks are compared plane by plane
    plane = plane_shown(viewer, image, controls.region)
    large = _is_large(controls, plane)
    known: frozenset[Hashable] = frozenset()
    if controls.region == "view":
        whole_plane = plane_shown(viewer, image)
        whole = controls.read_prompts(viewer, whole_plane)
        known = frozenset(place for by_row in places(whole, whole_plane).values() for place in by_row.values())
        if earlier is not None and _may_continue(earlier, controls, plane):
            plane = _continued(viewer, controls, plane, earlier, known, len(whole.prompts))
    read = controls.read_prompts(viewer, plane)
    limits = _window(image)
    key = (image.unique_id, generation, plane, limits, controls.model, controls.device, controls.imgsz)
    middle = _middle_of_view(viewer, image, plane) if large else None
    return Request(controls, plane, read, limits, (*key, controls.tiling, large), known, generation, large, middle)


def _stack_request(viewer: ViewerModel, controls: Controls, plane: Plane, generation: int) -> Request:
    """Freeze what is asked of all planes along an axis."""
    image = controls.image
    axis = axis_of_stack(image, plane, controls.axis)
    limits, single = _window(image), replace(controls, region="plane")
    common = (image.unique_id, generation, limits, controls.model, controls.device, controls.imgsz, controls.tiling)
    at: dict[int, Request] = {}
    prompted = planes_with_prompts(viewer, image, plane, axis, controls.points, controls.shapes)
    for position in prompted if controls.task == "prompts" else ():
        there = plane.at(axis, position)
        here = position == plane.index[axis]
        points, shapes = (
            # a layer without the axis speaks of the plane that is shown
            layer if layer is None or here or layer.ndim >= image.ndim - axis else None
            for layer in (controls.points, controls.shapes)
        )
        read = replace(single, points=points, shapes=shapes).read_prompts(viewer, there)
        if len(read.prompts):
            large = _is_large(single, there)
            own = (image.unique_id, generation, there, *common[2:], large)
            at[position] = Request(single, there, read, limits, own, generation=generation, large=large)
    read = single.read_prompts(viewer, plane)
    stack = Planes(axis, plane.image_shape[axis], plane.index[axis], at)
    key = (image.unique_id, generation, plane.at(axis, 0), *common[2:], "stack", axis)
    return Request(controls, plane, read, limits, key, generation=generation, stack=stack)


def _middle_of_view(viewer: ViewerModel, image: Image, plane: Plane) -> tuple[float, float]:
    view = plane_shown(viewer, image, "view")
    (y, x), *_ = plane.data_to_region(view.region_to_data([[n / 2 for n in view.shape]])).tolist()
    return y, x


def _is_large(controls: Controls, plane: Plane) -> bool:
    """Whether a plane is to be seen in tiles: it has many pixels, and nobody says at which size to show it whole."""
    height, width = plane.shape
    return controls.region == "plane" and controls.imgsz is None and height * width > LARGE


def _window(image: Image) -> tuple[float, float] | None:
    """Return the contrast limits; None for colours, and where they say nothing: NaN would make no key equal another."""
    low, high = (float(value) for value in image.contrast_limits)
    return None if image.rgb or not np.isfinite([low, high]).all() else (low, high)


def _may_continue(earlier: Request, controls: Controls, plane: Plane) -> bool:
    """Whether a request before speaks of views of the same plane."""
    before = earlier.controls
    same = before.image == controls.image and (before.task, before.region) == (controls.task, "view")
    return same and earlier.plane.image_shape == plane.image_shape and earlier.plane.index == plane.index


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
