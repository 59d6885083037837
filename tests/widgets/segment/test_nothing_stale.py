"""What is shown is of what is chosen now: its pixels, its prompts, its plane."""

from __future__ import annotations

import numpy as np

NUCLEI = np.array([[126, 94], [147, 244]], float)


def test_an_image_whose_data_changes_while_another_is_chosen_is_seen_anew(bench):
    b = bench()
    b.click(NUCLEI[0])
    before = b.shown == 1
    image = b.dock.image.value
    b.dock.image.value = b.viewer.add_image(np.zeros_like(image.data), name="other")
    b.settle()

    image.data = image.data[::-1].copy()
    b.dock.image.value = image
    b.dock.clear_prompts()
    b.click((len(before) - 1 - NUCLEI[0][0], NUCLEI[0][1]))

    mirrored = (b.shown > 0)[::-1]
    assert np.count_nonzero(mirrored & before) > 0.9 * np.count_nonzero(mirrored | before)


def test_a_point_placed_after_cancelling_is_answered(bench):
    b = bench()
    b.dock.make_prompt_layers()
    b.settle()
    b.dock._engine.updates.soon.setTimeout(1500)  # waits still when what was cancelled has ended
    b.dock.points.value.add([NUCLEI[0]])
    b.qtbot.waitUntil(lambda: b.dock.controller.work is not None)
    b.dock.run()
    b.dock.points.value.add([NUCLEI[1]])
    b.qtbot.waitUntil(lambda: b.dock.controller.shown is not None, timeout=20_000)
    b.settle()
    assert b.shown[126, 94]
    assert b.shown[147, 244]


def test_nothing_of_another_image_is_left_where_the_chosen_one_has_no_plane(bench):
    b = bench()
    b.click(NUCLEI[0])
    b.viewer.add_image(np.zeros((3, 64, 64), np.uint8), name="near")
    stack = b.viewer.add_image(np.zeros((3, 64, 64), np.uint8), name="far", translate=(50, 0, 0))
    b.viewer.dims.set_point(0, 0)
    b.dock.image.value = stack
    b.settle()
    assert "has no plane here" in b.status
    assert b.dock.controller.shown is None
    assert b.dock.commit() is None
