"""Pixels of a Labels layer that were changed: only those, in runs along rows, as a step to take back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_fastsam.layers.labels.features import indexed
from napari_fastsam.layers.labels.pixels import write_pixels
from napari_fastsam.layers.labels.target import pixels_of

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels

Indices = tuple[NDArray[np.intp], ...]
Change = tuple[Indices, Any, Any]
"""Indices of pixels in the layer's data, what they held, and what they hold now."""


@dataclass(frozen=True, eq=False)
class _Runs:
    """Pixels of an array that change from one value to another, in runs that lie one after the other in memory.

    Attributes
    ----------
    starts, lengths
        (R,) place of the first pixel of each run in the flattened array, and how many pixels it has.
    before, after
        (R,) what its pixels held, and hold now.
    """

    shape: tuple[int, ...]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]
    before: NDArray[Any]
    after: NDArray[Any]

    @classmethod
    def of(cls, shape: tuple[int, ...], changes: Iterable[Change]) -> _Runs:
        """Put changes together: of a pixel that changed twice what it held first and holds last."""
        flat, before, after = [], [], []
        for indices, old, new in changes:
            places = np.ravel_multi_index(tuple(map(np.asarray, indices)), shape).ravel()
            flat.append(places.astype(np.int64))
            before.append(np.broadcast_to(np.asarray(old).ravel(), places.shape))
            after.append(np.broadcast_to(np.asarray(new).ravel(), places.shape))
        if not flat:
            return cls(shape, np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, int), np.empty(0, int))
        places, old, new = np.concatenate(flat), np.concatenate(before), np.concatenate(after)
        if (np.diff(places) < 0).any():
            order = np.argsort(places, kind="stable")
            places, old, new = places[order], old[order], new[order]
        first = np.flatnonzero(np.diff(places, prepend=-1))
        last = np.append(first[1:], len(places)) - 1
        places, old, new = places[first], old[first], new[last]
        changed = old != new
        places, old, new = places[changed], old[changed], new[changed]
        breaks = (np.diff(places) != 1) | (np.diff(old) != 0) | (np.diff(new) != 0)
        begins = np.concatenate([[0], np.flatnonzero(breaks) + 1]) if len(places) else np.empty(0, int)
        lengths = np.diff(np.append(begins, len(places)))
        return cls(shape, places[begins], lengths.astype(np.int32), old[begins], new[begins])

    @property
    def nbytes(self) -> int:
        return int(sum(array.nbytes for array in (self.starts, self.lengths, self.before, self.after)))

    @property
    def firsts(self) -> Indices:
        """Indices of the first pixel of each run."""
        return np.unravel_index(self.starts, self.shape)

    def pixels(self) -> tuple[Indices, NDArray[Any], NDArray[Any]]:
        """Return the indices of all pixels, what they held, and what they hold now."""
        within = np.arange(int(self.lengths.sum())) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)
        places = np.repeat(self.starts, self.lengths) + within
        before, after = (np.repeat(values, self.lengths) for values in (self.before, self.after))
        return np.unravel_index(places, self.shape), before, after


class _Painted:
    """How often a layer was painted on, by whomever, less what was taken back here."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, event: object) -> None:
        self.count += 1


_PAINTED: dict[Hashable, _Painted] = {}


def _painted(layer: Labels) -> _Painted:
    """Return the count of a layer, which begins with the first question for it."""
    counter = _PAINTED.get(layer.unique_id)
    if counter is None:
        _PAINTED[layer.unique_id] = counter = _Painted()
        layer.events.paint.connect(counter)
    return counter


def forget_paints(layer: Labels) -> None:
    """Count no more how often a layer is painted on; edits of it count as painted over from then on."""
    counter = _PAINTED.pop(layer.unique_id, None)
    if counter is not None:
        layer.events.paint.disconnect(counter)


class LabelEdit:
    """A change of labels, their features and what is known of how they came about.

    What was painted on its pixels since is left as it is. Where nothing was painted since, napari's own undo is used,
    so that both stay in step, and an edit that napari has taken back already is not taken back twice.

    Parameters
    ----------
    name
        What was done, in a few words.
    layer
        The Labels layer as it is now.
    changes
        The pixels that were changed.
    features, metadata
        What the layer had before.
    """

    def __init__(
        self, name: str, layer: Labels, changes: Iterable[Change], features: pd.DataFrame, metadata: dict[str, Any]
    ) -> None:
        self.name = name
        self.layer = layer
        self._runs = _Runs.of(tuple(pixels_of(layer).shape), changes)
        self._features = features, layer.features.copy()
        self._metadata = metadata, dict(layer.metadata)
        self._paints = _painted(layer).count

    @property
    def nbytes(self) -> int:
        """What is kept for it, in bytes."""
        return self._runs.nbytes + 16 * sum(int(table.size) for table in self._features)

    @property
    def is_empty(self) -> bool:
        """Whether it changed no pixel."""
        return not len(self._runs.starts)

    @property
    def changes_anything(self) -> bool:
        """Whether it changed pixels, features or metadata."""
        (rows, rows_now), (entries, entries_now) = self._features, self._metadata
        told = any(entries.get(key) is not entries_now.get(key) for key in (*entries, *entries_now))
        return told or not self.is_empty or not rows.equals(rows_now)

    @property
    def is_newest(self) -> bool:
        """Whether nobody painted on the layer since."""
        return _painted(self.layer).count == self._paints

    def is_as_before(self) -> bool:
        """Whether its pixels are all as they were before it, whoever made them so."""
        return not self.is_empty and self._holds(self._runs.before)

    def was_redone_by_napari(self) -> bool:
        """Whether, after `undo`, its pixels are all as after it though nobody painted since."""
        return not self.is_empty and _painted(self.layer).count == self._paints - 1 and self._holds(self._runs.after)

    def undo(self) -> None:
        """Put back pixels, features and metadata; what was changed otherwise since stays."""
        self._replay(back=True)

    def redo(self) -> None:
        """Write it again."""
        self._replay(back=False)

    def _replay(self, back: bool) -> None:
        layer, painted = self.layer, _painted(self.layer)
        newest = painted.count == (self._paints if back else self._paints - 1)
        values = (self._runs.before, self._runs.after) if back else (self._runs.after, self._runs.before)
        if not self._fits():
            return
        if newest and not layer.multiscale and not self._holds(values[0]):
            (layer.undo if back else layer.redo)()
        if not self._holds(values[0]):
            self._write(back)
        if newest and not self.is_empty:
            painted.count = self._paints - 1 if back else self._paints
        before, after = self._features if back else reversed(self._features)
        layer.features = _rows_put_back(layer, before, after)
        was, became = self._metadata if back else reversed(self._metadata)
        layer.metadata = _entries_put_back(layer.metadata, was, became)

    def _fits(self) -> bool:
        """Whether the layer has the shape that it had."""
        return tuple(pixels_of(self.layer).shape) == self._runs.shape

    def _holds(self, values: NDArray[Any]) -> bool:
        """Whether the first pixels of all runs have these values, which is quickly seen."""
        fits = self._fits()
        if self.is_empty or not fits:  # where only features changed, labels may be dask's, which has no such index
            return fits
        return bool(np.array_equal(np.asarray(pixels_of(self.layer)[self._runs.firsts]), values))

    def _write(self, back: bool) -> None:
        layer, data = self.layer, pixels_of(self.layer)
        indices, before, after = self._runs.pixels()
        old, new = (after, before) if back else (before, after)
        mine = np.asarray(data[indices]) == old
        where = tuple(axis[mine] for axis in indices)
        write_pixels(layer, [(where, new[mine].astype(data.dtype))], "Try once more.")


def _rows_put_back(layer: Labels, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return a layer's features as before a change; rows, columns and cells that came otherwise stay."""
    import pandas as pd  # here, and the dock opens without it

    if pd.DataFrame(layer.features).equals(after) or "index" not in after:
        return before.copy()
    table = indexed(layer)
    if "index" not in before:
        return table[~table["index"].isin(set(after["index"]))]
    gone = set(after["index"]) - set(before["index"])
    kept = _cells_put_back(table[~table["index"].isin(gone)], before, after)
    back = before[~before["index"].isin(set(kept["index"]))]
    return pd.concat([part for part in (kept, back) if len(part)], ignore_index=True) if len(back) else kept


def _cells_put_back(table: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return rows with what a change made of their cells undone, where it is still in them."""
    old, new = ({label: row for row, label in enumerate(one["index"].tolist())} for one in (before, after))
    table, labels = table.reset_index(drop=True), table["index"].tolist()
    rows = np.array([row for row, label in enumerate(labels) if label in old and label in new], np.intp)
    was_rows, became_rows = ([whose[labels[row]] for row in rows] for whose in (old, new))
    for name in [name for name in table if name in before and name in after]:
        was, became, now = (
            one[name].astype(object).iloc[places].reset_index(drop=True)
            for one, places in ((before, was_rows), (after, became_rows), (table, rows))
        )
        mine = _alike(now, became) & ~_alike(was, became)
        if mine.any():
            column = table[name].astype(object)
            column.iloc[rows[mine]] = was[mine]
            table[name] = column.infer_objects()
    return table


def _alike(one: pd.Series, other: pd.Series) -> NDArray[np.bool_]:
    alike: NDArray[np.bool_] = ((one == other) | (one.isna() & other.isna())).to_numpy(bool)
    return alike


def _entries_put_back(metadata: dict[str, Any], was: dict[str, Any], became: dict[str, Any]) -> dict[str, Any]:
    """Return metadata as before a change; entries that were changed otherwise since stay."""
    changed = {key for key in (*was, *became) if was.get(key) is not became.get(key)}
    mine = {key for key in changed if metadata.get(key) is became.get(key)}
    return {
        **{key: value for key, value in metadata.items() if key not in mine},
        **{key: was[key] for key in mine if key in was},
    }


@contextmanager
def recorded_edit(name: str, layer: Labels, into: Any) -> Iterator[None]:
    """Push what is written into a Labels layer within as one step.

    What is written has to go through napari's own `data_setitem`, so that its undo knows of it.

    Parameters
    ----------
    name
        What is done, in a few words.
    layer
        The Labels layer; features and metadata may be set within too.
    into
        What has a `push`: a `History`, or a `Recorder`.
    """
    changes: list[Change] = []

    def painted(event: Any) -> None:
        changes.extend(change for change in event.value if isinstance(change, tuple) and len(change) == 3)

    features, metadata = layer.features.copy(), dict(layer.metadata)
    _painted(layer)
    layer.events.paint.connect(painted)
    try:
        yield
    finally:
        layer.events.paint.disconnect(painted)
    edit = LabelEdit(name, layer, changes, features, metadata)
    if edit.changes_anything:
        into.push(edit)
