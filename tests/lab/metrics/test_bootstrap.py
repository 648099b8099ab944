"""Bootstrap by group."""

import math

import numpy as np
import pytest
from scipy import stats

from overread.errors import UsageError
from overread_lab.metrics import bootstrap


def mean_of(values):
    return lambda drawn: float(values[drawn].mean())


def test_covers_the_mean_of_a_skewed_law_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(200):
        found = bootstrap(mean_of(rng.exponential(1.0, 40)), 40, seed=trial, draws=300)
        assert found.method == "bca"
        covered += found.interval.low <= 1.0 <= found.interval.high
    assert 0.88 <= covered / 200 <= 0.98


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_agrees_with_scipy(method):
    values = np.random.default_rng(1).exponential(2.0, 50)
    ours = bootstrap(mean_of(values), 50, seed=0, draws=8000, method=method).interval
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=8000, method=method.replace("bca", "BCa"), rng=np.random.default_rng(9)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx(
        (theirs.low, theirs.high), abs=0.1
    )  # two seeds: sd of such an end about 0.03


def test_undefined_draws_are_drawn_again_and_counted():
    def needs_both(drawn):
        return math.nan if len(set(drawn.tolist())) == 1 else float(drawn.mean())

    found = bootstrap(needs_both, 2, seed=0, draws=400)
    assert found.redrawn == pytest.approx(400, rel=0.2)  # half of all draws of two hold one group twice
    assert any("drawn again" in note for note in found.notes) or found.interval is None


def test_undefined_on_all_groups_gives_no_interval():
    found = bootstrap(lambda drawn: math.nan, 12, seed=0)
    assert found.interval is None
    assert found.draws == 0
    assert "undefined" in found.notes[0]


def test_few_groups_are_named():
    assert "few groups" in bootstrap(mean_of(np.arange(7.0)), 7, seed=0, draws=50).notes
    assert bootstrap(mean_of(np.arange(8.0)), 8, seed=0, draws=50).notes == ()


def test_constant_statistic_falls_back_with_a_note():
    found = bootstrap(lambda drawn: 1.0, 30, seed=0, draws=50)
    assert (found.interval.low, found.interval.high) == (1, 1)


def test_no_groups_is_refused():
    with pytest.raises(UsageError):
        bootstrap(lambda drawn: 0.0, 0, seed=0)
