"""Examples of what is searched for: kept, saved, loaded, forgotten; and the objects that they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_fastsam.io.exemplars import load_exemplars, save_exemplars
from napari_fastsam.layers.planes.look import go_to
from napari_fastsam.widgets.common.files import file_to_open, file_to_save
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.parts.ranking import RankedObjects

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_fastsam.core.likeness.exemplars import Exemplars
    from napari_fastsam.widgets.segment.engine import Engine


class ExampleSearch:
    """Does what the search's buttons and its table stand for.

    Parameters
    ----------
    engine
        What works behind the dock.
    bind_keys
        Lets the dock's keys work within a widget, until the function that it returns is called.
    """

    def __init__(self, engine: Engine, bind_keys: Callable[[QWidget], Callable[[], None]]) -> None:
        self._engine, self._bind_keys = engine, bind_keys
        self._panel = engine.panels.search

    def open_tab(self) -> None:
        """Show words, examples and the table of what is like them in a tab of its own."""
        window = getattr(self._engine.viewer, "window", None)
        if window is not None and self._panel.tab is None:
            tab = self._panel.make_tab()
            window.add_dock_widget(tab, name="Find similar", area="right")
            tab.closed.connect(self._bind_keys(tab))
            tab.put_beside()

    def close_tab(self) -> None:
        """Take the tab out of the window: its dock ends."""
        tab, window = self._panel.tab, getattr(self._engine.viewer, "window", None)
        if tab is not None and tab.dock is not None and window is not None:
            window.remove_dock_widget(tab.dock)

    def keep(self) -> None:
        """Take the examples on this plane, and those kept before, along to other planes and images."""
        exemplars = self._marked()
        if exemplars is not None:
            self._panel.show_exemplars(exemplars)
            self._engine.updates.soon()

    def forget(self) -> None:
        """Search without the examples that were kept."""
        self._panel.show_exemplars(None)
        self._engine.updates.soon()
        self._engine.say(messages.EXAMPLES_FORGOTTEN)

    def save(self, path: str | Path | None) -> Path | None:
        """Save the examples on this plane, and those kept, into a file; None asks for one."""
        exemplars = self._marked()
        if exemplars is None:
            return None
        chosen = file_to_save(self._engine.window, "Save the examples", "examples.json", path)
        if chosen is not None:
            save_exemplars(exemplars, chosen)
            self._engine.say(messages.examples_saved(exemplars, str(chosen)))
        return chosen

    def load(self, path: str | Path | None) -> None:
        """Search with examples from a file; None asks for one."""
        chosen = file_to_open(self._engine.window, "Load examples", ".json", path)
        if chosen is not None:
            self._panel.show_exemplars(load_exemplars(chosen))
            self._panel.expand(animate=False)
            self._engine.updates.soon()

    def go_to_row(self, row: int) -> None:
        """Show the object of a row of the ranking: the view goes there, outlines it, and selects it in the preview."""
        shown, ranking, preview = (
            self._engine.controller.shown,
            self._panel.table.rows.rows,
            self._engine.output.preview,
        )
        if shown is None or shown.searched is None or not isinstance(ranking, RankedObjects) or preview is None:
            return
        plane, i = shown.request.plane, int(ranking.positions[row])
        y0, x0, y1, x1 = shown.searched.boxes[i].astype(float) - 0.5
        corners = plane.region_to_data([[y0, x0], [y1, x1]])
        low, high = np.minimum(*corners), np.maximum(*corners)
        image = shown.request.controls.image
        go_to(self._engine.viewer, image, (low + high) / 2, np.concatenate([low, high]) + 0.5)
        mask = shown.searched.masks[i]
        if mask.area:
            self._engine.contour.outline(image, plane, mask)
        if ranking.labels[row]:
            preview.selected_label = int(ranking.labels[row])

    def _marked(self) -> Exemplars | None:
        """Return the examples on this plane together with those kept; None, having said why, without any."""
        engine = self._engine
        controls = engine.panels.freeze()
        if controls is None:
            engine.say(messages.NO_IMAGE)
            return None
        exemplars, unanswered = engine.session.exemplars(engine.controller.asking.peek(controls))
        if exemplars is None:
            engine.say(messages.NO_EXAMPLES_TO_KEEP, unanswered)
        return exemplars
