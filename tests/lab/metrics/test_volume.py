"""Volume errors, Bland-Altman, sets of categories."""

import math

import numpy as np
import pytest

from overread.errors import UsageError
from overread_lab.metrics import bland_altman, log_ratio, relative_error, set_coverage, volume_errors


def test_520_against_500():
    assert relative_error([520], [500])[0] == pytest.approx(0.04)
    assert log_ratio([520], [500])[0] == pytest.approx(0.0392, abs=5e-5)


def test_truth_of_zero_is_counted_and_enters_the_absolute_error_only():
    found = volume_errors([10, 110, 90], [0, 100, 100])
    assert (found.n, found.zero_truths) == (2, 1)
    assert found.mean == pytest.approx(0)
    assert found.mean_absolute == pytest.approx(10)
    assert math.isnan(found.limits[0])


def test_summary_by_hand():
    found = volume_errors([90, 100, 110, 140], [100, 100, 100, 100])
    assert (found.median, found.quartiles) == (pytest.approx(0.05), pytest.approx((-0.025, 0.175)))
    assert (found.mean, found.sd) == (pytest.approx(0.1), pytest.approx(math.sqrt(0.14 / 3)))
    assert found.limits == pytest.approx((0.1 - 1.96 * math.sqrt(0.14 / 3), 0.1 + 1.96 * math.sqrt(0.14 / 3)))
    assert found.mean_log_ratio == pytest.approx(math.log(0.9 * 1.1 * 1.4) / 4)


@pytest.mark.parametrize(("value", "truth"), [([math.nan], [1]), ([1], [math.inf]), ([-1], [1]), ([1, 2], [1])])
def test_bad_input_raises(value, truth):
    with pytest.raises(UsageError):
        volume_errors(value, truth)


def test_bland_altman_by_hand():
    found = bland_altman([10, 12, 15, 20], [9, 13, 14, 18])
    assert (found.bias, found.sd) == (0.75, pytest.approx(1.258, abs=5e-4))
    assert (found.low, found.high) == pytest.approx((-1.716, 3.216), abs=5e-4)
    half = 1.96 * found.sd * math.sqrt(1 / 4 + 1.96**2 / 6)
    assert (found.low_interval.low, found.low_interval.high) == pytest.approx((found.low - half, found.low + half))


def test_bland_altman_limits_hold_95_percent_of_new_differences():
    rng = np.random.default_rng(5)
    truth = rng.uniform(50, 500, 4000)
    a, b = truth + rng.normal(2, 3, 4000), truth + rng.normal(0, 4, 4000)
    found = bland_altman(a, b)
    assert found.bias == pytest.approx(2, abs=0.25)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 5, rel=0.05)


def test_proportional_bias_shows_in_the_slope_and_leaves_the_ratio():
    rng = np.random.default_rng(6)
    truth = np.geomspace(30, 3000, 60)
    a = truth * 1.1 * np.exp(rng.normal(0, 0.02, 60))
    plain, ratio = bland_altman(a, truth), bland_altman(a, truth, ratio=True)
    assert plain.slope_p < 1e-6
    assert ratio.bias == pytest.approx(1.1, abs=0.01)
    assert ratio.low < 1.1 < ratio.high
    assert ratio.slope_p > 0.01


def test_two_pairs_are_too_few():
    found = bland_altman([1, 2], [1, 3])
    assert math.isnan(found.bias)
    assert "3 pairs" in found.note


def test_sets_of_categories_by_hand():
    found = set_coverage([{"3"}, {"3", "4A"}, {"2"}], ["3", "4A", "3"])
    assert found.share.value == pytest.approx(2 / 3)
    assert found.mean_size == pytest.approx(4 / 3)
    with pytest.raises(UsageError):
        set_coverage([{"3"}], [])
