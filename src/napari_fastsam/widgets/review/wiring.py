"""What the dock *Review* hears: its buttons, the viewer's layers, and what others do to labels under review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox

from napari_fastsam.layers.contents import hear_refills
from napari_fastsam.widgets.common.dock import Dock
from napari_fastsam.widgets.common.layer_box import offer_layers

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_fastsam.layers.review.review import LabelReview
    from napari_fastsam.widgets.common.headline import Headline
    from napari_fastsam.widgets.common.icons import ThemedIcons
    from napari_fastsam.widgets.review.view import ObjectView
    from napari_fastsam.widgets.review.work import MeasuringWork


class ReviewWiring(Dock):
    """The part of the dock that hears of things."""

    labels_layer: ComboBox
    order: ComboBox
    headline: Headline
    _icons: ThemedIcons
    _review: LabelReview | None
    _work: MeasuringWork
    _view: ObjectView
    _soon: Any
    _writing: bool
    _correcting: bool
    _has_others: bool

    def _wire(self) -> None:
        listed = self._viewer.layers.events
        self._always.connect((listed.inserted, listed.removed, listed.renamed), self._refresh_choices)
        hear_refills(self._viewer, self._always, self._layers_let_go, self._layers_refilled)
        for part in (self._icons, self.headline):
            self._always.connect((self._viewer.events.theme,), lambda *_, part=part: part.theme_changed())
        self.labels_layer.changed.connect(self._layer_chosen)
        self.order.changed.connect(self._order_chosen)
        actions = self.actions
        for button, action in (
            (actions.right_button, self.right),
            (actions.wrong_button, self.wrong),
            (actions.delete_button, self.delete),
            (actions.correct_button, self.correct),
            (actions.back_button, self.back),
            (actions.later_button, self.later),
            (actions.anew_button, self.begin_anew),
            (actions.effort_button, self.save_effort),
        ):
            button.changed.connect(lambda *_, action=action: action())

    def _order_chosen(self, share: float) -> None:
        if self._review is not None:
            self._review.share = share
            self._go_on()

    def _told_otherwise(self, event: Any = None) -> None:
        """Say what there is once steps were taken back, or somebody else has changed what is told of labels."""
        if not self._writing and not self._correcting and self._review is not None:
            self._has_others |= getattr(event, "type", "") in ("paint", "labels_update")
            self._soon()

    def _catch_up(self) -> None:
        if not self._closed and not self._correcting:
            self._show_current(go=False)

    def _layers_let_go(self, layers: tuple[Layer, ...]) -> None:
        if self.labels_layer.value in layers:
            self._work.outdate()
            self._let_go()
            self._view.hide()  # to remove a layer takes napari longer

    def _layers_refilled(self, layers: tuple[Layer, ...]) -> None:
        if self.labels_layer.value in layers:
            self._look_for_objects()

    def _refresh_choices(self, *_: Any) -> None:
        """Offer the Labels layers that there are now; a choice stays as long as its layer does."""
        if offer_layers(self.labels_layer):
            self._layer_chosen()
