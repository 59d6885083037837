"""What changes in prompt layers, and in what is remembered of prompts, becomes steps of the history."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.connections import Connections
from napari_fastsam.layers.history.history import History, UndoStep
from napari_fastsam.layers.history.label_edit import LabelEdit, forget_paints
from napari_fastsam.layers.history.prompt_rows import PromptRows
from napari_fastsam.layers.memento import Memento, Remembers

if TYPE_CHECKING:
    from napari.layers import Labels, Layer, Points, Shapes


_Rows = Mapping["Points | Shapes", PromptRows]


class DockStep:
    """Prompts before and after, what was remembered of them, and what was written into Labels layers meanwhile."""

    def __init__(
        self, name: str, recorder: Recorder, rows: tuple[_Rows, _Rows], memory: list[Memento], parts: list[UndoStep]
    ) -> None:
        self.name = name
        self.parts = tuple(parts)
        self._recorder = recorder
        self._before, self._after = rows
        self._memory_before, self._memory_after = memory, memory

    @property
    def nbytes(self) -> int:
        """What is kept for it; the rows after it are those before the next."""
        return sum(rows.nbytes for rows in self._before.values()) + sum(part.nbytes for part in self.parts)

    @property
    def layers(self) -> set[Hashable]:
        """The unique ids of the layers that it concerns."""
        return {layer.unique_id for layer in self._before} | layers_of(self.parts)

    def undo(self) -> None:
        """Put prompts, memory and labels back."""
        self._memory_after = self._recorder.memory()
        for part in reversed(self.parts):
            part.undo()
        self._recorder.put_back(self._before, self._memory_before)

    def redo(self) -> None:
        """Do it again."""
        for part in self.parts:
            part.redo()
        self._recorder.put_back(self._after, self._memory_after)


class Recorder:
    """Makes steps of what happens to prompt layers.

    Parameters
    ----------
    history
        Takes the steps.
    remembering
        What else is put back with prompts.
    """

    def __init__(self, history: History, remembering: Iterable[Remembers] = ()) -> None:
        self.history = history
        self._remembering = tuple(remembering)
        self._rows: dict[Points | Shapes, PromptRows] = {}
        self._parts: list[UndoStep] = []
        self._depth = 0
        self._edited = Connections()
        self._heard: dict[Hashable, Labels] = {}
        self._erased = False
        history.changed.connect(self._labels_painted)

    def follow(self, layers: Iterable[Points | Shapes]) -> None:
        """Make steps of what happens to these layers from now on; what they hold already is how they were."""
        self._rows = {layer: self._rows.get(layer) or PromptRows.of(layer) for layer in layers}

    def push(self, step: UndoStep) -> None:
        """Take a step that was just done: a part of what is being done, or one of its own."""
        if self._depth:
            self._parts.append(step)
        else:
            self.history.push(step)
            self._hear(step)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Make one step of all that changes within, if anything does."""
        if self._depth or self.history.is_replaying:
            yield
            return
        memory, self._depth, self._parts = self.memory(), 1, []
        try:
            yield
        finally:
            self._depth = 0
            self._close(name, memory)

    def undo(self) -> UndoStep | None:
        """Take the newest step back; returns it, or None if there is none."""
        with self.step("a change"):  # what no event told of
            pass
        return self.history.undo()

    def redo(self) -> UndoStep | None:
        """Do again what was taken back last; returns it, or None if there is nothing."""
        with self.step("a change"):
            pass
        return self.history.redo()

    def memory(self) -> list[Memento]:
        """Return what is remembered now."""
        return [one.memento() for one in self._remembering]

    def put_back(self, rows: _Rows, memory: list[Memento]) -> None:
        """Let layers hold rows again, and let be remembered what was."""
        for layer, then in rows.items():
            if not then.is_same(PromptRows.of(layer)):
                then.put_into(layer)
            if layer in self._rows:
                self._rows[layer] = PromptRows.of(layer)
        for one, memento in zip(self._remembering, memory, strict=True):
            one.recall(memento)

    def layer_removed(self, layer: Layer) -> None:
        """Forget steps that concern nothing but a layer that is gone."""
        gone = layer.unique_id
        self.history.discard(lambda step: _layers(step) == {gone})

    def layers_refilled(self, layers: Iterable[Layer]) -> None:
        """Forget all steps that concern layers which get other contents: they would be put into those."""
        gone = {layer.unique_id for layer in layers}
        self._rows = {layer: rows for layer, rows in self._rows.items() if layer.unique_id not in gone}
        self.history.discard(lambda step: not gone.isdisjoint(_layers(step)))

    def forget(self) -> None:
        """Forget all steps, and follow nothing any more."""
        self._edited.undo()
        for layer in self._heard.values():
            forget_paints(layer)
        self._heard.clear()
        self._rows.clear()
        self.history.clear()

    def _close(self, name: str, memory: list[Memento]) -> None:
        before, after = {}, {}
        for layer, then in self._rows.items():
            now = PromptRows.of(layer)
            if not now.is_same(then):
                before[layer], after[layer] = then, now
                self._rows[layer] = now
        asked = any(then.asked != now.asked for then, now in zip(memory, self.memory(), strict=True))
        parts, self._parts = self._parts, []
        if before or asked or parts:
            step = DockStep(name, self, (before, after), memory, parts)
            self.history.push(step)
            self._hear(step)

    # ---------------------------------------------------------------- napari's own undo of what was written

    def _hear(self, step: UndoStep) -> None:
        """Hear when napari's own undo takes back what a step wrote."""
        for edit in _edits(step):
            if edit.layer.unique_id not in self._heard:
                self._heard[edit.layer.unique_id] = edit.layer
                events = edit.layer.events
                self._edited.connect((events.paint, events.labels_update), self._labels_painted)
                self._edited.connect((events.set_data,), self._labels_changed)

    def _labels_painted(self, *_: Any) -> None:
        """Remember whether the newest step was painted over: what is erased by hand is not taken back."""
        self._erased = any(edit.is_as_before() for edit in _edits(self.history.done))

    def _labels_changed(self, event: Any) -> None:
        if self._depth or self.history.is_replaying:
            return
        done, undone = self.history.done, self.history.undone
        if not self._erased and any(edit.is_as_before() for edit in _edits(done)):
            self.history.undo()
        elif any(edit.was_redone_by_napari() for edit in _edits(undone)):
            self.history.redo()


def _edits(step: UndoStep | None) -> list[LabelEdit]:
    if isinstance(step, LabelEdit):
        return [step]
    return [edit for part in step.parts for edit in _edits(part)] if isinstance(step, DockStep) else []


def layers_of(steps: Iterable[UndoStep]) -> set[Hashable]:
    """Return the unique ids of the layers that steps concern."""
    return {layer for step in steps for layer in _layers(step)}


def _layers(step: UndoStep) -> set[Hashable]:
    if isinstance(step, LabelEdit):
        return {step.layer.unique_id}
    return getattr(step, "layers", set())
