"""The scope gate answers in words."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import IntegrityError, UsageError
from overread.findings import Reason, ScopeAnswer
from overread.models import FeatureLimit, ScopeGate
from overread.models.gate import fit_likeness

NAMES = ("spread", "noise", "edge")
BLANK = FeatureLimit(
    "spread", 0.05, 0.6, Reason("blank", "the picture is blank"), Reason("clipped", "only black and white are left")
)
NOISE = FeatureLimit(
    "noise", 0.0, 0.2, Reason("too_smooth", "the picture is smoothed"), Reason("noise", "hardly more than noise")
)
UNLIKE = Reason("not_this_kind", "not a picture of this kind")


def pictures(rng, n):
    spread = rng.normal(0.3, 0.05, n)
    return np.column_stack([spread, 0.3 * spread + rng.normal(0, 0.01, n), rng.normal(0.5, 0.1, n)])


@pytest.fixture(scope="module")
def gate():
    return ScopeGate((BLANK, NOISE), fit_likeness(pictures(np.random.default_rng(0), 600), NAMES, UNLIKE))


@pytest.mark.parametrize(
    ("features", "code", "words"),
    [
        ({"spread": 0.01, "noise": 0.01, "edge": 0.5}, "blank", "blank"),
        ({"spread": 0.3, "noise": 0.5, "edge": 0.5}, "noise", "at most 0.2"),
        ({"spread": 0.3, "noise": 0.09, "edge": 3.0}, "not_this_kind", "mostly edge"),
        ({"spread": 0.3, "noise": 0.19, "edge": 0.5}, "not_this_kind", "mostly noise"),
        ({"spread": math.nan, "noise": 0.1, "edge": 0.5}, "feature_not_computable", "spread"),
    ],
)
def test_each_fault_has_its_words(gate, features, code, words):
    scope = gate.check(features)
    assert scope.answer is ScopeAnswer.NO
    assert [reason.code for reason in scope.reasons] == [code]
    assert words in scope.reasons[0].text


def test_a_sound_picture_passes(gate):
    assert gate.check({"spread": 0.3, "noise": 0.09, "edge": 0.5}).answer is ScopeAnswer.YES


def test_several_broken_limits_are_all_named(gate):
    scope = gate.check({"spread": 0.9, "noise": 0.9, "edge": 0.5})
    assert [reason.code for reason in scope.reasons] == ["clipped", "noise"]


def test_no_more_are_refused_than_promised():
    rng = np.random.default_rng(1)
    answers = []
    for _ in range(30):
        gate = ScopeGate((), fit_likeness(pictures(rng, 400), NAMES, UNLIKE, refuse_rate=0.02, doubt_rate=0.1))
        answers += [gate.check(dict(zip(NAMES, row, strict=True))).answer for row in pictures(rng, 100)]
    refused = np.mean([a is ScopeAnswer.NO for a in answers])
    not_sure = np.mean([a is not ScopeAnswer.YES for a in answers])
    assert 0.005 <= refused <= 0.025
    assert 0.08 <= not_sure <= 0.115


@given(st.floats(0, 6), st.floats(0, 6))
def test_farther_away_is_never_more_in_scope(first, second):
    likeness = fit_likeness(pictures(np.random.default_rng(2), 400), NAMES, UNLIKE)
    gate, order = ScopeGate((), likeness), [ScopeAnswer.YES, ScopeAnswer.DOUBTFUL, ScopeAnswer.NO]
    step = np.array([0.05, -0.01, 0.1])
    near, far = (
        order.index(gate.check(dict(zip(NAMES, likeness.mean + t * step, strict=True))).answer)
        for t in sorted((first, second))
    )
    assert near <= far


def test_plain_values_give_the_gate_back(gate):
    again = ScopeGate.from_dict(json.loads(json.dumps(gate.to_dict())))
    rng = np.random.default_rng(3)
    for row in rng.normal(0.3, 0.2, (50, 3)):
        features = dict(zip(NAMES, row, strict=True))
        assert again.check(features) == gate.check(features)


def test_what_is_no_gate_is_refused(gate):
    with pytest.raises(IntegrityError, match="scope gate"):
        ScopeGate.from_dict({"limits": [{"name": "spread"}]})
    with pytest.raises(UsageError, match="edge"):
        gate.check({"spread": 0.3, "noise": 0.1})
    with pytest.raises(UsageError, match="do not vary"):
        fit_likeness(np.ones((300, 1)), ("flat",), UNLIKE)
    with pytest.raises(UsageError, match="too few"):
        fit_likeness(pictures(np.random.default_rng(0), 40), NAMES, UNLIKE)
    with pytest.raises(UsageError, match="limited"):
        FeatureLimit("x", 2, 1, UNLIKE, UNLIKE)
