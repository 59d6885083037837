"""Which refiner an argument means."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fastsam.errors import ParameterError
from napari_fastsam.model.asking.refining import chosen_refiner, default_refiner


@pytest.mark.parametrize("yes", [True, np.True_])
def test_true_of_any_kind_is_the_default(yes):
    assert chosen_refiner(yes) is default_refiner()


@pytest.mark.parametrize("no", [False, np.False_, None])
def test_false_of_any_kind_is_none(no):
    assert chosen_refiner(no) is None


def test_a_refiner_is_itself():
    assert chosen_refiner(default_refiner()) is default_refiner()


@pytest.mark.parametrize("wrong", ["yes", 1, 0.5])
def test_anything_else_is_refused(wrong):
    with pytest.raises(ParameterError, match="expected True, False or an object with a method"):
        chosen_refiner(wrong)
