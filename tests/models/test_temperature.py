"""Temperature: logits to probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overread.errors import UsageError
from overread.models.temperature import (
    Temperature,
    fit_temperature,
    logits_of,
    negative_log_likelihood,
    softmax,
)

LOGITS = arrays(float, (5, 3), elements=st.floats(-30, 30))


@given(LOGITS, st.floats(0.1, 10))
def test_probabilities_sum_to_1_and_keep_their_order(logits, value):
    p = Temperature(value).probabilities(logits)
    assert np.allclose(p.sum(axis=1), 1)
    picked = np.take_along_axis(p, np.argmax(logits, axis=1)[:, None], axis=1)[:, 0]
    assert np.allclose(picked, p.max(axis=1))


@given(LOGITS, st.floats(1.01, 10))
def test_a_higher_temperature_makes_answers_less_sure(logits, value):
    assert (Temperature(value).probabilities(logits).max(axis=1) <= softmax(logits).max(axis=1) + 1e-12).all()


def test_by_hand():
    assert Temperature(2.0).probabilities([[0.0, math.log(9)]])[0] == pytest.approx([0.25, 0.75])
    assert Temperature(2.0).probabilities([math.log(9)])[0] == pytest.approx([0.25, 0.75])


@given(arrays(float, (4, 3), elements=st.floats(0.001, 1)))
def test_logits_of_probabilities_give_them_back(raw):
    p = raw / raw.sum(axis=1, keepdims=True)
    assert np.allclose(softmax(logits_of(p)), p)


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_fit_finds_the_temperature_that_made_the_cases(true_temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (6000, 3))
    p = Temperature(true_temperature).probabilities(logits)
    truth = np.array([rng.choice(3, p=row) for row in p])
    found = fit_temperature(logits, truth)
    assert found.value == pytest.approx(true_temperature, rel=0.08)
    least = negative_log_likelihood(logits, truth, found.value)
    for other in (0.9, 1.1):
        assert least <= negative_log_likelihood(logits, truth, found.value * other)


def test_all_right_leaves_the_temperature_and_says_so():
    found = fit_temperature([[2.0, 0.0], [0.0, 1.0]], [0, 1])
    assert found.value == 1
    assert "every case is right" in found.note


def test_answers_without_worth_end_at_the_limit_with_a_note():
    rng = np.random.default_rng(1)
    found = fit_temperature(rng.normal(0, 5, (500, 2)), rng.integers(0, 2, 500))
    assert found.value > 3
    worthless = fit_temperature(np.tile([[8.0, 0.0]], (50, 1)), [1] * 50)
    assert "range" in worthless.note


@pytest.mark.parametrize("logits", [[[1.0]], [[math.nan, 0]], [[[0.0, 1.0]]]])
def test_bad_input_raises(logits):
    with pytest.raises(UsageError):
        Temperature().probabilities(logits)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_bad_temperature_raises(value):
    with pytest.raises(UsageError):
        Temperature(value)
