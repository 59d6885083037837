"""At which size an image is shown, for networks that know objects at one size."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from skimage.transform import rescale

from napari_fastsam.core.image.geometry import Letterbox
from napari_fastsam.core.objects.proposals import Proposals
from napari_fastsam.model.network.object_scale import diameter_of, look_at_scale


class Network:
    """A fake network that finds square objects of a true size, if they are shown neither too small nor too large."""

    def __init__(
        self, diameter: float, sees: tuple[float, float] = (10, 100), count: int = 9, score: float = 0.9
    ) -> None:
        self.diameter, self.sees, self.count, self.score = diameter, sees, count, score
        self.scales: list[float] = []

    def __call__(self, scale: float) -> Proposals:
        self.scales.append(scale)
        letterbox = Letterbox((640, 640), round(640 * scale))
        shown = self.diameter * letterbox.gain
        seen = self.count if self.sees[0] <= shown <= self.sees[1] else 0
        centres = (np.arange(seen)[:, None] + 0.5) * 640 * letterbox.gain / max(seen, 1) + np.zeros((1, 2))
        boxes = np.concatenate([centres - shown / 2, centres + shown / 2], axis=1).astype(np.float32)
        side = letterbox.input[0] // 4
        return Proposals(
            boxes, np.full(seen, self.score, np.float32), np.ones((seen, 1), np.float32),
            np.ones((side, side, 1), np.float32), letterbox,
        )  # fmt: skip


def test_objects_are_measured_in_pixels_of_the_plane() -> None:
    network = Network(20)
    assert diameter_of(network(1.0)) == pytest.approx(20, abs=0.1)
    assert diameter_of(network(2.0)) == pytest.approx(20, abs=0.1)
    assert diameter_of(Network(20, count=0)(1.0)) is None


@pytest.mark.parametrize(("diameter", "scale"), [(14, 2.0), (56, 0.5), (12, 28 / 12)])
def test_objects_of_another_size_get_a_second_look(diameter: float, scale: float) -> None:
    network = Network(diameter)
    seen = look_at_scale(network, 28)
    assert network.scales == pytest.approx([1.0, scale], rel=0.02)
    assert seen.letterbox.gain * diameter == pytest.approx(28, rel=0.05)


@pytest.mark.parametrize("diameter", [25, 28, 32])
def test_objects_of_about_the_right_size_get_one_look(diameter: float) -> None:
    network = Network(diameter)
    look_at_scale(network, 28)
    assert network.scales == [1.0]


def test_objects_too_small_for_the_first_look_are_found() -> None:
    network = Network(6)
    assert look_at_scale(network, 28).letterbox.gain * 6 == pytest.approx(28, rel=0.06)


def test_objects_too_large_for_the_first_look_are_found() -> None:
    network = Network(150)
    assert look_at_scale(network, 28).letterbox.gain * 150 == pytest.approx(28, rel=0.1)


def test_a_measure_that_was_wrong_is_corrected() -> None:
    """At the first look only the largest of the objects are seen."""
    small, large = Network(10, sees=(15, 100)), Network(20, sees=(15, 100), count=1)
    scales: list[float] = []

    def look(scale: float) -> Proposals:
        scales.append(scale)
        return large(scale) if 10 * scale < 15 and 20 * scale >= 15 else small(scale)

    assert look_at_scale(look, 40).letterbox.gain * 10 == pytest.approx(40, rel=0.06)
    assert scales == pytest.approx([1.0, 2.0, 4.0], rel=0.02)


def test_an_empty_plane_is_looked_at_four_times_and_no_more() -> None:
    network = Network(20, count=0)
    assert len(look_at_scale(network, 28)) == 0
    assert network.scales == [1.0, 2.0, 0.5, 0.25]


class Specks:
    """At the first look two doubtful specks; enlarged, two hundred small objects in a plane of `side` pixels."""

    def __init__(self, side: int) -> None:
        self.side, self.scales = side, list[float]()

    def __call__(self, scale: float) -> Proposals:
        self.scales.append(scale)
        network = Network(6, count=200, sees=(11, 100)) if scale > 1.5 else Network(80, count=2, score=0.3)
        seen = network(scale)
        letterbox = Letterbox((self.side, self.side), round(self.side * scale))
        return dataclasses.replace(seen, letterbox=letterbox, boxes_input=seen.boxes_input * self.side / 640)


def test_small_objects_of_a_small_plane_are_looked_for_where_the_first_look_was_unsure() -> None:
    look = Specks(480)
    seen = look_at_scale(look, 28)
    assert look.scales[:4] == [1.0, 2.0, 0.5, 0.25]
    assert seen.letterbox.gain * 6 * 480 / 640 == pytest.approx(28, rel=0.3)


def test_a_large_plane_is_not_enlarged_on_a_doubt() -> None:
    look = Specks(1280)
    look_at_scale(look, 28)
    assert look.scales[:3] == [1.0, 0.5, 0.25]


def test_the_texture_of_large_objects_is_not_taken_for_small_ones() -> None:
    """At the first look two hundred doubtful specks are seen, and only from farther off the nine objects."""
    texture, objects = Network(10, count=200, score=0.35), Network(120, sees=(10, 64))
    scales: list[float] = []

    def look(scale: float) -> Proposals:
        scales.append(scale)
        return texture(scale) if scale > 0.6 else objects(scale)

    assert look_at_scale(look, 28).letterbox.gain * 120 == pytest.approx(28, rel=0.1)
    assert scales[:3] == [1.0, 0.5, 0.25]


def test_doubtful_objects_that_are_there_at_every_scale_stay_as_they_are() -> None:
    network = Network(30, sees=(5, 100), score=0.3)
    assert diameter_of(look_at_scale(network, 28)) == pytest.approx(30, rel=0.05)


def test_a_real_image_is_shown_alike_at_whatever_size_it_was_taken(nuclei, picture) -> None:
    model = dataclasses.replace(nuclei, card=dataclasses.replace(nuclei.card, shown_diameter=28.0))
    image = picture("dense")
    shown = []
    for factor in (0.7, 1.0, 2.0):
        taken = rescale(image, factor, channel_axis=2 if image.ndim == 3 else None, preserve_range=True)
        proposals = model.propose(model.rgb8(taken.astype(np.uint8)))
        shown.append(proposals.letterbox.gain * diameter_of(proposals))
    assert shown == pytest.approx([28] * 3, rel=0.35)


def test_a_size_that_is_asked_for_is_obeyed(nuclei, picture) -> None:
    model = dataclasses.replace(nuclei, card=dataclasses.replace(nuclei.card, shown_diameter=28.0))
    assert model.propose(model.rgb8(picture("dense")), 320).letterbox.imgsz == 320
