"""A plane too large for one pass: prompts are answered from the tiles they lie in, everything comes tile by tile."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.io.recipes import load_recipe
from napari_fastsam.layers.labels import preview
from napari_fastsam.layers.napari_versions import camera
from napari_fastsam.model.asking.plane_scale import LARGE
from napari_fastsam.model.network import segmenter


@pytest.fixture
def looked(monkeypatch):
    """Sizes of what goes through the network."""
    sizes = []
    propose = segmenter.Model.propose

    def counted(self, rgb, *args, **kwargs):
        sizes.append(rgb.shape[:2])
        return propose(self, rgb, *args, **kwargs)

    monkeypatch.setattr(segmenter.Model, "propose", counted)
    return sizes


def iou(mask, other):
    return (mask & other).sum() / (mask | other).sum()


def test_a_click_answers_like_a_click_on_a_small_image(bench, slide, expected, looked):
    b = bench(slide, contrast_limits=(0, 80))
    first = np.array([126 + 256 * 9, 94 + 320 * 6])
    b.click(first)
    assert max(max(size) for size in looked) < 1100, "only what lies around the prompt goes through the network"
    (mask,) = expected(points=[[126, 94]])
    count = len(looked)
    rows, columns = slice(256 * 9, 256 * 10), slice(320 * 6, 320 * 7)
    assert iou(b.shown[rows, columns] > 0, mask) > 0.9
    assert np.count_nonzero(b.shown) == np.count_nonzero(b.shown[rows, columns])

    b.click(first + np.array([21, 150]))  # another nucleus, of the same tile
    assert len(looked) == count
    assert len(np.unique(b.shown)) == 3

    b.click((126, 94))  # far away
    assert len(np.unique(b.shown)) == 4
    b.dock.conf.value = 0.6
    b.settle()
    assert len(np.unique(b.shown)) == 4

    labels = b.dock.commit()
    assert not labels.multiscale
    assert len(np.unique(labels.data)) == 4
    assert labels.data.shape == slide.shape
    labels.undo()
    assert not labels.data.any()


def test_a_box_larger_than_a_tile_is_answered_at_a_coarser_scale(bench, qtbot):
    y, x = np.mgrid[:4200, :4200]
    b = bench((((y - 2100) ** 2 + (x - 2000) ** 2 < 900**2) * np.uint8(200)).astype(np.uint8), contrast_limits=(0, 255))
    _, shapes = b.prompts()
    shapes.add_rectangles(np.array([[1195, 1095], [3005, 2905]]))
    b.settle()
    assert iou(b.shown > 0, (y - 2100) ** 2 + (x - 2000) ** 2 < 900**2) > 0.9


def test_a_prompt_without_an_object_is_told(bench, slide):
    b = bench(slide, contrast_limits=(0, 80))
    b.click((-133.0, 159.0))
    assert "Point 1" in b.dock.status.value
    assert not b.shown.any()


def test_a_click_where_nothing_is_proposed_draws_its_object(bench, slide):
    b = bench(slide, contrast_limits=(0, 80))
    b.click((133.0, 159.0))
    assert b.shown[133, 159] == 1
    assert "drawn from clicks" in b.status


def test_everything_waits_for_run_comes_tile_by_tile_and_is_cancelled_without_loss(bench, slide):
    b = bench(slide, contrast_limits=(0, 80))
    b.dock.task.value = "everything"
    b.settle()
    assert "Run" in b.status
    b.dock.run()
    b.qtbot.waitUntil(
        lambda: b.dock.controller.shown is not None and b.dock.controller.shown.count > 20, timeout=20_000
    )
    b.dock.run()
    b.settle()
    run = b.dock._engine.session.kept.runs._tiles[1]
    assert 0 < run.done < len(run)
    assert np.count_nonzero(np.unique(b.shown)) <= run.canvas.labels.max() == len(run.canvas)

    done, found = run.done, len(run.canvas)
    b.dock.run()
    b.qtbot.waitUntil(lambda: run.done > done, timeout=20_000)
    b.dock.run()
    b.settle()
    assert len(run.canvas) > found, "it goes on where it was"

    labels = b.dock.commit()
    assert len(labels.features) == len(run.canvas) == labels.data.max()


def test_what_is_too_large_to_draw_is_a_pyramid(bench, slide, monkeypatch):
    monkeypatch.setattr(preview, "MOST_DRAWN", LARGE)
    b = bench(slide, contrast_limits=(0, 80))
    b.click((126, 94))
    layer = b.preview
    assert layer.multiscale
    assert [level.shape for level in layer.data] == [(4352, 4160), (2176, 2080), (1088, 1040), (544, 520)]
    assert layer.data[0][126, 94] == 1

    labels = b.dock.commit()
    assert labels.multiscale
    assert "too large" in b.status
    b.click((147, 244))
    assert not b.preview.data[0][126, 94]
    assert b.dock.commit() is labels, "what was written there takes more"
    assert [labels.data[0][126, 94], labels.data[0][147, 244]] == [1, 2]
    assert labels.features["index"].tolist() == [1, 2]


def test_words_and_examples_search_what_is_in_view(bench, slide):
    b = bench(slide, contrast_limits=(0, 80), show=True)
    b.dock.region.value = "view"
    camera(b.viewer).center = (256 * 8, 320 * 6)
    camera(b.viewer).zoom = 0.7
    b.qtbot.wait(50)
    b.prompts()
    b.dock.toggle_example()
    b.click((126 + 256 * 8, 94 + 320 * 6))
    assert b.dock.controller.shown is not None, b.dock.status.value
    assert b.dock.controller.shown.count >= 1


def test_run_searches_the_whole_plane_for_what_looks_like_the_examples(bench, slide, looked, tmp_path):
    b = bench(slide, contrast_limits=(0, 80))
    b.dock.diameter.value = 60.0  # fewer tiles
    b.click((147, 244))
    b.dock.toggle_example()
    b.click((126 + 256 * 9, 94 + 320 * 6))
    assert b.shown[147, 244] == 1, "what was drawn does not wait"
    assert b.dock.controller.shown.count == 1
    assert "Run" in b.status
    assert b.dock.save_recipe(tmp_path / "early.json") is None
    assert "not known yet" in b.status

    b.dock.run()
    b.qtbot.waitUntil(lambda: b.dock.controller.shown is not None and b.dock.controller.shown.complete, timeout=60_000)
    b.settle()
    places = [(126 + 256 * row, 94 + 320 * column) for row in range(1, 16) for column in range(1, 12)]
    found = {int(b.shown[place]) for place in places}
    assert len(found - {0}) > 0.8 * len(places), "in every tile, and each its own"
    assert b.shown[147, 244] == 1
    many, passes = b.dock.controller.shown.count, len(looked)
    assert len(b.dock.search.table.rows.rows.positions)

    b.dock.search.by_number.value = False
    b.dock.search.likeness.value = 0.9
    b.settle()
    assert 1 < b.dock.controller.shown.count < many
    b.click((147 + 256 * 9, 244 + 320 * 6))  # another example
    assert b.shown[147 + 256 * 9, 244 + 320 * 6]
    assert len(looked) == passes, "the network is not asked again"
    assert load_recipe(b.dock.save_recipe(tmp_path / "recipe.json")).search is not None
    labels = b.dock.commit()
    assert len(np.unique(labels.data)) > 2


def test_run_searches_the_whole_plane_for_words(bench, slide, looked, small_clip):
    b = bench(slide, contrast_limits=(0, 80))
    b.dock.diameter.value = 120.0  # few tiles
    panel = b.dock.search
    panel.encoder.choices = [*panel.encoder.choices[:-1], str(small_clip), panel.encoder.choices[-1]]
    panel.encoder.value = str(small_clip)
    panel.best_only.value = True
    say(b, "a red circle")
    assert "Run" in b.status
    b.dock.run()
    b.qtbot.waitUntil(lambda: b.dock.controller.shown is not None and b.dock.controller.shown.complete, timeout=60_000)
    b.settle()
    assert b.dock.controller.shown.count == 1
    passes = len(looked)
    say(b, "a red circle, a green square")
    assert len(panel.table.rows.rows.positions) >= 1
    assert len(b.dock.controller.shown.questions) == 2
    assert len(looked) == passes, "another word asks the text model alone"


def say(b, words):
    b.dock.search.words.value = words
    b.dock.search.typed.flush()  # napari's test viewer has no timers
    b.settle()


def test_the_object_size_sets_the_scale_of_small_planes_too(bench, cells, looked):
    b = bench()
    b.click((126, 94))
    usual = b.dock._engine.session.cache.get(b.dock.controller.shown.request.key).proposals.letterbox.gain
    b.dock.diameter.value = 60
    b.settle()
    gain = b.dock._engine.session.cache.get(b.dock.controller.shown.request.key).proposals.letterbox.gain
    assert gain == pytest.approx(41.4 / 60, abs=0.05)
    assert gain < usual
