"""The dock *FastSAM*: where its parts stand, and what their buttons and keys do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_fastsam.widgets.common.controls import make_compact
from napari_fastsam.widgets.common.dock import Dock
from napari_fastsam.widgets.common.errors import notify, report_errors
from napari_fastsam.widgets.common.frame import Frame, folded_text, make_readable
from napari_fastsam.widgets.common.headline import Headline, Mood
from napari_fastsam.widgets.common.icons import ThemedIcons
from napari_fastsam.widgets.common.settings import read_settings
from napari_fastsam.widgets.common.tabbing import order_tabs
from napari_fastsam.widgets.segment import messages, shortcuts
from napari_fastsam.widgets.segment.accepting import Accepting
from napari_fastsam.widgets.segment.corrects_labels import CorrectsLabels
from napari_fastsam.widgets.segment.engine import Engine
from napari_fastsam.widgets.segment.examples import ExampleSearch
from napari_fastsam.widgets.segment.hover import Hover
from napari_fastsam.widgets.segment.label_corrections import LabelCorrections
from napari_fastsam.widgets.segment.layout import make_rows
from napari_fastsam.widgets.segment.panels import Panels
from napari_fastsam.widgets.segment.prompting import Prompting
from napari_fastsam.widgets.segment.serves_project import PredictsAhead, ServesProject
from napari_fastsam.widgets.segment.tools import Tools
from napari_fastsam.widgets.segment.undo_keys import UndoKeys

if TYPE_CHECKING:
    import napari.viewer
    import numpy as np
    from napari.layers import Labels, Points, Shapes, Tracks
    from numpy.typing import NDArray

    from napari_fastsam.errors import FastSAMError
    from napari_fastsam.layers.answers.controller import Controller
    from napari_fastsam.layers.answers.work import RunSummary, Work
    from napari_fastsam.layers.history.recorder import Recorder
    from napari_fastsam.layers.training.decisions import Decisions


WIDTH = 312
"""Screen pixels."""


class FastSAMWidget(Dock, CorrectsLabels, ServesProject):
    """The dock: choose an image, point at objects, add them to a Labels layer.

    Parameters
    ----------
    napari_viewer
        The viewer that it works on.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        settings = read_settings()
        panels = Panels(napari_viewer, settings)
        super().__init__(napari_viewer, "FastSAM", panels.controls, panels.labels.actions, arranged=False)
        self._panels, self._icons = panels, ThemedIcons(napari_viewer)
        self.headline = Headline(self._icons, self.status.native, self.actions.run_button.native)
        self._engine = engine = Engine(
            napari_viewer,
            panels,
            settings.cache_mb,
            self.say,
            self.headline.offer,
            self._show_work,
            self._always,
            self._per_layer,
        )
        self._corrections, self._ahead = LabelCorrections(engine), PredictsAhead(engine)
        self._accepting, self._prompting = Accepting(engine), Prompting(engine)
        self._examples = ExampleSearch(engine, partial(shortcuts.bind_within, self))
        self._tools = Tools(engine, self._prompting, self._always, self._per_layer)
        self._hover = Hover(engine, self._prompting)
        self.search, self.about = panels.search, panels.source.about
        self._lay_out()
        self._wire()
        self._unbind = shortcuts.bind(self, self.list_keys)
        self._undo_keys = UndoKeys(napari_viewer, self.undo, self.redo, self._always)
        engine.begin()

    @property  # type: ignore[misc]
    def labels(self) -> Any:
        """The control that chooses the Labels layer.

        magicgui has an attribute of this name that says whether controls are labelled; it asks for its truth only, and
        a control with a choice in it is true.
        """
        control = self.get_widget("labels")
        return super().labels if control is None else control

    @property
    def controller(self) -> Controller:
        """What decides what is asked, worked on and shown."""
        return self._engine.controller

    @property
    def decisions(self) -> Decisions:
        """What was added to Labels layers, and what was taken away: the dock *Train* learns from it."""
        return self._engine.decisions

    @property
    def recorder(self) -> Recorder:
        """What takes the steps that are taken back, here and in the dock *Review*."""
        return self._engine.recorder

    # ---------------------------------------------------------------- what the user can do

    def run(self, wait: bool = False) -> RunSummary | None:
        """Segment what is asked for now; while work is under way, cancel it.

        Parameters
        ----------
        wait
            Do it here and now and return what was done; otherwise in a thread, with the result in the preview.
        """
        if not wait:
            self.controller.run()
            return None
        return replace(self.controller.run_here(), message=self.message)

    @report_errors
    def commit(self) -> Labels | None:
        """Put the objects of the preview into the Labels layer chosen, or a new one, as one undo step.

        Returns
        -------
        napari.layers.Labels or None
            The layer; None if there is nothing to add, or it could not take them (nothing is lost then).
        """
        return self._accepting.commit()

    def make_prompt_layers(self) -> tuple[Points, Shapes] | None:
        """Add a Points and a Shapes layer for prompts on the image, ready to click."""
        return self._prompting.make_layers()

    def take_tool(self, tool: str | None) -> None:
        """Let the next click or drag on the image draw a `point`, `box`, `outline` or `scribble`; None lets go."""
        self._tools.take(tool)

    def take_point(self) -> None:
        """Let the next click on the image be a point."""
        self.take_tool("point")

    def take_box(self) -> None:
        """Let the next drag on the image be a box."""
        self.take_tool("box")

    def take_outline(self) -> None:
        """Let the next drag on the image be an outline."""
        self.take_tool("outline")

    def take_scribble(self) -> None:
        """Let the next drag on the image be a scribble."""
        self.take_tool("scribble")

    @report_errors
    def make_tracks(self) -> Tracks | None:
        """Add a Tracks layer of the objects that were found on all planes, with divisions."""
        return self._accepting.make_tracks()

    @report_errors
    def save_recipe(self, path: str | Path | None = None) -> Path | None:
        """Save what is asked for as a recipe, to be run on other images; None asks for a file."""
        return self._accepting.save_recipe(path)

    @report_errors
    def export(self, path: str | Path | None = None) -> Path | None:
        """Write the Labels layer chosen as a file, in the format under *write as*; None asks for a name."""
        return self._accepting.export(path)

    @report_errors
    def measure(self) -> None:
        """Measure the objects of the Labels layer chosen, into its features."""
        self._accepting.measure()

    def toggle_polarity(self) -> None:
        """Make the next points, and those selected, negative or positive; the next shapes prompts."""
        self._prompting.toggle_polarity()

    def toggle_object(self) -> None:
        """Let the next prompts correct the object touched last, or each find an object of its own."""
        self._prompting.toggle_object()

    def correct_object(self, layer: Labels, label: int, place: NDArray[np.integer]) -> None:
        """Let the next clicks correct an object of a Labels layer."""
        self._prompting.correct_object(layer, label, place)
        self.take_point()

    def join(self) -> None:
        """Join the prompts that are selected to the current object."""
        self._prompting.join()

    def toggle_example(self) -> None:
        """Make the next points and shapes, and those selected, examples or counter-examples."""
        self._prompting.toggle_example()

    def focus_words(self) -> None:
        """Unfold the search, ready to type what is wanted."""
        self.search.expand(animate=False)
        self.search.words.native.setFocus()

    @report_errors
    def keep_examples(self) -> None:
        """Take the examples on this plane, and those kept before, along to other planes and images."""
        self._examples.keep()

    def forget_examples(self) -> None:
        """Search without the examples that were kept."""
        self._examples.forget()

    @report_errors
    def save_examples(self, path: str | Path | None = None) -> Path | None:
        """Save the examples on this plane, and those kept, into a file; None asks for one."""
        return self._examples.save(path)

    @report_errors
    def load_examples(self, path: str | Path | None = None) -> None:
        """Search with examples from a file; None asks for one."""
        self._examples.load(path)

    def toggle_task(self) -> None:
        """Change between objects at prompts and everything."""
        self._panels.region.toggle_task()

    def larger(self) -> None:
        """Take a larger object for the prompt last touched."""
        self._prompting.step(+1)

    def smaller(self) -> None:
        """Take a smaller object for the prompt last touched."""
        self._prompting.step(-1)

    def take_hovered(self) -> None:
        """Take the object under the cursor: a positive point."""
        self._hover.take()

    def reject_hovered(self) -> None:
        """Reject the object under the cursor: a negative point."""
        self._hover.reject()

    def undo(self) -> None:
        """Take back what was done last: a prompt, a correction, what was cleared, what was added to labels."""
        self._prompting.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self._prompting.redo()

    def offer_models(self, choose: str | None = None) -> None:
        """Offer the models that there are now, for instance after one was trained; and choose one of them."""
        self._panels.source.offer_models(choose)
        if choose is not None and not self.live.value:
            self.controller.run()  # otherwise what is asked for is answered by the model at once

    def clear_prompts(self) -> None:
        """Remove the prompts on this plane."""
        self._prompting.clear()

    def list_keys(self) -> None:
        """Unfold the list of keys, or fold it."""
        keys = self._keys
        (keys.collapse if keys.isExpanded() else keys.expand)(animate=False)

    def say(self, message: str, details: tuple[str, ...] = (), mood: Mood = Mood.NEXT) -> None:
        """Say in the first line what is going on, and in the details which Labels layer was left for another image."""
        message = " ".join(filter(None, (self._engine.restoring.told, message)))
        left = self._engine.following.choices.left
        notes = () if left is None else (messages.new_target(*left),)
        super().say(message, (*notes, *details))
        self.headline.show_message(message, mood)

    def fail(self, error: FastSAMError) -> None:
        """Say what is wrong, also in napari's notifications."""
        self.say(str(error), mood=Mood.WRONG)
        notify(error)

    def end(self) -> None:
        """End the work, and take keys and preview out of the viewer."""
        self._unbind()
        self._undo_keys.release()
        self._examples.close_tab()
        self._tools.end()
        self._hover.end()
        self._ahead.close()
        self._accepting.exporter.close()
        self._engine.end()

    # ---------------------------------------------------------------- layout and wiring

    def _lay_out(self) -> None:
        make_compact([*self, self.actions])
        make_readable(self.status.native)
        listed = shortcuts.KEYS.as_html()
        self._keys = folded_text("Shortcuts", listed, "What each key does, here and on the image. (?)")
        rows = make_rows(self._panels, self.actions, self._icons, self._keys)
        frame = Frame(rows, [], above=[self.headline], width=WIDTH)
        self.root_native_widget.setParent(frame)  # what is not shown yet waits in it
        self.root_native_widget.hide()
        self.lies_in(frame)
        order_tabs(self.headline, rows)
        self._always.connect((self._viewer.events.theme,), self._theme_changed)

    def _theme_changed(self, *_: Any) -> None:
        self._icons.theme_changed()
        self.headline.theme_changed()

    def _wire(self) -> None:
        more = self.stack.more
        for button, action in (
            (self.new_layers, self.make_prompt_layers),
            (self.next_point.join, self.join),
            (self.example, self.toggle_example),
            (self.alternatives.smaller, self.smaller),
            (self.alternatives.larger, self.larger),
            (self.steps.undo, self.undo),
            (self.steps.redo, self.redo),
            (self.clear_button, self.clear_prompts),
            (self.outcome.recipe, self.save_recipe),
            (self.outcome.measure_button, self.measure),
            (self.written.export_button, self.export),
            (more.tracks, self.make_tracks),
            (self.actions.run_button, self.run),
            (self.actions.add, self.commit),
        ):
            button.changed.connect(lambda *_, action=action: action())
        self.download.changed.connect(lambda *_: self._engine.download(self._panels.source.name))
        search = self.search
        self._panels.correct.wanted.connect(self.correct_selected)
        search.download_wanted.connect(self._engine.download)
        search.row_chosen.connect(self._examples.go_to_row)
        for wanted, action in (
            (search.tab_wanted, self._examples.open_tab),
            (search.keep_wanted, self.keep_examples),
            (search.forget_wanted, self.forget_examples),
            (search.save_wanted, self.save_examples),
            (search.load_wanted, self.load_examples),
        ):
            wanted.connect(lambda action=action: action())

    def _show_work(self, work: Work | None) -> None:
        if work is not None:
            self._ahead.give_way()
        self.actions.run_button.text = "Run" if work is None else "Cancel"
