"""What becomes of the objects that were found: into a Labels layer, measured, as tracks, files or a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_fastsam.errors import LabelsError
from napari_fastsam.io.formats.registry import writer
from napari_fastsam.io.recipes import save_recipe
from napari_fastsam.io.results.names import plain_name
from napari_fastsam.layers.answers.recipes import add_measurements, recipe_of
from napari_fastsam.layers.answers.rivals import rivals_of
from napari_fastsam.layers.answers.tracks import NO_LINKED_OBJECTS, tracks_of
from napari_fastsam.layers.labels.exporting import result_of
from napari_fastsam.layers.napari_versions import show_features
from napari_fastsam.widgets.common.files import file_to_save
from napari_fastsam.widgets.common.headline import Mood
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.exporting import Exporter
from napari_fastsam.widgets.segment.output import replacing

if TYPE_CHECKING:
    from napari.layers import Labels, Tracks

    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.labels.write import Committed
    from napari_fastsam.widgets.segment.engine import Engine


class Accepting:
    """Does with a result what the user decides.

    Parameters
    ----------
    engine
        What works behind the dock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._panel = engine.panels.labels
        self.exporter = Exporter(engine.say)

    def commit(self) -> Labels | None:
        """Put the objects of the preview into the Labels layer chosen, or a new one; None if there is nothing to add.

        Raises
        ------
        LabelsError
            If the layer cannot take them; nothing is lost then.
        """
        engine = self._engine
        engine.updates.flush()  # what was changed a moment ago counts
        result = engine.controller.to_add()
        if result is None:
            return None
        model_hash = engine.session.model_hash(result.request)
        with engine.recorder.step("Add to labels"):
            return self._commit(result, model_hash)

    def _commit(self, result: Result, model_hash: str) -> Labels:
        engine, panel = self._engine, self._panel
        layer, committed = engine.output.commit(
            result,
            panel.labels.value,
            panel.preserve.value,
            model_hash,
            engine.recorder,
            rivals_of(result, engine.session.kept.cache.get(result.request.key)),
        )
        replaced = replacing(result, layer)
        engine.session.added(result, layer)
        self._remember(result, layer, committed)
        engine.following.choices.refresh()
        panel.labels.value = layer
        self._clear_answered(result)
        engine.current.added(result)
        engine.controller.was_added(result, layer)
        if not result.complete:
            engine.updates.soon()  # shows what is left
        engine.updates.flush()  # says what there is now: not the last word
        engine.say(messages.added(committed, layer.name, result, [r.label for r in replaced.values()]), (), Mood.FOUND)
        return layer

    def make_tracks(self) -> Tracks:
        """Add a Tracks layer of the objects that were found on all planes.

        Raises
        ------
        LabelsError
            If there are none.
        """
        shown = self._engine.controller.shown
        if shown is None:
            raise LabelsError(NO_LINKED_OBJECTS)
        tracks = tracks_of(shown)
        self._engine.viewer.add_layer(tracks)
        return tracks

    def measure(self) -> None:
        """Measure the objects of the Labels layer chosen, into its features, and show these in napari's table."""
        image, layer = self._engine.panels.source.image.value, self._panel.labels.value
        if image is None or layer is None:
            self._engine.say(messages.NOTHING_TO_MEASURE)
            return
        count = len(add_measurements(layer, image))
        shown = show_features(self._engine.viewer, layer)
        self._engine.say(messages.measured(count, layer.name, in_table=shown))

    def export(self, path: str | Path | None) -> Path | None:
        """Write the Labels layer chosen in the format chosen, a large one in a thread; None asks for a file.

        Raises
        ------
        FastSAMError
            If the format cannot hold it, or it cannot be written.
        """
        image, layer = self._engine.panels.source.image.value, self._panel.labels.value
        if layer is None:
            self._engine.say(messages.NOTHING_TO_EXPORT)
            return None
        chosen = writer(self._engine.panels.export.format.value)
        name = plain_name((layer if image is None else image).name)
        target = file_to_save(
            self._engine.window, "Export", f"{name}{chosen.ending}", path, Path(f"_{chosen.ending}").suffix
        )
        if target is not None:
            self.exporter.write(chosen, result_of(layer, image), target, layer.name)
        return target

    def save_recipe(self, path: str | Path | None) -> Path | None:
        """Save what is asked for as a recipe; None asks for a file.

        Raises
        ------
        FastSAMError
            If it means nothing on another image, or cannot be written.
        """
        engine = self._engine
        request = engine.controller.request()
        if request is None:
            return None
        exemplars, _ = engine.session.exemplars(request)
        output = engine.panels.export.output
        recipe = recipe_of(request, exemplars, engine.session.model_hash(request), output)
        chosen = file_to_save(engine.window, "Save recipe", "recipe.json", path)
        if chosen is not None:
            save_recipe(recipe, chosen)
            engine.say(messages.recipe_saved(str(chosen)))
        return chosen

    def _remember(self, result: Result, layer: Labels, committed: Committed) -> None:
        """Keep what was accepted and what was taken away: it can be learnt from."""
        request = result.request
        plane = request.plane if result.tiles is None and request.stack is None else None
        objects = {committed.ids[n]: found.crop for n, found in result.by_number.items() if n in committed.ids}
        self._engine.decisions.added(request.controls.image, layer, plane, objects, result.taken_away)

    def _clear_answered(self, result: Result) -> None:
        """Remove the prompts that a result has answered."""
        request, session = result.request, self._engine.session
        if result.links is None:
            points, shapes = session.answered_rows(result)
            session.forget_prompts(request)
            self._engine.panels.prompts.remove(points, shapes, (request.controls.points, request.controls.shapes))
