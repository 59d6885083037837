"""The dock as what shows answers: `layers.answers.screen.Screen`, in a viewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_fastsam.layers.answers.correcting import Corrections
from napari_fastsam.layers.answers.marking import mark_prompts
from napari_fastsam.layers.answers.other_channels import other_channel
from napari_fastsam.layers.answers.request import Controls
from napari_fastsam.layers.answers.results import Result
from napari_fastsam.layers.answers.screen import State, Status
from napari_fastsam.layers.answers.work import Work, error_message
from napari_fastsam.widgets.common.errors import notify
from napari_fastsam.widgets.common.headline import Mood
from napari_fastsam.widgets.segment.current_object import Contour
from napari_fastsam.widgets.segment.output import Output
from napari_fastsam.widgets.segment.panels import Panels
from napari_fastsam.widgets.segment.presenter import Words, present

if TYPE_CHECKING:
    from napari.components import ViewerModel


class DockScreen:
    """Shows answers in the preview, the ranking and the status.

    Parameters
    ----------
    viewer
        Holds the images.
    panels
        What is set.
    output
        The preview.
    contour, corrections
        The outline of the current object, and the labels that are corrected.
    say
        Says a message with its details.
    on_work
        Called when work has begun, or ended: None.
    offer
        Offers what would help with an answer; None = what is said is of no answer.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        panels: Panels,
        output: Output,
        contour: Contour,
        corrections: Corrections,
        say: Callable[..., object],
        on_work: Callable[[Work | None, bool], object],
        offer: Callable[[Result | None], object] = lambda result: None,
    ) -> None:
        self._viewer = viewer
        self._panels = panels
        self._output = output
        self._contour = contour
        self._corrections = corrections
        self._say = say
        self._on_work = on_work
        self._offer = offer

    @property
    def is_live(self) -> bool:
        """Whether the preview follows what changes."""
        return bool(self._panels.thresholds.live.value)

    @property
    def has_preview(self) -> bool:
        """Whether the preview's layer is there."""
        return self._output.preview is not None

    def controls(self) -> Controls | None:
        """Return what is set; None without an image.

        Raises
        ------
        FastSAMError
            If it contradicts itself, or a model is not on this computer.
        """
        controls = self._panels.freeze()
        if controls is not None:
            self._panels.require_models(controls)
            controls = replace(controls, starts=self._corrections.starts(controls.image))
        return controls

    def draw(self, result: Result) -> None:
        """Draw the objects of a result."""
        self._output.draw(result)

    def show(self, result: Result) -> None:
        """Draw a result, the current object's outline, what became of prompts, and its ranking."""
        self._output.show(result)
        self._contour.show(result)
        self._panels.candidates.show_place(result.current)
        mark_prompts(result)
        self._panels.search.show_result(result)
        self._panels.labels.show_count(result.count)

    def clear(self) -> None:
        """Draw nothing."""
        self._output.hide_preview()
        self._contour.hide()
        self._panels.candidates.show_place(None)
        self._panels.search.show_result(None)
        self._panels.labels.show_count(0)

    def remove(self) -> None:
        """Take the preview away."""
        self._panels.labels.show_count(0)
        self._output.remove_preview()
        self._contour.remove()
        self._panels.candidates.show_place(None)

    def tell(self, status: Status) -> None:
        """Say what is going on."""
        words = present(status, self._panels.prompts.tool.value)
        result = status.result if status.state is State.ANSWERED else None
        offer = None if result is None else other_channel(self._viewer, result)
        self._panels.channels.propose(offer)
        self._offer(result)
        if offer is not None:
            words = Words(offer.sentence, (words.message, *words.details), Mood.NOTHING)
        self._say(*words)

    def report(self, error: Exception) -> None:
        """Show an error in napari's notifications."""
        notify(error, error_message(error))

    def work_changed(self, work: Work | None, cancelled: bool = False) -> None:
        """Pass on that work has begun, or ended."""
        self._on_work(work, cancelled)
