"""Dice and intersection over union."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score, jaccard_score

from overread.errors import UsageError
from overread_lab.metrics import average, dice, dice_pooled, iou, per_class, require_possible_means

A = np.array([1, 1, 1, 1, 0, 0, 0], dtype=bool)
B = np.array([0, 1, 1, 1, 1, 1, 0], dtype=bool)
EMPTY = np.zeros(7, dtype=bool)


def test_four_and_five_voxels_with_three_in_common():
    assert dice(A, B).value == pytest.approx(6 / 9)
    assert iou(A, B).value == pytest.approx(3 / 6)


def test_empty_masks():
    assert (dice(EMPTY, EMPTY).value, dice(EMPTY, EMPTY).note) == (1, "both_empty")
    assert (iou(EMPTY, EMPTY).value, iou(EMPTY, EMPTY).note) == (1, "both_empty")
    assert dice(A, EMPTY).value == iou(EMPTY, A).value == 0


@given(arrays(bool, (2, 3, 4, 5)))
def test_agrees_with_scikit_learn_and_with_each_other(pair):
    a, b = pair
    d, j = dice(a, b).value, iou(a, b).value
    assert d == pytest.approx(f1_score(a.ravel(), b.ravel(), zero_division=1.0))
    if a.any() or b.any():
        assert j == pytest.approx(jaccard_score(a.ravel(), b.ravel(), zero_division=1.0))
    assert j == pytest.approx(d / (2 - d))


def test_mean_with_and_without_cases_scored_by_convention():
    mean = average([dice(A, B), dice(EMPTY, EMPTY)])
    assert mean.mean == pytest.approx((6 / 9 + 1) / 2)
    assert (mean.mean_plain, mean.by_convention, mean.skipped) == (pytest.approx(6 / 9), 1, 0)


def test_pooled_is_another_number():
    small = np.array([True, False])
    assert dice_pooled([(A, B), (small, ~small)]).value == pytest.approx(6 / 11)
    assert average([dice(A, B), dice(small, ~small)]).mean == pytest.approx(3 / 9)


def test_per_class_leaves_background_out():
    a, b = np.array([0, 1, 1, 2]), np.array([0, 1, 3, 3])
    found = {label: score.value for label, score in per_class(a, b).items()}
    assert found == {1: pytest.approx(2 / 3), 2: 0, 3: 0}
    with pytest.raises(UsageError, match="unknown score"):
        per_class(a, b, of="accuracy")


def test_masks_are_bool_and_of_one_shape():
    with pytest.raises(UsageError, match="expected bool"):
        dice(A.astype(int), B)
    with pytest.raises(UsageError, match="shapes"):
        iou(A, B[:5])


@pytest.mark.parametrize(("mean_dice", "mean_iou"), [(0.980, 0.940), (0.663, 0.785)])
def test_impossible_pairs_of_means_are_refused(mean_dice, mean_iou):
    with pytest.raises(UsageError, match="cannot go with"):
        require_possible_means(mean_dice, mean_iou)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_possible_pairs_of_means_pass(ious):
    j = np.array(ious)
    require_possible_means(float(np.mean(2 * j / (1 + j))), float(np.mean(j)))
