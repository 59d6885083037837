"""What is asked for, frozen: the dock's controls, the plane shown, the prompts on it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.layers.labels.starts import LabelStart
from napari_fastsam.layers.planes.channels import Channel
from napari_fastsam.layers.planes.plane import Plane
from napari_fastsam.layers.planes.read import Region
from napari_fastsam.layers.prompts.layers import ReadPrompts, read_prompts
from napari_fastsam.layers.prompts.numbering import PromptIdentity
from napari_fastsam.layers.prompts.places import place_of, places
from napari_fastsam.model.asking.beside import OtherProposals
from napari_fastsam.model.asking.thresholds import Thresholds

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Points, Shapes

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
    starts
        Labels that are corrected.
    fine_edges
        Whether the correcting network draws the edges of proposed objects anew.
    channels
        What is seen together as colours instead of the image alone; empty = the image.
    others
        What another program found, whose objects are proposals beside the network's; None = nothing.
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
    starts: tuple[LabelStart, ...] = ()
    fine_edges: bool = False
    channels: tuple[Channel, ...] = ()
    others: Labels | None = None

    @property
    def images(self) -> tuple[Image, ...]:
        """All layers whose pixels are seen."""
        return (self.image, *(channel.image for channel in self.channels))

    def read_prompts(self, viewer: ViewerModel, plane: Plane) -> ReadPrompts:
        """Read what is asked for on a plane, from the layers chosen and from here."""
        return read_prompts(
            viewer, self.image, plane, self.points, self.shapes, self.texts, self.exemplars, self.starts
        )

    def start_of(self, number: int, plane: Plane) -> LabelStart | None:
        """Return the label on a plane that the object of a number started from; None = from none."""
        return next((start for start in self.starts if start.number == number and start.is_on(plane)), None)


@dataclass(frozen=True, eq=False)
class Planes:
    """The planes of a stack that are asked about together.

    Attributes
    ----------
    axis
        The image's axis along which they lie.
    count
        How many there are.
    current
        The one that is shown.
    by_position
        The requests of single planes that have prompts, by position.
    unusable
        Sentences about prompts on any of them that cannot be used.
    """

    axis: int
    count: int
    current: int
    by_position: Mapping[int, Request]
    unusable: tuple[str, ...] = ()


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
        The image's, None for colours; of channels seen together those of what they come as.
    key
        Equal for requests that one pass of the network serves, beside the same proposals of others.
    prompts_known
        Places of all prompts on the plane when this was asked, wherever the canvas was.
    generation
        Another number each time the image's data are replaced.
    kind
        Which kind of plane it is: the name of what predicts it and answers (`layers.answers.predictors`).
    waits_for_run
        Whether it takes minutes, which nobody begins by moving a slider.
    looking_at
        Row and column of the region in the middle of the canvas.
    stack
        All planes, where more than the one shown is meant.
    others
        What another program found there.
    """

    controls: Controls
    plane: Plane
    read: ReadPrompts
    contrast_limits: tuple[float, float] | None
    key: Hashable
    prompts_known: frozenset[Hashable] = frozenset()
    generation: int = 0
    kind: str = "plane"
    waits_for_run: bool = False
    looking_at: tuple[float, float] | None = None
    stack: Planes | None = None
    others: OtherProposals | None = None

    @cached_property
    def identities(self) -> tuple[PromptIdentity, ...]:
        """What tells each drawn prompt from others: its object number, or where it lies."""
        found, known = [], places(self.read, self.plane)
        for query in self.read.prompts.queries:
            parts = tuple(place_of(query, self.read, known))
            row = self.read.rows[query.field][query.ref.indices[0]]
            found.append(PromptIdentity(query.key(parts[0]), (query.kind, row), parts))
        return tuple(found)

    @property
    def network_key(self) -> Hashable:
        """Equal for requests that one pass of the network serves, whatever lies beside it."""
        return self.key if self.others is None else self.key[:-1]  # type: ignore[index]

    @property
    def numbered_under(self) -> Hashable:
        """What its prompts are numbered under: the plane of its image, whatever the region."""
        return self.key[0], self.plane.axes, self.plane.index  # type: ignore[index]

    @property
    def by_plane(self) -> tuple[Request, ...]:
        """The requests about single planes: of a stack those of the planes with prompts, or else itself."""
        return (self,) if self.stack is None else tuple(self.stack.by_position.values())

    @property
    def on_plane_shown(self) -> Request | None:
        """The request about the plane that is shown; None if nothing is drawn there."""
        return self if self.stack is None else self.stack.by_position.get(self.stack.current)

    @property
    def commit_signature(self) -> Hashable:
        """What asks again once the prompts in layers are cleared; None = nothing.

        Equal where the same would be found again.
        """
        controls = self.controls
        if controls.task == "prompts" and not (controls.texts or controls.exemplars):
            return None
        if self.stack is not None:
            return self.key, controls.task, controls.thresholds, controls.linking
        asked = (controls.texts, controls.text_encoder, controls.exemplars, controls.search)
        found = self.key, controls.task, controls.thresholds, controls.fine_edges
        return *found, asked if controls.task == "prompts" else None

    @property
    def over_tiles(self) -> bool:
        """Whether all tiles of a large plane have to be seen for it."""
        return self.waits_for_run and self.controls.task == "everything"

    @property
    def searches_tiles(self) -> bool:
        """Whether all tiles of a large plane have to be seen to compare their objects with words and examples."""
        return self.waits_for_run and self.controls.task == "prompts"

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        if self.controls.task == "everything":
            return False
        return len(self.read.prompts) == 0 if self.stack is None else not self.stack.by_position
