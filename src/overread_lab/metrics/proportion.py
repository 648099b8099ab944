"""Shares of n cases with their intervals: Wilson's, and the exact one of Clopper and Pearson."""

from __future__ import annotations

import math
from statistics import NormalDist

from overread.errors import UsageError
from overread.findings import Interval
from overread_lab.metrics.average import Score


def _require_counts(hits: int, n: int) -> None:
    if not (n > 0 and 0 <= hits <= n):
        raise UsageError(f"{hits} of {n} is not a share", way_out="Give 0 <= hits <= n with n >= 1.")


def wilson(hits: int, n: int, *, level: float = 0.95) -> Interval:
    """Wilson's score interval of `hits` / `n`. Raises `UsageError` for n = 0.

    Centre (p + z2/2n) / (1 + z2/n), half width z sqrt(p(1-p)/n + z2/4n2) / (1 + z2/n). Source: Wilson 1927.
    """
    _require_counts(hits, n)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, shrink = hits / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / shrink
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Interval(low, high, level)


def exact(hits: int, n: int, *, level: float = 0.95) -> Interval:
    """The exact binomial interval of `hits` / `n` (Clopper and Pearson 1934). Raises `UsageError` for n = 0."""
    from scipy.special import betaincinv  # noqa: PLC0415  (Wilson alone needs no SciPy)

    _require_counts(hits, n)
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return Interval(low, high, level)


def proportion(hits: int, n: int, *, level: float = 0.95) -> Score:
    """`hits` / `n` with Wilson's interval; undefined for n = 0."""
    if n == 0 and hits == 0:
        return Score(math.nan, 0, None, "no cases")
    return Score(hits / n if n else math.nan, n, wilson(hits, n, level=level))
