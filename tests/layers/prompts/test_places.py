"""A prompt is known again by where it lies in the image, whatever region it is read in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Points, Shapes

from napari_fastsam.layers.planes.read import plane_shown
from napari_fastsam.layers.prompts.layers import read_prompts
from napari_fastsam.layers.prompts.places import named, places


def opened(*prompts):
    viewer = ViewerModel()
    image = viewer.add_layer(Image(np.zeros((60, 80)), contrast_limits=(0, 1)))
    for layer in prompts:
        viewer.add_layer(layer)
    return viewer, image, plane_shown(viewer, image)


def test_rows_are_those_of_the_layer():
    points = Points([[-9, 0], [5, 5], [20, 20]])
    viewer, image, plane = opened(points)
    read = read_prompts(viewer, image, plane, points)
    assert read.rows["points"] == (1, 2), "the first lies outside"
    assert list(places(read, plane)["points"]) == [1, 2]
    assert [named(query, read) for query in read.prompts.queries] == ["point 2", "point 3"]
    points.features = {"object": [0, 1, 1]}
    (both,) = (read := read_prompts(viewer, image, plane, points)).prompts.queries
    assert named(both, read) == "points 2, 3"


def test_the_same_place_in_another_region_is_the_same_prompt():
    points, shapes = Points([[30, 40]]), Shapes([[[25, 35], [35, 45]]], shape_type="rectangle")
    viewer, image, plane = opened(points, shapes)
    part = replace(plane, region=(20, 30, 50, 70))
    whole_places = places(read_prompts(viewer, image, plane, points, shapes), plane)
    part_places = places(read_prompts(viewer, image, part, points, shapes), part)
    assert whole_places == part_places


def test_prompts_at_one_place_are_told_apart():
    points = Points([[30, 40], [30, 40], [31, 40]])
    viewer, image, plane = opened(points)
    assert len(set(places(read_prompts(viewer, image, plane, points), plane)["points"].values())) == 3


def test_kinds_at_one_place_are_told_apart():
    square = [[10, 10], [10, 20], [20, 20], [20, 10]]
    shapes = Shapes([square, square, square], shape_type=["rectangle", "polygon", "path"])
    viewer, image, plane = opened(shapes)
    by_kind = places(read_prompts(viewer, image, plane, None, shapes), plane)
    assert [list(by_kind[kind]) for kind in ("boxes", "outlines", "scribbles")] == [[0], [1], [2]]
    assert len({place for by_row in by_kind.values() for place in by_row.values()}) == 3


def test_a_hair_to_either_side_of_0_is_one_place():
    near, far = Points([[-1e-9, 5]]), Points([[1e-9, 5]])
    viewer, image, plane = opened(near, far)
    found = [places(read_prompts(viewer, image, plane, points), plane)["points"][0] for points in (near, far)]
    assert found[0] == found[1]
