"""Counts, balanced accuracy, kappa, decision curve, average precision."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from overread.errors import UsageError
from overread_lab.metrics import (
    BinaryCounts,
    average_precision,
    balanced_accuracy,
    binary_counts,
    confusion_matrix,
    decision_curve,
    detection_precision,
    kappa,
    net_benefit,
    restated_npv,
    restated_ppv,
    top_class,
)
from overread_lab.metrics.detection import FALSE_POSITIVE, NEITHER, ScanOutcome

EXAMPLE = BinaryCounts(tp=8, fn=2, tn=81, fp=9)


def test_shares_by_hand():
    assert EXAMPLE.npv.value == pytest.approx(0.9759, abs=5e-5)
    assert (EXAMPLE.npv.interval.low, EXAMPLE.npv.interval.high) == pytest.approx((0.916, 0.993), abs=5e-4)
    assert EXAMPLE.ppv.value == pytest.approx(0.4706, abs=5e-5)
    assert EXAMPLE.balanced_accuracy == pytest.approx(0.85)


def test_predictive_values_restated_at_their_own_prevalence_are_the_plain_ones():
    assert restated_npv(0.8, 0.9, prevalence=0.1) == pytest.approx(81 / 83)
    assert restated_ppv(0.8, 0.9, prevalence=0.1) == pytest.approx(8 / 17)
    assert restated_npv(0.8, 0.9, prevalence=0.3) == pytest.approx(0.63 / 0.69)
    assert math.isnan(restated_npv(1.0, 0.0, prevalence=0.3))
    with pytest.raises(UsageError):
        restated_ppv(1.2, 0.5, prevalence=0.1)


def test_nothing_of_a_class_is_undefined():
    counts = binary_counts([0, 0, 0], [0, 0, 1])
    assert (counts.tp, counts.fn, counts.tn, counts.fp) == (0, 0, 2, 1)
    assert math.isnan(counts.sensitivity.value)
    assert counts.sensitivity.note == "no cases"
    assert counts.balanced_accuracy == pytest.approx(2 / 3)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_matrix_and_kappa_agree_with_scikit_learn(pairs):
    truth, answer = np.array(pairs).T
    matrix = confusion_matrix(truth, answer, classes=4)
    assert (matrix == sk.confusion_matrix(truth, answer, labels=range(4))).all()
    found = balanced_accuracy(matrix)
    recalls = [np.mean(answer[truth == c] == c) for c in np.unique(truth)]
    assert found.value == pytest.approx(np.mean(recalls))
    assert found.absent == 4 - len(recalls)
    for weights in ("none", "quadratic"):
        ours = kappa(matrix, weights=weights)
        if not ours.note:
            theirs = sk.cohen_kappa_score(
                truth, answer, labels=range(4), weights=None if weights == "none" else "quadratic"
            )
            assert ours.value == pytest.approx(theirs, abs=1e-12)


def test_kappa_by_hand():
    assert kappa([[20, 5], [10, 15]]).value == pytest.approx(0.40)
    assert kappa([[5, 1, 0], [1, 4, 1], [0, 2, 6]], weights="quadratic").value == pytest.approx(0.8134, abs=5e-5)


def test_kappa_of_one_category_is_one_by_convention():
    assert (kappa([[7, 0], [0, 0]]).value, kappa([[7, 0], [0, 0]]).note) == (1, "one category only")
    assert math.isnan(kappa(np.zeros((2, 2))).value)
    with pytest.raises(UsageError, match="square"):
        kappa([[1, 2, 3]])


def test_net_benefit_by_hand():
    assert net_benefit(8, 9, 100, threshold=0.2) == pytest.approx(0.0575)
    truth = np.r_[np.ones(10), np.zeros(90)]
    p = np.r_[np.full(8, 0.6), np.full(2, 0.1), np.full(9, 0.4), np.full(81, 0.05)]
    curve = decision_curve(p, truth, [0.2])
    assert curve.net_benefit[0] == pytest.approx(0.0575)
    assert curve.treat_all[0] == pytest.approx(-0.125)
    assert len(decision_curve(p, truth).threshold) == 99
    with pytest.raises(UsageError, match="threshold"):
        decision_curve(p, truth, [0.995])


def test_a_useless_model_is_never_worth_more_than_both_simple_rules():
    rng = np.random.default_rng(0)
    truth = rng.random(4000) < 0.3
    curve = decision_curve(rng.random(4000), truth)
    assert np.all(curve.net_benefit <= np.maximum(curve.treat_all, 0) + 0.02)


def test_top_class_takes_the_lowest_of_a_tie_and_says_so():
    top = top_class([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    assert top.index.tolist() == [0, 2]
    assert top.tied.tolist() == [True, False]
    with pytest.raises(UsageError, match="miss 1"):
        top_class([[0.5, 0.4], [0.1, 0.9]])


@given(st.integers(0, 2**32 - 1))
def test_plain_average_precision_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    hit = rng.random(30) < 0.4
    hit[0] = True
    score = rng.integers(0, 8, 30) / 8
    ours = average_precision(score, hit, truths=int(hit.sum()), reading="plain").value
    assert ours == pytest.approx(sk.average_precision_score(hit, score))
    assert average_precision(score, hit, truths=int(hit.sum())).value >= ours - 1e-12


def test_average_precision_by_hand():
    # precision 1, 1/2, 2/3, 1/2 at recall 1/3, 1/3, 2/3, 2/3; the third truth is never found
    score, hit = [0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]
    assert average_precision(score, hit, truths=3).value == pytest.approx((1 + 2 / 3) / 3)
    eleven = average_precision(score, hit, truths=3, reading="eleven").value
    assert eleven == pytest.approx((4 * 1 + 3 * 2 / 3) / 11)


def test_average_precision_without_truth_or_candidate():
    assert math.isnan(average_precision([], [], truths=0).value)
    assert average_precision([0.4], [0], truths=0).value == 0
    assert average_precision([], [], truths=3).value == 0


def test_detection_precision_leaves_out_what_counts_neither_way():
    scan = ScanOutcome("a", "a", np.array([0.9, 0.8, 0.7]), np.array([0, NEITHER, FALSE_POSITIVE]), 1)
    assert detection_precision([scan]).value == 1
