"""Where the parts of the dock stand: what everyone needs, in sight; what some need, behind titles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton, QScrollArea, QVBoxLayout, QWidget

from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.frame import folded_text
from napari_fastsam.widgets.segment import shortcuts

if TYPE_CHECKING:
    from napari_fastsam.widgets.common.icons import ThemedIcons
    from napari_fastsam.widgets.segment.panels import Panels

PRIMARY = "napari-fastsam-primary"
"""The object name of the one button that most of the work ends with."""

_MARGINS = (8, 4, 8, 4)


def make_rows(panels: Panels, actions: Any, icons: ThemedIcons) -> QScrollArea:
    """Put all parts of the dock below each other; what is too much for the window scrolls.

    Parameters
    ----------
    panels
        The parts.
    actions
        The buttons that act on what was found.
    icons
        The theme's.
    """
    content = QWidget()
    rows = QVBoxLayout(content)
    rows.setContentsMargins(*_MARGINS)
    rows.setSpacing(4)
    rows.addWidget(_always(panels, actions, icons))
    for folded in folds(panels):
        rows.addWidget(folded)
    rows.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area


def folds(panels: Panels) -> list[QWidget]:
    """Return what is behind titles, from top to bottom. A further part is a line here."""
    return [
        panels.channels,
        panels.search,
        panels.region.fold,
        Folded("Measure and export", lambda: _measure_and_export(panels), "Measure the objects; write them as files."),
        Folded("Advanced", lambda: _advanced(panels), "Device, region, sizes, areas, prompt layers, live."),
        folded_text("Shortcuts", shortcuts.as_html(), "What each key does, on the image and in the dock. (?)"),
    ]


def _always(panels: Panels, actions: Any, icons: ThemedIcons) -> QWidget:
    """Make the rows that lead from an image to labels."""
    source, region, prompts, candidates = panels.source, panels.region, panels.prompts, panels.candidates
    fields = Fields()
    fields.add("Image", source.image.native)
    fields.add("Model", source.model.native, _about_button(source.about, icons))
    fields.add_wide(source.download.native)
    fields.add_wide(source.about)
    fields.add_wide(region.task.native)
    fields.add_wide(prompts.tool.native)
    fields.add_wide(prompts.next_point.native)
    fields.add_wide(candidates.alternatives.native, candidates.clear_button.native)
    fields.add("Confidence", panels.thresholds.conf.native)
    fields.add("Object size", panels.thresholds.diameter.native)
    actions.add.native.setObjectName(PRIMARY)
    fields.add_wide(actions.add.native, panels.labels.labels.native)
    return fields


def _about_button(about: Folded, icons: ThemedIcons) -> QWidget:
    """Make the button that shows what is known of the model; the title that does it elsewhere takes a row."""
    about.toggleButton().hide()
    about.hide()
    button = QPushButton()
    icons.on(button, "info")
    button.setCheckable(True)
    button.setFixedWidth(28)
    button.setToolTip("About this model: what it was trained on, how good it was there, and its licence.")

    def show(wanted: bool) -> None:
        about.setVisible(wanted)
        if wanted != about.isExpanded():
            (about.expand if wanted else about.collapse)(animate=False)

    button.toggled.connect(show)
    about.toggled.connect(lambda unfolded: button.setChecked(unfolded))
    return button


def _measure_and_export(panels: Panels) -> QWidget:
    labels, written, fields = panels.labels, panels.export.written, Fields()
    fields.add("Features", labels.outcome.measure_button.native)
    fields.add("Format", written.format.native, written.export_button.native)
    fields.add("Recipe", labels.outcome.recipe.native)
    return fields


def _advanced(panels: Panels) -> QWidget:
    source, prompts, thresholds, areas = panels.source, panels.prompts, panels.thresholds, panels.thresholds.areas
    fields = Fields()
    fields.add("Device", source.device.native)
    fields.add("Region", panels.region.region.native)
    fields.add("Network input", thresholds.imgsz.native)
    fields.add("Overlap", thresholds.iou.native)
    fields.add("Area", areas.native)
    fields.add("Points", prompts.points.native)
    fields.add("Shapes", prompts.shapes.native)
    fields.add_wide(prompts.new_layers.native)
    fields.add("", thresholds.fine_edges.native)
    fields.add("", thresholds.live.native)
    fields.add("", panels.labels.preserve.native)
    return fields
