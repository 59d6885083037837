"""From a request to a result with the real model: what is computed, what is kept, what prompts are dealt with."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from napari.layers import Image, Points

from asked import Setup
from napari_fastsam.core.likeness.search import Search
from napari_fastsam.core.prompts.prompts import Prompts
from napari_fastsam.core.recipe import RecipeError
from napari_fastsam.errors import ImageError, ModelError
from napari_fastsam.io.exemplars import exemplars_content
from napari_fastsam.layers.answers.other_models import other_model
from napari_fastsam.layers.answers.other_sizes import other_sizes
from napari_fastsam.layers.answers.recipes import recipe_of
from napari_fastsam.model.asking import click_refiner
from napari_fastsam.model.asking.segment import segment
from napari_fastsam.model.asking.thresholds import Thresholds
from napari_fastsam.model.correcting import corrector
from napari_fastsam.model.weights.hashes import sha256_of
from napari_fastsam.model.weights.weights import find
from napari_fastsam.samples import nuclei_3d

NUCLEI = np.array([[126, 94], [147, 244]], float)


@pytest.fixture
def cells(fluorescence):
    return fluorescence[:256, :320]


@pytest.fixture
def setup(loads, cells):
    return Setup(cells)


def test_prompts_are_answered_as_the_python_face_does(setup, model, cells):
    setup.points.add(NUCLEI)
    result, said = setup.result()
    expected = segment(model, cells, Prompts(points=NUCLEI), contrast_limits=(0, 80))

    assert said[0] == "loading nuclei"
    assert [o.number for o in result.objects] == [1, 2]
    assert [o.prompt for o in result.objects] == ["point 1", "point 2"]
    assert result.scores == {i: s.score for i, s in enumerate(expected, start=1)}
    for number, selection in enumerate(expected, start=1):
        np.testing.assert_array_equal(result.labels == number, selection.mask)


def test_everything_is_what_segment_finds(setup, model, cells):
    result, _ = setup.result(task="everything", thresholds=Thresholds(0.4, 0.5))
    expected = model.segment(cells, conf=0.4, iou=0.5, contrast_limits=(0, 80))
    np.testing.assert_array_equal(result.labels, expected.to_labels())


def test_before_the_network_has_looked_there_is_no_result(setup):
    setup.points.add(NUCLEI)
    assert setup.session.result(setup.request()) is None


def test_what_is_kept_needs_no_work(setup):
    setup.points.add(NUCLEI[:1])
    setup.result()
    assert setup.session.network_seconds > 0
    setup.points.add(NUCLEI[1:])
    result, said = setup.result(thresholds=Thresholds(0.3))
    assert said == []
    assert setup.session.network_seconds == 0
    assert len(result.objects) == 2


@pytest.mark.parametrize("task", ["prompts", "everything"])
def test_corrections_are_worked_out_by_the_work_and_not_by_the_answer(setup, monkeypatch, task):
    asked = []
    monkeypatch.setattr(click_refiner, "correct", lambda *a, **k: asked.append(1) or corrector.correct(*a, **k))
    setup.points.add([NUCLEI[0], NUCLEI[0] + (2, 9)])
    setup.points.features = setup.points.features.assign(object=[1, 1], polarity=["positive", "negative"])
    request = setup.request(task=task)
    list(setup.session.work(request))
    assert asked
    asked.clear()
    result = setup.session.result(request)
    assert any(o.refined for o in result.objects)
    assert not asked


def test_a_model_is_loaded_once(setup, loads):
    list(setup.session.warm_up("nuclei", "cpu"))
    setup.result(task="everything")
    setup.image.contrast_limits = (0, 100)
    setup.result(task="everything")
    assert loads == ["nuclei"]


def test_what_answers_need_soon_is_there_once_the_model_was_loaded(tmp_path):
    code = """
import sys, threading
from napari.components import ViewerModel
from napari_fastsam.layers.answers.session import NEEDED_SOON, Session

session = Session(ViewerModel(), 1)
list(session.warm_up("nuclei", "cpu"))
[thread.join() for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()]
print(sorted({"pandas", "torch", *NEEDED_SOON} - set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_two_threads_that_ask_the_same_make_the_network_look_once(setup, monkeypatch):
    looks = []
    real = setup.session.cache.put
    monkeypatch.setattr(setup.session.cache, "put", lambda key, look: looks.append(key) or real(key, look))
    request = setup.request(task="everything")
    threads = [threading.Thread(target=lambda: list(setup.session.work(request))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looks) == 1


def test_changed_data_are_forgotten(setup):
    request = setup.request(task="everything")
    list(setup.session.work(request))
    assert not setup.session.is_stale(request)
    setup.session.image_changed(setup.image)
    assert setup.session.is_stale(request)
    assert len(setup.session.cache) == 0
    assert setup.request(task="everything").key != request.key


def test_what_was_found_on_pixels_that_are_gone_is_not_kept(setup):
    request = setup.request(task="everything")
    work = setup.session.work(request)
    next(work)
    setup.session.image_changed(setup.image)
    list(work)
    assert len(setup.session.cache) == 0


def test_a_prompt_that_waits_for_a_closer_look_is_neither_answered_nor_given_up(setup):
    setup.image.data = np.zeros((256, 320), np.uint8)
    setup.points.add([[60.0, 60.0]])
    request = setup.request()
    work = setup.session.work(request)
    while setup.session.result(request) is None:
        next(work)
    result = setup.session.result(request)
    assert result.missing
    assert result.unanswered == ()
    assert len(result.pending) == 1
    assert setup.session.answered_rows(result) == (set(), set())

    list(setup.session.work(request))
    done = setup.session.result(request)
    assert not done.missing
    assert done.unanswered[0].startswith("Point 1: ")
    assert setup.session.answered_rows(done) == ({0}, set())


def test_answered_prompts_are_found_again_after_rows_have_changed(setup):
    setup.points.add([[10.0, 10.0], *NUCLEI])
    setup.shapes.add_rectangles([[[110, 80], [140, 110]]])
    result, _ = setup.result()
    setup.points.selected_data = {0}
    setup.points.remove_selected()
    setup.points.add([[200.0, 200.0]])

    assert setup.session.answered_rows(result) == ({0, 1}, {0}), "the new point at row 2 was not asked about"
    assert setup.session.rows_on_plane(setup.request()) == ({0, 1, 2}, {0})


def test_steps_go_to_the_next_size_and_stop_at_the_ends(setup):
    # of the second the network proposes several sizes
    setup.points.add([NUCLEI[0], [231.0, 47.0]])
    thresholds = Thresholds(0.05, 0.9)
    setup.result(thresholds=thresholds)
    request = setup.request(thresholds=thresholds)
    areas = []
    while "no smaller" not in setup.session.step(request, -1):
        pass
    while True:
        areas.append(next(o.crop.area for o in setup.session.result(request).objects if o.number == 2))
        said = setup.session.step(request, +1)
        if "no larger" in said:
            break
        assert said.startswith("point 2: candidate ")
    assert len(areas) >= 2, "no alternatives: the test shows nothing"
    assert areas == sorted(areas)
    assert len(set(areas)) == len(areas)


def test_a_step_is_one_step_also_after_thresholds_took_candidates_away(setup):
    setup.points.add([[236.5, 48.0]])
    setup.result(thresholds=Thresholds(0.01, 0.9))
    while "no larger" not in setup.session.step(setup.request(thresholds=Thresholds(0.01, 0.9)), +1):
        pass
    thresholds = Thresholds(0.3, 0.9)
    largest = setup.result(thresholds=thresholds)[0].objects[0]
    assert largest.place == largest.of > 1
    said = setup.session.step(setup.request(thresholds=thresholds), -1)
    (shown,) = setup.result(thresholds=thresholds)[0].objects
    assert shown.place == largest.of - 1
    assert said == f"point 1: candidate {shown.place} of {shown.of}, {shown.crop.area} px."


def test_each_image_has_steps_of_its_own(setup, cells):
    first, thresholds = setup.image, Thresholds(0.01, 0.9)
    other = setup.viewer.add_layer(Image(cells, contrast_limits=(0, 80), translate=(0, 400)))
    setup.points.add([[236.5, 48.0], [236.5, 448.0]])
    setup.result(thresholds=thresholds)
    assert "candidate" in setup.session.step(setup.request(thresholds=thresholds), +1)
    (stepped,) = setup.result(thresholds=thresholds)[0].objects
    setup.image = other
    (on_other,) = setup.result(thresholds=thresholds)[0].objects
    setup.image = first
    (again,) = setup.result(thresholds=thresholds)[0].objects
    assert again.place == stepped.place == on_other.place + 1


def test_what_examples_find_has_fine_edges_and_is_there_once(setup):
    setup.points.add(NUCLEI)
    setup.points.features = setup.points.features.assign(polarity=["positive", "example"])
    alike = {"search": Search(example_threshold=0.0), "fine_edges": True}
    result, _ = setup.result(**alike)
    proposed = {mask.key for mask in result.searched.masks}
    (drawn,) = (one for one in result.objects if one.prompt == "point 1")
    found = [one for one in result.objects if one.prompt == "examples"]
    assert len(found) > 3
    assert not any(one.crop.key in proposed for one in found)
    assert max(one.crop.iou(drawn.crop) for one in found) < 0.5


def test_a_recipe_has_the_examples_that_were_kept_also_before_the_image_was_seen(setup, cells):
    setup.points.add(NUCLEI[:1])
    setup.points.features = setup.points.features.assign(polarity="example")
    setup.result()
    kept, _ = setup.session.exemplars(setup.request())
    fresh = Setup(cells)
    request = fresh.request(texts=("cell",), exemplars=kept)
    assert fresh.session.exemplars(request) == (kept, ())
    assert recipe_of(request, kept, "0" * 64).search.exemplars == exemplars_content(kept)


def test_a_recipe_does_not_leave_out_examples_that_are_not_known_yet(setup):
    setup.points.add(NUCLEI[:1])
    setup.points.features = setup.points.features.assign(polarity="example")
    request = setup.request(texts=("cell",))
    exemplars, _ = setup.session.exemplars(request)
    with pytest.raises(RecipeError, match="Run it once"):
        recipe_of(request, exemplars, "0" * 64)


def test_what_is_tried_is_asked_of_the_view_that_was_answered(setup):
    setup.image.corner_pixels = np.array([[100, 60], [180, 160]])
    setup.points.add(NUCLEI[:1])
    result, _ = setup.result(region="view")
    setup.image.corner_pixels = np.array([[0, 200], [60, 300]])
    tried = [*other_sizes(setup.session, result.request), other_model(setup.session, result)]
    assert len(tried) > 1
    assert {one.plane for one in tried} == {result.request.plane}


def test_a_negative_line_says_once_what_it_took_away(setup):
    setup.shapes.add_paths([np.array([[126.0, 80], [126, 108]])])
    setup.shapes.features = setup.shapes.features.assign(polarity="negative")
    result, _ = setup.result(task="everything")
    assert result.unanswered.count("Scribble 1 took an object away.") == 1


def test_steps_without_prompts_say_what_to_do(setup):
    assert "place one first" in setup.session.step(setup.request(), +1)


def test_a_second_point_on_the_same_pixel_is_said(setup):
    setup.points.add([NUCLEI[0], NUCLEI[0] + 0.25])  # the same pixel
    result, _ = setup.result()
    assert [o.prompt for o in result.objects] == ["point 1"]
    assert result.unanswered == ("Point 2 is on the same object as point 1.",)


def test_an_image_without_a_number_in_it(setup):
    setup.image.data = np.full((50, 50), np.nan)
    with pytest.raises(ImageError, match="no finite value"):
        list(setup.session.work(setup.request(task="everything")))


def test_a_model_that_fails_is_tried_again_when_asked(setup, loads, tmp_path):
    request = setup.request(task="everything", model=str(tmp_path / "none.pt"))
    for _ in range(2):
        with pytest.raises(ModelError, match=r"none\.pt"):
            list(setup.session.work(request))
    assert len(loads) == 2


def test_a_file_that_was_replaced_is_loaded_once_it_is_asked_for_again(setup, model, tmp_path):
    own = tmp_path / "own.pt"
    shutil.copy(model.path, own)
    asked = {"task": "everything", "model": str(own)}
    setup.result(**asked)
    request = setup.request(**asked)
    first = setup.session.model_hash(request)
    other = find("microscopy")
    shutil.copy(other, own)
    assert setup.session.model_hash(request) == first, "it is what was found with"
    setup.session.forget_if_painted_over(request)
    assert setup.session.result(request) is None
    assert setup.session.model_hash(request) == sha256_of(other)


def test_the_checkpoints_hash(setup):
    from napari_fastsam.model.weights.weights import known

    assert setup.session.model_hash(setup.request()) == known("nuclei").sha256


def test_an_object_that_clicks_corrected_is_followed_through_a_real_stack(loads):
    stack = np.asarray(nuclei_3d()[0][0])[8:20]
    setup = Setup(stack)
    setup.image.contrast_limits = (stack.min(), stack.max())
    middle, centre, below = 6, (38, 22), (44, 22)
    setup.viewer.dims.set_point(0, middle)
    clicks = np.array([(middle, *centre), (middle, *below)], float)
    features = {"object": [3, 3], "polarity": ["positive", "negative"]}

    def followed(number):
        setup.viewer.layers.remove(setup.points)
        some = {name: values[:number] for name, values in features.items()}
        setup.points = setup.viewer.add_layer(Points(clicks[:number], ndim=3, features=some))
        result, _ = setup.result(region="stack")
        (one,) = result.objects
        return one, result.labels == one.number

    _, before = followed(1)
    one, after = followed(2)
    assert before[(middle, *below)]
    assert one.refined
    assert "cut " in one.reason
    np.testing.assert_array_equal(after[middle], one.crop.full(after.shape[1:]))
    assert (after[(middle, *centre)], after[(middle, *below)]) == (True, False)
    # what was corrected is where it is followed from
    there = np.flatnonzero(after.any(axis=(1, 2)))
    assert there.tolist() == list(range(there[0], there[-1] + 1))
    assert middle in there
    assert len(there) > 1, "it is followed to planes beside the one of the clicks"
