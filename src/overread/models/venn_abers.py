"""Interval [p0, p1] of a binary probability from stored calibration scores (inductive Venn-Abers).

Whatever the scores are, one of the two numbers is perfectly calibrated for exchangeable cases; how far they lie apart
says how much the calibration cases know about this score. Source: Vovk and Petej 2014; Vovk, Petej and Fedorova 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.models.checked import finite, indices


@dataclass(frozen=True, slots=True)
class BinaryProbability:
    """`low` <= `value` <= `high`: p0, p1 / (1 - p0 + p1) and p1."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class VennAbers:
    """Calibration cases: distinct scores in rising order, how many each has, and how many of them are positive.

    Parameters
    ----------
    scores, counts, positives : (m,) float
    """

    scores: NDArray[np.float64]
    counts: NDArray[np.float64]
    positives: NDArray[np.float64]

    @classmethod
    def from_cases(cls, scores: ArrayLike, truth: ArrayLike) -> VennAbers:
        """From (n,) scores of held-out cases and their truth (0 or 1); raises `UsageError` for none or for NaN."""
        value, true = finite(scores, "scores"), indices(truth, 2)
        if value.shape != true.shape:
            raise UsageError(f"{len(true)} truths for scores of shape {value.shape}")
        distinct, which = np.unique(value, return_inverse=True)
        hits = np.bincount(which, true).astype(np.float64)
        return cls(distinct, np.bincount(which).astype(np.float64), hits)

    @property
    def n(self) -> int:
        """Number of calibration cases."""
        return int(self.counts.sum())

    def probability(self, score: float) -> BinaryProbability:
        """Of a new case with this score; both limits rise with the score."""
        if not np.isfinite(score):
            raise UsageError(f"score is {score}, expected a finite number")
        low, high = self._fitted(score, 0.0), self._fitted(score, 1.0)
        return BinaryProbability(low, high / (1 - low + high), high)

    def _fitted(self, score: float, label: float) -> float:
        """Isotonic fit of the calibration cases with the new one called `label`, read at the new one."""
        from scipy.optimize import isotonic_regression  # noqa: PLC0415  (not needed to print help)

        at = int(np.searchsorted(self.scores, score))
        counts, positives = self.counts.copy(), self.positives.copy()
        if at < len(self.scores) and self.scores[at] == score:
            counts[at] += 1
            positives[at] += label
        else:
            counts, positives = np.insert(counts, at, 1.0), np.insert(positives, at, label)
        fit = isotonic_regression(positives / counts, weights=counts).x
        return float(min(1.0, max(0.0, fit[at])))
