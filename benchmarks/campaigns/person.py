"""Somebody works for two hours: clicks, planes, models, docks opened and closed; nothing gets slower or larger."""

from __future__ import annotations

import functools
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from campaigns.campaign import Campaign
from campaigns.window import Window, collected, settings_aside

SHARE = 12
"""The first ten minutes of two hours are the twelfth part; in a shorter session it is the twelfth part too."""


class Person(Campaign):
    """A session in a drawn window; each action counts, without the pauses that a person makes.

    A person who looks between two clicks does about one thing in three seconds: 2400 in two hours.
    """

    name = "person"
    must_hold = "memory and event time at the end within 10 % of the first ten minutes"
    goal = 2400
    unit = "actions"

    def begin(self, folder: Path) -> None:
        """Open the window with a stack, a picture and the dock."""
        super().begin(folder)
        settings_aside(folder)
        self.window = Window(shown=True)
        from napari_fastsam.model.network import segmenter
        from napari_fastsam.model.weights.weights import find
        from napari_fastsam.samples import fluorescence_nuclei, nuclei_3d

        self._segmenter, self._real = segmenter, segmenter.load_model
        segmenter.load_model = functools.cache(segmenter.load_model)
        self.other_model = folder / "other.pt"
        shutil.copy(find("nuclei"), self.other_model)
        viewer = self.window.viewer
        self.image = viewer.add_image(fluorescence_nuclei()[0][0][:256, :320], name="cells", contrast_limits=(0, 80))
        self.stack = viewer.add_image(np.asarray(nuclei_3d()[0][0])[:12], name="stack", visible=False)
        self.dock: Any = None
        self._open_dock()
        self.times: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self.memory: list[float] = []
        self.actions: tuple[Callable[[np.random.Generator], None], ...] = (
            *[self.click] * 8, *[self.slide] * 4, self.undo, self.undo, self.add, self.everything, self.other_image,
            self.plane, self.plane, self.change_model, self.reopen, self.other_dock,
        )  # fmt: skip

    def end(self) -> None:
        """Close it."""
        self.window.close_dock(self.dock)
        self.window.close()
        self._segmenter.load_model = self._real

    def try_case(self, rng: np.random.Generator) -> str:
        """Do one thing, and wait for the answer."""
        action = self.actions[rng.integers(len(self.actions))]
        number, begin = len(self.memory), time.perf_counter()
        action(rng)
        self.window.settle(self.dock)
        self.times[action.__name__].append((number, time.perf_counter() - begin))
        self.memory.append(collected() if number % 10 == 0 else self.memory[-1])
        self.window.check()
        return action.__name__.replace("_", " ")

    def figures(self) -> dict[str, Any]:
        """Return the times and the memory of the first and the last twelfth."""
        part = max(len(self.memory) // SHARE, 1)
        ends = len(self.memory) - part
        rows = []
        for name, times in self.times.items():
            first = [seconds for number, seconds in times if number < 2 * part]
            last = [seconds for number, seconds in times if number >= ends - part]
            if len(first) > 2 and len(last) > 2:
                rows.append(f"{name} {1e3 * np.median(first):.0f} → {1e3 * np.median(last):.0f} ms")
        first, last = np.median(self.memory[part // 2 : part + 1]), np.median(self.memory[-part:])
        return {"memory": f"{first:.0f} → {last:.0f} MB ({last / first - 1:+.0%})", "times": "; ".join(rows)}

    # ---------------------------------------------------------------- what is done

    def _open_dock(self) -> None:
        from napari_fastsam.widgets import FastSAMWidget

        self.dock = self.window.open_dock(FastSAMWidget, "FastSAM")
        self.dock.image.value = self.image
        self.window.settle(self.dock)

    def click(self, rng: np.random.Generator) -> None:
        """Point at something."""
        if self.dock.points.value is None or self.dock.points.value not in self.window.viewer.layers:
            self.dock.make_prompt_layers()
        points = self.dock.points.value
        image = self.dock.image.value
        if len(points.data) > 30:
            self.dock.clear_prompts()
        place = np.array(self.window.viewer.dims.point)[-points.ndim :]
        place[-2:] = rng.random(2) * np.array(image.data.shape[-2:])
        points.add([place])

    def slide(self, rng: np.random.Generator) -> None:
        """Move the confidence."""
        self.dock.conf.value = float(rng.integers(2, 8)) / 10

    def undo(self, rng: np.random.Generator) -> None:
        """Take something back."""
        self.dock.undo()

    def add(self, rng: np.random.Generator) -> None:
        """Add to the labels; now and then with new labels."""
        layer = self.dock.commit()
        if layer is not None and rng.integers(3) == 0:
            self.window.viewer.layers.remove(layer)

    def everything(self, rng: np.random.Generator) -> None:
        """Find everything, and go back to prompts."""
        self.dock.task.value = "everything"
        self.window.settle(self.dock)
        self.dock.task.value = "prompts"

    def other_image(self, rng: np.random.Generator) -> None:
        """Go on with the other image."""
        other = self.stack if self.dock.image.value == self.image else self.image
        for layer in (self.image, self.stack):
            layer.visible = layer == other
        self.dock.image.value = other

    def plane(self, rng: np.random.Generator) -> None:
        """Go to another plane of the stack."""
        self.window.viewer.dims.set_current_step(0, int(rng.integers(0, 12)))

    def change_model(self, rng: np.random.Generator) -> None:
        """Take another model."""
        mine = str(self.other_model)
        self.dock.model.value = mine if self.dock.model.value == "nuclei" else "nuclei"

    def reopen(self, rng: np.random.Generator) -> None:
        """Close the dock, and open it again."""
        self.window.close_dock(self.dock)
        self._open_dock()

    def other_dock(self, rng: np.random.Generator) -> None:
        """Open another dock for a moment."""
        from napari_fastsam.widgets.classes import ClassesWidget
        from napari_fastsam.widgets.compare import CompareWidget
        from napari_fastsam.widgets.project import AnnotateFolderWidget
        from napari_fastsam.widgets.review import ReviewWidget
        from napari_fastsam.widgets.train import TrainWidget

        kinds = (CompareWidget, TrainWidget, ReviewWidget, ClassesWidget, AnnotateFolderWidget)
        dock = self.window.open_dock(kinds[rng.integers(len(kinds))], "another")
        self.window.let_happen(0.05)
        self.window.close_dock(dock)
