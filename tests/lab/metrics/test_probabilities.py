"""Log loss, Brier score, calibration."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from overread.errors import UsageError
from overread_lab.metrics import (
    ace,
    brier,
    brier_skill,
    calibration_line,
    ece,
    log_loss,
    reliability,
    rsna_log_loss,
)

P, Y = [0.9, 0.8, 0.65, 0.3, 0.1], [1, 1, 0, 0, 0]


def test_rsna_by_hand():
    found = rsna_log_loss([[0.9, 0.05, 0.8, 0.1, 0.1, 0.2]], [[1, 0, 1, 0, 0, 0]])
    assert found.value == pytest.approx(0.13129, abs=5e-6)
    with pytest.raises(UsageError, match="expected"):
        rsna_log_loss([[0.5] * 5], [[1] * 5])


def test_brier_and_ece_by_hand():
    assert brier(P, Y) == pytest.approx(0.1145)
    assert ece(P, Y, bins=2).value == pytest.approx(0.15)
    assert brier_skill(P, Y).value == pytest.approx(1 - 0.1145 / 0.24)
    assert math.isnan(brier_skill([0.2, 0.4], [0, 0]).value)


@given(st.integers(0, 2**32 - 1))
def test_agree_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    p, y = rng.random(20), rng.random(20) < 0.5
    y[:2] = (True, False)
    assert log_loss(p, y).value == pytest.approx(sk.log_loss(y, p))
    assert brier(p, y) == pytest.approx(sk.brier_score_loss(y, p))
    table = rng.dirichlet([1, 1, 1], 20)
    truth = np.r_[0, 1, 2, rng.integers(0, 3, 17)]
    assert log_loss(table, truth).value == pytest.approx(sk.log_loss(truth, table))
    two = np.column_stack([1 - p, p])
    assert brier(two, y.astype(int)) == pytest.approx(2 * brier(p, y))  # both classes count


def test_certain_and_wrong_is_clipped_and_counted():
    found = log_loss([1.0, 0.5], [0, 1])
    assert found.clipped == 1
    assert found.value == pytest.approx((-math.log(1e-7) + math.log(2)) / 2)


def test_bins_are_closed_on_the_right():
    assert ece([0.5, 0.5], [1, 1], bins=2).value == pytest.approx(0.5)
    low_and_high = ece([0.5, 0.500001], [1, 0], bins=2)
    assert low_and_high.value == pytest.approx(0.5, abs=1e-5)  # one bin each, so the errors do not cancel
    assert ece([0.0, 0.0], [0, 0]).value == 0


def test_null_says_what_perfect_calibration_would_score():
    rng = np.random.default_rng(0)
    p = rng.random(150)
    y = rng.random(150) < p
    for measure in (ece, ace):
        found = measure(p, y)
        assert found.null_mean == pytest.approx(found.value, abs=0.05)
        assert found.null_mean > 0.03  # the bias at this n is not small
        assert measure(p, rng.random(150) < p**3).value > 2 * found.null_mean


def test_equal_probabilities_stay_in_one_bin_whatever_their_order():
    p, y = np.full(30, 0.4), np.r_[np.ones(12), np.zeros(18)]
    assert ace(p, y).value == pytest.approx(0, abs=1e-12)
    assert ace(p, y[::-1]).value == pytest.approx(0, abs=1e-12)


def test_top_1_confidence_of_many_classes():
    table = [[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]]
    assert ece(table, [0, 1]).value == pytest.approx(0.1)


def test_reliability_bins_hold_every_case():
    rng = np.random.default_rng(1)
    p = rng.random(101)
    rows = reliability(p, rng.random(101) < p)
    assert sum(row.n for row in rows) == 101
    assert all(row.interval.low <= row.share <= row.interval.high for row in rows)
    assert [row.mean_probability for row in rows] == sorted(row.mean_probability for row in rows)


def test_line_agrees_with_scikit_learn_and_finds_overconfidence():
    rng = np.random.default_rng(2)
    logit = rng.normal(0, 1.5, 3000)
    y = rng.random(3000) < 1 / (1 + np.exp(-logit))
    twice = 1 / (1 + np.exp(-2 * logit))
    found = calibration_line(twice, y)
    theirs = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(2 * logit[:, None], y)
    assert found.slope == pytest.approx(theirs.coef_[0, 0], abs=1e-4)
    assert found.intercept == pytest.approx(theirs.intercept_[0], abs=1e-4)
    assert found.slope_interval.low < 0.5 < found.slope_interval.high
    assert found.intercept_interval.low < 0 < found.intercept_interval.high


@pytest.mark.parametrize(
    ("p", "y", "note"),
    [
        ([0.1, 0.2, 0.8], [0, 0, 1], "separate"),
        ([0.1, 0.2], [1, 1], "one class"),
        ([0.3, 0.3], [0, 1], "equal"),
    ],
)
def test_line_says_why_it_is_undefined(p, y, note):
    found = calibration_line(p, y)
    assert math.isnan(found.slope)
    assert note in found.note


@pytest.mark.parametrize("p", [[1.2, 0.1], [math.nan, 0.1], [0.1], [[0.5, 0.6], [0.5, 0.5]]])
def test_bad_probabilities_raise(p):
    for score in (log_loss, brier, ece, ace):
        with pytest.raises(UsageError):
            score(p, [0, 1])
