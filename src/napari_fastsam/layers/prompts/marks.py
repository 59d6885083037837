"""How prompts look on the canvas: numbered as messages name them, their sign by form and colour, hollow without object.

Only layers that ask for it by their metadata are changed, as those that the plugin makes do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from napari.layers import Points
from napari.layers.utils.color_encoding import ManualColorEncoding
from napari.layers.utils.string_encoding import ManualStringEncoding
from numpy.typing import NDArray

from napari_fastsam.layers.planes.transforms import layer_affine
from napari_fastsam.layers.prompts.features import (
    COUNTER_EXAMPLE,
    EXAMPLE,
    NEGATIVE,
    POSITIVE,
    feature_of,
    next_sign,
    sign_of,
)

if TYPE_CHECKING:
    from napari.layers import Shapes

METADATA_KEY = "napari-fastsam"
"""A layer whose metadata have this key has its prompts marked."""

COLOURS = {POSITIVE: "#40bf60", NEGATIVE: "#df209f", EXAMPLE: "#bf60ff", COUNTER_EXAMPLE: "#ff80bf"}
"""By sign.

Neither dark nor light, to be seen on any image: lightnesses (CIELAB) from 50 to 70. Under normal vision and simulated
protanopia, deuteranopia and tritanopia (Machado, Oliveira & Fernandes 2009) any two differ by 15 CIEDE2000 or more, and
each from all colours of the preview by 6 or more.
"""

SYMBOLS = {POSITIVE: "disc", NEGATIVE: "x", EXAMPLE: "star", COUNTER_EXAMPLE: "diamond"}
WORDS = {POSITIVE: "", NEGATIVE: " −", EXAMPLE: " example", COUNTER_EXAMPLE: " counter-example"}
"""What stands behind the number of a shape, whose form says what kind of prompt it is, and not its sign."""

SCREEN_PIXELS = 15.0
"""How large the mark of a point is on the screen."""

EDGE_PIXELS = 2.0
"""How wide the line of a shape is on the screen."""

TEXT_SIZE = 10
_RIM = "#202020"
"""Around what is filled."""

_SIZE_STEP, _EDGE_STEP = 1.1, 1.3
"""By what factor sizes may be off while one zooms: each new one costs a new picture, and new meshes of shapes."""

_RIM_WIDTH, _HOLLOW_WIDTH = 0.1, 0.2
_TINT = 0.15
"""How much of its colour a shape with an object lets be seen."""

_BESIDE = "  "
"""Spaces keep a number off the mark by the same distance on the screen at every zoom."""

Colours: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Marks:
    """What prompts look like, row by row, in napari's terms.

    Attributes
    ----------
    text
        Numbers, beside a point or at the corner of a shape.
    colour
        (N, 4) red, green, blue and opacity of the sign.
    face, border
        (N, 4) the same of the inside, and of what is around it.
    border_width
        (N,) as a share of a point's size.
    symbol
        Of a point.
    """

    text: tuple[str, ...]
    colour: Colours
    face: Colours
    border: Colours
    border_width: NDArray[np.float64]
    symbol: tuple[str, ...]


def marks(signs: Sequence[str], found: Sequence[bool], numbers: Sequence[int], *, shapes: bool = False) -> Marks:
    """Return what prompts look like.

    Parameters
    ----------
    signs
        What each is: a key of `COLOURS`.
    found
        Whether there is something at it.
    numbers
        By which messages name them.
    shapes
        Whether they are shapes instead of points.
    """
    filled = np.asarray(found, bool)
    colour = np.array([_RGBA[sign] for sign in signs], np.float32).reshape(-1, 4)
    face = colour.copy()
    face[:, 3] = np.where(filled, _TINT if shapes else 1.0, 0.0)
    return Marks(
        tuple(f"{n}{WORDS[sign]}" if shapes else f"{_BESIDE}{n}" for n, sign in zip(numbers, signs, strict=True)),
        colour,
        face,
        np.where(filled[:, None] & (not shapes), _RIM_RGBA, colour),
        np.where(filled, _RIM_WIDTH, _HOLLOW_WIDTH),
        tuple(SYMBOLS[sign] for sign in signs),
    )


def is_marked(layer: Points | Shapes) -> bool:
    """Whether a layer asks to have its prompts marked."""
    return METADATA_KEY in layer.metadata


def mark(layer: Points | Shapes, found: Mapping[int, bool]) -> None:
    """Let the prompts of a layer show what became of them; nothing is done to layers that do not ask for it.

    What is selected, the mode, and what is drawn next stay. Coordinates and features are left alone, so that this is no
    step to take back.

    Parameters
    ----------
    layer
        Of points or shapes.
    found
        Whether there is something, by row; the others stay filled or hollow as they are.
    """
    if not is_marked(layer):
        return
    points = isinstance(layer, Points)
    filled = np.asarray(layer.face_color)[:, 3] > 0 if len(layer.data) else np.zeros(0, bool)
    for row, there_is in found.items():
        if row < len(filled):
            filled[row] = there_is
    fit_to_screen(layer)
    now = marks(_signs(layer), filled.tolist(), range(1, len(filled) + 1), shapes=not points)
    with layer.block_update_properties():
        if len(filled):
            _put(layer, now)
        mark_next(layer)


def mark_next(layer: Points | Shapes) -> None:
    """Let the next point look as its sign wants it, and leave alone what is selected."""
    if not (is_marked(layer) and isinstance(layer, Points)):
        return
    sign = next_sign(layer)
    with layer.block_update_properties():
        if str(layer.current_symbol) != SYMBOLS[sign]:
            layer.current_symbol = SYMBOLS[sign]
        if str(layer.face_color_mode) == "direct":
            layer.current_face_color, layer.current_border_color = COLOURS[sign], _RIM
            layer.current_border_width = _RIM_WIDTH


def fit_to_screen(layer: Points | Shapes) -> None:
    """Let points, and lines of shapes, be as large on the screen at every zoom; what is selected is left alone."""
    if not is_marked(layer):
        return
    per_pixel = float(layer.scale_factor) / float(np.linalg.norm(layer_affine(layer)[0][:, -1]))
    with layer.block_update_properties():
        if isinstance(layer, Points):
            size = SCREEN_PIXELS * per_pixel
            if _is_off(layer.size, size, _SIZE_STEP) or _is_off(layer.current_size, size, _SIZE_STEP):
                layer.size, layer.current_size = size, size
        else:
            width = EDGE_PIXELS * per_pixel
            if _is_off(layer.edge_width, width, _EDGE_STEP) or _is_off(layer.current_edge_width, width, _EDGE_STEP):
                layer.edge_width, layer.current_edge_width = width, width


def _is_off(sizes: Any, wanted: float, step: float) -> bool:
    """Whether any size is not what is wanted, within a factor."""
    now = np.asarray(sizes, float)
    return bool(((now > wanted * step) | (now * step < wanted)).any())


def _put(layer: Points | Shapes, now: Marks) -> None:
    """Set what is not so already: each costs a new picture."""
    if not np.allclose(layer.face_color, now.face):
        layer.face_color = now.face
    if isinstance(layer, Points):
        if not np.allclose(layer.border_color, now.border):
            layer.border_color = now.border
        if not np.array_equal(layer.border_width, now.border_width):
            layer.border_width = now.border_width
        if [str(symbol) for symbol in layer.symbol] != list(now.symbol):
            layer.symbol = list(now.symbol)
    text = layer.text
    if not np.array_equal(text.values, now.text):
        text.string = ManualStringEncoding(array=np.array(now.text))
    if not (isinstance(text.color, ManualColorEncoding) and np.array_equal(text.color.array, now.colour)):
        text.color = ManualColorEncoding(array=now.colour)
    if text.size != TEXT_SIZE:
        text.size = TEXT_SIZE
    if text.anchor != "upper_left":
        text.anchor = "upper_left"


def _signs(layer: Points | Shapes) -> list[str]:
    _, values = feature_of(layer, ("polarity", "label"))
    return [sign_of(value) for value in values]


def _rgba(colour: str) -> tuple[float, float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0


_RGBA = {sign: _rgba(colour) for sign, colour in COLOURS.items()}
_RIM_RGBA = np.array(_rgba(_RIM), np.float32)
