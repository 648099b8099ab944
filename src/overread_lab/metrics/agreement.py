"""How two ways of measuring the same things agree (Bland and Altman)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overread.errors import UsageError
from overread.findings import Interval
from overread_lab.metrics.average import finite


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Bias and limits of agreement of n pairs; all NaN below 3 pairs, and `note` says so.

    `low` and `high` are bias -+ 1.96 sd of the differences a - b; `low_interval` and `high_interval` their 95 %
    intervals. `slope` is that of the difference against the mean, `slope_p` its two-sided p value: a slope that
    differs from 0 asks for the ratio version (`ratio` True: all figures are then ratios a / b).
    """

    n: int
    bias: float
    sd: float
    low: float
    high: float
    low_interval: Interval | None
    high_interval: Interval | None
    slope: float
    slope_p: float
    ratio: bool = False
    note: str = ""


def _slope(mean: ArrayLike, difference: ArrayLike) -> tuple[float, float]:
    from scipy.stats import linregress  # noqa: PLC0415  (scipy.stats is slow to load)

    if np.ptp(np.asarray(mean)) == 0:
        return math.nan, math.nan
    fit = linregress(mean, difference)
    return float(fit.slope), float(fit.pvalue)


def bland_altman(a: ArrayLike, b: ArrayLike, *, ratio: bool = False) -> BlandAltman:
    """Agreement of `a` with `b` (n,), pair by pair, in one unit.

    `ratio=True` works on logarithms and gives back ratios a / b; `sd` is then that of ln(a / b). Each limit has the
    interval +-1.96 sd sqrt(1/n + 1.96^2 / (2 (n - 1))). Source: Bland and Altman 1999.
    """
    first, second = finite(a, "a"), finite(b, "b")
    if first.shape != second.shape or first.ndim != 1:
        raise UsageError(f"{first.shape} values against {second.shape}: expected two lists of pairs")
    if ratio and (np.any(first <= 0) or np.any(second <= 0)):
        raise UsageError("ratios need values above 0")
    n = len(first)
    if n < 3:
        nan = math.nan
        return BlandAltman(n, nan, nan, nan, nan, None, None, nan, nan, ratio, "undefined below 3 pairs")
    if ratio:
        first, second = np.log(first), np.log(second)
    difference = first - second
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    low, high = bias - 1.96 * sd, bias + 1.96 * sd
    half = 1.96 * sd * math.sqrt(1 / n + 1.96**2 / (2 * (n - 1)))
    slope, slope_p = _slope((first + second) / 2, difference)

    def back(x: float) -> float:
        return math.exp(x) if ratio else x

    return BlandAltman(
        n=n,
        bias=back(bias),
        sd=sd,
        low=back(low),
        high=back(high),
        low_interval=Interval(back(low - half), back(low + half)),
        high_interval=Interval(back(high - half), back(high + half)),
        slope=slope,
        slope_p=slope_p,
        ratio=ratio,
    )
