"""All planes: objects linked through them, prompts followed, corrections, tracks."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Points

from napari_fastsam.model.asking import plane_scale
from napari_fastsam.samples import nuclei_3d


@pytest.fixture(scope="module")
def nuclei():
    """(31, 61, 57)"""
    return np.asarray(nuclei_3d()[0][0])[:16]


@pytest.fixture(scope="module")
def film(cells):
    """(6, 256, 320): the nuclei move by two pixels from frame to frame."""
    return np.stack([np.roll(cells, 2 * k, axis=1) for k in range(6)])


def on_planes(b, number=1):
    data = np.asarray(b.preview.data)
    return np.flatnonzero((data == number).any(axis=tuple(range(1, data.ndim)))).tolist()


def test_objects_have_one_number_through_a_film_and_become_labels_and_tracks(bench, film):
    b = bench(film, contrast_limits=(0, 80), scale=(5, 0.5, 0.5), axis_labels=("t", "y", "x"))
    b.dock.task.value, b.dock.region.value = "everything", "stack"
    b.settle()
    assert b.dock._panels.region.fold.isExpanded()
    assert b.preview.data.shape == film.shape
    np.testing.assert_allclose(b.preview.scale, (5, 0.5, 0.5))
    first = b.preview.data[0]
    inner = [n for n in np.unique(first)[1:] if 30 < np.nonzero(first == n)[1].mean() < 280]
    assert len(inner) > 5
    assert np.mean([len(on_planes(b, n)) == 6 for n in inner]) > 0.8

    tracks = b.dock.make_tracks()
    data = tracks.data[tracks.data[:, 0] == inner[0]]
    assert data[:, 1].tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(np.diff(data[:, 3]), 2, atol=1)
    np.testing.assert_allclose(tracks.scale, (5, 0.5, 0.5))

    shown = np.asarray(b.preview.data).copy()
    labels = b.dock.commit()
    np.testing.assert_array_equal(labels.data, shown)
    labels.undo()
    assert not labels.data.any(), "all planes in one step"


def test_large_planes_of_a_film_are_seen_in_tiles(bench, film, monkeypatch):
    monkeypatch.setattr(plane_scale, "LARGE", 50_000)  # fewer than a frame of the film has
    b = bench(film[:3], contrast_limits=(0, 80))
    b.dock.diameter.value = 11.0
    b.dock.region.value = "stack"
    b.click((0, 126, 94))
    run = b.dock._engine.session.kept.runs._planes[1]
    assert len(run.grid) > 1
    assert on_planes(b) == [0, 1, 2], "followed through the film"
    assert [b.preview.data[k, 126, 94 + 2 * k] for k in range(3)] == [1, 1, 1]

    b.dock.task.value = "everything"
    b.settle()
    assert b.dock._engine.session.kept.runs._planes[1] is run
    many = b.dock.controller.shown.count
    assert many > 10
    b.dock.conf.value = 0.8
    b.settle()
    assert 0 < b.dock.controller.shown.count < many, "thresholds are live"


def test_linking_again_does_not_run_the_network(bench, nuclei):
    b = bench(nuclei)
    b.dock.task.value, b.dock.region.value = "everything", "stack"
    b.settle()
    few = b.dock.controller.shown.count
    run = b.dock._engine.session.kept.runs._planes[1]
    kept = dict(run.kept)
    b.dock.stack.overlap.value = 0.9
    b.settle()
    assert b.dock.controller.shown.count > few
    b.dock.conf.value = 0.8
    b.settle()
    assert run.kept == kept
    assert b.dock._engine.session.kept.runs._planes[1] is run


def test_a_prompt_is_followed_both_ways_and_a_correction_from_where_it_is(bench, film):
    b = bench(film, contrast_limits=(0, 80))
    b.viewer.dims.set_point(0, 2)
    points, _ = b.prompts()
    b.dock.region.value = "stack"
    points.add([[2, 126, 98]])
    b.settle()
    assert on_planes(b) == [0, 1, 2, 3, 4, 5]
    assert all(b.preview.data[k, 126, 94 + 2 * k] == 1 for k in range(6))

    points.add([[5, 126, 104]])  # the same nucleus, further on: no second object
    b.settle()
    assert np.unique(b.preview.data).tolist() == [0, 1]
    points.add([[0, 147, 244]])
    b.settle()
    assert np.unique(b.preview.data).tolist() == [0, 1, 2]
    assert on_planes(b, 2) == [0, 1, 2, 3, 4, 5]

    labels = b.dock.commit()
    assert np.unique(labels.data).tolist() == [0, 1, 2]
    assert len(points.data) == 0


def test_points_that_share_an_object_number_are_one_object_on_whatever_planes(bench, film):
    b = bench(film, contrast_limits=(0, 80))
    features = {"object": [7, 7], "polarity": ["positive", "positive"]}
    b.viewer.add_layer(Points([[0, 126, 94], [3, 147, 250]], ndim=3, features=features))
    b.dock.region.value = "stack"
    b.settle()
    assert len(np.unique(b.preview.data)) == 2
    assert b.preview.data[0, 126, 94] == b.preview.data[3, 147, 250] > 0


def test_a_prompt_layer_without_the_axis_speaks_of_the_plane_shown(bench, film):
    b = bench(film, contrast_limits=(0, 80))
    b.viewer.dims.set_point(0, 3)
    b.viewer.add_layer(Points([[126, 100]]))
    b.dock.region.value = "stack"
    b.settle()
    assert list(b.dock.controller.shown.request.stack.by_position) == [3]
    assert on_planes(b) == [0, 1, 2, 3, 4, 5]


def test_four_axes_and_the_one_that_is_chosen(bench, film):
    both = np.stack([film[:3], film[3:]])  # (t, z, y, x) = (2, 3, 256, 320)
    b = bench(layer=Image(both, name="cells", contrast_limits=(0, 80), axis_labels=("t", "z", "y", "x")))
    b.dock.task.value, b.dock.region.value = "everything", "stack"
    b.settle()
    assert b.preview.data.shape == (1, 3, 256, 320)
    b.dock.stack.axis.value = 0
    b.settle()
    assert b.preview.data.shape == (2, 1, 256, 320)
    here = int(b.viewer.dims.point[1])
    labels = b.dock.commit()
    assert labels.data.shape == both.shape
    assert labels.data[0, here].any()
    assert not np.delete(labels.data, here, axis=1).any(), "only where the other slider stands"


def test_planes_along_another_axis_shown(bench, nuclei):
    b = bench(nuclei)
    b.viewer.dims.order = (1, 0, 2)
    b.dock.task.value, b.dock.region.value = "everything", "stack"
    b.settle()
    request = b.dock.controller.shown.request
    assert request.stack.axis == 1
    assert b.preview.data.shape == nuclei.shape


def test_axes_are_called_as_in_the_image_that_is_chosen(bench, nuclei):
    b = bench(np.zeros((3, 64, 64), np.uint8), axis_labels=("t", "y", "x"))
    axis = b.dock.stack.axis
    assert axis.native.currentText() == "t (0)"
    b.dock.image.value = b.viewer.add_image(np.zeros((4, 64, 64), np.uint8), axis_labels=("z", "y", "x"))
    b.settle()
    assert axis.native.currentText() == "z (0)"
    b.dock.image.value = b.viewer.add_image(np.zeros((2, 4, 64, 64), np.uint8), axis_labels=("t", "z", "y", "x"))
    b.settle()
    assert [axis.native.itemText(i) for i in range(axis.native.count())] == ["z (1)", "t (0)"]


def test_all_planes_of_a_single_plane_are_that_plane(bench):
    b = bench()
    b.dock.task.value = "everything"
    b.settle()
    alone = b.shown.copy()
    b.dock.region.value = "stack"
    b.settle()
    assert b.dock.controller.shown.complete
    np.testing.assert_array_equal(b.shown, alone)
    assert b.dock.commit() is not None
    assert b.committed.data.shape == b.image.data.shape


def test_tracks_without_objects_are_told(bench, film):
    b = bench(film, contrast_limits=(0, 80))
    assert b.dock.make_tracks() is None
    assert "segment everything on all planes" in b.status


def test_words_and_examples_stay_on_the_plane(bench, film):
    b = bench(film, contrast_limits=(0, 80))
    points, _ = b.prompts()
    b.dock.toggle_example()
    points.add([[int(b.viewer.dims.point[0]), 126, 98]])
    b.dock.region.value = "stack"
    b.settle()
    assert b.dock.controller.shown.request.stack is None
    assert b.dock.controller.shown.count >= 1


def test_a_smaller_or_larger_object_is_followed_too(bench, film):
    b = bench(film, contrast_limits=(0, 80))
    points, _ = b.prompts()
    b.dock.region.value = "stack"
    points.add([[int(b.viewer.dims.point[0]), 126, 98]])
    b.settle()
    b.dock.larger()
    b.settle()
    assert "point 1" in b.status


def test_pixels_that_were_painted_over_are_seen_anew_by_run(bench, film):
    b = bench(film.copy(), contrast_limits=(0, 80))
    b.dock.task.value, b.dock.region.value = "everything", "stack"
    b.settle()
    before = b.dock.controller.shown.count
    run = b.dock._engine.session.kept.runs._planes[1]
    b.dock.run()
    b.settle()
    assert b.dock._engine.session.kept.runs._planes[1] is run, "nothing has changed"
    b.image.data[:, :, 160:] = 0
    b.dock.run()
    b.settle()
    assert b.dock.controller.shown.count < before


def test_provenance_has_the_prompts_of_all_planes(bench, film):
    b = bench(film, contrast_limits=(0, 80))
    points, _ = b.prompts()
    b.dock.region.value = "stack"
    points.add([[1, 126, 96]])
    b.settle()
    (entry,) = b.dock.commit().metadata["napari-fastsam"]
    assert entry["stack_axis"] == 0
    assert entry["prompts_by_plane"]["1"]["points_yx"] == [[126.0, 96.0]]
