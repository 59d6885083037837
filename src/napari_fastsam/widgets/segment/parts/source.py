"""What is segmented, and by which model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox, PushButton
from napari.layers import Image
from psygnal import Signal

from napari_fastsam.errors import FastSAMError, ModelError
from napari_fastsam.model.weights import weights
from napari_fastsam.widgets.common.controls import DEVICES, layers_of, show_if
from napari_fastsam.widgets.common.model_box import FROM_FILE, ModelBox
from napari_fastsam.widgets.common.model_card import AboutModel
from napari_fastsam.widgets.segment import messages
from napari_fastsam.widgets.segment.parts.panel import Panel

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_fastsam.widgets.common.settings import DockSettings


class SourcePanel(Panel):
    """Image, model and device.

    Parameters
    ----------
    viewer
        Holds the images.
    settings
        The user's.

    Attributes
    ----------
    about
        Unfolds to the card of the model.
    name
        The model that is chosen: also while a file has yet to be named.
    """

    card_thresholds = Signal(object, object)
    """Confidence and overlap that suit the model which was chosen, None where its card says nothing."""

    def __init__(self, viewer: ViewerModel, settings: DockSettings) -> None:
        self._takes_thresholds = settings.thresholds_from_card
        self.image = ComboBox(name="image", choices=layers_of(viewer, Image), tooltip="The image to segment.")
        self.model = ModelBox(
            settings.model,
            name="model",
            tooltip="nuclei and microscopy come with the plugin; FastSAM finds any object. Or a model of your own.",
        )
        self.download = PushButton(
            name="download", text="Download", visible=False, tooltip="Download this model once; then it works offline."
        )
        self.device = ComboBox(
            name="device",
            value=settings.device,
            choices=DEVICES,
            tooltip="Where the network runs. auto: a GPU if there is one.",
        )
        super().__init__(self.image, self.model, self.download, self.device)
        self.about = AboutModel()
        self.name: str = self.model.value
        self.about.show_model(self.name)
        self.tell_changed(self.device)
        self.model.changed.connect(self._model_chosen)

    @property
    def is_available(self) -> bool:
        """Whether the model is on this computer."""
        return weights.is_available(self.name)

    def require_model(self) -> None:
        """Offer to download the model if it is not on this computer.

        Raises
        ------
        ModelError
            If it is not; says how to get it.
        """
        known = weights.known(self.name)
        missing = known if known is not None and not self.is_available else None
        show_if(self.download, missing is not None)
        if missing is not None:
            self.download.text = f"Download {missing.name} ({missing.bytes / 1e6:.0f} MB)"
            raise ModelError(messages.model_missing(missing))

    def offer_models(self, choose: str | None) -> None:
        """Offer the models that there are now, and choose one of them."""
        self.model.refresh()
        if choose is not None:
            self.model.value = choose

    def suggest_thresholds(self) -> None:
        """Tell what the model's card says finds everything best, if it says so and the user wants that."""
        if not self._takes_thresholds or not self.is_available:
            return
        try:
            card = weights.card_for(weights.find(self.name))
        except FastSAMError:
            return  # whoever loads the model says what is wrong with it
        self.card_thresholds.emit(card.conf, card.iou)

    def _model_chosen(self, name: str) -> None:
        if name == FROM_FILE:
            self.model.ask_for_file(instead=self.name, exported=True)
            return
        self.name = name
        self.suggest_thresholds()
        self.about.show_model(name)
        self.changed.emit()
