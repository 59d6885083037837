"""What happens to a Labels layer and to prompt layers, by whatever way, as steps of a journal."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.io.projects.feature_tables import change_between
from napari_fastsam.io.projects.steps import Annotation, AnnotationStep
from napari_fastsam.layers.connections import Connections
from napari_fastsam.layers.labels.target import pixels_of
from napari_fastsam.layers.projects.prompt_rows import prompts_to_json
from napari_fastsam.layers.projects.tiles import (
    Corner,
    Digest,
    ObjectCounter,
    corners_in,
    corners_of,
    digest,
    digests_of,
    tile_at,
)

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels, Points, Shapes

OURS = "napari-fastsam"
"""How the keys begin of what is kept of a layer's metadata."""

MOST_COMPARED = 1 << 24
"""Pixels of a plane that are compared with what they were where an event does not say which changed."""


class AnnotationRecorder:
    """Makes steps of what changes in the annotations of one image.

    napari says which pixels were painted, filled or erased, and the plugin's own edits say it likewise. Its undo, and
    what a script writes, only say that something is drawn again: then the tiles that were ever painted, and those of
    the plane shown, are compared with what they were.

    Parameters
    ----------
    layer
        The Labels layer.
    on_change
        Called when something may have changed; `take_step` says what.
    digests
        Of the tiles of the layer, if they are known already.
    shown_plane
        Says which plane is shown: an index for each axis before rows and columns, None = all along it.
    """

    def __init__(
        self,
        layer: Labels,
        on_change: Callable[[], object],
        digests: Mapping[Corner, Digest] | None = None,
        shown_plane: Callable[[], Sequence[int | None]] = tuple,
    ) -> None:
        self.layer = layer
        self._shown_plane = shown_plane
        self._on_change = on_change
        data = pixels_of(layer)
        self._shape, self._dtype = tuple(data.shape), str(data.dtype)
        self._digests = dict(digests_of(data) if digests is None else digests)
        self._counter: ObjectCounter | None = None
        self._features: pd.DataFrame | None = layer.features.copy()
        self._metadata = _kept_metadata(layer)
        self._painted: set[Corner] = set()
        self._touched: set[Corner] = set()
        self._lost: set[Corner] = set()
        self._in_doubt = self._is_replaced = self._is_changed = False
        self._prompts: tuple[Points | Shapes, ...] = ()
        self._prompt_rows: dict[str, Any] = {}
        self._heard, self._heard_prompts = Connections(), Connections()
        events = layer.events
        self._heard.connect((events.paint,), self._was_painted)
        self._heard.connect((events.set_data,), self._was_drawn)
        self._heard.connect((events.data,), self._was_replaced)
        self._heard.connect((events.features, events.metadata), self._was_changed)

    def follow_prompts(self, layers: Iterable[Points | Shapes], before: Mapping[str, Any] | None = None) -> None:
        """Keep what these prompt layers hold from now on, instead of others; `before` is what is kept already."""
        self._heard_prompts.undo()
        self._prompts = tuple(layers)
        for layer in self._prompts:
            self._heard_prompts.connect((layer.events.data, layer.events.features), self._was_changed)
        if before is not None:
            self._prompt_rows = dict(before)
        self._was_changed()

    def take_step(self) -> AnnotationStep:
        """Return what changed since the last step; it may be nothing."""
        tiles, features, prompts, metadata = self._changed_tiles(), None, None, {}
        if self._is_changed:
            self._is_changed = False
            now = self.layer.features
            features = change_between(self._features, now)
            if features is not None:
                self._features = now.copy()
            rows = prompts_to_json(self._prompts)
            if rows != self._prompt_rows:
                self._prompt_rows = prompts = rows
            kept = _kept_metadata(self.layer)
            metadata = _metadata_changes(self._metadata, kept)
            self._metadata = kept
        return AnnotationStep(self._shape, self._dtype, tiles, features, prompts, metadata)

    def count(self) -> int:
        """Return how many objects there were at the last step."""
        if self._counter is None:
            there = [corner for corner, known in self._digests.items() if known]
            self._counter = ObjectCounter(pixels_of(self.layer), there)
        return self._counter.count

    def whole_step(self) -> AnnotationStep:
        """Return all that there is now as one step."""
        data = pixels_of(self.layer)
        tiles = tuple(tile for corner in corners_in(data.shape) if (tile := tile_at(data, corner)).values.any())
        kept = {key: (json.loads(text), None) for key, text in _kept_metadata(self.layer).items()}
        prompts = prompts_to_json(self._prompts) or None
        return AnnotationStep(
            tuple(data.shape), str(data.dtype), tiles, change_between(None, self.layer.features), prompts, kept
        )

    def forget_step(self, step: AnnotationStep) -> None:
        """Have what a step holds in the next one too, because it could not be kept."""
        for tile in step.tiles:
            self._lost.add(tile.corner)
        self._touched |= self._lost
        self._is_changed = True
        if step.features is not None:
            self._features = None
        if step.prompts is not None:
            self._prompt_rows = {}
        if step.metadata:
            self._metadata = {}

    def annotation(self) -> Annotation:
        """Return all that there is now; the label image is the layer's own."""
        features = self.layer.features
        return Annotation(
            np.asarray(pixels_of(self.layer)),
            features.copy() if len(features.columns) else None,
            prompts_to_json(self._prompts),
            {key: json.loads(text) for key, text in _kept_metadata(self.layer).items()},
        )

    def end(self) -> None:
        """Hear nothing more."""
        self._heard.undo()
        self._heard_prompts.undo()

    # ---------------------------------------------------------------- what is heard

    def _was_painted(self, event: Any) -> None:
        corners = corners_of(event.value, self._shape)
        if corners is None:
            self._is_replaced = True
        else:
            self._touched |= corners
            self._painted |= corners
        self._on_change()

    def _was_drawn(self, *_: Any) -> None:
        self._in_doubt = True
        self._on_change()

    def _was_replaced(self, *_: Any) -> None:
        self._is_replaced = self._is_changed = True
        self._on_change()

    def _was_changed(self, *_: Any) -> None:
        self._is_changed = True
        self._on_change()

    # ---------------------------------------------------------------- what changed

    def _changed_tiles(self) -> tuple[Any, ...]:
        """Return the tiles that are other than they were."""
        data = pixels_of(self.layer)
        shape, dtype = tuple(data.shape), str(data.dtype)
        if (shape, dtype) != (self._shape, self._dtype):
            self._shape, self._dtype, self._is_replaced = shape, dtype, True
            self._digests, self._touched, self._painted, self._counter = {}, set(), set(), None
        corners, lost = set(self._touched), self._lost
        self._lost = set()
        if self._is_replaced:
            corners |= set(corners_in(shape))
        elif self._in_doubt:
            corners |= self._painted | self._shown_corners()
        self._touched.clear()
        self._in_doubt = self._is_replaced = False
        changed = []
        for corner in sorted(corners):
            tile = tile_at(data, corner)
            now = digest(tile)
            if now != self._digests.get(corner, b"") or corner in lost:
                self._digests[corner] = now
                if self._counter is not None:
                    self._counter.put(tile)
                changed.append(tile)
        return tuple(changed)

    def _shown_corners(self) -> set[Corner]:
        """Return the tiles of the plane that is shown, unless they are too many to be compared."""
        index = tuple(self._shown_plane())
        if any(at is not None and not 0 <= at < n for at, n in zip(index, self._shape[:-2], strict=False)):
            return set()  # the slider is where these labels have no plane
        lengths = [n for n, at in itertools.zip_longest(self._shape[:-2], index) if at is None]
        compared = math.prod((*lengths, *self._shape[-2:]))
        return set(corners_in(self._shape, index)) if compared <= MOST_COMPARED else set()


def _kept_metadata(layer: Labels) -> dict[str, str]:
    """Return what is kept of a layer's metadata, each value as JSON."""
    return {
        str(key): text
        for key, value in layer.metadata.items()
        if str(key).startswith(OURS) and (text := _as_json(value)) is not None
    }


def _as_json(value: Any) -> str | None:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return None


def _metadata_changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[Any, int | None]]:
    """Return what changed, as `AnnotationStep.metadata` has it."""
    changes: dict[str, tuple[Any, int | None]] = {key: (None, None) for key in before if key not in after}
    for key, text in after.items():
        if before.get(key) != text:
            value, old = json.loads(text), json.loads(before.get(key, "null"))
            if isinstance(value, list) and isinstance(old, list):
                pairs = zip(value, old, strict=False)
                first = next((i for i, (new, was) in enumerate(pairs) if new != was), min(len(value), len(old)))
                changes[key] = value[first:], first
            else:
                changes[key] = value, None
    return changes
