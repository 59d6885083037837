"""Where results go: the preview layer while a person tries, a Labels layer when they accept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_fastsam.layers.answers.provenance import provenance_of
from napari_fastsam.layers.answers.session import Result
from napari_fastsam.layers.classes.column import class_of_new_objects
from napari_fastsam.layers.history.label_edit import recorded_edit
from napari_fastsam.layers.labels.colours import Colouring
from napari_fastsam.layers.labels.preview import labels_like, make_preview, plane_axes, pyramid, suits, update_preview
from napari_fastsam.layers.labels.starts import Replacement
from napari_fastsam.layers.labels.write import Committed, commit
from napari_fastsam.layers.planes.transforms import units_apply
from napari_fastsam.layers.selected import same_selection
from napari_fastsam.widgets.common.controls import PREVIEW_KEY

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_fastsam.layers.answers.found import SeenTiles
    from napari_fastsam.layers.history.recorder import Recorder

PREVIEW_NAME = "FastSAM preview"
LABELS_NAME = "FastSAM labels"
OUTLINE = 2
"""How wide the outlines of the preview are, in pixels of the image."""

FILLED_OPACITY = 0.5


class Output:
    """Writes results into layers of one viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._preview: Labels | None = None
        self._hidden = False
        self._colouring = Colouring()
        self._drawn: SeenTiles | None = None
        self._colours: Any = None
        self.filled = False

    @property
    def preview(self) -> Labels | None:
        """The preview layer, if it is in the viewer."""
        if self._preview is not None and self._preview not in self._viewer.layers:
            self._preview = None
        return self._preview

    def draw(self, result: Result) -> None:
        """Draw the objects of a result in the preview."""
        image, plane = result.request.controls.image, result.request.plane
        axis = None if result.request.stack is None else result.request.stack.axis
        preview = self.preview
        if preview is not None and not suits(preview, image, plane):
            self.remove_preview()
            preview = None
        if preview is None:
            self._drawn = None
            preview = make_preview(image, plane, result.labels, name=PREVIEW_NAME, axis=axis)
            preview.metadata = {PREVIEW_KEY: True}
            self._colours = None
            self._colour(preview, result, None)
            self._draw_filled(preview)
            self._insert_above(image, preview)
            self._preview = preview
        else:
            changed = self._changed(result)
            self._colour(preview, result, changed)
            update_preview(preview, image, plane, result.labels, axis, changed)
            if self._hidden:  # by us, not by the person
                preview.visible = True
        self._hidden, self._drawn = False, result.tiles

    def _changed(self, result: Result) -> list[tuple[slice, slice]] | None:
        """Return where a result may differ from what is drawn; None = anywhere."""
        now, drawn = result.tiles, self._drawn
        if now is None or drawn is None or now.run is not drawn.run:
            return None
        windows = dict.fromkeys(now.run.canvas.changed_since(drawn.offer.revision))
        return [(slice(y0, y1), slice(x0, x1)) for y0, x0, y1, x1 in windows]

    def show(self, result: Result) -> None:
        """Draw the objects of a result in the preview, and say there what is known of them."""
        self.draw(result)
        preview = self.preview
        if preview is None:
            return
        if result.tiles is not None:
            if result.complete:
                scores = result.scores
                preview.features = {
                    "index": np.array(list(scores), int),
                    "score": np.array(list(scores.values())),
                    **{name: [values.get(number) for number in scores] for name, values in _told(result).items()},
                }
            return
        objects = list(result.by_number.values())
        preview.features = {
            "index": np.array([o.number for o in objects], int),
            "score": np.array([o.score for o in objects]),
            "prompt": [o.prompt for o in objects],
            "why": [o.reason for o in objects],
            **{name: [values.get(o.number) for o in objects] for name, values in _columns(result).items()},
        }

    def fill(self, filled: bool) -> None:
        """Fill the objects of the preview, or draw their outlines."""
        self.filled = filled
        if self.preview is not None:
            self._draw_filled(self.preview)

    def _draw_filled(self, preview: Labels) -> None:
        preview.contour = 0 if self.filled else OUTLINE
        preview.opacity = FILLED_OPACITY if self.filled else 1.0

    def _colour(self, preview: Labels, result: Result, changed: Sequence[tuple[slice, slice]] | None) -> None:
        """Give objects that touch colours that are told apart."""
        colours = self._colouring.update(result.labels, changed)
        if colours is not self._colours:
            self._colours = colours
            preview.colormap = self._colouring.colormap()

    def hide_preview(self) -> None:
        """Empty the preview, if there is one."""
        preview = self.preview
        self._drawn = None
        if preview is not None and not self._hidden:
            if preview.multiscale:
                first = preview.data[0]
                preview.data = pyramid(np.zeros_like(first), plane_axes(first))
                preview.editable = False
            else:
                preview.data[...] = 0
            self._hidden = preview.visible
            preview.visible = False
            preview.refresh(extent=False)

    def forget(self, layer: Any) -> bool:
        """Return whether a layer that was removed from the viewer was the preview; it is forgotten then."""
        ours = self._preview is not None and bool(layer == self._preview)
        if ours:
            self._preview = None
        return ours

    def remove_preview(self) -> None:
        """Take the preview out of the viewer."""
        preview, self._preview = self.preview, None
        if preview is not None:
            self._viewer.layers.remove(preview)

    def commit(
        self,
        result: Result,
        labels: Labels | None,
        preserve: bool,
        model_sha256: str,
        recorder: Recorder,
        more: Mapping[str, Mapping[int, Any]],
    ) -> tuple[Labels, Committed]:
        """Put a result that nothing changes any more into a Labels layer, as a step; None makes a new one.

        `more` are further columns of its features.

        Raises
        ------
        LabelsError
            If the layer cannot take the objects; nothing has been written then.
        """
        request = result.request
        image, plane = request.controls.image, request.plane
        target = labels if labels is not None else labels_like(image, plane, name=LABELS_NAME)
        if labels is None:
            self._insert_above(image, target)
        try:
            with recorded_edit("Add to labels", target, recorder):
                committed = commit(
                    target,
                    image,
                    plane,
                    result.labels,
                    scores=result.scores,
                    provenance=provenance_of(result, model_sha256).to_json(),
                    preserve=preserve,
                    use_units=units_apply(self._viewer),
                    columns={
                        **_told(result),
                        **_columns(result),
                        **class_of_new_objects(target, result.scores),
                        **more,
                    },
                    classes=len(result.questions) if request.controls.classes else 0,
                    windows=result.windows,
                    axis=None if request.stack is None else request.stack.axis,
                    replacing=replacing(result, target),
                )
        except Exception:
            if labels is None:
                self._viewer.layers.remove(target)
            raise
        return target, committed

    def _insert_above(self, image: Any, layer: Any) -> None:
        """Put a layer right above the image, and leave the person's layer active: they go on clicking there."""
        layers = self._viewer.layers
        with same_selection(layers):
            layers.insert(layers.index(image) + 1 if image in layers else len(layers), layer)


def replacing(result: Result, labels: Labels) -> dict[int, Replacement]:
    """Return the labels of a layer that objects of a result replace, by their number in it."""
    return {
        number: found.replaces
        for number, found in result.by_number.items()
        if found.replaces is not None and found.replaces.start.layer == labels
    }


def _told(result: Result) -> dict[str, dict[int, Any]]:
    """Return which prompt each object answers, and why it does, where there are prompts."""
    found = {number: o for number, o in result.by_number.items() if o.prompt}
    if not found:
        return {}
    return {
        "prompt": {number: o.prompt for number, o in found.items()},
        "why": {number: o.reason for number, o in found.items()},
    }


def _columns(result: Result) -> dict[str, dict[int, Any]]:
    """Return what a search adds to the features: by which text an object was found, and how like it is."""
    found = {number: o for number, o in result.by_number.items() if o.text}
    if not found:
        return {}
    return {
        "text": {number: o.text for number, o in found.items()},
        "similarity": {number: o.similarity for number, o in found.items()},
    }
