"""The dock finds by words and by examples what looks alike: in a real viewer, with a real CLIP and the real network."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget
from rendered import Scene, render

from napari_fastsam.core.likeness.exemplars import Exemplars
from napari_fastsam.core.likeness.likeness import usual_threshold
from napari_fastsam.io.exemplars import save_exemplars
from napari_fastsam.layers.labels.contour import CONTOUR_NAME
from napari_fastsam.layers.napari_versions import camera
from napari_fastsam.model.text.encoder import ClipEncoder
from napari_fastsam.widgets.segment.dock import WIDTH


@pytest.fixture(scope="module")
def scene() -> Scene:
    return render(5)


@pytest.fixture
def shapes(bench, scene, small_clip):
    """A viewer with the scene, and the dock with the small CLIP chosen."""
    b = bench(scene.picture)
    panel = b.dock.search
    panel.encoder.choices = [*panel.encoder.choices[:-1], str(small_clip), panel.encoder.choices[-1]]
    panel.encoder.value = str(small_clip)
    return b


def say(b, words: str) -> None:
    b.dock.search.words.value = words
    b.dock.search.typed.flush()  # napari's test viewer has no timers
    b.settle()


def labelled(b, scene: Scene) -> dict[str, set[int]]:
    """The names of the shapes that have a label in their middle, with their labels."""
    found: dict[str, set[int]] = {}
    for i, shape in enumerate(scene.shapes):
        y0, x0, y1, x1 = scene.instances.boxes[i].astype(int)
        label = int(b.shown[(y0 + y1) // 2, (x0 + x1) // 2])
        if label:
            found.setdefault(shape.name, set()).add(label)
    return found


def middle(scene: Scene, name: str, which: int = 0) -> list[float]:
    i = [i for i, shape in enumerate(scene.shapes) if shape.name == name][which]
    y0, x0, y1, x1 = scene.instances.boxes[i]
    return [float(y0 + y1) / 2, float(x0 + x1) / 2]


def count(scene: Scene, name: str) -> int:
    return sum(shape.name == name for shape in scene.shapes)


def test_what_is_typed_is_in_the_labels_and_nothing_else(shapes, scene):
    b = shapes
    say(b, "red circle")
    b.dock.search.similarity.value = 0.3
    b.settle()
    found = labelled(b, scene)
    assert set(found) == {"red circle"}
    assert len(found["red circle"]) == count(scene, "red circle")
    assert set(b.preview.features["text"]) == {"red circle"}
    assert (b.preview.features["similarity"] >= 0.3).all()
    assert not b.dock.search.automatic.value

    layer = b.dock.commit()
    assert set(layer.features["text"]) == {"red circle"}
    assert b.dock.search.words.value == "red circle", "what was typed stays"
    assert not b.shown.any(), "and does not come a second time"
    b.dock.run(wait=True)
    assert set(labelled(b, scene)) == {"red circle"}, "unless it is asked for"


def test_what_is_typed_with_the_keyboard_is_searched_for(shapes, scene):
    b = shapes
    b.dock.focus_words()
    field = b.dock.search.words.native
    b.qtbot.keyClicks(field, "red circle")
    b.qtbot.waitUntil(lambda: b.dock.controller.shown is not None and bool(b.dock.controller.shown.questions))
    b.settle()
    assert b.dock.controller.shown.request.controls.texts == ("red circle",)


def test_what_is_folded_is_built_when_it_is_unfolded(bench):
    b = bench()
    assert not b.dock.search.is_built
    assert not b.dock.about.is_built
    b.dock.search.toggleButton().click()
    assert b.dock.search.is_built
    assert b.dock.search.words.native.isVisibleTo(b.dock.native)
    b.dock.search.toggleButton().click()
    assert not b.dock.search.isExpanded()
    b.settle()


def test_each_query_is_a_group_and_with_classes_a_number(shapes, scene):
    b = shapes
    b.dock.search.classes.value = True
    say(b, "green triangle, blue square, green triangle")
    assert labelled(b, scene)["green triangle"] == {1}
    assert labelled(b, scene)["blue square"] == {2}
    layer = b.dock.commit()
    table = layer.features.set_index("index")["text"]
    assert (table[1], table[2]) == ("green triangle", "blue square")


def test_a_further_query_and_threshold_encode_no_object_again(shapes, monkeypatch):
    b = shapes
    say(b, "red circle")
    calls = []
    monkeypatch.setattr(ClipEncoder, "encode_images", lambda _, pictures: calls.append(len(pictures)))
    say(b, "blue square")
    b.dock.conf.value = 0.6
    b.settle()
    assert b.dock.controller.shown.questions[0].similarities.any()
    assert not calls


def test_a_row_of_the_ranking_leads_to_its_object(shapes, scene):
    b = shapes
    say(b, "purple triangle")
    table = b.dock.search.table
    ranking = table.rows.rows
    assert ranking is not None
    assert (np.diff(ranking.similarity) <= 0).all()
    table.selectRow(0)
    b.settle()
    y, x = camera(b.viewer).center[-2:]
    label = b.shown[round(y), round(x)]
    assert label == b.preview.selected_label == ranking.labels[0]
    outline = b.viewer.layers[CONTOUR_NAME]
    assert outline.visible
    corner = np.asarray(outline.data_to_world((0, 0)))
    edge = np.argwhere(np.asarray(outline.data) == 1) + corner
    assert np.abs(edge.mean(axis=0) - [y, x]).max() < 4


def test_words_without_the_text_model_say_how_to_get_it(bench, scene):
    b = bench(scene.picture)
    say(b, "red circle")
    assert "ViT-B/32" in b.status
    assert "Download" in b.status
    assert not b.dock.search.download.native.isHidden()
    say(b, "")
    b.click(middle(scene, "red circle"))
    assert len(b.dock.controller.shown.objects) == 1


def test_a_text_that_is_too_long_is_an_error_and_loses_nothing(shapes, scene):
    b = shapes
    b.click(middle(scene, "red circle"))
    say(b, "cell " * 2000)
    assert "tokens" in b.status
    say(b, "")
    assert labelled(b, scene) == {"red circle": {1}}


def test_examples_by_point_and_by_shape(bench, scene):
    b = bench(scene.picture)
    points, rectangles = b.prompts()
    b.dock.toggle_example()
    assert b.dock.example.text == "★ example"
    b.click(middle(scene, "red circle"))
    assert points.features["polarity"].tolist() == ["example"]
    by_point = labelled(b, scene)
    assert "red circle" in by_point

    y, x = middle(scene, "blue square")
    b.dock.toggle_example()
    assert b.dock.example.text == "★ counter-example"
    rectangles.add_rectangles([[y - 20, x - 20], [y - 20, x + 20], [y + 20, x + 20], [y + 20, x - 20]])
    b.settle()
    assert rectangles.features["polarity"].tolist() == ["counter-example"]
    assert "blue square" not in labelled(b, scene)
    b.dock.commit()
    assert len(points.data) == len(rectangles.data) == 0


def test_a_counter_example_alone_asks_for_an_example(bench, scene):
    b = bench(scene.picture)
    b.prompts()
    b.dock.toggle_example()
    b.dock.toggle_example()
    b.click(middle(scene, "red circle"))
    assert "mark an object" in b.status


def test_examples_are_kept_saved_and_used_on_another_image(bench, scene, tmp_path):
    b = bench(scene.picture)
    b.dock.keep_examples()
    assert "No examples" in b.status
    b.prompts()
    b.dock.toggle_example()
    b.click(middle(scene, "green circle"), middle(scene, "green circle", 1))
    saved = b.dock.save_examples(tmp_path / "green.json")
    assert "Saved 2 examples" in b.status
    b.dock.clear_prompts()
    b.settle()
    other = render(11)
    b.viewer.add_image(other.picture, name="other")
    b.settle()
    b.dock.load_examples(saved)
    b.dock.search.likeness.value = 0.3
    b.settle()
    assert "green circle" in labelled(b, other)
    b.dock.forget_examples()
    b.settle()
    assert not b.shown.any()


def test_examples_of_another_model_are_told_and_what_is_drawn_is_answered(bench, scene, tmp_path):
    b = bench(scene.picture)
    save_exemplars(Exemplars("pooled-1:64:0123456789ab", np.ones((1, 77)), np.zeros((0, 77))), tmp_path / "other.json")
    b.dock.load_examples(tmp_path / "other.json")
    b.click(middle(scene, "red circle"))
    assert labelled(b, scene) == {"red circle": {1}}
    assert "another model" in b.dock.controller.shown.unanswered[0]
    b.dock.keep_examples()
    assert "another model" in b.status


def test_likeness_follows_the_number_of_examples_until_the_slider_is_moved(bench, scene):
    b = bench(scene.picture)
    b.prompts()
    b.dock.toggle_example()
    panel = b.dock.search
    for which in range(2):
        b.click(middle(scene, "green square", which))
        assert panel.by_number.value
        assert b.dock.controller.shown.questions[0].threshold == usual_threshold(which + 1)
        assert panel.likeness.value == pytest.approx(usual_threshold(which + 1), abs=0.006)
    panel.likeness.value = 1.0
    b.settle()
    assert not panel.by_number.value
    assert b.dock.controller.shown.questions[0].threshold == 1
    assert len(labelled(b, scene)["green square"]) >= 2, "the examples themselves are always there"
    panel.by_number.value = True
    b.settle()
    assert panel.likeness.value == pytest.approx(usual_threshold(2), abs=0.006)


@pytest.mark.parametrize("polarity", ["positive", "example", "counter-example"])
def test_the_dock_is_no_wider_than_it_was(bench, scene, polarity):
    b = bench(scene.picture)
    b.prompts()
    b.dock.search.expand(animate=False)
    for _ in range(("positive", "example", "counter-example").index(polarity)):
        b.dock.toggle_example()
    many = np.zeros((12, 77))
    b.dock.search.show_exemplars(Exemplars("kind", many, many))
    assert b.dock.search.forget.text == "Forget 12 + 12"
    assert b.dock.native.minimumWidth() == WIDTH
    assert b.dock.native.sizeHint().width() <= 320
    assert b.dock.native.minimumSizeHint().width() <= 320


def test_the_slider_of_likeness_is_live(bench, scene):
    b = bench(scene.picture)
    b.prompts()
    b.dock.toggle_example()
    b.click(middle(scene, "green square"))
    counts = []
    for value in (0.1, 0.5, 0.9):
        b.dock.search.likeness.value = value
        b.settle()
        counts.append(len(b.dock.controller.shown.objects))
    assert counts[0] > counts[1] >= counts[2] >= 1


def test_enter_asks_at_once(shapes):
    b = shapes
    b.dock.focus_words()
    field = b.dock.search.words.native
    b.qtbot.keyClicks(field, "blue square")
    b.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert not b.dock.search.typed._hasPendingEmission
    b.qtbot.waitUntil(lambda: b.dock.controller.shown is not None and bool(b.dock.controller.shown.questions))
    assert b.dock.controller.shown.request.controls.texts == ("blue square",)
    b.settle()


def test_scores_are_shown_from_0_to_1(shapes):
    b = shapes
    say(b, "blue square")
    ranking, form = b.dock.search.table.rows.rows, b.dock.search.form
    scores = [float(ranking.cell(row, "score").text) for row in range(len(ranking))]
    assert (scores[0], scores[-1]) == (1.0, 0.0)
    assert scores == sorted(scores, reverse=True)
    form.score.value = 0.5
    b.settle()
    shown = [row for row in range(len(ranking)) if b.dock.search.table.rows.rows.cell(row, "label").text != "–"]
    assert shown == [row for row, score in enumerate(scores) if score >= 0.5]
    assert not form.automatic.value


def test_no_heading_of_the_table_is_cut(shapes):
    b = shapes
    b.dock.focus_words()
    say(b, "blue square")
    headings, model = b.dock.search.table.headings, b.dock.search.table.rows
    for column in range(model.columnCount()):
        name = model.headerData(column, Qt.Orientation.Horizontal, int(Qt.ItemDataRole.DisplayRole))
        assert headings.fontMetrics().horizontalAdvance(name) <= headings.sectionSize(column), name


def test_the_panel_can_be_a_tab_and_comes_back_when_that_is_closed(shapes, scene):
    b = shapes
    say(b, "blue square")
    panel = b.dock.search
    panel.expand(animate=False)
    form = panel.form
    b.qtbot.mouseClick(form.own_tab.native, Qt.MouseButton.LeftButton)
    tab = panel.tab
    assert tab is not None
    assert tab.isAncestorOf(form)
    assert form.own_tab.native.isHidden()
    window = b.viewer.window._qt_window
    assert tab.dock in window.findChildren(QDockWidget)
    say(b, "red circle")
    assert set(ranking_names(b)) == {"“red circle”"}, "it works in there as before"
    panel.toggleButton().click()
    assert not panel.isExpanded(), "there is nothing behind the title; the tab comes to the front"
    b.viewer.window.remove_dock_widget(tab.dock)
    b.qtbot.waitUntil(lambda: panel.tab is None)
    assert panel.isAncestorOf(form)
    assert panel.isExpanded()
    assert not form.own_tab.native.isHidden()
    b.dock._examples.open_tab()
    b.dock.native.parent().close()


def ranking_names(b) -> list[str]:
    ranking = b.dock.search.table.rows.rows
    return [ranking.cell(row, "like").text for row in range(len(ranking))]


def test_keys_work_in_the_tab_too(bench):
    b = bench(show=True)
    b.dock.focus_words()
    b.dock._examples.open_tab()
    tick = b.dock.search.best_only.native
    tick.window().activateWindow()
    tick.setFocus()
    b.qtbot.waitUntil(tick.hasFocus)
    b.qtbot.keyClick(tick, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    assert b.dock.task.value == "everything"
    b.settle()
