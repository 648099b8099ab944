"""Fits the model of `brain_mr_hippocampus` to outlined cases: atlas, support vectors, plane, intervals. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from overread.errors import UsageError
from overread.models.conformal import conformal_quantile
from overread.models.rbf_decision import RbfMachine
from overread.runtime import Progress, Runtime, silent, within
from overread.tasks.brain_mr_hippocampus.atlas import Atlas, Placed, find_place
from overread.tasks.brain_mr_hippocampus.model import CHECKS, PARTS, Classifier, Model
from overread.tasks.brain_mr_hippocampus.outline import (
    ANTERIOR,
    POSTERIOR,
    PlaneRule,
    cut_row,
    outline,
    part,
    prior_cut,
    profile,
)
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.rows import Band, band_of
from overread.tasks.brain_mr_hippocampus.segment import checks_of
from overread_lab.recipes.hippocampus_atlas import Outlined, build_atlas

Labels = NDArray[np.uint8]
BIAS_PRICE = 0.2
_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """Parameters of a fit.

    Parameters
    ----------
    atlas_cases : int
        At most so many cases make the means; all are learned from.
    atlas_rounds : int
        Rounds of affine, and of deformable alignment to the mean.
    voxels_a_case, least_voxels, most_voxels : int
        Voxels for the classifier, half of them hippocampus, as many of each case; within these bounds in all.
    penalty : float
        C of the machine.
    thresholds : tuple of float
        Tried on left-out cases, uphill from the middle one. The one with the best mean Dice, less a price for volumes
        that are off in the median, is kept, and moved by less than a step to where they are not.
    ridge : float
        Weight of the squared slopes of the plane rule.
    coverage : float
        Of the intervals.
    parts : int
        Into how many the cases are split, by group, to answer each by a fit that has not seen it.
    least_cases : int
        With fewer, nothing is learned.
    """

    atlas_cases: int = 20
    atlas_rounds: int = 2
    voxels_a_case: int = 450
    least_voxels: int = 9000
    most_voxels: int = 24000
    penalty: float = 1.0
    thresholds: tuple[float, ...] = (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    ridge: float = 20.0
    coverage: float = 0.95
    parts: int = 4
    least_cases: int = 8


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A training case with the atlas laid over it, its band described, and which voxels of the band are hippocampus."""

    case: Outlined
    placed: Placed
    band: Band
    truth: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """An atlas and the cases it was laid over: what `learn` needs, for all cases or for the first of them."""

    atlas: Atlas
    ready: tuple[Ready, ...]

    def first(self, cases: int) -> Laid:
        """The same atlas with the first so many cases."""
        if cases > len(self.ready):
            raise UsageError(f"{cases} cases are asked for, there are {len(self.ready)}")
        return Laid(self.atlas, self.ready[:cases])


def fit_model(
    cases: Sequence[Outlined],
    plan: HippocampusPlan,
    how: FitPlan | None = None,
    *,
    seed: int = 0,
    runtime: Runtime | None = None,
    progress: Progress = silent,
) -> Model:
    """Learn from outlined cases; threshold, plane, intervals and usual values come from left-out cases.

    Raises
    ------
    UsageError
        Fewer cases than `FitPlan.least_cases`, or fewer groups than parts.
    """
    how, runtime = how or FitPlan(), runtime or Runtime(1)
    _require_enough(cases, how)
    laid = lay_atlas(cases, plan, how, runtime=runtime, progress=within(progress, 0.0, 0.7))
    return learn(laid, plan, how, seed=seed, runtime=runtime, progress=within(progress, 0.7, 1.0))


def lay_atlas(
    cases: Sequence[Outlined], plan: HippocampusPlan, how: FitPlan, *, runtime: Runtime, progress: Progress = silent
) -> Laid:
    """Make the atlas of the first `FitPlan.atlas_cases` and lay it over all; over those, with their own share left out.

    The others are placed as an unseen region is: from several starts, for both hands.
    """
    progress("atlas", 0.0)
    built = build_atlas(cases[: how.atlas_cases], plan, rounds=how.atlas_rounds, runtime=runtime)

    def lay(number: int) -> Ready:
        case = cases[number]
        if number < len(built.shares):
            share = built.shares[number]
            others = built.atlas.without(share.image, share.whole, share.anterior, cases=len(built.shares))
            placed = find_place(case.values, others, plan, start=share.place)
        else:
            placed = find_place(case.values, built.atlas, plan)
        labels = case.labels[:, :, ::-1] if placed.mirrored else case.labels
        band = band_of(placed, plan.band_mm, Runtime(1))
        return Ready(case, placed, band, labels[tuple(band.points.T)] > 0)

    ready: list[Ready] = []
    for first in range(0, len(cases), _AT_ONCE):
        progress("place", 0.5 + 0.5 * first / len(cases))
        ready += runtime.map(lay, range(first, min(first + _AT_ONCE, len(cases))))
    return Laid(built.atlas, tuple(ready))


def learn(
    laid: Laid, plan: HippocampusPlan, how: FitPlan, *, seed: int, runtime: Runtime, progress: Progress = silent
) -> Model:
    """The model from cases on which the atlas was laid; raises what `fit_model` raises."""
    ready = laid.ready
    _require_enough([one.case for one in ready], how)
    groups = sorted({one.case.group for one in ready})
    part_of = dict(
        zip(np.random.default_rng(seed).permutation(groups), np.arange(len(groups)) % how.parts, strict=True)
    )
    decisions: dict[int, NDArray[np.float64]] = {}
    for held in range(how.parts):
        progress("left-out cases", 0.6 * held / how.parts)
        machine = _classifier([one for one in ready if part_of[one.case.group] != held], how, seed)
        for n, one in enumerate(ready):
            if part_of[one.case.group] == held:
                decisions[n] = machine.decide(one.band.rows, runtime)
    progress("threshold", 0.6)
    threshold = _best_threshold(ready, decisions, how, plan, runtime)
    masks = runtime.map(lambda n: outline(ready[n].band, decisions[n], threshold, plan), range(len(ready)))
    planes = [(prior_cut(one.placed.prior), profile(m, prior_cut(one.placed.prior)), true_cut(one))
              for one, m in zip(ready, masks, strict=True)]  # fmt: skip
    log_ratio: dict[str, list[float]] = {name: [] for name in PARTS}
    values: dict[str, list[float]] = {name: [] for name in CHECKS}
    for n, (one, mask) in enumerate(zip(ready, masks, strict=True)):
        rule = fit_plane_rule([row for m, row in enumerate(planes) if m != n], how)
        labels = part(mask, rule(mask, planes[n][0]))
        for name, ratio in _log_ratios(labels, one).items():
            log_ratio[name].append(ratio)
        for name, value in checks_of(one.placed, labels).items():
            values[name].append(value)
    progress("all cases", 0.9)
    final = _classifier(ready, how, seed)
    return Model(
        atlas=laid.atlas,
        classifier=Classifier(final.mean, final.scale, final.machine, threshold),
        plane=fit_plane_rule(planes, how),
        log_width={
            name: conformal_quantile(np.abs(ratios), miss_rate=1 - how.coverage) for name, ratios in log_ratio.items()
        },
        coverage=how.coverage,
        calibration_cases=len(ready),
        usual={name: (float(np.mean(found)), float(np.std(found, ddof=1))) for name, found in values.items()},
        notes={"recipe": "overread_lab.recipes.brain_mr_hippocampus", "cases": len(ready), "seed": seed},
    )


def _require_enough(cases: Sequence[Outlined], how: FitPlan) -> None:
    if len(cases) < how.least_cases or len({case.group for case in cases}) < how.parts:
        raise UsageError(
            f"{len(cases)} cases are too few to learn from",
            way_out=f"Give {how.least_cases} patients or more; 20 do well.",
        )


def _classifier(ready: Sequence[Ready], how: FitPlan, seed: int) -> Classifier:
    rng = np.random.default_rng(seed)
    voxels = min(max(how.voxels_a_case * len(ready), how.least_voxels), how.most_voxels)
    each = max(1, voxels // (2 * len(ready)))
    rows, truth = [], []
    for one in ready:
        for label in (False, True):
            members = np.flatnonzero(one.truth == label)
            chosen = rng.choice(members, min(each, len(members)), replace=False)
            rows.append(one.band.rows[chosen])
            truth.append(np.full(len(chosen), label))
    table, answer = np.concatenate(rows).astype(np.float64), np.concatenate(truth)
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-9)
    gamma = 1 / table.shape[1]
    machine = SVC(kernel="rbf", C=how.penalty, gamma=gamma, cache_size=500)
    machine.fit((table - mean) / scale, answer)
    found = RbfMachine(
        machine.support_vectors_.astype(np.float16).astype(np.float64),
        machine.dual_coef_[0].astype(np.float32).astype(np.float64),
        float(machine.intercept_[0]),
        gamma,
    )
    return Classifier(mean, scale, found, 0.0)


def _best_threshold(
    ready: Sequence[Ready],
    decisions: dict[int, NDArray[np.float64]],
    how: FitPlan,
    plan: HippocampusPlan,
    runtime: Runtime,
) -> float:
    """The best mean Dice of left-out cases, less a price for volumes that are off: Dice is flat there.

    The neighbour of the best on the other side of "volumes are right in the median" gives the line on which the
    threshold is moved to that point.
    """

    def one_case(n: int, threshold: float) -> tuple[float, float]:
        return dice_and_size(ready[n], decisions[n], threshold, plan)

    thresholds, tried = sorted(how.thresholds), dict[int, tuple[float, float, float]]()

    def worth(n: int) -> float:
        if n not in tried:
            pairs = runtime.map(partial(one_case, threshold=thresholds[n]), range(len(ready)))
            dice, log_ratio = np.array(pairs).T
            tried[n] = thresholds[n], float(dice.mean()), float(np.median(log_ratio))
        return tried[n][1] - BIAS_PRICE * abs(tried[n][2])

    best = climbed(worth, len(thresholds))
    return unbiased([tried[n] for n in sorted(tried)], sorted(tried).index(best))


def dice_and_size(
    one: Ready, decisions: NDArray[np.float64], threshold: float, plan: HippocampusPlan
) -> tuple[float, float]:
    """Dice of a case at a threshold, and log of the true volume over the one found."""
    mask, truth = outline(one.band, decisions, threshold, plan), labels_of(one) > 0
    found, true = max(int(np.count_nonzero(mask)), 1), int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero(mask & truth)) / (found + true), float(np.log(true / found))


def climbed(worth: Callable[[int], float], count: int) -> int:
    """The place 0 .. count - 1 from which no neighbour is better, uphill from the middle; asks for few of them."""
    best = count // 2
    while True:
        uphill = max((n for n in (best - 1, best, best + 1) if 0 <= n < count), key=worth)
        if worth(uphill) <= worth(best):
            return best
        best = uphill


def unbiased(tried: Sequence[tuple[float, float, float]], best: int) -> float:
    """The threshold near `best` at which the bias is 0, by the line to the neighbour of the other sign; else `best`.

    Parameters
    ----------
    tried : (threshold, score, bias), thresholds rising
    """
    threshold, _, bias = tried[best]
    for n in (best - 1, best + 1):
        if 0 <= n < len(tried) and tried[n][2] * bias < 0:
            return threshold + (tried[n][0] - threshold) * bias / (bias - tried[n][2])
    return threshold


def labels_of(one: Ready) -> Labels:
    """(slice, row, column) of the case as it was placed: mirrored where it was."""
    return one.case.labels[:, :, ::-1] if one.placed.mirrored else one.case.labels


def true_cut(one: Ready) -> float:
    """Row of the plane between the parts, by the labels."""
    labels = labels_of(one)
    return cut_row(labels == ANTERIOR, labels > 0)


def fit_plane_rule(rows: Sequence[tuple[float, NDArray[np.float64], float]], how: FitPlan) -> PlaneRule:
    """From (plane of the prior, profile, true plane) of each case."""
    table = np.array([seen for _, seen, _ in rows])
    target = np.array([true - usual for usual, _, true in rows])
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-6)
    ready, middle = (table - mean) / scale, float(target.mean())
    slope = np.linalg.solve(ready.T @ ready + how.ridge * np.eye(ready.shape[1]), ready.T @ (target - middle))
    return PlaneRule(mean, scale, slope, middle)


def _log_ratios(labels: Labels, one: Ready) -> dict[str, float]:
    truth = labels_of(one)

    def ratio(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
        return float(np.log(max(int(np.count_nonzero(true)), 1) / max(int(np.count_nonzero(found)), 1)))

    return {
        "whole": ratio(labels > 0, truth > 0),
        "anterior": ratio(labels == ANTERIOR, truth == ANTERIOR),
        "posterior": ratio(labels == POSTERIOR, truth == POSTERIOR),
    }
