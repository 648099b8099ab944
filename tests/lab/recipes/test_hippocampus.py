"""The recipe of the hippocampus task learns from bent copies of a mean image, without torch, and refuses too few."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from overread.errors import UsageError
from overread.ops.register import DemonsPlan
from overread.runtime import Runtime
from overread.tasks.brain_mr_hippocampus.example import bent
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.segment import segment
from overread.tasks.brain_mr_hippocampus.task import shipped_model
from overread_lab.commands.train import train
from overread_lab.metrics import dice
from overread_lab.recipes.brain_mr_hippocampus import draw
from overread_lab.recipes.hippocampus_atlas import Outlined
from overread_lab.recipes.hippocampus_fit import FitPlan, climbed, fit_model, unbiased

QUICK = HippocampusPlan(starts=1, demons=DemonsPlan(window=9, steps=(8, 4)))


def outlined(seed):
    values, labels = bent(shipped_model().atlas, seed, noise=0.05)
    return Outlined(f"case{seed}", f"patient{seed}", values, labels)


def test_eight_bent_copies_are_enough_to_outline_a_ninth():
    how = FitPlan(atlas_rounds=1, voxels_a_case=100, least_voxels=100, parts=2, thresholds=(-0.2, 0.0, 0.2))
    model = fit_model([outlined(seed) for seed in range(8)], QUICK, how)
    unseen = outlined(100)
    found = segment(unseen.values, model, QUICK, Runtime(1))
    assert dice(found.labels > 0, unseen.labels > 0).value > 0.85
    assert dice(found.labels == 1, unseen.labels == 1).value > 0.75
    assert not found.placed.mirrored
    assert model.calibration_cases == 8
    assert all(width > 0 for width in model.log_width.values())


def test_the_threshold_is_moved_to_where_volumes_are_right():
    tried = [(0.0, 0.88, -0.08), (0.1, 0.89, -0.02), (0.2, 0.89, 0.03), (0.3, 0.88, 0.09)]
    assert unbiased(tried, 1) == pytest.approx(0.14)
    assert unbiased(tried, 2) == pytest.approx(0.14)
    assert unbiased(tried, 0) == 0.0  # its neighbour is off to the same side
    assert unbiased(tried, 3) == 0.3


@pytest.mark.parametrize(("peak", "most"), [(0, 9), (4, 3), (5, 4), (8, 6)])
def test_the_best_threshold_is_climbed_to(peak, most):
    asked = set()

    def worth(n):
        asked.add(n)
        return -abs(n - peak)

    assert climbed(worth, 9) == peak
    assert len(asked) <= most


def test_too_few_cases_are_refused_and_draws_are_repeatable():
    one = Outlined("a", "a", np.zeros((4, 4, 4), np.float32), np.zeros((4, 4, 4), np.uint8))
    with pytest.raises(UsageError, match="too few"):
        fit_model([one] * 7, QUICK)
    cases = list(range(30))
    assert draw(cases, 5, seed=1) == draw(cases, 5, seed=1)
    assert sorted(draw(cases, None, seed=1)) == cases
    assert draw(cases, None, seed=1)[:5] == draw(cases, 5, seed=1)
    assert draw(cases, 5, seed=1) != draw(cases, 5, seed=2)
    with pytest.raises(UsageError, match="31 cases"):
        draw(cases, 31, seed=1)


def test_the_train_command_lists_it_and_refuses_what_it_cannot_do(tmp_path):
    runner = CliRunner()
    listed = runner.invoke(train, ["--json"])
    assert "without torch" in json.loads(listed.output)["brain_mr_hippocampus"]
    refused = runner.invoke(
        train, ["brain_mr_hippocampus", "--data", str(tmp_path), "-o", str(tmp_path / "out"), "--resume"]
    )
    assert isinstance(refused.exception, UsageError)
    assert "no checkpoints" in str(refused.exception)
    assert not (tmp_path / "out").exists()
