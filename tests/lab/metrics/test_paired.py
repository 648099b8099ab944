"""Comparison of two models on the same cases; families of tests."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from overread.errors import UsageError
from overread_lab.metrics import area, holm, paired_comparison


def test_difference_of_means_agrees_with_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.8, 0.1, 25), rng.normal(0.76, 0.1, 25)
    groups = [f"p{i}" for i in range(25)]
    ours = paired_comparison(a, b, groups, draws=500, permutations=4000)
    theirs = permutation_test(
        (a, b), lambda x, y: np.mean(x) - np.mean(y), permutation_type="samples", n_resamples=4000,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert ours.difference.value == pytest.approx(a.mean() - b.mean())
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.03)
    assert ours.difference.interval.low < a.mean() - b.mean() < ours.difference.interval.high


def test_same_answers_differ_by_nothing():
    a = np.random.default_rng(0).random(20)
    found = paired_comparison(a, a, [str(i) for i in range(20)], draws=50, permutations=200)
    assert (found.difference.value, found.p) == (0, 1)
    assert (found.difference.interval.low, found.difference.interval.high) == (0, 0)


def test_patients_are_exchanged_whole():
    """Eight patients of ten equal items: the p value cannot fall below 2 / 2^8, however many items there are."""
    groups = [f"p{i // 10}" for i in range(80)]
    found = paired_comparison(np.ones(80), np.zeros(80), groups, draws=50, permutations=4000)
    assert found.p == pytest.approx(2 / 2**8, abs=0.004)
    assert found.difference.groups == 8


def test_works_for_figures_of_all_cases_together():
    rng, truth = np.random.default_rng(1), np.r_[np.ones(30), np.zeros(30)].astype(bool)
    good, poor = truth + rng.normal(0, 0.5, 60), truth + rng.normal(0, 3, 60)
    found = paired_comparison(
        good, poor, [str(i) for i in range(60)], statistic=lambda s, items: area(s, truth[items]), draws=300,
        permutations=500,
    )  # fmt: skip
    assert found.first == pytest.approx(area(good, truth))
    assert found.p < 0.02
    assert found.difference.interval.low > 0


def test_p_is_honest_for_equal_models():
    rng = np.random.default_rng(2)
    groups = [str(i) for i in range(15)]
    p = [paired_comparison(rng.random(15), rng.random(15), groups, draws=1, permutations=199).p for _ in range(200)]
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.09


def test_other_items_are_refused():
    with pytest.raises(UsageError, match="same items"):
        paired_comparison([1, 2], [1], ["a", "b"])
    with pytest.raises(UsageError, match="not finite"):
        paired_comparison([1, math.nan], [1, 2], ["a", "b"])


def test_holm_by_hand():
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.5})
    assert found == {"a": 0.04, "b": pytest.approx(0.09), "c": pytest.approx(0.09), "d": 0.5}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_plain_and_bonferroni(values):
    p = {str(i): v for i, v in enumerate(values)}
    found = holm(p)
    assert all(p[k] <= found[k] <= 1 for k in p)
    least = min(p, key=p.get)
    assert found[least] == min(1, len(p) * p[least])  # the smallest pays for all, as with Bonferroni
    assert [found[k] for k in sorted(p, key=p.get)] == sorted(found.values())
