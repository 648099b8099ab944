"""How far readers or machines give the same number: intraclass correlation and Lin's concordance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread.findings import Interval
from overread_lab.metrics.average import Score, finite


@dataclass(frozen=True, slots=True)
class IntraclassCorrelation:
    """Single-measure agreement of k raters on n subjects, with the mean squares behind it.

    `absolute` is ICC(2,1), `consistent` ICC(3,1); NaN with a `note` where undefined, negative values are kept.
    `dropped` counts subjects with a missing cell.
    """

    absolute: float
    absolute_interval: Interval | None
    consistent: float
    consistent_interval: Interval | None
    between_subjects: float
    between_raters: float
    error: float
    n: int
    dropped: int
    note: str = ""


def icc(ratings: ArrayLike, *, level: float = 0.95) -> IntraclassCorrelation:
    """Of (subject, rater) `ratings`, two-way; a subject with a NaN (missing cell) is dropped and counted.

    Sources: Shrout and Fleiss 1979; intervals by F, McGraw and Wong 1996.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise UsageError(f"ratings have shape {table.shape}, expected (subjects, two raters or more)")
    if np.isinf(table).any():
        raise UsageError("ratings hold infinity")
    kept = table[~np.isnan(table).any(axis=1)]
    n, k, dropped = len(kept), table.shape[1], len(table) - len(kept)
    nan = math.nan
    if n < 2:
        return IntraclassCorrelation(nan, None, nan, None, nan, nan, nan, n, dropped, "fewer than 2 subjects")
    msr = k * float(kept.mean(axis=1).var(ddof=1))
    msc = n * float(kept.mean(axis=0).var(ddof=1))
    rest = kept - kept.mean(axis=1, keepdims=True) - kept.mean(axis=0) + kept.mean()
    mse = float((rest**2).sum()) / ((n - 1) * (k - 1))
    absolute_below = msr + (k - 1) * mse + k * (msc - mse) / n
    if msr + (k - 1) * mse <= 0 or absolute_below <= 0:
        return IntraclassCorrelation(nan, None, nan, None, msr, msc, mse, n, dropped, "no spread: undefined")
    absolute, consistent = (msr - mse) / absolute_below, (msr - mse) / (msr + (k - 1) * mse)
    squares = (msr, msc, mse)
    return IntraclassCorrelation(
        absolute, _absolute_interval(squares, n, k, absolute, level=level),
        consistent, _consistent_interval(squares, n, k, level=level),
        msr, msc, mse, n, dropped,
    )  # fmt: skip


def _consistent_interval(squares: tuple[float, float, float], n: int, k: int, *, level: float) -> Interval | None:
    from scipy.stats import f  # noqa: PLC0415  (slow to load)

    msr, _, mse = squares
    if mse == 0:
        return None
    free, tail = (n - 1) * (k - 1), (1 + level) / 2
    low = msr / mse / float(f.ppf(tail, n - 1, free))
    high = msr / mse * float(f.ppf(tail, free, n - 1))
    return Interval((low - 1) / (low + k - 1), (high - 1) / (high + k - 1), level)


def _absolute_interval(
    squares: tuple[float, float, float], n: int, k: int, value: float, *, level: float
) -> Interval | None:
    from scipy.stats import f  # noqa: PLC0415

    msr, msc, mse = squares
    if mse == 0 or value >= 1:
        return None
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    free = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    tail = (1 + level) / 2
    first, second = float(f.ppf(tail, n - 1, free)), float(f.ppf(tail, free, n - 1))
    rest = k * msc + (k * n - k - n) * mse
    return Interval(
        n * (msr - first * mse) / (first * rest + n * msr), n * (second * msr - mse) / (rest + n * second * msr), level
    )


def concordance(a: ArrayLike, b: ArrayLike) -> Score:
    """Lin's 2 s_xy / (s_x^2 + s_y^2 + (m_x - m_y)^2), variances with 1/n; both constant: undefined (Lin 1989)."""
    first, second = finite(a, "a"), finite(b, "b")
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        raise UsageError(f"{first.shape} values against {second.shape}: expected two lists of pairs")
    spread: NDArray[np.float64] = np.cov(first, second, bias=True) if len(first) > 1 else np.zeros((2, 2))
    if spread[0, 0] == 0 and spread[1, 1] == 0:
        return Score(math.nan, len(first), None, "both are constant")
    apart = float(first.mean() - second.mean()) ** 2
    return Score(float(2 * spread[0, 1] / (spread[0, 0] + spread[1, 1] + apart)), len(first))
