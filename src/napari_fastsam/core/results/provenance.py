"""How labels came about: one schema, wherever labels are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

SCHEMA = 1
"""Raised when a key changes its meaning."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How labels came about.

    In files and in the metadata of Labels layers these are values that JSON knows, under the names of the attributes
    and with ``"schema"``; all keys are there, also those of what was not asked for.

    Attributes
    ----------
    version
        Of this program.
    image
        Name of the image, without its folder.
    plane, level, region
        Which plane of it: one index for each axis before rows and columns; the level of a pyramid, 0 = full
        resolution; first and last row and column, ``y0, x0, y1, x1``. None = all of it.
    channels
        Which channels were seen together as colours, by position or by name; empty = those of a colour image.
    channel_limits
        The intensities of each that were shown as black and as full colour; empty = what suited each.
    scene, pixel_size
        Which image of a file that holds several was asked for, from 0; the size of rows and columns in micrometers that
        was given instead of the file's. None = as the file has it.
    contrast
        How intensities were shown where `contrast_limits` and `channel_limits` do not say it: ``"percentiles"`` of each
        plane, or ``"type"``, by the type of its numbers; see `core.image.intensity.window_of`. None = not known.
    channel_layers
        The layers that they are, where they are several.
    model, model_sha256
        What the model is called, and its file.
    task
        ``"everything"`` or ``"prompts"``.
    imgsz, conf, iou, min_area, max_area, contrast_limits
        As `Model.segment` takes them; None = what suits model and image.
    diameter, scale
        As `core.planes.tiling.Tiling` has them.
    prompts
        As `Prompts.to_json` has them; None = everything was asked for.
    refine, corrector, fine_edges
        Whether clicks corrected the objects of prompts, and what did; whether edges were drawn anew. None = not known.
    text_encoder, text_threshold, text_best, example_threshold, classes
        How words and examples were compared with objects; None where nothing was searched for.
    stack_axis, linking, prompts_by_plane
        Along which axis planes were taken together; how objects were linked, as `core.planes.linking.Linking` has it;
        the prompts of each plane that has some, by its position.
    labels
        The numbers that came about in this way, in a file or layer that holds others too; None = all.
    pixels
        What tells whether each of them has the pixels still that it was given, by its number as text; see
        `core.objects.pixel_sums`. None = not known.
    others
        Whose objects were proposals beside the network's; None = nobody's.
    further
        What the text had under other names: it was written by another version.
    """

    version: str = ""
    image: str = ""
    plane: Sequence[int] | None = None
    level: int = 0
    region: Sequence[int] | None = None
    channels: Sequence[int | str] = ()
    channel_limits: Sequence[Sequence[float]] = ()
    channel_layers: Sequence[str] = ()
    model: str = ""
    model_sha256: str = ""
    task: str = "everything"
    imgsz: int | None = None
    conf: float | None = None
    iou: float | None = None
    min_area: float | None = None
    max_area: float | None = None
    contrast_limits: Sequence[float] | None = None
    diameter: float | None = None
    scale: float | None = None
    prompts: Mapping[str, Any] | None = None
    refine: bool | None = None
    corrector: str | None = None
    fine_edges: bool | None = None
    text_encoder: str | None = None
    text_threshold: float | None = None
    text_best: bool | None = None
    example_threshold: float | None = None
    classes: bool | None = None
    stack_axis: int | None = None
    linking: Mapping[str, Any] | None = None
    prompts_by_plane: Mapping[str, Any] | None = None
    scene: int | None = None
    pixel_size: float | None = None
    contrast: str | None = None
    labels: Sequence[int] | None = None
    pixels: Mapping[str, Sequence[int]] | None = None
    others: str | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON knows."""
        own = {name: getattr(self, name) for name in _NAMES}
        for name in ("labels", "pixels", "others"):
            if own[name] is None:
                del own[name]
        return {"schema": SCHEMA, **own, **self.further}

    @classmethod
    def from_json(cls, content: Any) -> Provenance:
        """Return what `to_json` made values of; of what another version or program wrote, what is known of it."""
        given = dict(content) if isinstance(content, Mapping) else {}
        given.pop("schema", None)
        known = {name: given.pop(name) for name in _NAMES if name in given}
        return cls(**known, further=given)


_NAMES = tuple(entry.name for entry in fields(Provenance) if entry.name != "further")


def entries_of(content: Any) -> tuple[Provenance, ...]:
    """Return the provenance that a file or a layer keeps: one entry, or a list of what was added one after another."""
    entries = content if isinstance(content, list) else [content] if content else []
    return tuple(Provenance.from_json(entry) for entry in entries)


def entries_to_json(entries: Sequence[Provenance]) -> Any:
    """Return what `entries_of` reads: an object for one entry, a list for more."""
    content = [entry.to_json() for entry in entries]
    return content[0] if len(content) == 1 else content
