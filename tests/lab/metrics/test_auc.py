"""Area under the curve and its interval."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score, roc_curve

from overread.errors import UsageError
from overread_lab.metrics import area, auc, auc_by_group, compare_auc, macro_auc, roc

SCORES = [0.9, 0.8, 0.55, 0.4, 0.7, 0.5, 0.4, 0.2, 0.1]
TRUTH = [1] * 4 + [0] * 5


def test_by_hand():
    found = auc(SCORES, TRUTH)
    assert found.value == pytest.approx(0.825)
    assert found.se == pytest.approx(0.1507, abs=5e-5)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.379, 0.973), abs=5e-4)
    assert found.value - 1.96 * found.se == pytest.approx(0.530, abs=5e-4)


def test_no_overlap_is_bound_by_the_smaller_class():
    found = auc(np.r_[np.ones(10), np.zeros(40)], np.r_[np.ones(10), np.zeros(40)])
    assert (found.value, found.interval.high) == (1, 1)
    assert found.interval.low == pytest.approx(0.692, abs=5e-4)
    mirrored = auc(np.r_[np.zeros(10), np.ones(40)], np.r_[np.ones(10), np.zeros(40)])
    assert mirrored.interval.high == pytest.approx(1 - found.interval.low)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(2, 30))
def test_agrees_with_scikit_learn_and_mann_whitney(seed, m, n):
    rng = np.random.default_rng(seed)
    score, truth = rng.integers(0, 12, m + n) / 12, np.r_[np.ones(m), np.zeros(n)]
    found = auc(score, truth)
    assert found.value == pytest.approx(roc_auc_score(truth, score))
    assert found.value == pytest.approx(mannwhitneyu(score[:m], score[m:]).statistic / m / n)
    if found.interval is not None:
        assert found.interval.low <= found.value <= found.interval.high
    curve = roc(score, truth)
    assert np.trapezoid(curve.sensitivity, curve.false_positive_rate) == pytest.approx(found.value)
    false, hits, _ = roc_curve(truth, score, drop_intermediate=False)
    assert np.allclose(curve.false_positive_rate, false)
    assert np.allclose(curve.sensitivity, hits)


def test_delong_variance_by_its_definition():
    rng = np.random.default_rng(1)
    positive, negative = rng.normal(1, 1, 12).round(1), rng.normal(0, 1, 17).round(1)
    psi = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    variance = psi.mean(axis=1).var(ddof=1) / 12 + psi.mean(axis=0).var(ddof=1) / 17
    found = auc(np.r_[positive, negative], np.r_[np.ones(12), np.zeros(17)])
    assert found.se == pytest.approx(math.sqrt(variance))


def test_interval_covers_about_as_often_as_it_says():
    rng, truth = np.random.default_rng(2), np.r_[np.ones(25), np.zeros(35)]
    true_area = 0.5 * (1 + math.erf(1 / 2))  # normals one sd apart: Phi(1 / sqrt 2)
    held = 0
    for _ in range(400):
        interval = auc(np.r_[rng.normal(1, 1, 25), rng.normal(0, 1, 35)], truth).interval
        held += interval.low <= true_area <= interval.high
    assert 0.92 <= held / 400 <= 0.985


def test_one_class_is_undefined_and_nan_raises():
    assert math.isnan(auc([0.1, 0.2], [1, 1]).value)
    assert math.isnan(area([0.1, 0.2], [0, 0]))
    with pytest.raises(UsageError, match="undefined"):
        roc([0.1, 0.2], [1, 1])
    with pytest.raises(UsageError, match="not finite"):
        auc([0.1, math.nan], [0, 1])
    with pytest.raises(UsageError, match="other than 0 and 1"):
        auc([0.1, 0.2], [0, 2])
    assert auc([0.3, 0.3, 0.3], [1, 1, 0]).interval is None


def test_two_models_on_the_same_cases():
    rng, truth = np.random.default_rng(3), np.r_[np.ones(60), np.zeros(60)]
    good = truth + rng.normal(0, 0.6, 120)
    same_order = compare_auc(good, np.exp(good), truth)
    assert (same_order.difference, same_order.p) == (0, 1)
    worse = compare_auc(good, truth + rng.normal(0, 3, 120), truth)
    assert worse.difference > 0.2
    assert worse.p < 1e-3
    assert worse.interval.low > 0
    a, b = auc(good, truth), auc(good + rng.normal(0, 0.2, 120), truth)
    close = compare_auc(good, good + np.random.default_rng(9).normal(0, 0.2, 120), truth)
    width = close.interval.high - close.interval.low
    assert width < 2 * 1.96 * math.hypot(a.se, b.se)  # what both share cancels


def test_comparison_of_equal_models_calls_few_differences():
    rng, truth = np.random.default_rng(4), np.r_[np.ones(30), np.zeros(30)]
    p = [compare_auc(truth + rng.normal(0, 1, 60), truth + rng.normal(0, 1, 60), truth).p for _ in range(300)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.09


def test_many_classes_are_averaged_over_those_present():
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 90)
    raw = rng.random((90, 3)) + np.eye(3)[truth]
    p = raw / raw.sum(axis=1, keepdims=True)
    assert macro_auc(p, truth).value == pytest.approx(roc_auc_score(truth, p, multi_class="ovr"))
    with_absent = macro_auc(np.column_stack([p, np.zeros(90)]), truth)
    assert with_absent.value == pytest.approx(macro_auc(p, truth).value)
    assert with_absent.note == "1 classes absent"
    assert math.isnan(macro_auc(p[truth == 1], truth[truth == 1]).value)


def test_several_cases_a_patient_widen_the_interval():
    rng = np.random.default_rng(6)
    truth_of, effect = np.r_[np.ones(15), np.zeros(15)], rng.normal(0, 1, 30)
    truth, groups = np.repeat(truth_of, 8), [f"p{i}" for i in range(30) for _ in range(8)]
    score = truth + np.repeat(effect, 8) + rng.normal(0, 0.1, 240)
    clustered = auc_by_group(score, truth, groups)
    plain = auc(score, truth)
    assert clustered.groups == 30
    assert clustered.interval.high - clustered.interval.low > 1.5 * (plain.interval.high - plain.interval.low)
