"""The part of the dock in which channels are ticked that are seen together, as colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, PushButton
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_fastsam.core.image.channels import MOST_CHANNELS
from napari_fastsam.layers.planes.channels import (
    Channel,
    axes_of_channels,
    channels_along,
    channels_of_layers,
    layers_at,
)
from napari_fastsam.widgets.common.controls import show_if
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.text import on_button, plain

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_fastsam.layers.answers.other_channels import ChannelOffer

_TITLE = "Channels"
_FEW = "Tick two or three: they are seen together, as the colours of one picture."
_NOTHING = "Nothing lies here beside this image, and it has no axis of channels."
_COLOURS = {2: ("magenta", "green"), 3: ("red", "green", "blue")}
_ROWS = 5


class ChannelsPanel(Folded):
    """Unfolds to a list of layers, or of positions along an axis, that are ticked.

    Parameters
    ----------
    viewer
        Holds the images.
    """

    changed = Signal()
    """Other channels are ticked."""

    search_wanted = Signal(object)
    """The channel that is to be searched alone."""

    moved = Signal()
    """Nothing here is a slider: never emitted."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(_TITLE, self._make, "See two or three channels together, as the colours of one picture.")
        self._viewer = viewer
        self._image: Image | None = None
        self._ticked: list[Image] = []
        self._positions: list[int] = []
        self._axis: int | None = None
        self._offer: ChannelOffer | None = None
        self.search_in = PushButton(name="search_in", visible=False, tooltip="This channel shows what you clicked.")
        self.search_in.changed.connect(self._take_offer)

    @property
    def value(self) -> tuple[Channel, ...]:
        """The channels that are seen together, in their contrast limits of now; empty = the image alone."""
        if self._image is None:
            return ()
        if self._axis is None:
            found = channels_of_layers(self._viewer, self._image, self._ticked)
        else:
            found = channels_along(self._viewer, self._image, self._axis, sorted(self._positions))
        return found if 2 <= len(found) <= MOST_CHANNELS else ()

    def offer(self, image: Image | None) -> None:
        """Offer what lies at the place of an image; what is ticked stays so as long as it lies there."""
        if image is None or self._image is None or image != self._image:
            self._positions = []
            self._axis = None
        self._image = image
        self._ticked = [layer for layer in self._ticked if layer in self._viewer.layers]
        if self.is_built:
            self._fill()

    def tick(self, *chosen: Image | int, axis: int | None = None) -> None:
        """Tick these layers, or these positions along an axis, and nothing else."""
        self.build()
        self._axis = axis
        self._ticked = [one for one in chosen if not isinstance(one, int)]
        self._positions = [one for one in chosen if isinstance(one, int)]
        self._fill()
        self.changed.emit()

    def propose(self, offer: ChannelOffer | None) -> None:
        """Offer to search in another channel than the one that shows nothing; None = there is nothing to offer."""
        self._offer = offer
        if offer is not None:
            self.search_in.text = on_button(offer.action)
        show_if(self.search_in, offer is not None)

    def _take_offer(self, *_: Any) -> None:
        if self._offer is not None:
            self.search_wanted.emit(self._offer.channel)

    # ---------------------------------------------------------------- behind the title

    def _make(self) -> QWidget:
        self.along = ComboBox(name="along", choices=[], tooltip="Layers that lie here, or an axis of this image.")
        self.list = QListWidget()
        self.list.setObjectName("channels")
        self.list.setToolTip(_FEW)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it would cover the last row
        self.hint = QLabel(_FEW)
        self.hint.setWordWrap(True)
        form = QWidget()
        layout = QVBoxLayout(form)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.along.native, self.list, self.hint):
            layout.addWidget(widget)
        self.along.changed.connect(self._axis_chosen)
        self.list.itemChanged.connect(self._item_changed)
        self._fill()
        return form

    def _fill(self) -> None:
        """Show what can be ticked, and what is."""
        image = self._image
        axes = [] if image is None else axes_of_channels(self._viewer, image)
        names = [] if image is None else [(f"along {image.axis_labels[axis]} ({axis})", axis) for axis in axes]
        choices: list[tuple[str, Any]] = [("layers", None), *names]
        if self._axis not in [axis for _, axis in choices]:
            self._axis = None
        with self.along.changed.blocked():
            self.along.choices = choices
            self.along.value = self._axis
        show_if(self.along, len(choices) > 1)
        self.list.blockSignals(True)
        self.list.clear()
        for text, value, ticked in self._rows():
            item = QListWidgetItem(text, self.list)
            item.setToolTip(plain(text))
            item.setData(Qt.ItemDataRole.UserRole, value)
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._show_ticks()

    def _rows(self) -> list[tuple[str, Any, bool]]:
        """Return name, value and whether it is ticked of each row."""
        if self._image is None:
            return []
        if self._axis is None:
            layers = layers_at(self._viewer, self._image)
            return [(layer.name, layer, any(layer == one for one in self._ticked)) for layer in layers]
        count = int(self._image.level_shapes[0][self._axis])
        return [(f"channel {position}", position, position in self._positions) for position in range(count)]

    def _items(self) -> list[QListWidgetItem]:
        return [item for row in range(self.list.count()) if (item := self.list.item(row)) is not None]

    def _axis_chosen(self, axis: int | None) -> None:
        self._axis = axis
        self._fill()
        self.changed.emit()

    def _item_changed(self, _: QListWidgetItem) -> None:
        ticked = [i.data(Qt.ItemDataRole.UserRole) for i in self._items() if i.checkState() == Qt.CheckState.Checked]
        if self._axis is None:
            self._ticked = ticked
        else:
            self._positions = ticked
        self._show_ticks()
        self.changed.emit()

    def _show_ticks(self) -> None:
        """Leave no more to be ticked than there are colours, and say which channel has which."""
        ticked = [text for text, _, is_ticked in self._rows() if is_ticked]
        self.list.blockSignals(True)
        for item in self._items():
            enabled = len(ticked) < MOST_CHANNELS or item.checkState() == Qt.CheckState.Checked
            flags = item.flags() | Qt.ItemFlag.ItemIsEnabled
            item.setFlags(flags if enabled else flags & ~Qt.ItemFlag.ItemIsEnabled)
        self.list.blockSignals(False)
        rows = min(max(self.list.count(), 1), _ROWS)
        height = self.list.sizeHintForRow(0) if self.list.count() else 20
        self.list.setFixedHeight(rows * height + 2 * self.list.frameWidth() + 4)
        colours = _COLOURS.get(len(ticked))
        if colours is not None:
            self.hint.setText(", ".join(f"{name}: {colour}" for name, colour in zip(ticked, colours, strict=True)))
        else:
            self.hint.setText(_FEW if self.list.count() > 1 else _NOTHING)
        self.setText(f"{_TITLE}: {len(ticked)} together" if colours else _TITLE)
