"""Whether error bars keep their promise: coverage, width, interval score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.findings import Interval
from overread.models.conformal import conformal_quantile
from overread_lab.metrics.average import finite
from overread_lab.metrics.proportion import exact, wilson

__all__ = ["Coverage", "conformal_quantile", "coverage", "coverage_by_bin", "interval_score"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals held the truth.

    `share` is NaN and the intervals None when `n` is 0. `exact` is the interval that counts; `wilson` stands beside
    it. Widths and `mean_score` (the interval score) are in the unit of the values: a bar that always covers by
    being wide shows there.
    """

    n: int
    covered: int
    share: float
    exact: Interval | None
    wilson: Interval | None
    median_width: float
    mean_width: float
    mean_score: float

    def keeps(self, nominal: float = 0.95, *, at_most: float = 0.995) -> bool:
        """Whether the exact interval of the share holds `nominal` or lies above it, and the share is no more than
        `at_most`."""
        return self.exact is not None and self.exact.high >= nominal and self.share <= at_most


def _ends(low: ArrayLike, high: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    lows, highs = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    truths = finite(truth, "truth")
    if not lows.shape == highs.shape == truths.shape or truths.ndim != 1:
        raise UsageError(f"low {lows.shape}, high {highs.shape} and truth {truths.shape} are not one list each")
    if np.isnan(lows).any() or np.isnan(highs).any():
        raise UsageError("an interval has an end that is NaN", way_out="Leave out and count what was not measured.")
    if np.any(lows > highs):
        raise UsageError(f"interval {int(np.argmax(lows > highs))} runs from high to low")
    return lows, highs, truths


def interval_score(
    low: ArrayLike, high: ArrayLike, truth: ArrayLike, *, miss_rate: float = 0.05
) -> NDArray[np.float64]:
    """(n,) interval scores, in the unit of the values; smaller is better.

    (high - low) + (2/a) (low - truth)+ + (2/a) (truth - high)+ with a = `miss_rate`. Source: Gneiting and Raftery
    2007, eq. 43. An interval with an infinite end scores infinity.
    """
    lows, highs, truths = _ends(low, high, truth)
    below, above = np.maximum(lows - truths, 0), np.maximum(truths - highs, 0)
    return (highs - lows) + (2 / miss_rate) * (below + above)


def coverage(low: ArrayLike, high: ArrayLike, truth: ArrayLike, *, nominal: float = 0.95) -> Coverage:
    """Share of truths with low <= truth <= high, with its exact and Wilson intervals.

    An infinite end covers on its side and makes the width infinite, hence the median width beside the mean.
    `nominal` sets the penalty of the interval score. Raises `UsageError` for NaN.
    """
    lows, highs, truths = _ends(low, high, truth)
    n = len(truths)
    if n == 0:
        return Coverage(0, 0, math.nan, None, None, math.nan, math.nan, math.nan)
    covered = int(np.count_nonzero((lows <= truths) & (truths <= highs)))
    width = highs - lows
    return Coverage(
        n=n,
        covered=covered,
        share=covered / n,
        exact=exact(covered, n),
        wilson=wilson(covered, n),
        median_width=float(np.median(width)),
        mean_width=float(np.mean(width)),
        mean_score=float(np.mean(interval_score(lows, highs, truths, miss_rate=1 - nominal))),
    )


def coverage_by_bin(
    low: ArrayLike, high: ArrayLike, truth: ArrayLike, *, size: ArrayLike, edges: Sequence[float]
) -> list[tuple[float, float, Coverage]]:
    """Coverage in each bin [edge, next edge) of `size`; the last bin holds its upper edge too.

    Returns (low edge, high edge, Coverage) for every bin, empty ones included. Raises `UsageError` when a size
    falls into no bin: a case must not vanish from the table.
    """
    lows, highs, truths = _ends(low, high, truth)
    sizes = finite(size, "size")
    if sizes.shape != truths.shape:
        raise UsageError(f"size has shape {sizes.shape}, truth {truths.shape}")
    borders = finite(edges, "edges")
    if len(borders) < 2 or np.any(np.diff(borders) <= 0):
        raise UsageError("edges must be two or more, and rise")
    if len(sizes) and (sizes.min() < borders[0] or sizes.max() > borders[-1]):
        raise UsageError(f"sizes run from {sizes.min()} to {sizes.max()}, the edges from {borders[0]} to {borders[-1]}")
    where = np.clip(np.searchsorted(borders, sizes, side="right") - 1, 0, len(borders) - 2)
    return [
        (float(borders[i]), float(borders[i + 1]), coverage(lows[where == i], highs[where == i], truths[where == i]))
        for i in range(len(borders) - 1)
    ]
