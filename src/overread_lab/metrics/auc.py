"""Area under the receiver operating characteristic: value, interval by DeLong, comparison. Not its drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.findings import Interval
from overread_lab.metrics.average import Score
from overread_lab.metrics.bootstrap import Bootstrap, bootstrap
from overread_lab.metrics.checked import class_indices, class_probabilities, group_members, scores_of, two_classes


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """Points from (0, 0) on, one for each distinct score from the highest down; ties enter together.

    `threshold` (points,) is the lowest score called positive at that point; the first is infinite.
    """

    threshold: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    sensitivity: NDArray[np.float64]


def roc(scores: ArrayLike, truth: ArrayLike) -> Roc:
    """The curve; raises `UsageError` where one class is missing, since it has no meaning there."""
    true = two_classes(truth)
    value = scores_of(scores, len(true))
    if true.all() or not true.any():
        raise UsageError("only one class is there: the curve is undefined")
    order = np.argsort(-value, kind="stable")
    value, true = value[order], true[order]
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True))
    hits, false = np.cumsum(true)[last], np.cumsum(~true)[last]
    return Roc(
        np.append(math.inf, value[last]),
        np.append(0.0, false / np.count_nonzero(~true)),
        np.append(0.0, hits / np.count_nonzero(true)),
    )


def _placements(value: NDArray[np.float64], true: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """DeLong's V10 (one a positive) and V01 (one a negative), by midranks (Sun and Xu 2014)."""
    from scipy.stats import rankdata  # noqa: PLC0415  (scipy.stats is slow to load)

    positive, negative = value[true], value[~true]
    m, n = len(positive), len(negative)
    together = rankdata(np.concatenate([positive, negative]))
    v10 = (together[:m] - rankdata(positive)) / n
    v01 = 1 - (together[m:] - rankdata(negative)) / m
    return v10, v01


def area(scores: ArrayLike, truth: ArrayLike) -> float:
    """P(s+ > s-) + P(s+ = s-) / 2; NaN where one class is missing."""
    true = two_classes(truth)
    value = scores_of(scores, len(true))
    if true.all() or not true.any():
        return math.nan
    return float(_placements(value, true)[0].mean())


@dataclass(frozen=True, slots=True)
class Auc:
    """Area under the curve with its standard error (DeLong) and 95 % interval on the logit scale.

    `value` is NaN where one class is missing, `interval` None where it cannot be had; `note` says why.
    """

    value: float
    se: float
    interval: Interval | None
    positives: int
    negatives: int
    note: str = ""


def auc(scores: ArrayLike, truth: ArrayLike, *, level: float = 0.95) -> Auc:
    """Area under the curve of independent cases; for several cases a patient see `auc_by_group`.

    Exactly 1: the interval runs from ((1 - level) / 2)^(1 / min(m, n)) to 1; exactly 0: mirrored. Source: DeLong,
    DeLong and Clarke-Pearson 1988.
    """
    true = two_classes(truth)
    value = scores_of(scores, len(true))
    m, n = int(np.count_nonzero(true)), int(np.count_nonzero(~true))
    if m == 0 or n == 0:
        return Auc(math.nan, math.nan, None, m, n, "only one class")
    v10, v01 = _placements(value, true)
    found = float(v10.mean())
    tail = (1 - level) / 2
    if found in (0.0, 1.0):
        bound = tail ** (1 / min(m, n))
        interval = Interval(bound, 1.0, level) if found == 1 else Interval(0.0, 1 - bound, level)
        return Auc(found, 0.0, interval, m, n, "no overlap: bound by the smaller class")
    if min(m, n) < 2:
        return Auc(found, math.nan, None, m, n, "one case of a class: no interval")
    se = math.sqrt(float(v10.var(ddof=1)) / m + float(v01.var(ddof=1)) / n)
    if se == 0:
        return Auc(found, 0.0, None, m, n, "every score of a class is placed alike: no interval")
    half = NormalDist().inv_cdf(1 - tail) * se / (found * (1 - found))
    centre = math.log(found / (1 - found))
    low, high = (1 / (1 + math.exp(-(centre + sign * half))) for sign in (-1, 1))
    return Auc(found, se, Interval(low, high, level), m, n)


def auc_by_group(scores: ArrayLike, truth: ArrayLike, groups: list[str], *, seed: int = 0) -> Bootstrap:
    """Area under the curve with a bootstrap interval over patients, for several cases a patient."""
    true = two_classes(truth)
    value = scores_of(scores, len(true))
    if len(groups) != len(true):
        raise UsageError(f"{len(groups)} groups for {len(true)} cases")
    _, members = group_members(groups)

    def statistic(drawn: NDArray[np.intp]) -> float:
        items = np.concatenate([members[i] for i in drawn])
        return area(value[items], true[items])

    return bootstrap(statistic, len(members), seed=seed)


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Area of the first model minus that of the second on the same cases; `p` is two-sided."""

    difference: float
    interval: Interval | None
    z: float
    p: float
    note: str = ""


def compare_auc(first: ArrayLike, second: ArrayLike, truth: ArrayLike, *, level: float = 0.95) -> AucDifference:
    """Two models on the same independent cases: z = (A1 - A2) / sqrt(v1 + v2 - 2c) (DeLong 1988)."""
    true = two_classes(truth)
    a, b = scores_of(first, len(true), "first"), scores_of(second, len(true), "second")
    m, n = int(np.count_nonzero(true)), int(np.count_nonzero(~true))
    if min(m, n) < 2:
        return AucDifference(math.nan, None, math.nan, math.nan, "fewer than two cases of a class")
    (a10, a01), (b10, b01) = _placements(a, true), _placements(b, true)
    d10, d01 = a10 - b10, a01 - b01
    difference = float(a10.mean() - b10.mean())
    variance = float(d10.var(ddof=1)) / m + float(d01.var(ddof=1)) / n
    if variance <= 0:
        same = difference == 0
        return AucDifference(difference, None, math.nan, 1.0 if same else math.nan, "the models place cases alike")
    se = math.sqrt(variance)
    normal = NormalDist()
    half = normal.inv_cdf((1 + level) / 2) * se
    z = difference / se
    return AucDifference(difference, Interval(difference - half, difference + half, level), z, 2 * normal.cdf(-abs(z)))


def macro_auc(probabilities: ArrayLike, truth: ArrayLike) -> Score:
    """One-versus-rest area, mean over the classes present in `truth` (n,) class indices.

    `probabilities` is (n, classes). Fewer than two classes present: undefined; absent classes are named in `note`.
    """
    rows = np.asarray(probabilities)
    table = class_probabilities(rows, len(rows))
    true = class_indices(truth, table.shape[1])
    if len(true) != len(table):
        raise UsageError(f"{len(true)} truths for {len(table)} cases")
    present = np.unique(true)
    if len(present) < 2:
        return Score(math.nan, len(true), None, "only one class")
    mean = float(np.mean([area(table[:, c], true == c) for c in present]))
    absent = table.shape[1] - len(present)
    return Score(mean, len(true), None, f"{absent} classes absent" if absent else "")
