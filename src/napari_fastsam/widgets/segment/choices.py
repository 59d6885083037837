"""The dock's choices of layers, kept in step with the viewer's list."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_fastsam.layers.contents import IMAGE_KEY
from napari_fastsam.widgets.common.layer_box import offer_layers, offered_layers

if TYPE_CHECKING:
    from magicgui.widgets import ComboBox
    from napari.components import LayerList, ViewerModel

_TARGETS: WeakKeyDictionary[LayerList, dict[Hashable, Hashable]] = WeakKeyDictionary()
"""The Labels layer that was chosen for each image of a viewer, both by their unique ids: a dock that is closed and
opened again goes on with the labels that it left."""


class LayerChoices:
    """Combo boxes that offer layers.

    Parameters
    ----------
    viewer
        The viewer.
    image
        Chooses the image; follows the layer that the person selects.
    prompts
        Choose prompt layers; take the first that comes while nothing is chosen.
    labels
        Chooses what the objects are added to: for each image what was chosen for it, a new layer before that.
    others
        Chooses whose objects are proposals too; nothing is chosen by itself.
    on_change
        Called when another image or prompt layer is chosen because the list changed.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: ComboBox,
        prompts: tuple[ComboBox, ...],
        labels: ComboBox,
        others: ComboBox,
        on_change: Callable[[], object],
    ) -> None:
        self._viewer = viewer
        self._image = image
        self._prompts = prompts
        self._boxes = (image, *prompts, labels, others)
        self._chosen_by_hand = (labels, others)
        self._labels = labels
        self._on_change = on_change
        self._for: tuple[Hashable, str] | None = None
        self._targets = _TARGETS.setdefault(viewer.layers, {})
        self.left: tuple[str, str] | None = None
        """The Labels layer that was left when another image was chosen, and the image it is for; None = none was."""
        labels.changed.connect(self._target_chosen)

    def target_follows(self) -> None:
        """Choose what was chosen for the image that is chosen now: another image's labels are not added to."""
        image, before = self._image.value, self._for
        if image is None or (before is not None and image.unique_id == before[0]):
            return
        self._for = image.unique_id, image.name
        chosen = self._labels.value
        if before is None and chosen is not None:  # without an image: it is meant for the first that comes
            self._target_chosen()
            return
        target = self._target_of(image)
        if chosen is not None and target is None and before is not None:
            self.left = (chosen.name, before[1])
        elif target is not None:
            self.left = None
        with self._labels.changed.blocked():
            self._labels.value = target

    def _target_of(self, image: Any) -> Any:
        """Return the Labels layer that was chosen for an image; until then that of its folder, or None."""
        there = offered_layers(self._labels)
        if image.unique_id in self._targets:
            wanted = self._targets[image.unique_id]
            return next((layer for layer in there if layer.unique_id == wanted), None)
        name = image.metadata.get(IMAGE_KEY)
        return next((layer for layer in there if name is not None and layer.metadata.get(IMAGE_KEY) == name), None)

    def _target_chosen(self, *_: Any) -> None:
        """Remember what is chosen for this image."""
        image, chosen = self._image.value, self._labels.value
        if image is not None:
            self._targets[image.unique_id] = None if chosen is None else chosen.unique_id
            self.left = None

    def choose_first(self) -> None:
        """Choose the selected image, or the uppermost, and the uppermost prompt layers."""
        for box in (self._image, *self._prompts):
            there = offered_layers(box)
            if there:
                box.value = there[-1]
        self.follow_active()

    def refresh(self) -> None:
        """Offer the layers that there are now; a choice stays as long as its layer does."""
        changed = [self._refresh(box) for box in self._boxes]
        if any(changed):
            self._on_change()

    def follow_active(self) -> None:
        """Choose the layer that is selected, if it is an image."""
        active = self._viewer.layers.selection.active
        image = next((layer for layer in offered_layers(self._image) if layer == active), None)
        if image is not None:
            self._image.value = image

    def _refresh(self, box: ComboBox) -> bool:
        """Return whether another layer is chosen, and it matters for what is asked for."""
        before, known = box.value, offered_layers(box)

        def otherwise(layers: Sequence[Any]) -> Any:
            new = [layer for layer in layers if layer not in known]
            takes_new = before is None and not any(box is one for one in self._chosen_by_hand)
            return new[-1] if new and takes_new else box.value

        return offer_layers(box, otherwise) and box is not self._labels
