"""Split-conformal promises: quantiles, sets of classes, a three-way decision. They hold for exchangeable cases only.

Given one set of n calibration cases, the coverage that new cases will see is itself random: Beta(k, n + 1 - k) with
rank k = ceil((n + 1)(1 - a)). Every answer here can state that range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from overread.errors import UsageError
from overread.models.checked import distributions, finite, indices

ENOUGH_FOR_OWN_THRESHOLD = 50
"""Cases of each class from which on each class has a threshold of its own."""


def conformal_rank(n: int, *, miss_rate: float) -> int:
    """ceil((n + 1)(1 - a)), a = `miss_rate`; may exceed n."""
    if not 0 < miss_rate < 1:
        raise UsageError(f"miss_rate is {miss_rate}, expected between 0 and 1")
    return math.ceil(round((n + 1) * (1 - miss_rate), 9))  # 10 * (1 - 0.1) must be 9, whatever binary makes of 0.1


def conformal_quantile(scores: ArrayLike, *, miss_rate: float) -> float:
    """The ceil((n + 1)(1 - a))-th smallest score, a = `miss_rate`; infinite when that rank exceeds n.

    Source: split conformal prediction, Vovk et al. 2005; Lei et al. 2018.
    """
    values = np.sort(finite(scores, "scores"))
    rank = conformal_rank(len(values), miss_rate=miss_rate)
    return math.inf if rank > len(values) else float(values[rank - 1])


def coverage_range(n: int, *, miss_rate: float, level: float = 0.9) -> tuple[float, float]:
    """Where the coverage of new cases lies with probability `level`, given n calibration cases.

    Quantiles of Beta(k, n + 1 - k); (1, 1) where the threshold is infinite and nothing is ever ruled out.
    """
    from scipy.special import betaincinv  # noqa: PLC0415  (not needed to print help)

    k = conformal_rank(n, miss_rate=miss_rate)
    if k > n:
        return 1.0, 1.0
    low, high = (float(betaincinv(k, n + 1 - k, q)) for q in ((1 - level) / 2, (1 + level) / 2))
    return low, high


@dataclass(frozen=True, slots=True)
class ClassSets:
    """The set {c: 1 - p_c <= q_c} of classes that cannot be ruled out.

    Parameters
    ----------
    thresholds : tuple of float
        q of each class; equal for all unless each class had 50 cases or more (`by_class`).
    counts : tuple of int
        Calibration cases of each class.
    """

    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    counts: tuple[int, ...]
    miss_rate: float
    by_class: bool

    def __post_init__(self) -> None:
        if not len(self.classes) == len(self.thresholds) == len(self.counts) >= 2:
            raise UsageError("a set of classes needs one threshold and one count a class, two or more")
        conformal_rank(1, miss_rate=self.miss_rate)

    def sets(self, probabilities: ArrayLike) -> list[tuple[str, ...]]:
        """Of (n, classes) calibrated probabilities; a set may be empty: such a case resembles none."""
        table = distributions(probabilities)
        if table.shape[1] != len(self.classes):
            raise UsageError(f"{table.shape[1]} probabilities for {len(self.classes)} classes")
        kept = 1 - table <= np.array(self.thresholds)
        return [tuple(c for c, keep in zip(self.classes, row, strict=True) if keep) for row in kept]

    def coverage(self, *, level: float = 0.9) -> tuple[float, float]:
        """The range in which the coverage lies with probability `level`; of the class with the lowest where each has
        its own."""
        numbers = self.counts if self.by_class else (sum(self.counts),)
        return min(coverage_range(n, miss_rate=self.miss_rate, level=level) for n in numbers)


def fit_class_sets(
    probabilities: ArrayLike, truth: ArrayLike, classes: Sequence[str], *, miss_rate: float = 0.1
) -> ClassSets:
    """Thresholds from held-out cases: one for all, or one a class (Mondrian) when each has 50 cases or more."""
    table = distributions(probabilities)
    true = indices(truth, len(classes))
    if table.shape != (len(true), len(classes)):
        raise UsageError(f"probabilities have shape {table.shape}, expected ({len(true)}, {len(classes)})")
    score = 1 - table[np.arange(len(true)), true]
    counts = tuple(int(n) for n in np.bincount(true, minlength=len(classes)))
    by_class = min(counts) >= ENOUGH_FOR_OWN_THRESHOLD
    if by_class:
        thresholds = tuple(conformal_quantile(score[true == c], miss_rate=miss_rate) for c in range(len(classes)))
    else:
        thresholds = (conformal_quantile(score, miss_rate=miss_rate),) * len(classes)
    return ClassSets(tuple(classes), thresholds, counts, miss_rate, by_class)


class Decision(StrEnum):
    """Answer of a triage."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"
    NEEDS_READER = "needs a reader"


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """Normal, abnormal, or left to a reader.

    "Normal" is said only where the abnormal are ruled out: no more than `miss_rate` of the abnormal are called normal;
    and the other way round. A case for which both or neither is ruled out goes to a reader.

    Parameters
    ----------
    normal_from, abnormal_from : float
        "Normal" needs a probability of abnormal strictly below `normal_from`, "abnormal" one strictly above
        `abnormal_from`; -inf and +inf where too few cases support such an answer.
    normals, abnormals : int
        Calibration cases.
    """

    normal_from: float
    abnormal_from: float
    normals: int
    abnormals: int
    miss_rate: float
    false_alarm_rate: float

    def decide(self, p_abnormal: float) -> Decision:
        """Of one calibrated probability."""
        if not 0 <= p_abnormal <= 1:
            raise UsageError(f"p_abnormal is {p_abnormal}, expected 0 to 1")
        not_abnormal, not_normal = p_abnormal < self.normal_from, p_abnormal > self.abnormal_from
        if not_abnormal == not_normal:
            return Decision.NEEDS_READER
        return Decision.NORMAL if not_abnormal else Decision.ABNORMAL

    def kept_abnormal(self, *, level: float = 0.9) -> tuple[float, float]:
        """Range of the share of abnormal cases that are not called normal, with probability `level`."""
        return coverage_range(self.abnormals, miss_rate=self.miss_rate, level=level)

    def kept_normal(self, *, level: float = 0.9) -> tuple[float, float]:
        """Range of the share of normal cases that are not called abnormal, with probability `level`."""
        return coverage_range(self.normals, miss_rate=self.false_alarm_rate, level=level)


def fit_three_way(
    p_abnormal: ArrayLike, abnormal: ArrayLike, *, miss_rate: float = 0.02, false_alarm_rate: float = 0.1
) -> ThreeWay:
    """Thresholds from held-out cases; `abnormal` (n,) is 0 or 1."""
    p, true = finite(p_abnormal, "p_abnormal"), indices(abnormal, 2)
    if p.shape != true.shape or np.any(p < 0) or np.any(p > 1):
        raise UsageError(f"{len(true)} truths for p_abnormal of shape {p.shape}, expected as many within 0 to 1")
    below = -conformal_quantile(-p[true == 1], miss_rate=miss_rate)
    above = conformal_quantile(p[true == 0], miss_rate=false_alarm_rate)
    return ThreeWay(below, above, int((true == 0).sum()), int((true == 1).sum()), miss_rate, false_alarm_rate)


def as_row(classes: Sequence[str], probabilities: Mapping[str, float]) -> list[float]:
    """Probabilities by name in the order of `classes`; raises `UsageError` where the names differ."""
    if set(probabilities) != set(classes):
        raise UsageError(f"probabilities for {sorted(probabilities)}, expected {sorted(classes)}")
    return [float(probabilities[name]) for name in classes]
