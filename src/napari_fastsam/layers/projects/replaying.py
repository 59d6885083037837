"""The labels of an image made again, with another model or other thresholds, from what they were asked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.core.image.channels import colour_plane
from napari_fastsam.core.judging.replay import (
    Change,
    by_hand,
    changes,
    numbered_as_before,
    put_in,
    without_deleted,
)
from napari_fastsam.core.objects.measurements import is_measured
from napari_fastsam.core.objects.pixel_sums import pixel_sums, sums_from_json, sums_to_json
from napari_fastsam.core.results.provenance import Provenance, entries_of
from napari_fastsam.core.results.result import ResultObject
from napari_fastsam.errors import FastSAMError, LabelsError
from napari_fastsam.io.projects.effort import PROVENANCE_KEY, prompted_in
from napari_fastsam.io.projects.steps import Annotation
from napari_fastsam.model.asking.repeating import Repeated, Replay, asked_again, repeat, why_not

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Image

    from napari_fastsam.core.likeness.text import TextEncoder
    from napari_fastsam.model.network.segmenter import Model

_TOLD: Mapping[str, Callable[[ResultObject], Any]] = {
    "score": lambda found: found.score,
    "prompt": lambda found: found.prompt,
    "why": lambda found: found.reason,
}
"""Columns that say how an object was found."""


class ReplayNetworks:
    """The networks that labels are made again with, each loaded once.

    Parameters
    ----------
    device
        As `load_model` takes it.
    """

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._models: dict[str, Model] = {}

    def named(self, name: str) -> Model:
        """Return a network by its name; raises ModelError if it cannot be loaded."""
        from napari_fastsam.model.network.segmenter import load_model
        from napari_fastsam.model.network.torch_ import import_torch_beside_a_viewer

        import_torch_beside_a_viewer()
        if name not in self._models:
            self._models[name] = load_model(name, self._device)
        return self._models[name]

    def model(self, made: Provenance) -> Model:
        """Return the network of an entry.

        Raises
        ------
        ModelError
            If it cannot be loaded.
        LabelsError
            If the file of that name is another one than the labels were made with.
        """
        from napari_fastsam.model.weights.weights import sha256_of

        model = self.named(made.model)
        if made.model_sha256 and sha256_of(model.path) != made.model_sha256:
            raise LabelsError(
                f"{made.model} is another file than the one that they were made with; name the model to be used now"
            )
        return model

    def encoder(self, made: Provenance) -> TextEncoder | None:
        """Return what compares the words of an entry with pictures; None without words."""
        from napari_fastsam.model.text.encoder import load_text_encoder

        return load_text_encoder(made.text_encoder, self._device) if made.text_encoder else None


@dataclass(frozen=True, eq=False)
class Replayed:
    """The annotations of an image as they are when its labels are made again.

    Attributes
    ----------
    annotation
        All of it, with the labels of `changes`.
    changes
        What became of each object, by number.
    notes
        Sentences about labels that could not be made again; they are kept as they are.
    """

    annotation: Annotation
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def replay(
    before: Annotation,
    images: Sequence[Image],
    asked: Replay,
    networks: ReplayNetworks,
    stop: Callable[[], bool] = lambda: False,
) -> Replayed:
    """Make the labels of an image again; those that were drawn or corrected by hand are kept.

    Parameters
    ----------
    before
        Its annotations.
    images
        Its layers.
    asked
        What is other than it was.
    networks
        Loads the models.
    stop
        Says whether nobody waits for it any more.

    Raises
    ------
    LabelsError
        If there are no labels, or nobody waits for them.
    """
    if before.labels is None or not before.labels.any():
        raise LabelsError("there are no labels to make again; annotate the image first")
    labels, now = before.labels, pixel_sums(before.labels)
    entries = entries_of(before.metadata.get(PROVENANCE_KEY))
    hand = by_hand(entries, now, prompted_in(before.features))
    kept, notes, found = set(hand.kept), list[str](), list[tuple[Provenance, Repeated]]()
    for entry in entries:
        mine = set(entry.labels or ()) & now.keys() - hand.kept
        if not mine:
            continue
        if stop():
            raise LabelsError("the labels were not made again: it was cancelled")
        try:
            if why_not(entry):
                raise LabelsError(why_not(entry))
            made = asked_again(entry, asked)
            pixels, window = _pixels(made, images, labels.shape)
            answered = np.where(np.isin(labels[window], list(mine)), labels[window], 0)
            before_there = answered if answered.ndim == 2 else None
            one = repeat(made, networks.model(made), pixels, networks.encoder(made), before_there)
            found.append((made, _in_place(one, window, labels.shape)))
        except FastSAMError as error:
            kept |= mine
            notes.append(f"{len(mine)} of the labels stay as they are: {error}.")
    highest = max([int(labels.max()), *(label for entry in entries for label in entry.labels or ())])
    after, objects, told = _put_together(labels, kept, found, hand.deleted, highest)
    told = [*_entries_of_kept(entries, kept, set(now)), *told]
    metadata = {**before.metadata, PROVENANCE_KEY: [one.to_json() for one in told]}
    made_now = changes(labels, after, kept)
    features = _features(before.features, after, objects, made_now)
    return Replayed(Annotation(after, features, before.prompts, metadata), tuple(made_now), tuple(notes))


def _pixels(made: Provenance, images: Sequence[Image], shape: tuple[int, ...]) -> tuple[Any, tuple[int | slice, ...]]:
    """Return the pixels of an entry's region, and where it lies in the label image."""
    if made.level:
        raise LabelsError("they were made at a coarser level of the image")
    by_name = {layer.name: layer for layer in images}
    layers = [by_name.get(name) for name in made.channel_layers or (made.image,)]
    if any(layer is None for layer in layers) or (made.channels and not made.channel_layers):
        raise LabelsError(f"{made.image or 'their image'} is not among the layers of this image")
    axis, ndim = made.stack_axis, len(shape)
    index = tuple(made.plane or ())
    if (axis is not None and axis > ndim - 3) or (index and len(index) != ndim):
        raise LabelsError("their plane is not one of this image")
    y0, x0, y1, x1 = made.region or (0, 0, *shape[-2:])
    planes = tuple(slice(None) if at == axis else number for at, number in enumerate(index[: ndim - 2]))
    window = (*planes, slice(y0, y1), slice(x0, x1))
    pixels = [np.asarray((layer.data[0] if layer.multiscale else layer.data)[window]) for layer in layers if layer]
    if len(pixels) == 1:
        return pixels[0], window
    limits = [(float(low), float(high)) for low, high in made.channel_limits] or None
    return np.asarray(colour_plane(pixels, "percentiles", limits)), window


def _in_place(one: Repeated, window: tuple[int | slice, ...], shape: tuple[int, ...]) -> Repeated:
    whole = np.zeros(shape, np.int32)
    whole[window] = one.labels
    return replace(one, labels=whole)


def _put_together(
    before: NDArray[np.integer],
    kept: set[int],
    found: Sequence[tuple[Provenance, Repeated]],
    deleted: Sequence[tuple[int, ...]],
    highest: int,
) -> tuple[NDArray[np.integer], dict[int, ResultObject], list[Provenance]]:
    """Return the labels, what is known of those that were made again, and how these came about."""
    after = np.where(np.isin(before, list(kept)), before, 0).astype(np.int64)
    first = highest + 1
    objects: dict[int, ResultObject] = {}
    whose: list[tuple[Provenance, set[int]]] = []
    for _, one in found:
        numbers = put_in(after, without_deleted(one.labels, deleted), first)
        objects |= {numbers[known.number]: known for known in one.objects if known.number in numbers}
        whose.append((one.made, set(numbers.values())))
        first += len(numbers)
    labels, renamed = numbered_as_before(before, after, kept, highest)
    sums = pixel_sums(labels)
    told = []
    for made, numbers_of in whose:
        mine = sorted(renamed[number] for number in numbers_of)
        told.append(replace(made, labels=mine, pixels=sums_to_json({label: sums[label] for label in mine})))
    return labels, {renamed[number]: known for number, known in objects.items()}, told


def _entries_of_kept(entries: Sequence[Provenance], kept: set[int], now: set[int]) -> list[Provenance]:
    """Return how labels that were kept came about; what was deleted by hand, and is not there now, is remembered."""
    told = []
    for entry in entries:
        there, sums = set(entry.labels or ()), sums_from_json(entry.pixels)
        own = {label: pixels for label, pixels in sums.items() if label in kept or label not in now}
        if own or there & kept:
            told.append(replace(entry, labels=sorted(there & kept), pixels=sums_to_json(own)))
    return told


def _features(
    before: pd.DataFrame | None,
    after: NDArray[np.integer],
    objects: dict[int, ResultObject],
    made: Sequence[Change],
) -> pd.DataFrame | None:
    """Return a row for each object; what a person said of it stays, what was measured of other pixels does not."""
    import pandas as pd

    if before is None or "index" not in before:
        before = pd.DataFrame({"index": np.zeros(0, np.int64)})
    by_label = {change.label: change for change in made}
    gone = [label for label, change in by_label.items() if change.outcome == "gone"]
    new = [label for label, change in by_label.items() if change.outcome == "new"]
    table = pd.concat([before[~before["index"].isin(gone)], pd.DataFrame({"index": new})], ignore_index=True)
    table["index"] = table["index"].astype(np.int64)
    rows = table["index"].tolist()
    table["area"] = [
        by_label[i].area_after if i in objects else area for i, area in zip(rows, _column(table, "area"), strict=True)
    ]
    for column, value in _TOLD.items():
        if column in before or any(value(known) for known in objects.values()):
            old = _column(table, column)
            table[column] = [value(objects[i]) if i in objects else is_now for i, is_now in zip(rows, old, strict=True)]
    changed = table["index"].isin([label for label, change in by_label.items() if change.outcome == "changed"])
    axes = [*(f"axis{i}" for i in range(after.ndim - 2)), "y", "x"]
    measured = [name for name in table.columns if is_measured(str(name), axes)]
    table[measured] = table[measured].astype(float).mask(changed)
    if "review" in table:
        table["review"] = table["review"].mask(changed, "")
    for column in table.columns:  # texts are empty, not missing
        if column in before and len(before) and before[column].map(type).eq(str).all():
            table[column] = table[column].fillna("")
    return table


def _column(table: pd.DataFrame, name: str) -> list[Any]:
    return list(table[name]) if name in table else [None] * len(table)
