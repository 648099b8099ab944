"""Learns, sets threshold and plane on left-out training cases, scores the cases of a fold: alike for all machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.tasks.brain_mr_hippocampus.outline import outline, prior_cut, profile
from overread.tasks.brain_mr_hippocampus.outline import part as part_of_mask
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread_lab.metrics import dice
from overread_lab.recipes.hippocampus_fit import FitPlan, Ready, fit_plane_rule, labels_of, true_cut
from overread_lab.studies.hippocampus_classifiers.threshold import best_threshold

Bools = NDArray[np.bool_]
Decide = Callable[[NDArray[Any]], NDArray[np.float64]]
"""(n, features) rows to (n,) decisions, above 0 for hippocampus."""
Learner = Callable[[NDArray[np.float64], Bools], Decide]
"""(n, features) rows and their (n,) labels to what decides."""
PARTS = {"anterior": (1,), "posterior": (2,), "whole": (1, 2)}
THRESHOLDS = tuple(round(float(t), 1) for t in np.arange(-1.5, 1.6, 0.1))


@dataclass(frozen=True, slots=True)
class Scored:
    """One case: Dice by part, and the seconds of its decisions."""

    case: str
    group: str
    fold: int
    draw: int
    dice: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What one machine did in one fold.

    Parameters
    ----------
    spread : float
        Standard deviation of its decisions on left-out training cases, before they are brought to one.
    threshold : float
        After that; `edge` says that it is the first or last of those tried.
    left_out : float
        Mean Dice of left-out training cases at that threshold.
    fit_seconds : float
        Of the last fit, to all training cases.
    """

    spread: float
    threshold: float
    edge: bool
    left_out: float
    fit_seconds: float
    scored: tuple[Scored, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Answers:
        """From plain values."""
        return cls(**{**told, "scored": tuple(Scored(**one) for one in told["scored"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where the scoring happens.

    Parameters
    ----------
    spread : float or None
        Decisions are brought to this standard deviation; None leaves them as they are (the machine of the task).
    one_fit : bool
        One part of the training cases sets threshold and plane for the very machine that has learned from the others;
        else every case does so in its turn, as in the recipe, and the machine that answers learns from all.
    """

    fold: int
    draw: int
    plan: HippocampusPlan
    how: FitPlan
    seed: int
    spread: float | None = None
    one_fit: bool = False


def answer(
    learner: Learner, train: Sequence[Ready], told: Sequence[Bools], test: Sequence[Ready], setting: Setting
) -> Answers:
    """Learn from the labels `told` of the bands of `train`; threshold and plane from left-out ones, by true labels."""
    how = setting.how
    if setting.one_fit:
        part = parts_of(train, how.parts, seed=setting.seed)
        others = [n for n in range(len(train)) if part[n] != 0]
        decide, fit_seconds = _fit(learner, [train[n] for n in others], [told[n] for n in others], setting)
        tuned = [train[n] for n in range(len(train)) if part[n] == 0]
        decisions = {n: decide(one.band.rows) for n, one in enumerate(tuned)}
    else:
        tuned, decisions = list(train), left_out(learner, train, told, how, seed=setting.seed)
        decide, fit_seconds = _fit(learner, train, told, setting)
    spread = float(np.std(np.concatenate(list(decisions.values()))))
    scale = 1.0 if setting.spread is None else setting.spread / max(spread, 1e-9)
    decisions = {n: scale * found for n, found in decisions.items()}
    threshold, edge = _threshold(tuned, decisions, setting)
    seen, overlaps = [], []
    for n, one in enumerate(tuned):
        mask, usual = outline(one.band, decisions[n], threshold, setting.plan), prior_cut(one.placed.prior)
        overlaps.append(dice(mask, labels_of(one) > 0).value)
        seen.append((usual, profile(mask, usual), true_cut(one)))
    rule = fit_plane_rule(seen, how)
    scored = []
    for one in test:
        began = time.perf_counter()
        found = scale * decide(one.band.rows)
        seconds = time.perf_counter() - began
        mask = outline(one.band, found, threshold, setting.plan)
        cut = prior_cut(one.placed.prior)
        labels = part_of_mask(mask, rule(mask, cut)) if mask.any() else np.zeros(mask.shape, np.uint8)
        scored.append(_scored(one, labels, setting, seconds))
    return Answers(spread, threshold, edge, float(np.mean(overlaps)), fit_seconds, tuple(scored))


def _fit(learner: Learner, train: Sequence[Ready], told: Sequence[Bools], setting: Setting) -> tuple[Decide, float]:
    began = time.perf_counter()
    decide = learner(*sample(train, told, setting.how, seed=setting.seed))
    return decide, time.perf_counter() - began


def _threshold(
    tuned: Sequence[Ready], decisions: dict[int, NDArray[np.float64]], setting: Setting
) -> tuple[float, bool]:
    """The best of `THRESHOLDS`, of farther ones where the best is at an end; and whether it still is."""
    # without the cut at necks: it takes 20 times as long as all the rest, and hardly depends on the threshold
    plan = replace(setting.plan, neck_mm=0.0)
    for farther in (1, 2, 4):
        tried = tuple(farther * t for t in THRESHOLDS)
        threshold = best_threshold(tuned, decisions, tried, plan)
        if threshold not in {tried[0], tried[-1]}:
            return threshold, False
    return threshold, True


def answer_by_prior(test: Sequence[Ready], setting: Setting) -> Answers:
    """The place prior above one half, with its own plane: nothing is learned but the atlas."""
    scored = []
    for one in test:
        prior = one.placed.prior
        inside = prior.whole > 0.5
        labels = np.where(inside, np.where(prior.anterior > prior.whole / 2, 1, 2), 0).astype(np.uint8)
        scored.append(_scored(one, labels, setting, 0.0))
    return Answers(0.0, 0.0, False, 0.0, 0.0, tuple(scored))


def parts_of(train: Sequence[Ready], parts: int, *, seed: int) -> NDArray[np.intp]:
    """(cases,) part of each case; a group is in one."""
    groups = sorted({one.case.group for one in train})
    order = np.random.default_rng(seed).permutation(len(groups))
    part_of = {groups[int(g)]: n % parts for n, g in enumerate(order)}
    return np.array([part_of[one.case.group] for one in train], np.intp)


def left_out(
    learner: Learner, train: Sequence[Ready], told: Sequence[Bools], how: FitPlan, *, seed: int
) -> dict[int, NDArray[np.float64]]:
    """Decisions for the band of each training case by a fit without its part."""
    part = parts_of(train, how.parts, seed=seed)
    decisions: dict[int, NDArray[np.float64]] = {}
    for held in range(how.parts):
        others = [n for n in range(len(train)) if part[n] != held]
        decide = learner(*sample([train[n] for n in others], [told[n] for n in others], how, seed=seed))
        decisions |= {n: decide(train[n].band.rows) for n in range(len(train)) if part[n] == held}
    return decisions


def sample(
    train: Sequence[Ready], told: Sequence[Bools], how: FitPlan, *, seed: int
) -> tuple[NDArray[np.float64], Bools]:
    """Rows and labels to learn from: of each case as many of either label, as the recipe of the task draws them.

    Fewer cases give fewer rows, so that what is left out changes the cost of a fit and not the share of a case.
    """
    rng = np.random.default_rng(seed)
    each = max(1, how.least_voxels // (2 * how.atlas_cases))
    rows, labels = [], []
    for one, truth in zip(train, told, strict=True):
        for label in (False, True):
            members = np.flatnonzero(truth == label)
            chosen = rng.choice(members, min(each, len(members)), replace=False)
            rows.append(one.band.rows[chosen])
            labels.append(np.full(len(chosen), label))
    return np.concatenate(rows).astype(np.float64), np.concatenate(labels)


def _scored(one: Ready, labels: NDArray[np.uint8], setting: Setting, seconds: float) -> Scored:
    truth = labels_of(one)
    found = {name: dice(np.isin(labels, of), np.isin(truth, of)).value for name, of in PARTS.items()}
    return Scored(one.case.name, one.case.group, setting.fold, setting.draw, found, seconds)
