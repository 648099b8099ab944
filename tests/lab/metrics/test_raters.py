"""Intraclass correlation, concordance, angles, landmarks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import UsageError
from overread_lab.metrics import (
    angle_difference_deg,
    angle_errors,
    concordance,
    icc,
    landmark_errors,
    range_of_motion_deg,
)

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_shrout_and_fleiss():
    found = icc(SHROUT_FLEISS)
    assert (found.between_subjects, found.between_raters, found.error) == pytest.approx(
        (11.242, 32.486, 1.0194), abs=5e-4
    )
    assert (found.absolute, found.consistent) == pytest.approx((0.290, 0.715), abs=5e-4)
    # intervals as the R package psych prints them for this table
    assert (found.absolute_interval.low, found.absolute_interval.high) == pytest.approx((0.019, 0.761), abs=1e-3)
    assert (found.consistent_interval.low, found.consistent_interval.high) == pytest.approx((0.342, 0.946), abs=1e-3)


def test_subject_with_a_missing_cell_is_dropped_and_counted():
    found = icc([*SHROUT_FLEISS, [5, math.nan, 4, 4]])
    assert (found.n, found.dropped) == (6, 1)
    assert found.absolute == pytest.approx(icc(SHROUT_FLEISS).absolute)


def test_no_spread_is_undefined_and_disagreement_negative():
    assert math.isnan(icc([[3, 3], [3, 3], [3, 3]]).absolute)
    assert icc([[1, 3], [3, 1], [2, 2], [1, 3], [3, 1]]).consistent == pytest.approx(-1)
    assert icc([[1, 1], [2, 2], [5, 5]]).absolute == 1
    with pytest.raises(UsageError):
        icc([[1], [2]])


@given(st.integers(0, 2**32 - 1))
def test_a_shift_of_one_rater_lowers_absolute_agreement_only(seed):
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 3, (12, 1)) + rng.normal(0, 1, (12, 3))
    moved = table + np.array([0, 0, 4])
    assert icc(moved).consistent == pytest.approx(icc(table).consistent)
    assert icc(moved).absolute < icc(table).absolute or icc(table).absolute < 0


def test_concordance_by_its_definition():
    rng = np.random.default_rng(0)
    a = rng.normal(5, 2, 50)
    b = a + rng.normal(0.5, 0.7, 50)
    r = np.corrcoef(a, b)[0, 1]
    expected = 2 * r * a.std() * b.std() / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    assert concordance(a, b).value == pytest.approx(expected)
    assert concordance(a, a).value == pytest.approx(1)
    assert math.isnan(concordance([2, 2], [3, 3]).value)


def test_angles_wrap():
    assert angle_difference_deg([179, -179, 90, 270], [-179, 179, 90, 90]).tolist() == [-2, 2, 0, 180]
    assert range_of_motion_deg(-4.0, 6.5) == pytest.approx(10.5)


@given(st.floats(-720, 720), st.floats(-720, 720))
def test_wrapped_difference_lies_in_its_range(value, truth):
    found = float(angle_difference_deg(value, truth))
    assert -180 < found <= 180 + 1e-9
    assert math.cos(math.radians(found)) == pytest.approx(math.cos(math.radians(value - truth)), abs=1e-9)


def test_angle_errors_by_hand():
    found = angle_errors([1, -179, 12], [0, 179, 14])
    assert (found.mean, found.mae) == (pytest.approx(1 / 3), pytest.approx(5 / 3))
    assert found.limits[1] - found.mean == pytest.approx(1.96 * np.std([1, 2, -2], ddof=1))


def test_missing_landmark_fails():
    found = landmark_errors([(0, 0), None, (3, 4.5)], [(0, 0.5), (1, 1), (3, 1)])
    assert (found.n, found.missing, found.median) == (3, 1, 2.0)
    assert [found.within[r].value for r in (1.0, 2.0, 4.0)] == pytest.approx([1 / 3, 1 / 3, 2 / 3])
