"""Wilson and exact intervals of shares."""

import math

import pytest
from scipy.stats import binomtest

from overread.errors import UsageError
from overread_lab.metrics import exact, proportion, wilson


def test_wilson_and_exact_of_19_in_20_by_hand():
    assert (wilson(19, 20).low, wilson(19, 20).high) == pytest.approx((0.764, 0.991), abs=5e-4)
    assert (exact(19, 20).low, exact(19, 20).high) == pytest.approx((0.751, 0.999), abs=5e-4)


def test_wilson_of_190_in_200_by_hand():
    assert (wilson(190, 200).low, wilson(190, 200).high) == pytest.approx((0.910, 0.973), abs=5e-4)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 333])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_agrees_with_scipy(n, level):
    for hits in {0, 1, n // 2, n - 1, n}:
        test = binomtest(hits, n)
        ours, theirs = wilson(hits, n, level=level), test.proportion_ci(level, method="wilson")
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
        ours, theirs = exact(hits, n, level=level), test.proportion_ci(level, method="exact")
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_what_is_no_share_is_refused(hits, n):
    with pytest.raises(UsageError):
        wilson(hits, n)
    with pytest.raises(UsageError):
        exact(hits, n)


def test_no_cases_is_undefined_with_a_reason():
    score = proportion(0, 0)
    assert math.isnan(score.value)
    assert score.note == "no cases"
    assert proportion(3, 4).value == 0.75
