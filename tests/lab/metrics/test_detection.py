"""Hits and misses of candidates; the free-response curve; its intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import UsageError
from overread_lab.metrics import cpm_interval, froc, match_candidates, sensitivity_interval
from overread_lab.metrics.detection import FALSE_POSITIVE, NEITHER, ScanOutcome


def outcome(pairs, truths, scan="a", group=None):
    score = np.array([score for score, _ in pairs], dtype=float)
    what = np.array([what for _, what in pairs], dtype=np.int64)
    return ScanOutcome(scan, group or scan, score, what, truths)


def example():
    """Two scans, three truths: .9 T, .8 F, .7 T, .4 F, .3 F, .2 T."""
    first = outcome([(0.9, 0), (0.8, FALSE_POSITIVE), (0.3, FALSE_POSITIVE), (0.2, 1)], 2)
    return [first, outcome([(0.7, 0), (0.4, FALSE_POSITIVE)], 1, "b")]


def test_curve_by_hand():
    curve = froc(example())
    points = list(zip(curve.false_positives_per_scan, curve.sensitivity, strict=True))
    third = 1 / 3
    assert np.allclose(points, [(0, third), (0.5, third), (0.5, 2 * third), (1, 2 * third), (1.5, 2 * third), (1.5, 1)])


def test_both_readings_of_the_curve_by_hand():
    curve = froc(example())
    rates = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
    step = [curve.sensitivity_at(rate) for rate in rates]
    interp = [curve.sensitivity_at(rate, reading="interp") for rate in rates]
    assert step == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1])
    assert interp == pytest.approx([0.4167, 0.5, 2 / 3, 2 / 3, 1, 1, 1], abs=5e-5)
    assert curve.cpm() == pytest.approx(0.7143, abs=5e-5)
    assert curve.cpm(reading="interp") == pytest.approx(0.75, abs=5e-5)


def test_first_point_is_joined_to_the_origin_only_by_interpolation():
    curve = froc([outcome([(0.9, FALSE_POSITIVE), (0.8, 0)], 1)])
    assert curve.sensitivity_at(0.5) == 0
    assert curve.sensitivity_at(0.5, reading="interp") == pytest.approx(0.5)  # halfway from (0, 0) to (1, 1)
    assert curve.sensitivity_at(1.0) == curve.sensitivity_at(9.0) == 1


def test_hit_within_the_radius_border_included():
    found = match_candidates([(0, 0, 5), (0, 0, 5.001)], [0.5, 0.6], [(0, 0, 0)], [10], scan="a")
    assert found.outcome.tolist() == [0, FALSE_POSITIVE]
    assert found.hits == {0}
    assert found.false_positives == 1


def test_second_candidate_on_a_truth_counts_neither_way():
    found = match_candidates([(0, 0, 0), (1, 0, 0)], [0.2, 0.9], [(0, 0, 0)], [10], scan="a")
    assert found.outcome.tolist() == [NEITHER, 0]


def test_candidate_within_two_truths_takes_the_nearest_free():
    truths, diameters = [(0, 0, 0), (4, 0, 0)], [12, 12]
    found = match_candidates([(1, 0, 0), (1.5, 0, 0)], [0.9, 0.8], truths, diameters, scan="a")
    assert found.outcome.tolist() == [0, 1]


def test_irrelevant_findings_cost_nothing():
    found = match_candidates(
        [(50, 0, 0), (90, 0, 0)], [0.9, 0.8], [], [], scan="a", irrelevant_lps=[(51, 0, 0)], irrelevant_diameters_mm=[4]
    )
    assert found.outcome.tolist() == [NEITHER, FALSE_POSITIVE]


def test_scan_without_candidates_or_truths():
    nothing = match_candidates([], [], [], [], scan="a")
    assert nothing.truths == 0
    assert math.isnan(froc([nothing]).sensitivity_at(1))
    missed = match_candidates([], [], [(0, 0, 0)], [5], scan="b")
    assert froc([nothing, missed]).sensitivity_at(1) == 0
    assert froc([nothing, missed]).cpm(reading="interp") == 0


def test_scans_without_lesions_count_in_the_rate():
    empty = outcome([], 0, "c")
    assert froc([*example(), empty, empty]).false_positives_per_scan[-1] == pytest.approx(0.75)


def test_ties_enter_together():
    curve = froc([outcome([(0.5, 0), (0.5, FALSE_POSITIVE), (0.5, 1)], 2)])
    assert len(curve.threshold) == 1
    assert curve.sensitivity_at(0.9) == 0
    assert curve.sensitivity_at(1) == 1


@given(st.integers(0, 2**32 - 1), st.permutations(range(8)))
def test_order_of_candidates_does_not_matter(seed, order):
    rng = np.random.default_rng(seed)
    points, score = rng.uniform(0, 12, (8, 3)), rng.integers(0, 4, 8) / 4
    truths, diameters = rng.uniform(0, 12, (3, 3)), rng.uniform(4, 14, 3)
    straight = match_candidates(points, score, truths, diameters, scan="a")
    mixed = match_candidates(points[order], score[order], truths, diameters, scan="a")
    assert straight.outcome[order].tolist() == mixed.outcome.tolist()
    assert len(straight.hits) == np.count_nonzero(straight.outcome >= 0)  # no truth is found twice


@pytest.mark.parametrize(
    "change",
    [
        {"points_lps": [(0, 0)]},
        {"scores": [0.1, 0.2]},
        {"scores": [math.nan]},
        {"diameters_mm": [0.0]},
        {"truths_lps": [(math.inf, 0, 0)]},
    ],
)
def test_bad_input_raises(change):
    good = {"points_lps": [(0, 0, 0)], "scores": [0.5], "truths_lps": [(0, 0, 0)], "diameters_mm": [5.0]}
    with pytest.raises(UsageError):
        match_candidates(**{**good, **change}, scan="a")


def test_intervals_hold_the_value_and_repeat():
    scans = [outcome([(0.9, 0 if i % 3 else FALSE_POSITIVE), (0.1, FALSE_POSITIVE)], 1, f"s{i}") for i in range(30)]
    first, second = (sensitivity_interval(scans, 1.0, seed=4, draws=200) for _ in range(2))
    assert first == second
    assert first.value == pytest.approx(2 / 3)
    assert first.interval.low < 2 / 3 < first.interval.high
    assert first.interval.high - first.interval.low == pytest.approx(2 * 1.96 * math.sqrt(2 / 9 / 30), rel=0.25)
    whole = cpm_interval(scans, draws=50)
    assert whole.interval.low <= whole.value <= whole.interval.high


def test_scans_of_one_patient_are_drawn_together():
    scans = [outcome([(0.9, 0)], 1, f"s{i}", "one") for i in range(10)] + [outcome([], 1, "t", "two")]
    found = sensitivity_interval(scans, 1.0, draws=100)
    assert found.groups == 2
    assert "few groups" in found.notes
    assert (found.interval.low, found.interval.high) == (0, 1)  # draws of only one patient are possible
