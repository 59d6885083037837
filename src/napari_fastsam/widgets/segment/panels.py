"""All parts of the dock, and what is set in them as one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_fastsam.layers.answers.request import Controls
from napari_fastsam.layers.planes.look import show_position
from napari_fastsam.widgets.segment.parts.candidates import CandidatesPanel
from napari_fastsam.widgets.segment.parts.canvas import CanvasPanel
from napari_fastsam.widgets.segment.parts.channels import ChannelsPanel
from napari_fastsam.widgets.segment.parts.correct import CorrectPanel
from napari_fastsam.widgets.segment.parts.export import ExportPanel
from napari_fastsam.widgets.segment.parts.labels import LabelsPanel
from napari_fastsam.widgets.segment.parts.others import OthersPanel
from napari_fastsam.widgets.segment.parts.prompts import PromptsPanel
from napari_fastsam.widgets.segment.parts.region import RegionPanel
from napari_fastsam.widgets.segment.parts.search import SearchPanel
from napari_fastsam.widgets.segment.parts.source import SourcePanel
from napari_fastsam.widgets.segment.parts.thresholds import ThresholdsPanel

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_fastsam.layers.planes.channels import Channel
    from napari_fastsam.widgets.common.settings import DockSettings


class Panels:
    """The parts of one dock.

    Parameters
    ----------
    viewer
        The viewer whose layers are offered.
    settings
        The user's.
    """

    def __init__(self, viewer: ViewerModel, settings: DockSettings) -> None:
        self._viewer = viewer
        self.source = SourcePanel(viewer, settings)
        self.channels = ChannelsPanel(viewer)
        self.region = RegionPanel()
        self.prompts = PromptsPanel(viewer)
        self.search = SearchPanel(settings, self.prompts.example.native)
        self.thresholds = ThresholdsPanel(settings)
        self.candidates = CandidatesPanel()
        self.canvas = CanvasPanel()
        self.labels = LabelsPanel(viewer, settings)
        self.export = ExportPanel()
        self.others = OthersPanel(viewer)
        self.correct = CorrectPanel()
        self._rows = (
            self.source, self.region, self.prompts, self.thresholds, self.candidates, self.labels, self.export,
            self.canvas, self.others,
        )  # fmt: skip
        self.channels.search_wanted.connect(self._search_in)
        self.labels.labels.changed.connect(lambda *_: self.offer_planes())
        self.source.card_thresholds.connect(self.thresholds.suit)
        self.source.suggest_thresholds()

    @property
    def controls(self) -> list[Any]:
        """All controls in the order in which they stand in the dock."""
        return [control for panel in self._rows for control in panel.controls]

    def connect(self, moved: Callable[..., object], changed: Callable[..., object]) -> None:
        """Have it told when a slider moved, and when something else changed."""
        for panel in (*self._rows, self.search, self.channels):
            panel.moved.connect(lambda: moved())
            panel.changed.connect(lambda: changed())

    def offer_planes(self) -> None:
        """Offer to correct labels on all planes, where their layer, or else the image, has several."""
        layer = self.labels.labels.value or self.source.image.value
        shape = () if layer is None else (layer.data[0] if layer.multiscale else layer.data).shape[: layer.ndim]
        self.correct.offer_planes(sum(n > 1 for n in shape) > 2)

    def _search_in(self, channel: Channel) -> None:
        """Look at one channel alone."""
        if self.channels.value:
            self.channels.tick(axis=channel.axis)
        if channel.axis is None:
            self.source.image.value = channel.image
        else:
            show_position(self._viewer, channel.image, channel.axis, channel.position)

    def freeze(self) -> Controls | None:
        """Return what is set as a value, or None if there is no image.

        Raises
        ------
        ParameterError
            If the thresholds contradict each other.
        """
        source, region, search, thresholds = self.source, self.region, self.search, self.thresholds
        if source.image.value is None:
            return None
        return Controls(
            image=source.image.value,
            points=self.prompts.points.value,
            shapes=self.prompts.shapes.value,
            model=source.name,
            device=source.device.value,
            imgsz=int(thresholds.imgsz.value) or None,
            task=region.task.value,
            region=region.region.value,
            thresholds=thresholds.thresholds,
            texts=search.texts,
            exemplars=search.exemplars,
            text_encoder=search.text_encoder,
            search=search.search,
            classes=search.by_class,
            tiling=thresholds.tiling,
            axis=region.stack.axis.value,
            linking=region.linking,
            channels=self.channels.value,
            fine_edges=thresholds.fine_edges.value,
            others=self.others.others.value,
        )

    def require_models(self, controls: Controls) -> None:
        """Offer to download what is not on this computer and is needed.

        Raises
        ------
        ModelError
            If something is not; says how to get it.
        """
        self.source.require_model()
        if controls.texts and controls.task == "prompts":
            self.search.require_encoder()
