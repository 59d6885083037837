"""Prompts, answers, corrections, edits and undo in any order, on a viewer model with the bundled network.

One case is a session of 40 steps on one image. In half of them nobody paints by hand, and undo has to restore every
pixel of the labels, the features of their layer and the prompts; in the others napari's own brush, fill and undo come
in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Image, Labels
from numpy.typing import NDArray

from campaigns.campaign import Campaign
from napari_fastsam.core.objects import editing
from napari_fastsam.errors import FastSAMError
from napari_fastsam.layers.answers.cache import MEGABYTE
from napari_fastsam.layers.answers.correcting import Corrections, PromptLayers
from napari_fastsam.layers.answers.session import Controls, Session
from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.label_edit import recorded_edit
from napari_fastsam.layers.history.prompt_rows import PromptRows
from napari_fastsam.layers.history.recorder import Recorder
from napari_fastsam.layers.labels.editing import correct_labels, free_numbers, merge_labels, split_label
from napari_fastsam.layers.labels.layer_plane import LayerPlane, plane_at
from napari_fastsam.layers.prompts.new import NEGATIVE, POSITIVE, new_points, new_shapes, remove_rows, set_polarity
from napari_fastsam.layers.prompts.numbering import Numbering
from napari_fastsam.layers.prompts.objects import set_number
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.network import segmenter
from napari_fastsam.samples import fluorescence_nuclei
from napari_fastsam.widgets.segment.output import Output

STEPS = 40
SIDE = 96

SIMPLE = (
    editing.delete, editing.fill_holes, editing.smooth, editing.grow, editing.shrink, editing.keep_largest,
    editing.cut_at_neighbours,
)  # fmt: skip

Pixels = NDArray[np.integer]


@dataclass
class State:
    """All that undo has to restore."""

    pixels: Pixels
    features: pd.DataFrame
    points: PromptRows
    shapes: PromptRows

    def differs(self, other: State) -> str:
        """Return what is not the same; empty = nothing."""
        if not np.array_equal(self.pixels, other.pixels):
            return f"{np.count_nonzero(self.pixels != other.pixels)} pixels"
        if not self.points.is_same(other.points):
            return "the points"
        if not self.shapes.is_same(other.shapes):
            return "the shapes"
        rows = [frame.reset_index(drop=True) for frame in (self.features, other.features)]
        ids = [sorted(map(int, frame["index"])) if "index" in frame else [] for frame in rows]
        return "" if ids[0] == ids[1] else f"the rows of features {ids}"


class Scene:
    """An image with prompt layers and labels, and a user who does anything at all."""

    def __init__(self, rng: np.random.Generator, session: Session, image: Image, by_hand: bool) -> None:
        self.rng, self.session, self.image, self.by_hand = rng, session, image, by_hand
        self.viewer = session.viewer
        self.points = self.viewer.add_layer(new_points(image))
        self.shapes = self.viewer.add_layer(new_shapes(image))
        dtype = rng.choice(["u1", "u2", "i4", "i8"])
        self.labels: Labels = self.viewer.add_layer(Labels(np.zeros((SIDE, SIDE), dtype), name="mine"))
        self.output = Output(self.viewer)
        self.corrections = Corrections(self.viewer, lambda: None)
        self.recorder = Recorder(History(), (self.corrections,))
        self.recorder.follow((self.points, self.shapes))
        self.actions: list[Callable[[], None]] = [
            self.click, self.click, self.click, self.draw, self.move, self.remove, self.turn, self.number,
            self.answer, self.add, self.add, self.correct_label, self.correct, self.correct, self.merge, self.split,
            self.undo, self.undo, self.redo,
        ]  # fmt: skip
        if by_hand:
            self.actions += [self.paint, self.fill, self.napari_undo, self.napari_redo]
        self._before: list[State] = []
        self._after: list[State] = []

    def state(self) -> State:
        """Return what there is now."""
        return State(
            np.array(self.labels.data), self.labels.features.copy(), PromptRows.of(self.points),
            PromptRows.of(self.shapes),
        )  # fmt: skip

    def step(self) -> bool:
        """Do anything at all; returns whether it was refused."""
        action = self.actions[self.rng.integers(len(self.actions))]
        before, steps, top = self.state(), len(self.recorder.history), self.recorder.history.done
        refused = False
        try:
            action()
        except FastSAMError:
            refused = True
            self._same(before, f"{action.__name__} was refused")
        if action not in (self.undo, self.redo) and not self.by_hand:
            self._remember(before, steps, top)
        return refused

    def _remember(self, before: State, steps: int, top: Any) -> None:
        history = self.recorder.history
        if history.done is not top:
            assert len(history) == steps + 1, "one action, one step"
            self._before.append(before)
            self._after.clear()
        else:
            self._same(before, "no step was made")

    def _same(self, before: State, why: str) -> None:
        differs = before.differs(self.state())
        assert not differs, f"{why}, and {differs} changed"

    # ---------------------------------------------------------------- prompts

    def place(self) -> list[float]:
        """Return a place on the image, or a little beside it."""
        return (self.rng.random(2) * (SIDE + 6) - 3).tolist()

    def click(self) -> None:
        """Add a point."""
        with self.recorder.step("a click"):
            self.points.add([self.place()])

    def draw(self) -> None:
        """Add a box, an outline or a scribble."""
        corners = np.array([self.place() for _ in range(int(self.rng.integers(3, 7)))])
        kind = self.rng.integers(3)
        with self.recorder.step("a shape"):
            if kind == 0:
                self.shapes.add_rectangles([corners[:2]])
            elif kind == 1:
                self.shapes.add_polygons([corners])
            else:
                self.shapes.add_paths([corners])

    def move(self) -> None:
        """Move a point."""
        if len(self.points.data):
            with self.recorder.step("a move"):
                moved = self.points.data.copy()
                moved[self.rng.integers(len(moved))] = self.place()
                self.points.data = moved

    def remove(self) -> None:
        """Remove a prompt, or all of a layer."""
        layer = self.points if self.rng.integers(2) else self.shapes
        count = len(layer.data)
        if count:
            rows = set(range(count)) if self.rng.integers(4) == 0 else {int(self.rng.integers(count))}
            with self.recorder.step("removed"):
                remove_rows(layer, rows)

    def turn(self) -> None:
        """Make the next points negative, or positive."""
        set_polarity(self.points, NEGATIVE if self.rng.integers(2) else POSITIVE)

    def number(self) -> None:
        """Let a point speak of an object with a number."""
        if len(self.points.data):
            with self.recorder.step("a number"):
                set_number(self.points, [int(self.rng.integers(len(self.points.data)))], int(self.rng.integers(0, 4)))

    # ---------------------------------------------------------------- answers

    def answer(self) -> Any:
        """Ask the network; nothing that was accepted changes."""
        before = self.state()
        controls = Controls(
            self.image, points=self.points, shapes=self.shapes, device="cpu", imgsz=SIDE,
            task="everything" if self.rng.integers(5) == 0 else "prompts", thresholds=Thresholds(0.3),
            starts=self.corrections.starts(self.image),
        )  # fmt: skip
        request = self.session.request(controls)
        list(self.session.work(request))
        result = self.session.result(request)
        self._same(before, "an answer")
        return None if result is None else self.session.frozen(result)

    def add(self) -> None:
        """Add what is found to the labels: where there is a label nothing changes but what is replaced."""
        result = self.answer()
        if result is None or not len(result.objects):
            return
        preserve, before = bool(self.rng.integers(4)), np.array(self.labels.data)
        with self.recorder.step("Add to labels"):
            self.output.commit(result, self.labels, preserve, "", self.recorder, {})
            points, shapes = self.session.answered_rows(result)
            remove_rows(self.points, points)
            remove_rows(self.shapes, shapes)
        after = np.asarray(self.labels.data)
        changed = before != after
        replaced = [found.replaces.label for found in result.objects if found.replaces is not None]
        assert not (changed & (result.labels == 0) & ~np.isin(before, [0, *replaced])).any(), "beside all objects"
        if preserve:
            assert not (changed & ~np.isin(before, [0, *replaced])).any(), "a label that is kept was written over"

    def correct_label(self) -> None:
        """Let the next clicks correct a label that is there."""
        found = self.any_label()
        if found is None:
            return
        label, place = found
        request = self.session.request(Controls(self.image, points=self.points, shapes=self.shapes, device="cpu"))
        layers = PromptLayers(self.points, self.shapes)
        with self.recorder.step("a correction"):
            self.corrections.take_label(layers, self.image, request.plane, self.labels, label, np.array(place))
            self.points.add([np.array(place) + self.rng.integers(-6, 7, 2)])

    # ---------------------------------------------------------------- edits

    def any_label(self) -> tuple[int, tuple[int, int]] | None:
        """Return a label and a place on it."""
        places = np.argwhere(np.asarray(self.labels.data) > 0)
        if not len(places):
            return None
        y, x = places[self.rng.integers(len(places))].tolist()
        return int(self.labels.data[y, x]), (y, x)

    def edit(self, do: Callable[[LayerPlane, int, tuple[int, int]], Any], may_lose: int = 1) -> None:
        """Correct a label; pixels come from it, from `may_lose` − 1 others, and from background."""
        found = self.any_label()
        if found is None:
            return
        label, place = found
        before = np.array(self.labels.data)
        with self.recorder.step("an edit"), recorded_edit("an edit", self.labels, self.recorder):
            do(plane_at(self.labels, place, (0, 1)), label, place)
        lost = set(np.unique(before[before != np.asarray(self.labels.data)]).tolist()) - {0, label}
        assert len(lost) < may_lose, f"an edit of label {label} took pixels from {lost}"

    def correct(self) -> None:
        """Delete, fill, smooth, grow, shrink, …"""
        verb = SIMPLE[self.rng.integers(len(SIMPLE))]
        self.edit(
            lambda plane, label, place: correct_labels(plane, {label: place}, lambda w, number, _: verb(w, number))
        )

    def merge(self) -> None:
        """Merge a label with another."""
        other = self.any_label()
        if other is not None:
            self.edit(lambda plane, label, place: merge_labels(plane, {label: place, other[0]: other[1]}), 2)

    def split(self) -> None:
        """Part a label along a line, or in two."""
        line = np.array([self.place(), self.place()])
        many = int(self.rng.integers(1, 5))

        def do(plane: LayerPlane, label: int, place: tuple[int, int]) -> None:
            numbers = free_numbers(self.labels, many)
            if many == 1:
                split_label(plane, label, place, lambda w, n, _: editing.split_in_two(w, n, numbers[0]), numbers)
            else:
                split_label(
                    plane,
                    label,
                    place,
                    lambda w, n, corner: editing.split_by_line(w, n, line - corner, numbers),
                    numbers,
                )

        self.edit(do)

    # ---------------------------------------------------------------- by hand, and back

    def paint(self) -> None:
        """Paint with napari's brush."""
        self.labels.brush_size = int(self.rng.integers(1, 12))
        self.labels.paint(self.place(), int(self.rng.integers(0, 9)))

    def fill(self) -> None:
        """Fill with napari's bucket."""
        y, x = self.rng.integers(0, SIDE, 2).tolist()
        self.labels.fill((y, x), int(self.rng.integers(0, 9)))

    def napari_undo(self) -> None:
        """Take back by napari's own undo."""
        self.labels.undo()

    def napari_redo(self) -> None:
        """Do again by napari's own redo."""
        self.labels.redo()

    def undo(self) -> None:
        """Take a step back: all is as it was before it."""
        now = self.state()
        if self.recorder.undo() is not None and not self.by_hand:
            differs = self._before[-1].differs(self.state())
            assert not differs, f"undo did not restore {differs}"
            self._before.pop()
            self._after.append(now)

    def redo(self) -> None:
        """Do a step again: all is as it was after it."""
        now = self.state()
        if self.recorder.redo() is not None and not self.by_hand:
            differs = self._after[-1].differs(self.state())
            assert not differs, f"redo did not restore {differs}"
            self._after.pop()
            self._before.append(now)

    def take_all_back(self) -> None:
        """Undo until nothing is left."""
        while len(self.recorder.history):
            self.undo()
        if not self.by_hand:
            assert not np.asarray(self.labels.data).any(), "all was taken back, and there are labels"


class Edits(Campaign):
    """Prompts, corrections, edits and undo in random order."""

    name = "edits"
    must_hold = "accepted labels change only by what was asked; undo restores to the pixel"
    goal = 100_000
    unit = "steps"
    steps = STEPS

    def begin(self, folder: Path) -> None:
        """Load the bundled model, and show it the image once."""
        super().begin(folder)
        model = segmenter.load_model("nuclei", "cpu")
        self._real, segmenter.load_model = segmenter.load_model, lambda *_, **__: model
        self.refused = 0
        picture = fluorescence_nuclei()[0][0]
        self._pieces = [picture[y : y + SIDE, x : x + SIDE] for y, x in ((80, 60), (0, 0), (300, 400), (200, 200))]
        self._sessions: dict[int, tuple[Session, Image]] = {}

    def end(self) -> None:
        """Let models be loaded again."""
        segmenter.load_model = self._real

    def figures(self) -> dict[str, Any]:
        """Return how many steps were refused."""
        return {"steps refused": f"{self.refused:,}"}

    def try_case(self, rng: np.random.Generator) -> str:
        """Have one session."""
        session, image = self._session(int(rng.integers(len(self._pieces))))
        scene = Scene(rng, session, image, by_hand=bool(rng.integers(2)))
        try:
            for _ in range(STEPS):
                self.refused += scene.step()
            scene.take_all_back()
        finally:
            scene.recorder.forget()
            session.kept.numbering = Numbering()
            for layer in (scene.points, scene.shapes, scene.labels):
                session.viewer.layers.remove(layer)
        return "with painting by hand" if scene.by_hand else "without painting by hand"

    def _session(self, piece: int) -> tuple[Session, Image]:
        if piece not in self._sessions:
            viewer = ViewerModel()
            image = viewer.add_layer(Image(self._pieces[piece], contrast_limits=(0, 80)))
            self._sessions[piece] = Session(viewer, 64 * MEGABYTE), image
        return self._sessions[piece]
