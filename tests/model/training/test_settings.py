"""What training chooses by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from napari_fastsam.core.judging.held_out import held_out
from napari_fastsam.errors import ParameterError
from napari_fastsam.model.training.crops import AnnotatedPlane
from napari_fastsam.model.training.settings import choose
from napari_fastsam.model.weights.card import Card


@dataclass
class Named:
    name: str
    group: str = ""


def plane(diameter: float, side: int = 256) -> AnnotatedPlane:
    return AnnotatedPlane("a", "", np.zeros((side, side, 3), np.uint8), np.zeros((side, side), np.uint16), diameter)


def test_a_share_of_every_kind_is_held_out() -> None:
    examples = [Named(f"a{i}", "tissue") for i in range(20)] + [Named(f"b{i}", "fluorescence") for i in range(60)]
    out = held_out(examples, 0.1, seed=0)
    assert (sum(out[:20]), sum(out[20:])) == (2, 6)


def test_the_same_images_are_held_out_in_any_order_and_others_for_another_seed() -> None:
    examples = [Named(f"a{i}") for i in range(50)]
    chosen = {e.name for e, out in zip(examples, held_out(examples, 0.2, 3), strict=True) if out}
    turned = examples[::-1]
    assert {e.name for e, out in zip(turned, held_out(turned, 0.2, 3), strict=True) if out} == chosen
    assert {e.name for e, out in zip(examples, held_out(examples, 0.2, 4), strict=True) if out} != chosen


def test_few_images_are_all_learnt_from() -> None:
    assert not any(held_out([Named(str(i)) for i in range(5)], 0.5, 0))


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ParameterError, match="hold out"):
        held_out([Named("a")], share, 0)


def test_images_with_objects_of_one_size_share_a_scale() -> None:
    settings, said = choose([plane(14), plane(15)], None, seed=0)
    assert (settings.rescale, settings.scale) == (False, pytest.approx(28 / 14.5))
    assert settings.scales_of([plane(14), plane(40)]).tolist() == pytest.approx([28 / 14.5] * 2)
    assert "14 px" in said[0]


def test_images_with_objects_of_many_sizes_are_brought_to_one() -> None:
    settings, _ = choose([plane(10), plane(40)], None, seed=0)
    assert settings.rescale
    # a plane without objects is taken for a usual one
    assert settings.scales_of([plane(10), plane(40), plane(float("nan"))]).tolist() == pytest.approx(
        [2.8, 0.7, 28 / 25]
    )


def test_a_base_that_brings_objects_to_one_size_goes_on_so() -> None:
    settings, _ = choose([plane(50)], Card("nuclei", shown_diameter=30.0), seed=0)
    assert (settings.rescale, settings.object_size) == (True, 30.0)


def test_fine_tuning_is_shorter_and_gentler_than_starting_anew() -> None:
    anew, _ = choose([plane(20)] * 10, None, seed=0)
    onward, _ = choose([plane(20)] * 10, Card("nuclei"), seed=0)
    assert onward.epochs * onward.crops_per_epoch < anew.epochs * anew.crops_per_epoch
    assert onward.learning_rate < anew.learning_rate


def test_what_a_person_says_is_taken() -> None:
    wanted = {"epochs": 3, "imgsz": 320, "batch": 4, "object_size": 40.0, "learning_rate": 1e-4}
    settings, _ = choose([plane(20)], None, seed=5, **wanted)
    assert {key: getattr(settings, key) for key in wanted} == wanted
    assert settings.seed == 5
    assert isinstance(choose([plane(20)], None, seed=5, imgsz=320.0)[0].imgsz, int)


@pytest.mark.parametrize(
    "wanted",
    [
        {"epochs": 0}, {"imgsz": 100}, {"imgsz": 32}, {"object_size": float("inf")}, {"epochs": 2.5}, {"batch": 4.5},
        {"epoch": 3},
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused_by_name(wanted: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wanted))):
        choose([plane(20)], None, seed=0, **wanted)


def test_images_without_any_object_are_refused() -> None:
    with pytest.raises(ParameterError, match="no object"):
        choose([plane(float("nan"))], None, seed=0)
