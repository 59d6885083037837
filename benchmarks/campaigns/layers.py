"""Layers added, removed, renamed, transformed and replaced while the dock works, in a real napari window."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer, Points, Shapes

from campaigns.campaign import Campaign
from campaigns.window import Window, any_name, collected, settings_aside

ACTIONS = 20


class Layers(Campaign):
    """A dock is asked for objects, and before it has answered, layers change under it.

    One case is 20 changes in the same window; at its end all layers are taken away. In between the window handles
    events for up to 30 ms. At the end the dock has to show what a fresh session finds on what is there then.
    """

    name = "layers"
    must_hold = "no error, no stale result, nothing called by a name, memory flat"
    goal = 10_000
    unit = "changes"
    steps = ACTIONS

    def begin(self, folder: Path) -> None:
        """Open a window with the dock."""
        super().begin(folder)
        settings_aside(folder)
        self.window = Window()
        from napari_fastsam.model.network import segmenter
        from napari_fastsam.samples import fluorescence_nuclei
        from napari_fastsam.widgets import FastSAMWidget

        self._segmenter, self._real = segmenter, segmenter.load_model
        segmenter.load_model = functools.cache(segmenter.load_model)
        self.picture = fluorescence_nuclei()[0][0]
        self.dock = self.window.open_dock(FastSAMWidget, "FastSAM")
        self.dock.imgsz.value = 96
        self.window.settle(self.dock)
        self.memory: list[float] = []
        self.shown = 0
        self.changes: tuple[Callable[[np.random.Generator], None], ...] = (
            self._add_image, self._add_image, self._add_other, self._remove, self._rename, self._transform,
            self._replace, self._replace, self._paint_in_place, self._point, self._point, self._shape, self._run,
            self._choose, self._task, self._sliders, self._commit, self._undo, self._order, self._see, self._threshold,
        )  # fmt: skip

    def end(self) -> None:
        """Close it; memory must be flat."""
        self.window.close_dock(self.dock)
        self.window.close()
        self._segmenter.load_model = self._real

    def figures(self) -> dict[str, Any]:
        """Return what the window took at first, after the first fifth, and at the end."""
        if len(self.memory) < 10:
            return {"results compared": self.shown}
        fifth = len(self.memory) // 5
        first, last = np.median(self.memory[fifth : fifth + 5]), np.median(self.memory[-5:])
        return {"results compared": self.shown, "memory after a fifth, at the end": f"{first:.0f}, {last:.0f} MB"}

    def try_case(self, rng: np.random.Generator) -> str:
        """Change layers while work runs."""
        window, viewer = self.window, self.window.viewer
        try:
            self._add_image(rng)
            for _ in range(ACTIONS):
                self.changes[rng.integers(len(self.changes))](rng)
                if rng.integers(2):
                    window.let_happen(float(rng.random() * 0.03))
            window.settle(self.dock)
            window.check()
            return self._compare()
        finally:
            viewer.layers.clear()
            viewer.dims.ndisplay = 2
            window.settle(self.dock)
            window.errors.clear()
            self.memory.append(collected())

    def _compare(self) -> str:
        """Compare what is shown with what a fresh session finds."""
        from napari_fastsam.errors import FastSAMError
        from napari_fastsam.layers.answers.session import Session

        shown, failure = self.dock.controller.shown, self.dock.controller.failure
        assert failure is None or isinstance(failure.error, FastSAMError), repr(failure)
        if shown is None or failure is not None:
            return "nothing shown"
        now = self.dock.controller.request()
        assert now is not None, "an answer is shown, and nothing can be asked"
        if not self.dock.live.value:
            return "not live"
        fresh = Session(self.window.viewer, 1 << 26)
        request = fresh.request(now.controls)
        list(fresh.work(request))
        expected = fresh.result(request)
        assert expected is not None
        differ = np.count_nonzero((expected.labels > 0) != (shown.labels > 0))
        assert not differ, f"what is shown differs in {differ} pixels from what is there: {self.dock.message}"
        self.shown += 1
        return "compared"

    # ---------------------------------------------------------------- changes

    def _any(self, rng: np.random.Generator, *kinds: type[Layer]) -> Any:
        from napari_fastsam.widgets.common.controls import PREVIEW_KEY

        layers = [
            layer for layer in self.window.viewer.layers if isinstance(layer, kinds or Layer)
            and PREVIEW_KEY not in layer.metadata
        ]  # fmt: skip
        return layers[rng.integers(len(layers))] if layers else None

    def _pixels(self, rng: np.random.Generator, ndim: int | None = None) -> np.ndarray:
        side = int(rng.choice([40, 64, 96]))
        y, x = rng.integers(0, 400, 2).tolist()
        plane = np.array(self.picture[y : y + side, x : x + side])
        kind = rng.integers(4) if ndim is None else 0 if ndim == 2 else 1
        if kind == 1:
            return np.stack([plane, plane[::-1], plane[:, ::-1]])
        return plane.astype(np.float32) / 80 if kind == 2 else plane

    def _add_image(self, rng: np.random.Generator) -> None:
        scale = float(rng.choice([1, 1, 0.5, 3]))
        image = self.window.viewer.add_image(self._pixels(rng), name=any_name(rng))
        image.scale = [scale] * image.ndim

    def _add_other(self, rng: np.random.Generator) -> None:
        kind = rng.integers(3)
        viewer = self.window.viewer
        if kind == 0:
            viewer.add_labels(np.zeros((96, 96), rng.choice(["u1", "i4"])), name=any_name(rng))
        elif kind == 1:
            viewer.add_points(rng.random((2, 2)) * 60, name=any_name(rng))
        else:
            viewer.add_shapes(ndim=2, name=any_name(rng))

    def _remove(self, rng: np.random.Generator) -> None:
        layers = self.window.viewer.layers
        if len(layers):
            layers.remove(layers[int(rng.integers(len(layers)))])

    def _rename(self, rng: np.random.Generator) -> None:
        layer = self._any(rng)
        if layer is not None:
            layer.name = any_name(rng)

    def _transform(self, rng: np.random.Generator) -> None:
        layer = self._any(rng)
        if layer is not None:
            kind = rng.integers(3)
            if kind == 0:
                layer.translate = rng.integers(-20, 20, layer.ndim)
            elif kind == 1:
                layer.scale = [float(rng.choice([0.5, 1, 2]))] * layer.ndim
            else:
                layer.rotate = float(rng.choice([0, 30, 90]))

    def _replace(self, rng: np.random.Generator) -> None:
        image = self._any(rng, Image)
        if image is not None:
            image.data = self._pixels(rng, image.ndim)

    def _paint_in_place(self, rng: np.random.Generator) -> None:
        image = self._any(rng, Image)
        if image is not None:
            image.data = np.array(image.data)[..., ::-1].copy()

    def _point(self, rng: np.random.Generator) -> None:
        points = self.dock.points.value
        if points is None or points not in self.window.viewer.layers:
            self.dock.make_prompt_layers()
            points = self.dock.points.value
        if points is not None:
            points.add([rng.random(points.ndim) * 60])

    def _shape(self, rng: np.random.Generator) -> None:
        shapes = self.dock.shapes.value
        if shapes is not None and shapes in self.window.viewer.layers and shapes.ndim == 2:
            shapes.add_rectangles([rng.random((2, 2)) * 60])

    def _run(self, rng: np.random.Generator) -> None:
        self.dock.run()

    def _choose(self, rng: np.random.Generator) -> None:
        for kind, control in ((Image, self.dock.image), (Points, self.dock.points), (Shapes, self.dock.shapes)):
            layer = self._any(rng, kind)
            if layer is not None and layer in control.choices and rng.integers(2):
                control.value = layer

    def _task(self, rng: np.random.Generator) -> None:
        self.dock.task.value = "everything" if rng.integers(2) else "prompts"

    def _sliders(self, rng: np.random.Generator) -> None:
        dims = self.window.viewer.dims
        if dims.ndim > 2:
            dims.set_current_step(0, int(rng.integers(0, 3)))

    def _commit(self, rng: np.random.Generator) -> None:
        labels = self._any(rng, Labels)
        if labels is not None and labels in self.dock.labels.choices and rng.integers(2):
            self.dock.labels.value = labels
        self.dock.commit()

    def _undo(self, rng: np.random.Generator) -> None:
        (self.dock.undo if rng.integers(3) else self.dock.redo)()

    def _order(self, rng: np.random.Generator) -> None:
        layers = self.window.viewer.layers
        if len(layers) > 1:
            layers.move(int(rng.integers(len(layers))), int(rng.integers(len(layers))))

    def _see(self, rng: np.random.Generator) -> None:
        layer = self._any(rng)
        if layer is not None:
            layer.visible = bool(rng.integers(2))

    def _threshold(self, rng: np.random.Generator) -> None:
        self.dock.conf.value = float(rng.choice([0.2, 0.4, 0.7]))
