"""Scenes of coloured shapes with their masks: pictures whose right answers to words are known.

The bundled model finds the shapes on a dark background as it finds nuclei, so that such a scene can go all the way from
a picture to labels (`tests`), teach a small CLIP (`scripts/train_small_clip.py`) and judge how objects are best cut out
(`text_crops.py`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter
from skimage.draw import polygon2mask

from napari_fastsam.core.objects.features import ImageFeatures
from napari_fastsam.core.objects.instances import Instances
from napari_fastsam.core.objects.masks import CroppedMask

COLOURS = {
    "red": (215, 45, 40),
    "green": (45, 175, 60),
    "blue": (55, 85, 225),
    "yellow": (235, 215, 50),
    "purple": (155, 60, 190),
}
FORMS = {"circle": 48, "square": 4, "triangle": 3}
"""Names of shapes, and the corners they are drawn with."""

KINDS = tuple(itertools.product(COLOURS, FORMS))
BACKGROUNDS = {"dark": (22, 22, 26), "grey": (118, 116, 112), "bright": (222, 218, 214)}


@dataclass(frozen=True, eq=False)
class Shape:
    """One shape of a scene: what it is, and which pixels are its own."""

    colour: str
    form: str
    crop: CroppedMask

    @property
    def name(self) -> str:
        return f"{self.colour} {self.form}"

    def fits(self, text: str) -> bool:
        """Whether every colour and form that a text names is this one's."""
        words = set(text.lower().replace("s ", " ").removesuffix("s").split())
        named = words & {*COLOURS, *FORMS}
        return bool(named) and named <= {self.colour, self.form}


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, (H, W, 3) uint8, and its shapes from left to right and top to bottom; none covers another."""

    picture: NDArray[np.uint8]
    shapes: tuple[Shape, ...]

    @property
    def instances(self) -> Instances:
        """The shapes as a perfect network would find them."""
        return self.instances_of([shape.crop for shape in self.shapes])

    def instances_of(self, crops: list[CroppedMask]) -> Instances:
        """Instances of this picture with other masks, in their order."""
        boxes = [[c.top, c.left, c.window[0].stop, c.window[1].stop] for c in crops]
        shape = self.picture.shape[0], self.picture.shape[1]
        return Instances(
            np.array(boxes, np.float32),
            np.ones(len(crops)),
            tuple(crops),
            shape,
            image_features=ImageFeatures(self.picture),
        )


def render(
    seed: int,
    shape: tuple[int, int] = (320, 400),
    sizes: tuple[float, float] = (28, 44),
    background: str = "dark",
    gap: float = 0.5,
    kinds: tuple[tuple[str, str], ...] = KINDS,
) -> Scene:
    """Draw a scene.

    Parameters
    ----------
    seed
        The same scene for the same number.
    shape
        Rows and columns of the picture.
    sizes
        Least and largest width of a shape, in pixels.
    background
        One of `BACKGROUNDS`.
    gap
        Distance between neighbours, as a share of the largest width: at 0 their boxes touch or overlap.
    kinds
        Pairs of colour and form to choose from; each is there at least once, if there is room.
    """
    chance = np.random.default_rng(seed)
    pitch = sizes[1] * (1.25 + gap)
    counts = [max(int(length // pitch), 1) for length in shape]
    places = [((i + 0.5) * shape[0] / counts[0], (j + 0.5) * shape[1] / counts[1]) for i, j in np.ndindex(*counts)]
    order = [kinds[i % len(kinds)] for i in range(len(places))]
    chance.shuffle(order)

    canvas = np.empty((*shape, 3))
    canvas[:] = BACKGROUNDS[background] + chance.normal(0, 4, 3)
    shapes = []
    for place, (colour, form) in zip(places, order, strict=True):
        width = chance.uniform(*sizes)
        centre = np.array(place) + chance.uniform(-1, 1, 2) * gap * sizes[1] * 0.3
        crop = _drawn(centre, width, FORMS[form], chance.uniform(0, 2 * np.pi), shape)
        if not crop.area:
            continue
        canvas[crop.window][crop.pixels] = COLOURS[colour] + chance.normal(0, 9, 3)
        shapes.append(Shape(colour, form, crop))
    canvas = gaussian_filter(canvas, (0.6, 0.6, 0)) + chance.normal(0, 4, canvas.shape)
    return Scene(np.clip(np.round(canvas), 0, 255).astype(np.uint8), tuple(shapes))


def _drawn(centre: NDArray[np.float64], width: float, corners: int, turn: float, shape: tuple[int, int]) -> CroppedMask:
    """A regular polygon of the area of a circle of this width, cut to the picture."""
    angle = 2 * np.pi / corners
    radius = width / 2 * np.sqrt(2 * np.pi / (corners * np.sin(angle)))
    angles = turn + angle * np.arange(corners)
    vertices = centre + radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    low = np.clip(np.floor(vertices.min(axis=0)).astype(int), 0, shape)
    high = np.clip(np.ceil(vertices.max(axis=0)).astype(int) + 1, 0, shape)
    pixels = polygon2mask(tuple(np.maximum(high - low, 0)), vertices - low)
    return CroppedMask(int(low[0]), int(low[1]), pixels)


def roughened(crop: CroppedMask, seed: int, shape: tuple[int, int]) -> CroppedMask:
    """Return a mask that is slightly wrong, as a network's are: up to 3 pixels too large, too small or too far off."""
    chance = np.random.default_rng(seed)
    room = 6
    pixels = np.pad(crop.pixels, room)
    grown = int(chance.integers(-3, 4))
    if grown:
        pixels = (binary_dilation if grown > 0 else binary_erosion)(pixels, iterations=abs(grown))
    moved = crop.moved(*chance.integers(-2, 3, 2).tolist())
    top, left = moved.top - room, moved.left - room
    rows = slice(max(-top, 0), max(shape[0] - top, 0))
    columns = slice(max(-left, 0), max(shape[1] - left, 0))
    kept = CroppedMask(max(top, 0), max(left, 0), pixels[rows, columns])
    return kept if kept.area else crop
