"""What the program asks of every kind of prompt, and the list of kinds.

A kind that asks for one object at a place is a class in a file of its own, with `register` above it. Everything else
(the constructor of `Prompts`, rules of stage two, tiles, layers, files, the command line and recipes) asks the class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.objects.masks import CroppedMask
from napari_fastsam.core.prompts.ranking import Pool, Ranking


@dataclass(frozen=True)
class PromptRef:
    """Which of the prompts something belongs to.

    Attributes
    ----------
    kind
        The sort of prompt: point, box, outline, scribble, mask, text, example, or another that was registered.
    indices
        Positions in the attribute of `Prompts` that holds the kind; more than one only for points that share an object
        number. Examples ask one question together: their only number is 0.
    """

    kind: str
    indices: tuple[int, ...]

    def __str__(self) -> str:
        if self.kind == "example":
            return "examples"
        numbers = ", ".join(str(i + 1) for i in self.indices)
        return f"{self.kind} {numbers}" if len(self.indices) == 1 else f"{self.kind}s {numbers}"


def _no_points() -> NDArray[np.float64]:
    return np.zeros((0, 2))


@dataclass(frozen=True, eq=False)
class Query(ABC):
    """A prompt that asks for one object, with the points that speak of the same object.

    Attributes
    ----------
    ref
        Which of the prompts it is.
    geometry
        Where the object is, as the kind has it; see the frames of `core.prompts.prompts`.
    number
        Its object number; 0 = none.
    positive, negative
        (P, 2) and (M, 2) rows and columns that the object must hold, and must not hold.
    lost
        (L, 2) negative points with an object number that no object has: they forbid nothing, and correct what they fall
        in.
    made
        (P + M + L,) places of all these points, in this order, among all that were made.
    """

    kind: ClassVar[str]
    """Its name in messages and in `PromptRef`."""
    field: ClassVar[str]
    """The argument and attribute of `Prompts` with the prompts of this kind."""
    json_key: ClassVar[str]
    """Their key in files; says the order of axes."""
    order: ClassVar[int] = 100
    """`select` answers kinds with a lower number first; of equals, those that were registered first."""
    tells_size: ClassVar[bool] = False
    """Whether it says how large its object is, which is worth more than a score."""
    from_proposals: ClassVar[bool] = True
    """Whether its object is one that the network proposed; otherwise the prompt brings it along."""
    restricts_searches: ClassVar[bool] = False
    """Whether it says where to search, and asks for nothing, beside texts and examples."""

    ref: PromptRef
    geometry: Any
    number: int = 0
    positive: NDArray[np.float64] = default(default_factory=_no_points)
    negative: NDArray[np.float64] = default(default_factory=_no_points)
    lost: NDArray[np.float64] = default(default_factory=_no_points)
    made: NDArray[np.intp] = default(default_factory=lambda: np.zeros(0, np.intp))

    @classmethod
    @abstractmethod
    def parse(cls, given: Any) -> Sequence[Any] | NDArray[Any]:
        """Return the geometries that the argument of `Prompts`, or a file, holds.

        Raises
        ------
        PromptError
            If one cannot be meant.
        """

    @classmethod
    def from_vertices(cls, vertices: NDArray[np.float64], shape: tuple[int, int]) -> Any:
        """Return the geometry that a drawn shape means on a plane of ``(H, W)``.

        `vertices` are (V, 2) rows and columns of pixel centres, which may lie outside the plane. A PromptError says in
        a few words why it cannot be meant.
        """
        return vertices

    @classmethod
    def to_json(cls, geometry: Any) -> Any:
        """Return a geometry as values that JSON knows and `parse` reads."""
        return np.asarray(geometry).tolist()

    @classmethod
    def identity(cls, geometry: Any, place: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Hashable:
        """Return what tells a prompt from others while they are edited.

        Parameters
        ----------
        geometry
            Of the prompt.
        place
            Maps (V, 2) rows and columns to coordinates that stay when another region is shown.
        """
        return located(cls.landmarks(geometry), place)

    @classmethod
    def landmarks(cls, geometry: Any) -> NDArray[np.float64]:
        """Return (V, 2) rows and columns that say where a prompt lies."""
        return np.asarray(geometry, np.float64).reshape(-1, 2)

    @abstractmethod
    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and the highest row and column that it reaches, on the scale of pixel centres."""

    @abstractmethod
    def shifted_geometry(self, offset: NDArray[np.float64]) -> Any:
        """Return its geometry moved by (2,) rows and columns."""

    @abstractmethod
    def rank(self, pool: Pool) -> Ranking:
        """Rank the objects that it may mean, or say why there is none."""

    def key(self, place: Hashable) -> Hashable:
        """Return what it is known by while it is edited: the place that `identity` says, or its object number."""
        return place

    def called(self, rows: Sequence[int]) -> str:
        """Return its name; counted from 1 by the rows that the prompts of its kind have in their layer."""
        return str(PromptRef(self.kind, tuple(rows[i] for i in self.ref.indices)))

    def claims(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which of (P, 2) positive points without an object number speak of its object: (P,)."""
        return np.zeros(len(points), bool)

    def start(self, shape: tuple[int, int]) -> Query:
        """Return what asks for the object that points then correct, on a plane of ``(H, W)``: no point forbids any."""
        return replace(self, positive=_no_points(), negative=_no_points(), lost=_no_points(), made=np.zeros(0, np.intp))

    @property
    def held(self) -> NDArray[np.float64]:
        """(N, 2) rows and columns that its object holds if clicks alone draw it: its positive points, or its line."""
        return self.positive

    def own_mask(self, shape: tuple[int, int]) -> CroppedMask | None:
        """Return the mask that it draws itself where nothing was proposed, on a plane of ``(H, W)``; None = none."""
        return None

    def own_box(self, shape: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """Return the box ``y0, x0, y1, x1``, pixel edges at integers, within which it says its object lies."""
        return None

    def may_lie_on(self, shape: tuple[int, int]) -> bool:
        """Whether it has pixels of a plane of ``(H, W)`` to look at."""
        low, high = self.extent()
        return bool((high > low).all() and (high > -0.5).all() and (low < np.array(shape) - 0.5).all())

    def shifted(self, rows: int, columns: int) -> Self:
        """Return it moved down and to the right by whole pixels: by ``-top, -left`` into a window that begins there."""
        offset = np.array([rows, columns], np.float64)
        return replace(
            self,
            geometry=self.shifted_geometry(offset),
            positive=self.positive + offset,
            negative=self.negative + offset,
            lost=self.lost + offset,
        )


KINDS: dict[str, type[Query]] = {}
"""The kinds that ask for an object at a place, by name."""

Kind = TypeVar("Kind", bound=type[Query])


def register(kind: Kind) -> Kind:
    """Make a kind known to `Prompts`, layers, files, the command line and recipes; a class decorator."""
    KINDS[kind.kind] = kind
    return kind


def shape_kinds() -> dict[str, type[Query]]:
    """Return all kinds but points by the attribute of `Prompts` that holds them, in the order of answers."""
    return {kind.field: kind for kind in sorted(KINDS.values(), key=lambda kind: kind.order) if kind.kind != "point"}


def located(points: NDArray[np.float64], place: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> bytes:
    """Return where (V, 2) points lie, as bytes that are equal for equal places."""
    return (np.round(place(points), 3) + 0.0).tobytes()
