"""The model that is chosen: whether it is there, what its card suggests, and the offer to download it."""

from __future__ import annotations

from typing import Any

from napari_fastsam.errors import FastSAMError
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.common.model_card import AboutModel
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.controls import FROM_FILE


class ModelChoice:
    """Follows the control that chooses a model.

    Parameters
    ----------
    controls
        The dock's: ``model``, ``download``, ``conf`` and ``iou``.
    thresholds_from_card
        Whether a model's card sets confidence and overlap.
    """

    def __init__(self, controls: Any, thresholds_from_card: bool) -> None:
        self.about = AboutModel()
        self.name: str = controls.model.value
        self._controls = controls
        self._thresholds_from_card = thresholds_from_card
        self._suit_thresholds()

    def choose(self, name: str) -> bool:
        """Take over what is chosen; False if a file has to be named first, which is asked for."""
        if name == FROM_FILE:
            self._controls.model.ask_for_file(instead=self.name, exported=True)
            return False
        self.name = name
        self._suit_thresholds()
        self.about.show_model(name)
        return True

    def missing(self) -> str | None:
        """Offer to download the model if it is not there; returns the sentence that says so."""
        known, button = weights.known(self.name), self._controls.download
        missing = known if known is not None and not weights.is_available(self.name) else None
        # `visible` is False too while the dock is out of sight
        if button.native.isHidden() != (missing is None):
            button.visible = missing is not None
        if missing is None:
            return None
        button.text = f"Download {missing.name} ({missing.bytes / 1e6:.0f} MB)"
        return messages.model_missing(missing)

    def _suit_thresholds(self) -> None:
        """Set confidence and overlap to what the model's card says finds everything best, if it says so."""
        if not self._thresholds_from_card or not weights.is_available(self.name):
            return
        try:
            card = weights.card_for(weights.find(self.name))
        except FastSAMError:
            return  # whoever loads the model says what is wrong with it
        for control, value in ((self._controls.conf, card.conf), (self._controls.iou, card.iou)):
            if value is not None:
                control.value = min(max(value, control.min), control.max)
