"""Where the parts of the dock stand: what everyone needs, in sight; what some need, behind titles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from napari_fastsam.widgets.common.fields import Fields
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.common.tabbing import order_tabs

if TYPE_CHECKING:
    from napari_fastsam.widgets.common.icons import ThemedIcons
    from napari_fastsam.widgets.segment.panels import Panels

TOOL_ICONS = {"point": "new_points", "box": "rectangle", "outline": "polygon_lasso", "scribble": "path"}
"""napari's icons, by which a tool is known that is known from its layers."""

_MARGINS = (8, 4, 8, 4)


def make_rows(panels: Panels, actions: Any, icons: ThemedIcons, keys: Folded) -> QScrollArea:
    """Put all parts of the dock below each other; what is too much for the window scrolls.

    Parameters
    ----------
    panels
        The parts.
    actions
        The buttons that act on what was found.
    icons
        The theme's.
    keys
        Unfolds to the list of keys.
    """
    content = QWidget()
    rows = QVBoxLayout(content)
    rows.setContentsMargins(*_MARGINS)
    rows.setSpacing(4)
    always = QFrame()  # as what unfolds is one: to frames napari's style adds a pixel
    framed = QVBoxLayout(always)
    framed.setContentsMargins(0, 0, 0, 0)
    framed.addWidget(_always(panels, actions, icons))
    rows.addWidget(always)
    area = QScrollArea()
    for folded in (*folds(panels), keys):
        rows.addWidget(folded)
        folded.toggled.connect(partial(_bring_into_sight, area, folded))
    rows.addStretch(1)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area


def _bring_into_sight(area: QScrollArea, folded: Folded, unfolded: bool) -> None:
    content = area.widget()
    if unfolded and content is not None:
        order_tabs(content)
        content.adjustSize()  # now, and not when Qt gets to it: only what has its height can be scrolled to
        area.ensureWidgetVisible(folded)


def folds(panels: Panels) -> list[Folded]:
    """Return what is behind titles, from top to bottom. A further part is a line here."""
    return [
        panels.channels,
        panels.correct,
        panels.search,
        panels.region.fold,
        Folded("Measure and export", lambda: _measure_and_export(panels), "Measure the objects; write them as files."),
        Folded("Advanced", lambda: _advanced(panels), "Device, region, sizes, areas, prompt layers, live."),
    ]


def _always(panels: Panels, actions: Any, icons: ThemedIcons) -> QWidget:
    """Make the rows that lead from an image to labels."""
    source, region, prompts, candidates = panels.source, panels.region, panels.prompts, panels.candidates
    fields = Fields()
    fields.add("Image", source.image.native)
    fields.add_wide(panels.channels.search_in.native)
    fields.add("Model", source.model.native, _about_button(source.about, icons))
    fields.add_wide(source.download.native)
    fields.add_wide(source.about)
    fields.add_wide(region.task.native)
    fields.add_wide(prompts.tool.native)
    for tool, name in TOOL_ICONS.items():
        icons.on(prompts.tool.buttons[tool].native, name)
    fields.add_wide(prompts.next_point.native)
    for name in ("undo", "redo"):
        button = candidates.steps[name].native
        icons.on(button, name)
        button.setText("")
        button.setFixedWidth(28)
    fields.add_wide(candidates.alternatives.native, candidates.steps.native, candidates.clear_button.native)
    fields.add("Confidence", panels.thresholds.conf.native)
    fields.add("Object size", panels.thresholds.size_shown.fields[0].native)
    icons.fill(actions.add.native, "current", "highlight")
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
    fields.add("Format", written.format.native)
    fields.add("", written.export_button.native, labels.outcome.recipe.native)
    return fields


def _advanced(panels: Panels) -> QWidget:
    source, prompts, thresholds = panels.source, panels.prompts, panels.thresholds
    smallest, largest = thresholds.areas_shown.fields
    fields = Fields()
    fields.add("Device", source.device.native)
    fields.add("Proposals", panels.others.others.native)
    fields.add("Region", panels.region.region.native)
    fields.add("Network input", thresholds.imgsz.native)
    fields.add("Overlap", thresholds.iou.native)
    fields.add("Smallest area", smallest.native)
    fields.add("Largest area", largest.native)
    fields.add("Points", prompts.points.native)
    fields.add("Shapes", prompts.shapes.native)
    fields.add_wide(prompts.new_layers.native)
    fields.add("", thresholds.fine_edges.native)
    fields.add("", thresholds.live.native)
    fields.add("", panels.canvas.filled.native)
    fields.add("", panels.canvas.hover.native)
    fields.add("", panels.labels.preserve.native)
    return fields
