"""Recipes: checked when made, back from plain values, a learning rate that depends on the step alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import UsageError
from overread_lab.train.batches import rng_of
from overread_lab.train.recipe import Recipe, Schedule

RECIPE = Recipe(name="r", steps=110, learning_rate=0.1, warmup_steps=10)


def test_rate_by_hand():
    assert RECIPE.rate_at(0) == pytest.approx(0.01)
    assert RECIPE.rate_at(9) == pytest.approx(0.1)
    assert RECIPE.rate_at(10) == pytest.approx(0.1)
    assert RECIPE.rate_at(60) == pytest.approx(0.05)
    assert RECIPE.rate_at(110) == pytest.approx(0)
    assert replace(RECIPE, schedule=Schedule.CONSTANT).rate_at(60) == pytest.approx(0.1)


def test_plain_values_and_back():
    recipe = replace(RECIPE, patience=3, schedule=Schedule.CONSTANT, clip_norm=None)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    with pytest.raises(UsageError, match="a recipe has no leanring_rate"):
        Recipe.from_dict({**recipe.to_dict(), "leanring_rate": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0}, {"batch": 0}, {"evaluate_every": 0}, {"checkpoint_every": 0}, {"warmup_steps": 110},
        {"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"weight_decay": -1.0}, {"patience": 0},
        {"clip_norm": 0.0},
    ],
)  # fmt: skip
def test_impossible_recipes_are_refused(wrong):
    with pytest.raises(UsageError, match=rf"recipe r: {next(iter(wrong))} is .*, expected"):
        replace(RECIPE, **wrong)


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.integers(0, 255))
def test_draws_depend_on_seed_step_and_place_alone(seed, step, place):
    first = rng_of(seed=seed, step=step, place=place).random(4)
    np.testing.assert_array_equal(first, rng_of(seed=seed, step=step, place=place).random(4))
    for other in ({"seed": seed + 1}, {"step": step + 1}, {"place": place + 1}):
        assert not np.array_equal(first, rng_of(**{"seed": seed, "step": step, "place": place, **other}).random(4))
