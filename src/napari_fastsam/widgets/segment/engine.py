"""What works behind the controls of one dock, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive

from napari_fastsam.layers.answers.cache import MEGABYTE
from napari_fastsam.layers.answers.controller import Controller
from napari_fastsam.layers.answers.correcting import Corrections
from napari_fastsam.layers.answers.session import Session
from napari_fastsam.layers.contents import hear_refills
from napari_fastsam.layers.history.history import History
from napari_fastsam.layers.history.of_viewer import announce, withdraw
from napari_fastsam.layers.history.recorder import Recorder
from napari_fastsam.layers.review.effort import EffortMeter
from napari_fastsam.layers.training.decisions import Decisions
from napari_fastsam.widgets.common.runner import Runner
from napari_fastsam.widgets.segment.current_object import Contour, CurrentObject
from napari_fastsam.widgets.segment.following import Following
from napari_fastsam.widgets.segment.idle_trials import model_trial, size_trial
from napari_fastsam.widgets.segment.offers import offers_for
from napari_fastsam.widgets.segment.output import Output
from napari_fastsam.widgets.segment.restoring import Restoring
from napari_fastsam.widgets.segment.screen import DockScreen
from napari_fastsam.widgets.segment.updates import Updates

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from qtpy.QtWidgets import QWidget

    from napari_fastsam.layers.answers.results import Result
    from napari_fastsam.layers.answers.work import Work
    from napari_fastsam.layers.connections import Connections
    from napari_fastsam.widgets.common.headline import Offer
    from napari_fastsam.widgets.segment.panels import Panels


class Engine:
    """From what is set and happens to what is shown.

    Parameters
    ----------
    viewer
        The viewer that it works on.
    panels
        What is set.
    cache_mb
        Megabytes that the network's results may take.
    say
        Says a message with its details.
    offer
        Shows buttons that do what would help, in place of those that were there.
    on_work
        Called when work has begun, or ended: None.
    always, per_layer
        As in `Following`.

    Attributes
    ----------
    session, controller
        What answers, and what decides when.
    runner
        Runs work beside the viewer.
    sizes, models
        Try other object sizes where little was found, and the other model where this one is not sure.
    decisions
        What was added, and what was taken away: a training set.
    output
        The preview, and what writes into Labels layers.
    contour, corrections, current
        The outline of the current object, the labels that are corrected, and what keys and clicks do with both.
    recorder
        Makes steps, to be taken back, of what is done.
    restoring
        Keeps what is annotated, and offers what an earlier session left.
    updates, following
        When it is answered, and what of the viewer is followed.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        panels: Panels,
        cache_mb: int,
        say: Callable[..., object],
        offer: Callable[[Sequence[Offer]], object],
        on_work: Callable[[Work | None], object],
        always: Connections,
        per_layer: Connections,
    ) -> None:
        self.viewer, self.panels, self.say = viewer, panels, say
        self._on_work, self._offer = on_work, offer
        self._offered: tuple[str, ...] = ()
        self._helps: tuple[Offer, ...] = ()
        self._answer: Result | None = None
        self.session = Session(viewer, cache_mb * MEGABYTE)
        self.sizes = size_trial(self.session, self._tried)
        self.models = model_trial(self.session, self._tried)
        self.output, self.decisions = Output(viewer), Decisions()
        self.updates = Updates(self._update, self._draw_at_once)
        self.contour, self.corrections = Contour(viewer), Corrections(viewer, self.updates.soon)
        screen = DockScreen(
            viewer, panels, self.output, self.contour, self.corrections, say, self._work_changed, self._offer_for
        )
        self.controller = Controller(self.session, screen, self._make_runner)
        kept = self.session.kept
        remembering = (kept.numbering, kept.runs, self.corrections, self.controller.asking)
        self.recorder = Recorder(History(), remembering)
        announce(viewer, self.recorder.history)
        self.recorder.history.replayed.connect(self._replayed)
        self._effort = EffortMeter()
        self.recorder.history.changed.connect(self._count_step)
        self.following = Following(
            viewer, panels, self.controller, self.output, self.updates, self.recorder, always, per_layer
        )
        self.current = CurrentObject(panels, self.session, self.controller, self.updates, self.corrections, say)
        panels.canvas.filled.changed.connect(self.output.fill)
        self.following.hear_prompts(self.current.prompts_changed)
        panels.connect(self.updates.now, self.updates.soon)
        hear_refills(viewer, always, self._layers_let_go, lambda layers: None)
        self.restoring = Restoring(viewer, panels, self.following.choices.refresh, self.offer_again, say)

    @property
    def window(self) -> QWidget:
        """A widget of the dock, above which dialogs open."""
        widget: QWidget = self.panels.labels.labels.native
        return widget

    def begin(self) -> None:
        """Choose layers, answer what they ask, and load the model behind the dock."""
        self.following.begin()
        source = self.panels.source
        if source.is_available:
            self.controller.warm_up(source.name, source.device.value)

    def download(self, name: str) -> None:
        """Fetch a model of the registry, a text model too."""
        from napari_fastsam.widgets.segment.download import downloading

        self.controller.download(lambda: downloading(name, lambda: self.runner.cancelled))

    def end(self) -> None:
        """End what is under way, and take the preview out of the viewer."""
        self.updates.cancel()
        self.restoring.end()
        self.runner.close()
        self.sizes.close()
        self.models.close()
        self._answer = None
        self.output.remove_preview()
        self.contour.remove()
        self.corrections.forget_all()
        withdraw(self.recorder.history)
        self.recorder.forget()
        self.controller.forget_shown()
        self.session.forget()  # napari may hold on to the widget

    def _make_runner(self, on_step: Callable[[str], None], on_done: Callable[[Exception | None, bool], None]) -> Runner:
        self.runner = Runner(on_step, on_done)
        return self.runner

    def _offer_for(self, result: Result | None) -> None:
        """Offer what would help with an answer; buttons that say the same stay, or a press might miss."""
        self._answer = result
        # one after the other: both ask the network
        size = self.sizes.outcome(result, may_begin=not self.models.busy)
        knows_better = self.models.outcome(result, may_begin=not self.sizes.busy)
        self._helps = offers_for(result, self.panels, self.session, size, bool(knows_better))
        self.offer_again()

    def _tried(self) -> None:
        if isalive(self.window) and self.controller.work is None:  # what is under way will be told, and asks again
            self._offer_for(self._answer)

    def offer_again(self) -> None:
        """Offer what would help, and what can be restored."""
        offers = (*self.restoring.offers, *self._helps)
        if tuple(one.text for one in offers) != self._offered:
            self._offered = tuple(one.text for one in offers)
            self._offer(offers)

    def _layers_let_go(self, layers: Iterable[Layer]) -> None:
        self.corrections.forget_all()
        self.decisions.forget(layers)

    def _count_step(self) -> None:
        self._effort.step(self.panels.labels.labels.value)

    def _work_changed(self, work: Work | None, cancelled: bool) -> None:
        if work is not None:
            self.sizes.give_way()
            self.models.give_way()
        elif not cancelled:
            self.updates.cancel()  # what they would ask is asked now
        self._on_work(work)

    def _replayed(self) -> None:
        """Answer what is asked for now that a step was taken back, or done again."""
        self.panels.prompts.show_next()
        self.updates.soon()
        self.updates.flush()

    def _update(self, *_: Any) -> None:
        if isalive(self.window):  # a viewer may be closed while an answer is due
            self.controller.update()

    def _draw_at_once(self, *_: Any) -> None:
        self.controller.draw_at_once()
        self.updates.soon()
