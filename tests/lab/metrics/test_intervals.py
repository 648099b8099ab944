"""Coverage, interval score, conformal quantile."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import UsageError
from overread_lab.metrics import conformal_quantile, coverage, coverage_by_bin, interval_score


def test_coverage_of_190_in_200_by_hand():
    truth = np.r_[np.zeros(190), np.full(10, 5.0)]
    found = coverage(np.full(200, -1.0), np.full(200, 1.0), truth)
    assert (found.n, found.covered, found.share) == (200, 190, 0.95)
    assert (found.wilson.low, found.wilson.high) == pytest.approx((0.910, 0.973), abs=5e-4)
    assert found.exact.low < 0.910
    assert found.median_width == found.mean_width == 2
    assert found.mean_score == pytest.approx(2 + 10 * (2 / 0.05) * 4 / 200)


def test_ends_belong_to_the_interval():
    assert coverage([1, 1], [2, 2], [1, 2]).share == 1


def test_infinite_end_covers_and_shows_in_the_mean_width():
    found = coverage([0, 0, -math.inf], [1, 1, 1], [0.5, 0.5, -9.0])
    assert found.covered == 3
    assert found.median_width == 1
    assert found.mean_width == math.inf


@pytest.mark.parametrize(
    ("low", "high", "truth"),
    [([math.nan], [1], [0]), ([0], [math.nan], [0]), ([0], [1], [math.nan]), ([2], [1], [1]), ([0, 0], [1], [0])],
)
def test_nan_reversed_and_ragged_input_raise(low, high, truth):
    with pytest.raises(UsageError):
        coverage(low, high, truth)


def test_no_case_is_undefined():
    found = coverage([], [], [])
    assert found.n == 0
    assert math.isnan(found.share)
    assert not found.keeps()


@pytest.mark.parametrize(
    ("covered", "n", "kept"), [(190, 200, True), (170, 200, False), (400, 400, False), (18, 20, True)]
)
def test_keeping_the_promise_has_two_sides(covered, n, kept):
    truth = np.r_[np.zeros(covered), np.full(n - covered, 9.0)]
    assert coverage(np.full(n, -1.0), np.full(n, 1.0), truth).keeps() is kept


def test_interval_score_by_hand():
    assert interval_score([9, 9, 9], [11, 11, 11], [12, 10, 8.5]).tolist() == pytest.approx([42, 2, 22])


def test_bins_are_closed_on_the_left_and_lose_nobody():
    size = [4.0, 5.9, 6.0, 8.0, 10.0]
    rows = coverage_by_bin([0] * 5, [1] * 5, [0.5, 2, 0.5, 0.5, 2], size=size, edges=(4, 6, 8, 10))
    assert [(low, high, found.n, found.covered) for low, high, found in rows] == [
        (4, 6, 2, 1),
        (6, 8, 1, 1),
        (8, 10, 2, 1),
    ]
    with pytest.raises(UsageError, match=r"sizes run from"):
        coverage_by_bin([0], [1], [0.5], size=[3.9], edges=(4, 6))


def test_conformal_rank_by_hand():
    scores = np.arange(1, 10) / 10
    assert conformal_quantile(scores[::-1], miss_rate=0.1) == pytest.approx(0.9)
    assert conformal_quantile(scores, miss_rate=0.05) == math.inf
    assert conformal_quantile(np.arange(99), miss_rate=0.1) == 89  # rank 90 of 99, counted from 1


@given(n=st.integers(5, 60), seed=st.integers(0, 10_000))
def test_conformal_intervals_cover_on_average(n, seed):
    """P(new score <= q) is at least 1 - a for exchangeable scores: with ranks, exactly k / (n + 1)."""
    scores = np.random.default_rng(seed).permutation(n).astype(float)
    q = conformal_quantile(scores, miss_rate=0.2)
    below_or_equal = n if math.isinf(q) else int(q) + 1
    assert below_or_equal / (n + 1) >= 0.8 or math.isinf(q)
