"""Conformal sets and decisions keep their promises on exchangeable cases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from overread.errors import UsageError
from overread.models.conformal import (
    Decision,
    as_row,
    conformal_quantile,
    conformal_rank,
    coverage_range,
    fit_class_sets,
    fit_three_way,
)

CLASSES = ("a", "b", "c")


def test_ranges_by_hand():
    assert conformal_rank(99, miss_rate=0.1) == 90
    assert coverage_range(99, miss_rate=0.1) == pytest.approx((0.847, 0.944), abs=5e-4)
    assert coverage_range(500, miss_rate=0.1) == pytest.approx((0.877, 0.921), abs=5e-4)
    assert coverage_range(5, miss_rate=0.1) == (1, 1)


@given(st.integers(1, 500), st.floats(0.01, 0.5), st.floats(0.5, 0.99))
def test_range_agrees_with_scipy_and_holds_the_promise(n, miss_rate, level):
    k = conformal_rank(n, miss_rate=miss_rate)
    if k > n:
        return
    low, high = coverage_range(n, miss_rate=miss_rate, level=level)
    assert (low, high) == pytest.approx(beta(k, n + 1 - k).interval(level))
    assert k / (n + 1) >= 1 - miss_rate - 1e-9  # the mean of that law


def cases(rng, n):
    p = rng.dirichlet([0.6, 0.6, 0.6], n)
    return p, np.array([rng.choice(3, p=row) for row in p])


@pytest.mark.parametrize("n", [60, 400])
def test_sets_hold_the_truth_about_as_often_as_they_say(n):
    rng = np.random.default_rng(n)
    held, by_class = [], []
    for _ in range(60):
        sets = fit_class_sets(*cases(rng, n), CLASSES, miss_rate=0.1)
        by_class.append(sets.by_class)
        p, truth = cases(rng, 60)
        held += [CLASSES[t] in printed for t, printed in zip(truth, sets.sets(p), strict=True)]
    assert 0.88 <= np.mean(held) <= 0.93
    assert set(by_class) == {n == 400}


def test_coverage_given_one_calibration_follows_the_stated_range():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        q = conformal_quantile(rng.random(99), miss_rate=0.1)
        low, high = coverage_range(99, miss_rate=0.1)
        inside += low <= q <= high  # scores are uniform, so q is the coverage itself
    assert 0.84 <= inside / 200 <= 0.96


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.4), st.floats(0.02, 0.4))
def test_a_stricter_promise_never_shrinks_a_set(seed, one, other):
    rng = np.random.default_rng(seed)
    calibration, (p, _) = cases(rng, 40), cases(rng, 5)
    strict, loose = sorted((one, other))
    wide = fit_class_sets(*calibration, CLASSES, miss_rate=strict).sets(p)
    narrow = fit_class_sets(*calibration, CLASSES, miss_rate=loose).sets(p)
    assert all(set(b) <= set(a) for a, b in zip(wide, narrow, strict=True))


def test_too_few_cases_rule_nothing_out():
    sets = fit_class_sets([[0.9, 0.1], [0.2, 0.8]], [0, 1], ("x", "y"), miss_rate=0.1)
    assert sets.thresholds == (math.inf, math.inf)
    assert sets.sets([[1.0, 0.0]]) == [("x", "y")]
    assert sets.coverage() == (1, 1)


def triage(rng, n):
    abnormal = rng.random(n) < 0.4
    return 1 / (1 + np.exp(-rng.normal(np.where(abnormal, 1.5, -1.5), 1.5))), abnormal.astype(int)


def test_three_way_promises_hold_and_easy_cases_are_answered():
    rng = np.random.default_rng(5)
    missed, alarmed, answered = [], [], []
    for _ in range(50):
        rule = fit_three_way(*triage(rng, 400), miss_rate=0.05, false_alarm_rate=0.1)
        p, abnormal = triage(rng, 200)
        said = [rule.decide(x) for x in p]
        missed += [d is Decision.NORMAL for d, a in zip(said, abnormal, strict=True) if a]
        alarmed += [d is Decision.ABNORMAL for d, a in zip(said, abnormal, strict=True) if not a]
        answered += [d is not Decision.NEEDS_READER for d in said]
    assert np.mean(missed) <= 0.055
    assert np.mean(alarmed) <= 0.105
    assert np.mean(answered) > 0.5
    low, high = rule.kept_abnormal()
    assert low < 0.95 < high
    assert rule.kept_normal()[0] < 0.9 < rule.kept_normal()[1]


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_never_sounds_more_normal(seed, first, second):
    rule = fit_three_way(*triage(np.random.default_rng(seed), 200), miss_rate=0.05)
    order = [Decision.NORMAL, Decision.NEEDS_READER, Decision.ABNORMAL]
    low, high = (order.index(rule.decide(p)) for p in sorted((first, second)))
    assert low <= high


def test_too_few_abnormal_cases_never_call_normal():
    p, abnormal = np.r_[np.full(20, 0.9), np.full(80, 0.1)], np.r_[np.ones(20), np.zeros(80)]
    rule = fit_three_way(p, abnormal, miss_rate=0.02)  # 20 cases cannot show a miss rate of 2 %
    assert rule.decide(0.0) is Decision.NEEDS_READER
    assert rule.decide(0.99) is Decision.ABNORMAL


def test_bad_input_raises():
    with pytest.raises(UsageError):
        fit_three_way([1.2], [1])
    with pytest.raises(UsageError):
        fit_class_sets([[0.5, 0.5]], [2], ("x", "y"))
    with pytest.raises(UsageError):
        conformal_quantile([math.nan], miss_rate=0.1)
    with pytest.raises(UsageError):
        conformal_quantile([1.0], miss_rate=1.0)
    with pytest.raises(UsageError, match="expected"):
        as_row(("x", "y"), {"x": 1.0})
