"""A run as data: what was tried out on one image, ready to be repeated on others.

A recipe is JSON, with a schema and a version. Everything that the labels depend on is in it: the model by name and
SHA-256, the parameters, what is looked for, tiles, links, and what is written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from napari_fastsam.core.classes.classifier import from_tables
from napari_fastsam.core.image.channels import COLOURED, check_channels
from napari_fastsam.core.image.geometry import checked_imgsz
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.objects.instances import check_thresholds
from napari_fastsam.core.planes.linking import Linking
from napari_fastsam.core.planes.tiling import Tiling
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.errors import FastSAMError, check_version

_UNSAID = {
    "channels": [], "channel_limits": [], "refine": True, "fine_edges": False, "contrast": None, "scene": None,
    "pixel_size": None,
}  # fmt: skip
"""Parameters that are left out where they have the value that they had before they could be given."""

SCHEMA, VERSION = "napari-fastsam recipe", 1

T = TypeVar("T")


class RecipeError(FastSAMError):
    """A recipe cannot be used: damaged, of another version, or for another model."""


@dataclass(frozen=True)
class ModelPart:
    """Which model: its name or path, and the SHA-256 of its file (empty = any)."""

    name: str = "nuclei"
    sha256: str = ""


@dataclass(frozen=True)
class Parameters:
    """What `Model.segment` takes; thresholds that are null are those of the model's card.

    Attributes
    ----------
    channels
        Which channels of an image are seen, together as colours, by position or by name; empty = each is a plane of its
        own.
    channel_limits
        Values of each of several channels that are shown as black and as full colour; empty = what suits each.
    contrast
        ``"percentiles"`` = intensities are shown within percentiles of each image, also where `contrast_limits` and the
        model's card would say otherwise; None = as they say.
    scene
        Which image of a file that holds several, from 0; None = the first.
    pixel_size
        Of rows and columns in micrometers; None = as the file says.
    refine
        Whether clicks among the prompts correct their objects.
    fine_edges
        Whether the correcting network draws the edges of proposed objects anew; not on planes in tiles or linked.
    """

    imgsz: int | None = None
    conf: float | None = None
    iou: float | None = None
    min_area: float | None = None
    max_area: float | None = None
    contrast_limits: tuple[float, float] | None = None
    channels: tuple[int | str, ...] = ()
    channel_limits: tuple[tuple[float, float], ...] = ()
    refine: bool = True
    fine_edges: bool = False
    contrast: Literal["percentiles"] | None = None
    scene: int | None = None
    pixel_size: float | None = None

    @property
    def shown_limits(self) -> tuple[float, float] | None:
        """The contrast limits of what is read: several channels come in limits of their own."""
        return COLOURED if len(self.channels) > 1 else self.contrast_limits


@dataclass(frozen=True)
class SearchPart:
    """What is looked for by words or examples; the rest as in `core.likeness.search.Search`."""

    texts: tuple[str, ...] = ()
    text_encoder: str = "ViT-B/32"
    exemplars: Mapping[str, Any] | None = None
    text_threshold: float | None = None
    best_only: bool = False
    example_threshold: float | None = None
    classes: bool = False


@dataclass(frozen=True)
class TilingPart:
    """At which scale, and where the tiles of a large plane begin; see `core.planes.tiling.Tiling`."""

    diameter: float | None = None
    scale: float | None = None
    first: tuple[float, float] | None = None


@dataclass(frozen=True)
class LinkingPart:
    """Along which axis of the image objects are linked, and how; see `core.planes.linking.Linking`."""

    axis: int = 0
    max_gap: int = Linking().max_gap
    min_overlap: float = Linking().min_overlap
    divisions: bool = False


@dataclass(frozen=True)
class OutputPart:
    """What is written: formats by name, as `io.formats` has them.

    Attributes
    ----------
    format
        What the labels are kept in.
    overlay, measurements
        Whether a picture with outlines is written too, and a table.
    also
        Further formats.
    """

    format: str = "tiff"
    overlay: bool = False
    measurements: Literal["csv", "parquet"] | None = None
    also: tuple[str, ...] = ()

    @property
    def formats(self) -> tuple[str, ...]:
        """All formats by name, each once, what keeps the labels first."""
        table = () if self.measurements is None else (self.measurements,)
        return tuple(dict.fromkeys((self.format, *table, *(("overlay",) if self.overlay else ()), *self.also)))


@dataclass(frozen=True)
class Recipe:
    """A run as data.

    Attributes
    ----------
    model, parameters
        The network and how it is asked.
    search
        What is looked for; None = everything.
    tiling
        Scale and tiles.
    linking
        How objects are linked; None = every plane on its own.
    output
        What is written.
    prompts
        The same points, boxes and other drawn prompts on every plane, as `Prompts.to_json` has them; None = none.
    classifier
        Gives the objects classes, as `io.classifiers` has it in files; None = nothing does.
    proposals
        A folder with labels of another program, a file for each image, called as the image is with more behind it or
        not; their objects are proposals beside the network's. None = there are none.
    """

    model: ModelPart = field(default_factory=ModelPart)
    parameters: Parameters = field(default_factory=Parameters)
    search: SearchPart | None = None
    tiling: TilingPart = field(default_factory=TilingPart)
    linking: LinkingPart | None = None
    output: OutputPart = field(default_factory=OutputPart)
    prompts: Mapping[str, Any] | None = None
    classifier: Mapping[str, Any] | None = None
    proposals: str | None = None

    def __post_init__(self) -> None:
        """Refuse what can be known to be wrong without an image, and what cannot be asked together."""
        asked = self.parameters
        check_thresholds(asked.conf, asked.iou, asked.min_area, asked.max_area)
        if asked.imgsz is not None:
            checked_imgsz(asked.imgsz)
        Tiling(self.tiling.diameter, self.tiling.scale)
        if self.parameters.channels:
            _check_channels(self.parameters.channels)
            if len(self.parameters.channels) > 1 and self.parameters.contrast_limits is not None:
                raise RecipeError(
                    "the recipe has contrast_limits and several channels, each of which has limits of its own; leave "
                    "contrast_limits out"
                )
        self._check_reading()
        limits = self.parameters.channel_limits
        if limits and (len(limits) != len(self.parameters.channels) or len(limits) == 1):
            raise RecipeError(
                f"the recipe has {len(limits)} channel_limits and {len(self.parameters.channels)} channels; name one "
                "pair of limits for each of two or three channels, or none"
            )
        if self.linking is not None:
            Linking(self.linking.max_gap, self.linking.min_overlap, self.linking.divisions)
            if self.parameters.fine_edges:
                raise RecipeError("the recipe has both fine_edges and linking; leave one of them out")
        if self.search is not None:
            Search(self.search.text_threshold, self.search.best_only, self.search.example_threshold)
            if self.linking is not None:
                raise RecipeError("the recipe has both search and linking; words and examples choose plane by plane")
            if not self.search.texts and self.search.exemplars is None:
                raise RecipeError("search has neither texts nor exemplars; leave it out to find everything")
        self._check_prompts()
        self._check_classifier()
        if self.proposals is not None and self.linking is not None:
            raise RecipeError("the recipe has both proposals and linking; leave one of them out")

    def _check_prompts(self) -> None:
        if self.prompts is not None:
            if self.search is not None or self.linking is not None:
                raise RecipeError("the recipe has prompts and search or linking; make a recipe for each")
            if Prompts.from_json(self.prompts).searches:
                raise RecipeError("the recipe's prompts hold texts or examples; put these under search")

    def _check_classifier(self) -> None:
        if self.classifier is not None:
            from_tables(self.classifier)
            if self.linking is not None or (self.search is not None and self.search.classes):
                raise RecipeError("the recipe has a classifier and linking, or classes by words; leave one of them out")

    def _check_reading(self) -> None:
        asked = self.parameters
        if asked.contrast is not None and asked.contrast_limits is not None:
            raise RecipeError("the recipe has both contrast_limits and contrast; leave one of them out")
        if asked.contrast_limits is not None and not asked.contrast_limits[0] <= asked.contrast_limits[1]:
            raise RecipeError(f"contrast_limits is {asked.contrast_limits}; expected black and white, the lower first")
        if asked.scene is not None and asked.scene < 0:
            raise RecipeError(f"scene is {asked.scene}; expected a number from 0")
        if asked.pixel_size is not None and asked.pixel_size <= 0:
            raise RecipeError(f"pixel_size is {asked.pixel_size}; expected micrometers, more than 0")

    @property
    def hash(self) -> str:
        """SHA-256 of all that results depend on."""
        return hashlib.sha256(json.dumps(to_dict(self), sort_keys=True).encode()).hexdigest()


def _check_channels(channels: tuple[int | str, ...]) -> None:
    """Check what can be known without an image."""
    if any(isinstance(one, int) and one < 0 for one in channels) or len(set(channels)) < len(channels):
        named = ", ".join(map(str, channels))
        raise RecipeError(f"channels is {named}; expected each once, by position from 0 or by name")
    check_channels(range(len(channels)), len(channels))


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as values that JSON knows."""
    content: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(recipe), default=dict))
    if recipe.prompts is None:
        del content["prompts"]  # recipes without them keep the hash that they had before there were any
    for key in ("classifier", "proposals"):
        if content[key] is None:
            del content[key]
    for key, value in _UNSAID.items():
        if content["parameters"][key] == value:
            del content["parameters"][key]  # likewise
    if not recipe.output.also:
        del content["output"]["also"]
    return {"schema": SCHEMA, "version": VERSION, **content}


def from_dict(content: Any) -> Recipe:
    """Return the recipe that `to_dict` made values of.

    Raises
    ------
    RecipeError
        If a key is unknown, or a value is not what is expected there; the message names it.
    """
    if not isinstance(content, Mapping) or content.get("schema") != SCHEMA:
        raise RecipeError(f"this is no recipe: its schema is not {SCHEMA!r}; choose a file that was saved as one")
    check_version(content, VERSION, "the recipe", RecipeError)
    own = {key: value for key, value in content.items() if key not in ("schema", "version", "written_by")}
    try:
        return _read(Recipe, own, "the recipe")
    except RecipeError:
        raise
    except FastSAMError as error:
        raise RecipeError(f"the recipe cannot be run: {error}") from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of recipes."""
    schema = _schema_of(Recipe)
    schema["properties"] = {
        "schema": {"const": SCHEMA},
        "version": {"const": VERSION},
        "written_by": {"type": "string"},
        **schema["properties"],
    }
    schema["required"] = ["schema", "version"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **schema}


def _read(kind: type[T], content: Any, where: str) -> T:
    if not isinstance(content, Mapping):
        raise RecipeError(f"{where} is {_short(content)}; expected an object with keys")
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy does not know that classes have a hash
    if unknown := sorted(set(map(str, content)) - hints.keys()):
        raise RecipeError(f"{where} has the key {unknown[0]!r}; expected only {', '.join(hints)}")
    return kind(**{key: _value(value, hints[key], f"{where}.{key}") for key, value in content.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(value: Any, hint: Any, where: str) -> Any:
    """Return a value as its type wants it, or say what was expected."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in options:
            return None
        kinds = [option for option in options if option is not type(None)]
        return _value(value, next((kind for kind in kinds if type(value) is kind), kinds[0]), where)
    if origin is Literal:
        if value not in options:
            raise RecipeError(f"{where} is {_short(value)}; expected one of {', '.join(map(repr, options))}")
        return value
    if origin is tuple:
        return _sequence(value, options, where)
    if dataclasses.is_dataclass(hint):
        return _read(hint if isinstance(hint, type) else type(hint), value, where)
    if origin is not None:  # a mapping, whose reader knows what belongs in it
        if not isinstance(value, Mapping):
            raise RecipeError(f"{where} is {_short(value)}; expected an object with keys")
        return value
    return _scalar(value, hint, where)


def _sequence(value: Any, options: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    variable = len(options) == 2 and options[1] is Ellipsis
    if not isinstance(value, list | tuple) or (not variable and len(value) != len(options)):
        raise RecipeError(f"{where} is {_short(value)}; expected a list" + ("" if variable else f" of {len(options)}"))
    kinds = options[:1] * len(value) if variable else options
    return tuple(_value(v, kind, f"{where}[{i}]") for i, (v, kind) in enumerate(zip(value, kinds, strict=True)))


def _scalar(value: Any, kind: Any, where: str) -> Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    names = {float: "a finite number", int: "a whole number", bool: "true or false", str: "text"}
    raise RecipeError(f"{where} is {_short(value)}; expected {names[kind]}")


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number with thousands of digits
        return "a number that is too large"
    return text if len(text) <= 60 else text[:57] + "…"


def _schema_of(hint: Any) -> dict[str, Any]:
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema_of(option) for option in options]}
    if origin is Literal:
        return {"enum": list(options)}
    if origin is tuple:
        if options[1:] == (Ellipsis,):
            return {"type": "array", "items": _schema_of(options[0])}
        return {"type": "array", "prefixItems": [_schema_of(o) for o in options], "minItems": len(options)}
    if dataclasses.is_dataclass(hint):
        properties = {name: _schema_of(kind) for name, kind in get_type_hints(hint).items()}
        text = (hint.__doc__ or "").split("\n")[0]
        return {"type": "object", "description": text, "properties": properties, "additionalProperties": False}
    if origin is not None:
        return {"type": "object"}
    simple = {float: "number", int: "integer", bool: "boolean", str: "string", type(None): "null"}
    return {"type": simple[hint]}
