"""Objects that are followed through a stack: which prompts speak of one, and what is done once for all of them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from asked import Setup
from napari_fastsam.core.planes import linking
from napari_fastsam.layers.answers import stack_results
from napari_fastsam.layers.answers.correcting import Corrections, PromptLayers
from napari_fastsam.layers.answers.tracks import tracks_of
from napari_fastsam.layers.planes.read import plane_shown
from napari_fastsam.samples import nuclei_3d

MIDDLE = 4


@pytest.fixture
def stack(loads):
    """Eight planes of nuclei, in the middle."""
    pixels = np.asarray(nuclei_3d()[0][0])[:8]
    setup = Setup(pixels, (float(pixels.min()), float(pixels.max())))
    setup.viewer.dims.set_point(0, MIDDLE)
    return setup


@pytest.fixture
def labels(stack):
    """A Labels layer with what is on the middle plane."""
    result, _ = stack.result(task="everything")
    data = np.zeros(stack.image.data.shape, np.int32)
    data[MIDDLE] = result.labels
    return stack.viewer.add_layer(Labels(data))


def in_label(labels, label):
    """Return a place in a label: (3,) plane, row and column."""
    places = np.argwhere(labels.data == label)
    middle = places.mean(axis=0)
    return places[np.abs(places - middle).sum(axis=1).argmin()]


def corrected(stack, labels, *wanted):
    corrections = Corrections(stack.viewer, lambda: None)
    for label in wanted:
        plane = plane_shown(stack.viewer, stack.image)
        layers = PromptLayers(stack.points, stack.shapes)
        corrections.take_label(layers, stack.image, plane, labels, label, in_label(labels, label))
        layers.set_next(0)
    return corrections.starts(stack.image)


def add_box(stack, labels, label, number=0):
    """Draw a box around a label."""
    z, rows, columns = np.nonzero(labels.data == label)
    (y0, y1), (x0, x1) = (np.percentile(along, (0, 100)) for along in (rows, columns))
    stack.shapes.add_rectangles(np.array([[z[0], y, x] for y, x in ((y0, x0), (y0, x1), (y1, x1), (y1, x0))]))
    if number:
        stack.shapes.features = stack.shapes.features.assign(object=number)


def test_several_labels_and_a_box_are_followed_together(stack, labels):
    starts = corrected(stack, labels, 1, 2)
    add_box(stack, labels, 3)
    result, _ = stack.result(region="stack", starts=starts)
    replaced = [one.replaces.label for one in result.objects if one.replaces is not None]
    assert replaced == [1, 2]
    assert result.count == 3


def test_a_point_with_the_number_of_a_box_on_another_plane_is_of_its_object(stack, labels):
    add_box(stack, labels, 1, number=3)
    stack.points.add([[MIDDLE + 2, *in_label(labels, 2)[1:]]])
    stack.number(3)
    result, _ = stack.result(region="stack")
    assert result.count == 1


def test_an_object_is_followed_once_however_many_there_are(stack, labels, monkeypatch):
    stack.points.add([in_label(labels, label) for label in range(1, 7)])
    stack.result(region="stack")
    calls = []
    monkeypatch.setattr(stack_results, "follow", lambda *told: calls.append(told) or linking.follow(*told))
    assert stack.result(region="stack")[0].count == 6
    assert len(calls) <= 2 * 6


def test_prompts_that_cannot_be_used_are_named_whichever_plane_they_are_on(stack, labels):
    stack.points.add([in_label(labels, 1), [MIDDLE, 10, 1000]])
    stack.points.add([[MIDDLE + 2, 1000, 10]])
    result, _ = stack.result(region="stack")
    assert result.unanswered == ("Point 2 is outside the image.", "Point 3 is outside the image.")


def test_a_label_that_is_corrected_on_one_plane_may_be_on_another(stack, labels):
    labels.data[MIDDLE + 1] = labels.data[MIDDLE]
    corrections, layers = Corrections(stack.viewer, lambda: None), PromptLayers(stack.points, stack.shapes)
    for position in (MIDDLE, MIDDLE + 1):
        stack.viewer.dims.set_point(0, position)
        plane = plane_shown(stack.viewer, stack.image)
        corrections.take_label(layers, stack.image, plane, labels, 1, (position, *in_label(labels, 1)[1:]))
        assert [start.label for start in corrections.starts(stack.image) if start.is_on(plane)] == [1]
    starts = corrections.starts(stack.image)
    assert [start.number for start in starts] == [1, 2]
    result, _ = stack.result(region="stack", starts=starts)
    assert [one.replaces.label for one in result.objects] == [1], "it is one object"


def test_beside_proposals_of_others_planes_that_were_seen_are_not_looked_at_again(stack, labels):
    labels.data[MIDDLE + 2] = labels.data[MIDDLE]
    stack.points.add([in_label(labels, 1), (MIDDLE + 2, *in_label(labels, 2)[1:])])
    asked = {"region": "stack", "others": labels}
    result, _ = stack.result(**asked)
    request = stack.request(**asked)
    assert stack.session.result(request).complete
    assert list(stack.session.work(request)) == []
    assert result.count == 2


def test_answered_prompts_are_found_again_after_rows_have_changed(stack, labels):
    first, second, third = (in_label(labels, label) for label in (1, 2, 3))
    stack.points.add([first, second])
    result, _ = stack.result(region="stack")
    stack.points.data = [third, second]
    assert stack.session.answered_rows(result) == ({1}, set()), "nobody asked about the point that is at row 0 now"


def test_a_layer_without_the_axis_is_answered_on_the_plane_that_was_shown(stack, labels):
    flat = stack.viewer.add_points([in_label(labels, 1)[1:]])
    stack.points.add([(MIDDLE + 2, *in_label(labels, 2)[1:])])
    result, _ = stack.result(region="stack", points=flat)
    assert result.count == 1
    stack.viewer.dims.set_point(0, MIDDLE + 1)
    assert stack.session.answered_rows(result) == ({0}, set())


def test_steps_on_every_plane_are_forgotten_with_the_prompts(stack, labels):
    stack.points.add([in_label(labels, 1)])
    numbering = stack.session.kept.numbering
    (single,) = stack.request(region="stack").by_plane
    (prompt,) = single.identities
    numbering.update(single.numbered_under, single.identities)
    numbering.set_steps(single.numbered_under, prompt.key, 1)
    stack.viewer.dims.set_point(0, MIDDLE + 1)
    stack.session.forget_prompts(stack.request(region="stack"))
    assert numbering.steps(single.numbered_under, prompt.key) == 0


def test_tracks_go_through_the_middle_of_each_object(stack):
    result, _ = stack.result(region="stack", task="everything")
    tracks = tracks_of(result)
    rows = [
        (number, plane, *np.argwhere(result.labels[plane] == number).mean(axis=0))
        for number in np.unique(result.labels)[1:]
        for plane in np.flatnonzero((result.labels == number).any(axis=(1, 2)))
    ]
    np.testing.assert_allclose(tracks.data, rows)
