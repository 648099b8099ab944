"""Venn-Abers: an interval of a probability."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from overread.errors import UsageError
from overread.models import VennAbers

CASES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1)), min_size=1, max_size=30)


@given(CASES, st.integers(-4, 40).map(lambda n: n / 4))
def test_limits_agree_with_isotonic_regression_on_the_case_added_twice(cases, score):
    scores, truth = np.array(cases, dtype=float).T
    found = VennAbers.from_cases(scores, truth).probability(score)
    for label, limit in ((0, found.low), (1, found.high)):
        fit = IsotonicRegression().fit(np.r_[scores, score], np.r_[truth, label])
        assert limit == pytest.approx(float(fit.predict([score])[0]))
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(CASES, st.floats(-1, 10), st.floats(-1, 10))
def test_limits_rise_with_the_score(cases, first, second):
    scores, truth = np.array(cases, dtype=float).T
    model = VennAbers.from_cases(scores, truth)
    low, high = (model.probability(s) for s in sorted((first, second)))
    assert low.low <= high.low + 1e-12
    assert low.high <= high.high + 1e-12


@given(CASES, st.randoms())
def test_order_of_cases_does_not_matter(cases, random):
    mixed = list(cases)
    random.shuffle(mixed)
    one, other = (VennAbers.from_cases(*np.array(c, dtype=float).T).probability(4.5) for c in (cases, mixed))
    assert one == other


def test_no_knowledge_is_a_wide_interval_and_much_a_narrow_one():
    assert VennAbers.from_cases([0.5], [1]).probability(0.4).low == 0
    rng = np.random.default_rng(0)
    widths = []
    for n in (40, 400, 4000):
        p = rng.random(n)
        found = VennAbers.from_cases(p, rng.random(n) < p).probability(0.5)
        widths.append(found.high - found.low)
        assert found.low - 0.2 < 0.5 < found.high + 0.2
    assert widths[0] > widths[2]
    assert widths[2] < 0.05


def test_wrong_scores_become_right_probabilities():
    """Scores that overstate: the mean answer in each part must be the share of positives there."""
    rng = np.random.default_rng(1)
    p = rng.random(3000)
    truth = rng.random(3000) < p**2  # the score p overstates p squared
    model = VennAbers.from_cases(p[:1500], truth[:1500])
    new_p, new_truth = p[1500:], truth[1500:]
    for low, high in ((0, 0.4), (0.4, 0.7), (0.7, 1)):
        inside = np.flatnonzero((new_p >= low) & (new_p < high))[:200]
        answers = [model.probability(s).value for s in new_p[inside]]
        assert np.mean(answers) == pytest.approx(new_truth[inside].mean(), abs=0.1)
        assert np.mean(answers) < new_p[inside].mean()


@pytest.mark.parametrize(("scores", "truth"), [([math.nan], [1]), ([], []), ([0.1], [2]), ([0.1, 0.2], [1])])
def test_bad_input_raises(scores, truth):
    with pytest.raises(UsageError):
        VennAbers.from_cases(scores, truth)
    with pytest.raises(UsageError):
        VennAbers.from_cases([0.1], [1]).probability(math.nan)
