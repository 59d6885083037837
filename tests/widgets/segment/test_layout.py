"""The dock as a newcomer meets it: all in sight, in line and in order, in a window of usual size."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QComboBox, QDockWidget, QPushButton, QScrollArea, QWidget

from napari_fastsam.widgets import FastSAMWidget
from napari_fastsam.widgets.common.fields import FieldName
from napari_fastsam.widgets.common.folded import Folded
from napari_fastsam.widgets.compare import CompareWidget

NUCLEUS = (126.0, 94.0)
OTHER = (147.0, 244.0)
WIDEST = 320
"""Screen pixels that the dock may take."""


@pytest.fixture(params=[(1280, 720), (1400, 900)], ids=lambda size: "{}x{}".format(*size))
def small(bench, request):
    """A bench in a window of a usual size."""
    b = bench(show=True)
    b.viewer.window.resize(*request.param)
    b.qtbot.waitUntil(b.dock.native.isVisible)
    b.qtbot.wait(200)
    return b


def unfold_all(b):
    for folded in b.dock.native.findChildren(Folded):
        if folded.isVisible():
            folded.expand(animate=False)
    content = b.dock.native.findChild(QScrollArea).widget()
    b.qtbot.wait(300)
    b.qtbot.waitUntil(lambda: content.height() >= content.minimumSizeHint().height())


def left_of(widget: QWidget, frame: QWidget) -> int:
    return int(widget.mapTo(frame, QPoint(0, 0)).x())


def test_all_that_leads_to_labels_is_in_sight_without_scrolling(small):
    area = small.dock.native.findChild(QScrollArea)
    assert area.verticalScrollBar().maximum() == 0
    assert small.dock.actions.add.native.isVisible()
    titles = [f.text() for f in small.dock.native.findChildren(Folded) if f.isVisible()]
    assert {"Find similar", "Measure and export", "Advanced", "Shortcuts"} <= set(titles)
    assert "Stack / time" not in titles, "this image has one plane"


def test_it_is_narrow_folded_and_unfolded(small):
    assert small.dock.native.width() <= WIDEST
    unfold_all(small)
    assert small.dock.native.minimumWidth() <= WIDEST


def test_all_fields_begin_at_one_place(small):
    unfold_all(small)
    frame = small.dock.native
    names = [name for name in frame.findChildren(FieldName) if name.isVisible()]
    assert len(names) >= 15
    assert len({left_of(name, frame) for name in names}) == 1
    assert len({name.width() for name in names}) == 1
    fields = [small.dock.image, small.dock.model, small.dock.device, small.dock.points, small.dock.search.encoder]
    assert len({left_of(field.native, frame) for field in fields}) == 1


def test_tab_goes_as_one_reads(small):
    unfold_all(small)
    frame = small.dock.native
    content = frame.findChild(QScrollArea).widget()
    stops, widget = [], small.dock.image.native
    while widget is not None and content.isAncestorOf(widget) and widget not in stops:
        if widget.isVisible() and isinstance(widget, QComboBox | QPushButton):
            stops.append(widget)
        widget = widget.nextInFocusChain()
    places = [(w.mapTo(content, QPoint(0, w.height() // 2)).y(), left_of(w, content)) for w in stops]
    assert len(stops) > 15
    for (above, left), (below, right) in itertools.pairwise(places):
        assert below > above + 6 or (abs(below - above) <= 6 and right > left), places


def test_a_stranger_has_an_object_with_one_click_and_adds_it_with_one_more(bench):
    b = bench(show=True)
    assert b.dock.tool.value == "point"
    assert b.status == "Ready. Click an object in the image, or choose Everything."
    b.mouse_click(NUCLEUS)
    assert b.shown[126, 94] == 1
    assert b.status == "1 object · click further ones, or Add to labels"
    assert b.dock.actions.add.text == "Add to labels · 1"
    b.mouse_click(OTHER)
    assert b.dock.actions.add.text == "Add to labels · 2"
    b.qtbot.mouseClick(b.dock.actions.add.native, Qt.MouseButton.LeftButton)
    b.settle()
    assert b.committed.data[126, 94] == 1
    assert b.committed.data[147, 244] == 2
    assert b.dock.actions.add.text == "Add to labels"


def test_a_drag_on_the_image_moves_it_and_makes_no_prompt(bench):
    b = bench(show=True)
    b.mouse_drag(NUCLEUS, OTHER)
    assert [layer.name for layer in b.viewer.layers] == ["cells"]
    b.mouse_click((-5000.0, 94.0))
    assert [layer.name for layer in b.viewer.layers] == ["cells"], "there is nothing beside the image"


def test_the_first_press_of_a_tool_makes_the_layers_and_a_drag_answers(bench):
    b = bench(show=True)
    b.qtbot.mouseClick(b.dock.tool.buttons["box"].native, Qt.MouseButton.LeftButton)
    assert b.viewer.layers.selection.active == b.dock.shapes.value
    assert b.status == "Ready. Drag a box around an object."
    b.mouse_drag((112.0, 78.0), (140.0, 112.0))
    assert b.shown[126, 94] == 1
    b.qtbot.mouseClick(b.dock.tool.buttons["point"].native, Qt.MouseButton.LeftButton)
    b.mouse_click(OTHER)
    assert b.shown[147, 244] == 2


def test_the_tools_show_what_is_chosen_in_napari(bench):
    b = bench()
    points, shapes = b.prompts()
    assert b.dock.tool.value == "point"
    b.viewer.layers.selection.active = shapes
    shapes.mode = "add_path"
    assert b.dock.tool.value == "scribble"
    shapes.mode = "select"
    assert b.dock.tool.value is None
    shapes.mode = "add_polygon"
    assert b.dock.tool.value == "outline"
    b.viewer.layers.selection.active = b.image
    assert b.dock.tool.value is None
    b.viewer.layers.selection.active = points
    assert b.dock.tool.value == "point"
    b.dock.take_tool(None)
    assert points.mode == "pan_zoom"


def test_minus_and_this_object_are_buttons(bench):
    b = bench(show=True)
    b.mouse_click(NUCLEUS)
    press = b.qtbot.mouseClick
    press(b.dock.next_point.object.buttons["this"].native, Qt.MouseButton.LeftButton)
    press(b.dock.next_point.polarity.buttons["negative"].native, Qt.MouseButton.LeftButton)
    b.mouse_click((140.0, 110.0))
    features = b.dock.points.value.features
    assert features["polarity"].tolist() == ["positive", "negative"]
    assert features["object"].tolist() == [1, 1]
    press(b.dock.next_point.object.buttons["new"].native, Qt.MouseButton.LeftButton)
    press(b.dock.next_point.polarity.buttons["positive"].native, Qt.MouseButton.LeftButton)
    assert b.dock.next_point.object.value == "new"
    b.mouse_click(OTHER)
    assert b.shown[147, 244] == 2


def test_sizes_are_those_of_the_image(bench, cells):
    b = bench(cells, scale=(0.5, 0.5), units=("µm", "µm"), contrast_limits=(0, 80))
    size, thresholds = b.dock._panels.thresholds.size_shown.fields[0], b.dock._panels.thresholds
    assert size.native.text() == "auto"
    size.value = 10
    assert b.dock.diameter.value == pytest.approx(20), "pixels are half a µm"
    thresholds.areas_shown.fields[0].value = 25
    assert b.dock.areas.min_area.value == 100
    assert thresholds.areas_shown.fields[0].native.text() == "25.00 µm²"
    b.dock.diameter.value = 40
    assert size.value == pytest.approx(20)
    b.dock.areas.max_area.value = 40
    b.settle()
    assert "25.00 µm²" in b.status
    assert "10.00 µm²" in b.status


def test_sizes_are_those_of_the_plane_shown_scaled_as_it_is_now(bench):
    b = bench(np.zeros((64, 64, 64), np.uint8), scale=(2, 0.5, 0.5), units=("um",) * 3)
    field = b.dock._panels.thresholds.size_shown.fields[0]
    b.dock.diameter.value = 20
    assert field.value == pytest.approx(10)
    b.viewer.dims.order = (1, 0, 2)
    assert field.value == pytest.approx(20), "rows are z now: a pixel is 2 × 0.5 µm"
    b.image.affine = np.diag([3, 3, 3, 1])
    assert field.value == pytest.approx(60)
    b.image.units = ("nm",) * 3
    assert field.value == pytest.approx(0.06)
    b.image.units = ("pixel",) * 3
    assert field.native.text() == "20 px"


def test_sizes_of_an_image_of_electrons_can_be_read_and_typed(bench, cells):
    b = bench(cells, scale=(4, 4), units=("nm", "nm"), contrast_limits=(0, 80))
    thresholds = b.dock._panels.thresholds
    area, size = thresholds.areas_shown.fields[0], thresholds.size_shown.fields[0]
    b.dock.areas.min_area.value = 50
    assert area.native.text() == "0.000800 µm²"
    area.value = 0.0048
    assert b.dock.areas.min_area.value == 300
    size.value = 0.08
    assert b.dock.diameter.value == pytest.approx(20)
    size.native.stepUp()
    assert b.dock.diameter.value == pytest.approx(22.5)


def test_a_size_beyond_what_can_be_asked_for_is_the_largest(bench, cells):
    b = bench(cells, scale=(4, 4), units=("nm", "nm"), contrast_limits=(0, 80))
    size = b.dock._panels.thresholds.size_shown.fields[0]
    for _ in range(2):
        size.native.setValue(1e8)
        assert b.dock.diameter.value == b.dock.diameter.max
        assert size.value == pytest.approx(b.dock.diameter.max * 0.004)


def test_two_docks_share_a_place_as_tabs(make_napari_viewer, plugin_settings, qtbot, cells):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(cells, name="cells", contrast_limits=(0, 80))
    first, second = FastSAMWidget(viewer), CompareWidget(viewer)
    docked = [viewer.window.add_dock_widget(dock, name=name) for dock, name in ((first, "a"), (second, "b"))]
    window = docked[0].parentWidget()
    qtbot.waitUntil(lambda: window.tabifiedDockWidgets(docked[1]) == [docked[0]])
    assert isinstance(docked[0], QDockWidget)
    for dock in (first, second):
        dock.disconnect_all()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_arrow_of_a_fold_is_seen_in_both_themes(bench, theme):
    b = bench(show=True)
    b.viewer.theme = theme
    b.qtbot.wait(200)
    title = b.dock.search.toggleButton()
    picture = title.grab().toImage().convertToFormat(title.grab().toImage().Format.Format_RGB32)
    width = min(16, picture.width())
    pixels = np.array([[picture.pixelColor(x, y).lightness() for x in range(2, width)] for y in range(3, 20)])
    assert np.ptp(pixels) > 80, "as far from its ground as text is"


def test_what_nobody_set_says_so_and_no_text_is_hidden(bench):
    b = bench(show=True)
    thresholds = b.dock._panels.thresholds
    assert thresholds.imgsz.native.text() == "auto"
    assert [field.native.text() for field in thresholds.areas_shown.fields] == ["any", "any"]
    b.image.name = "a name that is far longer than any row of a list in a narrow dock " * 3
    b.dock._panels.channels.expand(animate=False)
    b.dock.about.expand(animate=False)
    b.qtbot.wait(100)
    assert not b.dock._panels.channels.list.horizontalScrollBar().isVisible()
    about = b.dock.about._brief[0]
    assert about.text().endswith(".")
    assert about.height() >= about.heightForWidth(about.width())
