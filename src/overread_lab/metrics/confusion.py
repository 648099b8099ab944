"""Right and wrong answers of a classifier: counts of two classes, recalls of many. Not its probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import Score, finite
from overread_lab.metrics.checked import class_indices, class_probabilities, two_classes
from overread_lab.metrics.proportion import proportion


@dataclass(frozen=True, slots=True)
class BinaryCounts:
    """True and false positives and negatives. Every share has Wilson's interval; 0 of 0 is undefined."""

    tp: int
    fn: int
    tn: int
    fp: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fn, self.tn, self.fp) < 0:
            raise UsageError(f"a count is negative: {self}")

    @property
    def n(self) -> int:
        """All cases."""
        return self.tp + self.fn + self.tn + self.fp

    @property
    def sensitivity(self) -> Score:
        """TP / (TP + FN)."""
        return proportion(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Score:
        """TN / (TN + FP)."""
        return proportion(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> Score:
        """TP / (TP + FP), at the prevalence of these cases."""
        return proportion(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> Score:
        """TN / (TN + FN), at the prevalence of these cases."""
        return proportion(self.tn, self.tn + self.fn)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of sensitivity and specificity; of the class that is there, if only one is."""
        present = [s.value for s in (self.sensitivity, self.specificity) if not math.isnan(s.value)]
        return sum(present) / len(present) if present else math.nan


def binary_counts(truth: ArrayLike, positive: ArrayLike) -> BinaryCounts:
    """Counts of `positive` (what was answered) against `truth`, both (n,) bool or 0/1."""
    true, said = two_classes(truth), two_classes(positive)
    if true.shape != said.shape:
        raise UsageError(f"{len(said)} answers for {len(true)} truths")
    both = int(np.count_nonzero(true & said))
    return BinaryCounts(
        tp=both,
        fn=int(np.count_nonzero(true)) - both,
        tn=int(np.count_nonzero(~true & ~said)),
        fp=int(np.count_nonzero(said)) - both,
    )


def _shares(sensitivity: float, specificity: float, prevalence: float) -> None:
    for name, value in (("sensitivity", sensitivity), ("specificity", specificity), ("prevalence", prevalence)):
        if not 0 <= value <= 1:
            raise UsageError(f"{name} is {value}, expected 0 to 1")


def restated_npv(sensitivity: float, specificity: float, *, prevalence: float) -> float:
    """NPV at another prevalence q: spec (1-q) / (spec (1-q) + (1-sens) q); NaN where nothing is called negative."""
    _shares(sensitivity, specificity, prevalence)
    right, wrong = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return right / (right + wrong) if right + wrong > 0 else math.nan


def restated_ppv(sensitivity: float, specificity: float, *, prevalence: float) -> float:
    """PPV at another prevalence q: sens q / (sens q + (1-spec) (1-q)); NaN where nothing is called positive."""
    _shares(sensitivity, specificity, prevalence)
    right, wrong = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return right / (right + wrong) if right + wrong > 0 else math.nan


def confusion_matrix(truth: ArrayLike, answer: ArrayLike, *, classes: int) -> NDArray[np.int64]:
    """(classes, classes) counts: row is the truth, column the answer; both are class indices."""
    true, said = class_indices(truth, classes), class_indices(answer, classes, "answer")
    if true.shape != said.shape:
        raise UsageError(f"{len(said)} answers for {len(true)} truths")
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (true, said), 1)
    return matrix


def require_matrix(matrix: ArrayLike) -> NDArray[np.float64]:
    """A square table of counts as float64; raises `UsageError` for anything else."""
    table = finite(matrix, "matrix")
    if table.ndim != 2 or table.shape[0] != table.shape[1] or np.any(table < 0):
        raise UsageError(f"a table of shape {table.shape} is no square table of counts")
    return table


@dataclass(frozen=True, slots=True)
class BalancedAccuracy:
    """Mean recall over the classes present in the truth; `absent` counts those that are not."""

    value: float
    recalls: tuple[Score, ...]
    absent: int


def balanced_accuracy(matrix: ArrayLike) -> BalancedAccuracy:
    """From a confusion matrix (row: truth). No case at all: NaN."""
    table = require_matrix(matrix).astype(np.int64)
    recalls = tuple(proportion(int(row[i]), int(row.sum())) for i, row in enumerate(table))
    present = [score.value for score in recalls if score.n]
    value = sum(present) / len(present) if present else math.nan
    return BalancedAccuracy(value, recalls, len(recalls) - len(present))


@dataclass(frozen=True, slots=True, eq=False)
class TopClass:
    """The most probable class of each case; `tied` marks cases where several share the top (lowest index taken)."""

    index: NDArray[np.intp]
    tied: NDArray[np.bool_]


def top_class(probabilities: ArrayLike) -> TopClass:
    """Of (n, classes) probabilities."""
    table = class_probabilities(probabilities, len(np.asarray(probabilities)))
    tied = (table == table.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return TopClass(np.argmax(table, axis=1), tied)
