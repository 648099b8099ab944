"""Agreement over the eight copies: the worked example, a coin, an operator that knows left from right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from overread.errors import UsageError
from overread_lab.metrics import outline_agreement, symmetry_agreement, wilson


def test_worked_example():
    found = symmetry_agreement([[1] * 8, [1] * 7 + [0], [0] * 8])
    assert found.all_equal.value == pytest.approx(2 / 3)
    assert found.all_equal.interval == wilson(2, 3)
    assert found.mode_agreement == pytest.approx((1 + 0.875 + 1) / 3)
    assert math.isnan(found.p_sd)


def test_coin_agrees_in_one_of_128():
    votes = np.random.default_rng(1).integers(0, 2, (40_000, 8))
    assert symmetry_agreement(votes).all_equal.value == pytest.approx(2 / 2**8, abs=0.0015)


def test_spread_of_the_probability():
    assert symmetry_agreement([[1] * 8], [[0.2, 0.4] * 4]).p_sd == pytest.approx(0.1)


def test_segmentation_that_turns_with_the_picture_agrees_and_one_that_does_not_is_found():
    image = np.random.default_rng(2).normal(size=(20, 30))
    assert outline_agreement(image, lambda one: one > 0).value == 1
    assert outline_agreement(image, lambda one: (one > 0) & (np.arange(one.shape[1]) < one.shape[1] / 2)).value < 0.8


@pytest.mark.parametrize(
    ("votes", "p"), [([[1] * 7], None), ([], None), ([[1] * 8], [[2] * 8]), ([[1] * 8], [[1] * 7])]
)
def test_other_shapes_are_refused(votes, p):
    with pytest.raises(UsageError, match="expected"):
        symmetry_agreement(votes, p)
